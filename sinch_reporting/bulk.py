"""Many reports: so many calls at a time, and never more in memory than those."""

import asyncio
import datetime as dt
import functools
import importlib
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from queue import SimpleQueue
from typing import Generic, Self, TypeVar

import anyio
import anyio.lowlevel
from attrs import field, frozen

from sinch_reporting.endpoints import Endpoint, Number, Username
from sinch_reporting.errors import InvalidRequestError, ReportingError
from sinch_reporting.models import CallReport

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
        self.tasks = _Tasks()
        self.failure: Exception | None = None
        self._get = get
        self._make = make
        self._items = _InTurn(items) if isinstance(items, AsyncIterable) else _Each(items)
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


class _Each(Generic[Item]):
    """An iterable as an async one. No generator, which would be left open where the loop over it is left early."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None


class _InTurn(Generic[Item]):
    """An async iterable that is asked for one item at a time, and for none after its end."""

    def __init__(self, items: AsyncIterable[Item]) -> None:
        self._items = aiter(items)
        self._turn = anyio.Semaphore(1, fast_acquire=True)
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        async with self._turn:
            if self._is_over:
                raise StopAsyncIteration
            try:
                return await anext(self._items)
            except Exception:
                self._is_over = True
                raise


class _Tasks:
    """Tasks of asyncio or trio that outlive a `yield`, which those of a task group must not.

    They raise nothing but their cancellation.
    """

    def __init__(self) -> None:
        # Under asyncio, anyio's takes three times as long: it looks for the event loop each time.
        self.pause: Callable[[], Awaitable[None]] = (
            anyio.lowlevel.checkpoint if _is_trio() else functools.partial(asyncio.sleep, 0)
        )
        self.changed = anyio.Event()
        self._cancels: dict[object, Callable[[], object]] = {}

    @property
    def count(self) -> int:
        return len(self._cancels)

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start a task."""
        token = object()
        if _is_trio():
            scope = anyio.CancelScope()
            self._cancels[token] = scope.cancel

            async def run() -> None:
                with scope:
                    await work()
                self._ended(token)

            importlib.import_module("trio").lowlevel.spawn_system_task(run)
        else:
            task = asyncio.ensure_future(work())
            self._cancels[token] = task.cancel
            task.add_done_callback(lambda _: self._ended(token))

    def _ended(self, token: object) -> None:
        del self._cancels[token]
        self.changed.set()

    async def cancel(self) -> None:
        """Cancel all tasks and wait for their end."""
        for cancel in list(self._cancels.values()):
            cancel()
        with anyio.CancelScope(shield=True):
            while self._cancels:
                self.changed = anyio.Event()
                await self.changed.wait()


def _is_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())
