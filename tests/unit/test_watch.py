import contextlib
import math
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sinch_reporting import Counter, InvalidRequestError, RateLimitError, ReportingError, ServiceStatus, TransportError
from sinch_reporting.testing import Sandbox, faults
from sinch_reporting.watch import LATE, MARGIN, REFRESH, FixedSchedule, Reading, RefreshSchedule
from tests.support.callers import KEY, SECRET

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


def at(seconds):
    return MIDNIGHT + timedelta(seconds=seconds)


def reading(value, modified, date):
    return Reading(Counter(id="currentCalls", value=value, modified=at(modified)), at(date))


def test_the_next_look_at_a_counter_is_just_after_its_next_refresh():
    assert RefreshSchedule().after(reading(7, 0, 45))[1] == REFRESH - 45 + MARGIN


def test_the_machines_clock_counts_only_where_the_server_tells_no_time():
    now = datetime.now(UTC)
    stale = Reading(Counter(id="currentCalls", value=7, modified=now - timedelta(seconds=20)))
    assert RefreshSchedule().after(stale)[1] == pytest.approx(REFRESH - 20 + MARGIN, abs=10)


def test_a_refresh_that_is_late_is_looked_for_a_few_times_then_once_in_each_period():
    plan = RefreshSchedule()
    plan.after(reading(7, 0, 1))
    waits = [plan.after(reading(7, 0, 121))[1] for _ in LATE]
    assert waits == list(LATE)
    assert [plan.after(reading(7, 0, date))[1] for date in (135, 241, 361)] == [106, 120, 120]
    assert plan.after(reading(7, 480, 481))[1] == 120
    assert plan.after(reading(7, 480, 601))[1] == LATE[0]


def test_only_another_value_is_handed_out():
    plan = RefreshSchedule()
    handed_out = [plan.after(reading(value, 120 * n, 120 * n + 1))[0] for n, value in enumerate([7, 7, 8, 8, 7])]
    assert [outcome and outcome.counter.value for outcome in handed_out] == [7, None, 8, None, 7]


def test_each_failure_is_handed_out_and_the_value_after_it_even_where_it_is_the_same():
    plan = RefreshSchedule()
    failure = TransportError("no answer came")
    assert plan.after(reading(7, 0, 1))[0].counter.value == 7
    assert [plan.after_failure(failure)[0].error for _ in range(2)] == [failure, failure]
    assert plan.after(reading(7, 0, 20))[0].counter.value == 7


def test_after_failures_the_waits_double_up_to_a_refresh_and_begin_anew_after_an_answer():
    plan = FixedSchedule(10)
    failure = TransportError("no answer came")
    assert [plan.after_failure(failure)[1] for _ in range(7)] == [5, 10, 20, 40, 80, 120, 120]
    assert plan.after(Reading(ServiceStatus(id="rtpproxy", status="up")))[1] == 10
    assert plan.after_failure(failure)[1] == 5


@pytest.mark.parametrize(("asked", "waited"), [(1, 5), (60, 60), (10**17, 3600)])
def test_a_retry_after_is_obeyed_for_an_hour_at_most(asked, waited):
    error = RateLimitError("429", status_code=429, retry_after=asked)
    assert FixedSchedule(10).after_failure(error)[1] == waited


@given(
    phase=st.floats(0, 120),
    late=st.floats(0, 0.9),
    lag=st.floats(0.01, 0.5),
    values=st.lists(st.integers(0, 3), min_size=2, max_size=30),
)
@example(phase=59.5, late=0.9, lag=0.1, values=[0, 1])
def test_a_change_is_seen_within_seconds_by_one_request_a_refresh(phase, late, lag, values):
    """Run a plan against a server that refreshes at a phase of its own, a little late, and answers with some lag."""
    plan, now, requests, seen = RefreshSchedule(), 60.0, 0, []
    refreshes = [(120 * n + phase, value) for n, value in enumerate(values)]
    changes = [
        (moment + late, value)
        for (moment, value), before in zip(refreshes, [None, *values], strict=False)
        if value != before
    ]
    while now < refreshes[-1][0] + 60:
        requests += 1
        known = [(moment, value) for moment, value in refreshes if moment + late <= now] or [(phase - 120, 9)]
        moment, value = known[-1]
        outcome, wait = plan.after(reading(value, moment, math.floor(now)))
        now += lag
        if outcome:
            seen.append((now, outcome.counter.value))
        now += wait
    if seen[0][1] == 9:
        seen.pop(0)
    assert [value for _, value in seen] == [value for _, value in changes]
    assert all(0 <= there - here <= 4 for (there, _), (here, _) in zip(seen[1:], changes[1:], strict=True))
    assert requests <= len(values) + 2


@pytest.fixture
def moving(monkeypatch):
    """Return a Sandbox whose time moves by what a watch waits, and by nothing else."""
    with Sandbox(application_key=KEY, application_secret=SECRET, tolerance=timedelta(days=9999)) as server:
        now = [MIDNIGHT + timedelta(seconds=30)]
        server.clock = lambda: now[0]
        server.waits = []
        server.after_waits = {}

        def sleep(seconds):
            server.waits.append(round(seconds))
            server.after_waits.get(len(server.waits), lambda: None)()
            now[0] += timedelta(seconds=seconds)

        async def async_sleep(seconds):
            sleep(seconds)

        monkeypatch.setattr("sinch_reporting.watch.time", SimpleNamespace(sleep=sleep, monotonic=lambda: 0.0))
        monkeypatch.setattr("sinch_reporting.watch.anyio", SimpleNamespace(sleep=async_sleep))
        yield server


def test_a_counter_is_watched_by_one_request_in_each_refresh(make_client, moving):
    with contextlib.closing(make_client(moving.url).watch_counter("currentCalls")) as watched:
        outcomes = [next(watched) for _ in range(5)]
    assert [outcome.counter.modified for outcome in outcomes] == [at(120 * n) for n in range(5)]
    assert len({outcome.counter.value for outcome in outcomes}) > 1
    assert moving.waits == [91, 120, 120, 120]
    assert len(moving.requests) == 5


def test_a_counter_that_stays_is_handed_out_once(make_client, moving):
    moving.set_counter("currentCalls", 7)
    with contextlib.closing(make_client(moving.url).watch_counter("currentCalls")) as watched:
        assert next(watched).counter.value == 7
        moving.after_waits[4] = partial(moving.set_counter, "currentCalls", 8)
        assert next(watched).counter.value == 8
    assert len(moving.requests) == 5


def test_a_service_is_watched_in_even_intervals_through_failures(make_client, moving, no_backoff):
    client = make_client(moving.url, retry=no_backoff)
    moving.fail_next(None, None, *[faults.Status(404)] * 2, None)
    with contextlib.closing(client.watch_service_status("rtpproxy", interval=7)) as watched:
        outcomes = [next(watched) for _ in range(4)]
    assert [outcome.service and outcome.service.is_up for outcome in outcomes] == [True, None, None, True]
    assert [outcome.error and outcome.error.status_code for outcome in outcomes] == [None, 404, 404, None]
    assert moving.waits == [7, 7, 5, 10]


def test_what_the_program_did_wrong_ends_the_watch(make_client, sandbox):
    client = make_client(sandbox.url)
    with contextlib.closing(client.watch_counter("currentCalls")) as watched:
        client.close()
        with pytest.raises(ReportingError, match="the client is closed"):
            next(watched)


@pytest.mark.parametrize("interval", [0, -1, math.inf, math.nan, "10", True])
def test_what_cannot_be_watched_is_refused_at_once(make_client, sandbox, interval):
    client = make_client(sandbox.url)
    with pytest.raises(InvalidRequestError, match="counter id"):
        client.watch_counter("..")
    with pytest.raises(InvalidRequestError, match="service id"):
        client.watch_service_status("")
    with pytest.raises(InvalidRequestError, match="interval"):
        client.watch_service_status("rtpproxy", interval=interval)
    assert sandbox.requests == []
