"""Polls of counters and services, for --watch, --until and the exporter: each sample, and the time of the next one."""
# The public `watch_…` methods yield changes only.
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false

from collections.abc import AsyncGenerator

from sinch_reporting import AsyncReportingClient, Counter, ServiceStatus
from sinch_reporting.watch import Poll


def poll_counter(client: AsyncReportingClient, counter_id: str) -> AsyncGenerator[Poll[Counter]]:
    """Yield a counter after each of its refreshes, forever."""
    return client._poll_counter(counter_id)


def poll_service(client: AsyncReportingClient, service_id: str, interval: float) -> AsyncGenerator[Poll[ServiceStatus]]:
    """Yield a service's status every `interval` seconds, forever."""
    return client._poll_service(service_id, interval)
