"""Converters and validators of the fields of faults. Numbers may be text, as on the command line."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

_MAX_SECONDS = 1_000_000
_MAX_SIZE = 4096
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(r"([!-~\x80-\xff]([ \t!-~\x80-\xff]*[!-~\x80-\xff])?)?")


def _shortest(number: float) -> float:
    return int(number) if number.is_integer() else number


def status(value: int) -> int:
    """Return an HTTP status of three digits."""
    number = int(value)
    if not 100 <= number <= 999:  # noqa: PLR2004
        raise ValueError(f"a status has three digits, not {value!r}")
    return number


def optional_status(value: int | None) -> int | None:
    """Return an HTTP status of three digits, or None."""
    return None if value is None else status(value)


def optional_int(value: int | None) -> int | None:
    """Return an integer, or None."""
    return None if value is None else int(value)


def seconds(value: float) -> float:
    """Return a duration in seconds."""
    number = float(value)
    if not 0 <= number <= _MAX_SECONDS:
        raise ValueError(f"seconds must be from 0 to {_MAX_SECONDS}, not {value!r}")
    return _shortest(number)


def optional_seconds(value: float | None) -> float | None:
    """Return a duration in seconds, or None."""
    return None if value is None else seconds(value)


def hours(value: float) -> float:
    """Return a clock offset in hours."""
    number = float(value)
    if not abs(number) <= _MAX_SECONDS:
        raise ValueError(f"hours must be from -{_MAX_SECONDS} to {_MAX_SECONDS}, not {value!r}")
    return _shortest(number)


def share(value: float) -> float:
    """Return a share that is less than 1."""
    number = float(value)
    if not 0 <= number < 1:
        raise ValueError(f"a share must be at least 0 and less than 1, not {value!r}")
    return number


def size(value: int) -> int:
    """Return a size in KiB or MiB."""
    number = int(value)
    if not 1 <= number <= _MAX_SIZE:
        raise ValueError(f"a size must be from 1 to {_MAX_SIZE}, not {value!r}")
    return number


def one_of(*options: str) -> Callable[[object, "attrs.Attribute[Any]", Any], None]:
    """Return a validator that accepts these texts."""

    def validate(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if value not in options:
            raise ValueError(f"{attribute.name} must be one of {', '.join(map(repr, options))}, not {value!r}")

    return validate


def headers(value: Mapping[str, str]) -> Mapping[str, str]:
    """Return headers that are valid in HTTP."""
    for name, text in value.items():
        if not _NAME.fullmatch(name) or not _TEXT.fullmatch(text):
            raise ValueError(f"not a valid HTTP header: {name!r}: {text!r}; use Raw to send it")
    return dict(value)
