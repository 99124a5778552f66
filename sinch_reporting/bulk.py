"""Many reports: so many calls at a time, and never more in memory than those."""

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from queue import SimpleQueue
from typing import Generic, TypeVar

import anyio
from attrs import field, frozen

from sinch_reporting._concurrency import Each, InTurn, Tasks
from sinch_reporting.errors import InvalidRequestError, ReportingError
from sinch_reporting.models import CallReport
from sinch_reporting.parameters import Endpoint, Number, Username

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def _hidden(endpoint: object) -> str:
    # What is no endpoint may be a phone number as plain text.
    return repr(endpoint) if isinstance(endpoint, Number | Username) else f"<{type(endpoint).__name__}>"


@frozen
class CallReportOutcome:
    """What became of one endpoint of many: its report, or the error in its place.

    Attributes:
        endpoint: The endpoint, as it was given.
        report: Its report; None where there is an error.
        error: Why there is no report; None where there is one.
    """

    endpoint: Endpoint = field(repr=_hidden)
    report: CallReport | None = field(default=None, kw_only=True)
    error: ReportingError | None = field(default=None, kw_only=True)


@frozen
class DailyCallReport:
    """What became of one day of many: its report, or the error in its place.

    Attributes:
        day: The day.
        report: The calls of that day; None where there is an error.
        error: Why there is no report; None where there is one.
    """

    day: dt.date
    report: CallReport | None = field(default=None, kw_only=True)
    error: ReportingError | None = field(default=None, kw_only=True)


def check_concurrency(concurrency: object) -> None:
    """Check how many calls are to be made at a time. Raises InvalidRequestError."""
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise InvalidRequestError("concurrency must be a whole number from 1")


def check_iterable(endpoints: object) -> None:
    """Check what is to be gone through. Raises InvalidRequestError."""
    if isinstance(endpoints, str | bytes) or not isinstance(endpoints, Iterable | AsyncIterable):
        raise InvalidRequestError("the endpoints must be an iterable of Number(...) and Username(...)")


class _Window(Generic[Outcome]):
    """The calls that were begun and whose outcomes were not yet taken."""

    def __init__(self, size: int, *, ordered: bool) -> None:
        self._size = size
        self._ordered = ordered
        self._begun = 0
        self._taken = 0
        self._ended: dict[int, Outcome] = {}

    @property
    def is_empty(self) -> bool:
        return self._begun == self._taken

    @property
    def is_full(self) -> bool:
        return self._begun - self._taken == self._size

    @property
    def has_next(self) -> bool:
        return self._taken in self._ended if self._ordered else bool(self._ended)

    def begin(self) -> int:
        self._begun += 1
        return self._begun - 1

    def end(self, place: int, outcome: Outcome) -> None:
        self._ended[place] = outcome

    def take(self) -> Outcome:
        place = self._taken if self._ordered else next(iter(self._ended))
        self._taken += 1
        return self._ended.pop(place)


def outcomes(
    get: Callable[[Item], CallReport],
    make: Callable[..., Outcome],
    items: Iterable[Item],
    concurrency: int,
    *,
    ordered: bool,
) -> Generator[Outcome]:
    """Yield the outcomes of calls in threads. Left early, it ends when the calls in flight have."""
    window = _Window[Outcome](concurrency, ordered=ordered)
    ended: SimpleQueue[tuple[int, Outcome]] = SimpleQueue()

    def work(place: int, item: Item) -> None:
        try:
            outcome = make(item, report=get(item))
        except ReportingError as error:
            outcome = make(item, error=error)
        ended.put((place, outcome))

    with ThreadPoolExecutor(concurrency, thread_name_prefix="sinch_reporting") as threads:
        for item in items:
            # In the context of whoever iterates: spans of tracers stand in it.
            threads.submit(copy_context().run, work, window.begin(), item)
            while window.is_full or not ended.empty():
                window.end(*ended.get())
                while window.has_next:
                    yield window.take()
        while not window.is_empty:
            window.end(*ended.get())
            while window.has_next:
                yield window.take()


async def async_outcomes(
    get: Callable[[Item], Awaitable[CallReport]],
    make: Callable[..., Outcome],
    items: Iterable[Item] | AsyncIterable[Item],
    concurrency: int,
    *,
    ordered: bool,
) -> AsyncGenerator[Outcome]:
    """Yield the outcomes of calls in tasks. Left early, it cancels the calls in flight."""
    workers = _Workers(get, make, items, concurrency, ordered=ordered)
    try:
        for _ in range(concurrency):
            workers.tasks.start(workers.work)
        while await workers.has_next():
            yield workers.take()
    finally:
        await workers.tasks.cancel()
    if workers.failure:
        raise workers.failure


class _Workers(Generic[Item, Outcome]):
    """Tasks that share one iterable, each with one call at a time."""

    def __init__(
        self,
        get: Callable[[Item], Awaitable[CallReport]],
        make: Callable[..., Outcome],
        items: Iterable[Item] | AsyncIterable[Item],
        concurrency: int,
        *,
        ordered: bool,
    ) -> None:
        self.tasks = Tasks()
        self.failure: Exception | None = None
        self._get = get
        self._make = make
        self._items = InTurn(items) if isinstance(items, AsyncIterable) else Each(items)
        self._window = _Window[Outcome](concurrency, ordered=ordered)
        self._room = anyio.Semaphore(concurrency, fast_acquire=True)
        self._is_over = False
        self._changed = anyio.Event()

    async def has_next(self) -> bool:
        """Wait for an outcome, and tell whether there is one."""
        while not self._window.has_next and self.tasks.count:
            self._changed = self.tasks.changed = anyio.Event()
            await self._changed.wait()
        return self._window.has_next

    def take(self) -> Outcome:
        """Return the next outcome."""
        self._room.release()
        return self._window.take()

    async def work(self) -> None:
        """Work until there are no more items."""
        while (begun := await self._begin()) is not None:
            place, item = begun
            try:
                outcome = self._make(item, report=await self._get(item))
            except ReportingError as error:
                outcome = self._make(item, error=error)
            self._window.end(place, outcome)
            self._changed.set()
            await self.tasks.pause()  # lets the outcome be taken, so that there is room

    async def _begin(self) -> tuple[int, Item] | None:
        await self._room.acquire()
        if not self._is_over:
            try:
                item = await anext(self._items)
            except StopAsyncIteration:
                self._is_over = True
            except Exception as error:  # noqa: BLE001 - it is raised where the loop is
                self._is_over = True
                self.failure = error
            else:
                return self._window.begin(), item
        self._room.release()
        return None
