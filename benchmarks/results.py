"""Results of the benchmarks: ratios with their limits, and tables."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ratio:
    """A ratio that has a limit.

    Attributes:
        name: What was divided by what.
        values: The ratio in each round.
        limit: The highest median that passes.
        aim: The median to aim for.
    """

    name: str
    values: list[float]
    limit: float
    aim: float | None = None

    @property
    def median(self) -> float:
        """The median of all rounds."""
        return statistics.median(self.values)

    @property
    def passes(self) -> bool:
        """Whether the median is within the limit."""
        return self.median <= self.limit

    def row(self) -> list[str]:
        """Return the cells of a table."""
        spread = f" ({min(self.values):.2f} to {max(self.values):.2f})" if len(self.values) > 1 else ""
        limit = f"{self.limit:g}" + (f" ({self.aim:g})" if self.aim else "") + ("" if self.passes else ", **missed**")
        return [self.name, f"{self.median:.2f}{spread}", limit]


@dataclass(frozen=True)
class Table:
    """Measured values."""

    title: str
    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Result:
    """The result of one benchmark."""

    ratios: list[Ratio] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def missed(results: Iterable[Result]) -> list[str]:
    """Return the names of the ratios that exceed their limits."""
    return [ratio.name for result in results for ratio in result.ratios if not ratio.passes]


def ratio_table(results: Iterable[Result]) -> str:
    """Return the table of all ratios."""
    rows = [ratio.row() for result in results for ratio in result.ratios]
    head = [["ratio", "median (range)", "limit (aim)"], ["---"] * 3]
    return "\n".join(f"| {' | '.join(line)} |" for line in head + rows)
