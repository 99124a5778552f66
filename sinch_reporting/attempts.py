"""The httpx clients under the facade: each call is attempted until it is answered, failed or out of time.

They stand in for `httpx.Client.send` and speak to the transport directly: httpx would sign only the first attempt of a
retrying transport, log the URL with its phone number, and run redirects and cookies that this API has no use for.
"""

import logging
import time
from contextlib import aclosing, closing
from typing import Any, cast

import anyio
import httpx

from sinch_reporting._http.ownership import SharedTransport, event_loop
from sinch_reporting._logging import logger, own_request
from sinch_reporting._redaction import redact, route_of
from sinch_reporting._responses import MAX_BODY_BYTES, decode_body, error_from_response
from sinch_reporting.auth import SignedAuth
from sinch_reporting.config import Settings
from sinch_reporting.errors import (
    APIError,
    InvalidRequestError,
    RateLimitError,
    ReportingError,
    RequestTimeoutError,
    TransportError,
)
from sinch_reporting.events import Attempt, tell
from sinch_reporting.messages import HEADERS, ApiAnswer, ApiRequest, Base, api_request
from sinch_reporting.rate_limit import RateLimiter
from sinch_reporting.retry import Attempts
from sinch_reporting.until import EndsInTime, Until


class _Call:
    """One call: its request, its attempts, and what follows from each. Without I/O, for both clients."""

    def __init__(
        self, request: httpx.Request, settings: Settings, base_url: httpx.URL, auth: httpx.Auth, pace: RateLimiter
    ) -> None:
        self.request = request
        self._policy = settings.retry
        self._observer = settings.on_attempt
        self._attempts = Attempts(settings.retry, timeout=settings.timeout, deadline=settings.deadline)
        self._redact = auth.redact if isinstance(auth, SignedAuth) else str
        self._pace = pace
        self._began = 0.0
        if not isinstance(request, ApiRequest):
            _fit(request, base_url)

    def turn(self, *, waited: bool) -> float:
        """Return the seconds to wait for this attempt's turn, 0 where it has come. Raises DeadlineExceededError."""
        wait = self._pace.wait(self._attempts.left, has_place=waited)
        return self._attempts.affordable(wait)

    def begin(self) -> float:
        """Begin an attempt and return the seconds that it may take."""
        self._began = time.monotonic()
        seconds = self._attempts.begin()
        until = Until(seconds)
        self.request.extensions["timeout"] = {"connect": until, "read": until, "write": until, "pool": until}
        return seconds

    def checked(self, response: ApiAnswer) -> httpx.Response:
        """Return the answer if it is good. Raises APIError and DecodeError."""
        error = error_from_response(response, self._attempts.number, self._redact)
        if error is not None:
            raise error
        self._tell("200")
        return response

    def wait_after(self, error: Exception) -> float:
        """Return the seconds to wait before the next attempt, or raise what the error has become."""
        if isinstance(error, ReportingError):
            failure = error
        else:
            failure = self._unanswered(error)
            failure.__cause__ = self._sayable(error)
        self._tell(str(error.status_code) if isinstance(error, APIError) else type(error).__name__)
        if isinstance(failure, RateLimitError) and self._policy.obeys(failure.retry_after):
            self._pace.hold(failure.retry_after or 0)
        return self._attempts.wait_after(failure)

    def _sayable(self, error: Exception) -> Exception:
        # A protocol error quotes what the server sent.
        if isinstance(error, httpx.ProtocolError):
            return type(error)(redact(self._redact(str(error)), self.request))
        return error

    def _unanswered(self, error: Exception) -> TransportError:
        route = route_of(self.request)
        what = f"{type(error).__name__} on {self.request.method} {route}, attempt {self._attempts.number}"
        if isinstance(error, httpx.TimeoutException):
            return RequestTimeoutError(f"no answer came in time ({what}); raise the timeout, or try again later")
        # Not the cause's words: a protocol error may quote a header.
        return TransportError(f"no answer came ({what}); check the network, the proxy and the base URL")

    def _tell(self, outcome: str) -> None:
        if self._observer is None and not logger.isEnabledFor(logging.DEBUG):
            return
        seconds = time.monotonic() - self._began
        route, number = route_of(self.request), self._attempts.number
        logger.debug("%s %s: %s, attempt %d, %.3f s", self.request.method, route, outcome, number, seconds)
        if self._observer:
            tell(self._observer, Attempt(self.request.method, route, number, outcome, seconds))


def _fit(request: httpx.Request, base_url: httpx.URL) -> None:
    """Make a request that httpx built fit the API. Raises InvalidRequestError where it leads elsewhere."""
    if (request.url.scheme, request.url.netloc) != (base_url.scheme, base_url.netloc):
        raise InvalidRequestError("the request is for another host than the base URL's; it would carry our signature")
    path, mark, query = request.url.raw_path.partition(b"?")
    if b"%2B" in path:
        request.url = request.url.copy_with(raw_path=path.replace(b"%2B", b"+") + mark + query)


def _in_time_of(request: httpx.Request, signed: httpx.Request) -> httpx.Request:
    """Give what an auth asks for, which may be another request, for a token, the time of the attempt."""
    signed.extensions["timeout"] = request.extensions["timeout"]
    return signed


class RetryingClient(httpx.Client):
    """A blocking httpx client that signs and retries."""

    def __init__(self, settings: Settings, auth: httpx.Auth, connections: SharedTransport[httpx.BaseTransport]) -> None:
        # A transport that does nothing stands in for httpx's own, which would never be used.
        super().__init__(base_url=settings.base_url, headers=HEADERS, transport=httpx.BaseTransport(), trust_env=False)
        self._settings = settings
        self._base = Base(settings.base_url)
        self._signer = auth
        self._connections = connections

    def request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Response:
        """Send a request, in a short way where it comes from a generated function. Raises ReportingError."""
        request = api_request(self._base, method, url, options)
        return super().request(method, url, **options) if request is None else self.send(request)

    def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        """Attempt the request until it is answered with 200 and JSON. Raises ReportingError."""
        transport = self._connections.get()
        call = _Call(request, self._settings, self._base.url, self._signer, self._connections.pace)
        with own_request():
            while True:
                waited = False
                while turn := call.turn(waited=waited):
                    time.sleep(turn)
                    waited = True
                call.begin()
                try:
                    return call.checked(self._attempt(transport, request))
                except Exception as error:  # noqa: BLE001 - nothing but ReportingError leaves the library
                    wait = call.wait_after(error)
                time.sleep(wait)

    def _attempt(self, transport: httpx.BaseTransport, request: httpx.Request) -> ApiAnswer:
        with closing(self._signer.sync_auth_flow(request)) as flow:
            signed = next(flow)
            while True:
                response = exchange(transport, _in_time_of(request, signed))
                try:
                    signed = flow.send(response)
                except StopIteration:
                    return response


def exchange(transport: httpx.BaseTransport, request: httpx.Request) -> ApiAnswer:
    """Send the request once and return the answer, read no further than to what is too much."""
    response = transport.handle_request(request)
    if isinstance(response, ApiAnswer):
        return decode_body(response, response.content, request)
    content = bytearray()
    with closing(response):
        for chunk in cast("httpx.SyncByteStream", response.stream):
            content += chunk
            if len(content) > MAX_BODY_BYTES:
                break
    return decode_body(response, content, request)


class AsyncRetryingClient(httpx.AsyncClient):
    """An async httpx client that signs and retries."""

    def __init__(
        self, settings: Settings, auth: httpx.Auth, connections: SharedTransport[httpx.AsyncBaseTransport]
    ) -> None:
        # A transport that does nothing stands in for httpx's own, which would never be used.
        super().__init__(
            base_url=settings.base_url, headers=HEADERS, transport=httpx.AsyncBaseTransport(), trust_env=False
        )
        self._settings = settings
        self._base = Base(settings.base_url)
        self._signer = auth
        self._connections = connections

    async def request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Response:
        """Send a request, in a short way where it comes from a generated function. Raises ReportingError."""
        request = api_request(self._base, method, url, options)
        return await (super().request(method, url, **options) if request is None else self.send(request))

    async def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        """Attempt the request until it is answered with 200 and JSON. Raises ReportingError."""
        transport = self._connections.get(event_loop())
        call = _Call(request, self._settings, self._base.url, self._signer, self._connections.pace)
        with own_request():
            while True:
                waited = False
                while turn := call.turn(waited=waited):
                    await anyio.sleep(turn)
                    waited = True
                seconds = call.begin()
                try:
                    return call.checked(await self._attempt_within(transport, request, seconds))
                except Exception as error:  # noqa: BLE001 - nothing but ReportingError leaves the library
                    wait = call.wait_after(error)
                await anyio.sleep(wait)

    async def _attempt_within(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, seconds: float
    ) -> ApiAnswer:
        if isinstance(transport, EndsInTime):
            return await self._attempt(transport, request)
        with anyio.move_on_after(seconds):
            return await self._attempt(transport, request)
        raise httpx.ReadTimeout("the time of the attempt is up")

    async def _attempt(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> ApiAnswer:
        if type(self._signer).async_auth_flow is not httpx.Auth.async_auth_flow:
            return await self._attempt_with_auth_of_its_own(transport, request)
        # httpx's flow wraps this one in an async generator, to read bodies; ours are read.
        await request.aread()
        flow = self._signer.auth_flow(request)
        signed = next(flow)
        while True:
            response = await async_exchange(transport, _in_time_of(request, signed))
            try:
                signed = flow.send(response)
            except StopIteration:
                return response

    async def _attempt_with_auth_of_its_own(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request
    ) -> ApiAnswer:
        async with aclosing(self._signer.async_auth_flow(request)) as flow:
            signed = await anext(flow)
            while True:
                response = await async_exchange(transport, _in_time_of(request, signed))
                try:
                    signed = await flow.asend(response)
                except StopAsyncIteration:
                    return response


async def async_exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> ApiAnswer:
    """Send the request once and return the answer, read no further than to what is too much."""
    response = await transport.handle_async_request(request)
    if isinstance(response, ApiAnswer):
        return decode_body(response, response.content, request)
    content = bytearray()
    async with aclosing(response):
        with anyio.CancelScope() as scope:
            async for chunk in cast("httpx.AsyncByteStream", response.stream):
                content += chunk
                if len(content) > MAX_BODY_BYTES:
                    # Ends the stream from within: `break` would leave generators to the garbage collector.
                    scope.cancel()
    return decode_body(response, content, request)
