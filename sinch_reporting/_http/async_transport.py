"""httpx's transport over another pool. `scripts/unasync` generates `transport.py`, for threads.

httpcore's async pool scans all its connections several times per request, and its locks may stay locked after Ctrl-C.
This pool holds up to a hundred of httpcore's connections.
"""

# ruff: noqa: ASYNC109 - httpcore passes each timeout
import ssl
from collections import deque
from collections.abc import AsyncIterable
from contextlib import suppress
from time import monotonic
from typing import Any, cast

import httpcore
import httpx

from sinch_reporting._http import connections


class AsyncConnection(httpcore.AsyncNetworkBackend, httpcore.AsyncNetworkStream):
    """A connection of httpcore, and its stream: enforces the deadline of an attempt, is not reused after surplus bytes.

    It closes the stream itself: httpcore takes locks for that, and has no stream until TLS and SOCKS are negotiated.
    """

    def __init__(self, origin: httpcore.Origin, options: dict[str, Any]) -> None:
        self._stream: Any = None
        self._tls: list[Any] = []  # the TLS objects; within a tunnel through an https:// proxy there are two
        self._timeout: float | None = None  # of the start; httpcore passes none while it negotiates with a SOCKS proxy
        self._received = bytearray()  # since the last request
        self._out_of_sync = False
        self.http = httpcore.AsyncConnectionPool(network_backend=self, **options).create_connection(origin)

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.AsyncNetworkStream:
        seconds = connections.remaining(timeout, httpcore.ConnectTimeout)
        self._timeout = timeout
        self._stream = await connections.async_network_backend().connect_tcp(host, port, seconds, *args, **options)
        return self

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        seconds = connections.remaining(timeout, httpcore.ConnectTimeout)
        self._stream = await self._stream.start_tls(ssl_context, server_hostname, seconds)
        self._tls.append(self._stream.get_extra_info("ssl_object"))
        return self

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = connections.remaining(timeout or self._timeout, httpcore.ReadTimeout)
        data: bytes = await self._stream.read(max_bytes, seconds)
        self._received += data
        connections.check_size(self._received)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:  # h11's end of a request without a body
            return
        self._received.clear()
        await self._stream.write(buffer, connections.remaining(timeout or self._timeout, httpcore.WriteTimeout))

    def get_extra_info(self, info: str) -> Any:  # httpcore does not reuse a connection that is readable
        value = self._stream.get_extra_info(info)
        if info != "is_readable":
            return value
        return self._out_of_sync or value or any(layer.pending() for layer in self._tls)

    async def send(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request, and return the response with its body."""
        request.stream = connections.async_without_empty(cast(AsyncIterable[bytes], request.stream))
        response = await self.http.handle_async_request(request)
        content = bytearray()
        async for part in cast(AsyncIterable[bytes], response.stream):
            content += part
        await response.aclose()
        self._out_of_sync = not connections.is_one_response(self._received, response.headers, len(content))
        self._received.clear()
        response.stream = httpx.ByteStream(bytes(content))
        return response

    def is_usable(self, origin: httpcore.Origin) -> bool:  # for the next request
        http = self.http
        return http.can_handle_request(origin) and http.is_available() and not http.has_expired()

    async def aclose(self) -> None:
        if self._stream:
            with connections.async_shield():
                await self._stream.aclose()


class AsyncPool:
    """The interface of httpcore's pool that httpx's transport uses. `options` are those of httpcore's pools."""

    def __init__(self, max_connections: int = 100, keepalive_seconds: float = 30.0, **options: Any) -> None:
        self._options = options
        self._slots = connections.AsyncSlots(max_connections)
        self._keepalive_seconds = keepalive_seconds
        self._idle = deque[tuple[float, AsyncConnection]]()  # the time since when, and the connection
        self._is_closed = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request once, and return the response with its body."""
        started = monotonic()
        await self._close_idle(started - self._keepalive_seconds)
        timeout = request.extensions.get("timeout", {}).get("pool")
        slot: list[None] = []
        try:
            await self._slots.acquire(connections.remaining(timeout, httpcore.PoolTimeout), slot)
            if not slot:
                raise httpcore.PoolTimeout("all connections were in use")
            connection = await self._acquire(request.url.origin)
            try:
                response = await connection.send(request)
            except BaseException:
                await connection.aclose()
                await self._close_idle(started)  # a network change may have killed these too
                raise
            self._idle.append((monotonic(), connection))
        finally:
            if slot:
                self._slots.release()
        if self._is_closed:
            await self.aclose()
        return response

    async def _acquire(self, origin: httpcore.Origin) -> AsyncConnection:
        with suppress(IndexError):  # not a condition of the loop: another thread may be faster
            while True:
                connection = self._idle.pop()[1]
                if connection.is_usable(origin):
                    return connection
                await connection.aclose()
        return AsyncConnection(origin, self._options)

    async def _close_idle(self, before: float) -> None:  # those that have been idle since before a time
        with suppress(IndexError):
            while self._idle[0][0] < before:
                await self._idle.popleft()[1].aclose()

    async def aclose(self) -> None:
        """Close the idle connections. Those in use are closed after their response."""
        self._is_closed = True
        await self._close_idle(float("inf"))


class AsyncTransport(httpx.AsyncHTTPTransport):
    """httpx's transport with our pool, so that tools that patch or instrument httpx recognise it."""

    def __init__(self, *, ssl_context: ssl.SSLContext, proxy: httpx.Proxy | None = None, **options: Any) -> None:
        super().__init__(verify=ssl_context, proxy=proxy)
        ssl_context.sslobject_class = connections.TLSObject
        if proxy:
            url, auth, headers = str(proxy.url), proxy.raw_auth, proxy.headers.raw
            options["proxy"] = httpcore.Proxy(url, auth=auth, headers=headers, ssl_context=ssl_context)
        self._pool: Any = AsyncPool(ssl_context=ssl_context, **options)
        self.close_pool = self._pool.aclose

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once, and return the response with its body read, unless that is compressed."""
        response = await super().handle_async_request(request)
        if "Content-Encoding" not in response.headers:
            await response.aread()
        return response
