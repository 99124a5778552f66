"""Connections that end an attempt when its time is up, and are not used again after an answer that was more than one.

httpcore bounds each read, so that a server that drips bytes holds a call for ever; and what a server sends beyond its
answer it takes for the answer to the next request, which would be another number's report.
"""

import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Any, cast

import httpcore

from sinch_reporting.until import Until

# More than the largest answer that is read, and the largest head that h11 takes.
_MOST = 2 * 1024 * 1024


def _left(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    if not isinstance(timeout, Until):
        return timeout
    left = timeout.left
    if left <= 0:
        raise error("the time of the attempt is up")
    return left


class Received:
    """The bytes that arrived since the last request, to tell whether they are one answer and no more."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.is_spoilt = False

    def begin(self) -> None:
        """Begin the next answer."""
        self._bytes.clear()

    def add(self, data: bytes) -> None:
        """Take what arrived."""
        if len(self._bytes) <= _MOST:
            self._bytes += data

    def end(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """End the answer; where it may not be all that arrived, the connection is spoilt. Doubt spoils it too."""
        lengths = [value for name, value in headers if name.lower() == b"content-length"]
        if len(lengths) == 1 and lengths[0].isdigit():
            head = self._bytes.find(b"\r\n\r\n") + 4
            self.is_spoilt = len(self._bytes) != head + int(lengths[0][:18])
        else:
            ends = self._bytes.endswith(b"\r\n0\r\n\r\n")
            self.is_spoilt = not ends or self._bytes.count(b"HTTP/1.") != 1


class Stream(httpcore.NetworkStream):
    """A blocking stream."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self.received = Received()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        data = self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))
        self.received.add(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self.received.begin()
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return a stream within this one."""
        left = _left(timeout, httpcore.ConnectTimeout)
        return Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        """Tell something of the connection; a spoilt one is readable, so that the pool does not use it again."""
        return (info == "is_readable" and self.received.is_spoilt) or self._stream.get_extra_info(info)


class AsyncStream(httpcore.AsyncNetworkStream):
    """An async stream. Its attempts are ended from outside, by cancelling them."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self.received = Received()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's name
        """Read what is there."""
        data = await self._stream.read(max_bytes, timeout)
        self.received.add(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's name
        """Write all of it."""
        self.received.begin()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
    ) -> httpcore.AsyncNetworkStream:
        """Return a stream within this one."""
        return AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Tell something of the connection; a spoilt one is readable, so that the pool does not use it again."""
        return (info == "is_readable" and self.received.is_spoilt) or self._stream.get_extra_info(info)


class Backend(httpcore.SyncBackend):
    """Connects blocking streams."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one address after the other: a host with several would be given the timeout once for each."""
        try:
            addresses = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in addresses:
            try:
                left = _left(timeout, httpcore.ConnectTimeout)
                return Stream(super().connect_tcp(str(address), port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Connects async streams, under asyncio and trio."""

    def __init__(self) -> None:
        self._backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host."""
        return AsyncStream(await self._backend.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._backend.sleep(seconds)
