"""One run of an export, from reading the input to its summary."""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

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
from sinch_reporting.export.engine import Engine, Fetch
from sinch_reporting.export.input_index import InputIndex, to_endpoint
from sinch_reporting.export.job import ExportJob, Period
from sinch_reporting.export.journal import Journal, Unit
from sinch_reporting.export.outcomes import Outcome
from sinch_reporting.export.output_store import OutputStore
from sinch_reporting.export.readers import Source, to_batches
from sinch_reporting.export.storage_errors import sqlite_errors
from sinch_reporting.export.summary import ExportSummary
from sinch_reporting.models import CallReport
from sinch_reporting.rate_limit import RateLimiter
from sinch_reporting.retry import RetryPolicy

if TYPE_CHECKING:
    import distributed

    Cluster: TypeAlias = distributed.Client
else:
    Cluster: TypeAlias = Any  # an extra that takes a second to import

_REASONS = 3
Client = ReportingClient | AsyncReportingClient


def run_job(
    client: Client,
    endpoints: Source,
    destination: str | os.PathLike[str],
    job: ExportJob,
    cluster: str | Cluster | None = None,
) -> ExportSummary | Coroutine[Any, Any, ExportSummary]:
    """Run an export with validated options; see `export_call_reports`."""
    store = OutputStore(destination, job.filesystem)
    run = _Run(client, store, job, endpoints, cluster).run
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


def _local_fetch(client: Client, retry: RetryPolicy, concurrency: int) -> Fetch:
    """Return a function that requests reports with a client. The engine does what the client's retries would do."""
    once = client.with_options(retry=evolve(retry, attempts=1, max_retry_after=0))
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


class _Run:
    """Reads the input, opens the destination, runs the engine, and records the result."""

    def __init__(
        self, client: Client, store: OutputStore, job: ExportJob, endpoints: Source, cluster: str | Cluster | None
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._endpoints = endpoints
        self._store = store
        self._job = job
        self._journal_path = job.journal or store.journal_path()
        self._config = client._config  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self._started = job.now()
        self._began = time.monotonic()

    async def run(self) -> ExportSummary:
        """Run the export."""
        # The input may be a pipe in which nothing arrives; the thread is then left behind, and has the connection.
        await to_thread.run_sync(self._read, abandon_on_cancel=True)
        try:
            if not self._index.endpoints:
                reasons = "; ".join(f"{reason} ({count} times)" for reason, count in self._index.reasons(_REASONS))
                raise InvalidRequestError(f"the input contains no valid endpoint: {reasons or 'it is empty'}")
            async with self._fetch() as how:
                with sqlite_errors(f"the journal {self._journal_path}"):
                    await to_thread.run_sync(self._open)
                    return await self._export(how)
        finally:
            self._connection.close()

    @asynccontextmanager
    async def _fetch(self) -> AsyncGenerator[dict[str, Any]]:
        """Yield what the engine needs to know of who sends the requests: this process, or a cluster."""
        job, rate = self._job, self._config.rate_limit
        if self._cluster is None:
            tasks = job.concurrency_for(rate)
            fetch = _local_fetch(self._client, self._config.retry, tasks)
            yield {"fetch": fetch, "limiter": RateLimiter(rate), "tasks": tasks}
            return
        connection = _cluster_module().connected(self._cluster, self._client, job, rate)
        cluster = await to_thread.run_sync(connection.__enter__)
        try:
            limiter = RateLimiter(None)  # each worker has its own
            yield {"fetch": cluster, "limiter": limiter, "tasks": cluster.tasks, "batch_size": cluster.batch_size}
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(connection.__exit__, None, None, None)

    def _read(self) -> None:
        self._connection = connect()
        try:
            self._index = InputIndex(self._connection, to_batches(self._endpoints))
        except BaseException:
            self._connection.close()
            raise

    def _open(self) -> None:
        job, store = self._job, self._store
        self._dataset = Dataset(store, job.file_format, httpx.URL(self._config.base_url).host, job.domains)
        self._dataset.claim(job.periods)
        attach(self._connection, self._journal_path)
        self._dataset.claim(job.periods)  # again, in case two processes claimed an empty destination at once
        store.delete_temporary_files()
        self._journal = Journal(self._connection, self._index, self._journal_path)

    async def _export(self, how: dict[str, Any]) -> ExportSummary:
        retry = self._config.retry
        engine = Engine(self._job, self._index, self._dataset, self._journal, retry=retry, **how)
        await to_thread.run_sync(self._save, engine, "running", None)  # before all other files: it claims the folder
        await to_thread.run_sync(self._dataset.write_rejected, self._index)
        ended, problem = "failed", None
        try:
            await engine.run()
            ended = engine.ended
            problem = engine.recorder.breaker.problem if ended == "gave up" else None
        except BaseException as error:
            problem = str(error) or type(error).__name__
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._save, engine, ended, problem)
        return self._summary(engine, problem)

    def _save(self, engine: Engine, ended: str, problem: str | None) -> None:
        """Write `export.json`, and remove the journal if everything is complete."""
        with suppress(sqlite3.Error):  # of outcomes that arrived while the run was ending; they are requested again
            self._journal.commit()
        index = self._index
        run = {
            "started": self._started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "seconds": round(time.monotonic() - self._began, 3),
            "ended": ended,
            "problem": problem,
            "requested": engine.recorder.requested,
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
            requested=engine.recorder.requested,
            seconds=round(time.monotonic() - self._began, 3),
            problem=problem,
        )
