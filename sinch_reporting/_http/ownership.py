"""State shared by a client and its copies: the transport, its owner (process and event loop), the rate limiter."""

import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from types import NoneType
from typing import Generic, TypeVar, cast

from anyio.lowlevel import current_token
from attrs import define, field

from sinch_reporting.errors import ReportingError
from sinch_reporting.rate_limit import RateLimiter

TransportT = TypeVar("TransportT")

async_current_loop: Callable[[], object] = current_token
current_loop: Callable[[], object] = NoneType  # returns None: threads have no event loop


def close_on_finalize(transport: object, close: Callable[[], object]) -> None:
    """Call `close` when the transport is garbage-collected, unless forked: the sockets are the parent's."""
    weakref.finalize(transport, _close_in_creator_process, close, os.getpid())


def _close_in_creator_process(close: Callable[[], object], creator: int) -> None:
    if os.getpid() == creator:
        close()


@define(eq=False)
class SharedTransport(Generic[TransportT]):
    """A transport, with the process and event loop that own its connections.

    Connections cannot be shared by processes, nor async ones by event loops. After a fork, or in another event loop,
    the default transport is replaced by a new one. A custom transport cannot be replaced.

    Attributes:
        transport: The custom transport, or the default one after its first use.
        factory: Makes the default transport; None for a custom one.
        rate_limiter: The rate limiter of all requests.
        current_loop: Returns the running event loop, or None for blocking clients.
        owner: The process id and event loop of the connections; None before the first use.
        closed: Whether the client has been closed.
    """

    transport: TransportT | None
    factory: Callable[[], TransportT] | None
    rate_limiter: RateLimiter
    current_loop: Callable[[], object]
    owner: tuple[int, object] | None = None
    closed: bool = False
    _inherited: list[TransportT | None] = field(factory=list)
    _lock: threading.Lock = field(factory=threading.Lock)

    def claim(self) -> TransportT:
        """Return the transport for this process and event loop. Raises ReportingError if there is none."""
        if self.closed:
            raise ReportingError("the client is closed; make a new one")
        owner = (os.getpid(), self.current_loop())
        with self._lock:  # threads may make their first call at the same time
            if owner != self.owner:
                self._rebind(owner)
        return cast("TransportT", self.transport)

    def detach(self) -> TransportT | None:
        """Return the transport to close, if any. Raises ReportingError as `claim` does."""
        unused = self.owner is None and self.factory is not None
        transport = None if self.closed or unused else self.claim()
        self.closed = True
        return transport

    def _rebind(self, owner: tuple[int, object]) -> None:
        if self.owner and self.factory is None:
            raise ReportingError(
                "the client has a custom transport and was used before the process forked, or in another event loop; "
                "make a client in each process and event loop"
            )
        if self.owner and self.owner[0] != owner[0]:
            self._inherited.append(self.transport)  # kept and not closed: its sockets belong to the parent
            self.rate_limiter = self.rate_limiter.fresh()
        if self.factory:
            # Nothing of another event loop is kept: a client may see a new loop with each call.
            self.transport = self.factory()
        self.owner = owner  # last, since it says that the transport is usable

    def __del__(self) -> None:
        if self.owner is not None and not self.closed and not sys.is_finalizing():
            message = "a client was not closed: use it in a `with` block, or call close() or aclose()"
            warnings.warn(message, ResourceWarning, stacklevel=2)
