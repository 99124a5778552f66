"""Requests and results of the generated functions, and the conversion of all exceptions to ReportingError."""

import datetime as dt
from typing import TypedDict, TypeVar

import httpx

from sinch_reporting.errors import DecodeError, InvalidRequestError, ReportingError
from sinch_reporting.parameters import Domain, Endpoint, Number
from sinch_reporting_client import models
from sinch_reporting_client.types import UNSET, Unset

_T = TypeVar("_T")


class CallReportParameters(TypedDict):
    """Parameters of the generated `get_call_report`."""

    type_: models.EndpointType
    endpoint: str
    domain: models.Domain
    field_start: dt.date | Unset
    field_stop: dt.date | Unset


def call_report_parameters(
    endpoint: Endpoint, domain: Domain, start: dt.date | None, stop: dt.date | None
) -> CallReportParameters:
    """Return the parameters of the generated function for parameters that have been checked."""
    return {
        "type_": models.EndpointType.NUMBER if isinstance(endpoint, Number) else models.EndpointType.USERNAME,
        "endpoint": endpoint.value,
        "domain": models.Domain(domain.value),
        "field_start": start or UNSET,
        "field_stop": stop or UNSET,
    }


class wrap_errors:
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


def expect(kind: type[_T], parsed: object) -> _T:
    """Return what the generated client parsed, if it is of the kind. Raises DecodeError."""
    if not isinstance(parsed, kind):
        raise DecodeError(f"the answer is not a {kind.__name__}")
    return parsed
