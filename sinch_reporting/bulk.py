"""Many reports: a limited number of concurrent calls, with constant memory."""

import datetime as dt
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Generator, Iterable
from contextvars import Context, copy_context
from queue import SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeVar

import anyio
from attrs import field, frozen

from sinch_reporting._concurrency import BackgroundTasks, CancelledCallError, cancelled
from sinch_reporting._validation import check_number
from sinch_reporting.errors import DeadlineExceededError, InvalidRequestError, ReportingError
from sinch_reporting.models import CallReport
from sinch_reporting.parameters import Endpoint, Number, Username

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def _mask(endpoint: object) -> str:
    # An invalid endpoint may be a phone number as plain text.
    return repr(endpoint) if isinstance(endpoint, Number | Username) else f"<{type(endpoint).__name__}>"


@frozen
class CallReportSuccess:
    """The report of one endpoint of many."""

    endpoint: Endpoint
    report: CallReport = field(kw_only=True)
    error: None = field(default=None, init=False)


@frozen
class CallReportFailure:
    """The error of one endpoint of many. `endpoint` is as it was given."""

    endpoint: Endpoint = field(repr=_mask)
    error: ReportingError = field(kw_only=True)
    report: Any = field(default=None, init=False)  # not None: pyright does not narrow unions by `if outcome.error`


CallReportOutcome = CallReportSuccess | CallReportFailure
"""Outcome for one endpoint of many: `error` is None, or `report` is."""


@frozen
class DailyReportSuccess:
    """The report of one day."""

    day: dt.date
    report: CallReport = field(kw_only=True)
    error: None = field(default=None, init=False)


@frozen
class DailyReportFailure:
    """The error of one day."""

    day: dt.date
    error: ReportingError = field(kw_only=True)
    report: Any = field(default=None, init=False)


DailyCallReport = DailyReportSuccess | DailyReportFailure
"""Outcome for one day of many: `error` is None, or `report` is."""


def check_iteration(endpoints: object, concurrency: object, deadline: object) -> None:
    """Check the parameters of an iteration. Raises InvalidRequestError."""
    if isinstance(endpoints, str | bytes) or not isinstance(endpoints, Iterable | AsyncIterable):
        raise InvalidRequestError("the endpoints must be an iterable of Number(...) and Username(...)")
    message = "concurrency must be a whole number from 1"
    check_number(concurrency, message, minimum=1, whole=True, error=InvalidRequestError)
    if deadline is not None:
        message = "deadline must be a number of seconds above 0, or None"
        check_number(deadline, message, above=0, error=InvalidRequestError)


class _ReorderBuffer(Generic[Outcome]):
    """Outcomes of started calls that have not been yielded."""

    def __init__(self, size: int, *, ordered: bool) -> None:
        self._size = size
        self._ordered = ordered
        self._started = 0
        self._yielded = 0
        self._finished: dict[int, Outcome] = {}

    @property
    def is_empty(self) -> bool:
        return self._started == self._yielded

    @property
    def is_full(self) -> bool:
        return self._started - self._yielded == self._size

    @property
    def has_next(self) -> bool:
        return self._yielded in self._finished if self._ordered else bool(self._finished)

    def open(self, expires: float) -> int:
        if monotonic() >= expires:
            raise DeadlineExceededError("deadline of the iteration exceeded; the remaining reports were not requested")
        self._started += 1
        return self._started - 1

    def put(self, index: int, outcome: Outcome) -> None:
        self._finished[index] = outcome

    def pop(self) -> Outcome:
        index = self._yielded if self._ordered else next(iter(self._finished))
        self._yielded += 1
        return self._finished.pop(index)


class _Threads(Generic[Item, Outcome]):
    """Daemon threads that make calls. Nothing waits for them, so that Ctrl-C ends a loop at once."""

    def __init__(self, fetch_one: Callable[[Item], Outcome], limit: int) -> None:
        self._fetch_one = fetch_one
        self._limit = limit
        self._count = 0
        self._tasks = SimpleQueue[tuple[int, Item, Context] | None]()
        self._cancelled = threading.Event()
        self.finished = SimpleQueue[tuple[int, Outcome] | BaseException]()

    def submit(self, index: int, item: Item) -> None:
        """Start a call in the context of the caller, which contains the spans of tracers."""
        context = copy_context()
        context.run(cancelled.set, self._cancelled)
        self._tasks.put((index, item, context))
        if self._count < self._limit:
            self._count += 1
            threading.Thread(target=self._work, daemon=True, name="sinch_reporting").start()

    def next(self) -> tuple[int, Outcome]:
        """Wait for a finished call."""
        result = self.finished.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def cancel(self) -> None:
        """End the threads; those with a call in flight end after its attempt."""
        self._cancelled.set()
        for _ in range(self._count):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None and not self._cancelled.is_set():
            index, item, context = task
            try:
                self.finished.put((index, context.run(self._fetch_one, item)))
            except CancelledCallError:
                return
            except BaseException as error:  # noqa: BLE001 - raised in the thread of the loop
                self.finished.put(error)


def fetch(
    fetch_one: Callable[[Item], Outcome], items: Iterable[Item], concurrency: int, expires: float, *, ordered: bool
) -> Generator[Outcome]:
    """Yield the outcomes of calls in threads. If the loop is left early, calls in flight are abandoned."""
    buffer = _ReorderBuffer[Outcome](concurrency, ordered=ordered)
    threads = _Threads(fetch_one, concurrency)
    try:
        for item in items:
            threads.submit(buffer.open(expires), item)
            while buffer.is_full or not threads.finished.empty():
                buffer.put(*threads.next())
                while buffer.has_next:
                    yield buffer.pop()
        while not buffer.is_empty:
            buffer.put(*threads.next())
            while buffer.has_next:
                yield buffer.pop()
    finally:
        threads.cancel()


async def async_fetch(
    fetch_one: Callable[[Item], Awaitable[Outcome]],
    items: Iterable[Item] | AsyncIterable[Item],
    concurrency: int,
    expires: float,
    *,
    ordered: bool,
) -> AsyncGenerator[Outcome]:
    """Yield the outcomes of calls in tasks. If the loop is left early, calls in flight are cancelled."""
    workers = _Workers(fetch_one, items, concurrency, expires, ordered=ordered)
    try:
        for _ in range(concurrency):
            workers.tasks.start(workers.work)
        while await workers.has_next():
            yield workers.pop()
    finally:
        await workers.tasks.cancel()
    if workers.failure:
        raise workers.failure


class _Workers(Generic[Item, Outcome]):
    """Tasks that share one iterable, each with one call at a time."""

    def __init__(
        self,
        fetch_one: Callable[[Item], Awaitable[Outcome]],
        items: Iterable[Item] | AsyncIterable[Item],
        concurrency: int,
        expires: float,
        *,
        ordered: bool,
    ) -> None:
        self.tasks = BackgroundTasks()
        self.failure: Exception | None = None
        self._fetch_one = fetch_one
        self._items = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        self._lock = anyio.Semaphore(1, fast_acquire=True)  # an async iterator is not advanced concurrently
        self._expires = expires
        self._buffer = _ReorderBuffer[Outcome](concurrency, ordered=ordered)
        self._slots = anyio.Semaphore(concurrency, fast_acquire=True)
        self._exhausted = False

    async def has_next(self) -> bool:
        """Wait for an outcome, and return whether there is one."""
        while not self._buffer.has_next and self.tasks.count:
            self.tasks.changed = anyio.Event()
            await self.tasks.changed.wait()
        return self._buffer.has_next

    def pop(self) -> Outcome:
        """Return the next outcome."""
        self._slots.release()
        return self._buffer.pop()

    async def work(self) -> None:
        """Make calls until the iterable is exhausted, or something raises an exception."""
        try:
            while (started := await self._start()) is not None:
                index, item = started
                self._buffer.put(index, await self._fetch_one(item))
                self.tasks.changed.set()
                await self.tasks.checkpoint()  # lets the outcome be yielded, which frees a slot
        except Exception as error:  # noqa: BLE001 - raised in the task of the loop
            self._exhausted, self.failure = True, error

    async def _start(self) -> tuple[int, Item] | None:
        await self._slots.acquire()
        try:
            async with self._lock:
                if not self._exhausted:
                    items = self._items
                    item = await anext(items) if isinstance(items, AsyncIterator) else next(items)
                    return self._buffer.open(self._expires), item
        except (StopIteration, StopAsyncIteration):
            self._exhausted = True
        self._slots.release()
        return None
