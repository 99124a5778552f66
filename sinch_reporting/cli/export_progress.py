"""Progress of an export on standard error: a bar on a terminal, otherwise a line every ten seconds."""

import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from sinch_reporting.cli.streams import print_error
from sinch_reporting.cli.text import format_time, printable

if TYPE_CHECKING:
    from sinch_reporting.export import ExportProgress

_LINE_SECONDS = 10.0
_BAR_SECONDS = 0.1
_WINDOW_SECONDS = 30.0


class Throughput:
    """Requests per second of the last half minute, and the time that the remaining reports will take."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, int]] = []

    def add(self, requested: int) -> None:
        """Note the number of requests, at most once a second."""
        now = time.monotonic()
        if self._samples and now - self._samples[-1][0] < 1:
            return
        self._samples.append((now, requested))
        while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW_SECONDS:  # noqa: PLR2004 - a difference
            del self._samples[0]

    def text(self, progress: "ExportProgress") -> str:
        """Return both in words."""
        started, before = self._samples[0]
        seconds = time.monotonic() - started
        requested = progress.requested - before
        if not requested or seconds <= 0:
            return "waiting"
        rate = requested / seconds
        return f"{rate:,.0f}/s, {timedelta(seconds=round((progress.total - progress.done) / rate))} left"


class Display:
    """Shows progress, and prints when the export pauses and resumes.

    Attributes:
        has_begun: Whether the input has been read.
    """

    def __init__(self, bar: Progress | None) -> None:
        self.has_begun = False
        self._bar = bar
        self._task = bar.add_task("reading", total=None) if bar else None
        self._throughput = Throughput()
        self._shown = 0.0
        self._paused_until: datetime | None = None
        self._latest: ExportProgress | None = None  # not shown yet

    def __call__(self, progress: "ExportProgress") -> None:
        """Show progress."""
        self._throughput.add(progress.requested)
        self._report_pause(progress)
        now = time.monotonic()
        interval = _LINE_SECONDS if self._bar is None else _BAR_SECONDS
        self._latest = progress
        if not self.has_begun or now - self._shown >= interval:
            self._show(progress)

    def finish(self) -> None:
        """Show the final state, unless it is shown."""
        if self._latest is not None:
            self._show(self._latest)

    def _show(self, progress: "ExportProgress") -> None:
        text = f"{progress.done:,} of {progress.total:,} done, {progress.failed:,} failed"
        if self.has_begun and progress.done != progress.total:
            text += f", {self._throughput.text(progress)}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=progress.total, completed=progress.done, description=text)
        else:
            print_error(text)
        self._shown, self._latest = time.monotonic(), None
        self.has_begun = True

    def _report_pause(self, progress: "ExportProgress") -> None:
        until = progress.paused_until
        if until is not None:
            if self._paused_until is None or until - self._paused_until > timedelta(seconds=0.5):
                self._print(f"paused: {progress.problem}; next attempt at {format_time(until)}")
                self._paused_until = until
        elif self._paused_until is not None:
            self._paused_until = None
            self._print("resumed")

    def _print(self, text: str) -> None:
        if self._bar is None:
            print_error(printable(text))
        else:
            self._bar.console.print(printable(text), markup=False, highlight=False)


@contextmanager
def progress_display() -> Generator[Display]:
    """Yield what shows progress while the body runs, and the final state at its end."""
    terminal = Console(stderr=True)
    bar = Progress(BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), console=terminal)
    with bar if terminal.is_terminal else nullcontext():
        display = Display(bar if terminal.is_terminal else None)
        try:
            yield display
        finally:
            display.finish()
