"""How fast requests may follow each other, for a client, its copies and its threads together. No I/O.

pyrate-limiter keeps the rate. It is loaded where a rate is asked for, since loading it takes longer than loading httpx.
"""

import importlib
import threading
import time
from typing import Any

BURST_SECONDS = 0.1


class RateLimiter:
    """Gives each request its turn.

    Requests are spaced evenly; after a pause, as many as belong to a tenth of a second may come at once. Each is given
    its turn when it asks, in the order of asking, so that none must ask again and again.

    Args:
        rate: Requests per second; None for no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self._bucket = None if rate is None else _Bucket(rate)
        self._lock = threading.Lock()
        self._held_until = 0.0

    def wait(self, most: float, *, has_place: bool) -> float | None:
        """Return the seconds to wait for the next request's turn: 0 where it has come, None where it comes too late.

        Who waited has a place, and asks again whether the server has meanwhile asked everybody to wait.

        Args:
            most: The longest wait of use, in seconds; no place is taken for a longer one.
            has_place: Whether this request has waited already.
        """
        if not self._held_until and (has_place or self._bucket is None):
            return 0.0
        with self._lock:
            now = time.monotonic()
            if self._held_until <= now:
                self._held_until = 0.0
            held = max(self._held_until - now, 0.0)
            if self._bucket is None or (has_place and not held):
                return held if held <= most else None
            return self._bucket.place(now, held, most)

    def hold(self, seconds: float) -> None:
        """Let no request begin for so many seconds, whoever makes it."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)

    def renewed(self) -> "RateLimiter":
        """Return a pace of the same rate that begins anew, for a process that was forked off."""
        return RateLimiter(self.rate)


class _Bucket:
    def __init__(self, rate: float) -> None:
        self._limiter: Any = importlib.import_module("pyrate_limiter")
        # In milliseconds; a thousand seconds, so that rates may have fractions.
        limit = self._limiter.Rate(round(rate * 1000), 1_000_000, burst=1 + int(rate * BURST_SECONDS))
        self._bucket = self._limiter.StateBucket([limit], self._limiter.GCRA())

    def place(self, now: float, held: float, most: float) -> float | None:
        """Take the next place that is not before `held`, and return the seconds until it; None for more than `most`."""
        item = self._limiter.RateItem("", round((now + held) * 1000))
        # What comes too early is put again for the moment that the bucket names, which may lie ahead.
        while item.timestamp / 1000 - now <= most:
            if self._bucket.put(item):
                return float(max(item.timestamp / 1000 - now, 0.0))
            item.timestamp += self._bucket.waiting(item)
        return None
