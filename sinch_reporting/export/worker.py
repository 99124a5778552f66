"""What a worker of a cluster does: it asks about a partition's endpoints, and writes the files."""

import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from attrs import field, frozen

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.export.journal import Row, row_of
from sinch_reporting.export.run import OF_ALL, Datasets
from sinch_reporting.export.schemas import Question
from sinch_reporting.export.store import Store
from sinch_reporting.parameters import Endpoint
from sinch_reporting.rate_limit import BURST_SECONDS

_running: Counter[str] = Counter()
_running_lock = threading.Lock()


@frozen(kw_only=True)
class Task:
    """One partition, as it is sent to a worker. It holds no credentials: those come from the worker's environment.

    Attributes:
        options: What the worker's client is made with.
        destination: Where the datasets are, as the worker reaches them.
        file_format: The format of the files.
        question: What is asked about each endpoint.
        partition: The number of the partition.
        endpoints: Its endpoints with their places.
        known: What is known of some of them already.
        concurrency: How many calls are made at a time.
    """

    options: dict[str, Any]
    destination: str
    file_format: str
    question: Question
    partition: int
    endpoints: list[tuple[int, Endpoint]] = field(repr=False)
    known: list[Row] = field(repr=False)
    concurrency: int


def perform(task: Task) -> tuple[int, int]:
    """Ask about a partition and write its files, in a worker. Return how many were asked, and how many failed."""
    with _counted(task.destination):
        datasets = Datasets(Store(task.destination, None), task.file_format, task.question)
        if task.partition in datasets.finished():  # by a worker that was taken for dead
            return 0, datasets.failures_in(task.partition)
        rows = {row[0]: row for row in task.known}
        waiting = [(place, endpoint) for place, endpoint in task.endpoints if place not in rows]
        rows |= anyio.run(_ask, task, waiting)

        def outcomes() -> Iterator[tuple[Endpoint, Row]]:
            return ((endpoint, rows[place]) for place, endpoint in task.endpoints)

        datasets.write_outcomes(task.partition, outcomes)
        return len(waiting), sum(row[5] is not None for row in rows.values())


async def _ask(task: Task, waiting: list[tuple[int, Endpoint]]) -> dict[int, Row]:
    places = {endpoint: place for place, endpoint in waiting}
    rows: dict[int, Row] = {}
    question = task.question
    async with AsyncReportingClient(**task.options) as client:
        async for outcome in client.iter_call_reports(
            [endpoint for _, endpoint in waiting],
            domain=question.domain,
            start=question.start,
            stop=question.stop,
            concurrency=task.concurrency,
        ):
            if isinstance(outcome.error, OF_ALL):
                raise outcome.error
            place = places[outcome.endpoint]
            rows[place] = row_of(place, outcome)
    if share := task.options.get("rate_limit"):
        # As long as the burst with which a rate begins was too short: the next partition begins with one of its own.
        await anyio.sleep(BURST_SECONDS + 1 / share)
    return rows


@contextmanager
def _counted(destination: str) -> Generator[None]:
    with _running_lock:
        _running[destination] += 1
    try:
        yield
    finally:
        with _running_lock:
            _running[destination] -= 1


def running(destination: str) -> int:
    """Return how many partitions of an export are in work in this process, a worker's."""
    with _running_lock:
        return _running[destination]
