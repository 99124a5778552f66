"""Many reports: a limited number of concurrent calls, with constant memory."""

import _thread
import datetime as dt
import math
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Generator, Iterable
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeVar

import anyio
from anyio.lowlevel import checkpoint
from attrs import field, frozen

from sinch_reporting._concurrency import BackgroundTasks, cancelled
from sinch_reporting.errors import DeadlineExceededError, InvalidRequestError, ReportingError
from sinch_reporting.models import CallReport
from sinch_reporting.parameters import ABOVE_ZERO, Endpoint, Number, Username, check_number

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def _mask(endpoint: object) -> str:
    # An invalid endpoint may be a phone number as plain text.
    return repr(endpoint) if isinstance(endpoint, Number | Username) else f"<{type(endpoint).__name__}>"


@frozen
class CallReportSuccess:
    """The report of one endpoint of many."""

    endpoint: Endpoint
    report: CallReport
    error: None = field(default=None, init=False)


@frozen
class CallReportFailure:
    """The error of one endpoint of many. `endpoint` is as it was given."""

    endpoint: Endpoint = field(repr=_mask)
    error: ReportingError
    report: Any = field(default=None, init=False)  # not None: pyright does not narrow unions by `if outcome.error`


CallReportOutcome = CallReportSuccess | CallReportFailure
"""Outcome for one endpoint of many: `error` is None, or `report` is."""


@frozen
class DailyReportSuccess:
    """The report of one day."""

    day: dt.date
    report: CallReport
    error: None = field(default=None, init=False)


@frozen
class DailyReportFailure:
    """The error of one day."""

    day: dt.date
    error: ReportingError
    report: Any = field(default=None, init=False)


DailyCallReport = DailyReportSuccess | DailyReportFailure
"""Outcome for one day of many: `error` is None, or `report` is."""


def check_iteration(endpoints: object, concurrency: object, deadline: float | None) -> float:
    """Return the monotonic time at which an iteration must end. Raises InvalidRequestError."""
    if isinstance(endpoints, str | bytes) or not isinstance(endpoints, Iterable | AsyncIterable):
        raise InvalidRequestError("the endpoints must be an iterable of Number(...) and Username(...)")
    message = "concurrency must be a whole number from 1"
    check_number(concurrency, message, 1, whole=True, error=InvalidRequestError)
    if deadline is None:
        return math.inf
    message = "deadline must be a number of seconds above 0, or None"
    check_number(deadline, message, ABOVE_ZERO, error=InvalidRequestError)
    return monotonic() + deadline


class _ReorderBuffer(Generic[Outcome]):
    """Outcomes of started calls that have not been yielded."""

    def __init__(self, expires: float, *, ordered: bool) -> None:
        self._expires = expires
        self._ordered = ordered
        self._yielded = 0
        self.started = 0
        self.finished: dict[int, Outcome] = {}

    @property
    def pending(self) -> int:
        return self.started - self._yielded

    def open(self) -> int:
        if monotonic() >= self._expires:
            raise DeadlineExceededError("deadline of the iteration exceeded; the remaining reports were not requested")
        self.started += 1
        return self.started - 1

    def pop(self) -> Outcome | None:  # the next outcome, if there is one
        index = self._yielded if self._ordered else next(iter(self.finished), None)
        if index not in self.finished:
            return None
        self._yielded += 1
        return self.finished.pop(index)


def fetch(  # noqa: C901 - closures over the same queues
    fetch_one: Callable[[Item], Outcome], items: Iterable[Item], concurrency: int, expires: float, *, ordered: bool
) -> Generator[Outcome]:
    """Yield the outcomes of calls in daemon threads. Nothing waits for them if the loop is left, also by Ctrl-C."""
    buffer = _ReorderBuffer[Outcome](expires, ordered=ordered)
    tasks = SimpleQueue[tuple[int, Item, Context] | None]()
    results = SimpleQueue[tuple[int, Outcome] | BaseException]()
    left = threading.Event()

    def work() -> None:
        while (task := tasks.get()) is not None and not left.is_set():
            index, item, context = task
            try:
                results.put((index, context.run(fetch_one, item)))
            except BaseException as error:  # noqa: BLE001 - raised in the thread of the loop
                results.put(error)

    def outcomes(is_needed: Callable[[], bool]) -> Generator[Outcome]:
        while is_needed():
            try:
                result = results.get(timeout=0.5)  # a signal that arrives just before the wait does not end it
            except Empty:
                continue
            if isinstance(result, BaseException):
                raise result
            buffer.finished[result[0]] = result[1]
            while (outcome := buffer.pop()) is not None:
                yield outcome

    try:
        for item in items:
            context = copy_context()  # contains the spans of tracers
            context.run(cancelled.set, left)
            tasks.put((buffer.open(), item, context))
            if buffer.started <= concurrency:
                # Thread.start would wait with a lock; Ctrl-C there can become "RuntimeError: release unlocked lock".
                _thread.start_new_thread(work, ())
            yield from outcomes(lambda: buffer.pending == concurrency or not results.empty())
        yield from outcomes(lambda: buffer.pending > 0)
    finally:
        left.set()
        for _ in range(min(buffer.started, concurrency)):
            tasks.put(None)


async def async_fetch(  # noqa: C901 - closures over the same state
    fetch_one: Callable[[Item], Awaitable[Outcome]],
    items: Iterable[Item] | AsyncIterable[Item],
    concurrency: int,
    expires: float,
    *,
    ordered: bool,
) -> AsyncGenerator[Outcome]:
    """Yield the outcomes of calls in tasks. If the loop is left early, calls in flight are cancelled."""
    buffer = _ReorderBuffer[Outcome](expires, ordered=ordered)
    tasks = BackgroundTasks()
    iterator = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
    failures: list[BaseException] = []
    is_pulling = exhausted = False

    def has_capacity() -> bool:
        return not (is_pulling or exhausted or failures) and buffer.pending < concurrency

    def start() -> None:
        if has_capacity() and len(tasks) < concurrency:
            tasks.start(work)

    async def work() -> None:
        nonlocal is_pulling, exhausted
        try:
            while has_capacity():
                # One task at a time pulls an item: an async iterator must not be advanced concurrently.
                is_pulling = True
                item = await anext(iterator) if isinstance(iterator, AsyncIterator) else next(iterator)
                index = buffer.open()
                is_pulling = False
                start()
                buffer.finished[index] = await fetch_one(item)
                tasks.changed.set()
                await checkpoint()  # the loop takes the outcome
        except (StopIteration, StopAsyncIteration):
            exhausted = True
        except BaseException as error:
            failures.append(error)  # raised in the task of the loop
            if isinstance(error, anyio.get_cancelled_exc_class()):
                raise

    try:
        while not failures:
            start()
            if (outcome := buffer.pop()) is not None:
                yield outcome
            elif exhausted and not buffer.pending:
                return
            else:
                await tasks.wait()
    finally:
        exhausted = True  # also for an iterator that ignores its cancellation
        await tasks.cancel()
    raise failures[0]
