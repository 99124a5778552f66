"""Reads endpoints from files: plain lines, CSV and Parquet."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.lines import KINDS, RejectedLine, read_lines
from sinch_reporting.export.tables import read_csv, read_parquet
from sinch_reporting.parameters import Endpoint

INPUT_FORMATS = ("lines", "csv", "parquet")


def read_endpoints(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    input_format: str | None = None,
    column: str | int | None = None,
    endpoint_type: str | None = None,
    delimiter: str = ",",
) -> Iterator[Endpoint | RejectedLine]:
    """Read numbers and usernames from a file, one by one, and the lines that hold none.

    Args:
        source: A path, or a binary file such as `sys.stdin.buffer`; for Parquet, a folder too.
        input_format: `lines`, `csv` or `parquet`. Default: by the end of the path, `.csv` and `.parquet`, and `parquet`
            for a folder; else `lines`.
        column: In CSV and Parquet, the column that holds the endpoints: its name, or in CSV its number from 1 where
            the first line is no header. Default: the one named `endpoint`, `number` or `username`, or the only one.
        endpoint_type: `number` or `username`. Default: by the column `type` beside a column `endpoint`; `username` in
            a column of that name; else `number`.
        delimiter: What stands between the fields of CSV.

    Raises:
        InvalidRequestError: An argument was refused, or the input's columns or format are not what they should be; the
            latter when it is read.
        OSError: The input cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        source = Path(source)
    elif isinstance(source.read(0), str):
        raise InvalidRequestError("the input must be a binary file, such as sys.stdin.buffer")
    chosen = input_format or _format_of(source)
    if chosen not in INPUT_FORMATS:
        raise InvalidRequestError(f"the input format must be one of: {', '.join(INPUT_FORMATS)}")
    if endpoint_type not in {None, *KINDS}:
        raise InvalidRequestError(f"the endpoint type must be one of: {', '.join(KINDS)}")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InvalidRequestError("the delimiter must be one character, and neither a quote nor a line end")
    if chosen == "parquet":
        return read_parquet(source, column, endpoint_type)
    return _read_text(source, chosen, column, endpoint_type, delimiter)


def _format_of(source: Path | BinaryIO) -> str:
    if not isinstance(source, Path):
        return "lines"
    if source.is_dir():
        return "parquet"
    return {".csv": "csv", ".parquet": "parquet"}.get(source.suffix.lower(), "lines")


def _read_text(
    source: Path | BinaryIO, chosen: str, column: str | int | None, kind: str | None, delimiter: str
) -> Iterator[Endpoint | RejectedLine]:
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        if chosen == "lines":
            yield from read_lines(file, kind or "number")
        else:
            yield from read_csv(file, delimiter, column, kind)
