"""When to try again. Plain decisions without I/O, shared by both clients.

The loop is our own since the well-kept ones each lack a part: one policy for sync and async, Retry-After, and a
deadline that holds for attempts and waits together.
"""

import math
import random
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpx
from attrs import Attribute, field, frozen

from sinch_reporting.errors import (
    APIError,
    ConfigurationError,
    DeadlineExceededError,
    ReportingError,
    RequestTimeoutError,
    TransportError,
)


def _check_attempts(_instance: object, _attribute: "Attribute[int]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError("attempts must be a whole number from 1")


def _check_seconds(_instance: object, attribute: "Attribute[float]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{attribute.name} must be a number of seconds from 0")


def _checked_statuses(value: object) -> frozenset[int]:
    statuses: list[Any] = list(value) if isinstance(value, Iterable) else [None]
    if not all(isinstance(status, int) for status in statuses):
        raise ConfigurationError("statuses must be a set of HTTP statuses, such as {429, 503}")
    return frozenset(statuses)


@frozen(kw_only=True)
class RetryPolicy:
    """How often, and after which waits, a call is tried again.

    The wait before attempt n + 1 is drawn evenly from 0 to `backoff_base * 2 ** (n - 1)` seconds, at most `backoff_cap`
    (exponential backoff with full jitter). A Retry-After takes its place.

    Args:
        attempts: All attempts of a call, the first included; 1 turns retries off.
        backoff_base: The upper bound of the first wait, in seconds.
        backoff_cap: The upper bound of every wait, in seconds.
        max_retry_after: The longest Retry-After that is obeyed, in seconds; beyond it the error comes at once.
        statuses: The HTTP statuses that are worth another attempt.

    Raises:
        ConfigurationError: A value is out of range.
    """

    attempts: int = field(default=4, validator=_check_attempts)
    backoff_base: float = field(default=0.5, validator=_check_seconds)
    backoff_cap: float = field(default=8.0, validator=_check_seconds)
    max_retry_after: float = field(default=30.0, validator=_check_seconds)
    statuses: frozenset[int] = field(default=frozenset({408, 429, 500, 502, 503, 504}), converter=_checked_statuses)

    def allows(self, error: ReportingError) -> bool:
        """Tell whether a failure is worth another attempt."""
        if isinstance(error, APIError):
            return error.status_code in self.statuses and self.obeys(error.retry_after)
        return isinstance(error, TransportError) and _is_transient(error.__cause__)

    def obeys(self, retry_after: float | None) -> bool:
        """Tell whether so long a Retry-After is waited for."""
        return (retry_after or 0) <= self.max_retry_after

    def wait(self, error: ReportingError, attempt: int) -> float:
        """Return the seconds to wait after the failure of the given attempt, counted from 1."""
        if isinstance(error, APIError) and error.retry_after is not None:
            return error.retry_after
        # ldexp, unlike `2 ** n`, has no large numbers; it overflows only far beyond any cap.
        bound = math.ldexp(self.backoff_base, min(attempt - 1, 64))
        return random.uniform(0, min(self.backoff_cap, bound))  # noqa: S311 - jitter is no secret


def _is_transient(cause: BaseException | None) -> bool:
    if isinstance(cause, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return False
    chain = cause
    while chain is not None:
        if isinstance(chain, ssl.SSLCertVerificationError):
            return False
        chain = chain.__cause__ or chain.__context__
    return isinstance(cause, httpx.TransportError)


class Attempts:
    """The attempts of one call: how long the next may take, and what follows from a failure."""

    def __init__(self, policy: RetryPolicy, *, timeout: float, deadline: float) -> None:
        self.number = 0
        self._policy = policy
        self._timeout = timeout
        self._deadline = deadline
        self._end = time.monotonic() + deadline
        self._cut_by_deadline = False
        self._last: ReportingError | None = None

    @property
    def left(self) -> float:
        """The seconds until the deadline."""
        return self._end - time.monotonic()

    def affordable(self, turn: float | None) -> float:
        """Return the seconds to wait for the attempt's turn; None is one that comes after the deadline.

        Raises DeadlineExceededError.
        """
        if turn is None:
            raise DeadlineExceededError(
                f"the deadline of {self._deadline:g} s would pass before the request's turn: by the rate limit, or as "
                "the server asked to wait; raise the deadline, or send fewer requests"
            ) from self._last
        return turn

    def begin(self) -> float:
        """Begin the next attempt and return the seconds it may take."""
        self.number += 1
        left = self.left
        self._cut_by_deadline = left <= self._timeout
        return max(min(left, self._timeout), 0.001)

    def wait_after(self, error: ReportingError) -> float:
        """Return the seconds to wait before the next attempt.

        Raises the error where it is final, and DeadlineExceededError where the call's time is up or the wait would pass
        it.
        """
        self._last = error
        out_of_time = self._cut_by_deadline and isinstance(error, RequestTimeoutError)
        if not out_of_time and (self.number >= self._policy.attempts or not self._policy.allows(error)):
            raise error
        wait = self._policy.wait(error, self.number)
        if out_of_time or time.monotonic() + wait >= self._end:
            raise DeadlineExceededError(
                f"the deadline of {self._deadline:g} s is up, or the next wait would pass it, after {self.number} "
                f"attempt(s); raise the deadline, or try again later. The last failure: {error}"
            ) from error
        return wait
