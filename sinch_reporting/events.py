"""Events of calls, for metrics."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from sinch_reporting._logging import logger


@frozen
class Attempt:
    """A finished attempt of a call. It contains no phone number, username or id.

    Attributes:
        method: The HTTP method.
        route: The route template, such as `/counters/{id}`.
        number: Number of the attempt within its call, from 1; above 1, it was a retry.
        outcome: The HTTP status, or the class name of the error, such as `ReadTimeout` or `DecodeError`.
        elapsed: Duration in seconds.
        headers: The response headers; empty without a response.
    """

    method: str
    route: str
    number: int
    outcome: str
    elapsed: float
    headers: Mapping[str, str] = field(factory=dict, repr=False)

    @property
    def status(self) -> int | None:
        """The HTTP status; None without a valid response."""
        return int(self.outcome) if self.outcome.isdecimal() else None

    @property
    def succeeded(self) -> bool:
        """Whether the attempt returned the requested data."""
        return self.outcome == "200"


AttemptHook = Callable[[Attempt], object]
"""Called with each finished attempt, in the thread or task of the call."""


class Tracer(Protocol):
    """A `sinch_reporting.tracing.CallTracer`, whose module needs OpenTelemetry."""

    def start_call(self, method: str, route: str) -> Any:
        """Start the span of a call."""


def notify(hook: AttemptHook, attempt: Attempt) -> None:
    """Call a hook, and log its exception. The traceback contains this frame only, whose variables show no URL."""
    try:
        hook(attempt)
    except Exception:  # noqa: BLE001 - the call continues
        logger.exception("on_attempt raised an exception")
