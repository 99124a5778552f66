"""Text for terminals: escaping of what others wrote, durations and times."""

import re
from datetime import UTC, datetime, timedelta

# Default-ignorable code points that `str.isprintable` accepts: they take no space or hide other characters.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def printable(text: str) -> str:
    r"""Return the text with control, invisible and reordering characters escaped, such as `\x1b` and `\u202e`.

    Lone surrogates are escaped too, so that the result can be encoded.
    """
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character.isprintable() and not _INVISIBLE.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")


def format_duration(duration: timedelta) -> str:
    """Return a duration as hours, minutes and seconds, such as `69:26:40`."""
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def format_time(time: datetime) -> str:
    """Return a time of today in UTC, such as `10:17:07 UTC`."""
    return f"{time.astimezone(UTC):%H:%M:%S} UTC"
