import ssl
import time

import httpx
import pytest

from sinch_reporting import (
    APIError,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    RequestTimeoutError,
    RetryPolicy,
    TransportError,
)
from sinch_reporting.errors import api_error_class
from sinch_reporting.retry import RetryState


def api_error(status, retry_after=None):
    return api_error_class(status)("what happened", status_code=status, retry_after=retry_after)


def transport_error(cause, kind=TransportError):
    error = kind("no response")
    error.__cause__ = cause
    return error


def caused_by(error, cause):
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_retried"),
    [
        *((api_error(status), True) for status in (408, 429, 500, 502, 503, 504)),
        *((api_error(status), False) for status in (302, 400, 401, 402, 403, 404, 407, 409, 418, 501, 505, 520)),
        (api_error(429, retry_after=30.0), True),
        (api_error(503, retry_after=30.5), False),
        (transport_error(httpx.ConnectError("refused")), True),
        (transport_error(httpx.ReadError("reset")), True),
        (transport_error(httpx.RemoteProtocolError("not HTTP")), True),
        (transport_error(httpx.ReadTimeout("slow"), RequestTimeoutError), True),
        (transport_error(httpx.ProxyError("502 Bad Gateway")), True),
        (transport_error(httpx.ProxyError("407 Proxy Authentication Required")), False),
        (transport_error(httpx.ProxyError("Invalid username/password")), False),
        (transport_error(httpx.ProxyError("Requested X from proxy server, but got NO ACCEPTABLE METHODS.")), False),
        (transport_error(httpx.LocalProtocolError("bad header")), False),
        (transport_error(httpx.UnsupportedProtocol("ftp")), False),
        (transport_error(caused_by(httpx.ConnectError(""), ssl.SSLError("handshake"))), True),
        (transport_error(caused_by(httpx.ConnectError(""), ssl.SSLCertVerificationError("expired"))), False),
        (DecodeError("not JSON"), False),
        (DeadlineExceededError("too late"), False),
    ],
    ids=lambda value: repr(getattr(value, "__cause__", None) or value),
)
def test_transient_failures_are_retried(error, is_retried):
    assert RetryPolicy().should_retry(error) is is_retried


def test_the_statuses_are_a_choice():
    policy = RetryPolicy(statuses=[404, 404])
    assert policy.statuses == frozenset({404})
    assert policy.should_retry(api_error(404))
    assert not policy.should_retry(api_error(503))


def test_delays_double_up_to_the_cap_and_are_random():
    policy = RetryPolicy(backoff_base=0.5, backoff_cap=3)
    for attempt, bound in [(1, 0.5), (2, 1), (3, 2), (4, 3), (5000, 3)]:
        delays = [policy.delay(TransportError("no response"), attempt) for _ in range(500)]
        assert 0 <= min(delays) < bound * 0.1
        assert bound * 0.9 < max(delays) <= bound


def test_a_retry_after_replaces_the_delay():
    assert RetryPolicy(backoff_base=1e9).delay(api_error(503, retry_after=2.5), 1) == 2.5
    assert RetryPolicy(backoff_base=0).delay(api_error(503, retry_after=0.0), 1) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attempts": 0}, "attempts must be a whole number from 1"),
        ({"attempts": 1.5}, "attempts must be a whole number from 1"),
        ({"attempts": True}, "attempts must be a whole number from 1"),
        ({"backoff_base": -1}, "backoff_base must be a number of seconds from 0"),
        ({"backoff_base": "1"}, "backoff_base must be a number of seconds from 0"),
        ({"backoff_cap": float("nan")}, "backoff_cap must be a number of seconds from 0"),
        ({"max_retry_after": float("inf")}, "max_retry_after must be a number of seconds from 0"),
        ({"statuses": 500}, r"statuses must be a set of HTTP statuses, such as \{429, 503\}"),
        ({"statuses": ["500"]}, "statuses must be a set of HTTP statuses"),
        ({"statuses": "500"}, "statuses must be a set of HTTP statuses"),
    ],
    ids=str,
)
def test_other_options_are_refused(options, message):
    with pytest.raises(ConfigurationError, match=message):
        RetryPolicy(**options)


def state(deadline=60, **options):
    request = httpx.Request("GET", "https://h.example/v1/counters/a")
    policy = RetryPolicy(backoff_base=0)
    return RetryState(request, None, policy, timeout=10, deadline=deadline, started=time.monotonic(), **options)


def test_the_first_attempts_are_retried_and_the_last_is_final(clock):
    error = api_error(503)
    assert state(attempt=3).retry_delay(error) == 0
    with pytest.raises(APIError) as caught:
        state(attempt=4).retry_delay(error)
    assert caught.value is error


def test_a_delay_that_would_pass_the_deadline_ends_the_call(clock):
    error = api_error(503, retry_after=20.0)
    begun = state(attempt=1)
    assert begun.retry_delay(error) == 20
    clock.tick(40)
    with pytest.raises(DeadlineExceededError) as caught:
        begun.retry_delay(error)
    assert str(caught.value) == (
        "deadline of 60 s exceeded after 1 attempt; increase the deadline or retry later. "
        "The last failure: what happened"
    )
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(("seconds", "shown"), [(60, "60"), (1.23456, "1.23"), (0.001, "0.001")])
def test_a_deadline_is_shown_in_seconds(clock, seconds, shown):
    with pytest.raises(DeadlineExceededError, match=f"deadline of {shown} s would pass"):
        state(deadline=seconds).require_in_time(None)


def test_a_timeout_of_the_last_attempt_is_the_end_of_the_deadline(clock):
    error = RequestTimeoutError("request timed out")
    with pytest.raises(DeadlineExceededError, match="after 4 attempts") as caught:
        state(attempt=4, is_last=True).retry_delay(error)
    assert caught.value.__cause__ is error
    with pytest.raises(RequestTimeoutError):
        state(attempt=4).retry_delay(error)


def test_a_slot_beyond_the_deadline_ends_the_call(clock):
    error = api_error(429)
    begun = state(last_error=error)
    assert begun.require_in_time(3.0) == 3
    with pytest.raises(DeadlineExceededError, match="deadline of 60 s would pass before the rate limit") as caught:
        begun.require_in_time(None)
    assert caught.value.__cause__ is error
