"""The API: chooses the response to a request, or the fault in its place. Sends nothing."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qs, parse_qsl, unquote

import attrs

from sinch_reporting.testing._actions import Disconnect, Plan, Response, error_response, json_response
from sinch_reporting.testing._fake_data import Data
from sinch_reporting.testing._handlers import HANDLERS, Context, Handler
from sinch_reporting.testing._paths import BASE_PATH, matches, parameter_name, split_path
from sinch_reporting.testing._signature import ApiError, Request, Verifier
from sinch_reporting.testing.faults import Fault


@attrs.frozen
class ReceivedRequest:
    """A request that the Sandbox received, as it came over the wire.

    Attributes:
        method: The HTTP method.
        path: The path, percent-encoded as it was sent.
        query: The query as it was sent, without the question mark.
        headers: The headers by their names in lower case. Repeated headers are joined by a comma.
        body: The body.
        status: The HTTP status of the response; None if a fault sent none.
        fault: The fault that the request met; None for a normal response.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    fault: Fault | None = None

    @property
    def params(self) -> dict[str, str]:
        """The parsed query. Of a repeated name, the last value."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@attrs.frozen
class Api:
    """The API.

    `now` returns the time in UTC. `next_fault` is called with the path, and `record` with the outcome, once for each
    request.
    """

    verifier: Verifier
    data: Data
    now: Callable[[], datetime]
    next_fault: Callable[[str], Fault | None]
    record: Callable[[ReceivedRequest], None]

    def receive(self, request: Request, pending: Fault | None) -> tuple[Plan, Fault | None]:
        """Choose the actions for a request, and record it.

        Args:
            request: The request.
            pending: The earlier fault that closes its connection, whatever the request is.
        """
        fault = pending or self.next_fault(request.path)
        plan = Plan(None, [Disconnect.CLOSE]) if pending else self._plan(request, fault)
        self.record(
            ReceivedRequest(
                method=request.method,
                path=request.path,
                query=request.query,
                headers=request.headers,
                body=request.body,
                status=plan.status,
                fault=fault,
            )
        )
        return plan, fault

    def _plan(self, request: Request, fault: Fault | None) -> Plan:
        now = datetime.now(UTC)  # in case the clock fails
        try:
            now = self.now()
            normal = self._respond(request, now).with_date(now)
            return fault.plan(normal, now) if fault else Plan(normal.status, [normal])
        except Exception as error:  # noqa: BLE001 - the client gets a response in any case
            return Plan(500, [error_response(500, 50000, f"The Sandbox failed: {error!r}").with_date(now)])

    def _respond(self, request: Request, now: datetime) -> Response:
        try:
            self.verifier.check(request, now)
            return json_response(_call_handler(request, self.data, now))
        except ApiError as error:
            response = error_response(error.status, error.code, error.message)
            return (
                response.with_headers({"allow": "GET"}) if error.status == HTTPStatus.METHOD_NOT_ALLOWED else response
            )


def _call_handler(request: Request, data: Data, now: datetime) -> dict[str, object]:
    handler, encoded = _route(request.path)
    if request.method != "GET":
        raise ApiError(40500, f"{request.method} is not allowed here, only GET is.")
    parameters = [_decode(name, text) for name, text in encoded.items()]
    try:
        params = parse_qs(request.query, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise ApiError(40001, "The query is not percent-encoded UTF-8.") from error
    return handler(Context(data, now, params), *parameters)


def _route(path: str) -> tuple[Handler, dict[str, str]]:
    """Return the handler of a path, and the path parameters, still encoded."""
    segments = split_path(path)
    for template, handler in HANDLERS.items():
        if segments is not None and matches(template, segments):
            names = map(parameter_name, template.split("/")[1:])
            return handler, {name: text for name, text in zip(names, segments, strict=True) if name}
    known = ", ".join(f"{BASE_PATH}{template}" for template in HANDLERS)
    raise ApiError(40400, f"There is nothing at {path}. The paths are {known}.")


def _decode(name: str, text: str) -> str:
    if not text:
        raise ApiError(40002, f"The path parameter `{name}` is empty.")
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ApiError(40001, f"The path parameter `{name}` contains a percent sign that is not encoded.")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise ApiError(40001, f"The path parameter `{name}` is not percent-encoded UTF-8.") from error
