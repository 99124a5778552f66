"""Files of endpoints: the format of each is detected, and its rows become batches of keys."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.columns import Choose, ReadOptions
from sinch_reporting.export.endpoint_check import TYPES, InputBatch, RejectedLine, Rows, check
from sinch_reporting.export.input_index import to_endpoint
from sinch_reporting.export.json_reader import json_rows
from sinch_reporting.export.normalize import normalizer
from sinch_reporting.export.object_reader import object_batches
from sinch_reporting.export.sources import FileSource, Sampled, expand, kind_of, opened
from sinch_reporting.export.table_reader import parquet_rows, xlsx_rows
from sinch_reporting.export.text_reader import text_rows
from sinch_reporting.parameters import Endpoint

_READERS: dict[str, Callable[[Sampled, ReadOptions, Choose], Iterator[Rows | list[RejectedLine]]]] = {
    "lines": text_rows,
    "csv": text_rows,
    "jsonl": json_rows,
    "parquet": parquet_rows,
    "xlsx": xlsx_rows,
}

Source = Iterable[Endpoint | str | RejectedLine] | Any
"""Objects, or a column of a table: anything with `__arrow_c_stream__` or `__arrow_c_array__`, or a pandas series."""


class EndpointReader:
    """The endpoints of files. Iterating it reads them."""

    def __init__(
        self,
        sources: FileSource | Iterable[FileSource],
        *,
        input_format: str | None,
        options: ReadOptions,
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
                yield to_endpoint(key)
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
        if chosen != found and {chosen, found} & {"parquet", "xlsx"}:
            raise InvalidRequestError(f"the input {file.name or ''} is not a {chosen} file")
        name = file.name or "the input"
        yield from _READERS[chosen](file, self._options, lambda choice: self._on_choice(f"{name}: {choice}"))


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
    if input_format not in {None, *_READERS}:
        raise InvalidRequestError(f"the input format must be one of: {', '.join(_READERS)}")
    if endpoint_type not in {None, *TYPES}:
        raise InvalidRequestError(f"the endpoint type must be one of: {', '.join(TYPES)}")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise InvalidRequestError("the delimiter must be one character, and neither a quote nor a line end")
    to_e164 = normalizer(None if normalize is True else normalize) if normalize else None
    options = ReadOptions(column, endpoint_type, delimiter, plain=input_format == "lines")
    return EndpointReader(sources, input_format=input_format, options=options, normalize=to_e164, on_choice=on_choice)


def to_batches(endpoints: Source) -> Iterator[InputBatch]:
    """Yield endpoints in batches. Raises InvalidRequestError if they are not iterable."""
    if isinstance(endpoints, EndpointReader):
        yield from endpoints.batches()
        return
    if isinstance(endpoints, str | bytes | os.PathLike) or not isinstance(endpoints, Iterable):
        raise InvalidRequestError("the endpoints must be an iterable, such as read_endpoints(...)")
    yield from object_batches(endpoints)
