"""CPU and rate of reports, compared with other clients."""

import statistics
from contextlib import ExitStack

from benchmarks import servers
from benchmarks.contenders import ASYNC, BLOCKING, ITERATION
from benchmarks.processes import Measurement, contender, pinned, shuffled_rounds
from benchmarks.results import Ratio, Result, Table

TURNS = 2  # of each round
REPORTS = {1: 300, 100: 1500}
SLOW_REPORTS = {100: 4000}
SLOW = ["async generated client", "async httpx-aiohttp", "async aiohttp", "AsyncReportingClient"]
SLOW += ["AsyncReportingClient, aiohttp", ITERATION]

Case = tuple[str, int]  # a contender, and the number of concurrent calls
Round = dict[Case, Measurement]
CASES: list[Case] = [(name, 1) for name in (*BLOCKING, *ASYNC)] + [(name, 100) for name in (*ASYNC, ITERATION)]


def _ratio(name: str, rounds: list[Round], case: Case, base: Case, limit: float, aim: float | None = None) -> Ratio:
    return Ratio(name, [measured[case]["cpu"] / measured[base]["cpu"] for measured in rounds], limit, aim)


def _ratios(rounds: list[Round]) -> list[Ratio]:
    generated, many = "async generated client", ("async generated client", 100)
    client, with_aiohttp = ("AsyncReportingClient", 100), ("AsyncReportingClient, aiohttp", 100)
    return [
        _ratio("sync / generated client", rounds, ("ReportingClient", 1), ("generated client", 1), 0.7, 0.55),
        _ratio("async, 1 at a time / generated client", rounds, (client[0], 1), (generated, 1), 0.85, 0.7),
        _ratio("async, 100 at a time / generated client", rounds, client, many, 0.33, 0.25),
        _ratio("the same with the extra `aiohttp` / generated client", rounds, with_aiohttp, many, 0.22),
        _ratio("the same / aiohttp alone with `json()`", rounds, with_aiohttp, ("async aiohttp", 100), 3.5),
        _ratio("`iter_call_reports` / single calls, 100 at a time", rounds, (ITERATION, 100), client, 1.1),
    ]


def _cpu_table(rounds: list[Round]) -> Table:
    def cell(name: str, concurrency: int) -> str:
        values = [measured[name, concurrency]["cpu"] for measured in rounds if (name, concurrency) in measured]
        return f"{statistics.median(values) * 1e6:.0f}" if values else ""

    rows = [[name, cell(name, 1), cell(name, 100)] for name in (*BLOCKING, *ASYNC, ITERATION)]
    return Table("CPU per report in µs", ["client", "1 at a time", "100 at a time"], rows)


def _rate_table(rounds: list[Round]) -> Table:
    rows = [[name, f"{statistics.median(measured[name, 100]['rate'] for measured in rounds):.0f}"] for name in SLOW]
    return Table("Reports per second at 50 ms of latency, 100 at a time (at most 2,000)", ["client", "rate"], rows)


def _measure(rounds: int, cases: list[Case], url: str, reports: dict[int, int], name: str) -> list[Round]:
    # All processes run at the same time, and one of them works: their short turns see the same speed of the machine.
    with ExitStack() as stack:
        request = {case: stack.enter_context(contender(*case, url, reports[case[1]])) for case in cases}
        return shuffled_rounds(rounds, cases, lambda case: request[case](), name)


def measure(rounds: int) -> Result:
    """Measure all contenders."""
    with servers.nginx(pinned(1)) as url:
        fast = _measure(TURNS * rounds, CASES, url, REPORTS, "calls")
    with servers.slow(pinned(1)) as url:
        slow = _measure(max(rounds // 3, 1), [(name, 100) for name in SLOW], url, SLOW_REPORTS, "latency")
    return Result(_ratios(fast), [_cpu_table(fast), _rate_table(slow)])
