"""`sinch-reporting service`."""

from datetime import timedelta
from typing import Annotated

import anyio
from cyclopts import Parameter

from sinch_reporting import ServiceStatus
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.arguments import Duration
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import Format, Output, Row, write
from sinch_reporting.cli.polling import poll_service
from sinch_reporting.cli.text import printable
from sinch_reporting.cli.watching import GROUP, WatchOptions, WatchTarget, watch

_STATUSES = ("up", "down")


def service(
    service_id: Annotated[str, Parameter(name="ID")],
    /,
    *,
    output: Output = "table",
    watching: WatchOptions = WatchOptions(),
    interval: Annotated[Duration, Parameter(group=GROUP)] = timedelta(seconds=10),
    force: Annotated[bool, Parameter(group=GROUP, negative=(), show_default=False)] = False,
    connection: Connection = Connection(),
) -> int:
    """Show whether a service is available.

    For example:

        $ sinch-reporting service rtpproxy
        $ sinch-reporting service rtpproxy --watch
        $ sinch-reporting service rtpproxy --until up --stop-after 10m

    Args:
        service_id: An id set up together with Sinch support, such as rtpproxy.
        interval: Polling interval of --watch and --until.
        force: Accept another status than up or down in --until.
    """
    if watching.until is not None and watching.until not in _STATUSES and not force:
        given = printable(watching.until)
        raise exit_codes.UsageError(
            f"--until '{given}': the documented statuses are up and down; for another one, add --force"
        )
    if watching.is_continuous:
        return anyio.run(_watch, service_id, output, watching, interval, connection)
    with connection.client() as client:
        write([row(client.get_service_status(service_id))], output)
    return exit_codes.OK


async def _watch(
    service_id: str, output: Format, options: WatchOptions, interval: timedelta, connection: Connection
) -> int:
    until = options.until
    target = WatchTarget[ServiceStatus](
        row,
        graph_value=lambda found: float(found.is_up),
        is_met=None if until is None else lambda found: found.status == until,
        tick_labels=("not up", "up"),
    )
    async with connection.async_client() as client:
        return await watch(poll_service(client, service_id, interval.total_seconds()), target, options, output)


def row(found: ServiceStatus) -> Row:
    """Return the service's fields."""
    return {"id": found.id, "status": found.status, "is_up": found.is_up}
