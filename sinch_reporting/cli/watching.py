"""`--watch`, `--until` and `--stop-after`: a counter or a service as it changes."""

import math
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated, Generic, TypeVar

import anyio
from attrs import define, frozen
from cyclopts import Group, Parameter

from sinch_reporting import Counter, ServiceStatus
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.arguments import Duration
from sinch_reporting.cli.live import LiveView
from sinch_reporting.cli.output import Format, Row, print_error, write, writer
from sinch_reporting.cli.streams import console, is_unicode
from sinch_reporting.watch import Poll

GROUP = Group("Watching", sort_key=5)

ValueT = TypeVar("ValueT", Counter, ServiceStatus)


@Parameter(name="*", group=GROUP)
@frozen(kw_only=True)
class WatchOptions:
    """Whether to watch, and for how long.

    Attributes:
        watch: Show each change, on a terminal with a graph, until Ctrl-C.
        until: Wait for a value: a status such as up; for a counter a number such as 0, '<100' or '>=100'.
        stop_after: Stop after this time, such as 90s or 10m. --until then ends with exit code 3.
    """

    watch: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    until: Annotated[str | None, Parameter(metavar="TEXT", show_default=False)] = None
    stop_after: Annotated[Duration | None, Parameter(show_default=False)] = None

    def __attrs_post_init__(self) -> None:
        if self.stop_after is not None and not self.is_continuous:
            raise exit_codes.UsageError("--stop-after needs --watch or --until; add one of them")

    @property
    def is_continuous(self) -> bool:
        """Whether to poll more than once."""
        return self.watch or self.until is not None


@frozen
class WatchTarget(Generic[ValueT]):
    """What is watched.

    Attributes:
        row: Returns the fields of a value.
        graph_value: Returns the position of a value in the graph.
        is_met: Returns whether --until is met; None without --until.
        tick_labels: Labels of the positions 0, 1, … instead of numbers.
    """

    row: Callable[[ValueT], Row]
    graph_value: Callable[[ValueT], float]
    is_met: Callable[[ValueT], bool] | None
    tick_labels: tuple[str, ...] = ()


async def watch(
    polls: AsyncGenerator[Poll[ValueT]], target: WatchTarget[ValueT], options: WatchOptions, output: Format
) -> int:
    """Show the polls, and return the exit code."""
    seconds = math.inf if options.stop_after is None else options.stop_after.total_seconds()
    with _view(target, options, output) as view, anyio.move_on_after(seconds):
        async with aclosing(polls):
            async for poll in polls:
                view.show(poll)
                if poll.value is not None and target.is_met and target.is_met(poll.value):
                    return exit_codes.OK
    return exit_codes.TIMED_OUT if target.is_met else exit_codes.OK


def _view(target: WatchTarget[ValueT], options: WatchOptions, output: Format) -> "_RowView[ValueT] | LiveView[ValueT]":
    terminal = console()
    can_redraw = sys.stdout.isatty() and is_unicode() and not terminal.is_dumb_terminal
    if options.watch and output == "table" and can_redraw:
        return LiveView(terminal, target.row, target.graph_value, target.tick_labels)
    return _RowView(target.row, output, each=options.watch)


@define
class _RowView(Generic[ValueT]):
    """Writes a row for each change, or only for the last value."""

    row: Callable[[ValueT], Row]
    output: Format
    each: bool
    last: ValueT | None = None
    _write: Callable[[Row], None] | None = None

    def show(self, poll: Poll[ValueT]) -> None:
        """Take a poll."""
        self.last = poll.value
        if poll.error:
            print_error(f"sinch-reporting: {exit_codes.error_line(poll.error)}")
        elif poll.value is not None and self.each and poll.changed:
            self._write = self._write or writer(self.output)
            self._write(self.row(poll.value))

    def __enter__(self) -> "_RowView[ValueT]":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.last is not None and not self.each and kind is None:
            write([self.row(self.last)], self.output)
