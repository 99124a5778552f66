"""Content of `export.json`: what is complete."""

import json
from typing import Any

from attrs import asdict, field, frozen

from sinch_reporting.export.job import FileFormat, Period
from sinch_reporting.version import __version__

_LAYOUT = 1


@frozen(kw_only=True)
class PeriodState:
    """State of a period in `export.json`.

    Attributes:
        complete: Whether each report of the input is there or has failed permanently, and the period was over.
        partial: Whether the period was not over when it was last worked through.
        reports: Number of reports.
        permanent_failures: Number of permanent failures.
        transient_failures: Number of failures that the next run requests again.
        missing: Number of reports that were not requested yet.
        input: Digest of the input and domains of the last run.
    """

    complete: bool = False
    partial: bool = False
    reports: int = 0
    permanent_failures: int = 0
    transient_failures: int = 0
    missing: int = 0
    input: str = ""


@frozen(kw_only=True)
class State:
    """Content of `export.json`."""

    file_format: FileFormat
    api_host: str
    periods: dict[str, PeriodState] = field(factory=dict)
    rejected: int = 0
    last_run: dict[str, Any] = field(factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all periods are complete, and the last run has ended by itself."""
        return all(each.complete for each in self.periods.values()) and self.last_run.get("ended") == "finished"

    def to_json(self) -> bytes:
        """Return the content of the file."""
        periods = self.periods.values()
        content = {
            "layout": _LAYOUT,
            "state": "complete" if self.complete else "incomplete",
            "file_format": self.file_format,
            "client_version": __version__,
            "api_host": self.api_host,
            "reports": sum(each.reports for each in periods),
            "failures": {
                "permanent": sum(each.permanent_failures for each in periods),
                "transient": sum(each.transient_failures for each in periods),
            },
            "missing": sum(each.missing for each in periods),
            "rejected": self.rejected,
            "last_run": self.last_run,
            "periods": {name: asdict(state) for name, state in sorted(self.periods.items())},
        }
        return json.dumps(content, indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> "State":
        """Parse the file. Raises ValueError, LookupError and TypeError."""
        found = json.loads(content)
        if found["layout"] != _LAYOUT:
            raise ValueError
        return cls(
            file_format=found["file_format"],
            api_host=found["api_host"],
            periods={Period.parse(name).name: PeriodState(**state) for name, state in found["periods"].items()},
            rejected=found["rejected"],
            last_run=found["last_run"],
        )
