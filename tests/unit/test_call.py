import contextlib
import logging
import time
import traceback
from datetime import datetime
from unittest import mock

import freezegun
import httpx
import pytest

from sinch_reporting import (
    APIError,
    AuthenticationError,
    DeadlineExceededError,
    DecodeError,
    NotFoundError,
    Number,
    RateLimitError,
    ReportingError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    TransportError,
)
from tests.support.frames import assert_stripped
from tests.support.scripted import COUNTER, REPORT, reply

NUMBER = Number("+46730170101")
REPORTS = "/users/{type}/{endpoint}/calls/{domain}"
COUNTERS = "/counters/{id}"
DOWN, OK = reply(status=503), reply(COUNTER)
NO_BACKOFF = RetryPolicy(backoff_base=0)


def slow(clock, seconds, step):
    """Return a step that takes time."""

    def perform(request):
        clock.tick(seconds)
        if isinstance(step, BaseException):
            raise step
        return step(request)

    return perform


# Attempts


def test_a_transient_failure_is_retried(clock, make_client):
    client = make_client(DOWN, httpx.ConnectError("refused"), OK)
    assert client.get_counter("currentCalls").value == 7
    assert client.script.targets == ["/v1/counters/currentCalls"] * 3
    assert 0 < clock.waits[0] <= 0.5
    assert 0 < clock.waits[1] <= 1


def test_each_attempt_has_its_own_timestamp_and_signature(clock, make_client):
    client = make_client(slow(clock, 1, DOWN), slow(clock, 1, DOWN), OK, retry=NO_BACKOFF)
    client.get_counter("currentCalls")
    times = [datetime.fromisoformat(request.headers["x-timestamp"]).second for request in client.script.requests]
    assert times == [0, 1, 2]
    assert len({request.headers["Authorization"] for request in client.script.requests}) == 3


def test_other_authentication_is_used_as_it_is(make_client):
    client = make_client(OK, auth=httpx.BasicAuth("key", "secret"))
    client.get_counter("currentCalls")
    assert client.script.requests[0].headers["Authorization"] == "Basic a2V5OnNlY3JldA=="
    assert "x-timestamp" not in client.script.requests[0].headers


@pytest.mark.parametrize(
    ("step", "kind", "attempts"),
    [
        (DOWN, ServerError, 4),
        (reply(status=302, headers={"Location": "https://other.example/"}), APIError, 1),
        (reply(b"<html>"), DecodeError, 1),
        (reply({"errorCode": 50300, "message": "Down"}), ServerError, 4),
        (httpx.ReadTimeout(""), RequestTimeoutError, 4),
        (httpx.UnsupportedProtocol("x"), TransportError, 1),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),  # without addresses
)
def test_an_error_has_the_route_the_attempts_and_the_elapsed_time(clock, make_client, step, kind, attempts):
    client = make_client(slow(clock, 0.5, step), retry=NO_BACKOFF)
    with pytest.raises(kind) as caught:
        client.get_counter("currentCalls")
    error = caught.value
    assert type(error) is kind
    assert (error.route, error.attempts, len(client.script.requests)) == (COUNTERS, attempts, attempts)
    assert error.elapsed == pytest.approx(attempts * 0.5)
    assert error.__context__ is None


def test_the_statuses_of_the_policy_are_retried(make_client):
    client = make_client(reply(status=418), OK, retry=RetryPolicy(statuses={418}, backoff_base=0))
    assert client.get_counter("currentCalls").value == 7


def test_a_clock_correction_is_part_of_an_attempt(clock, make_client):
    skewed = reply({"errorCode": 40101}, 401, {"Date": "Thu, 26 Nov 2026 17:00:00 GMT"})
    client = make_client(skewed, OK)
    client.get_counter("currentCalls")
    client.get_counter("currentCalls")
    hours = [datetime.fromisoformat(request.headers["x-timestamp"]).hour for request in client.script.requests]
    assert hours == [12, 17, 17]

    client = make_client(skewed, DOWN, retry=NO_BACKOFF)
    with pytest.raises(ServerError) as caught:
        client.get_counter("currentCalls")
    assert (caught.value.attempts, len(client.script.requests)) == (4, 5)


def test_a_wrong_secret_costs_one_request(clock, make_client):
    client = make_client(reply({"errorCode": 40102}, 401, {"Date": "Thu, 26 Nov 2026 12:00:00 GMT"}))
    with pytest.raises(AuthenticationError) as caught:
        client.get_counter("currentCalls")
    assert (caught.value.error_code, len(client.script.requests)) == (40102, 1)


# Time


def test_an_attempt_has_the_timeout_or_what_is_left_of_the_deadline(clock, make_client):
    timeouts = []

    def hang(request):
        timeouts.append(dict(request.extensions["timeout"]))
        clock.tick(float(timeouts[-1]["read"]))
        raise httpx.ReadTimeout("")

    client = make_client(hang, timeout=10, deadline=25, retry=NO_BACKOFF)
    with pytest.raises(DeadlineExceededError, match=r"deadline of 25 s exceeded after 3 attempts") as caught:
        client.get_counter("currentCalls")
    assert [timeout["read"] for timeout in timeouts] == pytest.approx([10, 10, 5])
    assert all(set(timeout) == {"connect", "read", "write", "pool"} for timeout in timeouts)
    assert len(set(timeouts[0].values())) == 1
    assert isinstance(caught.value.__cause__, RequestTimeoutError)
    assert (caught.value.attempts, caught.value.elapsed) == (3, pytest.approx(25))


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_is_honored(clock, make_client, status):
    client = make_client(reply(status=status, headers={"Retry-After": "20"}), OK)
    assert client.get_counter("currentCalls").value == 7
    assert sum(clock.waits) == pytest.approx(20)


def test_a_retry_after_that_would_pass_the_deadline_is_not_waited_for(clock, make_client):
    client = make_client(reply(status=503, headers={"Retry-After": "20"}), deadline=5)
    with pytest.raises(DeadlineExceededError, match="deadline of 5 s exceeded after 1 attempt;") as caught:
        client.get_counter("currentCalls")
    assert caught.value.__cause__.retry_after == 20
    assert clock.waits == []


def test_a_retry_after_beyond_the_limit_is_the_error_and_delays_nobody(clock, make_client):
    client = make_client(reply(status=429, headers={"Retry-After": "31"}), OK)
    with pytest.raises(RateLimitError) as caught:
        client.get_counter("currentCalls")
    assert (caught.value.retry_after, caught.value.attempts) == (31, 1)
    assert client.get_counter("currentCalls").value == 7
    assert clock.waits == []


def test_a_429_delays_the_other_calls_of_the_client_and_its_copies(clock, make_client):
    client = make_client(reply(status=429, headers={"Retry-After": "20"}), OK)
    with pytest.raises(DeadlineExceededError):
        client.with_options(deadline=5).get_counter("currentCalls")
    with pytest.raises(DeadlineExceededError, match="would pass before the rate limit or Retry-After"):
        client.with_options(deadline=5).get_counter("currentCalls")
    assert len(client.script.requests) == 1
    assert client.get_counter("currentCalls").value == 7
    assert clock.waits == pytest.approx([20])


def test_each_attempt_waits_for_the_rate_limit(clock, make_client):
    client = make_client(OK, DOWN, OK, rate_limit=1, retry=NO_BACKOFF)
    for _ in range(2):
        client.with_options(timeout=1).get_counter("currentCalls")
    assert [wait for wait in clock.waits if wait] == pytest.approx([1, 1])


def test_a_slot_beyond_the_deadline_is_not_waited_for(clock, make_client):
    client = make_client(OK, rate_limit=0.01, deadline=5)
    client.get_counter("currentCalls")
    with pytest.raises(DeadlineExceededError) as caught:
        client.get_counter("currentCalls")
    assert (caught.value.route, caught.value.attempts) == (COUNTERS, 0)
    assert len(client.script.requests) == 1
    assert clock.waits == []


def test_a_retry_after_returns_while_the_clock_is_frozen_and_sleep_is_mocked(make_client):
    for frozen in (freezegun.freeze_time("2026-11-01"), contextlib.nullcontext()):
        client = make_client(reply(status=429, headers={"Retry-After": "5"}), OK, rate_limit=0.5)
        with frozen, mock.patch("time.sleep") as sleep:
            assert client.get_counter("currentCalls").value == 7
        assert 1 <= sleep.call_count <= 4


# Events and logs


def test_each_attempt_is_reported_to_the_hook_with_its_headers(clock, make_client):
    attempts = []
    script = [slow(clock, 2, reply(status=503, headers={"X-Request-Id": "a"})), httpx.ReadError(""), reply(REPORT)]
    client = make_client(*script, on_attempt=attempts.append, retry=NO_BACKOFF)
    client.get_call_report(NUMBER)
    client.script.script[:] = [reply(status=404), reply(b"<html>")]
    client.script.requests.clear()
    for kind in (NotFoundError, DecodeError):
        with pytest.raises(kind):
            client.with_options(timeout=1).get_counter("currentCalls")
    assert [(attempt.method, attempt.route, attempt.number, attempt.outcome) for attempt in attempts] == [
        ("GET", REPORTS, 1, "503"),
        ("GET", REPORTS, 2, "ReadError"),
        ("GET", REPORTS, 3, "200"),
        ("GET", COUNTERS, 1, "404"),
        ("GET", COUNTERS, 1, "DecodeError"),
    ]
    assert attempts[0].elapsed == pytest.approx(2)
    assert attempts[0].headers["x-request-id"] == "a"
    assert attempts[1].headers == {}
    assert "46730170101" not in repr(attempts)


def test_an_exception_of_the_hook_is_logged_and_does_not_end_the_call(make_client, caplog):
    client = make_client(reply(REPORT), on_attempt=lambda _: 1 / 0)
    assert client.get_call_report(NUMBER).success == 17
    assert "on_attempt raised an exception" in caplog.text
    for frame, _ in traceback.walk_tb(caplog.records[0].exc_info[2]):
        assert "46730170101" not in repr(frame.f_locals)


def test_an_attempt_is_logged_as_method_route_outcome_number_and_seconds(clock, make_client, caplog):
    caplog.set_level(logging.DEBUG, "sinch_reporting")
    make_client(slow(clock, 0.25, DOWN), reply(REPORT), retry=NO_BACKOFF).get_call_report(NUMBER)
    assert [record.getMessage() for record in caplog.records] == [
        f"GET {REPORTS}: 503, attempt 1, 0.250 s",
        f"GET {REPORTS}: 200, attempt 2, 0.000 s",
    ]


# Exceptions of the program, and frames


class SoftTimeLimitError(Exception):
    """As a worker's signal handler raises it."""


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("transport", SoftTimeLimitError()),
        ("transport", KeyboardInterrupt()),
        ("wait", SoftTimeLimitError()),
        ("wait", KeyboardInterrupt()),
    ],
    ids=repr,
)
def test_what_the_program_raises_ends_the_call_unchanged(make_client, monkeypatch, error, place):
    monkeypatch.setattr(time, "sleep", mock.Mock(side_effect=error))
    client = make_client(error if place == "transport" else DOWN)
    with pytest.raises(type(error)) as caught:
        client.get_call_report(NUMBER)
    assert caught.value is error
    assert len(client.script.requests) == 1
    assert_stripped(error)


@pytest.mark.parametrize(
    "step", [DOWN, reply(b"<html>"), httpx.ConnectError("refused"), reply({"success": 1, "failed": 0, "start": "x"})]
)
def test_the_frames_of_errors_are_stripped(make_client, step):
    client = make_client(step, retry=NO_BACKOFF)
    with pytest.raises(ReportingError) as caught:
        client.get_call_report(NUMBER)
    assert_stripped(caught.value)


def test_an_exception_that_was_handled_before_the_call_keeps_its_frames(make_client):
    client = make_client(reply(status=404))
    try:
        raise LookupError("outer")  # noqa: TRY301
    except LookupError as outer:
        with pytest.raises(NotFoundError) as caught:
            client.get_call_report(NUMBER)
        assert caught.value.__context__ is outer  # noqa: PT017
        assert outer.__traceback__ is not None  # noqa: PT017
