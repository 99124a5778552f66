"""The Sandbox: a server in a thread of its own, on a socket that is bound before it starts."""

import itertools
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from sinch_reporting.testing._app import App, ReceivedRequest
from sinch_reporting.testing._data import Data
from sinch_reporting.testing._server import Server, bind, is_loopback
from sinch_reporting.testing._steps import Steps, chances, checked
from sinch_reporting.testing._verify import Verifier
from sinch_reporting.testing.faults import DEFAULT_CHAOS, Fault

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

    It misbehaves when told to, by `fail_next`, `fail_always`, `chaos` and `refusing`, also from any thread; what faults there
    are is in `sinch_reporting.testing.faults`.

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
        if not is_loopback(host):
            raise ValueError(f"host must be a loopback address such as 127.0.0.1, not {host!r}")
        self._application_key = application_key
        self._application_secret = application_secret
        self.clock = clock
        self.requests: list[ReceivedRequest] = []
        self._data = Data()
        self._steps = Steps()
        verifier = Verifier(application_key, application_secret, tolerance)
        self._app = App(verifier, self._data, self._now, self._steps.take, self._record)
        self._host = host
        self._port = port
        self._url: str | None = None
        self._running: tuple[Server, threading.Thread] | None = None
        self._lock = threading.RLock()  # held while `_running` changes, and while something is asked of the server

    @property
    def url(self) -> str:
        """The base URL, on the port that was found and with the path `/v1`; once stopped, the one that it had.

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

    def fail_next(self, *steps: Fault | None) -> None:
        """Meet the next requests by these steps, one each, None being the normal answer; then behave.

        It takes the place of what was said before by `fail_next`, `fail_always` or `chaos`.

        Raises:
            TypeError: A step is neither a fault nor None.
        """
        self._steps.follow(checked(steps))

    def fail_always(self, fault: Fault) -> None:
        """Meet each request by this fault, until told otherwise.

        Raises:
            TypeError: It is no fault.
        """
        self._steps.follow(itertools.cycle(checked([fault])))

    def chaos(self, rate: float = 0.3, *, seed: int = 0, faults: Iterable[Fault] = DEFAULT_CHAOS) -> None:
        """Meet this share of the requests by a fault, until told otherwise.

        Which ones, and by which fault, is the same each time for the same arguments and the same order of requests.

        Args:
            rate: The share, from 0 to 1.
            seed: Another one is another course of events.
            faults: What to choose from. Default: all that end soon by themselves.

        Raises:
            TypeError: Something in `faults` is no fault.
            ValueError: The rate is no share, or there are no faults.
        """
        self._steps.follow(chances(rate, seed, faults))

    def clear_faults(self) -> None:
        """Answer normally from now on. What is being played goes on until its client or the Sandbox ends it."""
        self._steps.follow(())

    @contextmanager
    def refuse_connections(self) -> Generator[None]:
        """Refuse connections while the body runs: `with sandbox.refuse_connections(): …`.

        The socket is closed, the port stays taken by this process, and idle connections are closed; an answer on its
        way arrives, on a connection that then ends. Afterwards the Sandbox listens on the same port again.

        Raises:
            RuntimeError: The Sandbox does not run.
        """
        server = self._while_running(Server.refuse)
        if not server:
            raise RuntimeError("Only a Sandbox that runs can refuse connections")
        try:
            yield
        finally:
            self._while_running(Server.allow, server)

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
        with self._lock:
            if self._running:
                raise RuntimeError("The Sandbox runs already")
            listener = bind(self._host, self._port)
            shown_host = f"[{self._host}]" if ":" in self._host else self._host
            self._url = f"http://{shown_host}:{listener.getsockname()[1]}/v1"
            server = Server(self._app)
            thread = threading.Thread(target=server.serve_on, args=(listener,), name="sinch-sandbox", daemon=True)
            thread.start()
            server.ready.wait()
            if not server.started:
                thread.join()
                raise RuntimeError("The Sandbox could not be started; see the error of its thread")
            self._running = server, thread

    def stop(self) -> None:
        """Stop to serve, and return when the socket is closed. Does nothing if the Sandbox does not run."""
        with self._lock:
            if self._running:
                server, thread = self._running
                self._running = None
                server.stop()
                thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _while_running(self, do: Callable[[Server], Awaitable[None]], only: Server | None = None) -> Server | None:
        """Do something with the server, if there is one and it is the right one; return it."""
        with self._lock:
            server = self._running[0] if self._running else None
            if server and (only is None or only is server):
                server.do(do)
            return server

    def _record(self, request: ReceivedRequest) -> None:
        self.requests.append(request)

    def _now(self) -> datetime:
        now = self.clock()
        if now.utcoffset() is None:
            raise ValueError("the Sandbox's clock must return an aware datetime")
        return now.astimezone(UTC)
