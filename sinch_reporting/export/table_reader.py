"""Endpoints of tables: Parquet and Excel."""

from collections.abc import Iterator
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.columns import Choose, ReadOptions, find_columns
from sinch_reporting.export.endpoint_check import Rows
from sinch_reporting.export.sources import Sampled

_ROWS = 65536


def parquet_rows(file: Sampled, options: ReadOptions, choose: Choose) -> Iterator[Rows]:
    """Yield the rows of a Parquet file. Raises InvalidRequestError."""
    try:
        with file.seekable_file() as seekable, pq.ParquetFile(seekable) as table:
            names = table.schema_arrow.names
            columns = find_columns(names, options.column, options.kind, is_header=True)
            choose(columns.describe())
            wanted = columns.select(names)
            line = 1
            for batch in table.iter_batches(batch_size=_ROWS, columns=wanted):
                types = columns.kind if columns.type is None else batch[wanted[1]].to_pylist()
                yield Rows(batch[wanted[0]], types, range(line, line + batch.num_rows))
                line += batch.num_rows
    except pa.ArrowInvalid as error:
        raise InvalidRequestError(f"the input {file.name or ''} is not a Parquet file, or is damaged") from error


def xlsx_rows(file: Sampled, options: ReadOptions, choose: Choose) -> Iterator[Rows]:
    """Yield the rows of the first sheet of an Excel file. Raises InvalidRequestError and ModuleNotFoundError."""
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
    columns = find_columns([_cell(value) for value in first[1]], options.column, options.kind)
    choose(f"{columns.describe()}, sheet {sheet.name!r}")
    if not columns.has_header:
        rows = iter([first, *rows])
    while chunk := list(islice(rows, _ROWS)):
        values = pa.array([_cell(row[columns.endpoint]) for _, row in chunk], pa.string())
        types = columns.kind if columns.type is None else [_cell(row[columns.type]).casefold() for _, row in chunk]
        yield Rows(values, types, [line for line, _ in chunk])


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
