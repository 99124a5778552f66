"""Live view on a terminal: the current value and its graph over the last hours."""

import errno
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from attrs import Factory, define, field
from rich.console import Console
from rich.live import Live
from rich.text import Text

from sinch_reporting import Counter, ReportingError, ServiceStatus
from sinch_reporting.cli.exit_codes import error_line
from sinch_reporting.cli.graph import History, graph
from sinch_reporting.cli.output import Row
from sinch_reporting.cli.tables import lay_out
from sinch_reporting.cli.text import format_duration, format_time
from sinch_reporting.watch import Poll

_MAX_HEIGHT = 12

ValueT = TypeVar("ValueT", Counter, ServiceStatus)


def _now() -> datetime:
    return datetime.now(UTC)


@define
class LiveView(Generic[ValueT]):
    """Renders once per second, so that the graph and the ages advance, and after each poll."""

    console: Console
    row: Callable[[ValueT], Row]
    graph_value: Callable[[ValueT], float]
    tick_labels: tuple[str, ...]
    now: Callable[[], datetime] = _now
    history: History = Factory(History)
    value: ValueT | None = None
    received: datetime | None = None
    error: ReportingError | None = None
    next_poll: datetime | None = None
    _live: Live = field(init=False)

    def __attrs_post_init__(self) -> None:
        # Errors go above the view if they are for the same terminal, else where standard error leads.
        self._live = Live(
            console=self.console,
            get_renderable=self.render,
            refresh_per_second=1,
            redirect_stderr=sys.stderr.isatty(),
        )

    def show(self, poll: Poll[ValueT]) -> None:
        """Show a value, or the error instead. Raises OSError if the terminal is gone."""
        if not self.console.is_terminal:  # rich would show nothing, and the command would request values forever
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        now = self.now()
        self.error, self.next_poll = poll.error, now + timedelta(seconds=poll.wait)
        if poll.value is not None:
            self.value, self.received = poll.value, now
        self.history.add(now, None if poll.value is None else self.graph_value(poll.value))
        self._live.refresh()

    def render(self) -> Text:
        """Return the current view."""
        if self.value is None and self.error is None:
            return Text("waiting for the first response")
        now, width = self.now(), self.console.width
        texts: list[Text] = []
        if self.value is not None:
            texts += lay_out([self.row(self.value)], width)[0]
        if self.error is not None:
            texts += [Text(error_line(self.error), style="red"), Text(self._ages(now))]
        lines: list[Text] = [line for text in texts for line in text.wrap(self.console, width)]
        height = min(_MAX_HEIGHT, self.console.height - len(lines) - 2)
        drawn = graph(self.history, now, width=width, height=height, names=self.tick_labels)
        return Text("\n").join([*lines, Text(), Text(drawn)])

    def _ages(self, now: datetime) -> str:
        last = "No response yet."
        if self.received is not None:
            last = f"Last response: {format_time(self.received)}, {format_duration(now - self.received)} ago."
        if self.next_poll is None or self.next_poll <= now:
            return f"{last} Trying again."
        return f"{last} Next attempt: {format_time(self.next_poll)}, in {format_duration(self.next_poll - now)}."

    def __enter__(self) -> "LiveView[ValueT]":
        self._live.start()
        # Visible in any case, so that it is visible after SIGTERM, SIGKILL and Ctrl-Z too.
        self.console.show_cursor(True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
