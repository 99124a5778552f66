"""Polling of counters and services, for --watch, --until and the exporter.

The public `watch_…` methods yield changes only. A live view and metrics need each sample and the time of the next one.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

import anyio
from attrs import frozen

from sinch_reporting import AsyncReportingClient, Counter, ReportingError, ServiceStatus
from sinch_reporting.watch import TRANSIENT_ERRORS, PollSchedule, RefreshSchedule, Sample

ValueT = TypeVar("ValueT", Counter, ServiceStatus)


@frozen
class Poll(Generic[ValueT]):
    """Result of one poll.

    Attributes:
        value: The counter or service status; None after an error.
        error: The error; None after a success.
        changed: Whether the value differs from the previous one, or follows an error.
        wait: Seconds until the next poll.
    """

    value: ValueT | None
    error: ReportingError | None
    changed: bool
    wait: float


def poll_counter(client: AsyncReportingClient, counter_id: str) -> AsyncGenerator[Poll[Counter]]:
    """Yield a counter after each of its refreshes, forever."""
    sample = client._sample_counter  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - has the server's time
    return _poll(partial(sample, counter_id), RefreshSchedule())


def poll_service(client: AsyncReportingClient, service_id: str, interval: float) -> AsyncGenerator[Poll[ServiceStatus]]:
    """Yield a service's status every `interval` seconds, forever."""
    sample = client._sample_service  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return _poll(partial(sample, service_id), PollSchedule[ServiceStatus](interval))


async def _poll(
    sample: Callable[[], Awaitable[Sample[ValueT]]], schedule: PollSchedule[ValueT]
) -> AsyncGenerator[Poll[ValueT]]:
    while True:
        try:
            found = await sample()
        except TRANSIENT_ERRORS as error:
            poll = Poll[ValueT](None, error, changed=True, wait=schedule.on_error(error))
        else:
            changed, wait = schedule.on_sample(found)
            poll = Poll(found.value, None, changed=changed, wait=wait)
        due = time.monotonic() + poll.wait
        yield poll
        await anyio.sleep(max(due - time.monotonic(), 0))
