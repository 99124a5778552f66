"""Watching a counter or a service: when to poll next, and which samples are yielded."""

import math
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from attrs import field, frozen

from sinch_reporting.errors import APIError, DeadlineExceededError, DecodeError, ReportingError, TransportError
from sinch_reporting.models import Counter, ServiceStatus

COUNTER_REFRESH_SECONDS = 120.0  # interval at which the server refreshes its counters
REFRESH_MARGIN = 1.0  # seconds to wait after a refresh is due: by then it is done, and the Date has whole seconds
LATE_REFRESH_DELAYS = (2.0, 4.0, 8.0)  # waits in seconds if a due refresh is not visible yet
INITIAL_ERROR_DELAY = 5.0  # seconds to wait after a first failure; doubles with each consecutive one
MAX_DELAY = 3600.0  # longest wait in seconds, whatever the Retry-After

TRANSIENT_ERRORS = (APIError, TransportError, DeadlineExceededError, DecodeError)
"""Failures of the server or the network. Any other exception comes from the program, and ends the watch."""

ValueT = TypeVar("ValueT", Counter, ServiceStatus)


@frozen
class CounterChange:
    """A new value of a watched counter."""

    counter: Counter
    error: None = field(default=None, init=False)


@frozen
class ServiceStatusChange:
    """A new status of a watched service."""

    service: ServiceStatus
    error: None = field(default=None, init=False)


@frozen
class WatchFailure:
    """An error while watching a counter or service."""

    error: ReportingError
    counter: Any = field(default=None, init=False)  # not None: pyright does not narrow unions by `if outcome.error`
    service: Any = field(default=None, init=False)


CounterOutcome = CounterChange | WatchFailure
"""Outcome of watching a counter: `error` is None, or `counter` is."""

ServiceStatusOutcome = ServiceStatusChange | WatchFailure
"""Outcome of watching a service: `error` is None, or `service` is."""


class Sample(NamedTuple, Generic[ValueT]):
    """A value, the part of it that is watched, and the server's time of the response, if it has a Date."""

    value: ValueT
    watched: int | str
    date: datetime | None = None


class Poll(NamedTuple, Generic[ValueT]):
    """Result of a poll: a value or an error, whether it is yielded, and the seconds until the next poll."""

    value: ValueT | None
    error: ReportingError | None
    changed: bool
    wait: float


class PollSchedule(Generic[ValueT]):
    """Decides which samples are yielded, and when to poll next. The interval is in seconds."""

    def __init__(self, interval: float) -> None:
        self._seconds = interval
        self._last_yielded: object = None
        self._failures = 0

    def on_sample(self, sample: Sample[ValueT]) -> tuple[bool, float]:
        """Return whether the sample is yielded because it differs from the last one, and the seconds to wait."""
        self._failures = 0
        last, self._last_yielded = self._last_yielded, sample.watched
        return last != sample.watched, self._interval(sample)

    def on_error(self, error: ReportingError) -> float:
        """Return the seconds to wait. The next sample is yielded in any case."""
        self._last_yielded = None
        delay = min(math.ldexp(INITIAL_ERROR_DELAY, self._failures), COUNTER_REFRESH_SECONDS)
        self._failures = min(self._failures + 1, 10)
        retry_after = error.retry_after if isinstance(error, APIError) else None
        return min(max(delay, retry_after or 0), MAX_DELAY)

    def _interval(self, _sample: Sample[ValueT]) -> float:
        return self._seconds


class RefreshSchedule(PollSchedule[Counter]):
    """Polls a counter once per refresh, just after it; if one is late, a few times more."""

    def __init__(self) -> None:
        super().__init__(COUNTER_REFRESH_SECONDS)
        self._modified: datetime | None = None
        self._delays = iter(LATE_REFRESH_DELAYS)

    def _interval(self, sample: Sample[Counter]) -> float:
        modified = sample.value.modified
        if modified != self._modified:
            self._modified, self._delays = modified, iter(LATE_REFRESH_DELAYS)
        # By the server's clock: the local one may be wrong.
        age = ((sample.date or datetime.now(UTC)) - modified).total_seconds()
        if age >= COUNTER_REFRESH_SECONDS and (delay := next(self._delays, None)) is not None:
            return delay
        return COUNTER_REFRESH_SECONDS - age % COUNTER_REFRESH_SECONDS + REFRESH_MARGIN
