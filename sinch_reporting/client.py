"""The client, twice: `scripts/unasync` makes `client.py` from `async_client.py`, which is the one to edit.

These two modules alone call the generated client.
"""

from collections.abc import Callable, Generator, Iterable
from datetime import date
from functools import partial
from types import TracebackType
from typing import Self

import httpx

from sinch_reporting import watch
from sinch_reporting._base_client import BaseClient
from sinch_reporting._operations import call_report_parameters, expect, wrap_errors
from sinch_reporting.attempts import RetryingClient
from sinch_reporting.bulk import (
    CallReportOutcome,
    DailyCallReport,
    check_concurrency,
    check_iterable,
    outcomes,
)
from sinch_reporting.httpdate import parse_http_date
from sinch_reporting.models import CallReport, Counter, ServiceStatus
from sinch_reporting.parameters import (
    DomainLike,
    Endpoint,
    check_endpoint,
    check_period,
    date_range,
    default_domain,
    path_segment,
    to_domain,
)
from sinch_reporting.watch import CounterOutcome, ServiceStatusOutcome
from sinch_reporting_client import AuthenticatedClient, models
from sinch_reporting_client.api.call_report import get_call_report, get_counter, get_service_status


class ReportingClient(BaseClient[httpx.BaseTransport]):
    """A client of the Sinch Reporting API.

    A context manager, to be shared by threads or tasks. What is not given comes from the environment, then from the
    defaults: `SINCH_APPLICATION_KEY`, `SINCH_APPLICATION_SECRET`, `SINCH_REPORTING_URL`, and the proxies `HTTPS_PROXY`,
    `ALL_PROXY`, `NO_PROXY`. TLS certificates are verified.

    Args:
        application_key: The key of the application.
        application_secret: The secret of the application, in Base64, as the dashboard shows it.
        auth: Another way to authenticate, in place of key and secret: `httpx.BasicAuth(key, secret)` for prototypes, a
            `SignedAuth` that several clients share, or any `httpx.Auth`.
        base_url: Where the API is; `https://` except on this machine.
        timeout: How long one attempt may take, in seconds.
        deadline: How long a whole call may take, its attempts and waits together, in seconds.
        retry: When and how often a call is tried again.
        rate_limit: How many requests per second are sent at most, by the client, its copies and all its threads or
            tasks together; each attempt counts. They are spaced evenly, after a pause with as many at once as belong to
            a tenth of a second. Without it, only a 429 with `Retry-After` slows the calls down.
        transport: An httpx transport to use in place of the default one, with TLS settings or a proxy of its own.
        allow_http: Accept an `http://` base URL on another machine, where everybody on the way can read along.
        pickle_credentials: Let pickles of the client hold its key and secret, for whoever reads them. Without it, a
            client that is unpickled takes them from its environment.
        on_attempt: Called with an `Attempt` at the end of each, in the thread or task of the call. Not pickled.

    Raises:
        ConfigurationError: Credentials are missing or malformed, or an option or the base URL is unusable.
    """

    _transport_type = httpx.BaseTransport

    @staticmethod
    def _default_transport(base_url: str) -> Callable[[object], httpx.BaseTransport]:
        # Loading httpcore takes as long as loading httpx.
        from sinch_reporting.transport import default_transport  # noqa: PLC0415

        return default_transport(base_url)

    def _generated_client(self) -> AuthenticatedClient:
        http = RetryingClient(self._settings, self._auth, self._connections)
        return AuthenticatedClient(base_url=self._settings.base_url, token="").set_httpx_client(http)

    def get_call_report(
        self,
        endpoint: Endpoint,
        *,
        domain: DomainLike | None = None,
        start: date | None = None,
        stop: date | None = None,
    ) -> CallReport:
        """Return the calls of a phone number or username, added up.

        The report covers at most 30 days, by default the last ones. `start` and `stop` are filters of the API's earlier
        documentation; whether the last day is included, and the time zone of the days, are unpublished.

        Args:
            endpoint: The number or username to report on.
            domain: Where the calls were terminated.
            start: The first day.
            stop: The last day, at most 30 days after `start`.

        Raises:
            InvalidRequestError: An argument was refused; nothing was sent.
            APIError: The server answered with an error; see its subclasses.
            TransportError: No answer came.
            DeadlineExceededError: The time of the call was up.
            DecodeError: The answer is not what the contract promises.
        """
        with wrap_errors():
            checked = check_endpoint(endpoint)
            network = default_domain(checked) if domain is None else to_domain(domain)
            check_period(start, stop)
            parameters = call_report_parameters(checked, network, start, stop)
            model = expect(models.CallReport, get_call_report.sync(client=self.api, **parameters))
            return CallReport.from_api(model, checked, network, start, stop)

    def iter_call_reports(
        self,
        endpoints: Iterable[Endpoint],
        *,
        domain: DomainLike | None = None,
        start: date | None = None,
        stop: date | None = None,
        concurrency: int = 16,
        ordered: bool = False,
    ) -> Generator[CallReportOutcome]:
        """Yield the reports of many endpoints, or the errors in their place.

        The endpoints are read lazily, as many as there are calls at a time, so that memory does not depend on their
        number. One failure does not end the others. Where the loop is left early, the calls in flight are cancelled by
        an async client, at once within `contextlib.aclosing`; a blocking one waits for them.

        Args:
            endpoints: The numbers and usernames to report on.
            domain: Where the calls were terminated.
            start: The first day.
            stop: The last day, at most 30 days after `start`.
            concurrency: How many calls are made at a time.
            ordered: Yield in the order of the endpoints, not as the outcomes come in; one slow call delays the others.

        Raises:
            InvalidRequestError: An argument common to all was refused; nothing was sent.
        """
        check_iterable(endpoints)
        check_concurrency(concurrency)
        check_period(start, stop)
        if domain is not None:
            to_domain(domain)
        get = partial(self.get_call_report, domain=domain, start=start, stop=stop)
        return outcomes(get, CallReportOutcome, endpoints, concurrency, ordered=ordered)

    def daily_call_reports(
        self,
        endpoint: Endpoint,
        start: date,
        stop: date,
        *,
        domain: DomainLike | None = None,
        concurrency: int = 4,
    ) -> Generator[DailyCallReport]:
        """Yield one report for each day of a period of any length, or the errors in their place, day by day.

        Each is asked for with that day as `start` and as `stop`: this takes the last day of a report to be included in
        it, which is unpublished, as are the time zone of the days and how far back there are any.

        Args:
            endpoint: The number or username to report on.
            start: The first day.
            stop: The last day, included.
            domain: Where the calls were terminated.
            concurrency: How many calls are made at a time.

        Raises:
            InvalidRequestError: An argument was refused; nothing was sent.
        """
        days = date_range(start, stop)
        check_endpoint(endpoint)
        if domain is not None:
            to_domain(domain)
        check_concurrency(concurrency)

        def get(day: date) -> CallReport:
            return self.get_call_report(endpoint, domain=domain, start=day, stop=day)

        return outcomes(get, DailyCallReport, days, concurrency, ordered=True)

    def get_counter(self, counter_id: str) -> Counter:
        """Return a counter as it stood at its last refresh; the server refreshes every two minutes.

        Args:
            counter_id: `currentCalls` for the number of ongoing calls, or an id set up together with Sinch support.

        Raises:
            InvalidRequestError: An argument was refused; nothing was sent.
            APIError: The server answered with an error; see its subclasses.
            TransportError: No answer came.
            DeadlineExceededError: The time of the call was up.
            DecodeError: The answer is not what the contract promises.
        """
        with wrap_errors():
            answered = get_counter.sync(path_segment(counter_id, "counter id"), client=self.api)
            return Counter.from_api(expect(models.Counter, answered), counter_id)

    def get_service_status(self, service_id: str) -> ServiceStatus:
        """Return whether a service is available.

        Args:
            service_id: An id set up together with Sinch support, such as `rtpproxy`.

        Raises:
            InvalidRequestError: An argument was refused; nothing was sent.
            APIError: The server answered with an error; see its subclasses.
            TransportError: No answer came.
            DeadlineExceededError: The time of the call was up.
            DecodeError: The answer is not what the contract promises.
        """
        with wrap_errors():
            answered = get_service_status.sync(path_segment(service_id, "service id"), client=self.api)
            return ServiceStatus.from_api(expect(models.ServiceStatus, answered), service_id)

    def watch_counter(self, counter_id: str) -> Generator[CounterOutcome]:
        """Yield a counter whenever its value changes, and the errors in its place, for ever.

        The first value is yielded at once, and so is the first one after an error. The server is asked once in each of
        its refreshes, just after it, so that a change is seen within seconds; by the server's clock, not this
        machine's. After an error, it is asked again after 5 seconds, then after twice as many each time, up to two
        minutes.

        Args:
            counter_id: `currentCalls` for the number of ongoing calls, or an id set up together with Sinch support.

        Raises:
            InvalidRequestError: An argument was refused; nothing was sent.
        """
        path_segment(counter_id, "counter id")
        return watch.outcomes(partial(self._read_counter, counter_id), watch.RefreshSchedule())

    def watch_service_status(self, service_id: str, *, interval: float = 10.0) -> Generator[ServiceStatusOutcome]:
        """Yield a service's status whenever it changes, and the errors in its place, for ever.

        The first status is yielded at once, and so is the first one after an error. After an error, the server is asked
        again after 5 seconds, then after twice as many each time, up to two minutes.

        Args:
            service_id: An id set up together with Sinch support, such as `rtpproxy`.
            interval: The seconds from one look to the next.

        Raises:
            InvalidRequestError: An argument was refused; nothing was sent.
        """
        path_segment(service_id, "service id")
        watch.check_interval(interval)
        return watch.outcomes(partial(self._read_service, service_id), watch.FixedSchedule(interval))

    def _read_counter(self, counter_id: str) -> watch.Reading[Counter]:
        with wrap_errors():
            answered = get_counter.sync_detailed(counter_id, client=self.api)
            counter = Counter.from_api(expect(models.Counter, answered.parsed), counter_id)
            return watch.Reading(counter, parse_http_date(answered.headers.get("Date")))

    def _read_service(self, service_id: str) -> watch.Reading[ServiceStatus]:
        return watch.Reading(self.get_service_status(service_id))

    def close(self) -> None:
        """Close the connections. Does nothing in a copy made by `with_options`."""
        transport = self._connections.end() if self._owner else None
        if transport:
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
