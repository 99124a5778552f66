"""Reports of many endpoints: so many calls at a time, and never more in memory than those."""

import asyncio
import importlib
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Self

import anyio
from attrs import field, frozen

from sinch_reporting.endpoints import Endpoint, Number, Username
from sinch_reporting.errors import InvalidRequestError, ReportingError
from sinch_reporting.models import CallReport


def _hidden(endpoint: object) -> str:
    # What is no endpoint may be a phone number as plain text.
    return repr(endpoint) if isinstance(endpoint, Number | Username) else f"<{type(endpoint).__name__}>"


@frozen(kw_only=True)
class CallReportOutcome:
    """What became of one endpoint of many: its report, or the error in its place.

    Attributes:
        endpoint: The endpoint, as it was given.
        report: Its report; None where there is an error.
        error: Why there is no report; None where there is one.
    """

    endpoint: Endpoint = field(repr=_hidden)
    report: CallReport | None = None
    error: ReportingError | None = None


def check_many(endpoints: object, concurrency: object) -> None:
    """Check what concerns all calls. Raises InvalidRequestError."""
    if isinstance(endpoints, str | bytes) or not isinstance(endpoints, Iterable | AsyncIterable):
        raise InvalidRequestError("the endpoints must be an iterable of Number(...) and Username(...)")
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise InvalidRequestError("concurrency must be a whole number from 1")


class _Window:
    """The calls that were begun and whose outcomes were not yet taken."""

    def __init__(self, size: int, *, ordered: bool) -> None:
        self._size = size
        self._ordered = ordered
        self._begun = 0
        self._taken = 0
        self._ended: dict[int, CallReportOutcome] = {}

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

    def end(self, place: int, outcome: CallReportOutcome) -> None:
        self._ended[place] = outcome

    def take(self) -> CallReportOutcome:
        place = self._taken if self._ordered else next(iter(self._ended))
        self._taken += 1
        return self._ended.pop(place)


def outcomes(
    get: Callable[[Endpoint], CallReport], endpoints: Iterable[Endpoint], concurrency: int, *, ordered: bool
) -> Generator[CallReportOutcome]:
    """Yield the outcomes of calls in threads. Left early, it ends when the calls in flight have."""
    window = _Window(concurrency, ordered=ordered)
    ended: SimpleQueue[tuple[int, CallReportOutcome]] = SimpleQueue()

    def work(place: int, endpoint: Endpoint) -> None:
        try:
            outcome = CallReportOutcome(endpoint=endpoint, report=get(endpoint))
        except ReportingError as error:
            outcome = CallReportOutcome(endpoint=endpoint, error=error)
        ended.put((place, outcome))

    with ThreadPoolExecutor(concurrency, thread_name_prefix="sinch_reporting") as threads:
        for endpoint in endpoints:
            threads.submit(work, window.begin(), endpoint)
            while window.is_full or not ended.empty():
                window.end(*ended.get())
                while window.has_next:
                    yield window.take()
        while not window.is_empty:
            window.end(*ended.get())
            while window.has_next:
                yield window.take()


async def async_outcomes(
    get: Callable[[Endpoint], Awaitable[CallReport]],
    endpoints: Iterable[Endpoint] | AsyncIterable[Endpoint],
    concurrency: int,
    *,
    ordered: bool,
) -> AsyncGenerator[CallReportOutcome]:
    """Yield the outcomes of calls in tasks. Left early, it cancels the calls in flight."""
    window = _Window(concurrency, ordered=ordered)
    tasks = _Tasks()

    async def work(place: int, endpoint: Endpoint) -> None:
        try:
            outcome = CallReportOutcome(endpoint=endpoint, report=await get(endpoint))
        except ReportingError as error:
            outcome = CallReportOutcome(endpoint=endpoint, error=error)
        window.end(place, outcome)

    try:
        async for endpoint in endpoints if isinstance(endpoints, AsyncIterable) else _Each(endpoints):
            tasks.start(work, window.begin(), endpoint)
            while window.is_full or window.has_next:
                await tasks.until(lambda: window.has_next)
                yield window.take()
        while not window.is_empty:
            await tasks.until(lambda: window.has_next)
            yield window.take()
    finally:
        await tasks.cancel()


class _Each:
    """An iterable as an async one. No generator, which would be left open where the loop over it is left early."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = iter(endpoints)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Endpoint:
        try:
            return next(self._endpoints)
        except StopIteration:
            raise StopAsyncIteration from None


class _Tasks:
    """Tasks of asyncio or trio that outlive a `yield`, which those of a task group must not.

    They raise nothing but their cancellation.
    """

    def __init__(self) -> None:
        self._cancels: dict[object, Callable[[], object]] = {}
        self._changed = anyio.Event()

    def start(self, work: Callable[[int, Endpoint], Awaitable[None]], place: int, endpoint: Endpoint) -> None:
        """Start a task."""
        token = object()
        if _is_trio():
            scope = anyio.CancelScope()
            self._cancels[token] = scope.cancel

            async def run() -> None:
                with scope:
                    await work(place, endpoint)
                self._ended(token)

            importlib.import_module("trio").lowlevel.spawn_system_task(run)
        else:
            task = asyncio.ensure_future(work(place, endpoint))
            self._cancels[token] = task.cancel
            task.add_done_callback(lambda _: self._ended(token))

    def _ended(self, token: object) -> None:
        del self._cancels[token]
        self._changed.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        while not is_so():
            self._changed = anyio.Event()
            await self._changed.wait()

    async def cancel(self) -> None:
        """Cancel all tasks and wait for their end."""
        for cancel in list(self._cancels.values()):
            cancel()
        with anyio.CancelScope(shield=True):
            await self.until(lambda: not self._cancels)


def _is_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())
