"""`sinch-reporting counter`."""

import operator
import re
from collections.abc import Callable
from typing import Annotated

import anyio
from cyclopts import Parameter

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.follow import Following, Subject, follow
from sinch_reporting.cli.output import Format, Output, Row, write
from sinch_reporting.models import Counter

_COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "": operator.eq,
}


def counter(
    counter_id: Annotated[str, Parameter(name="ID")],
    /,
    *,
    output: Output = "table",
    following: Following = Following(),
    connection: Connection = Connection(),
) -> int:
    """Show a counter, such as the number of ongoing calls.

    The server refreshes counters every two minutes; `modified` is when it last did.

    For example:

        $ sinch-reporting counter currentCalls
        $ sinch-reporting counter currentCalls --watch
        $ sinch-reporting counter currentCalls --until 0 --timeout 10m

    Args:
        counter_id: currentCalls, or an id set up together with Sinch support.
    """
    if following.goes_on:
        return anyio.run(_follow, counter_id, output, following, connection)
    with connection.client() as client:
        write([row(client.get_counter(counter_id))], output)
    return exit_codes.OK


async def _follow(counter_id: str, output: Format, following: Following, connection: Connection) -> int:
    reached = None if following.until is None else _condition(following.until)
    subject = Subject[Counter]("counter", row, height=lambda found: found.value, reached=reached)
    async with connection.async_client() as client:
        return await follow(client.watch_counter(counter_id), subject, following, output)


def _condition(text: str) -> Callable[[Counter], bool]:
    match = re.fullmatch(r"(<=|>=|<|>|=|)\s*([0-9]{1,18})", text.strip())
    if not match:
        raise exit_codes.UsageError(
            f"--until {text!r}: a counter is waited for by a number, such as 0, '<100' or '>=100'"
        )
    compare, bound = _COMPARISONS[match[1]], int(match[2])
    return lambda found: compare(found.value, bound)


def row(found: Counter) -> Row:
    """Return the counter's fields."""
    return {"id": found.id, "value": found.value, "modified": found.modified}
