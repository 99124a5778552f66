"""`sinch-reporting export`."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal

from attrs import frozen
from cyclopts import Group, Parameter

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.export_progress import counts, showing
from sinch_reporting.cli.output import Output, say, write
from sinch_reporting.parameters import Endpoint

if TYPE_CHECKING:
    from sinch_reporting.export import ExportSummary, RejectedLine

_INPUT = Group("Input", sort_key=5)
_MOST_LINES = 10


@Parameter(name="*", group=_INPUT)
@frozen(kw_only=True)
class Input:
    """How the input is read.

    Attributes:
        input_format: Default: by the file's name, .csv or .parquet, else lines.
        column: The column of CSV or Parquet that holds the endpoints: its name, or in CSV without a header its number
            from 1. Default: endpoint, number or username, or the only one.
        type: What the endpoints are. Default: number, where no column says otherwise.
        delimiter: What stands between the fields of CSV.
    """

    input_format: Annotated[Literal["lines", "csv", "parquet"] | None, Parameter(show_default=False)] = None
    column: Annotated[str | None, Parameter(show_default=False)] = None
    type: Annotated[Literal["number", "username"] | None, Parameter(show_default=False)] = None
    delimiter: str = ","

    def read(self, source: Path | BinaryIO) -> "Iterator[Endpoint | RejectedLine]":
        """Read the endpoints. Raises InvalidRequestError."""
        from sinch_reporting.export import read_endpoints  # noqa: PLC0415 - from an extra of its own

        column = int(self.column) if self.column and self.column.isdecimal() else self.column
        return read_endpoints(
            source,
            input_format=self.input_format,
            column=column,
            endpoint_type=self.type,
            delimiter=self.delimiter,
        )


def export(
    # They come as text; a path is a type that shells complete.
    source: Annotated[str | Path, Parameter(name="INPUT", allow_leading_hyphen=True)],
    destination: Annotated[str | Path, Parameter(name="DESTINATION")],
    /,
    *,
    start: date,
    stop: date,
    domain: Literal["data", "pstn"] = "data",
    format: Annotated[Literal["parquet", "csv", "jsonl"], Parameter(name="--format")] = "parquet",  # noqa: A002
    rate: float | None = None,
    concurrency: int = 16,
    partition_size: int | None = None,
    journal: Path | None = None,
    cluster: str | None = None,
    output: Output = "table",
    reading: Input = Input(),
    connection: Connection = Connection(),
) -> int:
    """Write the reports of many numbers or usernames to files.

    They go to three datasets in DESTINATION: reports, failures, and rejected, the malformed lines of the input. Stopped
    or killed, the same command goes on where it was. The exit code is 1 where some failed or some lines were malformed.

    For example:

        $ sinch-reporting export numbers.csv reports/ --start 2026-11-01 --stop 2026-11-20 --rate 200
        $ cut -f 3 users.tsv | sinch-reporting export - reports/ --type username --start 2026-11-01 --stop 2026-11-20

    Args:
        source: A file with plain lines, CSV or Parquet, or - for standard input.
        destination: A folder, or a URI such as s3://bucket/reports.
        start: The first day, such as 2026-11-01.
        stop: The last day, at most 30 days later.
        domain: Where the calls were terminated.
        format: The format of the files.
        rate: How many requests per second are sent at most; default: as many as come.
        concurrency: How many calls are made at a time.
        partition_size: How many endpoints have their reports in one file; default: 10000, with --cluster 500.
        journal: Where to keep the outcomes of files that are not complete; default: at a destination on this machine.
        cluster: The scheduler of a Dask cluster, such as tcp://scheduler:8786. Its workers ask, with the credentials of
            their own environment, and write the files.
    """
    interruption = _Interruption()
    with _opened(source) as opened, showing() as show:

        async def run() -> "ExportSummary":
            from sinch_reporting.export import export_call_reports  # noqa: PLC0415 - from an extra of its own

            interruption.listen()
            async with _client(connection, rate, cluster) as client:
                return await export_call_reports(
                    client,
                    _reporting(reading.read(opened)),
                    destination,
                    start=start,
                    stop=stop,
                    domain=domain,
                    file_format=format,
                    partition_size=partition_size,
                    concurrency=concurrency,
                    journal=journal,
                    cluster=cluster,
                    progress=show,
                    should_stop=interruption.has_come,
                )

        try:
            summary = asyncio.run(run())
        except asyncio.CancelledError:
            return exit_codes.INTERRUPTED
        except ModuleNotFoundError as error:
            raise exit_codes.UsageError(str(error)) from error
        except OSError as error:
            say(f"sinch-reporting: {error}\nTo go on, give the same command again, with the same input.")
            return exit_codes.FAILED
    return _end(summary, output)


def _client(
    connection: Connection, rate: float | None, cluster: str | None
) -> AbstractAsyncContextManager[AsyncReportingClient]:
    if cluster is None:
        return connection.async_client(rate_limit=rate)
    if connection.sandbox or connection.keyring or connection.credentials:
        raise exit_codes.UsageError(
            "with --cluster, the credentials are those of the environment, here and where the workers run; "
            "leave out --sandbox, --keyring and --credentials"
        )
    return AsyncReportingClient(base_url=connection.base_url, rate_limit=rate)


def _end(summary: "ExportSummary", output: Literal["table", "json", "csv"]) -> int:
    row = summary.as_dict()
    if output == "table":
        del row["destination"]  # the columns of a terminal are few
    write([row], output)
    if not summary.finished:
        done = summary.reports + summary.failures
        said = counts(done, summary.endpoints, summary.failures)
        say(f"stopped: {said}\nTo go on, give the same command again, with the same input.")
        return exit_codes.INTERRUPTED
    return exit_codes.FAILED if summary.failures or summary.rejected else exit_codes.OK


@contextmanager
def _opened(source: str | Path) -> Generator[Path | BinaryIO]:
    """Yield the input; standard input as a file, so that Ctrl-C can interrupt the wait for it."""
    if source != "-":
        try:
            if not Path(source).is_dir():
                Path(source).open("rb").close()
        except OSError as error:
            raise exit_codes.UsageError(f"the input {source} cannot be read: {error.strerror}") from error
        yield Path(source)
        return
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.seek(0)
        yield file


def _reporting(items: "Iterator[Endpoint | RejectedLine]") -> "Iterator[Endpoint | RejectedLine]":
    """Pass on the items, and say which lines are malformed."""
    rejected = 0
    for item in items:
        if not isinstance(item, Endpoint):
            rejected += 1
            if rejected <= _MOST_LINES:
                say(f"line {item.line} is set aside: {item.reason}")
        yield item
    if rejected > _MOST_LINES:
        say(f"{rejected - _MOST_LINES:,} more lines are set aside; all of them are in the dataset `rejected`")


class _Interruption:
    """The first Ctrl-C, or SIGTERM, as a wish to stop; the second one cancels what is in flight."""

    def __init__(self) -> None:
        self._came = False

    def has_come(self) -> bool:
        """Tell whether to stop."""
        return self._came

    def listen(self) -> None:
        """Take the signals of the event loop that runs."""
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError):  # on Windows, Ctrl-C cancels at once
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._come, asyncio.current_task(loop))

    def _come(self, task: "asyncio.Task[Any] | None") -> None:
        if task and self._came:
            task.cancel()
        else:
            self._came = True
            say("finishing what is in flight; once more to stop at once")
