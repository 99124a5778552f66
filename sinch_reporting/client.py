# Generated from async_client.py by scripts/unasync. Do not edit.
"""The clients: one method per operation. `scripts/unasync` generates `client.py` from `async_client.py`."""

import math
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from datetime import date
from functools import partial
from time import monotonic
from typing import Any, Self, TypeVar

import httpx

from sinch_reporting import bulk, models, parameters, watch
from sinch_reporting._base_client import BaseClient
from sinch_reporting._call import Caller
from sinch_reporting._concurrency import sleep
from sinch_reporting._operations import ModelT, StripFrames, operation, parse
from sinch_reporting.errors import InvalidRequestError, ReportingError
from sinch_reporting.httpdate import parse_http_date
from sinch_reporting.parameters import ABOVE_ZERO, DomainLike, Endpoint, check_number, path_segment
from sinch_reporting.watch import ValueT
from sinch_reporting_client import models as api

OutcomeT = TypeVar("OutcomeT")
ResultT = TypeVar("ResultT")


class ReportingClient(BaseClient[httpx.BaseTransport]):
    """A client of the Sinch Reporting API, shared by threads or tasks. A context manager.

    An argument takes precedence over the environment, and the environment over the default. Environment variables:
    `SINCH_APPLICATION_KEY`, `SINCH_APPLICATION_SECRET`, `SINCH_REPORTING_URL`, and for proxies `HTTPS_PROXY`,
    `ALL_PROXY`, `NO_PROXY`. TLS certificates are verified.

    Methods raise these exceptions, and otherwise only what the program itself raises:

    - InvalidRequestError: a parameter is invalid; nothing was sent. The iterations raise it before they start.
    - APIError: the server returned an error; see its subclasses.
    - TransportError: there was no response.
    - DeadlineExceededError: the deadline has passed, or the next wait would pass it.
    - DecodeError: the response does not conform to the contract.

    Args:
        application_key: The application key.
        application_secret: The application secret in Base64, as the dashboard shows it.
        auth: Another authentication instead of key and secret: `httpx.BasicAuth(key, secret)` for prototypes, a
            `SignedAuth` that several clients share, or any `httpx.Auth`.
        base_url: URL of the API; `https://` unless it is on this machine.
        timeout: Time limit of an attempt in seconds.
        deadline: Time limit of a call in seconds, with all its attempts and waits.
        retry: When and how often a call is retried.
        rate_limit: Maximum number of requests per second of the client, its copies and all its threads or tasks; each
            attempt counts. Requests are spaced evenly; after a pause, those of a tenth of a second may start at once.
            Default: no limit; only a 429 with `Retry-After` delays requests.
        transport: An httpx transport instead of the default one, for example with other TLS settings or proxies.
        headers: Additional request headers, for example for a gateway.
        signing_path_prefix: Path prefix to sign instead of that of the base URL, for a gateway that rewrites paths: if
            it forwards `/sinch/v1/counters/…` to `/v1/counters/…`, use `/v1`.
        allow_http: Accept an `http://` base URL on another machine. Everyone on the way can read the requests.
        pickle_credentials: Include key and secret in pickles of the client. By default, an unpickled client takes them
            from its environment.
        on_attempt: Called with an `Attempt` at the end of each attempt, in the thread or task of the call. Not pickled.
        tracer: Traces calls and attempts; see `sinch_reporting.tracing`. Not pickled.

    Raises:
        ConfigurationError: Credentials are missing or malformed, or an option or the base URL is invalid.
    """

    _caller: Caller
    _caller_type = Caller

    def get_call_report(
        self,
        endpoint: Endpoint,
        *,
        domain: DomainLike | None = None,
        start: date | None = None,
        stop: date | None = None,
    ) -> models.CallReport:
        """Return the aggregated calls of a phone number or username.

        Without `start` and `stop`, the API reports the last 30 days. Both are filters of the API's earlier
        documentation. It is not published whether the last day is included, nor in which time zone the days are.

        Args:
            endpoint: The number or username.
            domain: The network in which the calls were terminated. Default: `pstn` for a Number, `data` for a Username.
            start: The first day.
            stop: The last day, at most 30 days after `start`.
        """
        parameters.check_period(start, stop)
        return self._get_call_report(endpoint, domain, start, stop, math.inf)

    def _get_call_report(
        self, endpoint: Endpoint, domain: DomainLike | None, start: date | None, stop: date | None, expires: float
    ) -> models.CallReport:
        with StripFrames():
            network = parameters.resolve_domain(endpoint, domain)
            arguments = parameters.call_report_parameters(endpoint, network, start, stop)
            days: dict[str, Any] = {"period_start": start, "period_stop": stop}
            convert = partial(models.CallReport.from_api, endpoint=endpoint, domain=network, **days)
            return self._fetch("get_call_report", arguments, api.CallReport, convert, expires)

    def iter_call_reports(
        self,
        endpoints: Iterable[Endpoint],
        *,
        domain: DomainLike | None = None,
        start: date | None = None,
        stop: date | None = None,
        concurrency: int = 16,
        ordered: bool = False,
        deadline: float | None = None,
    ) -> Generator[bulk.CallReportOutcome]:
        """Yield an outcome for each of many endpoints: its report or its error.

        Endpoints are read lazily, as many as there are concurrent calls, so memory does not depend on their number. A
        failure does not end the iteration. If the loop is left early, calls in flight end: those of an async client are
        cancelled, at once if the iteration is within `contextlib.aclosing`; those of a blocking client are abandoned.

        Args:
            endpoints: The numbers and usernames.
            domain: As for `get_call_report`.
            start: The first day.
            stop: The last day, at most 30 days after `start`.
            concurrency: Number of concurrent calls.
            ordered: Yield in the order of the endpoints. One slow call then delays the following outcomes.
            deadline: Time limit of the whole iteration in seconds. Calls in flight end by then, and the iteration
                raises DeadlineExceededError if endpoints remain.
        """
        expires = bulk.check_iteration(endpoints, concurrency, deadline)
        parameters.check_period(start, stop)
        network = None if domain is None else parameters.to_domain(domain)

        def fetch_one(endpoint: Endpoint) -> bulk.CallReportOutcome:
            try:
                report = self._get_call_report(endpoint, network, start, stop, expires)
                return bulk.CallReportSuccess(endpoint, report)
            except ReportingError as error:
                return bulk.CallReportFailure(endpoint, error)

        return bulk.fetch(fetch_one, endpoints, concurrency, expires, ordered=ordered)

    def daily_call_reports(
        self,
        endpoint: Endpoint,
        start: date,
        stop: date,
        *,
        domain: DomainLike | None = None,
        concurrency: int = 4,
        deadline: float | None = None,
    ) -> Generator[bulk.DailyCallReport]:
        """Yield an outcome for each day of a period of any length, in order: its report or its error.

        Each day is requested as `start` and as `stop`. This assumes that the last day of a report is included, which is
        not published; nor are the time zone of the days and how far back there are any.

        Args:
            endpoint: The number or username.
            start: The first day.
            stop: The last day, included.
            domain: As for `get_call_report`.
            concurrency: Number of concurrent calls.
            deadline: Time limit of the whole iteration in seconds, as for `iter_call_reports`.
        """
        expires = bulk.check_iteration((), concurrency, deadline)
        network = parameters.resolve_domain(endpoint, domain)

        def fetch_one(day: date) -> bulk.DailyCallReport:
            try:
                report = self._get_call_report(endpoint, network, day, day, expires)
                return bulk.DailyReportSuccess(day, report)
            except ReportingError as error:
                return bulk.DailyReportFailure(day, error)

        return bulk.fetch(fetch_one, parameters.date_range(start, stop), concurrency, expires, ordered=True)

    def get_counter(self, counter_id: str) -> models.Counter:
        """Return a counter as of its last refresh. The server refreshes counters every two minutes.

        Args:
            counter_id: `currentCalls` for the number of ongoing calls, or an id set up together with Sinch support.
        """
        with StripFrames():
            arguments = {"id": path_segment(counter_id, "counter id")}
            convert = partial(models.Counter.from_api, counter_id=counter_id)
            return self._fetch("get_counter", arguments, api.Counter, convert)

    def get_service_status(self, service_id: str) -> models.ServiceStatus:
        """Return the status of a service.

        Args:
            service_id: An id set up together with Sinch support, such as `rtpproxy`.
        """
        with StripFrames():
            arguments = {"id": path_segment(service_id, "service id")}
            convert = partial(models.ServiceStatus.from_api, service_id=service_id)
            return self._fetch("get_service_status", arguments, api.ServiceStatus, convert)

    def watch_counter(self, counter_id: str) -> Generator[watch.CounterOutcome]:
        """Yield a counter whenever its value changes, and errors, forever.

        The first value, and the first one after an error, are yielded immediately. The counter is polled once per
        refresh, just after it by the server's clock, so that a change is seen within seconds. After an error, it is
        polled after 5 seconds, then after twice as many each time, up to two minutes.

        Args:
            counter_id: As for `get_counter`.
        """
        return self._changes(self._poll_counter(counter_id), watch.CounterChange)

    def watch_service_status(self, service_id: str, *, interval: float = 10.0) -> Generator[watch.ServiceStatusOutcome]:
        """Yield the status of a service whenever it changes, and errors, forever.

        The first status, and the first one after an error, are yielded immediately. Errors delay polling as for
        `watch_counter`.

        Args:
            service_id: As for `get_service_status`.
            interval: Polling interval in seconds.
        """
        return self._changes(self._poll_service(service_id, interval), watch.ServiceStatusChange)

    def _poll_counter(self, counter_id: str) -> Generator[watch.Poll[models.Counter]]:
        path_segment(counter_id, "counter id")

        def convert(response: httpx.Response, body: dict[str, Any]) -> watch.Sample[models.Counter]:
            counter = models.Counter.from_api(parse(api.Counter, body), counter_id)
            return watch.Sample(counter, counter.value, parse_http_date(response.headers.get("Date")))

        def sample() -> watch.Sample[models.Counter]:
            with StripFrames():
                request = self._builder.build(operation("get_counter"), {"id": counter_id})
                return self._caller.call(request, convert)

        return _poll(sample, watch.RefreshSchedule())

    def _poll_service(self, service_id: str, interval: float) -> Generator[watch.Poll[models.ServiceStatus]]:
        path_segment(service_id, "service id")
        message = "interval must be a number of seconds above 0"
        check_number(interval, message, ABOVE_ZERO, error=InvalidRequestError)

        def sample() -> watch.Sample[models.ServiceStatus]:
            service = self.get_service_status(service_id)
            return watch.Sample(service, service.status)

        return _poll(sample, watch.PollSchedule(interval))

    def _changes(
        self, polls: Generator[watch.Poll[ValueT]], success: Callable[[ValueT], OutcomeT]
    ) -> Generator[OutcomeT | watch.WatchFailure]:
        with closing(polls):
            for poll in polls:
                if poll.error is not None:
                    yield watch.WatchFailure(poll.error)
                elif poll.value is not None and poll.changed:
                    yield success(poll.value)

    def _fetch(
        self,
        name: str,
        arguments: Mapping[str, Any],
        model: type[ModelT],
        convert: Callable[[ModelT], ResultT],
        expires: float = math.inf,
    ) -> ResultT:
        request = self._builder.build(operation(name), arguments)
        return self._caller.call(request, lambda _, body: convert(parse(model, body)), expires=expires)

    def close(self) -> None:
        """Close the connections. Does nothing in a copy made by `with_options`."""
        transport = self._shared.detach() if self._owns_transport else None
        if transport:
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _poll(sample: Callable[[], Any], schedule: watch.PollSchedule[ValueT]) -> Generator[watch.Poll[ValueT]]:
    while True:
        poll: watch.Poll[ValueT]
        try:
            found: watch.Sample[ValueT] = sample()
            poll = watch.Poll(found.value, None, *schedule.on_sample(found))
        except watch.TRANSIENT_ERRORS as error:
            poll = watch.Poll(None, error, True, schedule.on_error(error))
        due = monotonic() + poll.wait
        yield poll
        sleep(max(due - monotonic(), 0))
