"""What `metrics` exports of counters and services, and how it keeps that up to date."""

import time
from collections.abc import Awaitable, Callable, Iterable

import anyio
from prometheus_client import CollectorRegistry, Gauge, Info

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.cli.output import say
from sinch_reporting.models import Counter, ServiceStatus
from sinch_reporting.parameters import path_segment
from sinch_reporting.version import __version__
from sinch_reporting.watch import (
    TRANSIENT_ERRORS,
    PollSchedule,
    RefreshSchedule,
    Sample,
    ValueT,
)


class Exporter:
    """The gauges, and the tasks that set them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._value = Gauge("sinch_reporting_counter_value", "What the counter stood at.", ("id",), registry=registry)
        self._modified = Gauge(
            "sinch_reporting_counter_modified_timestamp_seconds",
            "When the server last refreshed the counter.",
            ("id",),
            registry=registry,
        )
        self._up = Gauge(
            "sinch_reporting_service_up", "1 where the service's status is up, else 0.", ("id",), registry=registry
        )
        self._status = Gauge(
            "sinch_reporting_service_status",
            "1 for the status that the service has.",
            ("id", "status"),
            registry=registry,
        )
        self._answered = Gauge(
            "sinch_reporting_last_answer_timestamp_seconds",
            "When the server last told of this counter or service.",
            ("kind", "id"),
            registry=registry,
        )
        build = Info("sinch_reporting_build", "The version of sinch-reporting.", registry=registry)
        build.info({"version": __version__})
        self._statuses: dict[str, str] = {}

    async def run(
        self, client: AsyncReportingClient, counters: Iterable[str], services: Iterable[str], interval: float
    ) -> None:
        """Keep the gauges up to date, for ever. Raises InvalidRequestError for an id or an interval that is none."""
        for counter_id in counters:
            path_segment(counter_id, "counter id")
        for service_id in services:
            path_segment(service_id, "service id")
        # The public watch yields changes alone; here each refresh counts.
        read_counter = client._sample_counter  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        read_service = client._sample_service  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        try:
            async with anyio.create_task_group() as tasks:
                for counter_id in counters:
                    tasks.start_soon(_follow, read_counter, counter_id, RefreshSchedule(), self._show_counter)
                for service_id in services:
                    tasks.start_soon(
                        _follow, read_service, service_id, PollSchedule[ServiceStatus](interval), self._show_service
                    )
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def _show_counter(self, counter: Counter) -> None:
        self._value.labels(counter.id).set(counter.value)
        self._modified.labels(counter.id).set(counter.modified.timestamp())
        self._answered.labels("counter", counter.id).set(time.time())

    def _show_service(self, service: ServiceStatus) -> None:
        before = self._statuses.get(service.id)
        if before is not None and before != service.status:
            self._status.remove(service.id, before)
        self._statuses[service.id] = service.status
        self._status.labels(service.id, service.status).set(1)
        self._up.labels(service.id).set(service.is_up)
        self._answered.labels("service", service.id).set(time.time())


async def _follow(
    read: Callable[[str], Awaitable[Sample[ValueT]]],
    watched: str,
    plan: PollSchedule[ValueT],
    show: Callable[[ValueT], None],
) -> None:
    while True:
        try:
            reading = await read(watched)
        except TRANSIENT_ERRORS as error:
            say(f"sinch-reporting: {watched}: {error}")
            wait = plan.on_error(error)
        else:
            show(reading.value)
            _, wait = plan.on_sample(reading)
        await anyio.sleep(wait)
