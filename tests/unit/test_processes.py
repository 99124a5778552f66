import asyncio
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import anyio
import httpx
import psutil
import pytest

from sinch_reporting import (
    AsyncReportingClient,
    NotFoundError,
    Number,
    ReportingClient,
    ReportingError,
    RetryPolicy,
    Username,
)
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import COUNTER, response

ENVIRONMENT = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}


def test_one_client_serves_32_threads(sandbox):
    names = [Username(f"anna-{number}") for number in range(320)]
    with sandbox.client() as reporting, ThreadPoolExecutor(32) as threads:
        expected = [reporting.get_call_report(name) for name in names]
        assert list(threads.map(reporting.get_call_report, names)) == expected


def test_32_threads_share_no_more_than_32_connections(raw_server):
    with ReportingClient(KEY, SECRET, base_url=raw_server.url) as reporting, ThreadPoolExecutor(32) as threads:
        counters = list(threads.map(reporting.get_counter, ["currentCalls"] * 640))
    assert {counter.value for counter in counters} == {7}
    assert raw_server.connections <= 32


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_one_client_serves_1000_tasks_over_bounded_connections(raw_server, backend):
    async def main():
        values = []
        async with AsyncReportingClient(KEY, SECRET, base_url=raw_server.url, timeout=60) as reporting:

            async def one():
                values.append((await reporting.get_counter("currentCalls")).value)

            async with anyio.create_task_group() as tasks:
                for _ in range(1000):
                    tasks.start_soon(one)
        assert values == [7] * 1000

    anyio.run(main, backend=backend)
    assert raw_server.connections <= (256 if backend == "asyncio" else 20)
    assert len(raw_server.requests) == 1000


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_after_a_fork_a_client_works_on_connections_of_its_own(raw_server, kind):
    def counter():
        if kind == "sync":
            return reporting.get_counter("currentCalls")
        return asyncio.run(reporting.get_counter("currentCalls"))

    reporting = (ReportingClient if kind == "sync" else AsyncReportingClient)(KEY, SECRET, base_url=raw_server.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forking with threads, and of loops that are gone
        assert counter().value == 7
        child = os.fork()
        if not child:
            status = 1
            try:
                status = 0 if counter().value == counter().value == 7 else 1
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert counter().value == 7
        reporting.close() if kind == "sync" else asyncio.run(reporting.aclose())
        reporting = None
        gc.collect()
    assert raw_server.connections == (2 if kind == "sync" else 4)  # asyncio.run makes a new loop each time


def test_after_a_fork_a_client_with_a_transport_of_its_own_says_what_to_do(raw_server):
    with ReportingClient(KEY, SECRET, base_url=raw_server.url, transport=httpx.HTTPTransport()) as reporting:
        reporting.get_counter("currentCalls")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
            child = os.fork()
        if not child:
            status = 1
            try:
                reporting.get_counter("currentCalls")
            except ReportingError as error:
                status = 0 if "make a client in each process" in str(error) else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_async_client_works_in_a_second_event_loop(raw_server):
    reporting = AsyncReportingClient(KEY, SECRET, base_url=raw_server.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of the first loop's connection, which died with it
        for _ in range(2):
            assert asyncio.run(reporting.get_counter("currentCalls")).value == 7
        assert anyio.run(reporting.get_counter, "currentCalls", backend="trio").value == 7
        asyncio.run(reporting.aclose())
        del reporting
        gc.collect()


def test_event_loops_that_are_gone_leave_no_connection_behind(raw_server):
    reporting = AsyncReportingClient(KEY, SECRET, base_url=raw_server.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of connections that died with their loops
        for _ in range(8):
            asyncio.run(reporting.get_counter("currentCalls"))
            gc.collect()
        ours = [one for one in psutil.Process().net_connections() if one.raddr and one.raddr.port == raw_server.port]
        assert len(ours) <= 1
        asyncio.run(reporting.aclose())
        del reporting
        gc.collect()


def report_and_error(reporting):
    try:
        reporting.get_counter("unknown")
    except NotFoundError as error:
        return reporting.get_call_report(Number("+46730170101")), error, os.getpid()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_clients_results_and_errors_cross_process_pools(sandbox, monkeypatch, method):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with sandbox.client() as reporting, ProcessPoolExecutor(1, multiprocessing.get_context(method)) as processes:
        report, error, pid = processes.submit(report_and_error, reporting).result()
        assert pid != os.getpid()
        assert report == reporting.get_call_report(Number("+46730170101"))
        assert (type(error), error.error_code, error.attempts) == (NotFoundError, 40400, 1)


def test_a_client_pickles_its_credentials_where_asked_for_by_name(sandbox):
    with pickle.loads(pickle.dumps(sandbox.client(pickle_credentials=True))) as copy:
        assert copy.get_service_status("rtpproxy").is_up
        with pickle.loads(pickle.dumps(copy.with_options(timeout=3))) as another:
            assert another.get_service_status("rtpproxy").is_up


def test_a_pickled_client_keeps_its_options(sandbox, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    policy = RetryPolicy(attempts=2)
    reporting = sandbox.client(timeout=3, deadline=4, retry=policy, rate_limit=100)
    with pickle.loads(pickle.dumps(reporting)) as copy:
        assert copy.__reduce__() == reporting.__reduce__()
        assert copy.get_service_status("rtpproxy").is_up


def test_an_unclosed_client_warns(raw_server):
    reporting = ReportingClient(KEY, SECRET, base_url=raw_server.url)
    reporting.get_counter("currentCalls")
    with pytest.warns(ResourceWarning, match="a client was not closed"):
        del reporting


def test_an_unclosed_async_client_warns(raw_server):
    async def use():
        await AsyncReportingClient(KEY, SECRET, base_url=raw_server.url).get_counter("currentCalls")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(use())
        gc.collect()
    assert "a client was not closed" in " ".join(str(warning.message) for warning in caught)


def test_a_client_that_was_never_used_does_not_warn():
    reporting = ReportingClient(KEY, SECRET)
    del reporting
    gc.collect()


LEFT_OPEN = {
    "sync": "reporting = ReportingClient(); reporting.get_counter('currentCalls')",
    "async": "reporting = AsyncReportingClient(); asyncio.run(reporting.get_counter('currentCalls'))",
    "thread": "call = ReportingClient().get_counter; threading.Thread(target=call, args=('a',), daemon=True).start()",
}


@pytest.mark.parametrize("kind", LEFT_OPEN)
def test_leaving_the_interpreter_is_silent(raw_server, kind):
    program = f"import asyncio, threading\nfrom sinch_reporting import *\n{LEFT_OPEN[kind]}"
    environment = {**ENVIRONMENT, "SINCH_REPORTING_URL": raw_server.url}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (b"", b"")


INTERRUPTED = """
import asyncio, sys
from sinch_reporting import *
try:
    with ReportingClient() as reporting:
        reporting.get_counter("currentCalls")
except KeyboardInterrupt:
    print("interrupted")
"""
INTERRUPTED_ASYNC = """
import asyncio, sys
from sinch_reporting import *
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # dev mode would tell how slow a busy machine is
    async with AsyncReportingClient() as reporting:
        await reporting.get_counter("currentCalls")
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("program", [INTERRUPTED, INTERRUPTED_ASYNC], ids=["sync", "async"])
@pytest.mark.parametrize("moment", ["an attempt", "a wait"])
def test_ctrl_c_ends_a_call_at_once_and_is_not_swallowed(raw_server, program, moment):
    raw_server.script[:] = [
        raw_server.no_response if moment == "an attempt" else response(status="503 Down", Retry_After="29")
    ]
    environment = {**ENVIRONMENT, "SINCH_REPORTING_URL": raw_server.url}
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        raw_server.wait_for_requests(1)
        process.send_signal(signal.SIGINT)
        printed = process.communicate(timeout=20)
    assert printed == (b"interrupted\n", b"")
    assert len(raw_server.requests) == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelled_calls_leave_no_connection_behind(raw_server, backend):
    async def main():
        async with AsyncReportingClient(KEY, SECRET, base_url=raw_server.url) as reporting:
            # More than the pool has room for: a connection that is left behind would be missed in the end.
            for _ in range(3):
                async with anyio.create_task_group() as tasks:
                    for _ in range(30):
                        tasks.start_soon(reporting.get_counter, "currentCalls")
                    await anyio.to_thread.run_sync(raw_server.wait_for_requests, 20)
                    tasks.cancel_scope.cancel()
                await anyio.to_thread.run_sync(raw_server.wait_for_disconnects)
                raw_server.requests.clear()
            raw_server.script[:] = [COUNTER]
            assert (await reporting.get_counter("currentCalls")).value == 7

    raw_server.script[:] = [raw_server.no_response]
    anyio.run(main, backend=backend)
