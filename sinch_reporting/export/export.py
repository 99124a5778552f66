"""`export_call_reports`: the same with both clients."""

import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing, closing
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from anyio import to_thread

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.client import ReportingClient
from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.arguments import Export
from sinch_reporting.export.formats import FORMATS
from sinch_reporting.export.lines import RejectedLine
from sinch_reporting.export.schemas import Question
from sinch_reporting.export.summary import ExportProgress, ExportSummary
from sinch_reporting.parameters import Domain, Endpoint, check_period, str_value, to_domain

if TYPE_CHECKING:
    from distributed import Client as Cluster
    from pyarrow.fs import FileSystem

PARTITION_SIZE = 10_000
CLUSTER_PARTITION_SIZE = 500


def _run(client: ReportingClient, export: Export) -> ExportSummary:
    with export.open() as run:
        export.progress(run.progress)
        with closing(client.iter_call_reports(run.endpoints(export.should_stop), **export.options())) as outcomes:
            for outcome in outcomes:
                complete = run.take(outcome)
                if complete is not None:
                    run.commit(complete)
                export.progress(run.progress)
        return export.summary(run)


async def _run_async(client: AsyncReportingClient, export: Export) -> ExportSummary:
    with await to_thread.run_sync(export.open) as run:
        export.progress(run.progress)
        async with aclosing(
            client.iter_call_reports(run.endpoints(export.should_stop), **export.options())
        ) as outcomes:
            async for outcome in outcomes:
                complete = run.take(outcome)
                if complete is not None:
                    await to_thread.run_sync(run.commit, complete)
                export.progress(run.progress)
        return export.summary(run)


def _cluster_run(
    client: ReportingClient | AsyncReportingClient, cluster: "str | Cluster", export: Export
) -> Callable[[threading.Event], ExportSummary]:
    try:
        from sinch_reporting.export.cluster import run_on_cluster  # noqa: PLC0415 - an extra of its own
    except ModuleNotFoundError as error:
        message = "a cluster needs the extra `cluster`: pip install 'sinch-reporting[cluster]'"
        raise ModuleNotFoundError(message, name=error.name) from error
    return partial(run_on_cluster, client, cluster, export)


async def _abortable(run: Callable[[threading.Event], ExportSummary]) -> ExportSummary:
    aborted = threading.Event()
    try:
        return await to_thread.run_sync(run, aborted, abandon_on_cancel=True)
    finally:
        aborted.set()


@overload
def export_call_reports(
    client: ReportingClient,
    endpoints: Iterable[Endpoint | RejectedLine],
    destination: str | os.PathLike[str],
    *,
    start: date,
    stop: date,
    domain: Domain | str = ...,
    file_format: str = ...,
    partition_size: int | None = ...,
    concurrency: int = ...,
    filesystem: "FileSystem | None" = ...,
    journal: str | os.PathLike[str] | None = ...,
    cluster: "str | Cluster | None" = ...,
    progress: Callable[[ExportProgress], None] | None = ...,
    should_stop: Callable[[], bool] | None = ...,
) -> ExportSummary: ...


@overload
def export_call_reports(
    client: AsyncReportingClient,
    endpoints: Iterable[Endpoint | RejectedLine],
    destination: str | os.PathLike[str],
    *,
    start: date,
    stop: date,
    domain: Domain | str = ...,
    file_format: str = ...,
    partition_size: int | None = ...,
    concurrency: int = ...,
    filesystem: "FileSystem | None" = ...,
    journal: str | os.PathLike[str] | None = ...,
    cluster: "str | Cluster | None" = ...,
    progress: Callable[[ExportProgress], None] | None = ...,
    should_stop: Callable[[], bool] | None = ...,
) -> Coroutine[Any, Any, ExportSummary]: ...


def export_call_reports(
    client: ReportingClient | AsyncReportingClient,
    endpoints: Iterable[Endpoint | RejectedLine],
    destination: str | os.PathLike[str],
    *,
    start: date,
    stop: date,
    domain: Domain | str = Domain.DATA,
    file_format: str = "parquet",
    partition_size: int | None = None,
    concurrency: int = 16,
    filesystem: "FileSystem | None" = None,
    journal: str | os.PathLike[str] | None = None,
    cluster: "str | Cluster | None" = None,
    progress: Callable[[ExportProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ExportSummary | Coroutine[Any, Any, ExportSummary]:
    """Write the reports of any number of endpoints to files; stopped or killed, the same call goes on where it was.

    At the destination come to be `reports/`, `failures/` and `rejected/`, three datasets of files that are there whole
    or not at all. Each endpoint is asked once, however often it is in the input. One that failed is finished too.

    Args:
        client: A client; with an async one, the result is to be awaited.
        endpoints: The numbers and usernames, or what `read_endpoints` yields. Read whole before the first is asked.
        destination: A folder, on the file system if one is given; else a path, or a URI such as `s3://bucket/reports`.
        start: The first day.
        stop: The last day, at most 30 days after `start`.
        domain: Where the calls were terminated.
        file_format: `parquet`, `csv` or `jsonl`.
        partition_size: How many endpoints have their outcomes in one file. Default: 10,000; with a cluster, 500.
        concurrency: How many calls are made at a time.
        filesystem: A pyarrow file system.
        journal: Where the outcomes of unfinished files are kept. Default: at the destination, where that is on this
            machine. Without one, what is asked again after a kill is whole files.
        cluster: A Dask cluster whose workers ask and write the files: the address of its scheduler, or a
            `distributed.Client`. They make clients like this one, with its rate limit divided among them, and with the
            credentials of their own environment. `concurrency` then is that of each partition in work.
        progress: Called at the start, and after each outcome; with a cluster, after each partition.
        should_stop: Asked before each endpoint; where it returns true, what is in flight is finished, and no more
            is begun.

    Raises:
        InvalidRequestError: An argument was refused, the destination is another export's or in use by another process,
            or the input cannot be understood; no call was made.
        AuthenticationError: The server does not accept the credentials; the same call goes on where it was.
        OSError: The input cannot be read, or the destination or the journal not be written.
    """
    if partition_size is None:
        partition_size = PARTITION_SIZE if cluster is None else CLUSTER_PARTITION_SIZE
    _check(client, endpoints, file_format, {"partition_size": partition_size, "concurrency": concurrency})
    if cluster is not None and filesystem is not None:
        raise InvalidRequestError("with a cluster, name the destination by a path or URI that its workers reach too")
    to_domain(domain)
    check_period(start, stop)
    _check_given(start, stop)
    export = Export(
        endpoints=endpoints,
        destination=destination,
        question=Question(domain=Domain(str_value(domain)), start=start, stop=stop),
        file_format=file_format,
        partition_size=partition_size,
        concurrency=concurrency,
        filesystem=filesystem,
        journal=None if journal is None else Path(journal),
        progress=progress or _ignore,
        should_stop=should_stop or _never,
        began=time.monotonic(),
    )
    if cluster is not None:
        on_cluster = _cluster_run(client, cluster, export)
        return on_cluster(threading.Event()) if isinstance(client, ReportingClient) else _abortable(on_cluster)
    return _run(client, export) if isinstance(client, ReportingClient) else _run_async(client, export)


def _check(client: object, endpoints: object, file_format: object, counts: Mapping[str, object]) -> None:
    if not isinstance(client, ReportingClient | AsyncReportingClient):
        raise InvalidRequestError("the client must be a ReportingClient or an AsyncReportingClient")
    if isinstance(endpoints, str | bytes) or not isinstance(endpoints, Iterable):
        raise InvalidRequestError("the endpoints must be an iterable, such as read_endpoints(...)")
    if file_format not in FORMATS:
        raise InvalidRequestError(f"the format must be one of: {', '.join(FORMATS)}")
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidRequestError(f"{name} must be a whole number from 1")


def _check_given(*days: object) -> None:
    if None in days:
        raise InvalidRequestError("start and stop must be given, so that all reports are of the same days")


def _ignore(_progress: ExportProgress) -> None: ...


def _never() -> bool:
    return False
