"""The same export on a Dask cluster: its workers ask, partition by partition, and write the files."""

import secrets
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import distributed

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.client import ReportingClient
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.export.arguments import Export
from sinch_reporting.export.run import Run
from sinch_reporting.export.store import Store
from sinch_reporting.export.summary import ExportProgress, ExportSummary
from sinch_reporting.export.worker import Task, perform, running

_TICK_SECONDS = 0.5
_WAIT_SHARE = 0.25  # of a call's deadline, for its turn at the rate


def run_on_cluster(
    client: ReportingClient | AsyncReportingClient,
    cluster: "str | distributed.Client",
    export: Export,
    aborted: threading.Event,
) -> ExportSummary:
    """Run an export on a cluster.

    Args:
        client: What the workers' clients are like.
        cluster: The scheduler's address, or a client of it.
        export: The export.
        aborted: Where it is set, what is in work is cancelled, and nothing more is begun.

    Raises:
        ConfigurationError: The client cannot be made anew by workers, or theirs lack credentials.
        OSError: The cluster cannot be reached, or lost a partition again and again.
    """
    options = route_of(client)
    rate = options.pop("rate_limit")
    destination = str(Store(export.destination, None).folder or export.destination)

    def task_of(run: Run, partition: int, share: float | None) -> Task:
        return Task(
            options={**options, "rate_limit": share},
            destination=destination,
            file_format=export.file_format,
            question=export.question,
            partition=partition,
            endpoints=list(run.plan.of(partition)),
            known=run.known(partition),
            concurrency=concurrency_at(share, export.concurrency, options["deadline"]),
        )

    with connected(cluster) as scheduler:
        settle = partial(wait_for_leftovers, scheduler, destination, aborted)
        with export.open(settle) as run:
            export.progress(run.progress)
            work = ClusterRun(run, scheduler, partial(task_of, run), Rate(rate), aborted)
            work(export.should_stop, export.progress)
            return export.summary(run)


@contextmanager
def connected(cluster: "str | distributed.Client") -> "Generator[distributed.Client]":
    """Yield a client of a cluster, that was given or by the scheduler's address. Raises OSError."""
    if isinstance(cluster, distributed.Client):
        yield cluster
        return
    with distributed.Client(cluster, set_as_default=False) as client:
        yield client


def wait_for_leftovers(scheduler: "distributed.Client", destination: str, aborted: threading.Event) -> None:
    """Wait until no worker is at work on this export for an earlier run that was killed.

    They finish their partitions, so that these need not be asked again, and are done with their share of the rate.
    """

    def at_work() -> int:
        counts: Any = scheduler.run(running, destination, on_error="ignore")
        return sum(counts.values())

    while at_work() and not aborted.wait(_TICK_SECONDS):
        pass


class Rate:
    """One rate, divided among the partitions in work, so that together they never exceed it.

    Each keeps its share until it is finished. A worker that joins has a share once another partition has ended; where
    one leaves, its partition keeps its share and takes it along to another worker.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._shares: dict[int, float] = {}

    def most(self, threads: int) -> int:
        """Return how many partitions may be in work at once."""
        return threads if self._rate is None else min(threads, max(1, int(self._rate)))

    def take(self, partition: int, among: int) -> tuple[bool, float | None]:
        """Give a partition its share, one of so many; tell whether there is one, and its requests per second."""
        if self._rate is None:
            return True, None
        share = self._rate / among
        # Sums of shares need not be exact.
        if sum(self._shares.values()) + share > self._rate * (1 + 1e-9):
            return False, None
        self._shares[partition] = share
        return True, share

    def give_back(self, partition: int) -> None:
        """Take a share back."""
        self._shares.pop(partition, None)


def route_of(client: ReportingClient | AsyncReportingClient) -> dict[str, Any]:
    """Return with which options workers make clients like this one. Raises ConfigurationError where they cannot."""
    _, (_, options) = client.__reduce__()
    if "application_secret" in options:
        raise ConfigurationError("a client with pickle_credentials= is not sent to a cluster; workers have their own")
    return dict(options)


class ClusterRun:
    """One run on a cluster."""

    def __init__(
        self,
        run: Run,
        scheduler: "distributed.Client",
        make_task: Callable[[int, float | None], Task],
        rate: Rate,
        aborted: threading.Event,
    ) -> None:
        self._run = run
        self._scheduler = scheduler
        self._make_task = make_task
        self._rate = rate
        self._aborted = aborted
        self._token = secrets.token_hex(8)  # a run never takes another's result for its own
        self._futures: dict[int, Any] = {}
        self._ended: SimpleQueue[int] = SimpleQueue()

    def __call__(self, should_stop: Callable[[], bool], progress: Callable[[ExportProgress], None]) -> None:
        """Have all partitions worked on that are not finished. Raises what a worker raised, and OSError."""
        waiting = list(self._run.unfinished())[::-1]
        try:
            while self._futures or waiting:
                if should_stop():
                    waiting.clear()
                self._submit(waiting)
                try:
                    partition = self._ended.get(timeout=_TICK_SECONDS)
                except Empty:
                    if self._aborted.is_set():
                        return
                    continue
                self._take(partition)
                progress(self._run.progress)
        finally:
            self._scheduler.cancel(list(self._futures.values()), force=True)

    def _submit(self, waiting: list[int]) -> None:
        workers: Any = self._scheduler.nthreads()
        threads = sum(workers.values())
        most = self._rate.most(threads)
        while waiting and len(self._futures) < most:
            partition = waiting[-1]
            granted, share = self._rate.take(partition, min(most, len(waiting) + len(self._futures)))
            if not granted:
                return
            waiting.pop()
            task = self._make_task(partition, share)
            key = f"sinch-reporting-export-{self._token}-{partition}"
            future = self._scheduler.submit(perform, task, key=key, pure=False)
            self._futures[partition] = future
            future.add_done_callback(partial(self._end, partition))

    def _end(self, partition: int, _future: object) -> None:
        self._ended.put(partition)

    def _take(self, partition: int) -> None:
        future = self._futures.pop(partition)
        self._rate.give_back(partition)
        asked, failed = _result(future)
        self._run.take_partition(partition, asked, failed)


def _result(future: Any) -> tuple[int, int]:
    try:
        asked, failed = future.result()
    except distributed.KilledWorker as error:
        raise OSError("the cluster lost a partition's workers again and again; look at their logs") from error
    except distributed.CancelledError as error:
        raise OSError("the cluster gave a partition up: the scheduler is gone, or was told to cancel it") from error
    return int(asked), int(failed)


def concurrency_at(share: float | None, concurrency: int, deadline: float) -> int:
    """Return how many calls a partition makes at a time, so that none waits too long for its turn."""
    return concurrency if share is None else max(1, min(concurrency, int(share * deadline * _WAIT_SHARE)))
