"""What a report is asked about, and the checks of what goes into a URL."""

import re
import unicodedata
from enum import StrEnum

from attrs import field, frozen

from sinch_reporting.errors import InvalidRequestError

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def checked_text(value: object, what: str) -> str:
    """Return the text if it can stand as one segment of a URL's path.

    Raises InvalidRequestError where it is not text, empty, `.` or `..` (which URLs resolve away), or holds control
    characters or half a surrogate pair.
    """
    if not isinstance(value, str):
        raise InvalidRequestError(f"the {what} must be text, not {type(value).__name__}")
    text = plain(value)
    if text in {"", ".", ".."}:
        raise InvalidRequestError(f"the {what} must not be empty, '.' or '..'")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise InvalidRequestError(f"the {what} must not hold control characters or lone surrogates")
    return text


def plain(text: str) -> str:
    """Return the text of a `str` or of a subclass, such as an enum, that may show and compare itself in other ways."""
    return str.__str__(text)


def _checked_number(value: object) -> str:
    text = plain(value) if isinstance(value, str) else ""
    if not _E164.fullmatch(text):
        raise InvalidRequestError("a Number must be E.164: '+', then 7 to 15 digits, the first of them not 0")
    return text


def _checked_username(value: object) -> str:
    return checked_text(value, "username")


def _hidden(_value: str) -> str:
    return "***"


@frozen
class Number:
    """A phone number, for calls on the PSTN.

    Strict E.164: `+`, then 7 to 15 digits, the first not 0; nothing is guessed or reformatted. The number stands in
    `value`, and not in `repr`, which ends up in logs and tracebacks.

    Raises InvalidRequestError for anything else.
    """

    value: str = field(converter=_checked_number, repr=_hidden)


@frozen
class Username:
    """A username, for calls between apps.

    Any text but the empty one, `.`, `..`, and text with control characters or lone surrogates. The name stands in
    `value`, and not in `repr`.

    Raises InvalidRequestError for anything else.
    """

    value: str = field(converter=_checked_username, repr=_hidden)


Endpoint = Number | Username
"""What a call report can be asked about."""


class Domain(StrEnum):
    """Where the calls of a report were terminated."""

    DATA = "data"
    PSTN = "pstn"
