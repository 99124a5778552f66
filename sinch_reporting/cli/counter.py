"""`sinch-reporting counter`."""

import operator
import re
from collections.abc import Callable
from typing import Annotated

import anyio
from cyclopts import Parameter

from sinch_reporting import Counter
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import Format, Output, Row, write
from sinch_reporting.cli.polling import poll_counter
from sinch_reporting.cli.text import printable
from sinch_reporting.cli.watching import WatchOptions, WatchTarget, watch

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
    watching: WatchOptions = WatchOptions(),
    connection: Connection = Connection(),
) -> int:
    """Show a counter, such as the number of ongoing calls.

    The server refreshes counters every two minutes. `modified` is the time of the last refresh.

    For example:

        $ sinch-reporting counter currentCalls
        $ sinch-reporting counter currentCalls --watch
        $ sinch-reporting counter currentCalls --until 0

    Args:
        counter_id: currentCalls, or an id set up together with Sinch support.
    """
    if watching.is_continuous:
        is_met = None if watching.until is None else _condition(watching.until)
        return anyio.run(_watch, counter_id, output, watching, is_met, connection)
    with connection.client() as client:
        write([row(client.get_counter(counter_id))], output)
    return exit_codes.OK


async def _watch(
    counter_id: str,
    output: Format,
    options: WatchOptions,
    is_met: Callable[[Counter], bool] | None,
    connection: Connection,
) -> int:
    target = WatchTarget[Counter](row, graph_value=lambda found: found.value, is_met=is_met)
    async with connection.async_client() as client:
        return await watch(poll_counter(client, counter_id), target, options, output)


def _condition(text: str) -> Callable[[Counter], bool]:
    match = re.fullmatch(r"(<=|>=|<|>|=|)\s*([0-9]{1,19})", text.strip())
    if not match:
        raise exit_codes.UsageError(
            f"--until '{printable(text)}': not a number to wait for; write it as 0, '<100' or '>=100'"
        )
    compare, bound = _COMPARISONS[match[1]], int(match[2])
    return lambda found: compare(found.value, bound)


def row(found: Counter) -> Row:
    """Return the counter's fields."""
    return {"id": found.id, "value": found.value, "modified": found.modified}
