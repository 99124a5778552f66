"""Graph of a watched value over the last hours. Pure: a history and a time become text without colors."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import plotille
from attrs import Factory, define, frozen

WINDOW = timedelta(hours=6)
_MIN_SPAN = timedelta(minutes=2)
_SHORT_SPAN = timedelta(minutes=20)

_AXIS_WIDTH = 22  # columns beside the canvas
_AXIS_HEIGHT = 3  # lines above and below it
_LABEL_WIDTH = 10
_MIN_COLUMNS = 10


@frozen
class Step:
    """A value from a time on; None if it was unknown."""

    since: datetime
    value: float | None


@define
class History:
    """Values seen within the window of the graph."""

    steps: list[Step] = Factory(list[Step])

    def add(self, since: datetime, value: float | None) -> None:
        """Add a value, and delete what the graph no longer shows."""
        if not self.steps or self.steps[-1].value != value:
            self.steps.append(Step(since, value))
        while len(self.steps) > 1 and self.steps[1].since <= since - WINDOW:
            del self.steps[0]

    def lines(self, now: datetime) -> list[list[tuple[datetime, float]]]:
        """Return the corners of each unbroken line, up to now."""
        begin = now - WINDOW
        found: list[list[tuple[datetime, float]]] = [[]]
        ends = [*(step.since for step in self.steps[1:]), now]
        for step, end in zip(self.steps, ends, strict=False):  # an empty history has no steps
            if step.value is None:
                found.append([])
            elif end >= begin:
                found[-1] += [(max(step.since, begin), step.value), (end, step.value)]
        return [line for line in found if line]


def graph(history: History, now: datetime, *, width: int, height: int, names: tuple[str, ...] = ()) -> str:
    """Draw the history, if it fits. `names` are labels of the values 0, 1, … instead of numbers."""
    lines = history.lines(now)
    rows = min(len(names) or height, height - _AXIS_HEIGHT)
    columns = (width - _AXIS_WIDTH) // 10 * 10  # every tenth column has a time, and so has the last one
    if not lines or columns < _MIN_COLUMNS or rows < (len(names) or 2):
        return ""
    figure = plotille.Figure()
    figure.with_colors = False  # the terminal's own color is legible in every theme
    figure.width = columns
    figure.height = rows
    figure.x_label, figure.y_label = "UTC", ""
    figure.origin = False
    begin = lines[0][0][0]
    end = max(now, begin + _MIN_SPAN)
    figure.set_x_limits(min_=begin, max_=end)
    values = [value for line in lines for _, value in line]
    bottom, top = (0, len(names)) if names else axis_limits(min(values), max(values), rows)
    figure.set_y_limits(min_=0, max_=top - bottom)  # plotille calculates with floats
    pattern = "%H:%M:%S" if end - begin < _SHORT_SPAN else "%H:%M"
    figure.register_label_formatter(datetime, _label(lambda time: time.astimezone(UTC).strftime(pattern)))
    figure.register_label_formatter(float, _label(partial(_name, names, bottom, top)))
    for line in lines:
        figure.plot([time for time, _ in line], [value - bottom for _, value in line])
    _, *drawn = str(figure.show()).splitlines()  # the first one is for the label, which is empty
    return "\n".join(row.replace("\u2800", " ").rstrip() for row in drawn)  # some fonts draw empty braille cells


def axis_limits(low: float, high: float, rows: int) -> tuple[int, int]:
    """Return the ends of the axis: close to the values, not below 0, with a whole number at each row."""
    step = max(math.ceil((high - low) / rows), 1)
    while True:
        bottom = max(int(low // step) - 1, 0) * step  # not "/": large integers would be rounded
        # A row has four dots, and plotille rounds to the nearest one: half a dot below the top is outside.
        if 8 * (high - bottom) < step * (8 * rows - 1):
            return bottom, bottom + step * rows
        step += max(step // 10, 1)


def _name(names: tuple[str, ...], bottom: int, top: int, height: float) -> str:
    """Return the label at a height above the bottom of the axis."""
    above = round(height)
    if names:
        return names[above] if above < len(names) else ""
    if len(str(top)) <= _LABEL_WIDTH:
        return str(bottom + above)
    # Long numbers are equal when rounded: the lowest one is, and the others say how much higher they are.
    text, rounded = (f"+{above}", f"+{above:.2e}") if above else (str(bottom), f"{bottom:.3e}")
    return text if len(text) <= _LABEL_WIDTH else rounded


def _label(text_of: Callable[[Any], str]) -> Callable[..., str]:
    def label(val: Any, chars: int, delta: Any, left: bool = False) -> str:  # noqa: ARG001 - required by plotille
        text = text_of(val)
        return text.ljust(chars) if left else text.rjust(chars)

    return label
