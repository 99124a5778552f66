"""How far an export is, and what it came to."""

from attrs import asdict, frozen


@frozen(kw_only=True)
class ExportProgress:
    """How far an export is.

    Attributes:
        endpoints: How many endpoints there are, each counted once.
        done: How many are finished, in this run and in earlier ones, failures included.
        failed: How many of those failed.
        asked: How many were asked in this run.
    """

    endpoints: int
    done: int
    failed: int
    asked: int


@frozen(kw_only=True)
class ExportSummary:
    """What an export came to.

    Attributes:
        destination: Where the datasets are.
        endpoints: How many endpoints there are, each counted once.
        reports: How many have a report, from this run or an earlier one.
        failures: How many have an error in its place.
        duplicates: How many endpoints of the input had been there before.
        rejected: How many lines of the input hold no endpoint.
        asked: How many endpoints were asked in this run.
        seconds: How long this run took.
    """

    destination: str
    endpoints: int
    reports: int
    failures: int
    duplicates: int
    rejected: int
    asked: int
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether every endpoint has a report or an error; else the same call goes on with the others."""
        return self.reports + self.failures == self.endpoints

    def as_dict(self) -> dict[str, str | int | float | bool]:
        """Return the summary as what JSON can hold."""
        return {**asdict(self), "finished": self.finished}
