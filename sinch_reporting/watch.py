"""Watching a counter or a service: when to poll next, and which samples are yielded.

`RefreshSchedule` and `FixedSchedule` decide that, without I/O; `poll` and `async_poll` request and wait.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import anyio
from attrs import field, frozen

from sinch_reporting.errors import (
    APIError,
    DeadlineExceededError,
    DecodeError,
    InvalidRequestError,
    ReportingError,
    TransportError,
)
from sinch_reporting.models import Counter, ServiceStatus

COUNTER_REFRESH_SECONDS = 120.0
"""Interval at which the server refreshes its counters."""

REFRESH_MARGIN = 1.0
"""Seconds to wait after a refresh is due: by then it is done, and the Date has whole seconds."""

LATE_REFRESH_DELAYS = (2.0, 4.0, 8.0)
"""Waits in seconds if a due refresh is not visible yet."""

INITIAL_ERROR_DELAY = 5.0
"""Seconds to wait after a first failure; doubles with each consecutive one."""

MAX_DELAY = 3600.0
"""Longest wait in seconds, whatever the Retry-After."""

ValueT = TypeVar("ValueT", Counter, ServiceStatus)
OutcomeT = TypeVar("OutcomeT")


@frozen(kw_only=True)
class CounterChange:
    """A new value of a watched counter.

    Attributes:
        counter: The counter.
        error: None.
    """

    counter: Counter
    error: None = field(default=None, init=False)


@frozen(kw_only=True)
class CounterFailure:
    """A failure while watching a counter.

    Attributes:
        counter: None. Declared as Any, because pyright does not narrow unions by `if outcome.error`.
        error: Why there is no counter.
    """

    error: ReportingError
    counter: Any = field(default=None, init=False)


CounterOutcome = CounterChange | CounterFailure
"""Outcome of watching a counter: `counter` or `error`."""


@frozen(kw_only=True)
class ServiceStatusChange:
    """A new status of a watched service.

    Attributes:
        service: The service's status.
        error: None.
    """

    service: ServiceStatus
    error: None = field(default=None, init=False)


@frozen(kw_only=True)
class ServiceStatusFailure:
    """A failure while watching a service.

    Attributes:
        service: None. Declared as Any, because pyright does not narrow unions by `if outcome.error`.
        error: Why there is no status.
    """

    error: ReportingError
    service: Any = field(default=None, init=False)


ServiceStatusOutcome = ServiceStatusChange | ServiceStatusFailure
"""Outcome of watching a service: `service` or `error`."""


class Sample(NamedTuple, Generic[ValueT]):
    """A value, and the server's time of the response, if it has a Date."""

    value: ValueT
    date: datetime | None = None


class PollSchedule(ABC, Generic[ValueT, OutcomeT]):
    """Decides what follows from each sample or failure."""

    def __init__(self) -> None:
        self._last_yielded: object = None
        self._failures = 0

    def on_sample(self, sample: Sample[ValueT]) -> tuple[OutcomeT | None, float]:
        """Return the outcome to yield, None if it was yielded before, and the seconds to wait."""
        self._failures = 0
        last, self._last_yielded = self._last_yielded, self._key(sample.value)
        return (None if last == self._last_yielded else self._success(sample.value)), self._interval(sample)

    def on_error(self, error: ReportingError) -> tuple[OutcomeT, float]:
        """Return the outcome to yield, and the seconds to wait. The next value is yielded in any case."""
        self._last_yielded = None
        delay = min(math.ldexp(INITIAL_ERROR_DELAY, self._failures), COUNTER_REFRESH_SECONDS)
        self._failures = min(self._failures + 1, 10)
        retry_after = error.retry_after if isinstance(error, APIError) else None
        return self._failure(error), min(max(delay, retry_after or 0), MAX_DELAY)

    @abstractmethod
    def _key(self, value: ValueT) -> object: ...

    @abstractmethod
    def _success(self, value: ValueT) -> OutcomeT: ...

    @abstractmethod
    def _failure(self, error: ReportingError) -> OutcomeT: ...

    @abstractmethod
    def _interval(self, sample: Sample[ValueT]) -> float: ...


class RefreshSchedule(PollSchedule[Counter, CounterOutcome]):
    """Polls a counter once per refresh, just after it; if one is late, a few times more."""

    def __init__(self) -> None:
        super().__init__()
        self._modified: datetime | None = None
        self._delays = iter(LATE_REFRESH_DELAYS)

    def _key(self, value: Counter) -> object:
        return value.value

    def _success(self, value: Counter) -> CounterOutcome:
        return CounterChange(counter=value)

    def _failure(self, error: ReportingError) -> CounterOutcome:
        return CounterFailure(error=error)

    def _interval(self, sample: Sample[Counter]) -> float:
        modified = sample.value.modified
        if modified != self._modified:
            self._modified, self._delays = modified, iter(LATE_REFRESH_DELAYS)
        # By the server's clock: the local one may be wrong.
        age = ((sample.date or datetime.now(UTC)) - modified).total_seconds()
        if age >= COUNTER_REFRESH_SECONDS and (delay := next(self._delays, None)) is not None:
            return delay
        return COUNTER_REFRESH_SECONDS - age % COUNTER_REFRESH_SECONDS + REFRESH_MARGIN


class FixedSchedule(PollSchedule[ServiceStatus, ServiceStatusOutcome]):
    """Polls a service at a fixed interval: nothing says when a status was last determined."""

    def __init__(self, interval: float) -> None:
        super().__init__()
        self._seconds = interval

    def _key(self, value: ServiceStatus) -> object:
        return value.status

    def _success(self, value: ServiceStatus) -> ServiceStatusOutcome:
        return ServiceStatusChange(service=value)

    def _failure(self, error: ReportingError) -> ServiceStatusOutcome:
        return ServiceStatusFailure(error=error)

    def _interval(self, sample: Sample[ServiceStatus]) -> float:
        del sample
        return self._seconds


def check_interval(interval: object) -> None:
    """Check a polling interval. Raises InvalidRequestError."""
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < math.inf:
        raise InvalidRequestError("interval must be a number of seconds above 0")


TRANSIENT_ERRORS = (APIError, TransportError, DeadlineExceededError, DecodeError)
"""Failures of the server or the network. Any other exception comes from the program, and ends the watch."""


def poll(read: Callable[[], Sample[ValueT]], schedule: PollSchedule[ValueT, OutcomeT]) -> Generator[OutcomeT]:
    """Yield the outcomes of polling, forever."""
    while True:
        outcome: OutcomeT | None
        try:
            outcome, delay = schedule.on_sample(read())
        except TRANSIENT_ERRORS as error:
            outcome, delay = schedule.on_error(error)
        due = time.monotonic() + delay
        if outcome is not None:
            yield outcome
        time.sleep(max(due - time.monotonic(), 0))


async def async_poll(
    read: Callable[[], Awaitable[Sample[ValueT]]], schedule: PollSchedule[ValueT, OutcomeT]
) -> AsyncGenerator[OutcomeT]:
    """Yield the outcomes of polling, forever."""
    while True:
        outcome: OutcomeT | None
        try:
            outcome, delay = schedule.on_sample(await read())
        except TRANSIENT_ERRORS as error:
            outcome, delay = schedule.on_error(error)
        due = time.monotonic() + delay
        if outcome is not None:
            yield outcome
        await anyio.sleep(max(due - time.monotonic(), 0))
