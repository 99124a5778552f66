"""What the command writes: data to standard output as a table, JSON or CSV; all else to standard error."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

Format = Literal["table", "json", "csv"]
Output = Annotated[Format, Parameter(help="How to write the data: a table, JSON lines or CSV.")]

Value = str | int | float | bool | datetime | date | timedelta | None
Row = Mapping[str, Value]


def write(rows: Iterable[Row], output: Format) -> None:
    """Write the rows, which all have the same fields. JSON and CSV are written one by one, a table at the end."""
    if output == "table":
        _write_table(list(rows))
    else:
        each = writer(output)
        for row in rows:
            each(row)


def writer(output: Format) -> Callable[[Row], None]:
    """Return what writes one row after the other at once, in a table too. All rows have the same fields."""
    return {"table": _table_lines, "json": _json_lines, "csv": _csv_lines}[output]()


def say(text: str) -> None:
    """Write what is no data, a line or several."""
    sys.stderr.write(f"{text}\n")


def console() -> Console:
    """Return a console on standard output: without colours where it is no terminal, or NO_COLOR is set."""
    terminal = Console(highlight=False)
    # What is piped is for programs and files, whatever COLUMNS says: no line is cut or wrapped there.
    return terminal if terminal.is_terminal else Console(highlight=False, width=10_000)


def _json_lines() -> Callable[[Row], None]:
    def each(row: Row) -> None:
        line = json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    return each


def _csv_lines() -> Callable[[Row], None]:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    first = True

    def each(row: Row) -> None:
        nonlocal first
        if first:
            lines.writerow(row)
        first = False
        lines.writerow("" if value is None else _plain(value) for value in row.values())
        sys.stdout.flush()

    return each


def _table_lines() -> Callable[[Row], None]:
    first = True

    def each(row: Row) -> None:
        nonlocal first
        _write_table([row], header=first)
        first = False
        sys.stdout.flush()

    return each


def table(rows: Sequence[Row]) -> Table:
    """Return the rows as a table, for a console."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in rows[0]:
        numeric = all(_is_numeric(row[name]) for row in rows)
        # Where the terminal is narrow, times take two lines before anything is cut.
        times = any(isinstance(row[name], datetime) for row in rows)
        drawn.add_column(name, justify="right" if numeric else "left", no_wrap=not times)
    for row in rows:
        drawn.add_row(*(Text(_shown(value), style=_style(value)) for value in row.values()))
    return drawn


def _write_table(rows: Sequence[Row], *, header: bool = True) -> None:
    if not rows:
        return
    terminal = console()
    with terminal.capture() as captured:
        terminal.print(table(rows))
    # Padding is for the next column, of which the last has none.
    lines = captured.get().splitlines()
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines[0 if header else 1 :]))


def _is_numeric(value: Value) -> bool:
    return value is None or (isinstance(value, int | float | timedelta) and not isinstance(value, bool))


def _plain(value: Value) -> str | int | float | bool | None:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    return value


def _shown(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S %Z")
    if isinstance(value, timedelta):
        return str(timedelta(seconds=round(value.total_seconds())))
    return str(value)


def _style(value: Value) -> str:
    return {"up": "green", "down": "red"}.get(value, "") if isinstance(value, str) else ""
