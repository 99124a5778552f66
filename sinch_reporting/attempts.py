"""The httpx clients under the facade: each call is attempted until it is answered, failed or out of time.

They stand in for `httpx.Client.send` and speak to the transport directly: httpx would sign only the first attempt of a
retrying transport, log the URL with its phone number, and run redirects and cookies that this API has no use for.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import aclosing, closing
from typing import Any, cast
from urllib.parse import urlencode

import anyio
import anyio.lowlevel
import httpx

from sinch_reporting.answers import Body, error_in
from sinch_reporting.auth import SignedAuth
from sinch_reporting.connections import Connections
from sinch_reporting.errors import (
    APIError,
    InvalidRequestError,
    ReportingError,
    RequestTimeoutError,
    TransportError,
)
from sinch_reporting.logs import logger, within_a_call
from sinch_reporting.retry import Attempts
from sinch_reporting.routes import redacted, template_of
from sinch_reporting.settings import Settings
from sinch_reporting.streams import Until
from sinch_reporting.version import __version__

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # an answer is some eighty bytes
    "Content-Type": "application/json",  # sent and signed, also on a GET: the only form that the publisher shows
    "User-Agent": f"sinch-reporting-python/{__version__}",
}


class _Call:
    """One call: its request, its attempts, and what follows from each. Without I/O, for both clients."""

    def __init__(self, request: httpx.Request, settings: Settings, base_url: httpx.URL, auth: httpx.Auth) -> None:
        self.request = request
        self._attempts = Attempts(settings.retry, timeout=settings.timeout, deadline=settings.deadline)
        self._redact = auth.redact if isinstance(auth, SignedAuth) else str
        self._began = 0.0
        if (request.url.scheme, request.url.netloc) != (base_url.scheme, base_url.netloc):
            raise InvalidRequestError(
                "the request is for another host than the base URL's; it would carry our signature"
            )
        # `+` is legal in a path, and the server is known to refuse signatures where it comes as %2B.
        path, mark, query = request.url.raw_path.partition(b"?")
        if b"%2B" in path:
            request.url = request.url.copy_with(raw_path=path.replace(b"%2B", b"+") + mark + query)

    def begin(self) -> float:
        """Begin an attempt and return the seconds that it may take."""
        self._began = time.monotonic()
        seconds = self._attempts.begin()
        until = Until(seconds)
        self.request.extensions["timeout"] = {"connect": until, "read": until, "write": until, "pool": until}
        return seconds

    def checked(self, response: httpx.Response) -> httpx.Response:
        """Return the answer if it is good. Raises APIError and DecodeError."""
        error = error_in(response, self._attempts.number, self._redact)
        if error is not None:
            raise error
        self._log("200")
        return response

    def wait_after(self, error: Exception) -> float:
        """Return the seconds to wait before the next attempt, or raise what the error has become."""
        if isinstance(error, ReportingError):
            failure = error
        else:
            failure = self._unanswered(error)
            failure.__cause__ = self._sayable(error)
        self._log(str(error.status_code) if isinstance(error, APIError) else type(error).__name__)
        return self._attempts.wait_after(failure)

    def _sayable(self, error: Exception) -> Exception:
        # A protocol error quotes what the server sent.
        if isinstance(error, httpx.ProtocolError):
            return type(error)(redacted(self._redact(str(error)), self.request))
        return error

    def _unanswered(self, error: Exception) -> TransportError:
        route = template_of(self.request.url)
        what = f"{type(error).__name__} on {self.request.method} {route}, attempt {self._attempts.number}"
        if isinstance(error, httpx.TimeoutException):
            return RequestTimeoutError(f"no answer came in time ({what}); raise the timeout, or try again later")
        # Not the cause's words: a protocol error may quote a header.
        return TransportError(f"no answer came ({what}); check the network, the proxy and the base URL")

    def _log(self, outcome: str) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            seconds = time.monotonic() - self._began
            route, number = template_of(self.request.url), self._attempts.number
            logger.debug("%s %s: %s, attempt %d, %.3f s", self.request.method, route, outcome, number, seconds)


def _plain_request(base_url: str, method: str, url: str, params: Mapping[str, str]) -> httpx.Request:
    """Return the request that httpx would build, without merging what this API has no use for.

    That is a third of a call: httpx parses the URL four times, and merges headers, cookies and parameters. `+` stays
    as it is here already, since `_Call` would have to parse the URL once more.
    """
    query = f"?{urlencode(params)}" if params else ""
    return httpx.Request(method, base_url + url.replace("%2B", "+") + query, headers=HEADERS)


def _is_given(option: object) -> bool:
    return option is not None and option is not httpx.USE_CLIENT_DEFAULT


class AttemptingClient(httpx.Client):
    """A blocking httpx client that signs and retries."""

    def __init__(self, settings: Settings, auth: httpx.Auth, connections: Connections[httpx.BaseTransport]) -> None:
        # A transport that does nothing stands in for httpx's own, which would never be used.
        super().__init__(base_url=settings.base_url, headers=HEADERS, transport=httpx.BaseTransport(), trust_env=False)
        self._settings = settings
        self._signer = auth
        self._connections = connections

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        """Return a request, in a short way for the generated functions, which give a path and a query alone."""
        params = options.pop("params", None)
        if isinstance(url, str) and url.startswith("/") and not any(map(_is_given, options.values())):
            return _plain_request(self._settings.base_url, method, url, params or {})
        return super().build_request(method, url, params=params, **options)

    def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        """Attempt the request until it is answered with 200 and JSON. Raises ReportingError."""
        transport = self._connections.get()
        call = _Call(request, self._settings, self.base_url, self._signer)
        with within_a_call():
            while True:
                call.begin()
                try:
                    return call.checked(self._attempt(transport, request))
                except Exception as error:  # noqa: BLE001 - nothing but ReportingError leaves the library
                    wait = call.wait_after(error)
                time.sleep(wait)

    def _attempt(self, transport: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
        with closing(self._signer.sync_auth_flow(request)) as flow:
            signed = next(flow)
            while True:
                response = _exchange(transport, signed)
                try:
                    signed = flow.send(response)
                except StopIteration:
                    return response


def _exchange(transport: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    body = Body()
    with closing(transport.handle_request(request)) as response:
        for chunk in cast("httpx.SyncByteStream", response.stream):
            if not body.add(chunk):
                break
    return body.answer(response, request)


class AsyncAttemptingClient(httpx.AsyncClient):
    """An async httpx client that signs and retries."""

    def __init__(
        self, settings: Settings, auth: httpx.Auth, connections: Connections[httpx.AsyncBaseTransport]
    ) -> None:
        # A transport that does nothing stands in for httpx's own, which would never be used.
        super().__init__(
            base_url=settings.base_url, headers=HEADERS, transport=httpx.AsyncBaseTransport(), trust_env=False
        )
        self._settings = settings
        self._signer = auth
        self._connections = connections

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        """Return a request, in a short way for the generated functions, which give a path and a query alone."""
        params = options.pop("params", None)
        if isinstance(url, str) and url.startswith("/") and not any(map(_is_given, options.values())):
            return _plain_request(self._settings.base_url, method, url, params or {})
        return super().build_request(method, url, params=params, **options)

    async def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        """Attempt the request until it is answered with 200 and JSON. Raises ReportingError."""
        transport = self._connections.get(anyio.lowlevel.current_token())
        call = _Call(request, self._settings, self.base_url, self._signer)
        with within_a_call():
            while True:
                seconds = call.begin()
                try:
                    return call.checked(await self._attempt_within(transport, request, seconds))
                except Exception as error:  # noqa: BLE001 - nothing but ReportingError leaves the library
                    wait = call.wait_after(error)
                await anyio.sleep(wait)

    async def _attempt_within(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, seconds: float
    ) -> httpx.Response:
        with anyio.move_on_after(seconds):
            return await self._attempt(transport, request)
        raise httpx.ReadTimeout("the time of the attempt is up")

    async def _attempt(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
        async with aclosing(self._signer.async_auth_flow(request)) as flow:
            signed = await anext(flow)
            while True:
                response = await _exchange_async(transport, signed)
                try:
                    signed = await flow.asend(response)
                except StopAsyncIteration:
                    return response


async def _exchange_async(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    body = Body()
    async with aclosing(await transport.handle_async_request(request)) as response:
        with anyio.CancelScope() as scope:
            async for chunk in cast("httpx.AsyncByteStream", response.stream):
                if not body.add(chunk):
                    # Ends the stream from within: `break` would leave generators to the garbage collector.
                    scope.cancel()
    return body.answer(response, request)
