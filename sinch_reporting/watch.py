"""Watching a counter or a service: when to ask next, and what of the answers is handed out.

`RefreshSchedule` and `FixedSchedule` decide that, without I/O; `outcomes` and `async_outcomes` ask and wait.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from datetime import UTC, datetime
from typing import Generic, NamedTuple, TypeVar

import anyio
from attrs import frozen

from sinch_reporting.errors import (
    APIError,
    DeadlineExceededError,
    DecodeError,
    InvalidRequestError,
    ReportingError,
    TransportError,
)
from sinch_reporting.models import Counter, ServiceStatus

REFRESH = 120.0
"""The server refreshes its counters every so many seconds."""

MARGIN = 1.0
"""So many seconds after a refresh was due, it is looked for: by then it is done, and the Date is cut to seconds."""

LATE = (2.0, 4.0, 8.0)
"""The waits where it is not there yet."""

FIRST_FAILURE = 5.0
"""The wait after a first failure; it doubles with each one that follows."""

LONGEST = 3600.0
"""The longest wait, whatever Retry-After the server sends."""

ValueT = TypeVar("ValueT", Counter, ServiceStatus)
OutcomeT = TypeVar("OutcomeT")


@frozen(kw_only=True)
class CounterOutcome:
    """What became of a watched counter: it changed, or the error in its place.

    Attributes:
        counter: The counter; None where there is an error.
        error: Why there is no counter; None where there is one.
    """

    counter: Counter | None = None
    error: ReportingError | None = None


@frozen(kw_only=True)
class ServiceStatusOutcome:
    """What became of a watched service: its status changed, or the error in its place.

    Attributes:
        service: The service's status; None where there is an error.
        error: Why there is no status; None where there is one.
    """

    service: ServiceStatus | None = None
    error: ReportingError | None = None


class Reading(NamedTuple, Generic[ValueT]):
    """What was read, and the server's time of the answer, if it told."""

    value: ValueT
    date: datetime | None = None


class Plan(ABC, Generic[ValueT, OutcomeT]):
    """What follows from each reading or failure."""

    def __init__(self) -> None:
        self._shown: object = None
        self._failures = 0

    def after(self, reading: Reading[ValueT]) -> tuple[OutcomeT | None, float]:
        """Return what is to be handed out, None where that was handed out already, and the seconds to wait."""
        self._failures = 0
        shown, self._shown = self._shown, self._key(reading.value)
        return (None if shown == self._shown else self._outcome(reading.value, None)), self._interval(reading)

    def after_failure(self, error: ReportingError) -> tuple[OutcomeT, float]:
        """Return what is to be handed out, and the seconds to wait. The next value is handed out in any case."""
        self._shown = None
        wait = min(math.ldexp(FIRST_FAILURE, self._failures), REFRESH)
        self._failures = min(self._failures + 1, 10)
        asked = error.retry_after if isinstance(error, APIError) else None
        return self._outcome(None, error), min(max(wait, asked or 0), LONGEST)

    @abstractmethod
    def _key(self, value: ValueT) -> object: ...

    @abstractmethod
    def _outcome(self, value: ValueT | None, error: ReportingError | None) -> OutcomeT: ...

    @abstractmethod
    def _interval(self, reading: Reading[ValueT]) -> float: ...


class RefreshSchedule(Plan[Counter, CounterOutcome]):
    """Asks once in each refresh, just after it; where one is late, a few times more, then once in each again."""

    def __init__(self) -> None:
        super().__init__()
        self._modified: datetime | None = None
        self._late = iter(LATE)

    def _key(self, value: Counter) -> object:
        return value.value

    def _outcome(self, value: Counter | None, error: ReportingError | None) -> CounterOutcome:
        return CounterOutcome(counter=value, error=error)

    def _interval(self, reading: Reading[Counter]) -> float:
        modified = reading.value.modified
        if modified != self._modified:
            self._modified, self._late = modified, iter(LATE)
        # By the server's own clock: this machine's may be off.
        age = ((reading.date or datetime.now(UTC)) - modified).total_seconds()
        if age >= REFRESH and (wait := next(self._late, None)) is not None:
            return wait
        return REFRESH - age % REFRESH + MARGIN


class FixedSchedule(Plan[ServiceStatus, ServiceStatusOutcome]):
    """Asks in even intervals: nothing tells when a status was last determined."""

    def __init__(self, interval: float) -> None:
        super().__init__()
        self._seconds = interval

    def _key(self, value: ServiceStatus) -> object:
        return value.status

    def _outcome(self, value: ServiceStatus | None, error: ReportingError | None) -> ServiceStatusOutcome:
        return ServiceStatusOutcome(service=value, error=error)

    def _interval(self, reading: Reading[ServiceStatus]) -> float:
        del reading
        return self._seconds


def check_interval(interval: object) -> None:
    """Check how often a service is asked about. Raises InvalidRequestError."""
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < math.inf:
        raise InvalidRequestError("interval must be a number of seconds above 0")


TRANSIENT_ERRORS = (APIError, TransportError, DeadlineExceededError, DecodeError)
"""What the server or the network did. Any other error is of the program's making, and ends the watch."""


def outcomes(read: Callable[[], Reading[ValueT]], plan: Plan[ValueT, OutcomeT]) -> Generator[OutcomeT]:
    """Yield what becomes of the readings, for ever."""
    while True:
        outcome: OutcomeT | None
        try:
            outcome, wait = plan.after(read())
        except TRANSIENT_ERRORS as error:
            outcome, wait = plan.after_failure(error)
        due = time.monotonic() + wait
        if outcome is not None:
            yield outcome
        time.sleep(max(due - time.monotonic(), 0))


async def async_outcomes(
    read: Callable[[], Awaitable[Reading[ValueT]]], plan: Plan[ValueT, OutcomeT]
) -> AsyncGenerator[OutcomeT]:
    """Yield what becomes of the readings, for ever."""
    while True:
        outcome: OutcomeT | None
        try:
            outcome, wait = plan.after(await read())
        except TRANSIENT_ERRORS as error:
            outcome, wait = plan.after_failure(error)
        due = time.monotonic() + wait
        if outcome is not None:
            yield outcome
        await anyio.sleep(max(due - time.monotonic(), 0))
