"""Layout of tables. Nothing is ever cut: columns are dropped, or each row is written vertically."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from rich.cells import cell_len
from rich.text import Text

from sinch_reporting.cli.text import format_duration, printable

Value = str | int | float | bool | datetime | date | timedelta | None
Row = Mapping[str, Value]

_GAP = 2
_STYLES = {"up": "green", "down": "red"}


def lay_out(
    rows: Sequence[Row], width: int | None, *, optional: Sequence[str] = (), total: Row | None = None
) -> tuple[list[Text], list[str]]:
    """Return the lines of a table and the names of the columns that were dropped.

    Args:
        rows: At least one row; all have the same fields.
        width: Available columns of the terminal; None for unlimited.
        optional: Names of the columns to drop if the table is too wide, the first one first.
        total: A last row, which may lack fields.
    """
    cells = {name: [format_cell(row[name]) for row in rows] for name in rows[0]}
    if total is not None:
        for name, column in cells.items():
            column.append(format_cell(total[name]) if name in total else "")
    dropped: list[str] = []
    while width is not None and _width(cells) > width:
        candidate = next((name for name in optional if name in cells), None)
        if candidate is None or len(cells) == 1:
            return _vertical(rows if total is None else [*rows, total]), []
        del cells[candidate]
        dropped.append(candidate)
    numeric = {name for name in cells if all(_is_numeric(row[name]) for row in rows)}
    widths = {name: max(map(cell_len, [name, *column])) for name, column in cells.items()}
    lines = [_line({name: name for name in cells}, widths, numeric, style="bold")]
    for index in range(len(rows) + (total is not None)):
        style = "bold" if index == len(rows) else ""
        lines.append(_line({name: column[index] for name, column in cells.items()}, widths, numeric, style=style))
    return lines, dropped


def format_cell(value: Value) -> str:
    """Return a value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).replace(microsecond=0, tzinfo=None)} UTC"
    if isinstance(value, timedelta):
        return format_duration(value)
    return printable(str(value))


def _width(cells: Mapping[str, Sequence[str]]) -> int:
    return sum(max(map(cell_len, [name, *column])) for name, column in cells.items()) + _GAP * (len(cells) - 1)


def _is_numeric(value: Value) -> bool:
    return value is None or (isinstance(value, int | float | timedelta) and not isinstance(value, bool))


def _line(cells: Mapping[str, str], widths: Mapping[str, int], numeric: set[str], *, style: str) -> Text:
    line = Text(style=style)
    for index, (name, cell) in enumerate(cells.items()):
        padding = " " * (widths[name] - cell_len(cell))
        line.append(" " * (_GAP if index else 0) + (padding if name in numeric else ""))
        line.append(cell, _STYLES.get(cell, ""))
        line.append("" if name in numeric else padding)
    line.rstrip()
    return line


def _vertical(rows: Sequence[Row]) -> list[Text]:
    lines: list[Text] = []
    names = max(map(cell_len, rows[0]))
    for row in rows:
        lines += [Text()] if lines else []
        for name in filter(row.__contains__, rows[0]):
            cell = format_cell(row[name])
            gap = " " * (names - cell_len(name) + _GAP)
            lines.append(Text.assemble((name, "bold"), gap, (cell, _STYLES.get(cell, ""))))
    return lines
