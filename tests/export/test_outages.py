"""Situations in which an export could lose data: after each, the same command has every row."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from sinch_reporting import AsyncReportingClient, AuthenticationError, Number, PermissionDeniedError, RetryPolicy
from sinch_reporting.export import PausePolicy, export_call_reports
from sinch_reporting.export.job import ExportJob, Period
from sinch_reporting.export.run import run_job
from sinch_reporting.testing import faults
from tests.support.callers import KEY, SECRET
from tests.support.exports import DAY, ONE_DAY, THREE_DAYS, endpoints, requested, rows, state, units

ROOT = Path(__file__).resolve().parents[2]
GIVES_UP = PausePolicy(failures=5, first=0.01, longest=0.02, give_up_after=0.1)
NUMBERS = [Number(f"+4673017{i:05d}") for i in range(60)]


def test_a_low_rate_causes_no_failure(export, sandbox, tmp_path):
    client = {"rate_limit": 100, "deadline": 0.2, "timeout": 0.2}
    summary = export(NUMBERS, tmp_path, client=client, concurrency=50, **ONE_DAY)
    assert (summary.reports, summary.requested, summary.complete) == (60, 60, True)


def test_retry_after_pauses_the_export_and_one_probe_resumes_it(export, sandbox, tmp_path):
    seen = []
    sandbox.fail_next(faults.Status(429, retry_after=1))
    before = datetime.now(UTC)

    def progress(now):
        if now.paused_until:
            seen.append((now, len(sandbox.requests)))

    summary = export(NUMBERS, tmp_path, concurrency=4, progress=progress, **ONE_DAY)
    assert summary.complete
    assert summary.reports == 60
    paused, sent = seen[0]
    assert 0.5 < (paused.paused_until - before).total_seconds() < 60
    assert "429" in paused.problem
    # Those in flight, the probe, and then the others: nothing is sent in the pause.
    times = sorted(datetime.fromisoformat(request.headers["x-timestamp"]) for request in sandbox.requests)
    longest = max(range(1, len(times)), key=lambda i: times[i] - times[i - 1])
    assert (times[longest] - times[longest - 1]).total_seconds() > 0.8
    assert longest <= sent + 3


OUTAGES = {
    "503": faults.Status(503),
    "429 with Retry-After": faults.Status(429, retry_after=3600),
    "503 with Retry-After": faults.Status(503, retry_after=3600),
    "captive portal": faults.HtmlPage(),
    "redirect to a portal": faults.Redirect("https://portal.example/"),
    "404 page": faults.HtmlPage(404),
    "403 page of a firewall": faults.HtmlPage(403),
    "reset": faults.ConnectionReset(),
    "damaged body": faults.InvalidJson(),
    "not HTTP": faults.NotHttp(),
}


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
def test_an_outage_costs_no_report(export, sandbox, tmp_path, fault):
    sandbox.fail_next(*[None] * 20)
    assert export(NUMBERS[:20], tmp_path, **ONE_DAY).complete
    sandbox.fail_always(fault)
    summary = export(NUMBERS, tmp_path, concurrency=4, pause=GIVES_UP, **ONE_DAY)
    assert (summary.complete, summary.ended) == (False, "gave up")
    assert summary.permanent_failures == 0
    assert summary.problem
    assert summary.requested <= 30
    assert state(tmp_path)["state"] == "incomplete"
    assert not (tmp_path / "reports/day=2026-11-01/_SUCCESS").exists()
    sandbox.clear_faults()
    summary = export(NUMBERS, tmp_path, **ONE_DAY)
    assert (summary.reports, summary.complete) == (60, True)
    assert len(set(units(tmp_path))) == len(units(tmp_path)) == 60
    assert state(tmp_path)["state"] == "complete"


def test_a_server_that_is_down_is_probed_by_one_request_until_it_is_back(export, sandbox, tmp_path):
    seen = []
    is_paused = threading.Event()

    def note(progress):
        seen.append(progress)
        if progress.paused_until and progress.requested > 15:
            is_paused.set()

    def restart():
        is_paused.wait(30)
        sandbox.start()

    sandbox.stop()
    # On the same port.
    sandbox._port = int(sandbox.url.split(":")[2].split("/")[0])  # noqa: SLF001
    back = threading.Thread(target=restart)
    back.start()
    summary = export(NUMBERS, tmp_path, concurrency=4, progress=note, **ONE_DAY)
    back.join()
    assert (summary.reports, summary.complete, summary.transient_failures) == (60, True, 0)
    assert len(sandbox.requests) == 60


class Unresolved(httpx.BaseTransport):
    def handle_request(self, _request):
        raise httpx.ConnectError("[Errno -2] Name or service not known") from socket.gaierror(-2, "unknown name")


def test_a_name_that_is_not_resolved_is_an_outage(sandbox, tmp_path):
    with sandbox.client(transport=Unresolved()) as client:
        summary = export_call_reports(client, NUMBERS, tmp_path / "out", pause=GIVES_UP, **ONE_DAY)
    assert (summary.ended, summary.permanent_failures, summary.reports) == ("gave up", 0, 0)
    assert "Name or service not known" in summary.problem or "name not resolved" in summary.problem


@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (403, PermissionDeniedError)])
@pytest.mark.parametrize("count", [2, 60])
def test_refused_credentials_stop_the_export_at_once(export, sandbox, tmp_path, status, error, count):
    sandbox.fail_always(faults.Status(status))
    with pytest.raises(error):
        export(NUMBERS[:count], tmp_path, concurrency=4, **ONE_DAY)
    assert len(sandbox.requests) <= 20
    assert state(tmp_path)["last_run"]["ended"] == "failed"
    sandbox.clear_faults()
    summary = export(NUMBERS[:count], tmp_path, **ONE_DAY)
    assert (summary.reports, summary.permanent_failures, summary.complete) == (count, 0, True)


def test_a_403_for_one_of_many_is_a_permanent_failure(export, sandbox, tmp_path):
    sandbox.fail_next(faults.Status(403))
    summary = export(NUMBERS, tmp_path, concurrency=4, **ONE_DAY)
    assert (summary.reports, summary.permanent_failures, summary.complete) == (59, 1, True)
    [row] = rows(tmp_path, "failures")
    assert (row["kind"], row["error"], row["status"]) == ("permanent", "PermissionDeniedError", 403)


def test_transient_failures_are_repeated_in_the_same_run(export, sandbox, tmp_path):
    sandbox.chaos(0.3, faults=[faults.Status(503), faults.HtmlPage(), faults.ConnectionReset()])
    summary = export(endpoints(200), tmp_path, client={"retry": RetryPolicy(attempts=20, backoff_base=0)}, **ONE_DAY)
    assert (summary.reports, summary.complete) == (200, True)
    assert summary.requested > 200
    assert not rows(tmp_path, "failures")


def test_transient_failures_stay_open_and_the_same_command_requests_them_first_and_in_place(export, sandbox, tmp_path):
    sandbox.fail_next(*[None] * 10, faults.Status(503), faults.Status(404), faults.WrongTypes())
    once = {"client": {"retry": RetryPolicy(attempts=1)}, "concurrency": 1}
    first = export(NUMBERS, tmp_path, **once, **ONE_DAY)
    assert (first.reports, first.permanent_failures, first.transient_failures) == (57, 2, 1)
    assert (first.complete, first.ended) == (False, "finished")
    assert [row["kind"] for row in rows(tmp_path, "failures")] == ["transient", "permanent", "permanent"]
    assert state(tmp_path)["failures"] == {"permanent": 2, "transient": 1}
    open_unit = rows(tmp_path, "failures")[0]["endpoint"]

    more = [*NUMBERS, Number("+46700000001")]
    sandbox.requests.clear()
    second = export(more, tmp_path, **once, **ONE_DAY)
    assert [endpoint for endpoint, _, _ in requested(sandbox.requests)] == [open_unit, "+46700000001"]
    assert (second.reports, second.permanent_failures, second.complete) == (59, 2, True)
    assert [row["kind"] for row in rows(tmp_path, "failures")] == ["permanent", "permanent"]

    third = export(more, tmp_path, retry_failed=True, **once, **ONE_DAY)
    assert (third.requested, third.reports, third.permanent_failures, third.complete) == (2, 61, 0, True)
    assert not rows(tmp_path, "failures")


def test_an_interrupted_day_is_completed_by_the_export_of_the_next_day(export, sandbox, tmp_path):
    sandbox.fail_next(*[None] * 5, faults.Status(503, retry_after=3600))
    first = export(NUMBERS, tmp_path, concurrency=1, pause=GIVES_UP, **ONE_DAY)
    assert (first.ended, first.requested, first.missing) == ("gave up", 6, 55)
    day = THREE_DAYS["stop"]
    sandbox.clear_faults()
    second = export(NUMBERS, tmp_path, start=day, stop=day)
    assert (second.reports, second.complete, second.requested) == (120, True, 115)
    assert sorted(path.parent.name for path in tmp_path.rglob("_SUCCESS")) == ["day=2026-11-01", "day=2026-11-03"]


def start_program(kind, destination, count):
    command = [sys.executable, "-m", "tests.export.program", kind, str(destination), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


def test_a_suspended_process_loses_no_endpoint(sandbox, tmp_path, monkeypatch):
    process = start_program("async", tmp_path / "out", 200)
    sandbox.requests.wait_for(50)
    process.send_signal(signal.SIGSTOP)
    # While it is suspended, the server closes its connections.
    with sandbox.refuse_connections():
        os.kill(process.pid, 0)
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=120) == (None, b"")
    assert process.returncode == 0
    assert len(set(units(tmp_path / "out"))) == len(units(tmp_path / "out")) == 600


@pytest.mark.parametrize("kind", ["client", "async_client"])
def test_stopped_while_the_server_hangs_it_ends_and_repeats_what_was_in_flight(sandbox, tmp_path, kind):
    sandbox.fail_next(*[None] * 20, *[faults.NoResponse()] * 4)
    job = ExportJob(
        periods=(Period(DAY, DAY),),
        concurrency=4,
        should_stop=lambda: len(sandbox.requests) >= 22,
        stop_grace=0.1,
    )

    def run(job):
        async def main():
            async with sandbox.async_client(timeout=60) as client:
                return await run_job(client, NUMBERS, tmp_path, job)

        if kind == "async_client":
            return asyncio.run(main())
        with sandbox.client(timeout=60) as client:
            return run_job(client, NUMBERS, tmp_path, job)

    first = run(job)
    assert (first.ended, first.complete) == ("stopped", False)
    assert first.reports >= 20
    sandbox.clear_faults()
    second = run(ExportJob(periods=job.periods))
    assert (second.reports, second.complete) == (60, True)
    assert max(requested(sandbox.requests).values()) <= 2
    assert len(sandbox.requests) <= 60 + 4


def test_a_day_whose_last_report_arrives_while_it_stops_is_not_complete(tmp_path):
    async def main():
        sent = []
        has_stopped = asyncio.Event()

        async def respond(request):
            sent.append(request)
            if len(sent) == len(NUMBERS):
                await has_stopped.wait()
            return httpx.Response(200, json={"success": 5, "failed": 1, "duration": 20})

        def should_stop():
            if len(sent) == len(NUMBERS):
                has_stopped.set()
            return has_stopped.is_set()

        transport = httpx.MockTransport(respond)
        async with AsyncReportingClient(KEY, SECRET, transport=transport) as client:
            job = ExportJob(periods=(Period(DAY, DAY),), concurrency=1, should_stop=should_stop)
            first = await run_job(client, NUMBERS, tmp_path, job)
            found = state(tmp_path)["periods"]["day=2026-11-01"]
            return first, found, await run_job(client, NUMBERS, tmp_path, ExportJob(periods=job.periods))

    first, found, second = asyncio.run(main())
    assert (first.ended, first.complete, first.reports) == ("stopped", False, 60)
    assert (found["complete"], found["missing"]) == (False, 0)
    assert (second.complete, second.reports, second.requested) == (True, 60, 0)
    assert len(units(tmp_path)) == 60


def test_pauses_end_when_it_is_to_stop(export, sandbox, tmp_path):
    sandbox.fail_always(faults.Status(503, retry_after=3000))
    seen = []
    options = {"pause": PausePolicy(), **ONE_DAY}
    options |= {"progress": seen.append, "should_stop": lambda: seen and seen[-1].paused_until}
    summary = export(NUMBERS, tmp_path, **options)
    assert (summary.ended, summary.permanent_failures) == ("stopped", 0)
