"""`sinch-reporting service`."""

from typing import Annotated

from cyclopts import Parameter

from sinch_reporting.cli import exits
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import Output, Row, write
from sinch_reporting.models import ServiceStatus


def service(
    service_id: Annotated[str, Parameter(name="ID")],
    /,
    *,
    output: Output = "table",
    connection: Connection = Connection(),
) -> int:
    """Show whether a service is available.

    For example:

        $ sinch-reporting service rtpproxy
        $ sinch-reporting service rtpproxy --output json

    Args:
        service_id: An id set up together with Sinch support, such as rtpproxy.
    """
    with connection.client() as client:
        write([row(client.get_service_status(service_id))], output)
    return exits.OK


def row(found: ServiceStatus) -> Row:
    """Return the service's fields."""
    return {"id": found.id, "status": found.status, "is_up": found.is_up}
