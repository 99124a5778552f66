"""`sinch-reporting report`."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from attrs import define
from cyclopts import Parameter
from cyclopts.validators import Number as InRange

from sinch_reporting.bulk import CallReportOutcome, DailyCallReport
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import Output, Row, say, write
from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.models import CallReport
from sinch_reporting.parameters import Domain, Endpoint, Number, Username


def report(
    *texts: Annotated[str, Parameter(name="NUMBER_OR_USERNAME", required=True)],
    username: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    domain: Domain = Domain.DATA,
    start: Annotated[date | None, Parameter(show_default=False)] = None,
    stop: Annotated[date | None, Parameter(show_default=False)] = None,
    days: Annotated[int | None, Parameter(show_default=False, validator=InRange(gte=1))] = None,
    daily: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    output: Output = "table",
    connection: Connection = Connection(),
) -> int:
    """Show the calls of phone numbers or usernames, added up for each, or for each day.

    Durations are in seconds in JSON and CSV. Failures go to standard error,
    one a line, and the exit code is then 1.

    For example:

        $ sinch-reporting report +46730170101 --domain pstn --days 7
        $ sinch-reporting report anna bert --username --output csv
        $ sinch-reporting report +46730170101 --start 2026-01-01 --stop 2026-03-31 --daily

    Args:
        texts: Numbers such as +46730170101 or, with --username, usernames.
        username: They are usernames.
        domain: Where the calls were terminated.
        start: The first day, such as 2026-11-01; default: 30 days ago.
        stop: The last day, at most 30 days after the first.
        days: In place of --start and --stop: so many days, today (UTC) being the last.
        daily: A row for each day, over a period of any length.
    """
    start, stop = _period(start, stop, days, daily=daily)
    endpoints = [_endpoint(text, Username if username else Number) for text in texts]
    found = _Found()
    with connection.client() as client:
        rows: Iterator[tuple[Row, CallReportOutcome | DailyCallReport]]
        if daily and start and stop:
            rows = (
                ({"endpoint": endpoint.value, "day": one.day}, one)
                for endpoint in endpoints
                for one in client.daily_call_reports(endpoint, start, stop, domain=domain)
            )
        else:
            outcomes = client.iter_call_reports(endpoints, domain=domain, start=start, stop=stop, ordered=True)
            rows = (({"endpoint": one.endpoint.value}, one) for one in outcomes)
        write(found.rows(rows), output)
    return exit_codes.FAILED if found.failures else exit_codes.OK


@define
class _Found:
    """Makes rows of outcomes, and counts the errors among them."""

    failures: int = 0

    def rows(self, outcomes: Iterable[tuple[Row, CallReportOutcome | DailyCallReport]]) -> Iterator[Row]:
        """Yield a row for each report; say each error."""
        for of, outcome in outcomes:
            if outcome.report:
                yield {**of, **fields(outcome.report)}
            else:
                self.failures += 1
                say(f"sinch-reporting: {' '.join(map(str, of.values()))}: {outcome.error}")


def fields(found: CallReport) -> Row:
    """Return the report's fields."""
    names = ("success", "failed", "total", "duration", "start", "asr", "acd")
    return {name: getattr(found, name) for name in names}


def _period(start: date | None, stop: date | None, days: int | None, *, daily: bool) -> tuple[date | None, date | None]:
    if daily and days is None:
        if not start and not stop:
            days = 30
        elif not (start and stop):
            raise exit_codes.UsageError("--daily needs both --start and --stop, or --days")
    if days is None:
        return start, stop
    if start or stop:
        raise exit_codes.UsageError("--days takes the place of --start and --stop; leave those out")
    today = datetime.now(UTC).date()
    return today - timedelta(days=days - 1), today


def _endpoint(text: str, kind: type[Number] | type[Username]) -> Endpoint:
    try:
        return kind(text)
    except InvalidRequestError as error:
        hint = "" if kind is Username else "; for a username, add --username"
        raise exit_codes.UsageError(f"{text!r}: {error}{hint}") from error
