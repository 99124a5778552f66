"""What stands between the facade's arguments and the generated client's, and between their errors."""

import datetime as dt
from collections.abc import Generator
from contextlib import contextmanager
from typing import TypedDict, TypeVar

import httpx

from sinch_reporting.endpoints import Domain, Endpoint, Number, Username
from sinch_reporting.errors import DecodeError, InvalidRequestError, ReportingError
from sinch_reporting_client import models
from sinch_reporting_client.types import UNSET, Unset

MAX_DAYS = 30
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
    if day is not None and (not isinstance(day, dt.date) or isinstance(day, dt.datetime)):
        raise InvalidRequestError(f"{name} must be a datetime.date, not a {type(day).__name__}; the API counts in days")


def report_arguments(
    endpoint: Endpoint, domain: Domain | str, start: dt.date | None, stop: dt.date | None
) -> ReportArguments:
    """Return what the generated client takes. Raises InvalidRequestError, before anything is sent."""
    if not isinstance(endpoint, Number | Username):
        raise InvalidRequestError("the endpoint must be a Number(...) or a Username(...)")
    if domain not in list(Domain):
        raise InvalidRequestError(f"the domain must be one of: {', '.join(Domain)}")
    _check_day(start, "start")
    _check_day(stop, "stop")
    if start and stop and not 0 <= (stop - start).days <= MAX_DAYS:
        raise InvalidRequestError(f"stop must not be before start, nor more than {MAX_DAYS} days after it")
    return {
        "type_": models.EndpointType.NUMBER if isinstance(endpoint, Number) else models.EndpointType.USERNAME,
        "endpoint": endpoint.value,
        "domain": models.Domain(domain),
        "field_start": start or UNSET,
        "field_stop": stop or UNSET,
    }


@contextmanager
def only_reporting_errors() -> Generator[None]:
    """Keep what the generated client may raise, besides our own errors, from leaving the library."""
    try:
        yield
    except ReportingError:
        raise
    except httpx.InvalidURL:
        raise InvalidRequestError("the endpoint or id is too long for a URL") from None
    except Exception as error:
        raise DecodeError(f"the answer does not fit the contract: {type(error).__name__}") from error


def answer(kind: type[_T], parsed: object) -> _T:
    """Return what the generated client parsed, if it is of the kind. Raises DecodeError."""
    if not isinstance(parsed, kind):
        raise DecodeError(f"the answer is not a {kind.__name__}")
    return parsed
