"""The formats of the files, and how many rows a file has."""

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from io import BytesIO
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from attrs import frozen


@frozen
class Format:
    """A format.

    Attributes:
        write: Writes batches of a schema into a file.
        count: Returns how many rows the content of such a file has.
    """

    write: "Callable[[BinaryIO, pa.Schema, Iterable[pa.RecordBatch]], None]"
    count: Callable[[bytes], int]


def _write_parquet(file: BinaryIO, schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]") -> None:
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _count_parquet(content: bytes) -> int:
    return int(pq.read_metadata(BytesIO(content)).num_rows)


def _write_csv(file: BinaryIO, schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]") -> None:
    with pacsv.CSVWriter(file, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _count_csv(content: bytes) -> int:
    options = pacsv.ParseOptions(newlines_in_values=True)
    return int(pacsv.read_csv(BytesIO(content), parse_options=options).num_rows)


def _write_json_lines(file: BinaryIO, _schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]") -> None:
    for batch in batches:
        file.writelines(json.dumps(row, ensure_ascii=False, default=_iso).encode() + b"\n" for row in batch.to_pylist())


def _iso(value: date) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value.isoformat()


def _count_json_lines(content: bytes) -> int:
    return content.count(b"\n")


FORMATS = {
    "parquet": Format(_write_parquet, _count_parquet),
    "csv": Format(_write_csv, _count_csv),
    "jsonl": Format(_write_json_lines, _count_json_lines),
}
"""By the ends of the files' names."""
