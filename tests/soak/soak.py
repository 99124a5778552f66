"""Many calls at once against a Sandbox, in another process, that meets three in ten requests with a fault.

Run by hand with scripts/soak. Every call must end in the right report or in a documented error, within its deadline.
Nothing may be left over: no file descriptor, task, thread or connection. Memory stays flat.
"""

import argparse
import asyncio
import gc
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
from attrs import define, field

from sinch_reporting import AsyncReportingClient, CallReport, ReportingClient, ReportingError, RetryPolicy, Username
from sinch_reporting.testing import Sandbox

NAMES = [Username(f"anna-{number}") for number in range(50)]
DEADLINE = 5.0
GRACE = 3.0  # for a busy machine to get round to it
MEMORY_MIB = 16.0
PARTS = 5
FAULTS = (
    *("401", "404", "429", "429:retry-after=1", "500", "502:body=Bad gateway", "503", "503:retry-at=1", "520"),
    *(
        "connection-reset:before-headers",
        "connection-reset:in-headers",
        "connection-reset:after-headers",
        "drop-keep-alive",
        "drop-keep-alive:on-next-request",
    ),
    *(
        "truncate",
        "wrong-content-length:10",
        "wrong-content-length:-10",
        "slow-drip:body",
        "slow-drip:headers",
        "no-response",
        "delay:0.1",
    ),
    *("clock-skew", "html-page", "invalid-utf8", "invalid-json", "wrong-types", "gzip-bomb", "huge-header", "not-http"),
)
POLICY = RetryPolicy(backoff_base=0.02, max_retry_after=2)


@define
class Soaked:
    """What became of the calls, and what was left over."""

    right: int = 0
    errors: Counter[str] = field(factory=Counter)
    wrong: list[str] = field(factory=list)
    left_over: list[str] = field(factory=list)
    slowest: float = 0.0
    resident: list[float] = field(factory=list)

    def take(self, began: float, outcome: object, expected: CallReport) -> None:
        """Take the outcome of one call."""
        self.slowest = max(self.slowest, time.monotonic() - began)
        if isinstance(outcome, ReportingError):
            self.errors[type(outcome).__name__] += 1
        elif outcome == expected:
            self.right += 1
        else:
            self.wrong.append(repr(outcome))

    def note_memory(self) -> None:
        """Note how much memory is in use, after a part of the calls."""
        gc.collect()
        self.resident.append(psutil.Process().memory_info().rss / 2**20)

    @property
    def growth(self) -> float:
        """The MiB by which memory grew after the first two parts, in which pools, threads and caches settle."""
        return self.resident[-1] - self.resident[1]

    def problems(self, calls: int) -> list[str]:
        """Return what should not be."""
        ended = self.right + sum(self.errors.values()) + len(self.wrong)
        return [
            *self.wrong,
            *self.left_over,
            *([f"{ended} of {calls} calls ended"] if ended != calls else []),
            *([f"a call took {self.slowest:.1f} s"] if self.slowest > DEADLINE + GRACE else []),
            *([f"memory grew by {self.growth:.1f} MiB"] if self.growth > MEMORY_MIB else []),
        ]


def expected_reports() -> list[CallReport]:
    """Return the response of a Sandbox without faults."""
    with Sandbox() as sandbox, sandbox.client() as reporting:
        return [reporting.get_call_report(name) for name in NAMES]


@contextmanager
def misbehaving_sandbox() -> Iterator[dict[str, str]]:
    """Run a Sandbox that misbehaves in a process of its own, and give the options of its clients."""
    command = [sys.executable, "-m", "sinch_reporting.testing", "--chaos", "0.3", "--seed", "1"]
    command += [f"--fault={fault}" for fault in FAULTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = "".join(process.stdout.readline() for _ in range(3)) if process.stdout else ""
            url, key, secret = (line.strip("'\"") for line in re.findall(r"export \w+=(\S+)", lines))
            yield {"base_url": url, "application_key": key, "application_secret": secret}
        finally:
            process.terminate()


@contextmanager
def nothing_left_over(soaked: Soaked, url: str) -> Iterator[None]:
    """Note what is there afterwards that was not there before."""
    process = psutil.Process()
    gc.collect()
    descriptors, threads = process.num_fds(), set(threading.enumerate())
    yield
    gc.collect()
    if process.num_fds() > descriptors:
        soaked.left_over.append(f"{process.num_fds() - descriptors} file descriptors")
    if set(threading.enumerate()) - threads:
        soaked.left_over.append(f"threads: {set(threading.enumerate()) - threads}")
    port = int(re.findall(r":(\d+)/", url)[0])
    connections = [one for one in process.net_connections() if one.raddr and one.raddr.port == port]
    if connections:
        soaked.left_over.append(f"connections: {connections}")


def soak_blocking(sandbox: dict[str, str], calls: int, concurrency: int, expected: list[CallReport]) -> Soaked:
    """Make the calls with one blocking client, in so many threads."""
    soaked, lock = Soaked(), threading.Lock()

    def one_call(reporting: ReportingClient, number: int) -> None:
        began = time.monotonic()
        try:
            outcome: object = reporting.get_call_report(NAMES[number % len(NAMES)])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            outcome = error
        with lock:
            soaked.take(began, outcome, expected[number % len(NAMES)])

    with (
        nothing_left_over(soaked, sandbox["base_url"]),
        ReportingClient(timeout=0.5, deadline=DEADLINE, retry=POLICY, **sandbox) as reporting,
        ThreadPoolExecutor(concurrency) as threads,
    ):
        for _ in range(PARTS):
            for made in [threads.submit(one_call, reporting, number) for number in range(calls // PARTS)]:
                made.result()
            soaked.note_memory()
    return soaked


def soak_async(sandbox: dict[str, str], calls: int, concurrency: int, expected: list[CallReport]) -> Soaked:
    """Make the calls with one async client, in so many tasks."""
    soaked = Soaked()

    async def some_calls(reporting: AsyncReportingClient, numbers: Iterator[int]) -> None:
        for number in numbers:
            began = time.monotonic()
            try:
                outcome: object = await reporting.get_call_report(NAMES[number % len(NAMES)])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                outcome = error
            soaked.take(began, outcome, expected[number % len(NAMES)])

    async def all_calls() -> None:
        async with AsyncReportingClient(timeout=0.5, deadline=DEADLINE, retry=POLICY, **sandbox) as reporting:
            for _ in range(PARTS):
                numbers = iter(range(calls // PARTS))
                await asyncio.gather(*(some_calls(reporting, numbers) for _ in range(concurrency)))
                soaked.note_memory()
        if asyncio.all_tasks() - {asyncio.current_task()}:
            soaked.left_over.append(f"tasks: {asyncio.all_tasks()}")

    with nothing_left_over(soaked, sandbox["base_url"]):
        asyncio.run(all_calls())
    return soaked


SOAKS = {"ReportingClient": soak_blocking, "AsyncReportingClient": soak_async}


def main() -> int:
    """Soak both clients, and tell what became of it."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--concurrency", type=int, default=50, help="default: %(default)s")
    options = parser.parse_args()
    expected = expected_reports()
    failed = False
    for name, soak in SOAKS.items():
        with misbehaving_sandbox() as sandbox:
            began = time.monotonic()
            soaked = soak(sandbox, options.calls, options.concurrency, expected)
        print(f"{name}: {options.calls} calls in {time.monotonic() - began:.0f} s, {soaked.right} right reports")
        print(f"  errors: {dict(soaked.errors)}")
        print(f"  the slowest call took {soaked.slowest:.1f} s; memory, MiB: {[round(one) for one in soaked.resident]}")
        problems = soaked.problems(options.calls)
        print("\n".join(f"  WRONG: {problem}" for problem in problems) or "  nothing wrong, nothing left over")
        failed = failed or bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
