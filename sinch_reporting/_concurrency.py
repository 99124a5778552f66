"""Waiting and cancellation in threads and tasks, under asyncio and trio."""

import sys
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, copy_context
from typing import Any

import anyio

cancelled: ContextVar[threading.Event | None] = ContextVar("sinch_reporting_cancelled", default=None)
"""Set when nobody waits for the calls of a thread any longer."""

time_limit: Callable[[float], AbstractContextManager[object]] = nullcontext  # the connections enforce the deadline
async_time_limit: Callable[[float], AbstractContextManager[object]] = anyio.move_on_after


class CancelledCallError(BaseException):
    """Ends a call in a thread that nobody waits for. Never reaches the program."""


def sleep(seconds: float) -> None:
    """Wait. Raises CancelledCallError if nobody waits for this thread any longer."""
    event = cancelled.get()
    if event is None:
        time.sleep(seconds)
    elif event.wait(seconds):
        raise CancelledCallError


async_sleep = anyio.sleep


class BackgroundTasks:
    """Tasks of asyncio or trio that may outlive a `yield`, unlike those of a task group. They must not raise."""

    def __init__(self) -> None:
        self.changed = anyio.Event()  # set when a task ends
        self._cancels: dict[object, Callable[[], object]] = {}

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        token = object()
        trio = sys.modules.get("trio")
        if trio and trio.lowlevel.in_trio_run():
            scope = anyio.CancelScope()
            self._cancels[token] = scope.cancel

            async def run() -> None:
                with scope:
                    await work()
                self._ended(token)

            trio.lowlevel.spawn_system_task(run, context=copy_context())  # with the spans of tracers
        else:
            import asyncio  # noqa: PLC0415 - slow, and not needed in threads

            task = asyncio.ensure_future(work())
            self._cancels[token] = task.cancel
            task.add_done_callback(lambda _: self._ended(token))

    def __len__(self) -> int:
        return len(self._cancels)

    def _ended(self, token: object) -> None:
        del self._cancels[token]
        self.changed.set()

    async def wait(self) -> None:
        await self.changed.wait()
        self.changed = anyio.Event()

    async def cancel(self) -> None:
        """Cancel all tasks and wait for their end."""
        for cancel in list(self._cancels.values()):
            cancel()
        with anyio.CancelScope(shield=True):
            while self._cancels:
                await self.wait()
