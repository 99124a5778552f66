"""State of a connection, name resolution in threads, and slots: shared by both transports."""

import _thread
import queue
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from time import monotonic
from typing import Any, Self, cast

import anyio
import httpcore

from sinch_reporting._failures import reraise_own
from sinch_reporting._http import Deadline
from sinch_reporting._responses import MAX_BODY_BYTES, TOO_LARGE
from sinch_reporting.errors import DecodeError

_MAX_HEADERS_BYTES = 32 * 1024  # of a head or trailers; h11 may need 180 times the memory of one
_MAX_RESPONSE_BYTES = MAX_BODY_BYTES + 100 * 1024  # with a head, and the sizes of chunks
_MAX_REUSED_BYTES = 32 * 1024  # anyio reads up to 256 KiB at once, and holds back what exceeds 64 KiB
_FIRST_TRY_SECONDS = 0.3  # for each of several addresses, before any gets its full share


def remaining(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """Return the remaining seconds of a timeout. Raises the error if there are none."""
    seconds = timeout.at - monotonic() if isinstance(timeout, Deadline) else timeout
    if seconds is not None and seconds <= 0:
        raise error("the time of the attempt has expired")
    return seconds


def check_size(received: bytearray) -> None:
    """Raise DecodeError if received bytes exceed the size of any valid response, or of its head or trailers."""
    size, limit = len(received), _MAX_HEADERS_BYTES
    if size <= limit:
        return
    if size > _MAX_RESPONSE_BYTES:
        raise DecodeError(TOO_LARGE)
    head_end = received.find(b"\r\n\r\n", 0, limit)
    # Trailers follow the last chunk, which is empty. Both are sought no farther back than one read can go on.
    last_chunk = received.rfind(b"\r\n0", -4 * limit) if b"chunked" in received[: max(head_end, 0)].lower() else -1
    has_no_end = received.rfind(b"\r\n0\r\n\r\n", -4 * limit) < 0
    if head_end < 0 or (0 <= last_chunk < size - limit and has_no_end):
        raise DecodeError(
            "the headers of the response are larger than 32 KiB; check that the base URL leads to the Reporting API"
        )


def is_one_response(received: bytearray, headers: Sequence[tuple[bytes, bytes]], body_length: int) -> bool:
    """Return whether the received bytes are certainly one response and nothing else.

    httpcore would take surplus bytes for the response to the next request, which is another number's report.
    """
    if len(received) > _MAX_REUSED_BYTES:
        return False
    if len(received) == received.find(b"\r\n\r\n") + 4 + body_length:
        return True
    is_chunked = any(name.lower() == b"transfer-encoding" for name, _ in headers)
    has_one_end = received.endswith(b"\r\n0\r\n\r\n") and received.count(b"HTTP/1.") == 1
    return is_chunked and has_one_end and body_length > 0  # a 204 has no chunks in spite of the header


class TLSObject(ssl.SSLObject):
    """A TLS object whose pending bytes include received records that nobody has read yet, also incomplete ones."""

    _incoming: ssl.MemoryBIO

    @classmethod
    def _create(cls, incoming: ssl.MemoryBIO, *args: Any, **options: Any) -> Self:  # by `wrap_bio`
        made: Self = cast("Any", super())._create(incoming, *args, **options)  # noqa: SLF001
        made._incoming = incoming
        return made

    def pending(self) -> int:
        return super().pending() + self._incoming.pending


class FallbackBackend(httpcore.SyncBackend):
    """Connects to the addresses of a host in turn, within one timeout for all of them and the name resolution."""

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        addresses = _resolve(host, port, remaining(timeout, httpcore.ConnectTimeout))
        failure: Exception = httpcore.ConnectError("the host has no address")
        tries = [*addresses, *addresses[:-1]]
        for done, address in enumerate(tries):
            seconds = remaining(timeout, httpcore.ConnectTimeout)
            if done < len(addresses) - 1:
                seconds = min(seconds or _FIRST_TRY_SECONDS, _FIRST_TRY_SECONDS)
            elif seconds is not None:
                seconds /= len(tries) - done
            try:
                return super().connect_tcp(address, port, seconds, *args, **options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            reraise_own(failure)
        raise failure


network_backend: Callable[[], httpcore.NetworkBackend] = FallbackBackend
async_network_backend: Callable[[], httpcore.AsyncNetworkBackend] = cast("Any", httpcore.AnyIOBackend)
without_empty: Callable[[Iterable[bytes]], Iterable[bytes]] = partial(filter, None)
shield: Callable[[], AbstractContextManager[object]] = nullcontext  # threads are not cancelled
async_shield: Callable[[], AbstractContextManager[object]] = partial(anyio.CancelScope, shield=True)


def _resolve(host: str, port: int, seconds: float | None) -> list[str]:
    """Resolve a name in a daemon thread: nothing else limits the time of `getaddrinfo`."""
    results = queue.SimpleQueue[list[str] | BaseException]()

    def resolve() -> None:
        try:
            results.put([str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            results.put(error)

    # Thread.start would wait with a lock; Ctrl-C there can become "RuntimeError: release unlocked lock".
    _thread.start_new_thread(resolve, ())
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise httpcore.ConnectTimeout("name resolution timed out") from None
    if isinstance(result, OSError | UnicodeError):
        raise httpcore.ConnectError("name not resolved") from result
    if isinstance(result, BaseException):
        raise result
    return list(dict.fromkeys(result))


async def async_without_empty(parts: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the parts of a request's body that are not empty: h11 takes long for that of a request without one."""
    async for part in parts:
        if part:
            yield part


class Slots:
    """A limited number of slots for threads."""

    def __init__(self, count: int) -> None:
        # The locks of `threading.Semaphore` can stay locked after Ctrl-C. A SimpleQueue is written in C.
        self._free = queue.SimpleQueue[None]()
        for _ in range(count):
            self._free.put(None)
        self.release = partial(self._free.put, None)

    def acquire(self, seconds: float | None, held: list[None]) -> None:
        """Wait for a slot, and add it to a list. Adds nothing if the time expires."""
        with suppress(queue.Empty):
            held.extend(map(self._free.get, (True,), (seconds,)))  # one call, so that Ctrl-C cannot come in between


class AsyncSlots:
    """A limited number of slots for tasks."""

    def __init__(self, count: int) -> None:
        self._semaphore = anyio.Semaphore(count)
        self.release = self._semaphore.release

    async def acquire(self, seconds: float | None, held: list[None]) -> None:
        try:
            self._semaphore.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(seconds):
                await self._semaphore.acquire()
                held.append(None)
        else:
            held.append(None)
