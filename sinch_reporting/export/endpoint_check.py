"""Validation of the values of an input: columns of Arrow become endpoints, or rejected lines with the reason."""

# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from attrs import field, frozen

from sinch_reporting.errors import InvalidRequestError

TYPES = ("number", "username")
DELIMITERS = ",;\t|"
_E164 = r"^\+[1-9][0-9]{6,14}$"
_UNPRINTABLE = r"\p{Cc}"
_REASONS = (
    (r'="?\+?[0-9]+"?', "spreadsheet notation: a formula in place of the number"),
    (r"'.*", "spreadsheet notation: a leading apostrophe"),
    (r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+", "spreadsheet notation: digits of the number are lost"),
    (r"00[0-9 ()./-]+", "no plus sign: 00 is not accepted in place of +"),
    (r"0[0-9 ()./-]+", "no plus sign: a national number, without its country code"),
    (r"[0-9]+(\.0)?", "no plus sign"),
    (r"\+[0-9]*", "not E.164: + must be followed by 7 to 15 digits, the first not 0"),
    (r"\+[0-9 ()./\u00a0-]+", "spaces or punctuation in the number"),
    (r"[0-9][0-9 ()./\u00a0-]+", "no plus sign, and spaces or punctuation in the number"),
    (r".*[\u200b-\u200f\u202a-\u202e\u2060\ufeff].*", "an invisible character in the number"),
    (r".*[,;\t|].*", "the line contains a delimiter, but its format has a single column"),
)


def _mask(_text: str) -> str:
    return "***"


@frozen(kw_only=True)
class RejectedLine:
    r"""A line of the input that does not contain an endpoint.

    Attributes:
        line: Its number, from 1; the number of the row in formats without lines.
        text: The line without its end. Bytes that are not UTF-8 appear as `\xNN`. Not in `repr`: it may be a number.
        reason: Why it does not contain an endpoint.
        source: Name of the file, if it has one.
    """

    line: int
    text: str = field(repr=_mask)
    reason: str
    source: str | None = None


@frozen
class InputBatch:
    """Some of an input.

    Attributes:
        keys: Endpoints: `n` and the number, or `u` and the username.
        originals: The text of each if it was normalized; None if none was.
        rejected: Rejected lines.
    """

    keys: list[str]
    originals: list[str | None] | None
    rejected: list[RejectedLine]


@frozen
class Rows:
    """Values of some rows.

    Attributes:
        values: Text, bytes or numbers.
        types: The type of all, or of each.
        lines: The line of each.
        text: Returns the text of the line of a row, by its index; None if it is the value. Empty lines have none and
            are not rejected.
        plain: Whether lines are taken as they are, so that a delimiter in one means that it is not an endpoint.
    """

    values: Any
    types: str | Sequence[str | None]
    lines: Sequence[int]
    text: Callable[[int], str] | None = None
    plain: bool = False


def check(rows: Rows, normalize: Callable[[str], str | None] | None, source: str | None) -> InputBatch:
    """Return the endpoints of some rows, and the rejected ones."""
    texts, broken = _texts(rows.values)
    keys: list[str] = []
    changed: list[tuple[str, str]] = []
    rejected: list[RejectedLine] = []

    def reject(row: int, reason: str) -> None:
        text = rows.text(row) if rows.text else _text_of(rows.values[row].as_py())
        if text.strip(DELIMITERS + '" \r\n'):
            rejected.append(RejectedLine(line=rows.lines[row], text=text, reason=reason, source=source))

    for kind, chosen in _by_type(rows.types):
        if kind not in TYPES:
            for row in _indexes(chosen):
                reject(row, "the type is not 'number' or 'username'")
            continue
        valid = _valid(texts, kind, plain=rows.plain)
        accepted = valid if chosen is None else pc.and_(valid, chosen)
        keys += pc.binary_join_element_wise(kind[0], texts.filter(accepted), "").to_pylist()
        for row in _indexes(pc.invert(valid) if chosen is None else pc.and_(pc.invert(valid), chosen)):
            text = texts[row].as_py()
            number = normalize(text) if normalize and kind == "number" and text else None
            if number:
                changed.append((f"n{number}", text))
            else:
                reject(row, broken.get(row) or _reason(text, kind, plain=rows.plain))
    if not changed:
        return InputBatch(keys, None, rejected)
    originals = [*([None] * len(keys)), *(text for _, text in changed)]
    return InputBatch([*keys, *(key for key, _ in changed)], originals, rejected)


def _text_of(value: object) -> str:
    return "(empty)" if value in {None, ""} else str(value)


def _by_type(types: str | Sequence[str | None]) -> Iterator[tuple[str, Any]]:
    """Yield each type, and which rows have it: None for all."""
    if isinstance(types, str):
        yield types, None
        return
    for kind in TYPES:
        yield kind, pa.array([each == kind for each in types], pa.bool_())
    yield "", pa.array([each not in TYPES for each in types], pa.bool_())


def _indexes(mask: Any) -> list[int]:
    return list(pc.indices_nonzero(mask).to_pylist())


def _texts(values: Any) -> tuple[Any, dict[int, str]]:
    """Return values as trimmed text, and the reasons why some are not text."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        words = values.dictionary
        if pa.types.is_string_view(words.type):  # which cannot be decoded
            values = pa.DictionaryArray.from_arrays(values.indices, words.cast(pa.string()))
        values = values.dictionary_decode()
    kind = values.type
    broken: dict[int, str] = {}
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        try:
            values = values.cast(pa.string())
        except pa.ArrowInvalid:
            values, broken = _decoded(values)
    elif pa.types.is_floating(kind):  # integers in a column with empty cells
        whole = pc.equal(values, pc.floor(values))
        integers = pc.if_else(whole, values, None).cast(pa.int64(), safe=False).cast(pa.string())
        values = pc.if_else(pc.fill_null(whole, False), integers, values.cast(pa.string()))
    elif pa.types.is_integer(kind) or pa.types.is_null(kind):
        values = values.cast(pa.string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise InvalidRequestError(f"the column must contain text or whole numbers, not {kind}")
    return pc.fill_null(pc.utf8_trim_whitespace(values.cast(pa.string())), ""), broken


def _decoded(values: Any) -> tuple[Any, dict[int, str]]:
    texts = []
    broken = {}
    for row, value in enumerate(values.to_pylist()):
        try:
            texts.append((value or b"").decode())
        except UnicodeDecodeError:
            texts.append("")
            broken[row] = "the line is not UTF-8"
    return pa.array(texts, pa.string()), broken


def _valid(texts: Any, kind: str, *, plain: bool) -> Any:
    if kind == "number":
        return pc.match_substring_regex(texts, _E164)
    refused = pc.or_(pc.is_in(texts, pa.array(["", ".", ".."])), pc.match_substring_regex(texts, _UNPRINTABLE))
    if plain:
        refused = pc.or_(refused, pc.match_substring_regex(texts, f"[{DELIMITERS}]"))
    return pc.invert(refused)


def _reason(text: str, kind: str, *, plain: bool) -> str:
    if not text:
        return f"the {kind} is missing"
    if kind == "username":
        is_split = plain and set(text) & set(DELIMITERS)
        return _REASONS[-1][1] if is_split else "the username is '.' or '..', or contains control characters"
    for pattern, reason in _REASONS:
        if re.fullmatch(pattern, text, re.DOTALL):
            return reason
    return "not a phone number in E.164: +, then 7 to 15 digits, the first not 0"
