"""Columns of the datasets, and the formats of their files."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from sinch_reporting.export.job import Period
from sinch_reporting.export.journal import Row, microseconds

_BATCH = 4096
_ROW_GROUP = 65_536  # large enough for columnar readers, small enough to be built in memory
_PAGE_BYTES = 128 * 1024  # larger ones need more memory while a row group is written
_DISTINCT = {"endpoint", "duration", "first_call", "retrieved_at", "original", "line", "text"}
"""Columns whose values rarely repeat: a dictionary would only add to them."""


def _field(name: str, kind: "pa.DataType", description: str, unit: str | None = None, *, null: bool = False) -> Any:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=null, metadata=metadata)


_TIME = pa.timestamp("us", "UTC")
_UNIT = [
    _field("endpoint", pa.string(), "phone number in E.164, or username"),
    _field("type", pa.string(), "number or username"),
    _field("domain", pa.string(), "network in which the calls were terminated: data or pstn"),
    _field("period_start", pa.date32(), "first day of the report (UTC)"),
    _field("period_stop", pa.date32(), "last day of the report (UTC)"),
]
REPORTS = pa.schema(
    [
        *_UNIT,
        _field("success", pa.int64(), "number of successful calls", "calls"),
        _field("failed", pa.int64(), "number of failed calls", "calls"),
        _field("duration", pa.int64(), "total duration of all calls", "s"),
        _field("first_call", _TIME, "time of the first call; null without calls", null=True),
        _field("partial", pa.bool_(), "whether the period was not over when the report was retrieved"),
        _field("retrieved_at", _TIME, "time at which the report was retrieved"),
        _field("original", pa.string(), "text of the input, if it was normalized to E.164", null=True),
    ]
)
FAILURES = pa.schema(
    [
        *_UNIT,
        _field("kind", pa.string(), "permanent, or transient: requested again by the next run"),
        _field("error", pa.string(), "class of the error, such as NotFoundError"),
        _field("status", pa.int32(), "HTTP status; null without a response", null=True),
        _field("code", pa.int32(), "Sinch's error code; null if the response has none", null=True),
        _field("message", pa.string(), "what happened, and the remedy"),
        _field("retrieved_at", _TIME, "time of the failure"),
        _field("original", pa.string(), "text of the input, if it was normalized to E.164", null=True),
    ]
)
REJECTED = pa.schema(
    [
        _field("source", pa.string(), "file of the input, empty if it has no name", null=True),
        _field("line", pa.int64(), "line or row of the input, from 1"),
        _field("text", pa.string(), "the line"),
        _field("reason", pa.string(), "why it is not an endpoint"),
    ]
)


def batches(schema: "pa.Schema", rows: Iterable[Sequence[object]]) -> "Iterator[pa.RecordBatch]":
    """Yield rows as record batches."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, _BATCH)):
        columns = zip(*chunk, strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def report_batches(rows: Iterable[Row], period: Period) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of reports of the journal."""
    end = microseconds(period.end)
    selected = (
        (*_unit(domain, key, period), success, failed, duration, first, at < end, at, original)
        for domain, key, original, at, success, failed, duration, first, *_ in rows
    )
    return batches(REPORTS, selected)


def failure_batches(rows: Iterable[Row], period: Period) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of failures of the journal."""
    selected = (
        (*_unit(domain, key, period), *failure, at, original)
        for domain, key, original, at, _, _, _, _, *failure in rows
    )
    return batches(FAILURES, selected)


def failure_rows(found: "Iterable[pa.RecordBatch]") -> Iterator[Row]:
    """Yield rows of failures for the journal, from a file."""
    for batch in found:
        for row in batch.set_column(
            batch.schema.get_field_index("retrieved_at"), "retrieved_at", batch["retrieved_at"].cast(pa.int64())
        ).to_pylist():
            key = f"{row['type'][0]}{row['endpoint']}"
            failure = (row["kind"], row["error"], row["status"], row["code"], row["message"])
            yield (row["domain"], key, row["original"], row["retrieved_at"], None, None, None, None, *failure)


def _unit(domain: str, key: str, period: Period) -> tuple[object, ...]:
    return key[1:], "number" if key[0] == "n" else "username", domain, period.start, period.stop


class Format(NamedTuple):
    """A file format.

    Attributes:
        write: Writes record batches of a schema to a file.
        read: Reads them, a few at a time.
    """

    write: "Callable[[BinaryIO, pa.Schema, Iterable[pa.RecordBatch]], None]"
    read: "Callable[[Any, pa.Schema], Iterator[pa.RecordBatch]]"


def _write_parquet(file: BinaryIO, schema: "pa.Schema", found: "Iterable[pa.RecordBatch]") -> None:
    repeated: Any = [name for name in schema.names if name not in _DISTINCT]  # pyarrow declares a bool
    with pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=repeated,
        data_page_size=_PAGE_BYTES,
        write_page_checksum=True,
    ) as writer:
        group: list[Any] = []
        rows = 0
        for batch in found:
            group.append(batch)
            rows += batch.num_rows
            if rows >= _ROW_GROUP:
                table = pa.Table.from_batches(group, schema)
                full = rows - rows % _ROW_GROUP
                writer.write_table(table.slice(0, full), row_group_size=_ROW_GROUP)
                group, rows = table.slice(full).to_batches(), rows - full
        writer.write_table(pa.Table.from_batches(group, schema), row_group_size=_ROW_GROUP)
    pa.default_memory_pool().release_unused()  # Arrow's pool would keep it


def _read_parquet(file: Any, schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    with pq.ParquetFile(file, page_checksum_verification=True) as opened:
        for batch in opened.iter_batches(batch_size=_BATCH):
            yield batch.cast(schema)


def _write_csv(file: BinaryIO, schema: "pa.Schema", found: "Iterable[pa.RecordBatch]") -> None:
    with pacsv.CSVWriter(file, schema) as writer:
        for batch in found:
            writer.write_batch(batch)


def _read_csv(file: Any, schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    kinds = {field.name: field.type for field in schema}
    convert = pacsv.ConvertOptions(
        column_types=kinds, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parse = pacsv.ParseOptions(newlines_in_values=True)
    with pacsv.open_csv(file, parse_options=parse, convert_options=convert) as reader:
        for batch in reader:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _write_json_lines(file: BinaryIO, _schema: "pa.Schema", found: "Iterable[pa.RecordBatch]") -> None:
    for batch in found:
        file.writelines(json.dumps(row, ensure_ascii=False, default=_iso).encode() + b"\n" for row in batch.to_pylist())


def _iso(value: date) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value.isoformat()


def _read_json_lines(file: Any, schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    kinds = {each.name: pa.string() if pa.types.is_temporal(each.type) else each.type for each in schema}
    text = pa.schema(list(kinds.items()))
    options = pajson.ParseOptions(explicit_schema=text, unexpected_field_behavior="ignore")
    for batch in pajson.open_json(file, parse_options=options):
        yield batch.cast(schema)


FORMATS = {
    "parquet": Format(_write_parquet, _read_parquet),
    "csv": Format(_write_csv, _read_csv),
    "jsonl": Format(_write_json_lines, _read_json_lines),
}
"""Formats by the suffix of their files."""
