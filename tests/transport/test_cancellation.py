"""A cancelled or interrupted call leaves neither a slot nor a descriptor behind."""

import gc
import random
import subprocess
import sys
import threading

import anyio
import httpx
import pytest

from sinch_reporting import AsyncReportingClient
from sinch_reporting._http.async_transport import AsyncTransport
from sinch_reporting._http.proxies import environment_proxy
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import COUNTER

SLOTS = 4


async def cancel_somewhere(call, chance):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, "currentCalls")
        if chance.random() < 0.5:
            await anyio.sleep(chance.uniform(0, 0.01))
        else:
            for _ in range(chance.randrange(60)):
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_calls_that_are_cancelled_anywhere_leave_nothing_behind(route, backend):
    chance = random.Random(20261101)
    release = threading.Event()

    async def main():
        transport = AsyncTransport(
            ssl_context=httpx.create_ssl_context(), proxy=environment_proxy(route.url), max_connections=SLOTS
        )
        options = {"base_url": route.url, "transport": transport, "allow_http": True}
        async with AsyncReportingClient(KEY, SECRET, **options) as reporting:
            for _ in range(60):
                async with anyio.create_task_group() as tasks:
                    for _ in range(SLOTS + 1):
                        tasks.start_soon(cancel_somewhere, reporting.get_counter, chance)
            # All slots can still be used at the same time.
            route.server.requests.clear()
            route.server.script[:] = [lambda connection: release.wait(30) and connection.sendall(COUNTER)]
            async with anyio.create_task_group() as tasks:
                for _ in range(SLOTS):
                    tasks.start_soon(reporting.get_counter, "currentCalls")
                await anyio.to_thread.run_sync(route.server.wait_for_requests, SLOTS)
                assert len(route.client_sockets()) == SLOTS
                release.set()

    anyio.run(main, backend=backend)
    gc.collect()  # warns of what was not closed
    assert route.client_sockets() == []
    route.server.wait_for_disconnects()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelled_calls_that_wait_for_a_response_leave_nothing_behind(raw_server, backend):
    raw_server.script[:] = [raw_server.no_response]

    async def main():
        async with AsyncReportingClient(KEY, SECRET, base_url=raw_server.url) as reporting:
            for _ in range(3):  # more than the 100 slots in total
                async with anyio.create_task_group() as tasks:
                    for _ in range(50):
                        tasks.start_soon(reporting.get_counter, "currentCalls")
                    await anyio.to_thread.run_sync(raw_server.wait_for_requests, 50)
                    tasks.cancel_scope.cancel()
                await anyio.to_thread.run_sync(raw_server.wait_for_disconnects)
                raw_server.requests.clear()
            raw_server.script[:] = [COUNTER]
            assert (await reporting.get_counter("currentCalls")).value == 7

    anyio.run(main, backend=backend)


INTERRUPTIONS = """
import gc, random, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
import httpx, psutil
from sinch_reporting import ReportingClient, RetryPolicy
from sinch_reporting._http.proxies import environment_proxy
from sinch_reporting._http.transport import Transport

url, slots, chance = sys.argv[1], int(sys.argv[2]), random.Random(20261101)
transport = Transport(
    ssl_context=httpx.create_ssl_context(), proxy=environment_proxy(url), max_connections=slots
)
armed, interrupted = False, 0


def interrupt(*_):
    if armed:
        raise KeyboardInterrupt


# Python drops an interrupt during a weak reference's callback: the timer then fires again.
sys.unraisablehook = lambda dropped: dropped.exc_type is KeyboardInterrupt or sys.__unraisablehook__(dropped)
signal.signal(signal.SIGALRM, interrupt)
with ReportingClient("key", "c2VjcmV0", base_url=url, transport=transport, allow_http=True) as reporting:
    for _ in range(300):
        try:
            # As Ctrl-C does, it interrupts whatever the call is doing.
            armed = True
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0002, 0.02), 0.2)
            while True:
                reporting.get_counter("currentCalls")
        except KeyboardInterrupt:
            armed = False
            interrupted += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(interrupted, flush=True)
    with ThreadPoolExecutor(slots) as threads:
        calls = [threads.submit(reporting.get_counter, "held") for _ in range(slots)]
        print([call.result().value for call in calls])
gc.collect()
print(len(psutil.Process().net_connections("tcp")))
"""


def test_interrupted_calls_leave_nothing_behind(route, tmp_path):
    # The server closes every connection, so that calls are interrupted while connecting, too.
    arrived = threading.Barrier(SLOTS)

    def step(connection):
        if "held" in route.server.requests[-1].target:
            arrived.wait(30)
        connection.sendall(COUNTER)

    route.server.script[:] = [step]
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTIONS, route.url, str(SLOTS)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.stdout.splitlines(), ran.stderr) == (["300", "[7, 7, 7, 7]", "0"], "")
