"""One call: attempts within a deadline. `scripts/unasync` generates `_call.py`, for threads."""

import logging
import os
from collections.abc import Callable
from contextlib import aclosing
from time import monotonic
from typing import Any, TypeVar

import httpx

from sinch_reporting._concurrency import async_sleep, async_time_limit
from sinch_reporting._failures import transport_error
from sinch_reporting._http import Deadline, SharedTransport
from sinch_reporting._logging import last_url, logger, own_request
from sinch_reporting._operations import ROUTE, RequestBuilder, StripFrames
from sinch_reporting._redaction import route_of
from sinch_reporting._responses import async_read_body, decode, decode_body
from sinch_reporting.auth import SignedAuth
from sinch_reporting.config import Config
from sinch_reporting.errors import APIError, RateLimitError, ReportingError
from sinch_reporting.events import Attempt, notify
from sinch_reporting.retry import RetryState

ResultT = TypeVar("ResultT")


class AsyncCaller(httpx.AsyncBaseTransport):
    """Makes the calls of a client: waits for the rate limit, signs and sends each attempt, retries.

    Retries are above authentication, because each attempt needs its own timestamp and signature. `httpx.Client.send` is
    not used: it logs the URL with the phone number. As a transport, it makes calls of the requests of `.api`.
    """

    def __init__(self, config: Config, auth: httpx.Auth, shared: SharedTransport, builder: RequestBuilder) -> None:
        self._config = config
        self._auth = auth
        self._secrets = auth.credentials if isinstance(auth, SignedAuth) else tuple[str, ...]
        self._shared = shared
        self._builder = builder

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Call the API with a request of `.api`. Raises ReportingError."""
        with StripFrames():
            self._builder.adopt(request, route_of(request.url))
            last_url.set((str(request.url), request.extensions[ROUTE]))
            request.headers.pop("Authorization", None)  # the generated client's; each attempt is authenticated
            timeout = request.extensions.get("timeout", {}).get("read")
            response = await self.call(request, lambda response, _: response, timeout=timeout)
        # Unread, as from any transport: httpx sets `elapsed` when it has read a response.
        body, details = httpx.ByteStream(response.content), response.extensions
        return httpx.Response(response.status_code, headers=response.headers, stream=body, extensions=details)

    async def call(
        self,
        request: httpx.Request,
        convert: Callable[[httpx.Response, dict[str, Any]], ResultT],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - of each attempt, not of the call
        expires: float = float("inf"),
    ) -> ResultT:
        """Return the converted response. `expires` is monotonic; the client's deadline and timeout are the defaults.

        Raises ReportingError.
        """
        config, shared, started = self._config, self._shared, monotonic()
        transport = shared.transport
        if shared.closed or shared.owner != (os.getpid(), shared.current_loop()):
            transport = shared.claim()
        trace = config.tracer.start_call(request.method, request.extensions[ROUTE]) if config.tracer else None
        deadline = min(config.deadline, expires - started)
        state = RetryState(request, trace, config.retry, timeout or config.timeout, deadline, started)
        token = own_request.set(True)
        failure: BaseException | None = None
        try:
            while True:
                if shared.rate_limiter.rate is not None or shared.rate_limiter.pauses:
                    await self._wait_for_slot(state)
                limit = _start_attempt(state)
                if trace:
                    request.headers.update(trace.start_attempt(state.attempt))
                response: httpx.Response | None = None
                try:
                    with async_time_limit(limit + 0.05):  # our transport ends earlier, and names the phase
                        response = await self._attempt(transport, request, limit)
                    if response is None:
                        raise httpx.ReadTimeout("the time of the attempt has expired")  # noqa: TRY301
                    result = convert(response, decode(response, self._secrets))
                except Exception as error:  # noqa: BLE001 - `_handle_error` raises what the program itself raised
                    failure = error
                else:
                    self._observe(state, "200", response)
                    failure = None
                    return result
                # Outside of the handler, so that what is raised has no context.
                delay = self._handle_error(failure, state, response)
                await async_sleep(delay)
        except BaseException as error:
            failure = error
            _annotate(error, state)
            raise
        finally:
            own_request.reset(token)
            if trace:
                trace.end(failure)

    async def _wait_for_slot(self, state: RetryState) -> None:
        limiter = self._shared.rate_limiter
        is_reserved = False
        while True:
            # Counts the pauses, and does not compare times: the clock may be frozen.
            pauses = limiter.pauses
            max_wait = state.started + state.deadline - monotonic()
            delay = state.require_in_time(limiter.reserve(max_wait, already_reserved=is_reserved))
            if delay:
                await async_sleep(delay)
            is_reserved = True
            if limiter.pauses == pauses:
                return

    async def _attempt(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, deadline: Deadline
    ) -> httpx.Response:
        timeout = {"connect": deadline, "read": deadline, "write": deadline, "pool": deadline}
        async with aclosing(self._auth.async_auth_flow(request)) as flow:
            signed = await anext(flow)
            while True:
                signed.extensions["timeout"] = timeout
                response = await transport.handle_async_request(signed)
                response = decode_body(response, await async_read_body(response), signed)
                try:
                    signed = await flow.asend(response)
                except StopAsyncIteration:
                    return response

    def _handle_error(self, error: Exception, state: RetryState, response: httpx.Response | None) -> float:
        """Return the seconds to wait before the next attempt. Raises the exception of the call if there is none."""
        outcome = str(error.status_code) if isinstance(error, APIError) else type(error).__name__
        self._observe(state, outcome, response)
        if isinstance(error, ReportingError):
            failure = error
        else:
            failure = transport_error(error, state.request, state.attempt, self._secrets)
        _annotate(failure, state)
        if isinstance(failure, RateLimitError) and state.policy.honors(failure.retry_after):
            self._shared.rate_limiter.pause(failure.retry_after or 0)
        return state.retry_delay(failure)

    def _observe(self, state: RetryState, outcome: str, response: httpx.Response | None) -> None:
        hook, trace, request = self._config.on_attempt, state.trace, state.request
        if hook is None and trace is None and not logger.isEnabledFor(logging.DEBUG):
            return
        method, route, elapsed = request.method, request.extensions[ROUTE], monotonic() - state.attempt_started
        logger.debug("%s %s: %s, attempt %d, %.3f s", method, route, outcome, state.attempt, elapsed)
        headers = {} if response is None else response.headers
        attempt = Attempt(method, route, state.attempt, outcome, elapsed, headers)
        if trace:
            trace.end_attempt(attempt)
        if hook:
            notify(hook, attempt)


def _start_attempt(state: RetryState) -> Deadline:
    """Start the next attempt, and return its deadline."""
    state.attempt += 1
    state.attempt_started = monotonic()
    remaining = state.started + state.deadline - state.attempt_started
    state.is_last = remaining <= state.timeout
    deadline = Deadline(max(min(remaining, state.timeout), 1e-6))
    deadline.at = state.attempt_started + deadline
    return deadline


def _annotate(error: BaseException, state: RetryState) -> None:
    if isinstance(error, ReportingError):
        error.route = state.request.extensions[ROUTE]
        error.attempts = state.attempt
        error.elapsed = monotonic() - state.started
