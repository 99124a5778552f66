"""Readers of endpoints: files, tables, and Python objects become batches of keys."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson
import pyarrow.parquet as pq

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.columns import find_columns
from sinch_reporting.export.endpoint_check import TYPES, InputBatch, RejectedLine, Rows, check
from sinch_reporting.export.normalize import normalizer
from sinch_reporting.export.sources import FileSource, Sampled, expand, kind_of, opened
from sinch_reporting.export.text_reader import TextFile, TextOptions, blocks, encoding_of, text_reader
from sinch_reporting.parameters import Endpoint, Number, Username

INPUT_FORMATS = ("lines", "csv", "jsonl", "parquet", "xlsx")
_ROWS = 65536
_OBJECTS = 10_000

Source = Iterable[Endpoint | str | RejectedLine] | Any
"""Objects, or a column of a table: anything with `__arrow_c_stream__` or `__arrow_c_array__`, or a pandas series."""


class EndpointReader:
    """The endpoints of files. Iterating it reads them."""

    def __init__(
        self,
        sources: FileSource | Iterable[FileSource],
        *,
        input_format: str | None,
        options: TextOptions,
        normalize: Callable[[str], str | None] | None,
        on_choice: Callable[[str], object],
    ) -> None:
        self._sources = sources
        self._input_format = input_format
        self._options = options
        self._normalize = normalize
        self._on_choice = on_choice

    def __iter__(self) -> Iterator[Endpoint | RejectedLine]:
        for batch in self.batches():
            for key in batch.keys:
                yield Number(key[1:]) if key[0] == "n" else Username(key[1:])
            yield from batch.rejected

    def batches(self) -> Iterator[InputBatch]:
        """Yield the endpoints in batches."""
        for source in expand(self._sources):
            with opened(source) as file:
                for rows in self._rows(file):
                    if isinstance(rows, list):
                        yield InputBatch([], None, rows)
                    else:
                        yield check(rows, self._normalize, file.name)

    def _rows(self, file: Sampled) -> Iterator[Rows | list[RejectedLine]]:
        if not file.sample:
            return
        found = kind_of(file)
        chosen = self._input_format or found
        if (chosen in {"parquet", "xlsx"}) != (found in {"parquet", "xlsx"}) or (
            chosen in {"parquet", "xlsx"} and chosen != found
        ):
            raise InvalidRequestError(f"the input {file.name or ''} is not a {chosen} file")
        if chosen == "parquet":
            yield from self._parquet(file)
        elif chosen == "xlsx":
            yield from self._xlsx(file)
        elif chosen == "jsonl":
            yield from self._json_lines(file)
        else:
            text = TextFile(file, self._options)
            self._choose(file, text.choice)
            yield from text.rows()

    def _choose(self, file: Sampled, choice: str) -> None:
        self._on_choice(f"{file.name or 'the input'}: {choice}")

    def _parquet(self, file: Sampled) -> Iterator[Rows]:
        try:
            with file.seekable_file() as seekable, pq.ParquetFile(seekable) as table:
                names = table.schema_arrow.names
                columns = find_columns(names, self._options.column, self._options.kind, is_header=True)
                self._choose(file, columns.describe())
                wanted = [names[columns.endpoint], *([] if columns.type is None else [names[columns.type]])]
                line = 1
                for batch in table.iter_batches(batch_size=_ROWS, columns=wanted):
                    values = batch[wanted[0]]
                    types = columns.kind if columns.type is None else batch[wanted[1]].to_pylist()
                    yield Rows(values, types, range(line, line + len(values)), _text_of(values))
                    line += len(values)
        except pa.ArrowInvalid as error:
            raise InvalidRequestError(f"the input {file.name or ''} is not a Parquet file, or is damaged") from error

    def _xlsx(self, file: Sampled) -> Iterator[Rows]:
        try:
            from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            message = "reading .xlsx needs the extra `excel`: pip install 'sinch-reporting[excel]'"
            raise ModuleNotFoundError(message, name=error.name) from error
        try:
            with file.seekable_file() as seekable:
                sheet = CalamineWorkbook.from_filelike(seekable).get_sheet_by_index(0)
                lines = enumerate(sheet.to_python(skip_empty_area=False), 1)
        except CalamineError as error:
            raise InvalidRequestError(f"the input {file.name or ''} is not an Excel file, or is damaged") from error
        rows = iter([(line, row) for line, row in lines if any(cell != "" for cell in row)])
        first = next(rows, None)
        if first is None:
            return
        texts = [_cell(value) for value in first[1]]
        columns = find_columns(texts, self._options.column, self._options.kind)
        self._choose(file, f"{columns.describe()}, sheet {sheet.name!r}")
        if not columns.has_header:
            rows = iter([first, *rows])
        while chunk := list(islice(rows, _ROWS)):
            values = pa.array([_cell(row[columns.endpoint]) for _, row in chunk], pa.string())
            types = columns.kind if columns.type is None else [_cell(row[columns.type]).casefold() for _, row in chunk]
            yield Rows(values, types, [line for line, _ in chunk], _text_of(values))

    def _json_lines(self, file: Sampled) -> Iterator[Rows | list[RejectedLine]]:
        encoding = encoding_of(file)
        line = 1
        wanted: list[str] = []
        kind = ""
        for block in blocks(text_reader(file, encoding), b"\n"):
            lines = block[:-1].split(b"\n")
            if not wanted:
                wanted, kind = self._json_columns(file, lines)
            numbers: Sequence[int] = range(line, line + len(lines))
            parsed = _parse_json(block, lines, wanted)
            if parsed is None:
                values, rejected, numbers = _parse_json_slowly(lines, line, wanted, file.name)
                yield rejected
            else:
                values = parsed
            types = kind if len(wanted) == 1 else values[1].to_pylist()
            first = line

            yield Rows(values[0], types, numbers, partial(_line_of, lines, numbers, first))
            line += len(lines)

    def _json_columns(self, file: Sampled, lines: list[bytes]) -> tuple[list[str], str]:
        for each in lines:
            try:
                names = list(json.loads(each))
            except (ValueError, TypeError):
                continue
            columns = find_columns(names, self._options.column, self._options.kind, is_header=True)
            self._choose(file, columns.describe())
            return [names[columns.endpoint], *([] if columns.type is None else [names[columns.type]])], columns.kind
        raise InvalidRequestError(f"the input {file.name or ''} contains no line of JSON")


def _line_of(lines: list[bytes], numbers: Sequence[int], first: int, row: int) -> str:
    return lines[numbers[row] - first].decode(errors="backslashreplace")


def _parse_json(block: bytes, lines: list[bytes], wanted: list[str]) -> list[Any] | None:
    """Return the columns, None if pyarrow cannot parse the block or finds other lines."""
    schema = pa.schema([pa.field(name, pa.string()) for name in wanted])
    parse = pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        table = pajson.read_json(
            pa.BufferReader(block),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(block) + 1),
            parse_options=parse,
        )
    except pa.ArrowInvalid:
        return None
    return [table[name] for name in wanted] if table.num_rows == len(lines) else None


def _parse_json_slowly(
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


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _text_of(values: Any) -> Callable[[int], str]:
    def text(row: int) -> str:
        value = values[row].as_py()
        return "(empty)" if value in {None, ""} else str(value)

    return text


def read_endpoints(
    sources: FileSource | Iterable[FileSource],
    *,
    input_format: str | None = None,
    column: str | int | None = None,
    endpoint_type: str | None = None,
    delimiter: str | None = None,
    normalize: bool | str = False,
    on_choice: Callable[[str], object] = lambda _: None,
) -> EndpointReader:
    """Read phone numbers and usernames from files.

    Formats, compression, encoding, delimiter and column are detected: lines, CSV, JSON lines, Parquet and Excel (extra
    `excel`), also in `.gz`, `.zst` and `.zip`. A line that does not contain an endpoint is rejected with the reason;
    nothing is guessed.

    Args:
        sources: Paths, patterns such as `in/*.csv`, folders, URIs such as `s3://bucket/numbers.csv`, or binary files
            such as `sys.stdin.buffer`; one or several.
        input_format: `lines`, `csv`, `jsonl`, `parquet` or `xlsx`. Default: by the content.
        column: Name of the column, in any case, or its number from 1. Default: the only one with a known name, such as
            `number`, `phone`, `msisdn` or `username`.
        endpoint_type: `number` or `username`. Default: by the name of the column, or by the column `type` beside a
            column `endpoint`; otherwise `number`.
        delimiter: The delimiter of CSV. Default: detected.
        normalize: Convert numbers to E.164 (extra `normalize`): true for international ones, or the country of national
            ones, such as `SE`.
        on_choice: Called with a description of what was detected in each file.

    Raises:
        InvalidRequestError: An argument is invalid; when it is read: a file cannot be understood.
        OSError: When it is read: a file cannot be read.
    """
    if input_format not in {None, *INPUT_FORMATS}:
        raise InvalidRequestError(f"the input format must be one of: {', '.join(INPUT_FORMATS)}")
    if endpoint_type not in {None, *TYPES}:
        raise InvalidRequestError(f"the endpoint type must be one of: {', '.join(TYPES)}")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise InvalidRequestError("the delimiter must be one character, and neither a quote nor a line end")
    to_e164 = normalizer(None if normalize is True else normalize) if normalize else None
    options = TextOptions(column, endpoint_type, delimiter, plain=input_format == "lines")
    return EndpointReader(sources, input_format=input_format, options=options, normalize=to_e164, on_choice=on_choice)


def to_batches(endpoints: Source) -> Iterator[InputBatch]:
    """Yield endpoints in batches. Raises InvalidRequestError if they are not iterable."""
    if isinstance(endpoints, EndpointReader):
        yield from endpoints.batches()
        return
    if isinstance(endpoints, str | bytes | os.PathLike) or not isinstance(endpoints, Iterable):
        raise InvalidRequestError("the endpoints must be an iterable, such as read_endpoints(...)")
    column = _arrow_column(endpoints)
    if column is None:
        yield from _object_batches(endpoints)
        return
    line = 1
    for chunk in column.chunks:
        yield check(Rows(chunk, "number", range(line, line + len(chunk)), _text_of(chunk)), None, None)
        line += len(chunk)


def _arrow_column(endpoints: Any) -> Any:
    """Return a column of a table as Arrow; None for other objects, and for series of objects."""
    try:
        if isinstance(endpoints, pa.ChunkedArray):
            return endpoints
        if hasattr(endpoints, "__arrow_c_stream__") and not hasattr(endpoints, "columns"):
            return pa.chunked_array(endpoints)
        if isinstance(endpoints, pa.Array) or hasattr(endpoints, "__arrow_c_array__"):
            return pa.chunked_array([pa.array(endpoints)])
        if hasattr(endpoints, "dtype") and hasattr(endpoints, "to_numpy"):
            return pa.chunked_array([pa.array(endpoints, from_pandas=True)])
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError):
        return None
    return None


def _object_batches(endpoints: Iterable[object]) -> Iterator[InputBatch]:
    remaining = iter(endpoints)
    line = 1
    while chunk := list(islice(remaining, _OBJECTS)):
        keys = []
        texts: list[tuple[int, str]] = []
        rejected = []
        for number, item in enumerate(chunk, line):
            if isinstance(item, Number):
                keys.append(f"n{item.value}")
            elif isinstance(item, Username):
                keys.append(f"u{item.value}")
            elif isinstance(item, str):
                texts.append((number, str.__str__(item)))
            elif item is None or (isinstance(item, int) and not isinstance(item, bool)):
                texts.append((number, "" if item is None else str(item)))
            elif isinstance(item, RejectedLine):
                rejected.append(item)
            else:
                raise InvalidRequestError("the endpoints must be Number(...), Username(...) or text")
        found = _checked_texts(texts)
        yield InputBatch(keys + found.keys, None, rejected + found.rejected)
        line += len(chunk)


def _checked_texts(texts: list[tuple[int, str]]) -> InputBatch:
    values = pa.array([text.encode(errors="replace").decode() for _, text in texts], pa.string())
    return check(Rows(values, "number", [line for line, _ in texts], _text_of(values)), None, None)
