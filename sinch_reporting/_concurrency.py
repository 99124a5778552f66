"""Tasks under asyncio and trio that outlive a `yield`, and what they take their items from."""

import asyncio
import functools
import importlib
import sys
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Generic, Self, TypeVar

import anyio
import anyio.lowlevel

Item = TypeVar("Item")


class Each(Generic[Item]):
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


class InTurn(Generic[Item]):
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


class Tasks:
    """Tasks of asyncio or trio that outlive a `yield`, which those of a task group must not.

    They raise nothing but their cancellation.
    """

    def __init__(self) -> None:
        # anyio's takes three times as long under asyncio: it looks for the event loop each time.
        self.pause: Callable[[], Awaitable[None]] = (
            anyio.lowlevel.checkpoint if _is_trio() else functools.partial(asyncio.sleep, 0)
        )
        self.changed = anyio.Event()
        self._cancels: dict[object, Callable[[], object]] = {}

    @property
    def count(self) -> int:
        """How many of them have not ended."""
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
