"""Ownership of connections: threads, event loops, processes, and closing."""

import asyncio
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import anyio
import httpx
import psutil
import pytest

from sinch_reporting import (
    AsyncReportingClient,
    DecodeError,
    NotFoundError,
    Number,
    ReportingClient,
    ReportingError,
    RetryPolicy,
)
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import COUNTER, response
from tests.transport.conftest import ONCE, concurrent_calls

ENVIRONMENT = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}


def test_32_threads_share_at_most_32_connections(raw_server):
    with ReportingClient(KEY, SECRET, base_url=raw_server.url) as reporting, ThreadPoolExecutor(32) as threads:
        counters = list(threads.map(reporting.get_counter, ["currentCalls"] * 640))
    assert {counter.value for counter in counters} == {7}
    assert raw_server.connections <= 32


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_after_a_fork_a_client_opens_its_own_connections(raw_server, kind):
    def counter():
        if kind == "sync":
            return reporting.get_counter("currentCalls")
        return asyncio.run(reporting.get_counter("currentCalls"))

    reporting = (ReportingClient if kind == "sync" else AsyncReportingClient)(KEY, SECRET, base_url=raw_server.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # due to the fork with threads, and of closed loops
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


def test_after_a_fork_a_client_with_a_custom_transport_raises_an_error(raw_server):
    with ReportingClient(KEY, SECRET, base_url=raw_server.url, transport=httpx.HTTPTransport()) as reporting:
        reporting.get_counter("currentCalls")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # due to the fork with threads
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


def test_an_async_client_works_in_another_event_loop(raw_server):
    reporting = AsyncReportingClient(KEY, SECRET, base_url=raw_server.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of the first loop's connection, which died with it
        for _ in range(2):
            assert asyncio.run(reporting.get_counter("currentCalls")).value == 7
        assert anyio.run(reporting.get_counter, "currentCalls", backend="trio").value == 7
        asyncio.run(reporting.aclose())
        del reporting
        gc.collect()


def test_closed_event_loops_leave_no_connection_behind(raw_server):
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
def test_clients_results_and_errors_can_be_sent_to_processes(sandbox, monkeypatch, method):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with sandbox.client() as reporting, ProcessPoolExecutor(1, multiprocessing.get_context(method)) as processes:
        report, error, pid = processes.submit(report_and_error, reporting).result()
        assert pid != os.getpid()
        assert report == reporting.get_call_report(Number("+46730170101"))
        assert (type(error), error.error_code, error.attempts) == (NotFoundError, 40400, 1)


def test_a_client_pickles_its_credentials_only_on_request(sandbox):
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


def test_an_unused_client_does_not_warn():
    reporting = ReportingClient(KEY, SECRET)
    del reporting
    gc.collect()


LEFT_OPEN = {
    "sync": "reporting = ReportingClient(); reporting.get_counter('currentCalls')",
    "async": "reporting = AsyncReportingClient(); asyncio.run(reporting.get_counter('currentCalls'))",
    "thread": "call = ReportingClient().get_counter; threading.Thread(target=call, args=('a',), daemon=True).start()",
}


@pytest.mark.parametrize("kind", LEFT_OPEN)
def test_an_open_client_at_exit_prints_nothing(raw_server, kind):
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
    asyncio.get_running_loop().slow_callback_duration = 60  # dev mode warns of a slow machine
    async with AsyncReportingClient() as reporting:
        await reporting.get_counter("currentCalls")
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("program", [INTERRUPTED, INTERRUPTED_ASYNC], ids=["sync", "async"])
@pytest.mark.parametrize("moment", ["an attempt", "a wait"])
def test_ctrl_c_ends_a_call_immediately(raw_server, program, moment):
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


def test_threads_that_call_first_share_one_transport(make_client, raw_server):
    for _ in range(20):
        reporting = make_client(raw_server.url, retry=ONCE)
        with concurrent_calls(8, reporting.get_counter, "currentCalls") as calls:
            assert [call.result().value for call in calls] == [7] * 8
        reporting.close()
        raw_server.wait_for_disconnects()


def test_a_call_in_flight_ends_normally_if_the_client_is_closed(make_client, direct):
    release = threading.Event()
    direct.server.script[:] = [lambda connection: release.wait(30) and connection.sendall(COUNTER)]
    reporting = make_client(direct.url, retry=ONCE)
    with concurrent_calls(1, reporting.get_counter, "currentCalls") as calls:
        direct.server.wait_for_requests(1)
        reporting.close()
        release.set()
        assert calls[0].result().value == 7
    direct.server.wait_for_disconnects()


def test_a_response_that_is_left_early_leaves_nothing_to_the_garbage_collector(make_client, direct):
    assert_nothing_is_left_after_a_large_response(make_client, direct)


def test_it_leaves_nothing_with_a_custom_transport_either(make_client, plain):
    custom = httpx.AsyncHTTPTransport if make_client.client_class is AsyncReportingClient else httpx.HTTPTransport
    assert_nothing_is_left_after_a_large_response(make_client, plain, transport=custom())


def assert_nothing_is_left_after_a_large_response(make_client, route, **options):
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    route.server.script[:] = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 100]
    reporting = make_client(route.url, retry=ONCE, **options)
    with pytest.raises(DecodeError, match="larger than 1 MiB"):
        reporting.get_counter("currentCalls")
    gc.collect()  # warns of generators and sockets that are still open
    route.server.wait_for_disconnects()
