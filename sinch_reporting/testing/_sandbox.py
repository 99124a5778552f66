"""The Sandbox: a server in its own thread, on a socket that is bound before the thread starts."""

import itertools
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Concatenate, Literal, ParamSpec, Self, TypeVar

from sinch_reporting import AsyncReportingClient, Domain, Endpoint, ReportingClient
from sinch_reporting.parameters import path_segment
from sinch_reporting.testing._api import Api, ReceivedRequest
from sinch_reporting.testing._fake_data import Data, report_calls, report_key, whole_number
from sinch_reporting.testing._fault_queue import FaultQueue, check_faults, random_faults
from sinch_reporting.testing._handlers import HANDLERS
from sinch_reporting.testing._paths import PathPrefix
from sinch_reporting.testing._server import Server, bind, is_loopback
from sinch_reporting.testing._signature import Verifier
from sinch_reporting.testing.faults import DEFAULT_CHAOS, Fault

P = ParamSpec("P")
ClientT = TypeVar("ClientT")

EXAMPLE_KEY = "5F5C418A0F914BBC8234A9BF5EDDAD97"
EXAMPLE_SECRET = "JViE5vDor0Sw3WllZka15Q=="  # noqa: S105 - the documentation's public example


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _typed_like(
    _: Callable[P, ClientT],
) -> Callable[[Callable[..., ClientT]], Callable[Concatenate["Sandbox", P], ClientT]]:
    """Give a method of the Sandbox the parameter types of a client class."""

    def unchanged(method: Callable[..., ClientT]) -> Callable[Concatenate["Sandbox", P], ClientT]:
        return method

    return unchanged


class Sandbox:
    """A local server of the whole Sinch Reporting API, for tests and experiments.

    It listens on a real socket and checks signatures and parameters as the API documents them. Its made-up data depends
    only on the request and the clock. Use it as a context manager, or call `start` and `stop`. After a stop it can be
    started again, on another port unless one was chosen.

    Each number and username has made-up calls, some have none. Calls of numbers are in the domain `pstn`, those of
    usernames in `data`; the other domain has none. The service `rtpproxy` is up, and the counter `currentCalls` changes
    every two minutes. `set_report`, `set_service` and `set_counter` replace or add data.

    `fail_next`, `fail_always`, `chaos` and `refuse_connections` simulate errors; the faults are in
    `sinch_reporting.testing.faults`. All methods can be called from any thread. Those that change data or faults raise
    TypeError for a wrong type and ValueError for a value that is impossible in the API.

    The API's documentation does not specify everything. The Sandbox assumes: the days of a report are UTC and `_stop`
    is included; today's calls are complete; a timestamp may be five minutes off.

    Args:
        application_key: The key that requests must have. Default: the documentation's example.
        application_secret: The secret that signs them, Base64. Default: the documentation's example.
        host: The loopback address to listen on.
        port: The port to listen on; 0 for a free one.
        tolerance: The largest accepted difference between a request's `x-timestamp` and the clock.
        clock: Returns the time as an aware datetime. Default: the system's clock.

    Attributes:
        clock: As given. Assign to it to move the time, also while the Sandbox runs. The `Date` header follows it.
        requests: The requests received so far, in the order of their responses. The list can be cleared.

    Raises:
        ValueError: The host is not a loopback address, the secret is not Base64, or the key contains a space or colon.
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
        self._faults = FaultQueue()
        verifier = Verifier(application_key, application_secret, tolerance)
        self._api = Api(verifier, self._data, self._now, self._faults.take, self._record)
        self._host = host
        self._port = port
        self._url: str | None = None
        self._running: tuple[Server, threading.Thread] | None = None
        self._lock = threading.RLock()  # held while `_running` changes, and during calls of the server

    @property
    def url(self) -> str:
        """The base URL, with the port and the path `/v1`. After a stop, the last one.

        Raises:
            RuntimeError: The Sandbox has never been started.
        """
        if self._url is None:
            raise RuntimeError("The Sandbox has no URL before it is started: use `with Sandbox() as sandbox:`")
        return self._url

    @property
    def application_key(self) -> str:
        """The key that requests must have."""
        return self._application_key

    @property
    def application_secret(self) -> str:
        """The secret that signs requests, Base64."""
        return self._application_secret

    def set_service(self, service_id: str, status: str) -> None:
        """Create or change a service. The status is `up`, `down` or any other text."""
        self._data.services[path_segment(service_id, "service id")] = path_segment(status, "status")

    def set_counter(self, counter_id: str, value: int) -> None:
        """Create a counter or set its value. Its refresh time continues to change."""
        self._data.counters[path_segment(counter_id, "counter id")] = whole_number("value", value)

    def set_report(
        self,
        endpoint: Endpoint | str,
        *,
        domain: Domain | Literal["data", "pstn"] | None = None,
        day: date | None = None,
        success: int = 0,
        failed: int = 0,
        duration: int | timedelta = 0,
    ) -> None:
        """Set the calls of a number or username, instead of the made-up ones.

        With `day`, these are the calls of that day. A report adds up the days of its period that have been set. Without
        `day`, every report has exactly these figures, whatever its period. The last call decides: one without `day`
        discards the days set before, and one with a `day` ends the fixed report.

        Args:
            endpoint: The number or username. A `str` that begins with `+` is a number, otherwise a username.
            domain: The domain of the calls; the other one is unchanged. Default: `pstn` for a number, `data` for a
                username.
            day: The day, in UTC. Default: all periods.
            success: Number of successful calls.
            failed: Number of failed calls.
            duration: Total duration of the calls, in whole seconds.
        """
        if day is not None and (isinstance(day, datetime) or not isinstance(day, date)):
            raise TypeError(f"day must be a date without a time, not {day!r}")
        self._data.set_report(report_key(endpoint, domain), day, report_calls(success, failed, duration))

    def fail_next(self, *faults: Fault | None, path: str = "/") -> None:
        """Apply these faults to the next requests, one each, None being a normal response. Then respond normally.

        This replaces the previous `fail_next`, `fail_always` or `chaos` of the same `path`.

        Args:
            faults: The faults, in order.
            path: Apply them only to requests whose path begins with these segments, such as `/users/`,
                `/counters/currentCalls` or `/services/{id}`; `/v1` may precede them. If several paths match a request,
                the longest one that has faults left applies. A path of no operation raises ValueError.
        """
        self._set_faults(path, check_faults(faults))

    def fail_always(self, fault: Fault, *, path: str = "/") -> None:
        """Apply this fault to every request, until changed.

        Args:
            fault: The fault.
            path: As for `fail_next`.
        """
        self._set_faults(path, itertools.cycle(check_faults([fault])))

    def chaos(
        self, rate: float = 0.3, *, seed: int = 0, faults: Iterable[Fault] = DEFAULT_CHAOS, path: str = "/"
    ) -> None:
        """Apply a random fault to this share of the requests, until changed.

        The same arguments and order of requests result in the same faults.

        Args:
            rate: The share, from 0 to 1.
            seed: The seed of the random choice.
            faults: The faults to choose from. Default: those that end soon without the client.
            path: As for `fail_next`.
        """
        self._set_faults(path, random_faults(rate, seed, faults))

    def clear_faults(self) -> None:
        """Respond normally from now on. Faults that are being executed continue until their client gives up."""
        self._faults.clear()

    def _set_faults(self, path: str, faults: Iterable[Fault | None]) -> None:
        self._faults.replace(PathPrefix.parse(path, HANDLERS), faults)

    @contextmanager
    def refuse_connections(self) -> Generator[None]:
        """Refuse connections during a `with` block: `with sandbox.refuse_connections(): …`.

        Idle connections are closed. Responses in progress are completed before their connections close. Afterwards the
        Sandbox listens on the same port again.

        Raises:
            RuntimeError: The Sandbox is not running.
        """
        server = self._while_running(Server.refuse)
        if not server:
            raise RuntimeError("The Sandbox is not running, so it cannot refuse connections")
        try:
            yield
        finally:
            self._while_running(Server.allow, server)

    @_typed_like(ReportingClient)
    def client(self, *credentials: str, **options: Any) -> ReportingClient:
        """Return a client of this Sandbox. It accepts the arguments of `ReportingClient`."""
        return ReportingClient(*credentials, **self._with_defaults(credentials, options))

    @_typed_like(AsyncReportingClient)
    def async_client(self, *credentials: str, **options: Any) -> AsyncReportingClient:
        """Return an async client of this Sandbox. It accepts the arguments of `AsyncReportingClient`."""
        return AsyncReportingClient(*credentials, **self._with_defaults(credentials, options))

    def _with_defaults(self, credentials: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
        own = {"application_key": self.application_key, "application_secret": self.application_secret}
        return {"base_url": self.url, **({} if credentials or "auth" in options else own), **options}

    def start(self) -> None:
        """Start the server, and return when it accepts requests.

        Raises:
            OSError: The port is in use or not permitted.
            RuntimeError: The Sandbox is already running.
        """
        with self._lock:
            if self._running:
                raise RuntimeError("The Sandbox is already running")
            listener = bind(self._host, self._port)
            shown_host = f"[{self._host}]" if ":" in self._host else self._host
            self._url = f"http://{shown_host}:{listener.getsockname()[1]}/v1"
            server = Server(self._api)
            thread = threading.Thread(target=server.serve_on, args=(listener,), name="sinch-sandbox", daemon=True)
            thread.start()
            server.ready.wait()
            if not server.started:
                thread.join()
                raise RuntimeError("The Sandbox could not start; see the error of its thread")
            self._running = server, thread

    def stop(self) -> None:
        """Stop the server, and return when its socket is closed. Does nothing if it is not running."""
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

    def _while_running(self, method: Callable[[Server], Awaitable[None]], only: Server | None = None) -> Server | None:
        """Run a method of the running server, if there is one and it is `only`. Return the running server."""
        with self._lock:
            server = self._running[0] if self._running else None
            if server and (only is None or only is server):
                server.run_in_loop(method)
            return server

    def _record(self, request: ReceivedRequest) -> None:
        self.requests.append(request)

    def _now(self) -> datetime:
        now = self.clock()
        if now.utcoffset() is None:
            raise ValueError("the Sandbox's clock must return an aware datetime")
        return now.astimezone(UTC)
