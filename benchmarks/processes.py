"""Runs contenders in processes of their own, in shuffled rounds. With two cores, client and server have one each."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[1]

Case = TypeVar("Case")
Value = TypeVar("Value")
Measurement = dict[str, float]
"""CPU seconds per report, reports per second, and peak memory in MiB."""


def pinned(core: int) -> list[str]:
    """Return the start of a command that runs on one core."""
    return ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []


@contextmanager
def contender(name: str, concurrency: int, url: str, reports: int) -> Iterator[Callable[[], Measurement]]:
    """Start a contender. The function requests the reports once, and returns what that has cost."""
    command = [sys.executable, "-m", "benchmarks.contenders", name, url, str(reports), str(concurrency)]
    with subprocess.Popen(
        [*pinned(0), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        start, result = process.stdin, process.stdout
        assert start
        assert result

        def measure() -> Measurement:
            start.write("\n")
            start.flush()
            return dict(json.loads(result.readline()))

        yield measure
    if process.returncode:
        raise SystemExit(f"{name} failed")


def shuffled_rounds(
    count: int, cases: list[Case], measure: Callable[[Case], Value], name: str
) -> list[dict[Case, Value]]:
    """Measure all cases in each round, in random order, so that a change of the machine's speed affects all of them."""
    rounds = []
    for number in range(1, count + 1):
        rounds.append({case: measure(case) for case in random.sample(cases, len(cases))})
        print(f"{name}: round {number} of {count}", file=sys.stderr)
    return rounds
