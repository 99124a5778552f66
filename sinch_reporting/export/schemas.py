"""The columns of the datasets, with what they mean and in which unit."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice

import pyarrow as pa
from attrs import frozen

from sinch_reporting.export.journal import Row
from sinch_reporting.parameters import Domain, Endpoint, Number

_ROWS = 2000


def _field(name: str, kind: "pa.DataType", description: str, unit: str | None = None, *, null: bool = False) -> object:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=null, metadata=metadata)


_ASKED = [
    _field("endpoint", pa.string(), "the number in E.164, or the username"),
    _field("type", pa.string(), "what the endpoint is: number or username"),
    _field("domain", pa.string(), "where the calls were terminated: data or pstn"),
    _field("period_start", pa.date32(), "the first day that was asked about"),
    _field("period_stop", pa.date32(), "the last day that was asked about"),
]
REPORTS = pa.schema(
    [
        *_ASKED,
        _field("success", pa.int64(), "how many calls succeeded", "calls"),
        _field("failed", pa.int64(), "how many calls failed", "calls"),
        _field("duration", pa.int64(), "the length of all the calls together", "s"),
        _field("start", pa.timestamp("us", "UTC"), "the time of the first call; null without calls", "us", null=True),
    ]
)
FAILURES = pa.schema(
    [
        *_ASKED,
        _field("error", pa.string(), "the class of the error, such as NotFoundError"),
        _field("status", pa.int32(), "the HTTP status; null where no answer came", null=True),
        _field("code", pa.int32(), "Sinch's error code; null where the answer held none", null=True),
        _field("message", pa.string(), "what happened and what to do"),
    ]
)
REJECTED = pa.schema(
    [
        _field("line", pa.int64(), "the number of the line in the input, from 1"),
        _field("text", pa.string(), "the line"),
        _field("reason", pa.string(), "why it holds no endpoint"),
    ]
)


@frozen(kw_only=True)
class Question:
    """What all endpoints are asked about."""

    domain: Domain
    start: date
    stop: date


def _batches(schema: "pa.Schema", rows: Iterable[Sequence[object]]) -> "Iterator[pa.RecordBatch]":
    remaining = iter(rows)
    while chunk := list(islice(remaining, _ROWS)):
        columns = zip(*chunk, strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _asked(endpoint: Endpoint, question: Question) -> tuple[object, ...]:
    kind = "number" if isinstance(endpoint, Number) else "username"
    return endpoint.value, kind, question.domain.value, question.start, question.stop


def report_batches(outcomes: Iterable[tuple[Endpoint, Row]], question: Question) -> "Iterator[pa.RecordBatch]":
    """Yield the reports among the outcomes."""
    rows = ((*_asked(endpoint, question), *row[1:5]) for endpoint, row in outcomes if row[5] is None)
    return _batches(REPORTS, rows)


def failure_batches(outcomes: Iterable[tuple[Endpoint, Row]], question: Question) -> "Iterator[pa.RecordBatch]":
    """Yield the failures among the outcomes."""
    rows = ((*_asked(endpoint, question), *row[5:]) for endpoint, row in outcomes if row[5] is not None)
    return _batches(FAILURES, rows)


def rejected_batches(lines: Iterable[tuple[int, str, str]]) -> "Iterator[pa.RecordBatch]":
    """Yield the rejected lines."""
    return _batches(REJECTED, lines)
