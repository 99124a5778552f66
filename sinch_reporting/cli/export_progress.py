"""How far an export is, on standard error: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from sinch_reporting.cli.output import say

if TYPE_CHECKING:
    from sinch_reporting.export import ExportProgress

_LINE_SECONDS = 10.0
_LOOK_BACK_SECONDS = 30.0


class Speed:
    """How many endpoints are asked a second, of late, and how long the others will take."""

    def __init__(self) -> None:
        self._marks: list[tuple[float, int]] = []

    def mark(self, asked: int) -> None:
        """Note how many were asked until now, at most once a second."""
        now = time.monotonic()
        if self._marks and now - self._marks[-1][0] < 1:
            return
        self._marks.append((now, asked))
        while len(self._marks) > 2 and now - self._marks[1][0] > _LOOK_BACK_SECONDS:  # noqa: PLR2004 - two make a speed
            del self._marks[0]

    def text(self, progress: "ExportProgress") -> str:
        """Return both in words."""
        began, before = self._marks[0]
        seconds = time.monotonic() - began
        asked = progress.asked - before
        if not asked or seconds <= 0:
            return "waiting"
        rate = asked / seconds
        left = timedelta(seconds=round((progress.endpoints - progress.done) / rate))
        return f"{rate:,.0f}/s, {left} left"


def counts(done: int, endpoints: int, failed: int) -> str:
    """Return how many are done and failed, in words."""
    return f"{done:,} of {endpoints:,} done, {failed:,} failed"


@contextmanager
def showing() -> "Generator[Callable[[ExportProgress], None]]":
    """Yield what shows progress for as long as the body runs."""
    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield _Lines()
        return
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=terminal) as bar:
        yield _Bar(bar)


class _Bar:
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("reading", total=None)
        self._speed = Speed()
        self._shown = 0.0

    def __call__(self, progress: "ExportProgress") -> None:
        self._speed.mark(progress.asked)
        now = time.monotonic()
        if now - self._shown < 1 / 10 and progress.done != progress.endpoints:
            return
        self._shown = now
        words = f"{counts(progress.done, progress.endpoints, progress.failed)}, {self._speed.text(progress)}"
        self._bar.update(self._task, total=progress.endpoints, completed=progress.done, description=words)


class _Lines:
    def __init__(self) -> None:
        self._speed = Speed()
        self._shown: float | None = None

    def __call__(self, progress: "ExportProgress") -> None:
        self._speed.mark(progress.asked)
        now = time.monotonic()
        if self._shown is None:
            say(counts(progress.done, progress.endpoints, progress.failed))
        elif now - self._shown >= _LINE_SECONDS:
            say(f"{counts(progress.done, progress.endpoints, progress.failed)}, {self._speed.text(progress)}")
        else:
            return
        self._shown = now
