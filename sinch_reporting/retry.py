"""Retry policy and the state of a call's attempts. No I/O.

The loop is our own because the well-kept retry libraries each lack a part: one policy for sync and async, Retry-After,
and a deadline for attempts and waits together.
"""

import math
import random
import ssl
from collections.abc import Collection, Iterable
from time import monotonic
from typing import Any

import httpx
from attrs import define, field, frozen

from sinch_reporting import errors
from sinch_reporting._failures import causes
from sinch_reporting.parameters import check_number


def _statuses(value: Collection[int]) -> frozenset[int]:
    given: object = value
    statuses: list[Any] = list(given) if isinstance(given, Iterable) else [None]
    if not all(isinstance(status, int) for status in statuses):
        raise errors.ConfigurationError("statuses must be a set of HTTP statuses, such as {429, 503}")
    return frozenset(statuses)


@frozen(kw_only=True)
class RetryPolicy:
    """When and how often a call is retried.

    The wait before attempt n + 1 is random between 0 and `backoff_base * 2 ** (n - 1)` seconds, at most `backoff_cap`
    (exponential backoff with full jitter). A Retry-After replaces it.

    Args:
        attempts: Maximum number of attempts, including the first; 1 turns retries off.
        backoff_base: Upper bound of the first wait in seconds.
        backoff_cap: Upper bound of every wait in seconds.
        max_retry_after: Longest Retry-After in seconds that is honored; beyond it the error is raised immediately.
        statuses: HTTP statuses that are retried.

    Raises ConfigurationError if a value is out of range.
    """

    attempts: int = 4
    backoff_base: float = 0.5
    backoff_cap: float = 8.0
    max_retry_after: float = 30.0
    statuses: frozenset[int] = field(default=frozenset({408, 429, 500, 502, 503, 504}), converter=_statuses)

    def __attrs_post_init__(self) -> None:
        check_number(self.attempts, "attempts must be a whole number from 1", 1, whole=True)
        for name in ("backoff_base", "backoff_cap", "max_retry_after"):
            check_number(getattr(self, name), f"{name} must be a number of seconds from 0")

    def should_retry(self, error: errors.ReportingError) -> bool:
        """Return whether a failure is worth another attempt."""
        if isinstance(error, errors.APIError):
            return error.status_code in self.statuses and self.honors(error.retry_after)
        return isinstance(error, errors.TransportError) and _is_transient(error.__cause__)

    def honors(self, retry_after: float | None) -> bool:
        """Return whether a Retry-After is short enough to wait for."""
        return (retry_after or 0) <= self.max_retry_after

    def delay(self, error: errors.ReportingError, attempt: int) -> float:
        """Return the seconds to wait after the given attempt, counted from 1, has failed."""
        if isinstance(error, errors.APIError) and error.retry_after is not None:
            return error.retry_after
        # ldexp, unlike `2 ** n`, has no large numbers; it overflows only far beyond any cap.
        bound = math.ldexp(self.backoff_base, min(attempt - 1, 64))
        return random.uniform(0, min(self.backoff_cap, bound))  # noqa: S311 - jitter is not a secret


def _is_transient(cause: BaseException | None) -> bool:
    if isinstance(cause, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return False
    # HTTP's 407, and httpcore's words for a SOCKS proxy that accepts no credentials, or not these.
    if isinstance(cause, httpx.ProxyError) and str(cause).startswith(("407", "Requested ", "Invalid username")):
        return False
    return not any(isinstance(link, ssl.SSLCertVerificationError) for link in causes(cause))


def _seconds(value: float) -> str:
    return f"{round(value, 2) or round(value, 4):g}"


@define
class RetryState:
    """The attempts of one call. Times are monotonic. `is_last`: the deadline, not the timeout, limits the attempt."""

    request: httpx.Request
    trace: Any  # CallSpans, or None
    policy: RetryPolicy
    timeout: float
    deadline: float
    started: float
    attempt: int = 0
    attempt_started: float = 0.0
    is_last: bool = False
    last_error: errors.ReportingError | None = None

    def require_in_time(self, delay: float | None) -> float:
        """Return the delay until a rate-limit slot. Raises DeadlineExceededError if it is None: past the deadline."""
        if delay is None:
            raise errors.DeadlineExceededError(
                f"deadline of {_seconds(self.deadline)} s would pass before the rate limit or Retry-After allows the "
                "request; increase the deadline or send fewer requests"
            ) from self.last_error
        return delay

    def retry_delay(self, error: errors.ReportingError) -> float:
        """Return the seconds to wait before the next attempt.

        Raises the error if it is final, and DeadlineExceededError if the deadline has passed or the wait would pass it.
        """
        self.last_error = error
        expired = self.is_last and isinstance(error, errors.RequestTimeoutError)
        if not expired and (self.attempt >= self.policy.attempts or not self.policy.should_retry(error)):
            raise error
        delay = 0.0 if expired else self.policy.delay(error, self.attempt)
        if expired or monotonic() + delay >= self.started + self.deadline:
            attempts = f"{self.attempt} attempt{'s' * (self.attempt > 1)}"
            raise errors.DeadlineExceededError(
                f"deadline of {_seconds(self.deadline)} s exceeded after {attempts}; increase the deadline or retry "
                f"later. The last failure: {error}"
            ) from error
        return delay
