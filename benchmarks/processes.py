"""Runs contenders in processes of their own, in shuffled rounds. With two cores, client and server have one each."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
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


def contend(name: str, concurrency: int, url: str, reports: int) -> Measurement:
    """Measure one contender."""
    command = [sys.executable, "-m", "benchmarks.contenders", name, url, str(reports), str(concurrency)]
    printed = subprocess.run([*pinned(0), *command], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    return dict(json.loads(printed))


def shuffled_rounds(
    count: int, cases: list[Case], measure: Callable[[Case], Value], name: str
) -> list[dict[Case, Value]]:
    """Measure all cases in each round, in random order, so that a change of the machine's speed affects all of them."""
    rounds = []
    for number in range(1, count + 1):
        rounds.append({case: measure(case) for case in random.sample(cases, len(cases))})
        print(f"{name}: round {number} of {count}", file=sys.stderr)
    return rounds
