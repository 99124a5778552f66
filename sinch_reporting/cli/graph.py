"""The graph of a watched value over the last hours. Pure: a history and a time become text."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import plotille
from attrs import Factory, define, frozen

WINDOW = timedelta(hours=6)

_BESIDE = 22  # columns of a graph that are none of the canvas
_BENEATH = 3  # lines of it


@frozen
class Step:
    """A value from a moment on; None where it was not known."""

    since: datetime
    value: float | None


@define
class History:
    """The values that were seen, as far back as the graph reaches."""

    steps: list[Step] = Factory(list[Step])

    def add(self, since: datetime, value: float | None) -> None:
        """Add a value, and forget what the graph does not reach any more."""
        self.steps.append(Step(since, value))
        while len(self.steps) > 1 and self.steps[1].since <= since - WINDOW:
            del self.steps[0]

    def lines(self, now: datetime) -> list[list[tuple[datetime, float]]]:
        """Return the corners of each unbroken line, up to now."""
        begin = now - WINDOW
        found: list[list[tuple[datetime, float]]] = [[]]
        ends = [*(step.since for step in self.steps[1:]), now]
        for step, end in zip(self.steps, ends, strict=False):  # nothing in an empty history
            if step.value is None:
                found.append([])
            elif end >= begin:
                found[-1] += [(max(step.since, begin), step.value), (end, step.value)]
        return [line for line in found if line]


def graph(history: History, now: datetime, *, width: int, height: int, names: tuple[str, ...] = ()) -> str:
    """Draw the history. `names` are what to write at the values 0, 1, …, in place of numbers."""
    lines = history.lines(now)
    if not lines:
        return ""
    figure = plotille.Figure()
    figure.width = max((width - _BESIDE) // 10 * 10, 10)  # each tenth column has a time, and the last one should
    figure.height = max(height - _BENEATH, 2)
    figure.x_label, figure.y_label = "UTC", ""
    figure.origin = False
    begin = lines[0][0][0]
    figure.set_x_limits(min_=begin, max_=max(now, begin + timedelta(minutes=2)))
    top = max(value for line in lines for _, value in line)
    # Whole numbers at each line, and some room above.
    step = max(math.ceil(top * 1.05 / figure.height), 1)
    figure.set_y_limits(min_=0, max_=len(names) - 1 if names else figure.height * step)
    figure.register_label_formatter(datetime, _labels(_clock))
    figure.register_label_formatter(float, _labels(partial(_named, names)))
    for line in lines:
        figure.plot([moment for moment, _ in line], [value for _, value in line])
    _, *rows = str(figure.show()).splitlines()  # the first one is for a label that there is not
    return "\n".join(row.rstrip() for row in rows)


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M}"


def _named(names: tuple[str, ...], value: float) -> str:
    if not names:
        return f"{value:.0f}"
    return names[int(value)] if value.is_integer() else ""


def _labels(text_of: Callable[[Any], str]) -> Callable[..., str]:
    def label(val: Any, chars: int, delta: Any, left: bool = False) -> str:  # noqa: ARG001 - theirs
        text = text_of(val)
        return text.ljust(chars) if left else text.rjust(chars)

    return label
