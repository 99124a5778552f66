"""What stands between the facade's arguments and the generated client's, and between their errors."""

import datetime as dt
from collections.abc import Iterator
from typing import TypedDict, TypeVar

import httpx

from sinch_reporting.endpoints import Domain, Endpoint, Number, Username, plain
from sinch_reporting.errors import DecodeError, InvalidRequestError, ReportingError
from sinch_reporting_client import models
from sinch_reporting_client.types import UNSET, Unset

MAX_DAYS = 30
_DOMAINS = {domain.value: models.Domain(domain.value) for domain in Domain}
_T = TypeVar("_T")


class ReportArguments(TypedDict):
    """The arguments of the generated `get_call_report`."""

    type_: models.EndpointType
    endpoint: str
    domain: models.Domain
    field_start: dt.date | Unset
    field_stop: dt.date | Unset


def _check_day(day: object, name: str) -> None:
    # A datetime is a date too, but one with a time of day that the API would drop in silence.
    if not isinstance(day, dt.date) or isinstance(day, dt.datetime):
        raise InvalidRequestError(f"{name} must be a datetime.date, not a {type(day).__name__}; the API counts in days")


def checked_domain(value: object) -> models.Domain:
    """Return the generated client's domain. Raises InvalidRequestError."""
    domain = _DOMAINS.get(plain(value)) if isinstance(value, str) else None
    if domain is None:
        raise InvalidRequestError(f"the domain must be one of: {', '.join(Domain)}")
    return domain


def check_period(start: dt.date | None, stop: dt.date | None) -> None:
    """Check the first and the last day of a report. Raises InvalidRequestError."""
    if start is not None:
        _check_day(start, "start")
    if stop is not None:
        _check_day(stop, "stop")
    if start and stop and not 0 <= (stop - start).days <= MAX_DAYS:
        raise InvalidRequestError(f"stop must not be before start, nor more than {MAX_DAYS} days after it")


def days_of(start: dt.date, stop: dt.date) -> Iterator[dt.date]:
    """Return each day of a period of any length, both ends included. Raises InvalidRequestError."""
    _check_day(start, "start")
    _check_day(stop, "stop")
    if stop < start:
        raise InvalidRequestError("stop must not be before start")
    return map(dt.date.fromordinal, range(start.toordinal(), stop.toordinal() + 1))


def report_arguments(
    endpoint: Endpoint, domain: Domain | str, start: dt.date | None, stop: dt.date | None
) -> ReportArguments:
    """Return what the generated client takes. Raises InvalidRequestError, before anything is sent."""
    if not isinstance(endpoint, Number | Username):
        raise InvalidRequestError("the endpoint must be a Number(...) or a Username(...)")
    check_period(start, stop)
    return {
        "type_": models.EndpointType.NUMBER if isinstance(endpoint, Number) else models.EndpointType.USERNAME,
        "endpoint": endpoint.value,
        "domain": checked_domain(domain),
        "field_start": start or UNSET,
        "field_stop": stop or UNSET,
    }


class OnlyReportingErrors:
    """Lets nothing but ReportingError out, and that without the frames beneath the facade.

    Their local variables hold the URL with the phone number, and the signed headers; reports of errors often show
    locals.
    """

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if not isinstance(error, Exception):
            return
        failure = _as_reporting_error(error)
        link: BaseException | None = failure
        while link is not None:
            link.__traceback__ = None
            link.__context__ = None if link.__cause__ else link.__context__
            link = link.__cause__ or link.__context__
        raise failure


def _as_reporting_error(error: Exception) -> ReportingError:
    if isinstance(error, ReportingError):
        return error
    failure: ReportingError
    if isinstance(error, httpx.InvalidURL):
        failure = InvalidRequestError("the endpoint or id is too long for a URL")
    else:
        failure = DecodeError(f"the answer does not fit the contract: {type(error).__name__}")
    failure.__cause__ = error
    return failure


def answer(kind: type[_T], parsed: object) -> _T:
    """Return what the generated client parsed, if it is of the kind. Raises DecodeError."""
    if not isinstance(parsed, kind):
        raise DecodeError(f"the answer is not a {kind.__name__}")
    return parsed
