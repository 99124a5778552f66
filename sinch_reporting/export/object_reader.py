"""Endpoints in Python: objects, text, and columns of tables."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.endpoint_check import InputBatch, RejectedLine, Rows, check
from sinch_reporting.parameters import Number, Username

_OBJECTS = 10_000


def object_batches(endpoints: Iterable[object]) -> Iterator[InputBatch]:
    """Yield endpoints in batches. Raises InvalidRequestError for other objects."""
    column = _arrow_column(endpoints)
    line = 1
    if column is not None:
        for chunk in column.chunks:
            yield check(Rows(chunk, "number", range(line, line + len(chunk))), None, None)
            line += len(chunk)
        return
    remaining = iter(endpoints)
    while items := list(islice(remaining, _OBJECTS)):
        yield _batch(items, line)
        line += len(items)


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


def _batch(items: list[object], first: int) -> InputBatch:
    keys = []
    texts = []
    lines = []
    rejected = []
    for line, item in enumerate(items, first):
        if isinstance(item, Number):
            keys.append(f"n{item.value}")
        elif isinstance(item, Username):
            keys.append(f"u{item.value}")
        elif item is None or (isinstance(item, str | int) and not isinstance(item, bool)):
            text = str.__str__(item) if isinstance(item, str) else ("" if item is None else str(item))
            texts.append(text.encode(errors="replace").decode())
            lines.append(line)
        elif isinstance(item, RejectedLine):
            rejected.append(item)
        else:
            raise InvalidRequestError("the endpoints must be Number(...), Username(...) or text")
    found = check(Rows(pa.array(texts, pa.string()), "number", lines), None, None)
    return InputBatch(keys + found.keys, None, rejected + found.rejected)
