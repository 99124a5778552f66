"""The default transports: httpcore's connection pools, with TLS verified and the environment's proxies.

httpx's own blocking transport bounds each read, so that a server that drips bytes holds a call for ever. This one
bounds the attempt. An async attempt is cancelled from outside, so that httpx's own transport will do there.
"""

import importlib
import os
import socket
import ssl
import time
import urllib.request
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

import httpcore
import httpx

from sinch_reporting.errors import ConfigurationError
from sinch_reporting.settings import is_loopback

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=30.0)
# httpcore's async pool looks through all connections several times for each request, so that more of them are slower.
ASYNC_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=20, keepalive_expiry=30.0)


class Until(float):
    """A timeout in seconds that also knows the moment at which it is up.

    httpcore hands a timeout on as it is, and would give each read the whole of it. The streams below look at the
    moment; any other stream takes it for the plain number that it is.
    """

    moment: float

    def __new__(cls, seconds: float) -> Self:
        """Begin a timeout of so many seconds."""
        timeout = super().__new__(cls, seconds)
        timeout.moment = time.monotonic() + seconds
        return timeout


def _left(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    if not isinstance(timeout, Until):
        return timeout
    left = timeout.moment - time.monotonic()
    if left <= 0:
        raise error("the time of the attempt is up")
    return left


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        # One address at a time: a host with several would be given the timeout once for each.
        try:
            addresses = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in addresses:
            try:
                left = _left(timeout, httpcore.ConnectTimeout)
                return _Stream(super().connect_tcp(str(address), port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


_CORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


@contextmanager
def _httpx_errors() -> Generator[None]:
    """Raise httpcore's errors as httpx's, which have the same names."""
    try:
        yield
    except _CORE_ERRORS as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _httpx_errors():
            yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class PooledTransport(httpx.BaseTransport):
    """An httpx transport over a httpcore pool, whose attempts end when their time is up."""

    def __init__(self, proxy: httpx.Proxy | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            proxy=_core_proxy(proxy),
            max_connections=LIMITS.max_connections,
            max_keepalive_connections=LIMITS.max_keepalive_connections,
            keepalive_expiry=LIMITS.keepalive_expiry,
            network_backend=_Backend(),
        )
        # For a client that nobody closes: at the interpreter's exit, its sockets would complain.
        weakref.finalize(self, _close_unless_forked, self._pool, os.getpid())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the answer, its body not yet read. Raises httpx.TransportError."""
        url = request.url
        core_request = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=cast("Iterable[bytes]", request.stream),
            extensions=request.extensions,
        )
        with _httpx_errors():
            response = self._pool.handle_request(core_request)
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(cast("Iterable[bytes]", response.stream)),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _close_unless_forked(pool: httpcore.ConnectionPool, owner: int) -> None:
    if os.getpid() == owner:
        pool.close()


def _core_proxy(proxy: httpx.Proxy | None) -> httpcore.Proxy | None:
    if proxy is None:
        return None
    url = proxy.url
    if url.scheme.startswith("socks"):
        importlib.import_module("socksio")  # which httpcore would miss only at the first request
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
    )


def _environment_proxy(base_url: str) -> httpx.Proxy | None:
    url = httpx.URL(base_url)
    if is_loopback(url.host):  # else a proxy elsewhere would be sent, over http://, what must not leave this machine
        return None
    proxies = urllib.request.getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or urllib.request.proxy_bypass(url.host):
        return None
    return httpx.Proxy(address if "://" in address else f"http://{address}")


def default_transport(base_url: str) -> httpx.BaseTransport:
    """Return the transport of a blocking client. Raises ConfigurationError for unusable proxies or certificates."""
    with _configuration_errors():
        return PooledTransport(_environment_proxy(base_url))


def default_async_transport(base_url: str) -> httpx.AsyncBaseTransport:
    """Return the transport of an async client. Raises ConfigurationError for unusable proxies or certificates."""
    with _configuration_errors():
        return httpx.AsyncHTTPTransport(proxy=_environment_proxy(base_url), limits=ASYNC_LIMITS)


@contextmanager
def _configuration_errors() -> Generator[None]:
    try:
        yield
    except (ValueError, ImportError, OSError, httpx.InvalidURL):
        # Without the cause: a proxy's URL may hold a password.
        raise ConfigurationError(
            "the environment's proxy or certificates are unusable: check HTTPS_PROXY, ALL_PROXY and NO_PROXY (a SOCKS "
            "proxy needs the package socksio), SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None
