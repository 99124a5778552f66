"""Measures the cost of reports compared with other clients. Exits with 1 if a limit is missed."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import page
from benchmarks.results import Ratio, Result, Table, missed, ratio_table

BENCHMARKS = ("calls", "imports", "memory", "export")
"""Modules of this package. Each has `measure(rounds: int) -> Result`."""

PACKAGES = ("httpx", "httpcore", "anyio", "aiohttp", "httpx-aiohttp", "httpx2", "requests")
SAVED = Path(__file__).with_name("result.json")


def _load() -> dict[str, Result]:
    saved = json.loads(SAVED.read_text("utf-8")) if SAVED.exists() else {}
    return {
        name: Result([Ratio(**ratio) for ratio in result["ratios"]], [Table(**table) for table in result["tables"]])
        for name, result in saved.items()
    }


def _machine() -> Table:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    nginx = subprocess.run(["nginx", "-v"], check=True, capture_output=True, text=True).stderr
    rows = [
        ["date", f"{datetime.now(UTC):%Y-%m-%d}"],
        ["processor", f"{processor}, {os.cpu_count()} cores"],
        ["load average", f"{os.getloadavg()[0]:.1f}"],
        ["system", f"{platform.system()} {platform.machine()}"],
        ["Python", platform.python_version()],
        ["nginx", nginx.strip().rpartition("/")[2]],
    ]
    return Table("Measured on", ["", ""], rows + [[name, version(name)] for name in PACKAGES])


def main() -> int:
    """Measure, and return 1 if a limit is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"default: {' '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="save the results, and write docs/benchmarks.md and .svg")
    options = parser.parse_args()
    if unknown := set(options.benchmarks) - set(BENCHMARKS):
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}; available: {', '.join(BENCHMARKS)}")

    results = {
        name: importlib.import_module(f"benchmarks.{name}").measure(options.rounds)
        for name in options.benchmarks or BENCHMARKS
    }
    print(ratio_table(results.values()))
    if options.write:
        saved = _load() | results
        SAVED.write_text(json.dumps({name: asdict(result) for name, result in saved.items()}, indent=1) + "\n", "utf-8")
        page.write(saved, _machine())
    misses = missed(results.values())
    for name in misses:
        print(f"limit missed: {name}", file=sys.stderr)
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
