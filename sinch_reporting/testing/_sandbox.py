"""The Sandbox: uvicorn in a thread of its own, on a socket that is bound before it starts."""

import asyncio
import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from sinch_reporting.testing._app import App, ReceivedRequest
from sinch_reporting.testing._data import Data
from sinch_reporting.testing._verify import Verifier

if TYPE_CHECKING:
    from sinch_reporting import AsyncReportingClient, ReportingClient

EXAMPLE_KEY = "5F5C418A0F914BBC8234A9BF5EDDAD97"
EXAMPLE_SECRET = "JViE5vDor0Sw3WllZka15Q=="  # noqa: S105 - the documentation's example, secret to nobody


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A local server of the whole Sinch Reporting API, for tests and for trying things out.

    It listens on a real socket, checks signatures and parameters as the API documents them, and answers with made-up
    data that depends on nothing but the request and the clock. Use it as a context manager, or call `start` and `stop`;
    it can be started again after it was stopped, then on another port unless one was chosen.

    Numbers and usernames need not be set up: each has a call history of its own, some an empty one. The service
    `rtpproxy` is up, and the counter `currentCalls` moves every two minutes; others are made by `set_service` and
    `set_counter`, which may be called from any thread at any time.

    Where the API's documentation is silent, the Sandbox assumes: a report's days are UTC and `_stop` is included; today
    counts as a whole; a signature is accepted within five minutes.

    Args:
        application_key: The key that requests must carry. Default: the documentation's example.
        application_secret: The secret that they must be signed with, Base64. Default: the documentation's example.
        host: The address to listen on, which must be a loopback one.
        port: The port to listen on; 0 chooses a free one.
        tolerance: How far a request's `x-timestamp` may be from the clock, in either direction.
        clock: Tells the time as an aware datetime. Default: the system's clock.

    Attributes:
        clock: As given. Assign to it to move the time, also while the Sandbox runs. The `Date` header follows it.
        requests: The requests received so far, in the order in which they were answered; clear it as you like.

    Raises:
        ValueError: The host is no loopback address, the secret is not Base64, or the key holds a space or colon.
    """

    def __init__(
        self,
        *,
        application_key: str = EXAMPLE_KEY,
        application_secret: str = EXAMPLE_SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
        tolerance: timedelta = timedelta(minutes=5),
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        if not _is_loopback(host):
            raise ValueError(f"host must be a loopback address such as 127.0.0.1, not {host!r}")
        self._application_key = application_key
        self._application_secret = application_secret
        self.clock = clock
        self.requests: list[ReceivedRequest] = []
        self._data = Data()
        self._app = App(Verifier(application_key, application_secret, tolerance), self._data, self._now, self._record)
        self._host = host
        self._port = port
        self._url: str | None = None
        self._running: tuple[_Server, threading.Thread] | None = None

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:54321/v1`; once stopped, the one that it had.

        Raises:
            RuntimeError: The Sandbox was never started.
        """
        if self._url is None:
            raise RuntimeError("The Sandbox has no URL before it is started: use `with Sandbox() as sandbox:`")
        return self._url

    @property
    def application_key(self) -> str:
        """The key that requests must carry."""
        return self._application_key

    @property
    def application_secret(self) -> str:
        """The secret that requests must be signed with, Base64."""
        return self._application_secret

    def set_service(self, service_id: str, status: str) -> None:
        """Create or change a service; the status is `up`, `down` or any other text."""
        self._data.services[service_id] = status

    def set_counter(self, counter_id: str, value: int) -> None:
        """Pin a counter to a value, and create it if need be; its time of refresh goes on moving."""
        self._data.counters[counter_id] = value

    def client(self, **options: Any) -> "ReportingClient":
        """Return a client of this Sandbox; the options are those of `ReportingClient`."""
        from sinch_reporting import ReportingClient  # noqa: PLC0415 - the Sandbox works without the client

        return ReportingClient(**self._options(options))

    def async_client(self, **options: Any) -> "AsyncReportingClient":
        """Return an asynchronous client of this Sandbox; the options are those of `AsyncReportingClient`."""
        from sinch_reporting import AsyncReportingClient  # noqa: PLC0415 - the Sandbox works without the client

        return AsyncReportingClient(**self._options(options))

    def _options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        key_and_secret = {"application_key": self.application_key, "application_secret": self.application_secret}
        return {"base_url": self.url, **({} if "auth" in options else key_and_secret), **options}

    def start(self) -> None:
        """Start to serve, and return when requests are answered.

        Raises:
            OSError: The port is in use or may not be used.
            RuntimeError: The Sandbox runs already.
        """
        if self._running:
            raise RuntimeError("The Sandbox runs already")
        listener = _listen(self._host, self._port)
        shown_host = f"[{self._host}]" if ":" in self._host else self._host
        self._url = f"http://{shown_host}:{listener.getsockname()[1]}/v1"
        server = _Server(self._app)
        thread = threading.Thread(target=server.serve_on, args=(listener,), name="sinch-sandbox", daemon=True)
        thread.start()
        server.ready.wait()
        if not server.started:
            thread.join()
            raise RuntimeError("The Sandbox could not be started; see the error of its thread")
        self._running = server, thread

    def stop(self) -> None:
        """Stop to serve, and return when the socket is closed. Does nothing if the Sandbox does not run."""
        if self._running:
            server, thread = self._running
            self._running = None
            server.should_exit = True
            thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _record(self, request: ReceivedRequest) -> None:
        self.requests.append(request)

    def _now(self) -> datetime:
        now = self.clock()
        if now.utcoffset() is None:
            raise ValueError("the Sandbox's clock must return an aware datetime")
        return now.astimezone(UTC)


class _Server(uvicorn.Server):
    """Uvicorn, for a thread: tells when it is ready, and logs nothing."""

    def __init__(self, app: App) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                http="h11",  # whatever else is installed, tests see the same server
                ws="none",
                lifespan="off",
                log_config=None,
                workers=1,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self.ready = threading.Event()

    def serve_on(self, listener: socket.socket) -> None:
        try:
            with listener, _silence():
                asyncio.run(self.serve([listener]))
        finally:
            self.ready.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def _silence() -> Generator[None]:
    """Drop what uvicorn logs in this thread; its loggers belong to the process, where another may be at work."""
    thread = threading.get_ident()

    def is_from_elsewhere(_: logging.LogRecord) -> bool:
        return threading.get_ident() != thread

    loggers = [logging.getLogger("uvicorn.error"), logging.getLogger("uvicorn.access")]
    for logger in loggers:
        logger.addFilter(is_from_elsewhere)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_from_elsewhere)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Inherited by each connection; asyncio sets it only where a socket names its protocol, and this one does not.
    # Without it, every answer but the first of a connection waits some 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
