"""Compares the export with a hand-written script that produces the same rows, in the same rounds.

Usage of one contender: python -m benchmarks.export NAME URL ENDPOINTS DAYS
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path

from benchmarks import servers
from benchmarks.processes import ROOT, pinned, shuffled_rounds
from benchmarks.results import Ratio, Result, Table

CREDENTIALS = ("5F5C418A0F914BBC8234A9BF5EDDAD97", "JViE5vDor0Sw3WllZka15Q==")
START = date(2026, 11, 1)
CONCURRENCY = 100
ENDPOINTS = 10_000
FEW, MANY = (1_000, 1), (100_000, 3)  # endpoints and days; a million and thirty days take half a day
READ = 1_000_000
SCRIPT, EXPORT, ITERATION, READING = "script", "export", "iteration", "reading"


async def script(url: str, source: Path, days: int) -> None:
    import aiohttp
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = source.read_text().split()  # noqa: ASYNC240 - before the measurement
    for day in (START + timedelta(days=n) for n in range(days)):
        remaining = iter(numbers)
        rows = []

        async def work(day: date = day, remaining: "iter[str]" = remaining, rows: list[tuple] = rows) -> None:
            for number in remaining:
                path = f"{url}/users/number/{number}/calls/pstn?_start={day}&_stop={day}"
                async with session.get(path) as response:
                    found = await response.json()
                rows.append((number, "pstn", day, found["success"], found["failed"], found["duration"], found["start"]))

        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
        names = ["endpoint", "domain", "day", "success", "failed", "duration", "first_call"]
        table = pa.table(dict(zip(names, map(pa.array, zip(*rows, strict=True)), strict=True)))
        pq.write_table(table, source.with_name(f"{day}.parquet"), compression="zstd")


async def export(url: str, source: Path, days: int) -> None:
    from httpx_aiohttp import AiohttpTransport

    from sinch_reporting import AsyncReportingClient
    from sinch_reporting.export import export_call_reports, read_endpoints

    async with AsyncReportingClient(*CREDENTIALS, base_url=url, transport=AiohttpTransport()) as client:
        stop = START + timedelta(days=days - 1)
        options = {"start": START, "stop": stop, "daily": True, "concurrency": CONCURRENCY}
        summary = await export_call_reports(client, read_endpoints(source), source.with_name("calls"), **options)
    assert summary.complete


async def iteration(url: str, source: Path, days: int) -> None:
    from httpx_aiohttp import AiohttpTransport

    from sinch_reporting import AsyncReportingClient, Number

    numbers = [Number(line) for line in source.read_text().split()]  # noqa: ASYNC240 - before the measurement
    async with AsyncReportingClient(*CREDENTIALS, base_url=url, transport=AiohttpTransport()) as client:
        for day in (START + timedelta(days=n) for n in range(days)):
            async for outcome in client.iter_call_reports(numbers, start=day, stop=day, concurrency=CONCURRENCY):
                assert outcome.report


async def reading(_url: str, source: Path, _days: int) -> None:
    from sinch_reporting.export import read_endpoints

    assert sum(len(batch.keys) for batch in read_endpoints(source).batches()) == READ


CONTENDERS: dict[str, Callable[[str, Path, int], Awaitable[None]]] = {
    SCRIPT: script,
    EXPORT: export,
    ITERATION: iteration,
    READING: reading,
}


def run(name: str, url: str, endpoints: int, days: int) -> dict[str, float]:
    """Run a contender in this process, imports included."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "numbers.txt")
        source.write_text("".join(f"+4673{index:09d}\n" for index in range(endpoints)))
        started, cpu = time.perf_counter(), time.process_time()
        asyncio.run(CONTENDERS[name](url, source, days))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu, "rate": endpoints * days / seconds, "memory": peak}


def contend(name: str, url: str, endpoints: int, days: int = 1) -> dict[str, float]:
    """Run a contender in a process of its own."""
    command = [*pinned(0), sys.executable, "-m", "benchmarks.export", name, url, str(endpoints), str(days)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    return dict(json.loads(printed))


def measure(rounds: int) -> Result:
    """Measure rows per second with 50 ms of latency, CPU, memory, and the reading of a million numbers."""
    with servers.slow(pinned(1)) as url:
        speed = shuffled_rounds(rounds, [SCRIPT, EXPORT], lambda name: contend(name, url, ENDPOINTS), "rows per second")
    with servers.nginx(pinned(1)) as url:
        cost = shuffled_rounds(rounds, [ITERATION, EXPORT], lambda name: contend(name, url, ENDPOINTS), "CPU")
        few, many = (contend(EXPORT, url, *size)["memory"] for size in (FEW, MANY))
    read = [contend(READING, "", READ)["cpu"] for _ in range(rounds)]
    sizes = f"{MANY[0]:,} endpoints x {MANY[1]} days / {FEW[0]:,} x {FEW[1]}"
    return Result(
        [
            Ratio(
                "rows per second at 50 ms, 100 concurrent: script / export",
                [each[SCRIPT]["rate"] / each[EXPORT]["rate"] for each in speed],
                1.25,
            ),
            Ratio(
                "CPU: export / `iter_call_reports`",
                [each[EXPORT]["cpu"] / each[ITERATION]["cpu"] for each in cost],
                1.15,
            ),
            Ratio(f"peak memory of the export, {sizes}", [many / few], 1.2),
            Ratio("CPU seconds to read a million numbers", read, 2.0),
        ],
        [
            Table(
                "Peak memory of the export in MiB",
                ["reports", "memory"],
                [["few", f"{few:.0f}"], ["many", f"{many:.0f}"]],
            )
        ],
    )


if __name__ == "__main__":
    name, url, endpoints, days = sys.argv[1:]
    print(json.dumps(run(name, url, int(endpoints), int(days))))
