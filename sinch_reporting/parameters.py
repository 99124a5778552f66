"""Parameters of the operations, and the checks of everything that goes into a URL."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

from attrs import field, frozen

from sinch_reporting.errors import ConfigurationError, InvalidRequestError
from sinch_reporting_client import models
from sinch_reporting_client.types import UNSET

MAX_PERIOD_DAYS = 30
ABOVE_ZERO = math.ulp(0.0)


def str_value(text: str) -> str:
    """Return the plain text of a `str` subclass, such as an enum, which may have another `str()` and `==`."""
    return str.__str__(text)


def check_number(
    value: object, message: str, minimum: float = 0, *, whole: bool = False, error: type[Exception] = ConfigurationError
) -> None:
    """Raise the error unless the value is a finite number (not a bool) from `minimum`."""
    valid = isinstance(value, int | float) and minimum <= value < math.inf and not isinstance(value, bool)
    if not valid or (whole and not isinstance(value, int)):
        raise error(message)


def path_segment(value: object, name: str) -> str:
    """Return a text that can be one segment of a URL path. Raises InvalidRequestError."""
    if not isinstance(value, str):
        raise InvalidRequestError(f"the {name} must be text, not {type(value).__name__}")
    text = str_value(value)
    if text in {"", ".", ".."}:  # URL parsers resolve the last two
        raise InvalidRequestError(f"the {name} must not be empty, '.' or '..'")
    if not text.isprintable() and any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise InvalidRequestError(f"the {name} must not contain control characters or lone surrogates")
    return text


def _e164(value: str) -> str:
    given: object = value
    text = str_value(given) if isinstance(given, str) else ""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", text):
        raise InvalidRequestError("a Number must be E.164: '+', then 7 to 15 digits, the first not 0")
    return text


def _username(value: str) -> str:
    return path_segment(value, "username")


@frozen
class Number:
    """A phone number in strict E.164: `+`, then 7 to 15 digits, the first not 0. Nothing is guessed or reformatted.

    `repr()` masks the number because it ends up in logs and tracebacks; it is in `value`.

    Raises InvalidRequestError if the value is not E.164.
    """

    value: str = field(converter=_e164, repr=lambda _: "***")


@frozen
class Username:
    """A username, for calls between apps. `repr()` masks it because it ends up in logs and tracebacks.

    Raises InvalidRequestError if the value is not text, is empty, `.` or `..`, or contains control characters or lone
    surrogates.
    """

    value: str = field(converter=_username, repr=lambda _: "***")


Endpoint = Number | Username
"""A party of calls: a phone number or a username."""


class Domain(StrEnum):
    """Network in which the calls of a report were terminated: `data` (apps) or `pstn` (phone network)."""

    DATA = "data"
    PSTN = "pstn"


DomainLike = Domain | Literal["data", "pstn"]


def to_domain(value: object) -> Domain:
    """Return the domain. Raises InvalidRequestError if the value is not one."""
    try:
        return Domain(str_value(value) if isinstance(value, str) else "")
    except ValueError:
        raise InvalidRequestError(f"the domain must be one of: {', '.join(Domain)}") from None


def resolve_domain(endpoint: object, domain: object = None) -> Domain:
    """Return the domain, by default `pstn` for a Number and `data` for a Username. Raises InvalidRequestError."""
    if not isinstance(endpoint, Number | Username):
        raise InvalidRequestError("the endpoint must be a Number(...) or a Username(...)")
    if domain is None:
        return Domain.PSTN if isinstance(endpoint, Number) else Domain.DATA
    return to_domain(domain)


def check_period(start: dt.date | None, stop: dt.date | None) -> None:
    """Check the first and last day of a report. Raises InvalidRequestError."""
    if start is None and stop is None:
        return
    if start is None or stop is None:
        raise InvalidRequestError("start and stop must be given together")
    days = len(_ordinals(start, stop)) - 1
    if days > MAX_PERIOD_DAYS:
        raise InvalidRequestError(f"a report covers at most {MAX_PERIOD_DAYS} days: stop is {days} days after start")


def date_range(start: dt.date, stop: dt.date) -> Iterator[dt.date]:
    """Yield each day of a period of any length, including both ends. Raises InvalidRequestError."""
    return map(dt.date.fromordinal, _ordinals(start, stop))


def _ordinals(start: dt.date, stop: dt.date) -> range:
    days: dict[str, object] = {"start": start, "stop": stop}
    for name, day in days.items():
        # A datetime is a date too, but the API would silently drop its time of day.
        if not isinstance(day, dt.date) or isinstance(day, dt.datetime):
            kind = type(day).__name__
            raise InvalidRequestError(f"{name} must be a datetime.date, not {kind}: the API counts whole days")
    if stop < start:
        raise InvalidRequestError("stop must not be before start")
    return range(start.toordinal(), stop.toordinal() + 1)


def call_report_parameters(
    endpoint: Endpoint, domain: Domain, start: dt.date | None, stop: dt.date | None
) -> dict[str, Any]:
    """Return the parameters of the generated `get_call_report`, for values that have been checked."""
    return {
        "type_": models.EndpointType.NUMBER if isinstance(endpoint, Number) else models.EndpointType.USERNAME,
        "endpoint": endpoint.value,
        "domain": models.Domain(domain.value),
        "field_start": start or UNSET,
        "field_stop": stop or UNSET,
    }
