"""`export_call_reports`."""

import asyncio
import math
import os
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import anyio
import httpx
from anyio import to_thread
from anyio.from_thread import start_blocking_portal
from attrs import evolve

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.client import ReportingClient
from sinch_reporting.errors import InvalidRequestError, ReportingError
from sinch_reporting.export.database import attach, connect
from sinch_reporting.export.dataset import Dataset
from sinch_reporting.export.input_index import InputIndex, to_endpoint
from sinch_reporting.export.job import DEFAULT_PAUSE, ExportJob, FileFormat, PausePolicy, Period, periods, to_domains
from sinch_reporting.export.journal import Journal, Unit
from sinch_reporting.export.output_store import OutputStore
from sinch_reporting.export.readers import Source, to_batches
from sinch_reporting.export.run import Engine, Fetch, Outcome
from sinch_reporting.export.summary import ExportProgress, ExportSummary
from sinch_reporting.models import CallReport
from sinch_reporting.parameters import DomainLike
from sinch_reporting.rate_limit import RateLimiter

if TYPE_CHECKING:
    from distributed import Client as Cluster
    from pyarrow.fs import FileSystem

_CONCURRENCY = 16
_REASONS = 3
_MAX_CONCURRENCY = 100  # the connections of a client
Client = ReportingClient | AsyncReportingClient


@overload
def export_call_reports(
    client: ReportingClient,
    endpoints: Source,
    destination: str | os.PathLike[str],
    *,
    start: date,
    stop: date,
    daily: bool = ...,
    domain: DomainLike | Iterable[DomainLike] | None = ...,
    file_format: FileFormat = ...,
    refresh: Iterable[date] = ...,
    retry_failed: bool = ...,
    allow_partial_day: bool = ...,
    concurrency: int | None = ...,
    pause: PausePolicy = ...,
    filesystem: "FileSystem | None" = ...,
    journal: str | os.PathLike[str] | None = ...,
    cluster: "str | Cluster | None" = ...,
    progress: Callable[[ExportProgress], object] | None = ...,
    should_stop: Callable[[], bool] | None = ...,
) -> ExportSummary: ...


@overload
def export_call_reports(
    client: AsyncReportingClient,
    endpoints: Source,
    destination: str | os.PathLike[str],
    *,
    start: date,
    stop: date,
    daily: bool = ...,
    domain: DomainLike | Iterable[DomainLike] | None = ...,
    file_format: FileFormat = ...,
    refresh: Iterable[date] = ...,
    retry_failed: bool = ...,
    allow_partial_day: bool = ...,
    concurrency: int | None = ...,
    pause: PausePolicy = ...,
    filesystem: "FileSystem | None" = ...,
    journal: str | os.PathLike[str] | None = ...,
    cluster: "str | Cluster | None" = ...,
    progress: Callable[[ExportProgress], object] | None = ...,
    should_stop: Callable[[], bool] | None = ...,
) -> Coroutine[Any, Any, ExportSummary]: ...


def export_call_reports(  # noqa: PLR0913 - options are keyword-only
    client: Client,
    endpoints: Source,
    destination: str | os.PathLike[str],
    *,
    start: date,
    stop: date,
    daily: bool = False,
    domain: DomainLike | Iterable[DomainLike] | None = None,
    file_format: FileFormat = "parquet",
    refresh: Iterable[date] = (),
    retry_failed: bool = False,
    allow_partial_day: bool = False,
    concurrency: int | None = None,
    pause: PausePolicy = DEFAULT_PAUSE,
    filesystem: "FileSystem | None" = None,
    journal: str | os.PathLike[str] | None = None,
    cluster: "str | Cluster | None" = None,
    progress: Callable[[ExportProgress], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ExportSummary | Coroutine[Any, Any, ExportSummary]:
    """Export call reports to files: one row per endpoint, period and domain.

    The same call again resumes an export that was stopped or killed, requests what failed transiently, and adds days,
    domains and endpoints that are new. Complete days are not requested again.

    The rate limit, the timeout and the retry policy are those of the client. Every attempt counts for the rate limit,
    and waiting for it is not limited by the deadline. `Retry-After` pauses the export, however long it is.

    Args:
        client: A client. With an `AsyncReportingClient` the result must be awaited.
        endpoints: `Number` and `Username` objects, text (phone numbers), an Arrow, pandas or Polars column of phone
            numbers, or the result of `read_endpoints`. Invalid ones are rejected, and listed in `rejected/`.
        destination: A folder, or a URI such as `s3://bucket/reports`.
        start: The first day (UTC).
        stop: The last day (UTC), at most 30 days after `start` unless `daily` is set.
        daily: One row per day instead of one for the period.
        domain: `data`, `pstn`, or several. Default: `pstn` for numbers, `data` for usernames.
        file_format: `parquet`, `csv` or `jsonl`.
        refresh: Complete days to request again. Their files are replaced once all new reports are there.
        retry_failed: Request permanent failures again too.
        allow_partial_day: Accept days that are not over. Their rows are marked, and requested again later.
        concurrency: Number of concurrent requests. Default: 16, or as many as the rate limit needs, up to 100.
        pause: When to pause and to give up.
        filesystem: The pyarrow file system of the destination.
        journal: Path of the journal of unfinished days. Default: in the destination, or for a destination on another
            machine in `~/.local/state/sinch-reporting`.
        cluster: A Dask cluster whose workers send the requests: the address of its scheduler or a
            `distributed.Client`. The workers take the credentials from their own environment.
        progress: Called when outcomes have been kept.
        should_stop: Called before each request, and 20 times a second. If it returns true, requests in flight get five
            seconds.

    Raises:
        InvalidRequestError: An argument is invalid, the input contains no valid endpoint, or the destination belongs to
            something else or is in use. Nothing was sent.
        AuthenticationError: The server refuses the credentials.
        PermissionDeniedError: The server refuses every request with 403.
        OSError: The input cannot be read, or the destination or journal cannot be written.
    """
    if not isinstance(client, ReportingClient | AsyncReportingClient):
        raise InvalidRequestError("the client must be a ReportingClient or an AsyncReportingClient")
    config = client._config  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    if concurrency is None:
        concurrency = max(_CONCURRENCY, min(math.ceil(config.rate_limit or 0), _MAX_CONCURRENCY))
    job = ExportJob(
        periods=periods(start, stop, daily=daily),
        domains=to_domains(domain),
        file_format=file_format,
        refresh=frozenset(refresh),
        retry_failed=retry_failed,
        allow_partial_day=allow_partial_day,
        concurrency=concurrency,
        pause=pause,
        filesystem=filesystem,
        journal=None if journal is None else Path(journal),
        progress=progress or (lambda _: None),
        should_stop=should_stop or (lambda: False),
    )
    return run_job(client, endpoints, destination, job, cluster)


def run_job(
    client: Client,
    endpoints: Source,
    destination: str | os.PathLike[str],
    job: ExportJob,
    cluster: "str | Cluster | None" = None,
) -> ExportSummary | Coroutine[Any, Any, ExportSummary]:
    """Run an export with validated options; see `export_call_reports`."""
    store = OutputStore(destination, job.filesystem)
    run = _Export(client, store, job, endpoints, cluster).run
    if isinstance(client, AsyncReportingClient):
        return run()
    if not _in_event_loop():
        return anyio.run(run)
    with start_blocking_portal() as portal:
        return portal.call(run)


def _in_event_loop() -> bool:
    """Return whether an event loop runs in this thread, as in the cells of a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def local_fetch(client: Client, concurrency: int) -> Fetch:
    """Return a function that requests reports with a client. The engine does what the client's retries would do."""
    config = client._config  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    once = client.with_options(retry=evolve(config.retry, attempts=1, max_retry_after=0))
    threads = anyio.CapacityLimiter(concurrency)

    async def get(unit: Unit, period: Period) -> CallReport:
        days = {"start": period.start, "stop": period.stop}
        if isinstance(once, AsyncReportingClient):
            return await once.get_call_report(to_endpoint(unit.key), domain=unit.domain, **days)
        call = partial(once.get_call_report, to_endpoint(unit.key), domain=unit.domain, **days)
        return await to_thread.run_sync(call, abandon_on_cancel=True, limiter=threads)

    async def fetch(period: Period, units: Sequence[Unit]) -> list[Outcome]:
        [unit] = units
        try:
            return [Outcome(unit, await get(unit, period))]
        except ReportingError as error:
            return [Outcome(unit, error)]

    return fetch


def _cluster_module() -> Any:
    try:
        from sinch_reporting.export import cluster  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        message = "a cluster needs the extra `cluster`: pip install 'sinch-reporting[cluster]'"
        raise ModuleNotFoundError(message, name=error.name) from error
    return cluster


class _Export:
    """One run: it reads the input, opens the destination, runs the engine, and records the result."""

    def __init__(
        self, client: Client, store: OutputStore, job: ExportJob, endpoints: Source, cluster: "str | Cluster | None"
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._endpoints = endpoints
        self._store = store
        self._job = job
        self._config = client._config  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self._started = job.now()
        self._began = time.monotonic()
        self._connection = connect()

    async def run(self) -> ExportSummary:
        """Run the export."""
        try:
            # The input may be a pipe in which nothing arrives; the thread is then left behind.
            await to_thread.run_sync(self._read, abandon_on_cancel=True)
            if self._cluster is None:
                await to_thread.run_sync(self._open)
                limiter = RateLimiter(self._config.rate_limit)
                fetch = local_fetch(self._client, self._job.concurrency)
                return await self._export(fetch=fetch, limiter=limiter, tasks=self._job.concurrency)
            on_cluster = _cluster_module().connected(self._cluster, self._client, self._job, self._config.rate_limit)
            cluster = await to_thread.run_sync(on_cluster.__enter__)
            try:
                await to_thread.run_sync(self._open)
                return await self._export(
                    fetch=cluster, limiter=RateLimiter(None), tasks=cluster.tasks, batch_size=cluster.batch_size
                )
            finally:
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(on_cluster.__exit__, None, None, None)
        finally:
            self._connection.close()

    def _read(self) -> None:
        self._index = InputIndex(self._connection, to_batches(self._endpoints))
        if not self._index.endpoints:
            reasons = "; ".join(f"{reason} ({count} times)" for reason, count in self._index.reasons(_REASONS))
            raise InvalidRequestError(f"the input contains no valid endpoint: {reasons or 'it is empty'}")

    def _open(self) -> None:
        job, store = self._job, self._store
        self._dataset = Dataset(store, job.file_format, httpx.URL(self._config.base_url).host, job.domains)
        self._dataset.claim(job.periods)
        path = job.journal or store.journal_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        attach(self._connection, path)
        self._dataset.claim(job.periods)  # again, in case two processes claimed an empty destination at once
        store.delete_temporary_files()
        self._journal = Journal(self._connection, self._index, path)
        self._dataset.write_rejected(self._index)
        domains = ",".join(sorted(job.domains))
        self._digest = sha256(f"{self._index.digest} {domains}".encode()).hexdigest()

    async def _export(self, **how: Any) -> ExportSummary:
        retry = self._config.retry
        engine = Engine(self._job, self._index, self._dataset, self._journal, self._digest, retry=retry, **how)
        await to_thread.run_sync(self._save, engine, "running", None)
        ended, problem = "failed", None
        try:
            await engine.run()
            ended = engine.ended
            problem = engine.breaker.problem if ended == "gave up" else None
        except BaseException as error:
            problem = str(error) or type(error).__name__
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._save, engine, ended, problem)
        return self._summary(engine, problem)

    def _save(self, engine: Engine, ended: str, problem: str | None) -> None:
        """Write `export.json`, and remove the journal if everything is complete."""
        self._journal.commit()
        index = self._index
        run = {
            "started": self._started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "seconds": round(time.monotonic() - self._began, 3),
            "ended": ended,
            "problem": problem,
            "requested": engine.requested,
            "endpoints": index.endpoints,
            "duplicates": index.duplicates,
            "normalized": index.normalized,
        }
        periods = {**self._dataset.state.periods, **engine.open_states()}
        self._dataset.save(periods=periods, rejected=index.rejected, last_run=run)
        if self._dataset.state.complete:
            self._journal.remove()

    def _summary(self, engine: Engine, problem: str | None) -> ExportSummary:
        states = [self._dataset.state.periods[name] for name in engine.names]
        transient = sum(state.transient_failures for state in states)
        missing = sum(state.missing for state in states)
        return ExportSummary(
            destination=self._store.name,
            complete=not transient and not missing and engine.ended == "finished",
            ended=engine.ended,
            endpoints=self._index.endpoints,
            reports=sum(state.reports for state in states),
            permanent_failures=sum(state.permanent_failures for state in states),
            transient_failures=transient,
            missing=missing,
            duplicates=self._index.duplicates,
            rejected=self._index.rejected,
            rejected_reasons=dict(self._index.reasons(_REASONS)),
            normalized=self._index.normalized,
            requested=engine.requested,
            seconds=round(time.monotonic() - self._began, 3),
            problem=problem,
        )
