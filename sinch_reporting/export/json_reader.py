"""Endpoints of JSON lines."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.columns import Choose, Columns, ReadOptions, find_columns
from sinch_reporting.export.endpoint_check import RejectedLine, Rows
from sinch_reporting.export.sources import Sampled
from sinch_reporting.export.text_blocks import blocks, encoding_of, text_reader


def json_rows(file: Sampled, options: ReadOptions, choose: Choose) -> Iterator[Rows | list[RejectedLine]]:
    """Yield the rows of JSON lines, and lines that are not rows. Raises InvalidRequestError."""
    line = 1
    wanted: list[str] = []
    kind = ""
    for block in blocks(text_reader(file, encoding_of(file)), b"\n"):
        lines = block[:-1].split(b"\n")
        if not wanted:
            names, columns = _find_columns(file, options, lines)
            choose(columns.describe())
            wanted, kind = columns.select(names), columns.kind
        numbers: Sequence[int] = range(line, line + len(lines))
        values = _parse(block, lines, wanted)
        if values is None:
            values, rejected, numbers = _parse_slowly(lines, line, wanted, file.name)
            yield rejected
        types = kind if len(wanted) == 1 else values[1].to_pylist()
        yield Rows(values[0], types, numbers, partial(_line_of, lines, numbers, line))
        line += len(lines)


def _find_columns(file: Sampled, options: ReadOptions, lines: list[bytes]) -> tuple[list[str], Columns]:
    for each in lines:
        try:
            names = list(json.loads(each))
        except (ValueError, TypeError):
            continue
        return names, find_columns(names, options.column, options.kind, is_header=True)
    raise InvalidRequestError(f"the input {file.name or ''} contains no line of JSON")


def _line_of(lines: list[bytes], numbers: Sequence[int], first: int, row: int) -> str:
    return lines[numbers[row] - first].decode(errors="backslashreplace")


def _parse(block: bytes, lines: list[bytes], wanted: list[str]) -> list[Any] | None:
    """Return the columns, None if pyarrow cannot parse the block or finds other lines."""
    schema = pa.schema([pa.field(name, pa.string()) for name in wanted])
    try:
        table = pajson.read_json(
            pa.BufferReader(block),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(block) + 1),
            parse_options=pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid:
        return None
    return [table[name] for name in wanted] if table.num_rows == len(lines) else None


def _parse_slowly(
    lines: list[bytes], first: int, wanted: list[str], source: str | None
) -> tuple[list[Any], list[RejectedLine], list[int]]:
    rows: list[list[str | None]] = []
    rejected = []
    numbers = []
    for line, each in enumerate(lines, first):
        if not each.strip():
            continue
        try:
            values = json.loads(each)
            rows.append([None if values.get(name) is None else str(values[name]) for name in wanted])
            numbers.append(line)
        except (ValueError, AttributeError):
            text = each.decode(errors="backslashreplace")
            rejected.append(RejectedLine(line=line, text=text, reason="the line is not a JSON object", source=source))
    columns = list(zip(*rows, strict=True)) or [()] * len(wanted)
    return [pa.array(column, pa.string()) for column in columns], rejected, numbers
