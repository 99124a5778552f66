"""What a worker of a Dask cluster runs: it requests a batch of reports, and returns their outcomes."""

import math
import threading
from collections.abc import Iterator
from typing import Any

import anyio
from attrs import field, frozen

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.errors import ConfigurationError, ReportingError
from sinch_reporting.export.failures import CircuitBreaker, Failure, classify
from sinch_reporting.export.input_index import to_endpoint
from sinch_reporting.export.job import PausePolicy, Period
from sinch_reporting.models import CallReport
from sinch_reporting.parameters import Domain
from sinch_reporting.rate_limit import RateLimiter


class _Limiter(threading.local):
    """The rate limiter of a worker's thread, for all its batches of one export: the time between them is not lost."""

    export = ""
    limiter = RateLimiter(None)


_of_thread = _Limiter()


@frozen(kw_only=True)
class Batch:
    """Reports to request. It contains no credentials: those are in the worker's environment.

    Attributes:
        export: Identifies the run of the export.
        options: Options of the worker's client.
        period: The period.
        units: Domain and key of each report.
        concurrency: Number of concurrent requests.
        rate: Requests per second; None for no limit.
        pause: When to end early because the server fails.
    """

    export: str
    options: dict[str, Any]
    period: Period
    units: list[tuple[str, str]] = field(repr=False)
    concurrency: int
    rate: float | None
    pause: PausePolicy


def request_batch(batch: Batch) -> list[tuple[int, CallReport | ReportingError]]:
    """Request a batch, in a thread of a worker. Return the index and the result of each request that was sent."""
    return anyio.run(_request, batch)


def configuration_problem(options: dict[str, Any]) -> str | None:
    """Return why the worker cannot make a client, None if it can."""
    try:
        AsyncReportingClient(**options)
    except ConfigurationError as error:
        return str(error)
    return None


async def _request(batch: Batch) -> list[tuple[int, CallReport | ReportingError]]:
    results: list[tuple[int, CallReport | ReportingError]] = []
    breaker = CircuitBreaker(batch.pause)
    if _of_thread.export != batch.export:
        _of_thread.export, _of_thread.limiter = batch.export, RateLimiter(batch.rate)
    waiting = iter(enumerate(batch.units))
    async with AsyncReportingClient(**batch.options) as client, anyio.create_task_group() as tasks:
        for _ in range(min(batch.concurrency, len(batch.units))):
            tasks.start_soon(_work, client, batch.period, waiting, _of_thread.limiter, breaker, results)
    return results


async def _work(
    client: AsyncReportingClient,
    period: Period,
    waiting: Iterator[tuple[int, tuple[str, str]]],
    limiter: RateLimiter,
    breaker: CircuitBreaker,
    results: list[tuple[int, CallReport | ReportingError]],
) -> None:
    for index, (domain, key) in waiting:
        if wait := limiter.reserve(math.inf):
            await anyio.sleep(wait)
        if breaker.is_open:
            return
        try:
            report = await client.get_call_report(
                to_endpoint(key),
                domain=Domain(domain),
                start=period.start,
                stop=period.stop,
            )
        except ReportingError as error:
            results.append((index, error))
            kind = classify(error)
            if kind is Failure.TRANSIENT:
                breaker.fail(error, probe=False)
            elif kind is Failure.FATAL:
                breaker.is_open = True
        else:
            results.append((index, report))
            breaker.succeed(probe=False)
