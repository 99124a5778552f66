"""Measures what a report costs, beside other clients, and writes docs/benchmarks.md with its picture.

All contenders run in turn, in shuffled order, round by round, each in a process of its own; a ratio is taken within its
round, so that a machine whose speed drifts matters little. With two processors, client and server have one each.
"""

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import report, servers
from benchmarks.contenders import ASYNC, BLOCKING

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "result.json"
PACKAGES = ("httpx", "httpcore", "httptools", "aiohttp", "httpx2", "requests")
IDEAL = 200 / servers.DELAY

Figures = dict[str, float]
Case = tuple[str, int]  # a contender, and how many calls at a time

FAST: list[Case] = [
    *((name, 1) for name in BLOCKING),
    *((name, 1) for name in ASYNC if "unlimited" not in name),
    *((name, 100) for name in ASYNC),
    ("async iteration", 100),
]
SLOW: list[Case] = [("async facade", 200), ("async iteration", 200), ("async aiohttp", 200), ("async generated", 200)]
IMPORTS = {
    "nothing": "pass",
    "httpx": "import httpx",
    "sinch_reporting": "import sinch_reporting",
    "ReportingClient": "from sinch_reporting import ReportingClient",
}


def _pin(processor: int) -> list[str]:
    found = os.cpu_count() or 1
    return ["taskset", "-c", str(processor)] if shutil.which("taskset") and found > 1 else []


def _contend(case: Case, url: str, reports: int) -> Figures:
    name, concurrency = case
    command = [*_pin(0), sys.executable, "-m", "benchmarks.contenders", name, url, str(reports), str(concurrency)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return dict(json.loads(printed))


def _import(statement: str) -> float:
    program = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    command = [*_pin(0), sys.executable, "-c", program]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _rounds(count: int, cases: list[Any], measure: Callable[[Any], Any]) -> list[dict[str, Any]]:
    rounds = []
    for number in range(1, count + 1):
        shuffled = random.sample(cases, len(cases))
        rounds.append({report.key(case): measure(case) for case in shuffled})
        print(f"round {number} of {count}", file=sys.stderr)
    return rounds


def _machine() -> dict[str, str]:
    model = "unknown processor"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    nginx = subprocess.run(["nginx", "-v"], check=True, capture_output=True, text=True).stderr
    return {
        "when": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": f"{model}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "nginx": nginx.strip().rpartition("/")[2],
        **{name: version(name) for name in PACKAGES},
    }


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each contender runs")
    parser.add_argument("--reports", type=int, default=1500, help="how many reports it makes each time")
    parser.add_argument("--million", action="store_true", help="measure the memory of a million reports too (minutes)")
    parser.add_argument("--write", action="store_true", help="write result.json, docs/benchmarks.md and its picture")
    options = parser.parse_args()

    found: dict[str, Any] = {"machine": _machine(), "memory": {}}
    with servers.nginx(_pin(1)) as url:
        found["fast"] = _rounds(options.rounds, FAST, lambda case: _contend(case, url, options.reports))
        for reports in (1_000, 1_000_000) if options.million else (1_000, 20_000):
            found["memory"][str(reports)] = _contend(("async iteration", 100), url, reports)["memory"]
    with servers.slow(_pin(1)) as url:
        found["slow"] = _rounds(
            max(options.rounds // 2, 1), SLOW, lambda case: _contend(case, url, 4 * options.reports)
        )
    found["imports"] = _rounds(options.rounds, list(IMPORTS), lambda name: _import(IMPORTS[name]))
    print(report.text(found, IDEAL))
    if options.write:
        RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        report.write(found, IDEAL, ROOT / "docs")


if __name__ == "__main__":
    main()
