import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sinch_reporting.export import export_call_reports
from sinch_reporting.testing import faults
from tests.export.program import endpoints
from tests.support.exports import DAYS, asked, rows

ROOT = Path(__file__).resolve().parents[2]
COUNT, SIZE, CONCURRENCY, KILLS = 600, 50, 4, 6


def start(kind, destination):
    command = [sys.executable, "-m", "tests.export.program", kind, str(destination), str(COUNT), str(SIZE)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_no_endpoint_is_missing_or_there_twice(tmp_path, sandbox, kind, seed):
    moments = random.Random(seed)
    destination = tmp_path / "out"
    sandbox.chaos(0.1, seed=seed, faults=[faults.Status(404)])
    visible = []
    for _ in range(KILLS):
        process = start(kind, destination)
        sandbox.requests.wait_for(len(sandbox.requests) + moments.randint(1, COUNT // KILLS - CONCURRENCY))
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
        process.stderr.close()
        # Every file that can be seen is whole, and what was there stays.
        known, visible = visible, rows(destination, "reports")
        assert visible[: len(known)] == known
        rows(destination, "failures")
    process = start(kind, destination)
    assert process.communicate(timeout=120) == (None, b"")
    assert process.returncode == 0

    expected = [endpoint.value for endpoint in endpoints(COUNT)]
    reports, failures = rows(destination, "reports"), rows(destination, "failures")
    assert failures
    assert sorted(row["endpoint"] for row in reports + failures) == sorted(expected)
    assert not list(destination.rglob(".*"))
    # What was in flight when the process was killed is asked again, and nothing else.
    times = asked(sandbox.requests)
    assert set(times) == set(expected)
    assert sum(times.values()) - COUNT <= KILLS * CONCURRENCY

    sandbox.clear_faults()
    failed = {row["endpoint"] for row in failures}
    with sandbox.client() as client:
        export_call_reports(client, endpoints(COUNT), tmp_path / "whole", partition_size=SIZE, **DAYS)
    assert reports == [row for row in rows(tmp_path / "whole", "reports") if row["endpoint"] not in failed]


def test_killed_while_the_files_are_written_it_goes_on(tmp_path, sandbox):
    """The moments between the steps of a commit, each made by an exit at just that step."""
    program = """
import os, sys
from sinch_reporting.export import store
from tests.export.program import main

step, writes = int(sys.argv[1]), 0

def dying(name, inner):
    def wrapped(*arguments, **options):
        global writes
        writes += 1
        if writes == step:
            os._exit(9)
        return inner(*arguments, **options)
    return wrapped

for name in ("fsync", "open"):
    setattr(store.os, name, dying(name, getattr(os, name)))
main(*sys.argv[2:])
"""
    destination = tmp_path / "out"
    deaths = 0
    for step in range(1, 100):
        arguments = [str(step), "sync", str(destination), "40", "10"]
        ran = subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, check=False)
        rows(destination, "reports")
        rows(destination, "failures")
        if not ran.returncode:
            break
        assert ran.returncode == 9
        deaths += 1
    assert deaths > 4
    assert [row["endpoint"] for row in rows(destination, "reports")] == [each.value for each in endpoints(40)]
    assert sum(asked(sandbox.requests).values()) <= 40 + deaths * CONCURRENCY
