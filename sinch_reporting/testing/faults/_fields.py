"""How the fields of faults are checked; numbers may be given as text, since the command line has nothing else."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

_LONGEST = 1_000_000
_LARGEST = 4096
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(r"([!-~\x80-\xff]([ \t!-~\x80-\xff]*[!-~\x80-\xff])?)?")


def _plain(number: float) -> float:
    return int(number) if number.is_integer() else number


def status(value: int) -> int:
    """Return a status of three digits."""
    number = int(value)
    if not 100 <= number <= 999:  # noqa: PLR2004
        raise ValueError(f"a status has three digits, unlike {value!r}")
    return number


def whole(value: int) -> int:
    """Return a whole number."""
    return int(value)


def maybe_whole(value: int | None) -> int | None:
    """Return a whole number, or None."""
    return None if value is None else int(value)


def seconds(value: float) -> float:
    """Return a duration."""
    number = float(value)
    if not 0 <= number <= _LONGEST:
        raise ValueError(f"seconds must be from 0 to {_LONGEST}, not {value!r}")
    return _plain(number)


def maybe_seconds(value: float | None) -> float | None:
    """Return a duration, or None."""
    return None if value is None else seconds(value)


def hours(value: float) -> float:
    """Return an offset."""
    number = float(value)
    if not abs(number) <= _LONGEST:
        raise ValueError(f"hours must be from -{_LONGEST} to {_LONGEST}, not {value!r}")
    return _plain(number)


def share(value: float) -> float:
    """Return what is less than a whole."""
    number = float(value)
    if not 0 <= number < 1:
        raise ValueError(f"a share must be at least 0 and less than 1, not {value!r}")
    return number


def size(value: int) -> int:
    """Return a number that something can be large by."""
    number = int(value)
    if not 1 <= number <= _LARGEST:
        raise ValueError(f"a size must be from 1 to {_LARGEST}, not {value!r}")
    return number


def one_of(*options: str) -> Callable[[object, "attrs.Attribute[Any]", Any], None]:
    """Return a check that a text is one of these."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if value not in options:
            raise ValueError(f"{attribute.name} must be one of {', '.join(map(repr, options))}, not {value!r}")

    return check


def headers(value: Mapping[str, str]) -> Mapping[str, str]:
    """Return headers that HTTP can carry."""
    for name, text in value.items():
        if not _NAME.fullmatch(name) or not _TEXT.fullmatch(text):
            raise ValueError(f"HTTP has no header like {name!r}: {text!r}; to send one, use Raw")
    return dict(value)
