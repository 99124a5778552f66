import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from sinch_reporting import ConfigurationError, DeadlineExceededError, RateLimitError, ReportingClient, pace
from sinch_reporting.rate_limit import RateLimiter
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import COUNTER, response


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that stands still until it is moved."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def waits(pace, count, most=1e6):
    return [pace.wait(most, has_place=False) for _ in range(count)]


def test_without_a_rate_nobody_waits():
    assert waits(RateLimiter(None), 1000) == [0] * 1000


@pytest.mark.parametrize("rate", [0.001, 0.5, 1, 3, 9.9])
def test_requests_are_spaced_evenly(clock, rate):
    assert waits(RateLimiter(rate), 5) == pytest.approx([place / rate for place in range(5)], abs=0.005)


@pytest.mark.parametrize(("rate", "burst"), [(10, 2), (200, 21), (3333, 334)])
def test_as_many_as_belong_to_a_tenth_of_a_second_come_at_once(clock, rate, burst):
    found = waits(RateLimiter(rate), burst + 50)
    assert found[:burst] == [0] * burst
    assert found[burst:] == pytest.approx([place / rate for place in range(1, 51)], abs=0.002)


def test_what_was_not_used_is_not_saved_up_beyond_that(clock):
    pace = RateLimiter(10)
    waits(pace, 2)
    clock.now += 3600
    assert waits(pace, 4) == pytest.approx([0, 0, 0.1, 0.2])


def test_a_wait_that_is_of_no_use_takes_no_place(clock):
    pace = RateLimiter(1)
    assert waits(pace, 3, most=0.5) == [0, None, None]
    clock.now += 1
    assert waits(pace, 1, most=0.5) == [0]


@pytest.mark.parametrize("rate", [None, 1])
def test_a_hold_holds_everybody(clock, rate):
    pace = RateLimiter(rate)
    pace.hold(20)
    assert waits(pace, 1, most=5) == [None]
    assert waits(pace, 1) == [20]
    clock.now += 20
    assert pace.wait(5, has_place=True) == 0


def test_after_a_hold_the_rate_is_kept(clock):
    pace = RateLimiter(1)
    pace.hold(20)
    assert waits(pace, 3) == pytest.approx([20, 21, 22])


def test_who_waits_already_is_held_too(clock):
    pace = RateLimiter(1)
    assert waits(pace, 2) == [0, 1]
    pace.hold(20)
    clock.now += 1
    assert pace.wait(60, has_place=True) == pytest.approx(19)


def test_a_shorter_hold_does_not_shorten_a_longer_one(clock):
    pace = RateLimiter(None)
    pace.hold(20)
    pace.hold(5)
    assert waits(pace, 1) == [20]


def test_a_turn_that_comes_after_the_deadline_is_not_waited_for(make_client, raw_server):
    client = make_client(raw_server.url, rate_limit=0.01, deadline=5)
    assert client.get_counter("currentCalls").value == 7
    with pytest.raises(DeadlineExceededError, match="rate limit"):
        client.get_counter("currentCalls")
    assert len(raw_server.requests) == 1


def test_the_rate_is_that_of_a_client_and_its_copies_together(make_client, raw_server):
    client = make_client(raw_server.url, rate_limit=0.01, deadline=5)
    client.get_counter("currentCalls")
    with pytest.raises(DeadlineExceededError):
        client.with_options(timeout=1).get_counter("currentCalls")
    assert len(raw_server.requests) == 1


def test_the_rate_is_that_of_all_threads_together(raw_server):
    with ReportingClient(KEY, SECRET, base_url=raw_server.url, rate_limit=0.01, deadline=5) as client:

        def one(_):
            try:
                return client.get_counter("currentCalls").value
            except DeadlineExceededError:
                return None

        with ThreadPoolExecutor(8) as threads:
            assert sorted(threads.map(one, range(8)), key=str) == [7] + [None] * 7


def test_each_attempt_waits_its_turn(make_client, raw_server, no_backoff):
    raw_server.script[:] = [response(status="503 Down"), COUNTER]
    with pytest.raises(DeadlineExceededError) as caught:
        make_client(raw_server.url, rate_limit=0.01, deadline=5, retry=no_backoff).get_counter("currentCalls")
    assert "503" in str(caught.value.__cause__)
    assert len(raw_server.requests) == 1


def test_requests_are_not_sent_faster_than_the_rate(make_client, raw_server):
    client = make_client(raw_server.url, rate_limit=50)
    begun = time.monotonic()
    for _ in range(15):
        client.get_counter("currentCalls")
    # A lower bound, which a slow machine only helps; turns are counted in whole milliseconds.
    assert time.monotonic() - begun >= (15 - 6) / 50 - 0.001
    assert len(raw_server.requests) == 15


def test_a_retry_after_slows_everybody_down(make_client, raw_server):
    raw_server.script[:] = [response(status="429 Slowly", Retry_After="20"), COUNTER]
    client = make_client(raw_server.url, deadline=5)
    for _ in range(3):
        with pytest.raises(DeadlineExceededError):
            client.get_counter("currentCalls")
    assert len(raw_server.requests) == 1


def test_a_retry_after_that_is_not_obeyed_holds_nobody(make_client, raw_server):
    raw_server.script[:] = [response(status="429 Slowly", Retry_After="31"), COUNTER]
    client = make_client(raw_server.url)
    with pytest.raises(RateLimitError):
        client.get_counter("currentCalls")
    assert client.get_counter("currentCalls").value == 7


def test_a_retry_after_that_is_over_is_forgotten(make_client, raw_server):
    raw_server.script[:] = [response(status="429 Slowly", Retry_After="0"), COUNTER]
    client = make_client(raw_server.url)
    assert client.get_counter("currentCalls").value == 7
    assert client.get_counter("currentCalls").value == 7


@pytest.mark.parametrize("rate", [0, -1, True, "10", float("nan"), float("inf"), 0.0001])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ConfigurationError, match="rate_limit"):
        ReportingClient(KEY, SECRET, rate_limit=rate)
