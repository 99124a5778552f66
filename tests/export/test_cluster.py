import asyncio
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import dask
import distributed
import pyarrow.fs
import pytest

from sinch_reporting import (
    AsyncReportingClient,
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    Number,
    ReportingClient,
)
from sinch_reporting.cli.app import run as run_command
from sinch_reporting.export import export_call_reports
from sinch_reporting.export.cluster import Rate
from sinch_reporting.export.worker import Task
from sinch_reporting.testing import faults
from tests.export.program import endpoints
from tests.support.callers import KEY, SECRET
from tests.support.exports import DAYS, asked, rows

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
    with client or ReportingClient() as reporting:
        options = {"partition_size": 50, "concurrency": 4, "cluster": cluster, **DAYS, **options}
        return export_call_reports(reporting, endpoints(count), destination, **options)


def expected(count):
    return [endpoint.value for endpoint in endpoints(count)]


def reported(folder):
    return [row["endpoint"] for row in rows(folder, "reports")]


def test_workers_export_the_same_as_one_process(cluster, sandbox, tmp_path):
    cluster.add_worker()
    cluster.add_worker()
    seen = []
    summary = run(cluster, 420, tmp_path / "out", progress=seen.append)
    assert (summary.endpoints, summary.reports, summary.asked, summary.finished) == (420, 420, 420, True)
    assert (len(seen), seen[0].done, seen[-1].done) == (10, 0, 420)
    assert asked(sandbox.requests) == dict.fromkeys(expected(420), 1)
    with sandbox.client() as client:
        export_call_reports(client, endpoints(420), tmp_path / "alone", partition_size=50, **DAYS)
    for dataset in ("reports", "failures", "rejected"):
        assert rows(tmp_path / "out", dataset) == rows(tmp_path / "alone", dataset)
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
    assert summary.finished
    failed = [row["endpoint"] for row in rows(tmp_path / "out", "failures")]
    assert (summary.reports, summary.failures) == (600 - len(failed), len(failed))
    assert sorted(reported(tmp_path / "out") + failed) == sorted(expected(600))
    # Only the partition on which the victim was at work is asked again.
    again = [endpoint for endpoint, times in asked(sandbox.requests).items() if times > 1]
    assert len(again) <= 50
    assert max(asked(sandbox.requests).values()) <= 2


def test_killed_itself_it_goes_on_and_what_the_workers_do_is_not_done_again(cluster, sandbox, tmp_path):
    cluster.add_worker()
    cluster.add_worker()
    command = [
        sys.executable,
        "-m",
        "tests.export.program",
        "sync",
        str(tmp_path / "out"),
        "600",
        "50",
        cluster.address,
    ]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    sandbox.requests.wait_for(200)
    process.kill()
    process.wait(30)
    summary = run(cluster, 600, tmp_path / "out")
    assert summary.finished
    assert reported(tmp_path / "out") == expected(600)
    assert asked(sandbox.requests) == dict.fromkeys(expected(600), 1)


def test_two_processes_do_not_export_to_one_destination_at_once_here_either(cluster, sandbox, tmp_path):
    cluster.add_worker()
    refused = []

    def start_another(progress):
        if progress.done and not refused:
            with pytest.raises(InvalidRequestError, match="another process") as caught:
                run(cluster, 200, tmp_path / "out")
            refused.append(caught)

    assert run(cluster, 200, tmp_path / "out", progress=start_another).finished
    assert refused


def test_stopped_it_finishes_the_partitions_in_work_and_goes_on(cluster, sandbox, tmp_path):
    cluster.add_worker()
    summary = run(cluster, 300, tmp_path / "out", should_stop=lambda: len(sandbox.requests) > 60)
    assert not summary.finished
    assert summary.reports % 50 == 0
    assert run(cluster, 300, tmp_path / "out").finished
    assert asked(sandbox.requests) == dict.fromkeys(expected(300), 1)


def test_what_one_process_had_begun_the_cluster_finishes(cluster, sandbox, tmp_path):
    places = iter(range(70))
    with sandbox.client() as client:
        options = {"partition_size": 50, "should_stop": lambda: next(places, None) is None, **DAYS}
        assert export_call_reports(client, endpoints(200), tmp_path / "out", **options).asked == 70
    cluster.add_worker()
    summary = run(cluster, 200, tmp_path / "out")
    assert (summary.asked, summary.finished) == (130, True)
    assert asked(sandbox.requests) == dict.fromkeys(expected(200), 1)
    assert not list((tmp_path / "out").rglob(".*"))


def test_workers_that_join_late_take_part(cluster, sandbox, tmp_path):
    def join():
        cluster.add_worker()
        sandbox.requests.wait_for(60)
        cluster.add_worker()

    joining = threading.Thread(target=join)
    joining.start()
    with distributed.Client(cluster.address, set_as_default=False) as client:
        assert run(client, 600, tmp_path / "out").finished
        assert client.status == "running"
    joining.join()
    assert reported(tmp_path / "out") == expected(600)


def test_an_async_client_exports_on_a_cluster_too(cluster, sandbox, tmp_path):
    cluster.add_worker()

    async def main():
        async with AsyncReportingClient() as client:
            options = {"partition_size": 50, "cluster": cluster.address, **DAYS}
            return await export_call_reports(client, endpoints(100), tmp_path / "out", **options)

    assert asyncio.run(main()).reports == 100


def test_one_rate_is_shared_by_all_workers(cluster, sandbox, tmp_path):
    cluster.add_worker(threads=2)
    cluster.add_worker(threads=2)
    assert run(cluster, 160, tmp_path / "out", client=ReportingClient(rate_limit=40), partition_size=10).finished
    sent = sorted(datetime.fromisoformat(request.headers["x-timestamp"]) for request in sandbox.requests)
    assert len(sent) == 160
    # Each of four partitions may begin with a burst of two.
    assert (sent[-1] - sent[0]).total_seconds() >= (160 - 4 * 2) / 40


def test_the_command_exports_on_a_cluster(cluster, sandbox, tmp_path, capsys):
    cluster.add_worker()
    (tmp_path / "numbers.txt").write_text("+46730170101\n+46730170102\n")
    arguments = ["export", str(tmp_path / "numbers.txt"), str(tmp_path / "out"), "--output", "json"]
    days = ["--start", "2026-11-01", "--stop", "2026-11-20"]
    assert run_command([*arguments, *days, "--cluster", cluster.address]) == 0
    assert json.loads(capsys.readouterr().out)["reports"] == 2
    assert run_command([*arguments, *days, "--cluster", cluster.address, "--sandbox"]) == 2
    assert "--cluster" in capsys.readouterr().err


def test_a_second_interrupt_of_the_command_cancels_what_workers_do(cluster, sandbox, tmp_path):
    cluster.add_worker()
    sandbox.fail_always(faults.Delay(60))
    (tmp_path / "numbers.txt").write_text("+46730170101\n")
    command = [
        sys.executable,
        "-m",
        "sinch_reporting.cli",
        "export",
        "numbers.txt",
        "out",
        "--cluster",
        cluster.address,
    ]
    options = {"cwd": tmp_path, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*command, "--start", "2026-11-01", "--stop", "2026-11-20"], **options)
    sandbox.requests.wait_for(1)
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if line.startswith("finishing"):
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_refused_credentials_end_the_export(cluster, sandbox, tmp_path):
    cluster.add_worker()
    sandbox.fail_always(faults.Status(401))
    with pytest.raises(AuthenticationError):
        run(cluster, 600, tmp_path / "out")
    sandbox.clear_faults()
    assert run(cluster, 600, tmp_path / "out").reports == 600


def test_credentials_are_never_in_what_is_sent_and_workers_without_any_are_told(cluster, tmp_path, monkeypatch):
    sent = []
    dumps = distributed.protocol.pickle.dumps

    def recording(obj, *args, **kwargs):
        dumped = dumps(obj, *args, **kwargs)
        sent.append(dumped)
        return dumped

    for name in ("SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET"):
        monkeypatch.delenv(name)
    cluster.add_worker()
    monkeypatch.setattr(distributed.protocol.pickle, "dumps", recording)
    with pytest.raises(ConfigurationError, match="credentials are missing"):
        run(cluster, 10, tmp_path / "out", client=ReportingClient(KEY, SECRET))
    assert sent
    assert b"+4673017" in b"".join(sent)
    assert not [each for each in sent if SECRET.encode() in each or KEY.encode() in each]
    assert SECRET not in str(sent)


def test_clients_that_workers_cannot_make_are_refused(sandbox, tmp_path):
    for client in (
        ReportingClient(KEY, SECRET, pickle_credentials=True),
        ReportingClient(auth=sandbox.client()._auth),  # noqa: SLF001
    ):
        with client, pytest.raises(ConfigurationError):
            export_call_reports(client, endpoints(1), tmp_path, cluster="tcp://127.0.0.1:1", **DAYS)
    options = {"cluster": "tcp://127.0.0.1:1", "filesystem": pyarrow.fs.LocalFileSystem(), **DAYS}
    with sandbox.client() as client, pytest.raises(InvalidRequestError, match="path or URI"):
        export_call_reports(client, endpoints(1), tmp_path, **options)


def test_a_cluster_that_cannot_be_reached_is_an_oserror(tmp_path, sandbox):
    quickly = dask.config.set({"distributed.comm.timeouts.connect": "1s"})
    with quickly, sandbox.client() as client, pytest.raises(OSError, match=r"127\.0\.0\.1:1"):
        export_call_reports(client, endpoints(1), tmp_path / "out", cluster="tcp://127.0.0.1:1", **DAYS)
    assert not (tmp_path / "out").exists()


def test_shares_of_a_rate_never_exceed_it():
    rate = Rate(10)
    assert rate.most(4) == 4
    assert [rate.take(place, 2) for place in range(3)] == [(True, 5), (True, 5), (False, None)]
    # Two workers join; they have their shares as soon as one of the first is done.
    assert rate.take(2, 4) == (False, None)
    rate.give_back(0)
    assert [rate.take(place, 4) for place in (2, 3, 4)] == [(True, 2.5), (True, 2.5), (False, None)]
    assert Rate(2.5).most(4) == 2
    assert Rate(0.1).most(4) == 1
    assert Rate(0.1).most(0) == 0
    assert Rate(None).take(0, 1) == (True, None)


def test_a_task_does_not_show_its_endpoints():
    task = Task(
        options={},
        destination="",
        file_format="csv",
        question=None,
        partition=0,
        endpoints=[(0, Number("+46730170101"))],
        known=[],
        concurrency=1,
    )
    assert "4673" not in repr(task)
    assert pickle.loads(pickle.dumps(task)) == task
