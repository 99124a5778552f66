"""Rate limiter of a client, its copies and all its threads or tasks. No I/O."""

import threading
from time import monotonic
from typing import Any

BURST_SECONDS = 0.1


class RateLimiter:
    """Assigns each request a slot.

    Slots are spaced evenly; after a pause, the requests of a tenth of a second may start at once. A request reserves
    its slot when it asks, in order, so that none must ask repeatedly.

    Args:
        rate: Requests per second; None for no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self.pauses = 0
        self._bucket = None if rate is None else TokenBucket(rate)
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def reserve(self, max_wait: float, *, already_reserved: bool = False) -> float | None:
        """Return the seconds until the request's slot, 0 if it may start now, or None if that is beyond `max_wait`.

        Args:
            max_wait: The longest useful wait in seconds. A slot beyond it is not reserved.
            already_reserved: Whether the request has waited for its slot, so that only a later pause delays it.
        """
        with self._lock:
            now = monotonic()
            pause = max(self._paused_until - now, 0.0)
            if self._bucket is None or already_reserved:
                return pause if pause <= max_wait else None
            return self._bucket.reserve(now, pause, max_wait)

    def pause(self, seconds: float) -> None:
        """Delay all requests that start within the given seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, monotonic() + seconds)
            self.pauses += 1

    def fresh(self) -> "RateLimiter":
        """Return an unused limiter of the same rate, for a forked process."""
        return RateLimiter(self.rate)


class TokenBucket:
    """Slots of a rate, by the generic cell rate algorithm of pyrate-limiter.

    It is imported when a rate is given, since importing it takes longer than importing httpx.
    """

    def __init__(self, rate: float) -> None:
        import pyrate_limiter  # noqa: PLC0415

        self._limiter: Any = pyrate_limiter
        # In milliseconds; over a thousand seconds, so that rates may have fractions.
        limit = self._limiter.Rate(round(rate * 1000), 1_000_000, burst=1 + int(rate * BURST_SECONDS))
        self._bucket = self._limiter.StateBucket([limit], self._limiter.GCRA())

    def reserve(self, now: float, pause: float, max_wait: float) -> float | None:
        """Reserve the next slot after a pause, and return the seconds until it; None if beyond `max_wait`."""
        item = self._limiter.RateItem("", round((now + pause) * 1000))
        # If the item comes too early, put it again at the time that the bucket names, which may be in the future.
        while item.timestamp / 1000 - now <= max_wait:
            if self._bucket.put(item):
                return float(max(item.timestamp / 1000 - now, 0.0))
            item.timestamp += self._bucket.waiting(item)
        return None
