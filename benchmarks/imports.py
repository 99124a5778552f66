"""CPU of the imports."""

import statistics
import subprocess
import sys

from benchmarks.processes import pinned, shuffled_rounds
from benchmarks.results import Ratio, Result, Table

HTTPX, CLIENT = "import httpx", "from sinch_reporting import ReportingClient"
ASYNC_CLIENT = "from sinch_reporting import AsyncReportingClient"


def _seconds(statement: str) -> float:
    program = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    command = [*pinned(0), sys.executable, "-c", program]
    # The best of three: other work on the machine only adds to the CPU.
    return min(float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(3))


def measure(rounds: int) -> Result:
    """Measure the imports, each in a new process."""
    found = shuffled_rounds(rounds, [HTTPX, CLIENT, ASYNC_CLIENT], _seconds, "imports")
    ratio = Ratio(f"`{CLIENT}` / `{HTTPX}`", [measured[CLIENT] / measured[HTTPX] for measured in found], 1.2)
    rows = [[f"`{name}`", f"{statistics.median(each[name] for each in found) * 1000:.0f}"] for name in found[0]]
    return Result([ratio], [Table("CPU of imports in ms", ["statement", "CPU"], sorted(rows, key=lambda row: row[1]))])
