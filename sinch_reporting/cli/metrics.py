"""`sinch-reporting metrics`."""

import asyncio
import signal
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import anyio
from cyclopts import Parameter

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import say

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

DEFAULT_PORT = 9464


def metrics(
    *,
    counter: Annotated[tuple[str, ...], Parameter(name="--counter", negative=(), show_default=False)] = (),
    service: Annotated[tuple[str, ...], Parameter(name="--service", negative=(), show_default=False)] = (),
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    interval: timedelta = timedelta(seconds=10),
    connection: Connection = Connection(),
) -> int:
    """Serve counters and services as Prometheus metrics, until Ctrl-C or SIGTERM.

    The server is asked about each counter once in each of its refreshes,
    however often Prometheus scrapes. Needs the extra `metrics`.

    For example:

        $ sinch-reporting metrics
        $ sinch-reporting metrics --counter currentCalls --service rtpproxy

    Args:
        counter: The id of a counter; may be repeated. Default: currentCalls, where there is no --service.
        service: The id of a service; may be repeated.
        host: The address to listen on.
        port: The port to listen on; 0 for a free one.
        interval: The time from one look at a service to the next.
    """
    counters = counter or (() if service else ("currentCalls",))
    with suppress(KeyboardInterrupt):
        anyio.run(_serve, counters, service, host, port, interval, connection)
    return exit_codes.OK


async def _serve(
    counters: Sequence[str], services: Sequence[str], host: str, port: int, interval: timedelta, connection: Connection
) -> None:
    try:
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 - an extra of its own

        from sinch_reporting.cli.exporter import Exporter  # noqa: PLC0415
        from sinch_reporting.metrics import attempt_metrics  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise exit_codes.UsageError(
            "the exporter needs the extra `metrics`: pip install 'sinch-reporting[cli,metrics]'"
        ) from error
    registry = CollectorRegistry()
    exporter = Exporter(registry)
    async with connection.async_client(on_attempt=attempt_metrics(registry)) as client:
        with _until_terminated(), _served(registry, host, port):
            await exporter.run(client, counters, services, interval.total_seconds())


@contextmanager
def _until_terminated() -> Generator[None]:
    loop = asyncio.get_running_loop()
    scope = anyio.CancelScope()

    def terminate(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(scope.cancel)

    with scope:
        signal.signal(signal.SIGTERM, terminate)
        yield


@contextmanager
def _served(registry: "CollectorRegistry", host: str, port: int) -> Generator[None]:
    from prometheus_client import start_http_server  # noqa: PLC0415 - an extra of its own

    try:
        server, thread = start_http_server(port, host, registry)
    except (OSError, OverflowError) as error:
        raise exit_codes.UsageError(f"{host}:{port} cannot be listened on: {error}; choose another --port") from error
    say(f"serving http://{host}:{server.server_port}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
