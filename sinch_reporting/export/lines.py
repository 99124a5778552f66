"""What is read from an input: endpoints, and lines that hold none."""

from collections.abc import Iterator
from typing import BinaryIO

from attrs import field, frozen

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.parameters import Endpoint, Number, Username

LONGEST_LINE = 65536
KINDS: dict[str, type[Number | Username]] = {"number": Number, "username": Username}


def _hidden(_text: str) -> str:
    return "***"


@frozen(kw_only=True)
class RejectedLine:
    r"""A line of the input that holds no endpoint.

    Attributes:
        line: Its number, from 1; in Parquet, the number of the row.
        text: The line, without its end; bytes that are no UTF-8 as `\xNN`. Not in `repr`: it may hold a phone number.
        reason: Why it holds no endpoint.
    """

    line: int
    text: str = field(repr=_hidden)
    reason: str


def endpoint_in(value: str, kind: str, line: int, text: str) -> Endpoint | RejectedLine:
    """Return the endpoint of a line, or the line where there is none."""
    if kind not in KINDS:
        return RejectedLine(line=line, text=text, reason="the type must be 'number' or 'username'")
    try:
        return KINDS[kind](value)
    except InvalidRequestError as error:
        return RejectedLine(line=line, text=text, reason=str(error))


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, str] | RejectedLine]:
    """Yield each line that is not empty, with its end, and its number. No line is read whole that is overlong."""
    number = 0
    while data := file.readline(LONGEST_LINE + 1):
        number += 1
        if number == 1:
            if data.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise InvalidRequestError("the input is UTF-16; save it as UTF-8")
            data = data.removeprefix(b"\xef\xbb\xbf")
        if len(data) > LONGEST_LINE:
            beginning = data.decode(errors="backslashreplace")
            while not data.endswith(b"\n") and (data := file.readline(LONGEST_LINE)):
                pass
            reason = f"the line is longer than {LONGEST_LINE} bytes; only its beginning is kept"
            yield RejectedLine(line=number, text=beginning, reason=reason)
        elif data.rstrip(b"\r\n"):
            try:
                yield number, data.decode()
            except UnicodeDecodeError:
                text = data.rstrip(b"\r\n").decode(errors="backslashreplace")
                yield RejectedLine(line=number, text=text, reason="the line is not UTF-8")


def read_lines(file: BinaryIO, kind: str) -> Iterator[Endpoint | RejectedLine]:
    """Yield what stands on each line."""
    for line in numbered_lines(file):
        if isinstance(line, RejectedLine):
            yield line
        else:
            number, text = line
            value = text.rstrip("\r\n")
            yield endpoint_in(value, kind, number, value)
