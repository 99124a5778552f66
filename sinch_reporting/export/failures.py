"""Kinds of failures, and the circuit breaker that pauses an export while everything fails. No I/O."""

import math
from collections.abc import Callable
from enum import StrEnum
from time import monotonic

from sinch_reporting.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    DeadlineExceededError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ReportingError,
    TransportError,
)
from sinch_reporting.export.job import PausePolicy

_INVALID_KEY = 40004
# Messages of DecodeError for a JSON object with wrong fields. Every other 200 is a page, a proxy or a damaged body.
_SCHEMA_VIOLATIONS = ("response field", "the response does not conform")


class Failure(StrEnum):
    """What follows from a failed request.

    `permanent`: the same request would fail again. `transient`: it is requested again, by the next run at the latest.
    `forbidden`: a 403, permanent only if other requests succeed. `fatal`: all other requests would fail too.
    """

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    FORBIDDEN = "forbidden"
    FATAL = "fatal"


def classify(error: ReportingError) -> Failure:
    """Return the kind of a failure. In doubt a failure is transient, so that no report is given up by accident."""
    kind = Failure.FATAL  # the client is closed or misconfigured
    if isinstance(error, APIError):
        kind = _classify_response(error)
    elif isinstance(error, InvalidRequestError):
        kind = Failure.PERMANENT
    elif isinstance(error, DecodeError):
        kind = Failure.PERMANENT if str(error).startswith(_SCHEMA_VIOLATIONS) else Failure.TRANSIENT
    elif isinstance(error, TransportError | DeadlineExceededError):
        kind = Failure.TRANSIENT
    return kind


def _classify_response(error: APIError) -> Failure:
    if isinstance(error, AuthenticationError) or error.error_code == _INVALID_KEY:
        return Failure.FATAL
    if error.error_code is None and error.message is None:
        return Failure.TRANSIENT  # not the API's JSON, but a proxy, a login page or a wrong base URL
    if isinstance(error, PermissionDeniedError):
        return Failure.FORBIDDEN
    return Failure.PERMANENT if isinstance(error, BadRequestError | NotFoundError) else Failure.TRANSIENT


def retry_after(error: ReportingError) -> float | None:
    """Return the delay that the server asks for, if any."""
    return error.retry_after if isinstance(error, APIError) else None


class CircuitBreaker:
    """Stops all requests while the server fails, and says when to send a probe.

    Attributes:
        is_open: Whether requests are stopped.
        gives_up: Whether the next probe would be too late by the policy.
        next_probe: Monotonic time of the next probe.
        problem: The last failure.
    """

    def __init__(self, policy: PausePolicy, clock: Callable[[], float] = monotonic) -> None:
        self.is_open = False
        self.gives_up = False
        self.next_probe = -math.inf
        self.problem = ""
        self._policy = policy
        self._clock = clock
        self._failures = 0
        self._pause = policy.first
        self._opened = 0.0

    def succeed(self, *, probe: bool) -> None:
        """Note a response of the API, also a permanent failure. Only that of a probe closes the circuit."""
        if self.is_open and not probe:
            return
        self.is_open = False
        self.next_probe = -math.inf
        self._failures = 0
        self._pause = self._policy.first

    def fail(self, error: ReportingError, *, probe: bool) -> None:
        """Note a transient failure, which may open the circuit or delay the next probe."""
        delay = retry_after(error) or 0.0
        now = self._clock()
        self._failures += 1
        if probe:
            self._pause = min(self._pause * 2, max(self._policy.longest, self._policy.first))
        elif self.is_open and not delay:
            return  # was in flight when the circuit opened
        elif not self.is_open and not delay and self._failures < self._policy.failures:
            return
        if not self.is_open:
            self.is_open = True
            self._opened = now
        self.problem = str(error)
        self.next_probe = max(self.next_probe, now + max(self._pause, delay))
        outage = self.next_probe - self._opened
        self.gives_up = delay > self._policy.max_retry_after or outage > self._policy.give_up_after
