"""Rate limiter of a client, its copies and all its threads or tasks. No I/O."""

import threading
from time import monotonic

BURST_SECONDS = 0.1


class RateLimiter:
    """Assigns each request a slot, by the generic cell rate algorithm.

    Slots are spaced evenly; after idle time, the requests of a tenth of a second may start at once. A request reserves
    its slot when it asks, in order, so that none must ask repeatedly. The rate is in requests per second; None for no
    limit.
    """

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self.pauses = 0
        self._interval = 1 / rate if rate else 0.0
        # Whole requests: with a part of one, those of a low rate would not be spaced evenly.
        self._burst = self._interval * int(BURST_SECONDS * (rate or 0))
        self._lock = threading.Lock()
        self._next_slot = 0.0
        self._paused_until = 0.0

    def reserve(self, max_wait: float, *, already_reserved: bool = False) -> float | None:
        """Return the seconds until the request's slot, 0 if it may start now, or None if that is beyond `max_wait`.

        A slot beyond `max_wait` seconds is not reserved. If one is already reserved, only a later pause delays it.
        """
        with self._lock:
            now = monotonic()
            slot = max(now, self._paused_until)
            if self.rate and not already_reserved:
                # Only idle time that fits into the burst is made up for, and none of a pause.
                due = max(self._next_slot, slot - self._burst if self._paused_until <= now else slot)
                slot = max(slot, due)
                if slot - now <= max_wait:
                    self._next_slot = due + self._interval
            return slot - now if slot - now <= max_wait else None

    def pause(self, seconds: float) -> None:
        """Delay all requests that start within the given seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, monotonic() + seconds)
            self.pauses += 1
