"""`sinch-reporting counter`."""

from typing import Annotated

from cyclopts import Parameter

from sinch_reporting.cli import exits
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import Output, Row, write
from sinch_reporting.models import Counter


def counter(
    counter_id: Annotated[str, Parameter(name="ID")],
    /,
    *,
    output: Output = "table",
    connection: Connection = Connection(),
) -> int:
    """Show a counter, such as the number of ongoing calls.

    The server refreshes counters every two minutes; `modified` is when it last did.

    For example:

        $ sinch-reporting counter currentCalls
        $ sinch-reporting counter currentCalls --output json

    Args:
        counter_id: currentCalls, or an id set up together with Sinch support.
    """
    with connection.client() as client:
        write([row(client.get_counter(counter_id))], output)
    return exits.OK


def row(found: Counter) -> Row:
    """Return the counter's fields."""
    return {"id": found.id, "value": found.value, "modified": found.modified}
