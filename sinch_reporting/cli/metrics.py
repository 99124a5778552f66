"""`sinch-reporting metrics`."""

import asyncio
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import anyio
from cyclopts import Parameter
from cyclopts.validators import Number as InRange

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.arguments import Duration, WholeNumber, parse_endpoints
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import print_error
from sinch_reporting.parameters import path_segment

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from sinch_reporting.cli.prometheus import Targets

DEFAULT_PORT = 9464

_Texts = Annotated[tuple[str, ...], Parameter(metavar="TEXT", negative=(), show_default=False)]


def metrics(
    *,
    counter: _Texts = (),
    service: _Texts = (),
    number: _Texts = (),
    username: _Texts = (),
    host: Annotated[str, Parameter(metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[WholeNumber, Parameter(validator=InRange(gte=0, lte=65535))] = DEFAULT_PORT,
    interval: Duration = timedelta(seconds=10),
    report_interval: Duration = timedelta(minutes=5),
    connection: Connection = Connection(),
) -> int:
    """Serve counters, services and call reports as Prometheus metrics, until Ctrl-C or SIGTERM.

    Each counter is requested once per refresh, however often Prometheus scrapes.
    Needs the extra `metrics`.

    For example:

        $ sinch-reporting metrics
        $ sinch-reporting metrics --service rtpproxy
        $ sinch-reporting metrics --number +46730170101

    Args:
        counter: Id of a counter; may be repeated. Default: currentCalls, if no other metric is chosen.
        service: Id of a service; may be repeated.
        number: Number whose answer-seizure ratio and average call duration of the day are served; may be repeated.
        username: The same for a username; may be repeated.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        interval: Polling interval of services.
        report_interval: Polling interval of numbers and usernames.
    """
    try:
        from sinch_reporting.cli.prometheus import Targets  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as error:
        raise exit_codes.UsageError(
            "the exporter needs the extra `metrics`: pip install 'sinch-reporting[cli,metrics]'"
        ) from error
    numbers = parse_endpoints(number, username=False) if number else []
    usernames = parse_endpoints(username, username=True) if username else []
    targets = Targets(
        counters=tuple(dict.fromkeys(counter or (() if service or number or username else ("currentCalls",)))),
        services=tuple(dict.fromkeys(service)),
        endpoints=tuple(dict.fromkeys([*numbers, *usernames])),
        service_interval=interval.total_seconds(),
        report_interval=report_interval.total_seconds(),
    )
    for watched in (*targets.counters, *targets.services):
        path_segment(watched, "id")
    with suppress(KeyboardInterrupt):
        anyio.run(_serve, targets, host, port, connection)
    return exit_codes.OK


async def _serve(targets: "Targets", host: str, port: int, connection: Connection) -> None:
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - an optional extra

    from sinch_reporting.cli.prometheus import Exporter  # noqa: PLC0415
    from sinch_reporting.metrics import attempt_metrics  # noqa: PLC0415

    registry = CollectorRegistry()
    exporter = Exporter(registry, targets)
    async with connection.async_client(on_attempt=attempt_metrics(registry)) as client:
        with _until_terminated(), _served(registry, host, port):
            await exporter.run(client)


@contextmanager
def _until_terminated() -> Generator[None]:
    loop = asyncio.get_running_loop()
    scope = anyio.CancelScope()

    def terminate(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(scope.cancel)

    previous = signal.signal(signal.SIGTERM, terminate)
    try:
        with scope:
            yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _report_failed_scrape(request: object, client_address: object) -> None:  # noqa: ARG001 - of socketserver
    """Print the exception in a line; the server would print a traceback."""
    print_error(f"sinch-reporting: a scrape failed: {type(sys.exception()).__name__}")


@contextmanager
def _served(registry: "CollectorRegistry", host: str, port: int) -> Generator[None]:
    from prometheus_client import start_http_server  # noqa: PLC0415 - an optional extra

    address = f"[{host}]" if ":" in host else host
    try:
        server, thread = start_http_server(port, host, registry)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        remedy = "choose another --port or --host"
        raise exit_codes.UsageError(f"cannot listen on {address}:{port}: {reason}; {remedy}") from error
    server.handle_error = _report_failed_scrape  # type: ignore[method-assign]
    print_error(f"serving http://{address}:{server.server_port}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
