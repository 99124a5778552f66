"""Text of a file: its encoding, and its blocks of whole lines."""

import codecs
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.sources import Sampled

MAX_RECORD_LINES = 100
_BLOCK_BYTES = 1 << 18
_MAX_LINE_BYTES = 1 << 20
_CONTROL = set(range(32)) - set(b"\t\n\r\f")


def encoding_of(file: Sampled) -> str:
    """Return the encoding of a text file. Raises InvalidRequestError if it is not text."""
    sample = file.sample
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    refusal = InvalidRequestError(f"the input {file.name or ''} is a binary file, not text, .parquet or .xlsx")
    if b"\0" in sample:
        for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
            if zeros.count(0) > len(zeros) // 2:
                return encoding
        raise refusal
    if _CONTROL & set(sample):
        raise refusal
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def text_reader(file: Sampled, encoding: str) -> Callable[[int], bytes]:
    """Return a function that reads a file as UTF-8."""
    if encoding == "utf-8":
        return file.read
    if encoding == "utf-8-sig":
        file.read(len(codecs.BOM_UTF8))
        return file.read
    text = io.TextIOWrapper(cast("BinaryIO", io.BufferedReader(file)), encoding=encoding, errors="replace", newline="")
    return lambda size: text.read(size).encode()


def blocks(read: Callable[[int], bytes], newline: bytes) -> Iterator[bytes]:
    """Yield blocks of whole lines that end with a line feed. A quoted field is not cut unless it is overlong."""
    rest = b""
    while chunk := read(_BLOCK_BYTES):
        if newline == b"\r":
            chunk = chunk.replace(b"\r", b"\n")
        rest += chunk
        end = rest.rfind(b"\n") + 1
        if b'"' in rest and rest.count(b'"', 0, end) % 2:
            end = _end_of_record(rest, end)
        if len(rest) - end > _MAX_LINE_BYTES + _BLOCK_BYTES:
            raise InvalidRequestError("a line of the input is longer than 1 MiB; it is not a file of endpoints")
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _end_of_record(data: bytes, end: int) -> int:
    """Return an earlier end at which all quotes are closed, unless the open record is overlong."""
    start = end
    for _ in range(MAX_RECORD_LINES):
        start = data.rfind(b"\n", 0, start - 1) + 1
        if start <= 0 or data.count(b'"', 0, start) % 2 == 0:
            break
    return start if start > 0 and data.count(b'"', 0, start) % 2 == 0 else end
