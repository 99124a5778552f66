"""httpx's transport over another pool. `scripts/unasync` generates `transport.py`, for threads.

httpcore's async pool scans all its connections several times per request. This pool holds up to a hundred genuine
httpcore pools, each with one connection.
"""

import ssl
from collections import deque
from collections.abc import Iterable
from time import monotonic
from typing import Any, Self

import httpcore
import httpx

from sinch_reporting._http.connections import (
    AsyncSlots,
    ReceivedBytes,
    async_network_backend,
    async_shield,
    has_unread_tls_data,
    remaining,
    to_httpcore_proxy,
)

MAX_CONNECTIONS = 100
KEEPALIVE_SECONDS = 30.0


class AsyncStream(httpcore.AsyncNetworkStream):
    """A connection that enforces the deadline of an attempt, and is not reused after surplus bytes."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, timeout: float | None) -> None:
        self._stream = stream
        self._timeout = timeout  # httpcore passes none while it negotiates with a SOCKS proxy
        self.received = ReceivedBytes()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's name
        """Read some bytes."""
        data = await self._stream.read(max_bytes, remaining(timeout or self._timeout, httpcore.ReadTimeout))
        self.received.add(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write all bytes."""
        self.received.start()
        await self._stream.write(buffer, remaining(timeout or self._timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Return a TLS stream over this one."""
        seconds = remaining(timeout, httpcore.ConnectTimeout)
        return AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, seconds), timeout)

    def get_extra_info(self, info: str) -> Any:
        """Return information on the connection. httpcore does not reuse a connection that is readable."""
        value = self._stream.get_extra_info(info)
        if info != "is_readable":
            return value
        return self.received.out_of_sync or value or has_unread_tls_data(self._stream.get_extra_info("ssl_object"))


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Makes such connections, and closes the last one."""

    def __init__(self) -> None:
        self._backend = async_network_backend()
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host."""
        seconds = remaining(timeout, httpcore.ConnectTimeout)
        self._stream = await self._backend.connect_tcp(host, port, seconds, local_address, socket_options)
        return AsyncStream(self._stream, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._stream:
            await self._stream.aclose()


class AsyncConnection(httpcore.AsyncConnectionPool):
    """httpcore's pool with one connection."""

    def __init__(self, **options: Any) -> None:
        self._own_backend = AsyncBackend()
        super().__init__(max_connections=1, network_backend=self._own_backend, **options)

    async def aclose(self) -> None:
        """Close the connection."""
        await super().aclose()
        await self._own_backend.aclose()  # httpcore forgets a connection until TLS and SOCKS are negotiated


class AsyncPool:
    """The interface of httpcore's pool that httpx's transport uses.

    Args:
        max_connections: Most connections, and so most requests at a time.
        keepalive_seconds: Time after which an idle connection is closed.
        options: Further options of the one-connection pools.
    """

    def __init__(self, max_connections: int, keepalive_seconds: float, **options: Any) -> None:
        self._options = options
        self._slots = AsyncSlots(max_connections)
        self._keepalive_seconds = keepalive_seconds
        self._idle = deque[tuple[float, AsyncConnection]]()  # the time since when, and the connection
        self._is_closed = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request once, and return the response with its body."""
        started = monotonic()
        await self._close_idle(started - self._keepalive_seconds)
        timeout = request.extensions.get("timeout", {}).get("pool")
        if not await self._slots.acquire(timeout=remaining(timeout, httpcore.PoolTimeout)):
            raise httpcore.PoolTimeout("all connections were in use")
        try:
            pool = self._acquire()
            try:
                response = await pool.handle_async_request(request)
                content = bytearray()
                async for part in response.aiter_stream():
                    content += part
                await response.aclose()
            except BaseException:
                with async_shield():
                    await pool.aclose()
                    await self._close_idle(started)  # a network change may have killed these too
                raise
            if stream := response.extensions.get("network_stream"):
                stream.received.finish(response.headers, len(content))
            self._idle.append((monotonic(), pool))
        finally:
            self._slots.release()
        if self._is_closed:
            await self.aclose()
        return httpcore.Response(
            response.status, headers=response.headers, content=bytes(content), extensions=response.extensions
        )

    def _acquire(self) -> AsyncConnection:
        try:
            return self._idle.pop()[1]
        except IndexError:
            return AsyncConnection(**self._options)

    async def _close_idle(self, before: float) -> None:
        """Close the connections that have been idle since before a time."""
        try:
            while self._idle[0][0] < before:
                await self._idle.popleft()[1].aclose()
        except IndexError:
            return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the idle connections. Those in use are closed after their response."""
        self._is_closed = True
        await self._close_idle(float("inf"))


class AsyncTransport(httpx.AsyncHTTPTransport):
    """httpx's transport with our pool, so that tools that patch or instrument httpx recognise it."""

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext,
        proxy: httpx.Proxy | None = None,
        max_connections: int = MAX_CONNECTIONS,
        keepalive_seconds: float = KEEPALIVE_SECONDS,
    ) -> None:
        super().__init__(verify=ssl_context, proxy=proxy)
        pool = AsyncPool(max_connections, keepalive_seconds, ssl_context=ssl_context, proxy=to_httpcore_proxy(proxy))
        self._pool: Any = pool
        self.close_pool = pool.aclose
