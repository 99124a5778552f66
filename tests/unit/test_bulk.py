import asyncio
import contextlib
import gc
import threading
import tracemalloc
from contextlib import aclosing
from datetime import date, timedelta

import anyio
import anyio.lowlevel
import httpx
import pytest
import trio

from sinch_reporting import (
    AsyncReportingClient,
    CallReport,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    Number,
    ReportingClient,
    RetryPolicy,
    ServerError,
    Username,
)
from tests.support.callers import KEY, SECRET
from tests.support.scripted import REPORT, ScriptedTransport, reply

OK = reply(REPORT)
FIRST = date(2025, 12, 20)
NUMBER = Number("+46730170101")
RUNS = pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])


def numbers(count):
    return (Number(f"+4673017{index:05d}") for index in range(count))


@pytest.fixture(params=["sync", "async"])
def fetch(request):
    """Return a function that lists the outcomes of an iterating method of a client.

    The event loop makes a difference only when a loop ends: those tests use RUNS.
    """

    def collect(method, *arguments, script=(OK,), **options):
        transport = ScriptedTransport(*script)
        retry = RetryPolicy(attempts=1)
        if request.param == "sync":
            with ReportingClient(KEY, SECRET, transport=transport, retry=retry) as client:
                return list(getattr(client, method)(*arguments, **options)), transport

        async def main():
            async with AsyncReportingClient(KEY, SECRET, transport=transport, retry=retry) as client:
                return [outcome async for outcome in getattr(client, method)(*arguments, **options)]

        return asyncio.run(main()), transport

    return collect


# Outcomes


@pytest.mark.parametrize("ordered", [False, True])
def test_each_endpoint_has_one_outcome(fetch, ordered):
    outcomes, _ = fetch("iter_call_reports", numbers(50), concurrency=7, ordered=ordered)
    endpoints = [outcome.endpoint for outcome in outcomes]
    assert len(endpoints) == 50
    assert (endpoints if ordered else set(endpoints)) == (list if ordered else set)(numbers(50))
    assert all(type(outcome.report) is CallReport and outcome.error is None for outcome in outcomes)


def test_all_reports_have_the_same_domain_and_period(fetch):
    period = {"start": date(2026, 11, 1), "stop": date(2026, 11, 20)}
    outcomes, transport = fetch("iter_call_reports", [NUMBER, Username("anna")], domain="data", **period)
    assert sorted(transport.targets) == [
        "/v1/users/number/+46730170101/calls/data?_start=2026-11-01&_stop=2026-11-20",
        "/v1/users/username/anna/calls/data?_start=2026-11-01&_stop=2026-11-20",
    ]
    assert {outcome.report.period_stop for outcome in outcomes} == {date(2026, 11, 20)}
    assert {outcome.report.endpoint for outcome in outcomes} == {NUMBER, Username("anna")}


def test_the_default_domain_follows_each_endpoint(fetch):
    outcomes, _ = fetch("iter_call_reports", [NUMBER, Username("anna")], ordered=True)
    assert [outcome.report.domain for outcome in outcomes] == ["pstn", "data"]


def test_a_failure_is_an_outcome_and_not_the_end(fetch):
    script = [reply(status=404), reply(status=520), reply(REPORT)]
    outcomes, _ = fetch("iter_call_reports", numbers(3), concurrency=1, script=script)
    assert [type(outcome.error) for outcome in outcomes] == [NotFoundError, ServerError, type(None)]
    assert [outcome.report is None for outcome in outcomes] == [True, True, False]
    assert "Number(value=***)" in repr(outcomes[0])


def test_an_invalid_endpoint_is_a_failure_that_is_not_shown(fetch):
    outcomes, transport = fetch("iter_call_reports", ["+46730170101", *numbers(1)], ordered=True)
    assert isinstance(outcomes[0].error, InvalidRequestError)
    assert outcomes[0].endpoint == "+46730170101"
    assert "4673" not in repr(outcomes[0])
    assert outcomes[1].report is not None
    assert len(transport.requests) == 1


def test_an_exception_of_the_endpoints_ends_the_iteration(fetch):
    def endpoints():
        yield from numbers(2)
        raise LookupError("the file is gone")

    with pytest.raises(LookupError, match="the file is gone"):
        fetch("iter_call_reports", endpoints())


@pytest.mark.parametrize("kind", [ZeroDivisionError, SystemExit, pytest.fail.Exception])
def test_what_a_call_raises_beside_errors_ends_the_iteration(fetch, kind):
    with pytest.raises(kind):
        fetch("iter_call_reports", numbers(50), script=[reply(REPORT), kind()], concurrency=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(({"endpoints": value}, "the endpoints must be an iterable") for value in ("+46730170101", b"+46", NUMBER, 5)),
        *(({"concurrency": value}, "concurrency must be a whole number from 1") for value in (0, True, 1.5, "4")),
        *(({"deadline": value}, "deadline must be a number of seconds above 0, or None") for value in (0, -1, "5")),
        ({"domain": "moon"}, "the domain must be one of"),
        ({"start": FIRST}, "start and stop must be given together"),
        ({"start": FIRST, "stop": FIRST - timedelta(1)}, "stop must not be before start"),
    ],
    ids=str,
)
def test_invalid_parameters_are_refused_when_the_method_is_called(options, message):
    for kind in (ReportingClient, AsyncReportingClient):
        with pytest.raises(InvalidRequestError, match=message):
            kind(KEY, SECRET).iter_call_reports(**{"endpoints": [], **options})


def test_endpoints_may_come_from_an_async_iterable():
    async def endpoints():
        for number in numbers(20):
            await anyio.lowlevel.checkpoint()
            yield number

    async def main():
        async with AsyncReportingClient(KEY, SECRET, transport=ScriptedTransport(reply(REPORT))) as client:
            return [outcome.endpoint async for outcome in client.iter_call_reports(endpoints(), ordered=True)]

    assert asyncio.run(main()) == trio.run(main) == list(numbers(20))


# Laziness


def test_no_more_endpoints_are_read_than_there_are_concurrent_calls():
    read = []

    def endpoints():
        for number in numbers(1000):
            read.append(number)
            yield number

    with ReportingClient(KEY, SECRET, transport=ScriptedTransport(reply(REPORT))) as client:
        outcomes = client.iter_call_reports(endpoints(), concurrency=5)
        for taken in range(1, 20):
            next(outcomes)
            assert len(read) <= taken + 5
        outcomes.close()
    assert len(read) <= 25


@RUNS
def test_no_more_endpoints_are_read_than_there_are_concurrent_async_calls(run):
    read = []

    def endpoints():
        for number in numbers(1000):
            read.append(number)
            yield number

    async def main():
        client = AsyncReportingClient(KEY, SECRET, transport=ScriptedTransport(reply(REPORT)))
        async with client, contextlib.aclosing(client.iter_call_reports(endpoints(), concurrency=5)) as outcomes:
            for taken in range(1, 20):
                await anext(outcomes)
                assert len(read) <= taken + 5

    run(main())
    assert 19 <= len(read) <= 25


def used_memory():
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def consume(count):
    with ReportingClient(KEY, SECRET, transport=httpx.MockTransport(reply(REPORT))) as client:
        for index, outcome in enumerate(client.iter_call_reports(numbers(count), concurrency=4)):
            assert outcome.report
            if index == count - 10:
                return used_memory()
    return None


def consume_async(count):
    async def main():
        async with AsyncReportingClient(KEY, SECRET, transport=httpx.MockTransport(reply(REPORT))) as client:
            outcomes = client.iter_call_reports(numbers(count), concurrency=4)
            async with aclosing(outcomes):
                for _ in range(count - 10):
                    assert (await anext(outcomes)).report
                return used_memory()

    return asyncio.run(main())


@pytest.mark.parametrize("run", [consume, consume_async])
def test_memory_does_not_depend_on_the_number_of_endpoints(run):
    def used(count):
        tracemalloc.start()
        result = run(count)
        tracemalloc.stop()
        return result

    used(50)
    # An outcome has some hundreds of bytes; the sets of asyncio grow in steps of some ten thousand.
    assert used(700) - used(100) < 600 * 150


# The end of a loop


def test_leaving_a_blocking_loop_leaves_no_thread():
    before = set(threading.enumerate())
    transport = ScriptedTransport(reply(REPORT))
    with ReportingClient(KEY, SECRET, transport=transport) as client:
        for _ in client.iter_call_reports(numbers(1000), concurrency=5):
            break
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
    assert len(transport.requests) <= 10


def test_leaving_a_blocking_loop_ends_waits_of_its_calls():
    before = set(threading.enumerate())
    busy = reply(status=429, headers={"Retry-After": "25"})
    with ReportingClient(KEY, SECRET, transport=ScriptedTransport(reply(REPORT), busy)) as client:
        for _ in client.iter_call_reports(numbers(100), concurrency=5):
            break
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


@RUNS
def test_leaving_an_async_loop_cancels_the_calls_in_flight(run):
    started, ended = [], []

    class Transport(httpx.AsyncBaseTransport):
        """Responds to the first call once all others have started, and never to those."""

        async def handle_async_request(self, request):
            started.append(request)
            if len(started) == 5:
                all_started.set()
            if len(started) == 1:
                await all_started.wait()
                return reply(REPORT)(request)
            try:
                await anyio.sleep_forever()
            finally:
                ended.append(request)

    async def main():
        nonlocal all_started
        all_started = anyio.Event()
        async with AsyncReportingClient(KEY, SECRET, transport=Transport()) as client:
            async with contextlib.aclosing(client.iter_call_reports(numbers(1000), concurrency=5)) as outcomes:
                async for outcome in outcomes:
                    assert outcome.report
                    break
            assert 4 <= len(ended) == len(started) - 1 <= 5

    all_started = None
    run(main())


@RUNS
def test_leaving_a_loop_ends_an_iterator_that_ignores_its_cancellation(run):
    read = 0

    class Endpoints:
        def __aiter__(self):
            return self

        async def __anext__(self):
            nonlocal read
            read += 1
            if read > 1:
                with contextlib.suppress(anyio.get_cancelled_exc_class()):
                    await anyio.sleep_forever()
            return NUMBER

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            while read < 2:  # trio runs tasks in random order
                await anyio.lowlevel.checkpoint()
            return OK(request)

    async def main():
        client = AsyncReportingClient(KEY, SECRET, transport=Transport())
        async with client, contextlib.aclosing(client.iter_call_reports(Endpoints())) as outcomes:
            assert (await anext(outcomes)).report

    run(main())
    assert read == 2


# Daily reports


def test_each_day_has_its_report_in_order(fetch):
    last = FIRST + timedelta(days=90)
    outcomes, transport = fetch("daily_call_reports", NUMBER, FIRST, last, domain="data")
    assert [outcome.day for outcome in outcomes] == [FIRST + timedelta(days=days) for days in range(91)]
    assert all(outcome.report.period_start == outcome.report.period_stop == outcome.day for outcome in outcomes)
    assert sorted(transport.targets) == [
        f"/v1/users/number/+46730170101/calls/data?_start={outcome.day}&_stop={outcome.day}" for outcome in outcomes
    ]


def test_a_day_that_fails_does_not_end_the_others(fetch):
    script = [reply(REPORT), reply(status=501), reply(REPORT)]
    outcomes, _ = fetch("daily_call_reports", NUMBER, FIRST, FIRST + timedelta(2), concurrency=1, script=script)
    assert [type(outcome.error) for outcome in outcomes] == [type(None), ServerError, type(None)]
    assert [outcome.day for outcome in outcomes] == [FIRST + timedelta(days) for days in range(3)]


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "+46730170101"},
        {"start": date(2026, 1, 2), "stop": date(2026, 1, 1)},
        {"stop": None},
        {"domain": "moon"},
        {"concurrency": 0},
        {"deadline": 0},
    ],
    ids=str,
)
def test_invalid_parameters_of_daily_reports_are_refused_when_the_method_is_called(options):
    with ReportingClient(KEY, SECRET) as client, pytest.raises(InvalidRequestError):
        client.daily_call_reports(**{"endpoint": NUMBER, "start": FIRST, "stop": FIRST, **options})


# The deadline of an iteration. The clock stays frozen to the end of the module.


def test_the_deadline_ends_the_iteration_and_not_the_outcomes_before_it(clock):
    def slow(request):
        clock.tick(4)
        return reply(REPORT)(request)

    outcomes = []
    with ReportingClient(KEY, SECRET, transport=ScriptedTransport(slow)) as client:
        with pytest.raises(DeadlineExceededError, match="deadline of the iteration exceeded"):  # noqa: PT012 - the loop
            for outcome in client.iter_call_reports(numbers(10), concurrency=1, deadline=10):
                outcomes.append(outcome)  # noqa: PERF402 - kept if the loop raises
        assert len(outcomes) == 3
        assert len(list(client.iter_call_reports(numbers(3), concurrency=1, deadline=12.5))) == 3


def test_calls_in_flight_have_what_is_left_of_the_deadline(clock):
    timeouts = []

    def hang(request):
        timeouts.append(float(request.extensions["timeout"]["read"]))
        clock.tick(timeouts[-1])
        raise httpx.ReadTimeout("")

    policy = RetryPolicy(backoff_base=0)
    with ReportingClient(KEY, SECRET, transport=ScriptedTransport(hang), retry=policy, timeout=4) as client:
        (outcome,) = client.iter_call_reports([NUMBER], deadline=10)
    assert timeouts == pytest.approx([4, 4, 2])
    assert isinstance(outcome.error, DeadlineExceededError)


def test_a_daily_iteration_has_a_deadline(clock):
    def slow(request):
        clock.tick(4)
        return reply(REPORT)(request)

    with (
        ReportingClient(KEY, SECRET, transport=ScriptedTransport(slow)) as client,
        pytest.raises(DeadlineExceededError, match="iteration"),
    ):
        list(client.daily_call_reports(NUMBER, FIRST, FIRST + timedelta(9), concurrency=1, deadline=10))
