"""What a client and its copies share: connections, to whom they belong, and the pace of requests."""

import asyncio
import os
import sys
import warnings
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar, cast

import anyio.lowlevel
from attrs import define, field

from sinch_reporting.errors import ReportingError
from sinch_reporting.rate_limit import RateLimiter

Transport = TypeVar("Transport")


def event_loop() -> object:
    """Return the running event loop, or what stands for it where that is not asyncio's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return anyio.lowlevel.current_token()


def close_on_finalize(transport: object, close: Callable[[], object]) -> None:
    """Call `close` when nobody has the transport any more, or the interpreter exits, whose sockets would complain.

    In a process that was forked off it is not called: the sockets serve the parent.
    """
    weakref.finalize(transport, _unless_forked, close, os.getpid())


def _unless_forked(close: Callable[[], object], owner: int) -> None:
    if os.getpid() == owner:
        close()


@define(eq=False)
class SharedTransport(Generic[Transport]):
    """A transport, the pace of its requests, and the process and event loop that its connections belong to.

    A connection cannot be shared by processes, nor an async one by event loops. After a fork, or in another event loop,
    the default transport is made anew; one of the user's own cannot be.

    Attributes:
        transport: The user's own, or the default one once it was needed.
        make: Makes the default transport for an event loop; None where the user brings one.
        pace: The pace.
        closed: Whether the client was closed.
    """

    transport: Transport | None
    make: Callable[[object], Transport] | None
    pace: RateLimiter
    closed: bool = False
    _home: tuple[int, object] | None = None
    _parents: list[Transport | None] = field(factory=list)

    def get(self, loop: object = None) -> Transport:
        """Return the transport for this process and event loop.

        Raises ReportingError where the client is closed, or its transport belongs elsewhere and cannot be made anew.
        """
        if self.closed:
            raise ReportingError("the client is closed; make a new one")
        home = (os.getpid(), loop)
        if home != self._home:
            self._move(home)
        return cast("Transport", self.transport)

    def end(self) -> Transport | None:
        """Return the transport to close, if there is any. Raises ReportingError as `get` does."""
        if self.closed or (self._home is None and self.make):
            self.closed = True
            return None
        is_async = self._home is not None and self._home[1] is not None
        transport = self.get(event_loop() if is_async else None)
        self.closed = True
        return transport

    def _move(self, home: tuple[int, object]) -> None:
        before, self._home = self._home, home
        if before and self.make is None:
            self._home = before
            raise ReportingError(
                "the client was used before the process forked, or in another event loop, and has a transport of its "
                "own; make a client in each process and event loop"
            )
        if before and before[0] != home[0]:
            self._parents.append(self.transport)  # kept, and not closed: its sockets serve the parent
            self.pace = self.pace.renewed()
        if self.make:
            # Of another event loop's nothing is kept: a client may see a new loop with each call.
            self.transport = self.make(home[1])

    def __del__(self) -> None:
        if self._home is not None and not self.closed and not sys.is_finalizing():
            message = "a client was not closed: use it in a `with` block, or call close() or aclose()"
            warnings.warn(message, ResourceWarning, stacklevel=2)
