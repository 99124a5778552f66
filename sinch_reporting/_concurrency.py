"""Waiting, and work in threads and tasks, under asyncio and trio."""

import asyncio
import functools
import sys
import threading
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Generic, Self, TypeVar

import anyio
import anyio.lowlevel

Item = TypeVar("Item")

cancelled: ContextVar[threading.Event | None] = ContextVar("sinch_reporting_cancelled", default=None)
"""Set when nobody waits for the calls of a thread any more."""


class CancelledCallError(BaseException):
    """Ends a call in a thread that nobody waits for. Never reaches the program."""


def sleep(seconds: float) -> None:
    """Wait. Raises CancelledCallError if nobody waits for this thread any more."""
    event = cancelled.get()
    if event is None:
        time.sleep(seconds)
    elif event.wait(seconds):
        raise CancelledCallError


async_sleep = anyio.sleep


time_limit: Callable[[float], AbstractContextManager[object]] = nullcontext  # the connections enforce the deadline


def async_time_limit(seconds: float) -> AbstractContextManager[object]:
    """Limit the time of other transports. Ours end earlier, with the phase in which the time expired."""
    return anyio.move_on_after(seconds + 0.05)


class AsyncItems(Generic[Item]):
    """An iterable as an async iterator. Not a generator, which would stay open if its loop is left early."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None


class LockedAsyncIterator(Generic[Item]):
    """An async iterator that is asked for one item at a time, and for none after its end."""

    def __init__(self, items: AsyncIterable[Item]) -> None:
        self._items = aiter(items)
        self._lock = anyio.Semaphore(1, fast_acquire=True)
        self._exhausted = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        async with self._lock:
            if self._exhausted:
                raise StopAsyncIteration
            try:
                return await anext(self._items)
            except Exception:
                self._exhausted = True
                raise


class BackgroundTasks:
    """Tasks of asyncio or trio that may outlive a `yield`, unlike those of a task group.

    They raise only their cancellation.
    """

    def __init__(self) -> None:
        # anyio's takes three times as long under asyncio: it looks for the event loop each time.
        self.checkpoint: Callable[[], Awaitable[None]] = (
            anyio.lowlevel.checkpoint if _is_trio() else functools.partial(asyncio.sleep, 0)
        )
        self.changed = anyio.Event()
        self._cancels: dict[object, Callable[[], object]] = {}

    @property
    def count(self) -> int:
        """Number of tasks that have not ended."""
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

            sys.modules["trio"].lowlevel.spawn_system_task(run)
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
