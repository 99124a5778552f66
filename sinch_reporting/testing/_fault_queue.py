"""The faults of the next requests."""

import random
import threading
from collections.abc import Iterable, Iterator, Sequence

from sinch_reporting.testing._paths import PathPrefix
from sinch_reporting.testing.faults import Fault


class FaultQueue:
    """Faults for each path prefix, None for a normal response. All methods can be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[PathPrefix, Iterator[Fault | None]] = {}

    def replace(self, prefix: PathPrefix, faults: Iterable[Fault | None]) -> None:
        """Replace the faults of one prefix."""
        with self._lock:
            self._faults[prefix] = iter(faults)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def take(self, path: str) -> Fault | None:
        """Return the next fault of the longest prefix that has one for this path, or None."""
        with self._lock:
            matching = [prefix for prefix in self._faults if prefix.matches(path)]
            for prefix in sorted(matching, key=lambda prefix: len(prefix.segments), reverse=True):
                for fault in self._faults[prefix]:
                    return fault
                del self._faults[prefix]
            return None


def check_faults(faults: Iterable[Fault | None]) -> list[Fault | None]:
    """Return the faults if each is a fault or None."""
    given = list(faults)
    for fault in given:
        if fault is not None and not isinstance(fault, Fault):
            instance = f"; write {fault.__name__}(…)" if isinstance(fault, type) else ""
            raise TypeError(f"expected a fault or None, not {fault!r}{instance}")
    return given


def random_faults(rate: float, seed: int, faults: Iterable[Fault]) -> Iterator[Fault | None]:
    """Return endless faults for this share of the requests, the same for the same arguments."""
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be from 0 to 1, not {rate!r}")
    choice = check_faults(faults)
    if not choice:
        raise ValueError("chaos needs at least one fault to choose from")
    return _draw(rate, random.Random(seed), choice)  # noqa: S311 - it must be repeatable


def _draw(rate: float, generator: random.Random, choice: Sequence[Fault | None]) -> Iterator[Fault | None]:
    while True:
        yield generator.choice(choice) if generator.random() < rate else None
