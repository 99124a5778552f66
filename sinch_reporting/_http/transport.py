# Generated from async_transport.py by scripts/unasync. Do not edit.
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
    ReceivedBytes,
    Slots,
    has_unread_tls_data,
    network_backend,
    remaining,
    shield,
    to_httpcore_proxy,
)

MAX_CONNECTIONS = 100
KEEPALIVE_SECONDS = 30.0


class Stream(httpcore.NetworkStream):
    """A connection that enforces the deadline of an attempt, and is not reused after surplus bytes."""

    def __init__(self, stream: httpcore.NetworkStream, timeout: float | None) -> None:
        self._stream = stream
        self._timeout = timeout  # httpcore passes none while it negotiates with a SOCKS proxy
        self.received = ReceivedBytes()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's name
        """Read some bytes."""
        data = self._stream.read(max_bytes, remaining(timeout or self._timeout, httpcore.ReadTimeout))
        self.received.add(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write all bytes."""
        self.received.start()
        self._stream.write(buffer, remaining(timeout or self._timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.NetworkStream:
        """Return a TLS stream over this one."""
        seconds = remaining(timeout, httpcore.ConnectTimeout)
        return Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), timeout)

    def get_extra_info(self, info: str) -> Any:
        """Return information on the connection. httpcore does not reuse a connection that is readable."""
        value = self._stream.get_extra_info(info)
        if info != "is_readable":
            return value
        return self.received.out_of_sync or value or has_unread_tls_data(self._stream.get_extra_info("ssl_object"))


class Backend(httpcore.NetworkBackend):
    """Makes such connections, and closes the last one."""

    def __init__(self) -> None:
        self._backend = network_backend()
        self._stream: httpcore.NetworkStream | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host."""
        seconds = remaining(timeout, httpcore.ConnectTimeout)
        self._stream = self._backend.connect_tcp(host, port, seconds, local_address, socket_options)
        return Stream(self._stream, timeout)

    def close(self) -> None:
        """Close the connection."""
        if self._stream:
            self._stream.close()


class Connection(httpcore.ConnectionPool):
    """httpcore's pool with one connection."""

    def __init__(self, **options: Any) -> None:
        self._own_backend = Backend()
        super().__init__(max_connections=1, network_backend=self._own_backend, **options)

    def close(self) -> None:
        """Close the connection."""
        super().close()
        self._own_backend.close()  # httpcore forgets a connection until TLS and SOCKS are negotiated


class Pool:
    """The interface of httpcore's pool that httpx's transport uses.

    Args:
        max_connections: Most connections, and so most requests at a time.
        keepalive_seconds: Time after which an idle connection is closed.
        options: Further options of the one-connection pools.
    """

    def __init__(self, max_connections: int, keepalive_seconds: float, **options: Any) -> None:
        self._options = options
        self._slots = Slots(max_connections)
        self._keepalive_seconds = keepalive_seconds
        self._idle = deque[tuple[float, Connection]]()  # the time since when, and the connection
        self._is_closed = False

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request once, and return the response with its body."""
        started = monotonic()
        self._close_idle(started - self._keepalive_seconds)
        timeout = request.extensions.get("timeout", {}).get("pool")
        if not self._slots.acquire(timeout=remaining(timeout, httpcore.PoolTimeout)):
            raise httpcore.PoolTimeout("all connections were in use")
        try:
            pool = self._acquire()
            try:
                response = pool.handle_request(request)
                content = bytearray()
                for part in response.iter_stream():
                    content += part
                response.close()
            except BaseException:
                with shield():
                    pool.close()
                    self._close_idle(started)  # a network change may have killed these too
                raise
            if stream := response.extensions.get("network_stream"):
                stream.received.finish(response.headers, len(content))
            self._idle.append((monotonic(), pool))
        finally:
            self._slots.release()
        if self._is_closed:
            self.close()
        return httpcore.Response(
            response.status, headers=response.headers, content=bytes(content), extensions=response.extensions
        )

    def _acquire(self) -> Connection:
        try:
            return self._idle.pop()[1]
        except IndexError:
            return Connection(**self._options)

    def _close_idle(self, before: float) -> None:
        """Close the connections that have been idle since before a time."""
        try:
            while self._idle[0][0] < before:
                self._idle.popleft()[1].close()
        except IndexError:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections. Those in use are closed after their response."""
        self._is_closed = True
        self._close_idle(float("inf"))


class Transport(httpx.HTTPTransport):
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
        pool = Pool(max_connections, keepalive_seconds, ssl_context=ssl_context, proxy=to_httpcore_proxy(proxy))
        self._pool: Any = pool
        self.close_pool = pool.close
