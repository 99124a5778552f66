"""Which columns of a table hold the endpoints and their types."""

from collections.abc import Sequence

from attrs import frozen

from sinch_reporting.errors import InvalidRequestError

NAMES = ("endpoint", "number", "username")


@frozen
class Columns:
    """Where the endpoints are.

    Attributes:
        endpoint: The place of the endpoint's column, from 0.
        type: The place of the type's column, from 0, if there is one.
        kind: The type of all endpoints, where there is no such column.
        named: Whether the names that were looked at are names, and no data.
    """

    endpoint: int
    type: int | None
    kind: str
    named: bool

    def of(self, row: Sequence[str]) -> tuple[str, str]:
        """Return the endpoint of a row, and its type."""
        return row[self.endpoint], self.kind if self.type is None else row[self.type]


def find_columns(names: Sequence[str], column: str | int | None, kind: str | None) -> Columns:
    """Find the columns by the first line of a file, or the names of a table.

    Raises InvalidRequestError where they do not tell.
    """
    if column is None:
        found = [name for name in NAMES if name in names]
        if len(found) > 1:
            raise InvalidRequestError(f"the input has the columns {' and '.join(found)}; say which to take")
        if not found and len(names) > 1:
            raise InvalidRequestError(f"the input has no column named {', '.join(NAMES)}; say which one to take")
        column = found[0] if found else 1
    if isinstance(column, int):
        if not 1 <= column <= len(names):
            raise InvalidRequestError(f"the input has {len(names)} columns; there is no column {column}")
        return Columns(column - 1, None, kind or "number", named=False)
    if names.count(column) != 1:
        raise InvalidRequestError(f"the input must have one column named {column!r} in its first line")
    if kind is None and column == "endpoint" and names.count("type") == 1:
        return Columns(names.index(column), names.index("type"), "", named=True)
    return Columns(names.index(column), None, kind or ("username" if column == "username" else "number"), named=True)
