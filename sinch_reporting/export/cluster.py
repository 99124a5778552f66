"""Requests by the workers of a Dask cluster: an export is a sequence of batches, and each batch is one task.

The process that runs the export keeps the journal and writes the files. The workers only send requests, so that neither
the destination nor its credentials reach them.
"""

import importlib.metadata
import math
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import anyio
import distributed
from anyio import to_thread
from attrs import evolve

from sinch_reporting.errors import ConfigurationError, InvalidRequestError
from sinch_reporting.export.job import ExportJob, Period
from sinch_reporting.export.journal import Unit
from sinch_reporting.export.outcomes import Outcome
from sinch_reporting.export.output_store import public_name
from sinch_reporting.export.worker import Batch, configuration_problem, request_batch
from sinch_reporting.version import __version__

_CONNECT_SECONDS = 5
_BATCH = 500
# Shorter than the time that requests in flight get when the export stops.
_BATCH_SECONDS = 4.0
_MIN_BATCH_SECONDS = 1.0


def client_options(client: Any) -> dict[str, Any]:
    """Return the options with which workers make clients like this one. Raises ConfigurationError."""
    _, (_, options) = client.__reduce__()
    if "application_secret" in options:
        raise ConfigurationError("a client with pickle_credentials= cannot be used with a cluster; omit that option")
    return {**options, "rate_limit": None, "retry": evolve(options["retry"], attempts=1, max_retry_after=0)}


class ClusterFetch:
    """Requests batches of reports on a cluster.

    Attributes:
        tasks: Number of batches in work at a time.
    """

    def __init__(
        self, cluster: distributed.Client, options: dict[str, Any], job: ExportJob, rate: float | None, threads: int
    ) -> None:
        # Without a rate one batch waits for each thread. With one, each batch in work has an equal share.
        self.tasks = 2 * threads if rate is None else max(1, min(threads, int(rate)))
        self._rate = rate
        self._share = None if rate is None else rate / self.tasks
        self._cluster = cluster
        self._options = options
        self._job = job
        self._numbers = count()
        self._token = secrets.token_hex(8)  # a run never takes the result of another one
        self._threads = anyio.CapacityLimiter(self.tasks)

    def batch_size(self, remaining: int) -> int:
        """Return the size of the next batch: smaller towards the end, so that all workers end at the same time."""
        most, least = _BATCH, 1
        if self._share:
            most, least = math.ceil(self._share * _BATCH_SECONDS), math.ceil(self._share * _MIN_BATCH_SECONDS)
        return max(least, min(most, remaining // (2 * self.tasks)), 1)

    async def __call__(self, period: Period, units: Sequence[Unit]) -> list[Outcome]:
        """Request a batch. Raises OSError if the cluster fails."""
        batch = Batch(
            export=self._token,
            options=self._options,
            period=period,
            units=[(unit.domain.value, unit.key) for unit in units],
            concurrency=self._job.concurrency_for(self._rate),
            rate=self._share,
            pause=self._job.pause,
        )
        key = f"sinch-reporting-export-{self._token}-{next(self._numbers)}"
        future: Any = self._cluster.submit(request_batch, batch, key=key, pure=False)
        try:
            results = await to_thread.run_sync(future.result, abandon_on_cancel=True, limiter=self._threads)
        except distributed.KilledWorker as error:
            raise OSError("the cluster lost the workers of a batch repeatedly; look at their logs") from error
        except distributed.CancelledError as error:
            raise OSError(
                "the cluster cancelled a batch: its scheduler is lost, or another client cancelled it"
            ) from error
        finally:
            future.cancel(force=True)
        return [Outcome(units[index], result) for index, result in results]


@contextmanager
def connected(
    cluster: str | distributed.Client, client: Any, job: ExportJob, rate: float | None
) -> Generator[ClusterFetch]:
    """Yield what requests reports on a cluster whose workers have been checked.

    Raises:
        ConfigurationError: The client cannot be made by workers.
        InvalidRequestError: The cluster has no workers, or they lack the package, its version or the credentials.
        OSError: The scheduler cannot be reached.
    """
    options = client_options(client)
    if isinstance(cluster, distributed.Client):
        yield ClusterFetch(cluster, options, job, rate, _check(cluster, options))
        return
    try:
        scheduler = distributed.Client(cluster, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        name = public_name(cluster)
        raise OSError(f"the scheduler {name} cannot be reached; check its address and that it runs") from error
    with scheduler:
        yield ClusterFetch(scheduler, options, job, rate, _check(scheduler, options))


def _check(cluster: distributed.Client, options: dict[str, Any]) -> int:
    """Return the number of threads of the workers, which must be able to send requests."""
    try:
        cluster.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except TimeoutError:
        raise InvalidRequestError("the cluster has no workers; start some with `dask worker ADDRESS`") from None
    remedy = f"install sinch-reporting[cluster]=={__version__} there"
    installed: Any = (importlib.metadata.version, "sinch-reporting")
    workers: Any = cluster.run(*installed, on_error="return")
    versions: dict[str, object] = {f"worker {worker}": version for worker, version in workers.items()}
    try:
        versions["scheduler"] = cluster.run_on_scheduler(*installed)  # it unpickles the batches, too
    except importlib.metadata.PackageNotFoundError as error:
        versions["scheduler"] = error
    for process, version in versions.items():
        if isinstance(version, importlib.metadata.PackageNotFoundError):
            raise InvalidRequestError(f"the {process} does not have sinch-reporting; {remedy}")
        if version != __version__:
            raise InvalidRequestError(f"the {process} has sinch-reporting {version}; {remedy}")
    problems: Any = cluster.run(configuration_problem, options, on_error="return")
    for worker, problem in problems.items():
        if problem is not None:
            detail = "" if isinstance(problem, str) else f"{type(problem).__name__}: "
            raise InvalidRequestError(
                f"the worker {worker} cannot make a client: {detail}{problem}. Set SINCH_APPLICATION_KEY and "
                f"SINCH_APPLICATION_SECRET in its environment, and {remedy}"
            )
    threads: Any = cluster.nthreads()
    return int(sum(threads.values()))
