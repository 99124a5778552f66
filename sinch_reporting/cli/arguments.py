"""Values on the command line: durations, dates, periods and endpoints."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter, Token

from sinch_reporting import Endpoint, Number, Username
from sinch_reporting.cli.exit_codes import UsageError
from sinch_reporting.cli.text import printable
from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.parameters import MAX_PERIOD_DAYS

STANDARD_INPUT = "/dev/stdin"
"""What `-` means. cyclopts takes a `-` among several arguments for an option."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d\d)")
_LONGEST = timedelta(days=36500)  # sockets and clocks overflow at about three times that
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")


def parse_duration(text: str) -> timedelta:
    """Return a duration above 0 from text such as `5`, `90s`, `1h30m` or `0:01:30`. Raises ValueError."""
    text = text.strip().lower()
    seconds = 0.0
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        seconds = float(text)
    elif match := _CLOCK.fullmatch(text):
        seconds = float(match[1] or 0) * 3600 + float(match[2]) * 60 + float(match[3])
    elif re.fullmatch(f"(?:{_PART})+", text):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))
    # timedelta rounds to microseconds, possibly to 0.
    duration = timedelta(seconds=min(seconds, 2 * _LONGEST.total_seconds()))
    if not timedelta() < duration <= _LONGEST:
        raise ValueError(
            f"not a duration above 0 and up to {_LONGEST.days}d: write seconds, or a duration such as 90s, 10m or 1h30m"
        )
    return duration


def parse_date(text: str) -> date:
    """Return a date from text such as `2026-11-01`, `2026-11-1`, `today` or `yesterday` (UTC). Raises ValueError."""
    days = {"today": 0, "yesterday": 1}.get(text.strip().lower())
    if days is not None:
        return today() - timedelta(days=days)
    match = _DATE.fullmatch(text.strip())
    if not match:
        raise ValueError("not a date: write it as 2026-11-01, today or yesterday")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise ValueError(f"not a day of the calendar: {error}; correct the date") from error


def today() -> date:
    """Return the current date in UTC, as the API counts days."""
    return datetime.now(UTC).date()


def _duration(_type: object, tokens: Sequence[Token]) -> timedelta:
    return parse_duration(tokens[0].value)


def _date(_type: object, tokens: Sequence[Token]) -> date:
    return parse_date(tokens[0].value)


def _whole_number(_type: object, tokens: Sequence[Token]) -> int:
    # cyclopts rounds 2.5, and int() accepts 1_000.
    if not re.fullmatch("[+-]?[0-9]{1,18}", tokens[0].value):
        raise ValueError("not a whole number: write it in digits, such as 10")
    return int(tokens[0].value)


def show_duration(value: timedelta) -> str:
    """Return a duration as text that `parse_duration` accepts."""
    seconds = value.total_seconds()
    return f"{seconds / 60:g}m" if seconds % 60 == 0 else f"{seconds:g}s"


Duration = Annotated[
    timedelta, Parameter(metavar="DURATION", converter=_duration, show_default=show_duration, n_tokens=1)
]
WholeNumber = Annotated[int, Parameter(metavar="NUMBER", converter=_whole_number, n_tokens=1)]
Date = Annotated[date, Parameter(metavar="DATE", converter=_date, show_default=False, n_tokens=1)]


def resolve_period(
    start: date | None, stop: date | None, days: int | None, *, daily: bool
) -> tuple[date | None, date | None]:
    """Return the first and the last day; both None for the default of the API. Raises UsageError."""
    if days is not None:
        if start or stop:
            raise UsageError("--days replaces --start and --stop; use either --days or both of them")
        last = today()
        if days > last.toordinal():
            raise UsageError(f"--days {days} is before the year 1; choose fewer days")
        start, stop = last - timedelta(days=days - 1), last
    elif daily and not (start or stop):
        stop = today()
        start = stop - timedelta(days=MAX_PERIOD_DAYS - 1)
    if start is None and stop is None:
        return None, None
    if start is None or stop is None:
        raise UsageError(f"--start and --stop are required together; add {'--stop' if start else '--start'}")
    if stop < start:
        raise UsageError(f"--stop {stop} is before --start {start}; exchange them")
    if (stop - start).days > MAX_PERIOD_DAYS and not daily:
        raise UsageError(
            f"the period is too long: --stop is {(stop - start).days} days after --start, and one report covers at "
            f"most {MAX_PERIOD_DAYS}; add --daily for one row per day over a period of any length"
        )
    return start, stop


def parse_endpoints(texts: Iterable[str], *, username: bool) -> list[Endpoint]:
    """Return the endpoints; `-` stands for the lines of standard input. Raises UsageError for all invalid ones."""
    endpoints: list[Endpoint] = []
    invalid: list[str] = []
    for text in _with_standard_input(texts):
        try:
            endpoints.append(Username(text.strip()) if username else Number(text))
        except InvalidRequestError as error:
            reason = str(error) if username else _number_hint(text)
            invalid.append(f"'{printable(text)}': {reason}")
    if invalid:
        raise UsageError("\n".join([f"invalid {'usernames' if username else 'numbers'}:", *invalid]))
    if not endpoints:
        raise UsageError("standard input contains no number or username")
    return endpoints


def _with_standard_input(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if text != STANDARD_INPUT:
            yield text
            continue
        try:
            lines = [line.removeprefix("\ufeff").strip() for line in sys.stdin]
        except (TypeError, ValueError, OSError) as error:  # closed, or not text
            raise UsageError("standard input cannot be read as text") from error
        yield from filter(None, lines)


def _number_hint(text: str) -> str:
    suggested = suggest_number(text)
    if suggested:
        return f"did you mean {suggested}?"
    return "not a number such as +46730170101 ('+', country code, 7 to 15 digits); for usernames, add --username"


def suggest_number(text: str) -> str | None:
    """Return the E.164 number that a text probably means, or None. It is never used without asking."""
    plain = unicodedata.normalize("NFKC", text).strip().lower().removeprefix("tel:")
    plain = "".join(character for character in plain.replace("(0)", "") if character not in "()-./\u2010\u2011\u2013")
    plain = "".join(character for character in plain if character.isprintable() and not character.isspace())
    plain = re.sub("^00", "+", plain)
    candidate = plain if plain.startswith("+") else f"+{plain}"
    try:
        return Number(candidate).value
    except InvalidRequestError:
        return None
