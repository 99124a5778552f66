"""A kill at any moment loses nothing, and repeats at most what was in flight."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sinch_reporting.testing import faults
from tests.export.program import CONCURRENCY
from tests.support.exports import endpoints, requested, rows, state, units

ROOT = Path(__file__).resolve().parents[2]
COUNT, KILLS = 120, 4


def start(kind, destination):
    command = [sys.executable, "-m", "tests.export.program", kind, str(destination), str(COUNT)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


@pytest.mark.parametrize(("kind", "seed"), [("sync", 1), ("async", 2)])
def test_killed_again_and_again_no_report_is_missing_or_there_twice(tmp_path, sandbox, kind, seed):
    moments = random.Random(seed)
    destination = tmp_path / "out"
    sandbox.chaos(0.1, seed=seed, faults=[faults.Status(404)])
    visible = []
    for _ in range(KILLS):
        process = start(kind, destination)
        sandbox.requests.wait_for(len(sandbox.requests) + moments.randint(1, 3 * COUNT // KILLS - CONCURRENCY))
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
        process.stderr.close()
        # Every file that can be seen is whole, and what was there stays.
        known, visible = visible, rows(destination)
        assert visible[: len(known)] == known
        rows(destination, "failures")
        assert state(destination)["state"] == "incomplete"
    process = start(kind, destination)
    assert process.communicate(timeout=120) == (None, b"")
    assert process.returncode == 0

    expected = [(each.value, f"2026-11-0{day}") for each in endpoints(COUNT) for day in (1, 2, 3)]
    reports, failures = units(destination), units(destination, "failures")
    assert failures
    assert sorted((endpoint, day) for endpoint, day, _ in reports + failures) == sorted(expected)
    assert not list(destination.rglob(".*"))
    times = requested(sandbox.requests)
    assert sum(times.values()) - 3 * COUNT <= KILLS * CONCURRENCY
    assert state(destination)["reports"] == len(reports)


PROGRAM = """
import os, sys
from pathlib import Path
from sinch_reporting.export import journal, output_store
from tests.export.program import main

def die_at(step):
    steps = 0

    def dying(inner):
        def wrapped(*arguments, **options):
            nonlocal steps
            steps += 1
            if steps == step:
                os._exit(9)
            return inner(*arguments, **options)
        return wrapped

    for owner, name in (
        (output_store.os, "fsync"), (Path, "replace"), (output_store.OutputStore, "delete"),
        (journal.Journal, "delete"), (journal.Journal, "remove"),
    ):
        setattr(owner, name, dying(getattr(owner, name)))

for step in range(1, 200):
    child = os.fork()
    if not child:
        die_at(step)
        main(*sys.argv[1:])
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 9:
        break
print(step - 1)
sys.exit(code)
"""


def test_killed_between_any_two_writes_it_resumes(tmp_path, sandbox):
    sandbox.fail_next(*[None] * 7, faults.Status(404))
    destination = tmp_path / "out"
    command = [sys.executable, "-c", PROGRAM, "sync", str(destination), "10"]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    deaths = int(ran.stdout)
    assert deaths > 10
    assert len(set(units(destination))) == len(units(destination)) == 29
    assert len(units(destination, "failures")) == 1
    assert sum(requested(sandbox.requests).values()) <= 30 + deaths * CONCURRENCY
    assert state(destination)["state"] == "complete"
    assert not list(destination.rglob(".*"))
