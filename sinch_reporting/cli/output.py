"""Data on standard output as a table, JSON or CSV. Messages go to standard error: see `streams.print_error`."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.text import Text

from sinch_reporting.cli.exit_codes import UsageError
from sinch_reporting.cli.streams import console, is_unicode, print_error, write_text
from sinch_reporting.cli.tables import Row, Value, lay_out
from sinch_reporting.cli.text import printable

__all__ = ["Format", "Output", "Row", "Value", "console", "print_error", "select", "write", "write_table", "writer"]

say = print_error  # for export.py until it uses the new name

Format = Literal["table", "json", "csv"]
Output = Annotated[Format, Parameter(alias="-o", help="Format of the data: a table, JSON lines or CSV.")]


def write(rows: Iterable[Row], output: Format) -> None:
    """Write rows, which all have the same fields: JSON and CSV one by one, a table at the end."""
    if output == "table":
        write_table(list(rows))
        return
    write_row = writer(output)
    for row in rows:
        write_row(row)


def write_table(
    rows: Sequence[Row], *, title: str | None = None, optional: Sequence[str] = (), total: Row | None = None
) -> None:
    """Write a table that fits the terminal; see `tables.lay_out`. The title is the first line."""
    if not rows:
        return
    width = console().width if sys.stdout.isatty() else None
    lines, dropped = lay_out(rows, width, optional=optional, total=total)
    write_text((f"{title}\n" if title else "") + _rendered(lines))
    if dropped:
        print_error(f"the terminal is too narrow for: {', '.join(dropped)}; select columns with --columns")


def writer(output: Format) -> Callable[[Row], None]:
    """Return a function that writes one row at a time. All rows have the same fields."""
    return {"table": _table_lines, "json": _json_lines, "csv": _csv_lines}[output]()


def select(row: Row, names: Sequence[str]) -> Row:
    """Return the row with only the named columns, in that order; all of them without names. Raises UsageError."""
    unknown = [name for name in names if name not in row]
    if unknown:
        given = ", ".join(map(printable, unknown))
        raise UsageError(f"--columns: unknown column {given}; choose from {', '.join(row)}")
    return {name: row[name] for name in names} if names else row


def _json_lines() -> Callable[[Row], None]:
    def write_row(row: Row) -> None:
        line = json.dumps({name: _to_json(value) for name, value in row.items()}, ensure_ascii=not is_unicode())
        write_text("".join(map(_json_escaped, line)) + "\n")

    return write_row


def _json_escaped(character: str) -> str:
    if printable(character) == character:
        return character
    # JSON has only escapes of UTF-16 code units.
    return json.dumps(character)[1:-1] if ord(character) > 0x7F else f"\\u{ord(character):04x}"  # noqa: PLR2004 - ASCII


def _csv_lines() -> Callable[[Row], None]:
    is_first = True

    def write_row(row: Row) -> None:
        nonlocal is_first
        buffer = io.StringIO()
        lines = csv.writer(buffer, lineterminator="\n")
        if is_first:
            lines.writerow(row)
        is_first = False
        lines.writerow(map(_to_csv, row.values()))
        write_text(buffer.getvalue())

    return write_row


def _table_lines() -> Callable[[Row], None]:
    first: Row | None = None

    def write_row(row: Row) -> None:
        nonlocal first
        if first is None:
            first = row
            lines, _ = lay_out([row], None)
        else:  # as wide as the first row, at least
            lines = lay_out([first, row], None)[0][-1:]
        write_text(_rendered(lines))

    return write_row


def _rendered(lines: Iterable[Text]) -> str:
    terminal = console()
    with terminal.capture() as captured:
        for line in lines:
            terminal.print(line, soft_wrap=True)
    return captured.get()


def _to_csv(value: Value) -> str | int | float:
    plain = _to_json(value)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return printable(plain) if isinstance(plain, str) else plain


def _to_json(value: Value) -> str | int | float | bool | None:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    return value
