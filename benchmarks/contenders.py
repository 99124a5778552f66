"""Requests many reports with one client for each line of its input, and prints its CPU, rate and memory as JSON.

Usage: python -m benchmarks.contenders NAME URL REPORTS CONCURRENCY
"""

import asyncio
import itertools
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import date
from typing import Any, Self

DOMAIN, START, STOP = "pstn", date(2026, 11, 1), date(2026, 11, 20)
CREDENTIALS = ("5F5C418A0F914BBC8234A9BF5EDDAD97", "JViE5vDor0Sw3WllZka15Q==")
NUMBERS = (f"+4673{index:09d}" for index in itertools.count())

Report = Callable[[], object]
AsyncReport = Callable[[], Awaitable[object]]


def plain_url(base_url: str) -> str:
    return f"{base_url}/users/number/{next(NUMBERS)}/calls/{DOMAIN}?_start={START}&_stop={STOP}"


def generated_arguments() -> dict[str, Any]:
    from sinch_reporting_client import models

    kinds = {"type_": models.EndpointType.NUMBER, "domain": models.Domain.PSTN}
    return {**kinds, "field_start": START, "field_stop": STOP}


@contextmanager
def generated(url: str) -> Iterator[Report]:
    from sinch_reporting_client import AuthenticatedClient
    from sinch_reporting_client.api.call_report import get_call_report

    with AuthenticatedClient(base_url=url, token="none") as client:
        arguments = generated_arguments()
        yield lambda: get_call_report.sync(client=client, endpoint=next(NUMBERS), **arguments)


@contextmanager
def facade(url: str) -> Iterator[Report]:
    from sinch_reporting import Number, ReportingClient

    with ReportingClient(*CREDENTIALS, base_url=url) as client:
        yield lambda: client.get_call_report(Number(next(NUMBERS)), domain=DOMAIN, start=START, stop=STOP)


@contextmanager
def httpx_alone(url: str) -> Iterator[Report]:
    import httpx

    with httpx.Client() as client:
        yield lambda: client.get(plain_url(url)).json()


@contextmanager
def httpx2_alone(url: str) -> Iterator[Report]:
    import httpx2

    with httpx2.Client() as client:
        yield lambda: client.get(plain_url(url)).json()


@contextmanager
def requests_alone(url: str) -> Iterator[Report]:
    import requests

    with requests.Session() as session:
        yield lambda: session.get(plain_url(url)).json()


@asynccontextmanager
async def async_generated(url: str) -> AsyncIterator[AsyncReport]:
    from sinch_reporting_client import AuthenticatedClient
    from sinch_reporting_client.api.call_report import get_call_report

    async with AuthenticatedClient(base_url=url, token="none") as client:
        arguments = generated_arguments()
        yield lambda: get_call_report.asyncio(client=client, endpoint=next(NUMBERS), **arguments)


def aiohttp_transport() -> Any:
    from httpx_aiohttp import AiohttpTransport

    return AiohttpTransport()


@asynccontextmanager
async def async_facade(url: str, transport: Any = None) -> AsyncIterator[AsyncReport]:
    from sinch_reporting import AsyncReportingClient, Number

    async with AsyncReportingClient(*CREDENTIALS, base_url=url, transport=transport) as client:
        yield lambda: client.get_call_report(Number(next(NUMBERS)), domain=DOMAIN, start=START, stop=STOP)


def async_facade_aiohttp(url: str) -> AbstractAsyncContextManager[AsyncReport]:
    return async_facade(url, aiohttp_transport())


@asynccontextmanager
async def async_httpx(url: str, transport: Any = None) -> AsyncIterator[AsyncReport]:
    import httpx

    async def report() -> object:
        return (await client.get(plain_url(url))).json()

    async with httpx.AsyncClient(transport=transport) as client:
        yield report


def async_httpx_aiohttp(url: str) -> AbstractAsyncContextManager[AsyncReport]:
    return async_httpx(url, aiohttp_transport())


@asynccontextmanager
async def async_httpx2(url: str) -> AsyncIterator[AsyncReport]:
    import httpx2

    async def report() -> object:
        return (await client.get(plain_url(url))).json()

    async with httpx2.AsyncClient() as client:
        yield report


@asynccontextmanager
async def async_aiohttp(url: str) -> AsyncIterator[AsyncReport]:
    import aiohttp

    async def report() -> object:
        async with session.get(plain_url(url)) as response:
            return await response.json()

    async with aiohttp.ClientSession() as session:
        yield report


# Every client has its own defaults.
BLOCKING = {
    "requests": requests_alone,
    "httpx": httpx_alone,
    "httpx2": httpx2_alone,
    "generated client": generated,
    "ReportingClient": facade,
}
ASYNC = {
    "async httpx": async_httpx,
    "async httpx2": async_httpx2,
    "async httpx-aiohttp": async_httpx_aiohttp,
    "async aiohttp": async_aiohttp,
    "async generated client": async_generated,
    "AsyncReportingClient": async_facade,
    "AsyncReportingClient, aiohttp": async_facade_aiohttp,
}
ITERATION = "iter_call_reports"


class Stopwatch:
    """Measures the CPU and the time of a block in seconds."""

    def __enter__(self) -> Self:
        self._cpu, self._time = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu, self.seconds = time.process_time() - self._cpu, time.perf_counter() - self._time


def warm_up(reports: int, concurrency: int) -> int:
    return min(reports // 10, 1000) + 2 * concurrency + 20


def show(stopwatch: Stopwatch, reports: int) -> None:
    measurement = {
        "cpu": stopwatch.cpu / reports,
        "rate": reports / stopwatch.seconds,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(measurement), flush=True)


def measure_blocking(name: str, url: str, reports: int) -> None:
    with BLOCKING[name](url) as report:
        for _ in sys.stdin:
            for _ in range(warm_up(reports, 1)):
                report()
            with Stopwatch() as stopwatch:
                for _ in range(reports):
                    report()
            show(stopwatch, reports)


async def take_turns(request: Callable[[int], Awaitable[None]], reports: int, concurrency: int) -> None:
    for _ in sys.stdin:
        await request(warm_up(reports, concurrency))
        with Stopwatch() as stopwatch:
            await request(reports)
        show(stopwatch, reports)


async def measure_async(name: str, url: str, reports: int, concurrency: int) -> None:
    async def request(count: int) -> None:
        remaining = iter(range(count))

        async def work() -> None:
            for _ in remaining:
                await report()

        await asyncio.gather(*(work() for _ in range(concurrency)))

    async with ASYNC[name](url) as report:
        await take_turns(request, reports, concurrency)


async def measure_iteration(url: str, reports: int, concurrency: int) -> None:
    from sinch_reporting import AsyncReportingClient, Number

    async def request(count: int) -> None:
        endpoints = (Number(number) for number in itertools.islice(NUMBERS, count))
        succeeded = 0
        async for outcome in client.iter_call_reports(
            endpoints, domain=DOMAIN, start=START, stop=STOP, concurrency=concurrency
        ):
            succeeded += outcome.error is None
        assert succeeded == count

    async with AsyncReportingClient(*CREDENTIALS, base_url=url) as client:
        await take_turns(request, reports, concurrency)


def main(name: str, url: str, reports: int, concurrency: int) -> None:
    if name in BLOCKING:
        measure_blocking(name, url, reports)
    elif name == ITERATION:
        asyncio.run(measure_iteration(url, reports, concurrency))
    else:
        asyncio.run(measure_async(name, url, reports, concurrency))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
