"""State of a connection, name resolution in threads, and slots: shared by both transports."""

import functools
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from time import monotonic
from typing import Any, cast

import anyio
import httpcore
import httpx

from sinch_reporting._http import Deadline
from sinch_reporting._responses import MAX_BODY_BYTES, TOO_LARGE
from sinch_reporting.errors import DecodeError

_MAX_RESPONSE_BYTES = MAX_BODY_BYTES + 100 * 1024  # with the largest head that h11 accepts
_FIRST_TRY_SECONDS = 0.3  # for each of several addresses, before any gets its full share


def remaining(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """Return the remaining seconds of a timeout. Raises the error if there are none."""
    seconds = timeout.at - monotonic() if isinstance(timeout, Deadline) else timeout
    if seconds is not None and seconds <= 0:
        raise error("the time of the attempt has expired")
    return seconds


class ReceivedBytes:
    """Bytes received since the last request: shows whether they are exactly one response.

    httpcore would take surplus bytes for the response to the next request, which is another number's report.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.out_of_sync = False

    def start(self) -> None:
        """Start a request."""
        self._bytes.clear()

    def add(self, data: bytes) -> None:
        """Add received bytes. Raises DecodeError if they exceed the size of any valid response."""
        self._bytes += data
        if len(self._bytes) > _MAX_RESPONSE_BYTES:
            raise DecodeError(TOO_LARGE)

    def finish(self, headers: Sequence[tuple[bytes, bytes]], body_length: int) -> None:
        """Finish the response. Unless it is certainly all that was received, the connection is out of sync."""
        if any(name.lower() == b"transfer-encoding" for name, _ in headers):
            self.out_of_sync = not self._bytes.endswith(b"\r\n0\r\n\r\n") or self._bytes.count(b"HTTP/1.") != 1
        else:
            self.out_of_sync = len(self._bytes) != self._bytes.find(b"\r\n\r\n") + 4 + body_length
        self._bytes.clear()


def has_unread_tls_data(ssl_object: object) -> bool:
    """Tell whether a TLS object holds received data that nobody has read yet."""
    if not isinstance(ssl_object, ssl.SSLObject):
        return False  # a TLS socket leaves unread records in the kernel, where they make the socket readable
    try:
        ssl_object.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        pass
    return True


class FallbackBackend(httpcore.SyncBackend):
    """Connects to the addresses of a host in turn, within one timeout for all of them and the name resolution."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host."""
        addresses = _resolve(host, port, remaining(timeout, httpcore.ConnectTimeout))
        failure: Exception = httpcore.ConnectError("the host has no address")
        tries: list[tuple[str, float | None]] = [(address, _FIRST_TRY_SECONDS) for address in addresses[:-1]]
        tries += [(address, None) for address in addresses[-1:] + addresses[:-1]]
        for done, (address, limit) in enumerate(tries):
            seconds = remaining(timeout, httpcore.ConnectTimeout)
            if seconds is not None:
                seconds = min(seconds, limit) if limit else seconds / (len(tries) - done)
            try:
                return super().connect_tcp(address, port, seconds or limit, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


# Each blocking object and its async twin, for `scripts/unasync`.
network_backend = FallbackBackend
async_network_backend: Callable[[], httpcore.AsyncNetworkBackend] = cast("Any", httpcore.AnyIOBackend)
shield, async_shield = nullcontext, functools.partial(anyio.CancelScope, shield=True)  # protects clean-up
Slots = threading.Semaphore


def _resolve(host: str, port: int, seconds: float | None) -> list[str]:
    """Resolve a name in a daemon thread: nothing else limits the time of `getaddrinfo`."""
    results = queue.SimpleQueue[list[str] | BaseException]()

    def resolve() -> None:
        try:
            results.put([str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            results.put(error)

    threading.Thread(target=resolve, daemon=True, name="sinch_reporting_dns").start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise httpcore.ConnectTimeout("name resolution timed out") from None
    if isinstance(result, OSError | UnicodeError):
        raise httpcore.ConnectError("name not resolved") from result
    if isinstance(result, BaseException):
        raise result
    return list(dict.fromkeys(result))


def to_httpcore_proxy(proxy: httpx.Proxy | None) -> httpcore.Proxy | None:
    """Return httpx's proxy as httpcore's."""
    if proxy is None:
        return None
    url = proxy.url
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
        ssl_context=proxy.ssl_context,
    )


class AsyncSlots:
    """`threading.Semaphore` for tasks."""

    def __init__(self, count: int) -> None:
        self._semaphore = anyio.Semaphore(count, fast_acquire=True)
        self.release = self._semaphore.release

    async def acquire(self, timeout: float | None) -> bool:  # noqa: ASYNC109 - as threading.Semaphore
        """Wait for a slot, and return whether there is one."""
        with anyio.move_on_after(timeout):
            await self._semaphore.acquire()
            return True
        return False
