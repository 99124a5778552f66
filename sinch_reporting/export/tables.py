"""Endpoints in CSV and in Parquet."""

import csv
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.columns import find_columns
from sinch_reporting.export.lines import RejectedLine, endpoint_in, numbered_lines
from sinch_reporting.parameters import Endpoint

_MOST_LINES = 100
_ROWS = 4096


@frozen
class _Record:
    line: int
    text: str
    fields: list[str]


def _parsed(lines: list[str], delimiter: str) -> list[str] | None:
    """Return the fields of one record, or None where the lines are not exactly one."""
    try:
        records = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None


class _Records:
    """The records of a CSV file.

    A quoted field may hold line ends. Where a quote is never closed, or the lines up to the next quote are no record,
    only the first of them is malformed, and the others are looked at by themselves.
    """

    def __init__(self, lines: Iterator[tuple[int, str] | RejectedLine], delimiter: str) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._read_ahead: deque[tuple[int, str] | RejectedLine] = deque()
        self._width: int | None = None

    def __iter__(self) -> Iterator[_Record | RejectedLine]:
        while (line := self._next()) is not None:
            yield line if isinstance(line, RejectedLine) else self._record(*line)

    def _next(self) -> tuple[int, str] | RejectedLine | None:
        return self._read_ahead.popleft() if self._read_ahead else next(self._lines, None)

    def _record(self, number: int, text: str) -> _Record | RejectedLine:
        fields = _parsed([text], self._delimiter)
        shown = text.rstrip("\r\n")
        if fields is None and '"' in text:
            fields, shown = self._spanning(text)
        if fields is None:
            return RejectedLine(line=number, text=shown, reason="the line is malformed CSV: look at its quotes")
        if self._width is None:
            self._width = len(fields)
        if len(fields) != self._width:
            reason = f"the line has {len(fields)} fields, the first one has {self._width}"
            return RejectedLine(line=number, text=shown, reason=reason)
        return _Record(number, shown, fields)

    def _spanning(self, text: str) -> tuple[list[str] | None, str]:
        read: list[tuple[int, str] | RejectedLine] = []
        texts = [text]
        quotes = text.count('"')
        while quotes % 2 and len(texts) < _MOST_LINES and (line := self._next()) is not None:
            read.append(line)
            if isinstance(line, RejectedLine):
                break
            texts.append(line[1])
            quotes += line[1].count('"')
        fields = None if quotes % 2 else _parsed(texts, self._delimiter)
        if fields is not None and len(fields) == (self._width or len(fields)):
            return fields, "".join(texts).rstrip("\r\n")
        self._read_ahead.extendleft(reversed(read))
        return None, text.rstrip("\r\n")


def read_csv(
    file: BinaryIO, delimiter: str, column: str | int | None, kind: str | None
) -> Iterator[Endpoint | RejectedLine]:
    """Yield what stands in each record."""
    columns = None
    for record in _Records(numbered_lines(file), delimiter):
        if isinstance(record, RejectedLine):
            yield record
            continue
        if columns is None:
            columns = find_columns(record.fields, column, kind)
            if columns.named:
                continue
        yield endpoint_in(*columns.of(record.fields), record.line, record.text)


def _opened(source: Path | BinaryIO) -> Iterator[Path | BinaryIO]:
    if not isinstance(source, Path):
        with tempfile.TemporaryFile() as file:  # Parquet is read from its end; a pipe has none
            shutil.copyfileobj(source, file)
            file.seek(0)
            yield file
    elif source.is_dir():
        found = [path for path in sorted(source.rglob("*.parquet")) if not path.name.startswith((".", "_"))]
        if not found:
            raise InvalidRequestError("there is no .parquet file in the folder")
        yield from found
    else:
        yield source


def read_parquet(
    source: Path | BinaryIO, column: str | int | None, kind: str | None
) -> Iterator[Endpoint | RejectedLine]:
    """Yield what stands in each row of a file, or of all files in a folder, in the order of their names."""
    before = 0
    for opened in _opened(source):
        try:
            with pq.ParquetFile(opened) as file:
                columns = find_columns(file.schema_arrow.names, column, kind)
                wanted = [columns.endpoint, *([] if columns.type is None else [columns.type])]
                names = [file.schema_arrow.names[place] for place in wanted]
                for name in names:
                    _check_text(file.schema_arrow.field(name))
                for batch in file.iter_batches(batch_size=_ROWS, columns=names):
                    yield from _rows(batch.to_pydict(), names, columns.kind, before)
                    before += batch.num_rows
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise InvalidRequestError("the input is no Parquet file, or a damaged one") from error


def _check_text(field: "pa.Field") -> None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise InvalidRequestError(f"the column {field.name!r} must be text, not {field.type}; numbers keep their plus")


def _rows(
    columns: dict[str, list[str | None]], names: list[str], kind: str, before: int
) -> Iterable[Endpoint | RejectedLine]:
    values = columns[names[0]]
    kinds = columns[names[1]] if len(names) > 1 else [kind] * len(values)
    for row, (value, each) in enumerate(zip(values, kinds, strict=True), before + 1):
        if value is None or each is None:
            yield RejectedLine(line=row, text=value or "", reason="the endpoint or its type is null")
        else:
            yield endpoint_in(value, each, row, value)
