"""Gauges of the exporter, and the tasks that keep them up to date."""

import math
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import anyio
from attrs import frozen
from prometheus_client import CollectorRegistry, Gauge, Info

from sinch_reporting import AsyncReportingClient, CallReport, Counter, Endpoint, ServiceStatus, __version__
from sinch_reporting.cli.arguments import today
from sinch_reporting.cli.exit_codes import error_line
from sinch_reporting.cli.polling import poll_counter, poll_service
from sinch_reporting.cli.streams import print_error
from sinch_reporting.cli.text import printable
from sinch_reporting.parameters import resolve_domain
from sinch_reporting.watch import TRANSIENT_ERRORS, Poll, ValueT


@frozen(kw_only=True)
class Targets:
    """What is exported. Intervals are in seconds."""

    counters: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    service_interval: float
    report_interval: float


class Exporter:
    """The gauges. Each series exists from the start: values are NaN, and response times 0, until the first response."""

    def __init__(self, registry: CollectorRegistry, targets: Targets) -> None:
        def gauge(name: str, description: str, *labels: str) -> Gauge:
            return Gauge(f"sinch_reporting_{name}", description, labels, registry=registry)

        self._targets = targets
        self._value = gauge("current_value", "Value of the counter at its last refresh.", "id")
        self._modified = gauge("last_refresh_timestamp_seconds", "Last refresh of the counter by the server.", "id")
        self._up = gauge("service_up", "1 if the status of the service is up, else 0.", "id")
        self._status = gauge("service_status", "1 for the current status of the service.", "id", "status")
        self._asr = gauge("asr_ratio", "Answer-seizure ratio today (UTC), from 0 to 1.", "endpoint", "domain")
        self._acd = gauge("acd_seconds", "Average call duration today (UTC).", "endpoint", "domain")
        self._response = gauge("last_response_timestamp_seconds", "Last response; 0 if there was none.", "kind", "id")
        Info("sinch_reporting_build", "Version of sinch-reporting.", registry=registry).info({"version": __version__})
        self._statuses: dict[str, str] = {}
        self._create_series()

    def _create_series(self) -> None:
        unknown = [
            *((self._value, (counter_id,)) for counter_id in self._targets.counters),
            *((self._up, (service_id,)) for service_id in self._targets.services),
            *((gauge, _labels(endpoint)) for gauge in (self._asr, self._acd) for endpoint in self._targets.endpoints),
        ]
        for gauge, labels in unknown:
            gauge.labels(*map(printable, labels)).set(math.nan)
        for counter_id in self._targets.counters:
            self._modified.labels(printable(counter_id)).set(0)
        for kind, watched in self._watched():
            self._response.labels(kind, printable(watched)).set(0)

    def _watched(self) -> list[tuple[str, str]]:
        return [
            *(("counter", counter_id) for counter_id in self._targets.counters),
            *(("service", service_id) for service_id in self._targets.services),
            *(("report", endpoint.value) for endpoint in self._targets.endpoints),
        ]

    async def run(self, client: AsyncReportingClient) -> None:
        """Keep the gauges up to date, forever."""
        targets = self._targets
        try:
            async with anyio.create_task_group() as tasks:
                for counter_id in targets.counters:
                    tasks.start_soon(_follow, counter_id, poll_counter(client, counter_id), self._set_counter)
                for service_id in targets.services:
                    polls = poll_service(client, service_id, targets.service_interval)
                    tasks.start_soon(_follow, service_id, polls, self._set_service)
                if targets.endpoints:
                    tasks.start_soon(self._follow_reports, client)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def _set_counter(self, counter: Counter) -> None:
        label = printable(counter.id)
        self._value.labels(label).set(counter.value)
        self._modified.labels(label).set(counter.modified.timestamp())
        self._response.labels("counter", label).set(time.time())

    def _set_service(self, service: ServiceStatus) -> None:
        label, status = printable(service.id), printable(service.status)
        before = self._statuses.get(label)
        if before is not None and before != status:
            self._status.remove(label, before)
        self._statuses[label] = status
        self._status.labels(label, status).set(1)
        self._up.labels(label).set(service.is_up)
        self._response.labels("service", label).set(time.time())

    async def _follow_reports(self, client: AsyncReportingClient) -> None:
        while True:
            due = time.monotonic() + self._targets.report_interval
            day = today()
            async for outcome in client.iter_call_reports(self._targets.endpoints, start=day, stop=day):
                if outcome.report is not None:
                    self._set_report(outcome.endpoint, outcome.report)
                elif outcome.error is not None:
                    _check(outcome.error)
                    print_error(f"sinch-reporting: {outcome.endpoint.value}: {error_line(outcome.error)}")
            await anyio.sleep(max(due - time.monotonic(), 0))

    def _set_report(self, endpoint: Endpoint, report: CallReport) -> None:
        labels = [printable(label) for label in _labels(endpoint)]
        self._asr.labels(*labels).set(math.nan if report.asr is None else report.asr)
        self._acd.labels(*labels).set(math.nan if report.acd is None else report.acd.total_seconds())
        self._response.labels("report", labels[0]).set(time.time())


def _labels(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.value, resolve_domain(endpoint).value


def _check(error: Exception) -> None:
    if not isinstance(error, TRANSIENT_ERRORS):
        raise error


async def _follow(watched: str, polls: AsyncGenerator[Poll[ValueT]], update: Callable[[ValueT], Any]) -> None:
    async for poll in polls:
        if poll.value is not None:
            update(poll.value)
        elif poll.error is not None:
            print_error(f"sinch-reporting: {watched}: {error_line(poll.error)}")
