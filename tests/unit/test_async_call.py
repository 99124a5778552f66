"""What differs in the async client. It has the event loops' real time, so these tests wait some milliseconds."""

import asyncio
import time
import traceback

import anyio
import httpx
import pytest
import trio

from sinch_reporting import AsyncReportingClient, DeadlineExceededError, Number, RequestTimeoutError, RetryPolicy
from tests.support.callers import KEY, SECRET
from tests.support.frames import assert_stripped
from tests.support.scripted import COUNTER, ScriptedTransport, reply

NUMBER = Number("+46730170101")


class HangingTransport(httpx.AsyncBaseTransport):
    def __init__(self):
        self.started = anyio.Event()

    async def handle_async_request(self, request):
        self.started.set()
        await anyio.sleep_forever()


async def cancelled_by_timeout(call):
    async with asyncio.timeout(0.01):
        await call()


async def cancelled_by_wait_for(call):
    await asyncio.wait_for(call(), 0.01)


async def cancelled_by_fail_after(call):
    with anyio.fail_after(0.01):
        await call()


async def cancelled_task(call):
    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await task


async def cancelled_by_trio(call):
    with trio.fail_after(0.01):
        await call()


@pytest.mark.parametrize(
    ("run", "cancelled", "kind"),
    [
        (asyncio.run, cancelled_by_timeout, TimeoutError),
        (asyncio.run, cancelled_by_wait_for, TimeoutError),
        (asyncio.run, cancelled_by_fail_after, TimeoutError),
        (asyncio.run, cancelled_task, asyncio.CancelledError),
        (lambda coroutine: trio.run(lambda: coroutine), cancelled_by_fail_after, TimeoutError),
        (lambda coroutine: trio.run(lambda: coroutine), cancelled_by_trio, trio.TooSlowError),
    ],
    ids=["timeout", "wait_for", "fail_after", "cancel", "trio, anyio", "trio"],
)
def test_a_cancelled_call_raises_what_cancelled_it_without_our_frames(run, cancelled, kind):
    async def main():
        client = AsyncReportingClient(KEY, SECRET, transport=HangingTransport())
        try:
            await cancelled(lambda: client.get_call_report(NUMBER))
        finally:
            await client.aclose()

    with pytest.raises(kind) as caught:
        run(main())
    assert_stripped(caught.value)
    functions = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert cancelled.__name__ in functions


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)], ids=["asyncio", "trio"])
def test_an_async_call_ends_at_its_timeout_and_its_deadline(run):
    async def main(**options):
        async with AsyncReportingClient(KEY, SECRET, transport=HangingTransport(), **options) as client:
            await client.get_counter("currentCalls")

    with pytest.raises(RequestTimeoutError, match="request timed out while waiting for the response") as caught:
        run(main(timeout=0.01, retry=RetryPolicy(attempts=2, backoff_base=0)))
    assert caught.value.attempts == 2
    with pytest.raises(DeadlineExceededError) as caught:
        run(main(deadline=0.01))
    assert caught.value.attempts == 1


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)], ids=["asyncio", "trio"])
def test_the_deadline_ends_an_async_iteration(run):
    async def main():
        async with AsyncReportingClient(KEY, SECRET, transport=HangingTransport()) as client:
            started = time.monotonic()
            outcomes = []
            with pytest.raises(DeadlineExceededError):  # noqa: PT012 - the loop
                async for outcome in client.iter_call_reports([NUMBER] * 100, concurrency=3, deadline=0.05):
                    outcomes.append(outcome)  # noqa: PERF401 - kept if the loop raises
            return outcomes, time.monotonic() - started

    outcomes, elapsed = run(main())
    assert elapsed < 5
    assert all(isinstance(outcome.error, DeadlineExceededError) for outcome in outcomes)


def test_the_async_client_makes_the_same_calls():
    async def main():
        transport = ScriptedTransport(reply(status=503), httpx.ReadError(""), reply(COUNTER))
        async with AsyncReportingClient(KEY, SECRET, transport=transport, retry=RetryPolicy(backoff_base=0)) as client:
            assert (await client.get_counter("currentCalls")).value == 7
        return transport.targets

    assert asyncio.run(main()) == ["/v1/counters/currentCalls"] * 3
