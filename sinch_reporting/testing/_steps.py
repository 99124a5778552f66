"""Which fault the next request meets."""

import random
import threading
from collections.abc import Iterable, Iterator, Sequence

from sinch_reporting.testing.faults import Fault


class Steps:
    """Faults one after the other, None for a normal answer; exchanged and taken from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: Iterator[Fault | None] = iter(())

    def follow(self, steps: Iterable[Fault | None]) -> None:
        """Let these be the next ones, in place of what is left."""
        with self._lock:
            self._left = iter(steps)

    def take(self) -> Fault | None:
        """Return the next one; None when there are no more."""
        with self._lock:
            return next(self._left, None)


def checked(steps: Iterable[Fault | None]) -> list[Fault | None]:
    """Return the steps if they are faults or None."""
    given = list(steps)
    for step in given:
        if step is not None and not isinstance(step, Fault):
            made = f"; write {step.__name__}(…)" if isinstance(step, type) else ""
            raise TypeError(f"a step must be a fault or None, not {step!r}{made}")
    return given


def chances(rate: float, seed: int, faults: Iterable[Fault]) -> Iterator[Fault | None]:
    """Return endless steps, of which so many are faults; the same for the same arguments."""
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be from 0 to 1, not {rate!r}")
    choice = checked(faults)
    if not choice:
        raise ValueError("there must be a fault to choose")
    return _draw(rate, random.Random(seed), choice)  # noqa: S311 - it is to be repeatable


def _draw(rate: float, chance: random.Random, choice: Sequence[Fault | None]) -> Iterator[Fault | None]:
    while True:
        yield chance.choice(choice) if chance.random() < rate else None
