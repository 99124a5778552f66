"""`sinch-reporting report`."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from attrs import define
from cyclopts import Parameter
from cyclopts.validators import Number as InRange

from sinch_reporting.cli import exits
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import Output, Row, say, write
from sinch_reporting.endpoints import Domain, Endpoint, Number, Username
from sinch_reporting.errors import InvalidRequestError, ReportingError
from sinch_reporting.models import CallReport


def report(
    *texts: Annotated[str, Parameter(name="NUMBER_OR_USERNAME", required=True)],
    username: Annotated[bool, Parameter(negative=())] = False,
    domain: Domain = Domain.DATA,
    start: Annotated[date | None, Parameter(show_default=False)] = None,
    stop: Annotated[date | None, Parameter(show_default=False)] = None,
    days: Annotated[int | None, Parameter(show_default=False, validator=InRange(gte=1))] = None,
    output: Output = "table",
    connection: Connection = Connection(),
) -> int:
    """Show the calls of phone numbers or usernames, added up for each.

    Durations are in seconds in JSON and CSV. Failures go to standard error, one a line, and the exit code is then 1.

    For example:

        $ sinch-reporting report +46730170101 --domain pstn --days 7
        $ sinch-reporting report anna bert --username --output csv
        $ sinch-reporting report +46730170101 --start 2026-11-01 --stop 2026-11-20

    Args:
        texts: Numbers such as +46730170101 or, with --username, usernames.
        username: They are usernames.
        domain: Where the calls were terminated.
        start: The first day, such as 2026-11-01; default: 30 days ago.
        stop: The last day, at most 30 days after the first.
        days: In place of --start and --stop: so many days, today (UTC) being the last.
    """
    start, stop = _period(start, stop, days)
    endpoints = [_endpoint(text, Username if username else Number) for text in texts]
    with connection.client() as client:
        found = _Found()
        outcomes = client.iter_call_reports(endpoints, domain=domain, start=start, stop=stop, ordered=True)
        write(found.rows((outcome.endpoint, outcome.report or outcome.error) for outcome in outcomes), output)
    return exits.FAILED if found.failures else exits.OK


@define
class _Found:
    """Makes rows of reports, and counts the errors among them."""

    failures: int = 0

    def rows(self, outcomes: Iterable[tuple[Endpoint, CallReport | ReportingError | None]]) -> Iterator[Row]:
        for endpoint, outcome in outcomes:
            if isinstance(outcome, CallReport):
                yield {"endpoint": endpoint.value, **fields(outcome)}
            else:
                self.failures += 1
                say(f"sinch-reporting: {endpoint.value}: {outcome}")


def fields(found: CallReport) -> Row:
    """Return the report's fields."""
    names = ("success", "failed", "total", "duration", "start", "asr", "acd")
    return {name: getattr(found, name) for name in names}


def _period(start: date | None, stop: date | None, days: int | None) -> tuple[date | None, date | None]:
    if days is None:
        return start, stop
    if start or stop:
        raise exits.UsageError("--days takes the place of --start and --stop; leave those out")
    today = datetime.now(UTC).date()
    return today - timedelta(days=days - 1), today


def _endpoint(text: str, kind: type[Number] | type[Username]) -> Endpoint:
    try:
        return kind(text)
    except InvalidRequestError as error:
        hint = "" if kind is Username else "; for a username, add --username"
        raise exits.UsageError(f"{text!r}: {error}{hint}") from error
