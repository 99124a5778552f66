"""The live view on emulated terminals of several widths, with colors, over a minute of changes."""

import math
import time
from datetime import UTC, datetime
from functools import partial

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import Sandbox
from tests.support.terminal import Terminal

WIDTHS = (60, 80, 100, 137, 200)
SECONDS = 60


def test_the_graph_of_a_minute_of_changes_is_correct_at_every_width():
    with Sandbox() as sandbox:
        # One second before the next refresh, so that the counter is polled every two seconds.
        almost = datetime.fromtimestamp(time.time() // 120 * 120 + 119, UTC)
        sandbox.clock = lambda: almost
        env = {
            "SINCH_REPORTING_URL": sandbox.url,
            "SINCH_APPLICATION_KEY": sandbox.application_key,
            "SINCH_APPLICATION_SECRET": sandbox.application_secret,
        }
        terminals = {width: Terminal("counter", "currentCalls", "--watch", columns=width, env=env) for width in WIDTHS}
        end = time.monotonic() + SECONDS
        while (left := end - time.monotonic()) > 0:
            sandbox.set_counter("currentCalls", round(700 + 100 * math.sin(left / 3)))
            for terminal in terminals.values():
                assert terminal.read(0.05), terminal.text
        sandbox.set_counter("currentCalls", 500)
        for width, terminal in terminals.items():
            terminal.wait_for("currentCalls    500")
            # A piece that was read may end within a frame.
            terminal.wait_until(partial(is_correct, width, end - SECONDS), 10)
            terminal.interrupt()
            terminal.finish(exit_codes.INTERRUPTED)
            assert not terminal.screen.cursor.hidden


def is_correct(width, started, terminal):
    """Return whether the canvas is one picture: the axis, the labels, and a line from the left that ends at 500."""
    rows = terminal.rows
    axis = next((index for index, row in enumerate(rows) if row.startswith("-----------|")), None)
    if axis is None:
        return False
    canvas = [rows[index].split(" |", 1) for index in range(3, axis)]
    labels = [int(label) for label, _ in canvas]
    columns = {column for _, line in canvas for column, cell in enumerate(line) if cell != " "}
    last = [line for label, line in canvas if line.strip()][-1]
    styles = {(cell.fg, cell.bg) for row in range(3, axis) for cell in terminal.screen.buffer[row].values()}
    cells = (width - 22) // 10 * 10
    return (
        len(canvas) == 10
        and len(rows[axis]) == 22 + cells
        and labels[-1] <= 500 < labels[0] <= 900
        # From the beginning to the present: a minute of two, in the left half and without a gap.
        and columns == {*range(1, max(columns) + 1)}
        and cells / 3 < max(columns) < cells * 2 / 3 * (time.monotonic() - started) / SECONDS
        and len(last.rstrip()) - 1 >= max(columns) - 1
        and styles == {("default", "default")}
    )
