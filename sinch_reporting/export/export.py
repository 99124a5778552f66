"""`export_call_reports`: the same with both clients."""

import os
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing, closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from anyio import to_thread
from attrs import frozen

from sinch_reporting.client import AsyncReportingClient, ReportingClient
from sinch_reporting.endpoints import Domain, Endpoint, plain
from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.formats import FORMATS
from sinch_reporting.export.lines import RejectedLine
from sinch_reporting.export.plan import Plan
from sinch_reporting.export.run import Run
from sinch_reporting.export.schemas import Question
from sinch_reporting.export.store import Store
from sinch_reporting.export.summary import ExportProgress, ExportSummary
from sinch_reporting.operations import check_period, checked_domain

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

PARTITION_SIZE = 10_000


@frozen(kw_only=True)
class _Export:
    """The arguments of an export, and what is done with them whatever the client."""

    endpoints: Iterable[Endpoint | RejectedLine]
    destination: str | os.PathLike[str]
    question: Question
    file_format: str
    partition_size: int
    concurrency: int
    filesystem: "FileSystem | None"
    journal: Path | None
    progress: Callable[[ExportProgress], None]
    should_stop: Callable[[], bool]
    began: float

    def open(self) -> Run:
        """Read the input, and claim the destination for it."""
        store = Store(self.destination, self.filesystem)
        plan = Plan(self.endpoints, self.partition_size)
        try:
            return Run(plan, store, self.question, file_format=self.file_format, journal=self.journal)
        except BaseException:
            plan.close()
            raise

    def options(self) -> dict[str, Any]:
        """Return what `iter_call_reports` is called with."""
        question = self.question
        return {
            "domain": question.domain,
            "start": question.start,
            "stop": question.stop,
            "concurrency": self.concurrency,
        }

    def summary(self, run: Run) -> ExportSummary:
        """Return what the run came to."""
        progress = run.progress
        return ExportSummary(
            destination=os.fspath(self.destination),
            endpoints=progress.endpoints,
            reports=progress.done - progress.failed,
            failures=progress.failed,
            duplicates=run.plan.duplicates,
            rejected=run.plan.rejected,
            asked=progress.asked,
            seconds=time.monotonic() - self.began,
        )


def _run(client: ReportingClient, export: _Export) -> ExportSummary:
    with export.open() as run:
        export.progress(run.progress)
        with closing(client.iter_call_reports(run.endpoints(export.should_stop), **export.options())) as outcomes:
            for outcome in outcomes:
                complete = run.take(outcome)
                if complete is not None:
                    run.commit(complete)
                export.progress(run.progress)
        return export.summary(run)


async def _run_async(client: AsyncReportingClient, export: _Export) -> ExportSummary:
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
    partition_size: int = ...,
    concurrency: int = ...,
    filesystem: "FileSystem | None" = ...,
    journal: str | os.PathLike[str] | None = ...,
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
    partition_size: int = ...,
    concurrency: int = ...,
    filesystem: "FileSystem | None" = ...,
    journal: str | os.PathLike[str] | None = ...,
    progress: Callable[[ExportProgress], None] | None = ...,
    should_stop: Callable[[], bool] | None = ...,
) -> Coroutine[Any, Any, ExportSummary]: ...


def export_call_reports(  # noqa: PLR0913 - options are keyword-only
    client: ReportingClient | AsyncReportingClient,
    endpoints: Iterable[Endpoint | RejectedLine],
    destination: str | os.PathLike[str],
    *,
    start: date,
    stop: date,
    domain: Domain | str = Domain.DATA,
    file_format: str = "parquet",
    partition_size: int = PARTITION_SIZE,
    concurrency: int = 16,
    filesystem: "FileSystem | None" = None,
    journal: str | os.PathLike[str] | None = None,
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
        partition_size: How many endpoints have their outcomes in one file.
        concurrency: How many calls are made at a time.
        filesystem: A pyarrow file system.
        journal: Where the outcomes of unfinished files are kept. Default: at the destination, where that is on this
            machine. Without one, what is asked again after a kill is whole files.
        progress: Called at the start, and after each outcome.
        should_stop: Asked before each endpoint; where it returns true, what is in flight is finished, and no more
            is begun.

    Raises:
        InvalidRequestError: An argument was refused, the destination is another export's or in use by another process,
            or the input cannot be understood; no call was made.
        AuthenticationError: The server does not accept the credentials; the same call goes on where it was.
        OSError: The input cannot be read, or the destination or the journal not be written.
    """
    _check(client, endpoints, file_format, {"partition_size": partition_size, "concurrency": concurrency})
    checked_domain(domain)
    check_period(start, stop)
    _check_given(start, stop)
    export = _Export(
        endpoints=endpoints,
        destination=destination,
        question=Question(domain=Domain(plain(domain)), start=start, stop=stop),
        file_format=file_format,
        partition_size=partition_size,
        concurrency=concurrency,
        filesystem=filesystem,
        journal=None if journal is None else Path(journal),
        progress=progress or _ignore,
        should_stop=should_stop or _never,
        began=time.monotonic(),
    )
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
