"""Lines and CSV: encoding and delimiter are detected, and pyarrow parses blocks of whole lines."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import cast

import pyarrow as pa
import pyarrow.csv as pacsv

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.columns import Choose, Columns, ReadOptions, find_columns
from sinch_reporting.export.endpoint_check import DELIMITERS, RejectedLine, Rows
from sinch_reporting.export.sources import Sampled
from sinch_reporting.export.text_blocks import MAX_RECORD_LINES, blocks, encoding_of, text_reader

_SAMPLE_LINES = 20
_UNUSED = "\x1f"  # as the delimiter of files with one column


def find_delimiter(lines: list[str]) -> str | None:
    """Return the delimiter of CSV, None if there is a single column."""
    best: tuple[int, int] = (0, 0)
    chosen = None
    for delimiter in DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if not widths or widths[0] == 1:
            continue
        width, frequency = Counter(widths).most_common(1)[0]
        if width > 1 and (frequency, width) > best:
            best, chosen = (frequency, width), delimiter
    return chosen


def text_rows(file: Sampled, options: ReadOptions, choose: Choose) -> Iterator[Rows | list[RejectedLine]]:
    """Yield the rows of a text file, and lines that are not rows. Raises InvalidRequestError."""
    text = _TextFile(file, options)
    choose(text.choice)
    yield from text.rows()


class _TextFile:
    """A text file of endpoints.

    Attributes:
        choice: What was detected, in words.
        columns: The chosen columns; None if the file is empty.
    """

    def __init__(self, file: Sampled, options: ReadOptions) -> None:
        """Detect encoding, delimiter and columns. Raises InvalidRequestError."""
        encoding = encoding_of(file)
        self._file = file
        sample = file.sample.decode("utf-8" if encoding == "utf-8-sig" else encoding, "replace").removeprefix("\ufeff")
        self._newline = b"\r" if "\r" in sample and "\n" not in sample else b"\n"
        lines = sample.splitlines()
        if len(file.sample) >= 65536 and len(lines) > 1:  # noqa: PLR2004 - sources.SAMPLE_BYTES
            del lines[-1]  # may be cut
        self._skip = 0
        delimiter = options.delimiter
        if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) <= 5:  # noqa: PLR2004 - and one character
            delimiter = delimiter or lines[0][4:5]
            self._skip = 1
        while self._skip < len(lines) and (not lines[self._skip].strip() or lines[self._skip].startswith("#")):
            self._skip += 1
        content = lines[self._skip : self._skip + _SAMPLE_LINES]
        self._plain = options.plain
        if options.plain:
            delimiter = None
        elif delimiter is None:
            delimiter = find_delimiter(content)
        self._delimiter = delimiter or _UNUSED
        self._single = delimiter is None
        self.columns: Columns | None = None
        self.choice = "empty"
        self._read = text_reader(file, encoding)
        if content:
            self.columns = columns = self._find_columns(content, options)
            shown = "one column" if self._single else f"delimiter {delimiter!r}"
            self.choice = f"{columns.describe()}, {shown}, {encoding}"

    def _find_columns(self, content: list[str], options: ReadOptions) -> Columns:
        records = [row for row in csv.reader(content, delimiter=self._delimiter) if row]
        self._width = len(records[0])
        column, kind = (1, options.kind) if options.plain else (options.column, options.kind)
        return find_columns(records[0], column, kind)

    def rows(self) -> Iterator[Rows | list[RejectedLine]]:
        """Yield the rows, and lines that are not rows."""
        if self.columns is None:
            return
        line = 1
        skip = self._skip + self.columns.has_header
        for block in blocks(self._read, self._newline):
            while skip and block:
                head, _, block = block.partition(b"\n")  # noqa: PLW2901 - the rest of it
                line += 1
                skip -= 1
                if skip == 0 and head.count(b'"') % 2:
                    raise InvalidRequestError("the names of the columns must be on one line")
            if block:
                yield from self._parse(block, line)
                line += block.count(b"\n")

    def _parse(self, block: bytes, line: int) -> Iterator[Rows | list[RejectedLine]]:
        lines: list[str] | None = None

        def text(index: int) -> str:
            nonlocal lines
            if lines is None:
                lines = [each.rstrip(b"\r").decode(errors="backslashreplace") for each in block.split(b"\n")]
            return lines[index]

        has_open_quotes = b'"' in block and any(each.count(b'"') % 2 for each in block.split(b"\n"))
        if has_open_quotes:
            yield from self._parse_slowly(block, line)
            return
        skipped: list[tuple[int, str]] = []
        table = self._parse_fast(block, skipped)
        gone = {number - 1 for number, _ in skipped}
        indexes = range(table.num_rows) if not gone else [i for i in range(table.num_rows + len(gone)) if i not in gone]
        numbers = [line + index for index in indexes] if gone else range(line, line + table.num_rows)
        columns = cast("Columns", self.columns)
        types = columns.kind if columns.type is None else _strings(table[1])
        yield Rows(table[0], types, numbers, lambda row: text(indexes[row]), plain=self._single)
        yield from self._repaired([(line + number - 1, each) for number, each in skipped])

    def _parse_fast(self, block: bytes, skipped: list[tuple[int, str]]) -> "pa.Table":
        columns = cast("Columns", self.columns)
        names = [str(index) for index in range(self._width)]
        wanted = columns.select(names)

        def skip(row: "pacsv.InvalidRow") -> str:
            skipped.append((row.number, row.text))
            return "skip"

        return pacsv.read_csv(
            pa.BufferReader(block),
            read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
            parse_options=pacsv.ParseOptions(
                delimiter=self._delimiter, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            convert_options=pacsv.ConvertOptions(
                include_columns=wanted,
                column_types={name: pa.binary() for name in wanted},
                strings_can_be_null=False,
            ),
        )

    def _repaired(self, records: list[tuple[int, str]]) -> Iterator[Rows | list[RejectedLine]]:
        """Parse records of another width: extra empty fields, as of a delimiter at the end, do not matter."""
        yield from self._checked([(line, record, _fields(record, self._delimiter)) for line, record in records])

    def _parse_slowly(self, block: bytes, line: int) -> Iterator[Rows | list[RejectedLine]]:
        lines = [each.rstrip(b"\r").decode(errors="backslashreplace") for each in block[:-1].split(b"\n")]
        found: list[tuple[int, str, list[str] | None]] = []
        index = 0
        while index < len(lines):
            span = 1
            record = lines[index]
            fields = _fields(record, self._delimiter)
            while fields is None and span < MAX_RECORD_LINES and index + span < len(lines):
                span += 1
                joined = "\n".join(lines[index : index + span])
                if joined.count('"') % 2 == 0:
                    fields = _fields(joined, self._delimiter)
                    if fields is not None and len(fields) == self._width:
                        record = joined
                    else:  # only this line is malformed
                        fields, span = None, MAX_RECORD_LINES
            found.append((line + index, record, fields))
            index += record.count("\n") + 1
        yield from self._checked(found)

    def _checked(self, records: list[tuple[int, str, list[str] | None]]) -> Iterator[Rows | list[RejectedLine]]:
        columns = cast("Columns", self.columns)
        good: list[tuple[int, str, list[str]]] = []
        rejected = []
        for line, record, fields in records:
            if not record.strip():
                continue
            if fields is None:
                reason = "the line is malformed CSV: check its quotes"
            elif len(fields) != self._width and (len(fields) < self._width or any(fields[self._width :])):
                reason = f"the line has {len(fields)} fields, the first line has {self._width}"
            else:
                good.append((line, record, fields))
                continue
            rejected.append(RejectedLine(line=line, text=record, reason=reason, source=self._file.name))
        if good:
            values = pa.array([fields[columns.endpoint] for _, _, fields in good], pa.string())
            types = columns.kind if columns.type is None else [fields[columns.type] for _, _, fields in good]
            yield Rows(values, types, [line for line, _, _ in good], lambda row: good[row][1], plain=self._single)
        if rejected:
            yield rejected


def _fields(record: str, delimiter: str) -> list[str] | None:
    """Return the fields of one record, None if the text is not exactly one."""
    try:
        records = list(csv.reader(io.StringIO(record), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None


def _strings(column: "pa.ChunkedArray") -> list[str]:
    return [value.decode(errors="replace").strip().casefold() for value in column.to_pylist()]
