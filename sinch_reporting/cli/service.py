"""`sinch-reporting service`."""

from datetime import timedelta
from typing import Annotated

import anyio
from cyclopts import Parameter

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.follow import GROUP, Following, Subject, follow
from sinch_reporting.cli.output import Format, Output, Row, write
from sinch_reporting.models import ServiceStatus


def service(
    service_id: Annotated[str, Parameter(name="ID")],
    /,
    *,
    output: Output = "table",
    following: Following = Following(),
    interval: Annotated[timedelta, Parameter(group=GROUP)] = timedelta(seconds=10),
    connection: Connection = Connection(),
) -> int:
    """Show whether a service is available.

    For example:

        $ sinch-reporting service rtpproxy
        $ sinch-reporting service rtpproxy --watch
        $ sinch-reporting service rtpproxy --until up --timeout 10m

    Args:
        service_id: An id set up together with Sinch support, such as rtpproxy.
        interval: The time from one look to the next, with --watch or --until.
    """
    if following.goes_on:
        return anyio.run(_follow, service_id, output, following, interval, connection)
    with connection.client() as client:
        write([row(client.get_service_status(service_id))], output)
    return exit_codes.OK


async def _follow(
    service_id: str, output: Format, following: Following, interval: timedelta, connection: Connection
) -> int:
    until = following.until
    subject = Subject[ServiceStatus](
        "service",
        row,
        height=lambda found: float(found.is_up),
        reached=None if until is None else lambda found: found.status == until,
        names=("not up", "up"),
    )
    async with connection.async_client() as client:
        outcomes = client.watch_service_status(service_id, interval=interval.total_seconds())
        return await follow(outcomes, subject, following, output)


def row(found: ServiceStatus) -> Row:
    """Return the service's fields."""
    return {"id": found.id, "status": found.status, "is_up": found.is_up}
