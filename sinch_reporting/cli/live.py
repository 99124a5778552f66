"""The live view on a terminal: the value now, and its graph over the last hours."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from attrs import Factory, define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from sinch_reporting.cli.graph import History, graph
from sinch_reporting.cli.output import Row, table
from sinch_reporting.errors import ReportingError
from sinch_reporting.models import Counter, ServiceStatus

_HEIGHT = 12

ValueT = TypeVar("ValueT", Counter, ServiceStatus)


def _now() -> datetime:
    return datetime.now(UTC)


@define
class LiveView(Generic[ValueT]):
    """Draws anew each second, so that the graph goes on, and where something changes."""

    console: Console
    row: Callable[[ValueT], Row]
    height: Callable[[ValueT], float]
    names: tuple[str, ...]
    history: History = Factory(History)
    value: ValueT | None = None
    error: ReportingError | None = None
    _live: Live = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._live = Live(console=self.console, get_renderable=self.drawn, refresh_per_second=1)

    def show(self, value: ValueT | None, error: ReportingError | None) -> None:
        """Show a value, or the error in its place."""
        self.value, self.error = value or self.value, error
        self.history.add(_now(), None if value is None else self.height(value))
        self._live.refresh()

    def drawn(self) -> RenderableType:
        """Return what is shown now."""
        parts: list[RenderableType] = []
        if self.value is not None:
            parts.append(table([self.row(self.value)]))
        height = 2 + len(self.names) if self.names else _HEIGHT
        drawn = graph(self.history, _now(), width=self.console.width, height=height, names=self.names)
        parts += [Text(), Text(drawn, no_wrap=True)] if drawn else []
        parts += [Text(str(self.error), style="red")] if self.error else []
        return Group(*parts)

    def __enter__(self) -> "LiveView[ValueT]":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
