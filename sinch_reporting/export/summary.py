"""Progress and result of an export."""

from datetime import datetime
from typing import Any, Literal

from attrs import asdict, frozen


@frozen(kw_only=True)
class ExportProgress:
    """Progress of a run.

    Attributes:
        total: Number of reports to export: endpoints x periods x domains.
        done: Number of those that have a report or a permanent failure, from this run or earlier ones.
        failed: Number of requests of this run that failed.
        requested: Number of requests sent in this run.
        paused_until: Time of the next attempt, if the export is paused.
        problem: Reason of the pause.
    """

    total: int
    done: int
    failed: int
    requested: int
    paused_until: datetime | None = None
    problem: str | None = None


@frozen(kw_only=True)
class ExportSummary:
    """Result of a run.

    Attributes:
        destination: The destination, without credentials.
        complete: Whether every report is exported or has failed permanently. Otherwise run the same export again.
        ended: Why the run ended: `finished`, `stopped`, or `gave up`.
        endpoints: Number of different endpoints in the input.
        reports: Number of reports in the periods of this run, including those from earlier runs.
        permanent_failures: Number of permanent failures in those periods.
        transient_failures: Number of failures that the next run requests again.
        missing: Number of reports that were not requested yet.
        duplicates: Number of repeated endpoints in the input.
        rejected: Number of rejected lines of the input.
        rejected_reasons: The most frequent reasons, with their numbers of lines.
        normalized: Number of endpoints whose text was changed to E.164.
        requested: Number of requests sent in this run.
        seconds: Duration of the run.
        problem: Why the export gave up, if it did.
    """

    destination: str
    complete: bool
    ended: Literal["finished", "stopped", "gave up"]
    endpoints: int
    reports: int
    permanent_failures: int
    transient_failures: int
    missing: int
    duplicates: int
    rejected: int
    rejected_reasons: dict[str, int]
    normalized: int
    requested: int
    seconds: float
    problem: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all values as JSON types."""
        return asdict(self)
