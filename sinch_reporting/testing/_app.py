"""What becomes of a request: its answer, or the fault that it meets. Nothing is sent here."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from http import HTTPStatus
from urllib.parse import parse_qs, unquote

import attrs

from sinch_reporting.testing._data import Data, call_report
from sinch_reporting.testing._plan import Answer, End, Plan, error_answer, json_answer
from sinch_reporting.testing._verify import Incoming, RefusedError, Verifier
from sinch_reporting.testing.faults import Fault

_LONGEST_REPORT = 30


@attrs.frozen
class ReceivedRequest:
    """A request that the Sandbox received, as it came over the wire.

    Attributes:
        method: The HTTP method.
        path: The path, percent-encoded as it was sent.
        query: The query, as it was sent, without the question mark.
        headers: The headers by their names in lower case; several of one name are joined by a comma.
        body: The body.
        status: The HTTP status that was answered; None where a fault sent none.
        fault: The fault that it met; None where it was answered normally.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    fault: Fault | None = None


@attrs.frozen
class App:
    """The API. `now` tells the time in UTC; `next_fault` is asked, and `record` told, once for each request."""

    verifier: Verifier
    data: Data
    now: Callable[[], datetime]
    next_fault: Callable[[], Fault | None]
    record: Callable[[ReceivedRequest], None]

    def receive(self, request: Incoming, hanging_up: Fault | None) -> tuple[Plan, Fault | None]:
        """Decide what is to happen, and record the request.

        Args:
            request: The request.
            hanging_up: The fault that closes its connection, whatever it is.
        """
        fault = hanging_up or self.next_fault()
        plan = Plan(None, [End.CLOSE]) if hanging_up else self._plan(request, fault)
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

    def _plan(self, request: Incoming, fault: Fault | None) -> Plan:
        now = datetime.now(UTC)  # in case the clock fails
        try:
            now = self.now()
            normal = self._answer(request, now).dated(now)
            return fault.plan(normal, now) if fault else Plan(normal.status, [normal])
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the client gets an answer
            return Plan(500, [error_answer(500, 50000, f"The Sandbox failed: {error!r}").dated(now)])

    def _answer(self, request: Incoming, now: datetime) -> Answer:
        try:
            self.verifier.check(request, now)
            return json_answer(_result(request, self.data, now))
        except RefusedError as error:
            answer = error_answer(error.status, error.code, error.message)
            return answer.but({"allow": "GET"}) if error.status == HTTPStatus.METHOD_NOT_ALLOWED else answer


def _result(request: Incoming, data: Data, now: datetime) -> dict[str, object]:
    resource, encoded = _route(request.path)
    if request.method != "GET":
        raise RefusedError(40500, f"{request.method} is not allowed here, only GET is.")
    parameters = {name: _decode(name, text) for name, text in encoded.items()}
    if resource == "users":
        kind, endpoint, domain = parameters.values()
        _check_report(kind, endpoint, domain)
        return call_report(kind, endpoint, domain, *_period(request.query, now.date()))
    try:
        return data.counter(parameters["id"], now) if resource == "counters" else data.service(parameters["id"])
    except KeyError as error:
        raise RefusedError(40400, f"There is no {resource.removesuffix('s')} with the id {error}.") from error


def _route(path: str) -> tuple[str, dict[str, str]]:
    # The segments are told apart before they are decoded: a name may hold an encoded slash.
    match path.split("/"):
        case ["", "v1", "users", kind, endpoint, "calls", domain]:
            return "users", {"type": kind, "endpoint": endpoint, "domain": domain}
        case ["", "v1", "counters" | "services" as resource, identifier]:
            return resource, {"id": identifier}
        case _:
            raise RefusedError(
                40400,
                f"There is nothing at {path}, only at /v1/users/{{type}}/{{endpoint}}/calls/{{domain}}, "
                "/v1/counters/{id} and /v1/services/{id}.",
            )


def _decode(name: str, text: str) -> str:
    if not text:
        raise RefusedError(40002, f"The path parameter `{name}` is empty.")
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise RefusedError(40001, f"The path parameter `{name}` holds a percent sign that is not encoded.")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise RefusedError(40001, f"The path parameter `{name}` is not percent-encoded UTF-8.") from error


def _check_report(kind: str, endpoint: str, domain: str) -> None:
    if kind not in {"number", "username"}:
        raise RefusedError(40001, f"The path parameter `type` must be number or username, not {kind!r}.")
    if kind == "number" and re.fullmatch(r"[0-9]+", endpoint):
        raise RefusedError(40005, f"The path parameter `endpoint` lacks its leading plus: {endpoint!r}.")
    if kind == "number" and not re.fullmatch(r"\+[1-9][0-9]{6,14}", endpoint):
        raise RefusedError(
            40001,
            "The path parameter `endpoint` must be a plus and 7 to 15 digits, "
            f"the first of them not 0, for a number, not {endpoint!r}.",
        )
    if domain not in {"data", "pstn"}:
        raise RefusedError(40001, f"The path parameter `domain` must be data or pstn, not {domain!r}.")


def _period(query: str, today: date) -> tuple[date, date]:
    """Return the first and the last day of a report, both included.

    How the API itself takes `_stop`, and in which time zone its days are, is unpublished: the Sandbox includes `_stop`,
    and its days are UTC. Days after today have no calls; today counts as a whole, so that it gives one answer all day.
    """
    start, stop = _dates(query)
    if start and stop and not 0 <= (stop - start).days <= _LONGEST_REPORT:
        message = f"`_stop` must be at least `_start`, and at most {_LONGEST_REPORT} days after it."
        raise RefusedError(40003, message)
    if stop is None:
        stop = (
            today
            if start is None
            else date.fromordinal(min(today.toordinal(), start.toordinal() + _LONGEST_REPORT - 1))
        )
    if start is None:
        start = date.fromordinal(max(1, stop.toordinal() - _LONGEST_REPORT + 1))
    return start, min(stop, today)


def _dates(query: str) -> tuple[date | None, date | None]:
    try:
        given = parse_qs(query, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise RefusedError(40001, "The query is not percent-encoded UTF-8.") from error
    return _date("_start", given), _date("_stop", given)


def _date(name: str, given: Mapping[str, list[str]]) -> date | None:
    values = given.get(name, [])
    if not values:
        return None
    if len(values) > 1:
        raise RefusedError(40001, f"The query parameter `{name}` is given more than once.")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", values[0], re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(values[0])
    raise RefusedError(40001, f"The query parameter `{name}` must be a date like 2014-04-28, not {values[0]!r}.")
