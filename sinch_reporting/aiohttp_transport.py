"""The async transport over aiohttp, whose pool does not slow down with its connections, as httpcore's does."""

import asyncio
import functools
import math
import os
import ssl
from contextlib import suppress

import aiohttp
import httpx
import yarl

from sinch_reporting.answers import MAX_BODY_BYTES
from sinch_reporting.messages import ApiAnswer, ApiRequest, origin_of, target_of
from sinch_reporting.until import EndsInTime

CONNECTIONS = 256
KEEPALIVE_SECONDS = 30.0


class _HungUpError(aiohttp.ClientError):
    """The connection broke before an answer."""


_KINDS: list[tuple[type[Exception], type[httpx.TransportError]]] = [
    (_HungUpError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (TimeoutError, httpx.ReadTimeout),
    (ValueError, httpx.LocalProtocolError),
]


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request once: aiohttp would send a GET again, with the signature that it has, where no answer came."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise _HungUpError from None


@functools.lru_cache(maxsize=16)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, ceil_threshold=math.inf)


class AiohttpTransport(httpx.AsyncBaseTransport, EndsInTime):
    """An httpx transport over an aiohttp session, for one event loop.

    It reads an answer's body at once, up to a little more than the largest that is accepted.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, context: ssl.SSLContext) -> None:
        self._owner = (os.getpid(), loop)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            middlewares=(_once,),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the answer with its body. Raises httpx.TransportError."""
        if not isinstance(request, ApiRequest):
            await request.aread()
        try:
            return await self._exchange(request)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure, cause = _as_httpx(error)
        # Not from within the handler: aiohttp's errors hold the URL and the signed headers.
        raise failure from cause

    async def _exchange(self, request: httpx.Request) -> ApiAnswer:
        # Already encoded, so that yarl takes it as it is: what is signed is what is sent.
        url = yarl.URL(origin_of(request) + target_of(request).decode("ascii"), encoded=True)
        async with self._session.request(
            request.method,
            url,
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
            data=request.content or None,
            allow_redirects=False,
            timeout=_timeout(request.extensions["timeout"]["read"]),
        ) as response:
            content = b""
            while chunk := await response.content.readany():
                content += chunk
                if len(content) > MAX_BODY_BYTES:
                    response.close()
                    break
            return ApiAnswer(response.status, response.raw_headers, content, request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()

    def __del__(self) -> None:
        # Left behind by a client that went to another event loop, or that nobody closed, which the client itself tells.
        process, loop = self._owner
        if self._session.closed or process != os.getpid():
            return
        if loop.is_closed() or loop is _running_loop():
            _let_go(self._session)
        else:
            loop.call_soon_threadsafe(_let_go, self._session)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _let_go(session: aiohttp.ClientSession) -> None:
    connector = session.connector
    session.detach()
    if connector:
        with suppress(StopIteration):
            next(connector.close().__await__())  # closes them now; nobody waits until that is done


def _as_httpx(error: Exception) -> tuple[httpx.TransportError, Exception | None]:
    """Return the error as httpx's, without words or values that may hold the request's."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx.ConnectError(str(error.os_error)), error.os_error
    if isinstance(error, aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError(error.message), None
    kind = next((ours for theirs, ours in _KINDS if isinstance(error, theirs)), httpx.ReadError)
    return kind(type(error).__name__), None
