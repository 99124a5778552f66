"""`sinch-reporting export`."""

import asyncio
import os
import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

from attrs import evolve, frozen
from cyclopts import Group, Parameter
from cyclopts.validators import Number as InRange

from sinch_reporting import ReportingError
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.arguments import STANDARD_INPUT, Date, Duration, WholeNumber, today
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.export_client import export_client
from sinch_reporting.cli.export_progress import progress_display
from sinch_reporting.cli.export_stop import StopSignal
from sinch_reporting.cli.output import Output, write
from sinch_reporting.cli.streams import print_error
from sinch_reporting.cli.text import printable

if TYPE_CHECKING:
    from sinch_reporting.export import ExportSummary
    from sinch_reporting.export.readers import EndpointReader

_INPUT = Group("Input", sort_key=5)
_DAYS = Group("Days", sort_key=4)
_COLUMNS = (
    "reports", "permanent_failures", "transient_failures", "missing", "rejected", "requested", "seconds", "complete",
)  # fmt: skip
_REMEDY = "Run the same command again: it resumes, and requests only what is missing."


@Parameter(name="*", group=_DAYS)
@frozen(kw_only=True)
class Days:
    """The days to export, in UTC.

    Attributes:
        start: The first day.
        stop: The last day.
        days: The last days before today, instead of --start and --stop.
        yesterday: Only yesterday.
        daily: One row per day instead of one for all days, over a period of any length.
        allow_partial_day: Accept today. Its rows are marked, and requested again when it is over.
        refresh: A complete day to request again; may be repeated.
    """

    start: Annotated[Date | None, Parameter(show_default=False)] = None
    stop: Annotated[Date | None, Parameter(show_default=False)] = None
    days: Annotated[WholeNumber | None, Parameter(metavar="N", show_default=False, validator=InRange(gte=1))] = None
    yesterday: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    daily: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    allow_partial_day: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    refresh: Annotated[list[Date] | None, Parameter(negative=(), show_default=False)] = None

    def resolve(self) -> tuple[date, date]:
        """Return the first and the last day. Raises UsageError."""
        ways = [self.start is not None or self.stop is not None, self.days is not None, self.yesterday]
        if sum(ways) != 1:
            problem = "exclude each other" if sum(ways) else "are missing"
            raise exit_codes.UsageError(f"the days {problem}; use --start and --stop, or --days, or --yesterday")
        if self.days is not None or self.yesterday:
            stop = today() - timedelta(days=0 if self.allow_partial_day and self.days else 1)
            return stop - timedelta(days=(self.days or 1) - 1), stop
        if self.start is None or self.stop is None:
            missing = "--stop" if self.start else "--start"
            raise exit_codes.UsageError(f"--start and --stop are required together; add {missing}")
        return self.start, self.stop


@Parameter(name="*", group=_INPUT)
@frozen(kw_only=True)
class Input:
    """How the input is read. Everything is detected unless it is given.

    Attributes:
        input_format: Format of the files.
        column: Name of the column with the endpoints, or its number from 1.
        type: Type of the endpoints.
        delimiter: Delimiter of CSV.
        normalize: Convert numbers to E.164, with the country of national ones, such as --normalize=SE.
    """

    input_format: Annotated[
        Literal["lines", "csv", "jsonl", "parquet", "xlsx"] | None, Parameter(show_default=False)
    ] = None
    column: Annotated[str | None, Parameter(metavar="NAME", show_default=False)] = None
    type: Annotated[Literal["number", "username"] | None, Parameter(show_default=False)] = None
    delimiter: Annotated[str | None, Parameter(metavar="CHARACTER", show_default=False)] = None
    normalize: Annotated[bool | str, Parameter(metavar="[=REGION]", negative=(), show_default=False)] = False

    def reader(self, sources: Iterable[str]) -> "EndpointReader":
        """Return a reader of the files. Raises InvalidRequestError and ModuleNotFoundError."""
        from sinch_reporting.export import read_endpoints  # noqa: PLC0415 - from an extra

        files: list[str | BinaryIO] = [_standard_input() if each in {"-", STANDARD_INPUT} else each for each in sources]
        return read_endpoints(
            files,
            input_format=self.input_format,
            column=int(self.column) if self.column and self.column.isdecimal() else self.column,
            endpoint_type=self.type,
            delimiter={"\\t": "\t"}.get(self.delimiter or "", self.delimiter),
            normalize=self.normalize,
            on_choice=lambda choice: print_error(printable(choice)),
        )


def export(
    *paths: Annotated[str | Path, Parameter(name="INPUT... DESTINATION", allow_leading_hyphen=False)],
    days: Days = Days(),
    domain: Annotated[list[Literal["data", "pstn"]] | None, Parameter(negative=(), show_default=False)] = None,
    format: Annotated[Literal["parquet", "csv", "jsonl"], Parameter(name="--format")] = "parquet",  # noqa: A002
    retry_failed: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    rate: Annotated[float | None, Parameter(metavar="NUMBER", show_default=False)] = None,
    concurrency: Annotated[WholeNumber | None, Parameter(show_default=False)] = None,
    give_up_after: Duration = timedelta(hours=1),
    journal: Annotated[Path | None, Parameter(metavar="FILE", show_default=False)] = None,
    cluster: Annotated[str | None, Parameter(metavar="ADDRESS", show_default=False)] = None,
    output: Output = "table",
    reading: Input = Input(),
    connection: Connection = Connection(),
) -> int:
    """Export the call reports of many numbers or usernames to files: one row per endpoint, day and domain.

    INPUT is one or more files, folders, patterns or URIs, or - for standard input.
    DESTINATION is a folder or a URI such as s3://bucket/calls.
    The same command again resumes an export that was interrupted, and repeats what failed transiently.

    For example:

        $ sinch-reporting export numbers.csv calls/ --daily --days 7 --rate 50
        $ sinch-reporting export users.tsv calls/ --start 2026-11-01 --stop 2026-11-20 --domain data --domain pstn

    Exit codes: 0 complete; 1 complete, with permanent failures or rejected lines; 2 usage error; 75 incomplete, run the
    same command again; 130 interrupted.

    Args:
        domain: Network in which the calls were terminated; may be repeated. Default: pstn for numbers, data for
            usernames.
        format: Format of the files.
        retry_failed: Request permanent failures again too.
        rate: Requests per second, retries included; default: unlimited.
        concurrency: Concurrent requests; default: 16, or as many as --rate needs.
        give_up_after: End as incomplete if the server fails for so long.
        journal: Path of the journal of unfinished days; default: in DESTINATION.
        cluster: Scheduler of a Dask cluster whose workers send the requests, such as tcp://scheduler:8786.
    """
    if len(paths) < 2:  # noqa: PLR2004 - an input and the destination
        raise exit_codes.UsageError("give at least one input and the destination: export INPUT... DESTINATION")
    *sources, destination = map(str, paths)  # Path is there for completion
    _check_inputs(sources)
    start, stop = days.resolve()
    interruption = StopSignal()
    try:
        from sinch_reporting.export import PausePolicy, export_call_reports  # noqa: PLC0415 - from an extra

        pause = PausePolicy(give_up_after=give_up_after.total_seconds())
        if connection.max_retry_after:
            pause = evolve(pause, max_retry_after=connection.max_retry_after.total_seconds())
        endpoints = reading.reader(sources)

        async def run() -> "ExportSummary":
            with progress_display() as show:
                interruption.install(show)
                async with export_client(connection, rate, cluster) as client:
                    return await export_call_reports(
                        client,
                        endpoints,
                        destination,
                        start=start,
                        stop=stop,
                        daily=days.daily,
                        domain=domain,
                        file_format=format,
                        refresh=days.refresh or (),
                        retry_failed=retry_failed,
                        allow_partial_day=days.allow_partial_day,
                        concurrency=concurrency,
                        pause=pause,
                        journal=journal,
                        cluster=cluster,
                        progress=show,
                        should_stop=interruption.is_set,
                    )

        summary = asyncio.run(run())
    except asyncio.CancelledError:
        return exit_codes.INTERRUPTED
    except ModuleNotFoundError as error:
        raise exit_codes.UsageError(str(error)) from error
    except OSError as error:
        print_error(f"sinch-reporting: {printable(_reason(error))}\n{_REMEDY}")
        return exit_codes.INCOMPLETE
    except ReportingError as error:
        if exit_codes.exit_code(error) == exit_codes.USAGE_ERROR:
            raise
        print_error(f"sinch-reporting: {exit_codes.error_message(error)}\nThe export is incomplete. {_REMEDY}")
        return exit_codes.INCOMPLETE
    return _finish(summary, output)


def _check_inputs(sources: Iterable[str]) -> None:
    for source in sources:
        if "://" in source or source in {"-", STANDARD_INPUT}:
            continue
        path = Path(source)
        if not path.exists() and not any(character in source for character in "*?["):
            raise exit_codes.UsageError(f"the input {printable(source)} does not exist")
        if path.exists() and not os.access(path, os.R_OK):
            raise exit_codes.UsageError(f"the input {printable(source)} cannot be read; check its permissions")


def _standard_input() -> BinaryIO:
    # Without a buffer, whose lock a thread that waits for input would hold when the interpreter ends.
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)


def _reason(error: OSError) -> str:
    if error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def _finish(summary: "ExportSummary", output: Literal["table", "json", "csv"]) -> int:
    row = summary.to_dict()
    if output == "table":
        row = {name: row[name] for name in _COLUMNS} | {"seconds": round(summary.seconds, 1)}
    write([row], output)
    if summary.rejected:
        reasons = "; ".join(f"{reason} ({count:,})" for reason, count in summary.rejected_reasons.items())
        print_error(f"{summary.rejected:,} lines were rejected: {reasons}; see the dataset `rejected`")
    if summary.normalized:
        print_error(f"{summary.normalized:,} numbers were normalized to E.164; see the column `original`")
    if summary.ended == "gave up":
        print_error(f"gave up: {printable(summary.problem or '')}")
    if not summary.complete:
        print_error(f"The export is incomplete. {_REMEDY}")
        return exit_codes.INTERRUPTED if summary.ended == "stopped" else exit_codes.INCOMPLETE
    return exit_codes.FAILED if summary.permanent_failures or summary.rejected else exit_codes.OK
