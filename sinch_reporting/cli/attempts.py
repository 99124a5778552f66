"""Attempts on standard error: each of them with --verbose, else a notice if a call is being retried."""

import asyncio
import sys
import threading
import time

from sinch_reporting import RetryPolicy
from sinch_reporting.cli.streams import print_error
from sinch_reporting.events import Attempt

NOTICE_SECONDS = 2.0


class AttemptReporter:
    """An `on_attempt` hook that prints attempts and the waits between them."""

    def __init__(self, policy: RetryPolicy, *, verbose: bool) -> None:
        self._policy = policy
        self._verbose = verbose
        self._ended: dict[object, float] = {}
        self._notice: threading.Timer | None = None

    def __call__(self, attempt: Attempt) -> None:
        """Report an attempt that has ended."""
        if self._verbose:
            self._print(attempt)
        elif sys.stderr.isatty():
            self._notify(attempt)

    def close(self) -> None:
        """Forget a notice that is not due yet."""
        if self._notice:
            self._notice.cancel()

    def _print(self, attempt: Attempt) -> None:
        # A call runs in one thread or task, which distinguishes its attempts from those of other calls.
        call, now = _current(), time.monotonic()
        ended = self._ended.pop(call, None)
        if attempt.number > 1 and ended is not None:
            print_error(f"waited {max(now - attempt.elapsed - ended, 0):.1f} s")
        if self._is_retried(attempt):
            self._ended[call] = now
        print_error(
            f"{attempt.method} {attempt.route} attempt {attempt.number}: {attempt.outcome} in {attempt.elapsed:.3f} s"
        )

    def _notify(self, attempt: Attempt) -> None:
        if not self._is_retried(attempt):
            self.close()
            self._notice = None
        elif self._notice is None:
            text = f"sinch-reporting: attempt {attempt.number} failed ({attempt.outcome}); retrying"
            self._notice = threading.Timer(max(NOTICE_SECONDS - attempt.elapsed, 0), print_error, [text])
            self._notice.daemon = True
            self._notice.start()

    def _is_retried(self, attempt: Attempt) -> bool:
        if attempt.succeeded or attempt.number >= self._policy.attempts:
            return False
        if attempt.status is None:
            return attempt.outcome != "DecodeError"
        return attempt.status in self._policy.statuses


def _current() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        return threading.get_ident()
