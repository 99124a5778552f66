"""`export_call_reports`."""

import os
from collections.abc import Callable, Coroutine, Iterable
from datetime import date
from pathlib import Path
from typing import Any, overload

from pyarrow.fs import FileSystem

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.client import ReportingClient
from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.job import DEFAULT_PAUSE, ExportJob, FileFormat, PausePolicy, periods, to_domains
from sinch_reporting.export.readers import Source
from sinch_reporting.export.run import Client, Cluster, run_job
from sinch_reporting.export.summary import ExportProgress, ExportSummary
from sinch_reporting.parameters import DomainLike


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
    filesystem: FileSystem | None = ...,
    journal: str | os.PathLike[str] | None = ...,
    cluster: str | Cluster | None = ...,
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
    filesystem: FileSystem | None = ...,
    journal: str | os.PathLike[str] | None = ...,
    cluster: str | Cluster | None = ...,
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
    filesystem: FileSystem | None = None,
    journal: str | os.PathLike[str] | None = None,
    cluster: str | Cluster | None = None,
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
