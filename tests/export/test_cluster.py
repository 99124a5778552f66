import asyncio
import importlib.metadata
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import date, datetime
from pathlib import Path

import dask
import distributed
import pytest

from sinch_reporting import (
    AsyncReportingClient,
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    ReportingClient,
    RetryPolicy,
)
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.app import run as run_command
from sinch_reporting.export import PausePolicy, export_call_reports
from sinch_reporting.export.cluster import ClusterFetch
from sinch_reporting.export.job import ExportJob, Period
from sinch_reporting.export.worker import Batch
from sinch_reporting.testing import faults
from tests.support.callers import KEY, SECRET
from tests.support.exports import DAY, ONE_DAY, endpoints, requested, units

ROOT = Path(__file__).resolve().parents[2]


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder):
        self._folder = folder
        self._processes = []
        scheduler = self._start("dask_scheduler", "--port", "0", "--no-dashboard")
        for line in scheduler.stderr:
            if found := re.search(r"tcp://127\.0\.0\.1:\d+", line):
                self.address = found[0]
                break
        self._drain(scheduler)
        self.client = distributed.Client(self.address, set_as_default=False)

    def _start(self, module, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--host", "127.0.0.1", *arguments]
        process = subprocess.Popen(
            command, cwd=self._folder, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        self._processes.append(process)
        return process

    def _drain(self, process):
        threading.Thread(target=process.stderr.read, daemon=True).start()

    def add_worker(self, threads=1):
        before = len(self.client.nthreads())
        arguments = ("--nthreads", str(threads), "--no-nanny", "--no-dashboard")
        process = self._start("dask_worker", self.address, *arguments)
        self._drain(process)
        self.client.wait_for_workers(before + 1, timeout=60)
        return process

    def close(self):
        self.client.close()
        for process in self._processes[::-1]:
            process.kill()
            process.wait(30)
            process.stderr.close()


@pytest.fixture
def cluster(sandbox, tmp_path):
    """Return a cluster without workers, whose processes have the Sandbox's credentials in their environment."""
    (tmp_path / "cluster").mkdir()
    started = Cluster(tmp_path / "cluster")
    yield started
    started.close()


def run(where, count, destination, client=None, **options):
    cluster = where.address if isinstance(where, Cluster) else where
    with client or ReportingClient(retry=RetryPolicy(backoff_base=0)) as reporting:
        options = {"concurrency": 4, "cluster": cluster, **ONE_DAY, **options}
        return export_call_reports(reporting, endpoints(count), destination, **options)


def expected(count):
    return sorted(endpoint.value for endpoint in endpoints(count))


def exported(folder):
    return [endpoint for endpoint, _, _ in units(folder)]


def test_workers_export_the_same_as_one_process(cluster, sandbox, tmp_path):
    cluster.add_worker()
    cluster.add_worker()
    summary = run(cluster, 420, tmp_path / "out")
    assert (summary.endpoints, summary.reports, summary.requested, summary.complete) == (420, 420, 420, True)
    assert set(requested(sandbox.requests).values()) == {1}
    with sandbox.client() as client:
        export_call_reports(client, endpoints(420), tmp_path / "alone", **ONE_DAY)
    assert units(tmp_path / "out") == units(tmp_path / "alone")
    assert not list((tmp_path / "out").rglob(".*"))


def test_a_worker_that_is_killed_costs_no_report(cluster, sandbox, tmp_path):
    sandbox.chaos(0.1, faults=[faults.Status(404)])
    cluster.add_worker()
    victim = cluster.add_worker()

    def kill():
        sandbox.requests.wait_for(250)
        victim.send_signal(signal.SIGKILL)

    killing = threading.Thread(target=kill)
    killing.start()
    summary = run(cluster, 600, tmp_path / "out")
    killing.join()
    assert summary.complete
    failed = [endpoint for endpoint, _, _ in units(tmp_path / "out", "failures")]
    assert sorted(exported(tmp_path / "out") + failed) == expected(600)
    assert max(requested(sandbox.requests).values()) <= 2


def test_an_outage_pauses_the_workers_and_costs_no_report(cluster, sandbox, tmp_path):
    cluster.add_worker()
    sandbox.fail_next(*[None] * 50, *[faults.Status(503)] * 60)
    pause = PausePolicy(failures=5, first=0.01, longest=0.05)
    summary = run(cluster, 300, tmp_path / "out", pause=pause)
    assert (summary.reports, summary.complete, summary.transient_failures) == (300, True, 0)
    assert len(sandbox.requests) == 360
    sandbox.fail_always(faults.Status(429, retry_after=5000))
    summary = run(cluster, 300, tmp_path / "out", start=date(2026, 11, 2), stop=date(2026, 11, 2))
    assert (summary.ended, summary.permanent_failures) == ("gave up", 0)


def test_what_one_process_had_begun_the_cluster_finishes(cluster, sandbox, tmp_path):
    with sandbox.client() as client:
        first = export_call_reports(
            client, endpoints(200), tmp_path / "out", should_stop=lambda: len(sandbox.requests) > 70, **ONE_DAY
        )
    cluster.add_worker()
    summary = run(cluster, 200, tmp_path / "out")
    assert (first.ended, summary.complete) == ("stopped", True)
    assert requested(sandbox.requests) == dict.fromkeys(units(tmp_path / "out"), 1)


def test_a_client_of_the_cluster_and_an_async_client_do_too(cluster, sandbox, tmp_path):
    cluster.add_worker()
    with distributed.Client(cluster.address, set_as_default=False) as client:
        assert run(client, 100, tmp_path / "out").complete
        assert client.status == "running"

    async def main():
        async with AsyncReportingClient() as client:
            options = {"cluster": cluster.address, **ONE_DAY}
            return await export_call_reports(client, endpoints(100), tmp_path / "async", **options)

    assert asyncio.run(main()).reports == 100


def test_one_rate_is_shared_by_all_workers(cluster, sandbox, tmp_path):
    cluster.add_worker(threads=2)
    cluster.add_worker(threads=2)
    assert run(cluster, 160, tmp_path / "out", client=ReportingClient(rate_limit=40)).complete
    sent = sorted(datetime.fromisoformat(request.headers["x-timestamp"]) for request in sandbox.requests)
    assert len(sent) == 160
    # Each batch may begin with a burst of two.
    assert (sent[-1] - sent[0]).total_seconds() >= (160 - 8 * 2) / 40


def test_the_command_exports_on_a_cluster_and_one_signal_ends_it(cluster, sandbox, tmp_path, capsys):
    cluster.add_worker()
    (tmp_path / "numbers.txt").write_text("+46730170101\n+46730170102\n")
    days = ["--start", "2026-11-01", "--stop", "2026-11-01", "--cluster", cluster.address]
    arguments = ["export", str(tmp_path / "numbers.txt"), str(tmp_path / "out"), "--output", "json", *days]
    assert run_command(arguments) == exit_codes.OK
    assert json.loads(capsys.readouterr().out)["reports"] == 2
    assert run_command([*arguments, "--sandbox"]) == exit_codes.USAGE_ERROR
    assert "--cluster" in capsys.readouterr().err

    sandbox.fail_always(faults.NoResponse())
    command = [sys.executable, "-m", "sinch_reporting.cli", "export", "numbers.txt", "hanging", *days]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    sandbox.requests.wait_for(3)
    before = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert time.monotonic() - before < 10


def test_refused_credentials_end_the_export(cluster, sandbox, tmp_path):
    cluster.add_worker()
    sandbox.fail_always(faults.Status(401))
    with pytest.raises(AuthenticationError):
        run(cluster, 600, tmp_path / "out")
    assert len(sandbox.requests) < 50
    sandbox.clear_faults()
    assert run(cluster, 600, tmp_path / "out").reports == 600


def test_credentials_are_never_sent_and_workers_without_any_are_refused(cluster, tmp_path, monkeypatch):
    sent = []
    dumps = distributed.protocol.pickle.dumps

    def recording(obj, *args, **kwargs):
        dumped = dumps(obj, *args, **kwargs)
        sent.append(dumped)
        return dumped

    cluster.add_worker()
    monkeypatch.setattr(distributed.protocol.pickle, "dumps", recording)
    run(cluster, 10, tmp_path / "out", client=ReportingClient(KEY, SECRET))
    assert b"+4673017" in b"".join(sent)
    assert not [each for each in sent if SECRET.encode() in each or KEY.encode() in each]
    for name in ("SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET"):
        monkeypatch.delenv(name)
    cluster.add_worker()
    with pytest.raises(InvalidRequestError, match="cannot make a client: credentials are missing"):
        run(cluster, 10, tmp_path / "none", client=ReportingClient(KEY, SECRET))
    assert not (tmp_path / "none").exists()


def other_version(_name):
    return "9.9"


def no_package(name):
    raise importlib.metadata.PackageNotFoundError(name)


@pytest.mark.parametrize(
    ("function", "message"), [(other_version, "has sinch-reporting 9.9"), (no_package, "does not have")]
)
def test_workers_with_another_package_are_refused(cluster, sandbox, tmp_path, monkeypatch, function, message):
    cluster.add_worker()
    monkeypatch.setattr("importlib.metadata.version", function)
    with pytest.raises(InvalidRequestError, match=message):
        run(cluster, 10, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("function", "message"), [(other_version, "has sinch-reporting 9.9"), (no_package, "does not have")]
)
def test_a_scheduler_with_another_package_is_refused(cluster, sandbox, tmp_path, monkeypatch, function, message):
    cluster.add_worker()
    ask = distributed.Client.run_on_scheduler
    monkeypatch.setattr("distributed.Client.run_on_scheduler", lambda self, _, *args: ask(self, function, *args))
    with pytest.raises(InvalidRequestError, match=f"the scheduler {message}"):
        run(cluster, 10, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cluster_without_workers_is_refused(cluster, sandbox, tmp_path):
    with pytest.raises(InvalidRequestError, match="the cluster has no workers"):
        run(cluster, 10, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_clients_that_workers_cannot_make_are_refused(sandbox, tmp_path):
    with sandbox.client() as client:
        auth = client._auth  # noqa: SLF001
    for options in ({"application_key": KEY, "application_secret": SECRET, "pickle_credentials": True}, {"auth": auth}):
        with ReportingClient(**options) as client, pytest.raises(ConfigurationError):
            export_call_reports(client, endpoints(1), tmp_path, cluster="tcp://127.0.0.1:1", **ONE_DAY)


def test_a_scheduler_that_cannot_be_reached_is_an_oserror(tmp_path, sandbox):
    quickly = dask.config.set({"distributed.comm.timeouts.connect": "1s"})
    with quickly, ReportingClient() as client, pytest.raises(OSError, match=r"127\.0\.0\.1:1 cannot be reached"):
        export_call_reports(client, endpoints(1), tmp_path / "out", cluster="tcp://127.0.0.1:1", **ONE_DAY)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rate", "threads", "tasks", "sizes"),
    [
        (None, 4, 8, {100_000: 500, 160: 10, 1: 1}),
        (200, 4, 4, {100_000: 200, 800: 100, 80: 50}),
        (2.5, 4, 2, {100_000: 5, 8: 2, 1: 2}),
        (0.1, 4, 1, {100_000: 1, 1: 1}),
    ],
)
def test_batches_are_of_seconds_and_smaller_towards_the_end(rate, threads, tasks, sizes):
    fetch = ClusterFetch(None, {}, ExportJob(periods=(Period(DAY, DAY),)), rate, threads)
    assert fetch.tasks == tasks
    assert {remaining: fetch.batch_size(remaining) for remaining in sizes} == sizes


def test_a_batch_does_not_show_its_endpoints():
    units = [("pstn", "n+46730170101")]
    options = {"export": "", "options": {}, "period": Period(DAY, DAY), "pause": PausePolicy()}
    batch = Batch(**options, units=units, concurrency=1, rate=None)
    assert "4673" not in repr(batch)
    assert pickle.loads(pickle.dumps(batch)) == batch
