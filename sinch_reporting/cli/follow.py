"""`--watch`, `--until` and `--timeout`: following a counter or a service as it changes."""

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated, Generic, TypeVar

import anyio
from attrs import define, frozen
from cyclopts import Group, Parameter

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.live import LiveView
from sinch_reporting.cli.output import Format, Row, console, say, writer
from sinch_reporting.errors import ReportingError
from sinch_reporting.models import Counter, ServiceStatus
from sinch_reporting.watch import CounterOutcome, ServiceStatusOutcome

GROUP = Group("Watching", sort_key=5)

ValueT = TypeVar("ValueT", Counter, ServiceStatus)


@Parameter(name="*", group=GROUP)
@frozen(kw_only=True)
class Following:
    """Whether to go on, and for how long.

    Attributes:
        watch: Show each change as it comes, on a terminal with a graph, until Ctrl-C.
        until: Wait until this is so: a status such as up; for a counter a number such as 0, '<100' or '>=100'.
        timeout: Stop after this time, such as 90s or 10m; --until then ends with exit code 3.
    """

    watch: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    until: Annotated[str | None, Parameter(show_default=False)] = None
    timeout: Annotated[timedelta | None, Parameter(show_default=False)] = None

    def __attrs_post_init__(self) -> None:
        if self.timeout is not None and not self.goes_on:
            raise exit_codes.UsageError("--timeout goes with --watch or --until; add one of them")

    @property
    def goes_on(self) -> bool:
        """Whether to look more than once."""
        return self.watch or self.until is not None


@frozen
class Subject(Generic[ValueT]):
    """What is followed.

    Attributes:
        attribute: Where an outcome has the value.
        row: How the value is written.
        height: Where it stands in the graph.
        reached: Whether it is what is waited for; None where nothing is.
        names: What to write at the heights 0, 1, …, in place of numbers.
    """

    attribute: str
    row: Callable[[ValueT], Row]
    height: Callable[[ValueT], float]
    reached: Callable[[ValueT], bool] | None
    names: tuple[str, ...] = ()


async def follow(
    outcomes: AsyncGenerator[CounterOutcome] | AsyncGenerator[ServiceStatusOutcome],
    subject: Subject[ValueT],
    following: Following,
    output: Format,
) -> int:
    """Show what becomes of the outcomes, and return the exit code."""
    seconds = math.inf if following.timeout is None else following.timeout.total_seconds()
    with _view(subject, following, output) as view, anyio.move_on_after(seconds):
        async with aclosing(outcomes):
            async for outcome in outcomes:
                value: ValueT | None = getattr(outcome, subject.attribute)
                view.show(value, outcome.error)
                if value is not None and subject.reached and subject.reached(value):
                    return exit_codes.OK
    return exit_codes.NOT_REACHED if subject.reached else exit_codes.OK


def _view(subject: Subject[ValueT], following: Following, output: Format) -> "_Rows[ValueT] | LiveView[ValueT]":
    terminal = console()
    if following.watch and output == "table" and terminal.is_terminal:
        return LiveView(terminal, subject.row, subject.height, subject.names)
    return _Rows(subject.row, writer(output), each=following.watch)


@define
class _Rows(Generic[ValueT]):
    """Writes a row for each value, or for the last one alone."""

    row: Callable[[ValueT], Row]
    write: Callable[[Row], None]
    each: bool
    last: ValueT | None = None

    def show(self, value: ValueT | None, error: ReportingError | None) -> None:
        """Take a value, or the error in its place."""
        self.last = value
        if error:
            say(f"sinch-reporting: {error}")
        elif value is not None and self.each:
            self.write(self.row(value))

    def __enter__(self) -> "_Rows[ValueT]":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.last is not None and not self.each and kind is None:
            self.write(self.row(self.last))
