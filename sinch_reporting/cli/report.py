"""`sinch-reporting report`."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from attrs import define, field
from cyclopts import Parameter
from cyclopts.validators import Number as InRange

from sinch_reporting import CallReport, Domain, Endpoint, ReportingClient, ReportingError
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.arguments import Date, WholeNumber, parse_endpoints, resolve_period
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import Output, Row, print_error, select, write, write_table
from sinch_reporting.parameters import resolve_domain

_FIELDS = ("success", "failed", "total", "duration", "first_call", "asr", "acd")
_OPTIONAL = ("first_call", "acd", "asr", "failed", "success")
"""Columns that a narrow terminal does without, the first one first."""


def report(
    *texts: Annotated[str, Parameter(name="NUMBER_OR_USERNAME", required=True)],
    username: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    domain: Annotated[Domain | None, Parameter(show_default=False)] = None,
    start: Annotated[Date | None, Parameter(show_default=False)] = None,
    stop: Annotated[Date | None, Parameter(show_default=False)] = None,
    days: Annotated[WholeNumber | None, Parameter(show_default=False, validator=InRange(gte=1))] = None,
    daily: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    columns: Annotated[tuple[str, ...], Parameter(metavar="TEXT", negative=(), show_default=False)] = (),
    output: Output = "table",
    connection: Connection = Connection(),
) -> int:
    """Show the calls of phone numbers or usernames: a row for each, or for each day.

    Durations are hours:minutes:seconds in tables, seconds in JSON and CSV.
    Failures are printed to standard error, one per line. The exit code is then 1.

    For example:

        $ sinch-reporting report +46730170101 --days 7
        $ sinch-reporting report anna bert --username -o csv
        $ sinch-reporting report - --daily <numbers.txt

    Args:
        texts: Numbers such as +46730170101, or usernames with --username; - reads them from standard input, one a line.
        username: Treat the arguments as usernames.
        domain: Network in which the calls were terminated; default: pstn for numbers, data for usernames.
        start: First day, such as 2026-11-01, yesterday or today (UTC); default: the last 30 days.
        stop: Last day, at most 30 days after the first unless --daily is given.
        days: The last days including today (UTC), instead of --start and --stop.
        daily: Show a row per day, over a period of any length.
        columns: Columns to show, separated by commas, such as endpoint,total.
    """
    start, stop = resolve_period(start, stop, days, daily=daily)
    endpoints = parse_endpoints(texts, username=username)
    names = [name for text in columns for name in map(str.strip, text.split(",")) if name]
    if columns and not names:
        raise exit_codes.UsageError("--columns names no column; write it as endpoint,total")
    if output == "table" and not names:
        names = ["endpoint", *(["day"] if daily else []), *_FIELDS]  # the title has the domain and the period
    rows = _Rows(names, daily=daily)
    with connection.client() as client:
        if names:
            select(rows.example(), names)  # before anything is sent
        shown = rows.of(_outcomes(client, endpoints, domain, start, stop, daily=daily))
        if output == "table":
            table = list(shown)
            title = None if columns else _title(resolve_domain(endpoints[0], domain), start, stop)
            total = rows.total() if len(table) > 1 else None
            write_table(table, title=title, optional=() if columns else _OPTIONAL, total=total)
        else:
            write(shown, output)
    if rows.needs_doctor:
        print_error(exit_codes.DOCTOR)
    return exit_codes.FAILED if rows.failures else exit_codes.OK


Outcome = tuple[Row, CallReport | None, ReportingError | None]


def _outcomes(
    client: ReportingClient,
    endpoints: Sequence[Endpoint],
    domain: Domain | None,
    start: date | None,
    stop: date | None,
    *,
    daily: bool,
) -> Iterator[Outcome]:
    if daily and start and stop:
        for endpoint in endpoints:
            for daily_outcome in client.daily_call_reports(endpoint, start, stop, domain=domain):
                yield {"endpoint": endpoint.value, "day": daily_outcome.day}, daily_outcome.report, daily_outcome.error
    else:
        for outcome in client.iter_call_reports(endpoints, domain=domain, start=start, stop=stop, ordered=True):
            yield {"endpoint": outcome.endpoint.value}, outcome.report, outcome.error


@define
class _Rows:
    """Builds rows of outcomes, counts the errors, and adds up the reports."""

    columns: Sequence[str]
    daily: bool = field(kw_only=True)
    failures: int = 0
    needs_doctor: bool = False
    _success: int = 0
    _failed: int = 0
    _duration: timedelta = timedelta()

    def of(self, outcomes: Iterable[Outcome]) -> Iterator[Row]:
        """Yield a row for each report. Print each error."""
        for key, found, error in outcomes:
            if found is not None:
                self._success += found.success
                self._failed += found.failed
                self._duration += found.duration
                yield select(self._row(key, found), self.columns)
            elif error is not None:
                self.failures += 1
                self.needs_doctor = self.needs_doctor or exit_codes.needs_doctor(error)
                print_error(f"sinch-reporting: {' '.join(map(str, key.values()))}: {exit_codes.error_line(error)}")

    def example(self) -> Row:
        """Return a row without values."""
        period = ("day", "domain") if self.daily else ("domain", "period_start", "period_stop")
        return dict.fromkeys(("endpoint", *period, *_FIELDS))

    def total(self) -> Row:
        """Return the sums of all rows."""
        total = self._success + self._failed
        sums: dict[str, Any] = {
            "success": self._success,
            "failed": self._failed,
            "total": total,
            "duration": self._duration,
            "asr": self._success / total if total else None,
            "acd": self._duration / self._success if self._success else None,
        }
        first = self.columns[0] if self.columns else "endpoint"
        return sums | ({first: "total"} if first not in sums else {})

    def _row(self, key: Row, found: CallReport) -> Row:
        period = {} if self.daily else {"period_start": found.period_start, "period_stop": found.period_stop}
        return {**key, "domain": found.domain.value, **period, **{name: getattr(found, name) for name in _FIELDS}}


def _title(domain: Domain, start: date | None, stop: date | None) -> str:
    period = f"{start} to {stop}" if start and stop else "last 30 days"
    return f"domain {domain.value}, {period}"
