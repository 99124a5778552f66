"""Choice of the columns that contain the endpoints and their types."""

import re
from collections.abc import Callable, Sequence

from attrs import frozen

from sinch_reporting.errors import InvalidRequestError

_NUMBER = {
    "number", "numbers", "phone", "phones", "phone_number", "phone_numbers", "phonenumber", "phone_no", "msisdn",
    "mobile", "mobile_number", "mobile_phone", "cell", "cell_phone", "telephone", "telephone_number", "telephone_no",
    "tel", "telefon", "telefonnummer", "telefonnumber", "mobil", "mobilnummer", "telefono", "telefone", "e164",
    "e_164", "did", "ddi", "caller", "callee", "a_number", "b_number",
}  # fmt: skip
_USERNAME = {"username", "user_name", "user", "login"}
_ANY = {"endpoint", "endpoints"}
_NAMES = _NUMBER | _USERNAME | _ANY


Choose = Callable[[str], object]
"""Is called with the choice in words."""


@frozen
class ReadOptions:
    """What the caller says about the input; None is detected."""

    column: str | int | None = None
    kind: str | None = None
    delimiter: str | None = None
    plain: bool = False


@frozen
class Columns:
    """The columns of the endpoints.

    Attributes:
        endpoint: Index of the column of endpoints, from 0.
        type: Index of the column of their types, if there is one.
        kind: The type of all endpoints, if there is no such column.
        has_header: Whether the first row contains names.
        name: Name or number of the column, for messages.
    """

    endpoint: int
    type: int | None
    kind: str
    has_header: bool
    name: str

    def select(self, names: Sequence[str]) -> list[str]:
        """Return the names of the columns to read: the endpoints, and the types if there are any."""
        return [names[index] for index in (self.endpoint, self.type) if index is not None]

    def describe(self) -> str:
        """Return the choice in words."""
        return f"column {self.name}" + (f" as {self.kind}s" if self.type is None else " with the types of column type")


def _simple(name: str) -> str:
    return re.sub(r"[^\w]+", "_", name.strip().casefold()).strip("_")


def _looks_like_endpoint(text: str) -> bool:
    return sum(character.isdigit() for character in text) >= 6  # noqa: PLR2004 - shorter than any phone number


def find_columns(
    first: Sequence[str], column: str | int | None, kind: str | None, *, is_header: bool | None = None
) -> Columns:
    """Choose the columns by the first row of a file, or the names of a table.

    Args:
        first: The first row, or the names.
        column: The name or number (from 1) of the column, if it is given.
        kind: The type of all endpoints, if it is given.
        is_header: Whether the first row contains names, if that is known.

    Raises:
        InvalidRequestError: The choice is not clear. The message lists the columns.
    """
    names = [_simple(name) for name in first]
    listed = ", ".join(repr(name.strip()) for name in first)
    if isinstance(column, int):
        if not 1 <= column <= len(names):
            raise InvalidRequestError(f"the input has {len(names)} columns ({listed}), so there is no column {column}")
        index = column - 1
        if is_header is None:
            is_header = names[index] in _NAMES or (kind != "username" and not _looks_like_endpoint(first[index]))
    elif column is not None:
        matches = [index for index, name in enumerate(first) if name.strip() == column]
        matches = matches or [index for index, name in enumerate(names) if name == _simple(column)]
        if len(matches) != 1:
            problem = "is not" if not matches else "occurs more than once"
            raise InvalidRequestError(f"the column {column!r} {problem} in the input; its columns: {listed}")
        [index], is_header = matches, True
    else:
        index, is_header = _guess(first, names, kind, is_header, listed)
    known = is_header and names[index] in _USERNAME
    name = repr(first[index].strip()) if is_header else f"{index + 1}"
    if kind is None and is_header and names[index] in _ANY and names.count("type") == 1:
        return Columns(index, names.index("type"), "", has_header=True, name=name)
    return Columns(index, None, kind or ("username" if known else "number"), has_header=bool(is_header), name=name)


def _guess(
    first: Sequence[str], names: Sequence[str], kind: str | None, is_header: bool | None, listed: str
) -> tuple[int, bool]:
    wanted = {"number": _NUMBER | _ANY, "username": _USERNAME | _ANY}.get(kind or "", _NAMES)
    found = [index for index, name in enumerate(names) if name in wanted]
    if len(found) == 1:
        return found[0], True
    if len(found) > 1:
        raise InvalidRequestError(f"several columns of the input may be meant; choose one of its columns: {listed}")
    numbers = [index for index, value in enumerate(first) if _looks_like_endpoint(value)]
    if is_header is None and len(numbers) == 1 and kind != "username":
        return numbers[0], False
    if len(names) == 1:
        is_value = not is_header and (kind == "username" or bool(numbers))
        return 0, bool(is_header) if is_value or is_header else not _is_rejected_value(first[0])
    raise InvalidRequestError(f"no column of the input has a known name; choose one of its columns: {listed}")


def _is_rejected_value(text: str) -> bool:
    """Return whether a single value is more likely a malformed number than a name."""
    return any(character.isdigit() for character in text)
