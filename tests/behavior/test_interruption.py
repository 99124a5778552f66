"""A signal ends blocking calls and loops within a second, whatever they wait for, and its exception stays the same."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date

import pytest

from sinch_reporting import Number, ReportingClient, RetryPolicy
from tests.support.callers import KEY, SECRET
from tests.support.frames import assert_stripped
from tests.support.raw_server import response

NUMBER = Number("+46730170101")
BUSY = response(status="429 Slowly", Retry_After="25")
SLACK = 5.0  # for a busy machine: without the interruption it takes 20 to 60 s


class SoftTimeLimitError(Exception):
    """As a worker's signal handler raises it."""


@contextmanager
def signal_that_raises(error):
    """Raise an exception from a signal handler."""

    def handle(_number, frame):
        if frame.f_globals["__name__"] == "_weakrefset":  # in a callback, whose exceptions Python ignores
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            raise error

    previous = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


LOOPS = {
    "call": lambda client: client.get_call_report(NUMBER),
    "iter_call_reports": lambda client: list(client.iter_call_reports([NUMBER] * 50, concurrency=4)),
    "ordered": lambda client: list(client.iter_call_reports([NUMBER] * 50, concurrency=4, ordered=True)),
    "daily_call_reports": lambda client: list(client.daily_call_reports(NUMBER, date(2026, 11, 1), date(2026, 11, 9))),
    "watch_counter": lambda client: [outcome for outcome in client.watch_counter("a") if outcome is None],
    "watch_service_status": lambda client: [
        outcome for outcome in client.watch_service_status("a", interval=60) if outcome is None
    ],
}


# Each loop with the exceptions that it could take for its own: BaseException beside Exception, and that of a wait.
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, kind) for name in LOOPS for kind in (KeyboardInterrupt, TimeoutError)),
        *(("call", kind) for kind in (SystemExit, SoftTimeLimitError, ConnectionError)),
    ],
)
@pytest.mark.parametrize("step", ["no response", "Retry-After"])
def test_an_exception_of_a_signal_handler_ends_the_loop_unchanged(raw_server, name, step, kind):
    error = kind()
    raw_server.script[:] = [raw_server.no_response if step == "no response" else BUSY]
    with ReportingClient(KEY, SECRET, base_url=raw_server.url, timeout=30) as client:
        started = time.monotonic()
        with pytest.raises(kind) as caught, signal_that_raises(error):
            LOOPS[name](client)
    assert time.monotonic() - started < 1 + SLACK
    assert caught.value is error
    if name in {"call", "watch_counter", "watch_service_status"}:
        assert_stripped(error)


PROGRAM = """
import signal, sys
from sinch_reporting import Number, ReportingClient
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
number = Number("+4673" + "0170101")
with ReportingClient() as reporting:
    for outcome in reporting.iter_call_reports([number] * 100):
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", ["no response", "Retry-After"])
def test_one_signal_ends_a_program(raw_server, step, number):
    raw_server.script[:] = [raw_server.no_response if step == "no response" else BUSY]
    environment = {
        **os.environ,
        "SINCH_REPORTING_URL": raw_server.url,
        "SINCH_APPLICATION_KEY": KEY,
        "SINCH_APPLICATION_SECRET": SECRET,
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        raw_server.wait_for_requests(1)
        started = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        elapsed = time.monotonic() - started
    assert elapsed < 1 + SLACK
    assert "46730170101" not in errors
    if number == signal.SIGTERM:
        assert (process.returncode, errors) == (3, "")
    else:
        assert process.returncode == -signal.SIGINT
        assert errors.rstrip().endswith("KeyboardInterrupt")


def test_the_client_works_after_an_interruption(raw_server):
    raw_server.script[:] = [raw_server.no_response, response('{"status": "up"}')]
    with ReportingClient(KEY, SECRET, base_url=raw_server.url, retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(KeyboardInterrupt), signal_that_raises(KeyboardInterrupt()):
            client.get_service_status("rtpproxy")
        assert client.get_service_status("rtpproxy").is_up
