"""Makes many reports in one way, in a process of its own, and prints what that took, as JSON.

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
NUMBERS = (f"+4673{place:09d}" for place in itertools.count())

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
async def async_generated(url: str, **httpx_options: Any) -> AsyncIterator[AsyncReport]:
    from sinch_reporting_client import AuthenticatedClient
    from sinch_reporting_client.api.call_report import get_call_report

    async with AuthenticatedClient(base_url=url, token="none", httpx_args=httpx_options) as client:
        arguments = generated_arguments()
        yield lambda: get_call_report.asyncio(client=client, endpoint=next(NUMBERS), **arguments)


def async_generated_unlimited(url: str) -> AbstractAsyncContextManager[AsyncReport]:
    """Keeps all its connections: by default httpx keeps twenty, and opens the others anew for each request."""
    import httpx

    return async_generated(url, limits=httpx.Limits(max_connections=None, max_keepalive_connections=None))


@asynccontextmanager
async def async_facade(url: str) -> AsyncIterator[AsyncReport]:
    from sinch_reporting import AsyncReportingClient, Number

    async with AsyncReportingClient(*CREDENTIALS, base_url=url) as client:
        yield lambda: client.get_call_report(Number(next(NUMBERS)), domain=DOMAIN, start=START, stop=STOP)


def async_facade_httpcore(url: str) -> AbstractAsyncContextManager[AsyncReport]:
    """The facade as it is behind a proxy and under trio."""
    from sinch_reporting import transport
    from sinch_reporting.httpcore_transport import AsyncPooledTransport

    transport.AsyncioTransport = lambda _loop, context: AsyncPooledTransport(None, context)  # type: ignore[assignment,misc]
    return async_facade(url)


@asynccontextmanager
async def async_httpx(url: str) -> AsyncIterator[AsyncReport]:
    import httpx

    async def report() -> object:
        return (await client.get(plain_url(url))).json()

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None, max_keepalive_connections=None)) as client:
        yield report


@asynccontextmanager
async def async_httpx2(url: str) -> AsyncIterator[AsyncReport]:
    import httpx2

    async def report() -> object:
        return (await client.get(plain_url(url))).json()

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(limits=limits) as client:
        yield report


@asynccontextmanager
async def async_aiohttp(url: str) -> AsyncIterator[AsyncReport]:
    import aiohttp

    async def report() -> object:
        async with session.get(plain_url(url)) as response:
            return await response.json()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield report


BLOCKING = {
    "generated": generated,
    "facade": facade,
    "httpx": httpx_alone,
    "httpx2": httpx2_alone,
    "requests": requests_alone,
}
ASYNC = {
    "async generated": async_generated,
    "async generated, unlimited": async_generated_unlimited,
    "async facade": async_facade,
    "async facade, httpcore": async_facade_httpcore,
    "async httpx": async_httpx,
    "async httpx2": async_httpx2,
    "async aiohttp": async_aiohttp,
}


class Measured:
    """The CPU and the time that a block takes."""

    def __enter__(self) -> Self:
        self._cpu, self._time = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu, self.seconds = time.process_time() - self._cpu, time.perf_counter() - self._time


def measure_blocking(name: str, url: str, reports: int) -> Measured:
    with BLOCKING[name](url) as report:
        for _ in range(reports // 10 + 20):
            report()
        with Measured() as measured:
            for _ in range(reports):
                report()
    return measured


async def measure_async(name: str, url: str, reports: int, concurrency: int) -> Measured:
    async def make(count: int) -> None:
        places = iter(range(count))

        async def work() -> None:
            for _ in places:
                await report()

        await asyncio.gather(*(work() for _ in range(concurrency)))

    async with ASYNC[name](url) as report:
        await make(reports // 10 + 2 * concurrency)
        with Measured() as measured:
            await make(reports)
    return measured


async def measure_iteration(url: str, reports: int, concurrency: int) -> Measured:
    from sinch_reporting import AsyncReportingClient, Number

    async with AsyncReportingClient(*CREDENTIALS, base_url=url) as client:

        async def make(count: int) -> None:
            endpoints = (Number(number) for number in itertools.islice(NUMBERS, count))
            made = 0
            async for outcome in client.iter_call_reports(
                endpoints, domain=DOMAIN, start=START, stop=STOP, concurrency=concurrency
            ):
                made += outcome.report is not None
            assert made == count

        await make(reports // 10 + 2 * concurrency)
        with Measured() as measured:
            await make(reports)
    return measured


def main(name: str, url: str, reports: int, concurrency: int) -> None:
    if name in BLOCKING:
        measured = measure_blocking(name, url, reports)
    elif name == "async iteration":
        measured = asyncio.run(measure_iteration(url, reports, concurrency))
    else:
        measured = asyncio.run(measure_async(name, url, reports, concurrency))
    figures = {
        "cpu": measured.cpu / reports,
        "rate": reports / measured.seconds,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
