"""The operations of the Sandbox, one handler each.

A handler has the name of its operation's generated function, which has the path. Routing, error messages and the
`path` of faults follow from it. So another operation needs one more function here and nothing else.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime

import attrs

from sinch_reporting._operations import operation
from sinch_reporting.testing._fake_data import Data, ReportKey
from sinch_reporting.testing._signature import ApiError

_MAX_PERIOD_DAYS = 30


@attrs.frozen
class Context:
    """What a handler may need besides the path parameters: the data, the time in UTC and the decoded query."""

    data: Data
    now: datetime
    params: Mapping[str, Sequence[str]]


Handler = Callable[..., dict[str, object]]
HANDLERS: dict[str, Handler] = {}
"""The handlers by the route template, such as `/counters/{id}`."""


def handles_get(handler: Handler) -> Handler:
    """Register the handler of an operation.

    The handler gets a `Context` and the decoded path parameters in the order of the path. It returns the JSON of the
    200, or raises `ApiError`.
    """
    HANDLERS[operation(handler.__name__).route] = handler
    return handler


@handles_get
def get_call_report(context: Context, kind: str, endpoint: str, domain: str) -> dict[str, object]:
    """Return the calls of a number or username."""
    _check_endpoint(kind, endpoint)
    if domain not in {"data", "pstn"}:
        raise ApiError(40001, f"The path parameter `domain` must be data or pstn, not {domain!r}.")
    today = context.now.date()
    start, stop = _period(context.params, today)
    return context.data.call_report(ReportKey(kind, endpoint, domain), start, stop, today)


@handles_get
def get_counter(context: Context, counter_id: str) -> dict[str, object]:
    """Return a counter."""
    try:
        return context.data.counter(counter_id, context.now)
    except KeyError as error:
        raise ApiError(40400, f"Unknown counter id {counter_id!r}.") from error


@handles_get
def get_service_status(context: Context, service_id: str) -> dict[str, object]:
    """Return the status of a service."""
    try:
        return context.data.service(service_id)
    except KeyError as error:
        raise ApiError(40400, f"Unknown service id {service_id!r}.") from error


def _check_endpoint(kind: str, endpoint: str) -> None:
    if kind not in {"number", "username"}:
        raise ApiError(40001, f"The path parameter `type` must be number or username, not {kind!r}.")
    if kind == "number" and re.fullmatch(r"[0-9]+", endpoint):
        raise ApiError(40005, f"The path parameter `endpoint` lacks its leading plus: {endpoint!r}.")
    if kind == "number" and not re.fullmatch(r"\+[1-9][0-9]{6,14}", endpoint):
        raise ApiError(
            40001,
            "The path parameter `endpoint` must be a plus and 7 to 15 digits, "
            f"the first of them not 0, for a number, not {endpoint!r}.",
        )


def _period(params: Mapping[str, Sequence[str]], today: date) -> tuple[date, date]:
    """Return the first and the last day of a report, both included.

    Whether the API includes `_stop`, and the time zone of its days, are unpublished. The Sandbox includes `_stop`, and
    its days are UTC.
    """
    start, stop = _date("_start", params), _date("_stop", params)
    if start and stop and not 0 <= (stop - start).days <= _MAX_PERIOD_DAYS:
        message = f"`_stop` must be at least `_start`, and at most {_MAX_PERIOD_DAYS} days after it."
        raise ApiError(40003, message)
    if stop is None:
        stop = today if start is None else min(today, _shifted(start, _MAX_PERIOD_DAYS - 1))
    return start or _shifted(stop, 1 - _MAX_PERIOD_DAYS), stop


def _shifted(day: date, days: int) -> date:
    """Return a day some days later, within the calendar."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))


def _date(name: str, params: Mapping[str, Sequence[str]]) -> date | None:
    values = params.get(name, [])
    if not values:
        return None
    if len(values) > 1:
        raise ApiError(40001, f"The query parameter `{name}` is given more than once.")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", values[0], re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(values[0])
    raise ApiError(40001, f"The query parameter `{name}` must be a date like 2014-04-28, not {values[0]!r}.")
