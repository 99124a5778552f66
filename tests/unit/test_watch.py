import contextlib
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sinch_reporting import (
    Counter,
    InvalidRequestError,
    RateLimitError,
    ReportingError,
    RetryPolicy,
    ServiceStatus,
    TransportError,
)
from sinch_reporting.watch import (
    COUNTER_REFRESH_SECONDS,
    LATE_REFRESH_DELAYS,
    REFRESH_MARGIN,
    PollSchedule,
    RefreshSchedule,
    Sample,
)
from tests.support.scripted import STATUS, reply

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)  # the time of the fixture `clock`
FAILURE = TransportError("no response")


def at(seconds):
    return MIDNIGHT + timedelta(seconds=seconds)


def sample(value, modified, date):
    return Sample(Counter(id="currentCalls", value=value, modified=at(modified)), value, at(date))


SERVICE = Sample(ServiceStatus(id="rtpproxy", status="up"), "up")


def test_a_counter_is_polled_just_after_its_next_refresh():
    assert RefreshSchedule().on_sample(sample(7, 0, 45)) == (True, COUNTER_REFRESH_SECONDS - 45 + REFRESH_MARGIN)


def test_the_local_clock_counts_only_without_a_date(clock):
    counter = Counter(id="currentCalls", value=7, modified=NOON - timedelta(seconds=20))
    assert RefreshSchedule().on_sample(Sample(counter, 7))[1] == COUNTER_REFRESH_SECONDS - 20 + REFRESH_MARGIN


def test_a_late_refresh_is_polled_a_few_times_and_then_once_per_period():
    schedule = RefreshSchedule()
    schedule.on_sample(sample(7, 0, 1))
    assert [schedule.on_sample(sample(7, 0, 121))[1] for _ in LATE_REFRESH_DELAYS] == list(LATE_REFRESH_DELAYS)
    assert [schedule.on_sample(sample(7, 0, date))[1] for date in (135, 241, 361)] == [106, 120, 120]
    assert schedule.on_sample(sample(7, 480, 481))[1] == 120
    assert schedule.on_sample(sample(7, 480, 601))[1] == LATE_REFRESH_DELAYS[0]


def test_only_a_change_is_yielded():
    schedule = RefreshSchedule()
    values = enumerate([7, 7, 8, 8, 7])
    found = [schedule.on_sample(sample(value, 120 * index, 120 * index + 1))[0] for index, value in values]
    assert found == [True, False, True, False, True]


def test_the_same_value_is_yielded_again_after_an_error():
    schedule = RefreshSchedule()
    assert schedule.on_sample(sample(7, 0, 1))[0]
    schedule.on_error(FAILURE)
    assert schedule.on_sample(sample(7, 0, 20))[0]


def test_delays_double_after_errors_up_to_a_refresh_and_start_again_after_a_sample():
    schedule = PollSchedule(10)
    assert [schedule.on_error(FAILURE) for _ in range(7)] == [5, 10, 20, 40, 80, 120, 120]
    assert [schedule.on_error(FAILURE) for _ in range(2000)][-1] == 120
    assert schedule.on_sample(SERVICE) == (True, 10)
    assert schedule.on_error(FAILURE) == 5


@pytest.mark.parametrize(("retry_after", "delay"), [(1, 5), (60, 60), (10**17, 3600)])
def test_a_retry_after_is_honored_up_to_an_hour(retry_after, delay):
    assert PollSchedule(10).on_error(RateLimitError("429", status_code=429, retry_after=retry_after)) == delay


@given(
    phase=st.floats(0, 120),
    late=st.floats(0, 0.9),
    lag=st.floats(0.01, 0.5),
    values=st.lists(st.integers(0, 3), min_size=2, max_size=30),
)
@example(phase=59.5, late=0.9, lag=0.1, values=[0, 1])
def test_a_change_is_seen_within_seconds_by_one_request_per_refresh(phase, late, lag, values):
    """Run a schedule against a server that refreshes at its own phase, a little late, and responds with some lag."""
    schedule, now, requests, seen = RefreshSchedule(), 60.0, 0, []
    refreshes = [(120 * index + phase, value) for index, value in enumerate(values)]
    changes = [
        (time + late, value)
        for (time, value), before in zip(refreshes, [None, *values], strict=False)
        if value != before
    ]
    while now < refreshes[-1][0] + 60:
        requests += 1
        known = [(time, value) for time, value in refreshes if time + late <= now] or [(phase - 120, 9)]
        time, value = known[-1]
        is_new, delay = schedule.on_sample(sample(value, time, math.floor(now)))
        now += lag
        if is_new:
            seen.append((now, value))
        now += delay
    if seen[0][1] == 9:
        seen.pop(0)
    assert [value for _, value in seen] == [value for _, value in changes]
    assert all(0 <= there - here <= 4 for (there, _), (here, _) in zip(seen[1:], changes[1:], strict=True))
    assert requests <= len(values) + 2


def server(values):
    """Return the step of a server that refreshes its counter every two minutes."""

    def respond(_request):
        now = datetime.now(UTC)
        index = int((now - NOON).total_seconds() // 120)
        body = {"value": values[index], "modified": (NOON + timedelta(seconds=120 * index)).isoformat()}
        return reply(body, headers={"Date": format_datetime(now, usegmt=True)})(_request)

    return respond


def test_a_watched_counter_costs_one_request_per_refresh(clock, make_client):
    client = make_client(server([3, 3, 3, 4, 5, 6]))
    clock.tick(30)
    with contextlib.closing(client.watch_counter("currentCalls")) as outcomes:
        found = [next(outcomes) for _ in range(4)]
    assert [outcome.counter.value for outcome in found] == [3, 4, 5, 6]
    assert [outcome.error for outcome in found] == [None] * 4
    assert clock.waits == pytest.approx([91, 120, 120, 120, 120])
    assert len(client.script.requests) == 6


def test_a_service_is_polled_at_even_intervals_through_errors(clock, make_client):
    up, missing = reply(STATUS), reply(status=404)
    script = [up, up, missing, httpx.ConnectError("x"), up]
    client = make_client(*script, retry=RetryPolicy(attempts=1))
    with contextlib.closing(client.watch_service_status("rtpproxy", interval=7)) as outcomes:
        found = [next(outcomes) for _ in range(4)]
    assert [outcome.service and outcome.service.is_up for outcome in found] == [True, None, None, True]
    assert [type(outcome.error).__name__ for outcome in found[1:3]] == ["NotFoundError", "TransportError"]
    assert clock.waits == [7, 7, 5, 10]


def test_the_time_that_the_loop_takes_is_part_of_the_interval(clock, make_client):
    client = make_client(reply(STATUS), reply({"status": "down"}))
    with contextlib.closing(client.watch_service_status("rtpproxy", interval=7)) as outcomes:
        next(outcomes)
        clock.tick(5)
        next(outcomes)
        clock.tick(50)
        client.script.script.append(reply(STATUS))
        next(outcomes)
    assert clock.waits == pytest.approx([2, 0])


def test_an_error_of_the_program_ends_the_watch(make_client):
    client = make_client(ZeroDivisionError())
    with contextlib.closing(client.watch_counter("currentCalls")) as outcomes, pytest.raises(ZeroDivisionError):
        next(outcomes)
    with contextlib.closing(client.watch_counter("currentCalls")) as outcomes:
        client.close()
        with pytest.raises(ReportingError, match="the client is closed"):
            next(outcomes)


@pytest.mark.parametrize("interval", [0, -1, math.inf, math.nan, "10", True])
def test_invalid_parameters_are_refused_when_the_method_is_called(make_client, interval):
    client = make_client()
    with pytest.raises(InvalidRequestError, match="counter id"):
        client.watch_counter("..")
    with pytest.raises(InvalidRequestError, match="service id"):
        client.watch_service_status("")
    with pytest.raises(InvalidRequestError, match="interval must be a number of seconds above 0"):
        client.watch_service_status("rtpproxy", interval=interval)
