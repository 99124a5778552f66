"""The transports over httpcore's pools: they know proxies, and the async one every event loop that anyio knows."""

import importlib
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import cast

import httpcore
import httpx

from sinch_reporting._http.ownership import close_on_finalize
from sinch_reporting.http1 import KEEPALIVE_SECONDS
from sinch_reporting.messages import ApiRequest, target_of
from sinch_reporting.socket_transport import CONNECTIONS
from sinch_reporting.streams import AsyncBackend, AsyncStream, Backend, Stream

# httpcore's async pool looks through all connections several times for each request, so that more of them are slower.
ASYNC_CONNECTIONS = 20

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


def _core_request(request: httpx.Request) -> httpcore.Request:
    url = request.base.url if isinstance(request, ApiRequest) else request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target_of(request)),
        headers=request.headers.raw,
        content=cast("Iterable[bytes]", request.stream),
        extensions=request.extensions,
    )


def _end_of_answer(response: httpcore.Response) -> None:
    stream = response.extensions.get("network_stream")
    if isinstance(stream, Stream | AsyncStream):
        stream.received.end(response.headers)


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _httpx_errors():
            yield from cast("Iterable[bytes]", self._response.stream)
        _end_of_answer(self._response)

    def close(self) -> None:
        with _httpx_errors():
            self._response.close()


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for chunk in cast("AsyncIterable[bytes]", self._response.stream):
                yield chunk
        _end_of_answer(self._response)

    async def aclose(self) -> None:
        with _httpx_errors():
            await self._response.aclose()


class PooledTransport(httpx.BaseTransport):
    """An httpx transport over a httpcore pool of the streams in `streams`."""

    def __init__(self, proxy: httpx.Proxy | None, context: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            proxy=core_proxy(proxy),
            max_connections=CONNECTIONS,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=Backend(),
        )
        close_on_finalize(self, self._pool.close)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the answer, its body not yet read. Raises httpx.TransportError."""
        with _httpx_errors():
            response = self._pool.handle_request(_core_request(request))
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class AsyncPooledTransport(httpx.AsyncBaseTransport):
    """The async twin of PooledTransport."""

    def __init__(self, proxy: httpx.Proxy | None, context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=core_proxy(proxy),
            max_connections=ASYNC_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=AsyncBackend(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the answer, its body not yet read. Raises httpx.TransportError."""
        with _httpx_errors():
            response = await self._pool.handle_async_request(_core_request(request))
        return httpx.Response(
            response.status, headers=response.headers, stream=_AsyncBody(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


def core_proxy(proxy: httpx.Proxy | None) -> httpcore.Proxy | None:
    """Return the proxy as httpcore's. Raises ImportError for a SOCKS proxy that cannot be used."""
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
