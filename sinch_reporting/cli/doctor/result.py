"""Result of a check of `doctor`."""

from enum import StrEnum

from attrs import frozen

COUNTER = "currentCalls"
"""The counter that is requested."""

WITHDRAWN = (
    "Sinch no longer documents the Reporting API (since October 2026); ask Sinch support whether it is still available"
)


class Status(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARNING = "warning"  # the client can live with it
    ERROR = "error"
    SKIPPED = "skipped"


@frozen
class Check:
    """What a check found, and what to do. Only warnings and errors have a remedy."""

    status: Status
    what: str
    remedy: str | None = None


def ok(what: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(Status.OK, what)


def warning(what: str, remedy: str) -> Check:
    """Return a check whose finding the client can live with."""
    return Check(Status.WARNING, what, remedy)


def failed(what: str, remedy: str) -> Check:
    """Return a check that failed."""
    return Check(Status.ERROR, what, remedy)


def skipped(reason: str) -> Check:
    """Return a check that was not made."""
    return Check(Status.SKIPPED, reason)
