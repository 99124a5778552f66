import asyncio
import contextlib
import gc
import threading
import tracemalloc
from datetime import date

import anyio
import httpx
import pytest
import trio

from sinch_reporting import (
    AsyncReportingClient,
    InvalidRequestError,
    NotFoundError,
    Number,
    ReportingClient,
    RetryPolicy,
    ServerError,
)
from sinch_reporting.testing import Sandbox
from tests.support.callers import KEY, SECRET

REPORT = b'{"success": 17, "duration": 4711, "failed": 3, "start": "2026-11-01T08:15:30Z"}'


def numbers(count):
    return (Number(f"+4673017{place:05d}") for place in range(count))


class StaticTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers at once, so that nothing but the client is looked at."""

    asked = 0

    def handle_request(self, _request):
        self.asked += 1
        return httpx.Response(200, stream=httpx.ByteStream(REPORT))

    async def handle_async_request(self, request):
        return self.handle_request(request)


def test_every_endpoint_has_one_outcome(make_client, sandbox):
    with contextlib.closing(make_client(sandbox.url).iter_call_reports(numbers(50), concurrency=7)) as outcomes:
        found = list(outcomes)
    assert {outcome.endpoint for outcome in found} == set(numbers(50))
    assert len(found) == 50
    assert all(outcome.report is not None and outcome.error is None for outcome in found)


def test_ordered_outcomes_come_in_the_order_of_the_endpoints(make_client, sandbox):
    outcomes = make_client(sandbox.url).iter_call_reports(numbers(50), concurrency=7, ordered=True)
    assert [outcome.endpoint for outcome in outcomes] == list(numbers(50))


def test_the_same_question_is_asked_about_each(make_client, sandbox):
    client = make_client(sandbox.url)
    list(client.iter_call_reports(numbers(3), domain="pstn", start=date(2026, 11, 1), stop=date(2026, 11, 20)))
    assert len(sandbox.requests) == 3
    for request in sandbox.requests:
        assert request.path.endswith("/calls/pstn")
        assert request.query == "_start=2026-11-01&_stop=2026-11-20"


def test_a_failure_is_an_outcome_and_not_the_end(make_client, raw_server):
    raw_server.script = [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"] * 3
    outcomes = list(make_client(raw_server.url).iter_call_reports(numbers(3), concurrency=1))
    assert [type(outcome.error) for outcome in outcomes] == [NotFoundError] * 3
    assert all(outcome.report is None for outcome in outcomes)


def test_what_is_no_endpoint_is_a_failure_of_its_own(make_client, sandbox):
    first, second = make_client(sandbox.url).iter_call_reports(["+46730170101", *numbers(1)], ordered=True)
    assert isinstance(first.error, InvalidRequestError)
    assert "4673" not in repr(first)
    assert second.report is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoints": "+46730170101"},
        {"endpoints": Number("+46730170101")},
        {"concurrency": 0},
        {"concurrency": True},
        {"concurrency": 1.5},
        {"domain": "moon"},
        {"start": date(2026, 11, 2), "stop": date(2026, 11, 1)},
    ],
)
def test_an_argument_common_to_all_is_refused_before_the_first(wrong):
    with ReportingClient(KEY, SECRET) as client, pytest.raises(InvalidRequestError):
        client.iter_call_reports(**{"endpoints": [], **wrong})


def test_no_more_endpoints_are_read_than_there_are_calls_at_a_time(make_client):
    read = []

    def endpoints():
        for number in numbers(1000):
            read.append(number)
            yield number

    client = make_client("https://reporting.example", transport=StaticTransport())
    outcomes = client.iter_call_reports(endpoints(), concurrency=5)
    for taken in range(1, 20):
        next(outcomes)
        assert len(read) <= taken + 5
    outcomes.close()
    assert len(read) <= 25


def test_an_error_of_the_endpoints_themselves_ends_the_iteration(make_client, sandbox):
    def endpoints():
        yield from numbers(2)
        raise LookupError("the file is gone")

    with pytest.raises(LookupError, match="the file is gone"):
        list(make_client(sandbox.url).iter_call_reports(endpoints()))


def test_leaving_a_blocking_loop_leaves_no_thread_behind(sandbox):
    before = threading.active_count()
    with sandbox.client() as client:
        for _ in client.iter_call_reports(numbers(1000), concurrency=5):
            break
        assert threading.active_count() == before
    assert len(sandbox.requests) <= 6


@pytest.mark.parametrize("runs", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
def test_leaving_an_async_loop_cancels_the_calls_in_flight(runs):
    held = []
    all_begun = None

    class Holding(StaticTransport):
        """Answers the first call once all others have begun, and never those."""

        async def handle_async_request(self, request):
            held.append("begun")
            if len(held) == 5:
                all_begun.set()
            if len(held) == 1:
                await all_begun.wait()
                return self.handle_request(request)
            try:
                await _forever()
            finally:
                held.append("ended")

    async def main():
        nonlocal all_begun
        all_begun = anyio.Event()
        async with AsyncReportingClient(KEY, SECRET, transport=Holding()) as client:
            async with contextlib.aclosing(client.iter_call_reports(numbers(1000), concurrency=5)) as outcomes:
                async for outcome in outcomes:
                    assert outcome.report
                    break
            # Once an outcome was taken, another call may have begun.
            assert 4 <= held.count("ended") == held.count("begun") - 1 <= 5

    runs(main())


async def _forever():
    if trio.lowlevel.in_trio_run():
        await trio.sleep_forever()
    else:
        await asyncio.Event().wait()


def test_an_asyncio_loop_left_by_break_alone_is_cleaned_up_by_the_event_loop(sandbox):
    async def main():
        async with sandbox.async_client() as client:
            async for outcome in client.iter_call_reports(numbers(1000), concurrency=5):
                assert outcome.report
                break
            gc.collect()
            assert await client.get_counter("currentCalls")

    asyncio.run(main())
    gc.collect()
    assert len(sandbox.requests) <= 10


@pytest.mark.parametrize("runs", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
def test_endpoints_may_come_from_an_async_iterable(runs, sandbox):
    async def endpoints():
        for number in numbers(20):
            yield number

    async def main():
        async with sandbox.async_client() as client:
            return [outcome.endpoint async for outcome in client.iter_call_reports(endpoints(), ordered=True)]

    assert runs(main()) == list(numbers(20))


def test_retries_are_made_for_each(make_client, no_backoff):
    with Sandbox(application_key=KEY, application_secret=SECRET) as sandbox:
        sandbox.chaos(0.3, seed=1)
        client = make_client(sandbox.url, retry=RetryPolicy(attempts=8, backoff_base=0), timeout=0.5, deadline=30)
        outcomes = list(client.iter_call_reports(numbers(40), concurrency=4))
    assert {outcome.endpoint for outcome in outcomes} == set(numbers(40))
    assert sum(outcome.report is not None for outcome in outcomes) >= 30


def test_memory_does_not_depend_on_the_number_of_endpoints(make_client):
    def peak(count):
        client = make_client("https://reporting.example", transport=StaticTransport())
        tracemalloc.start()
        for outcome in client.iter_call_reports(numbers(count), concurrency=8):
            assert outcome.report
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    peak(50)
    # An outcome takes some hundreds of bytes; what is left is garbage that waits for its collection.
    assert peak(2300) - peak(300) < 2000 * 60


def test_an_error_keeps_its_kind(make_client, raw_server):
    raw_server.script = [b"HTTP/1.1 520 Unknown\r\nContent-Length: 0\r\n\r\n"]
    (outcome,) = make_client(raw_server.url).iter_call_reports(numbers(1))
    assert type(outcome.error) is ServerError
