"""What a call needs of the default transports, which import httpcore: a deadline, and the transport of a client."""

import os
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

from attrs import define, field

from sinch_reporting.errors import ReportingError
from sinch_reporting.rate_limit import RateLimiter


class Deadline(float):
    """A timeout in seconds that also knows the time at which it expires.

    httpcore passes a timeout to each read unchanged, so that a server that sends single bytes could hold a call
    forever. Our connections use `at`; other transports use the number.
    """

    at: float


@define(eq=False)
class SharedTransport:
    """A transport, with the process and event loop that own its connections.

    Connections cannot be shared by processes, nor async ones by event loops. After a fork, or in another event loop,
    the default transport is replaced by a new one. A custom transport cannot be replaced.
    """

    transport: Any  # the custom transport, or the default one after its first use
    factory: Callable[[], Any] | None  # makes the default transport
    rate_limiter: RateLimiter
    current_loop: Callable[[], object]  # returns the running event loop, or None for blocking clients
    owner: tuple[int, object] | None = None  # the process id and event loop of the connections, after the first use
    closed: bool = False
    _inherited: list[Any] = field(factory=list)
    _lock: threading.Lock = field(factory=threading.Lock)

    def claim(self) -> Any:
        """Return the transport for this process and event loop. Raises ReportingError if there is none."""
        if self.closed:
            raise ReportingError("the client is closed; make a new one")
        owner = (os.getpid(), self.current_loop())
        with self._lock:  # threads may make their first call at the same time
            if self.owner and owner != self.owner:
                if self.factory is None:
                    raise ReportingError(
                        "the client has a custom transport and was used before the process forked, or in another event "
                        "loop; make a client in each process and event loop"
                    )
                if self.owner[0] != owner[0]:
                    self._inherited.append(self.transport)  # kept and not closed: its sockets belong to the parent
                    self.rate_limiter = RateLimiter(self.rate_limiter.rate)
            if self.factory and owner != self.owner:
                self.owner = None  # a call reads the transport, then the owner
                # Nothing of another event loop is kept: a client may see a new loop with each call.
                self.transport = self.factory()
            self.owner = owner  # last, since it says that the transport is usable
            return self.transport

    def detach(self) -> Any:
        """Return the transport to close, if any. Raises ReportingError as `claim` does."""
        unused = self.owner is None and self.factory is not None
        transport = None if self.closed or unused else self.claim()
        self.closed = True
        return transport

    def __del__(self) -> None:
        if self.owner is not None and not self.closed and not sys.is_finalizing():
            message = "a client was not closed: use it in a `with` block, or call close() or aclose()"
            warnings.warn(message, ResourceWarning, stacklevel=2)
