"""What the Sandbox knows: call reports, counters and services, the same in every process and Python version."""

import hashlib
import json
import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import attrs

_COUNTER_PERIOD = 120


@attrs.define
class Data:
    """The services and counters that exist. Single assignments to its dicts, so they may be made from any thread."""

    services: dict[str, str] = attrs.Factory(lambda: {"rtpproxy": "up"})
    # None: the value moves by itself.
    counters: dict[str, int | None] = attrs.Factory(lambda: {"currentCalls": None})

    def counter(self, counter_id: str, now: datetime) -> dict[str, object]:
        """Return a counter as the API does; raises KeyError for an unknown one."""
        pinned = self.counters[counter_id]
        slot = int(now.timestamp() // _COUNTER_PERIOD)
        # The parity of the slot makes each value differ from the one before.
        value = _draw("counter", counter_id, slot)[0] % 500 * 2 + slot % 2 if pinned is None else pinned
        return {"value": value, "modified": _text(datetime.fromtimestamp(slot * _COUNTER_PERIOD, UTC))}

    def service(self, service_id: str) -> dict[str, object]:
        """Return a service's status as the API does; raises KeyError for an unknown one."""
        return {"status": self.services[service_id]}


@attrs.frozen
class _Day:
    success: int
    failed: int
    duration: int
    start: datetime


def call_report(kind: str, endpoint: str, domain: str, first: date, last: date) -> dict[str, object]:
    """Return the report over the days from `first` to `last`, both included, as the API does."""
    days = list(_days_with_calls(kind, endpoint, domain, first, last))
    report: dict[str, object] = {
        "success": sum(day.success for day in days),
        "duration": sum(day.duration for day in days),
        "failed": sum(day.failed for day in days),
    }
    if days:
        report["start"] = _text(days[0].start)
    return report


def _days_with_calls(kind: str, endpoint: str, domain: str, first: date, last: date) -> Iterator[_Day]:
    if _draw("endpoint", kind, endpoint)[0] % 8 == 0:
        return
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        active, success, failed, seconds, start, *_ = _draw("day", kind, endpoint, domain, day.isoformat())
        success, failed = success % 10, failed % 4
        if active % 4 == 0 or success + failed == 0:
            continue
        yield _Day(
            success=success,
            failed=failed,
            duration=success * 30 + seconds % (success * 300) if success else 0,
            start=datetime.combine(day, time(), UTC) + timedelta(seconds=start % 86400),
        )


def _draw(*of: str | int) -> tuple[int, ...]:
    # Not `hash` or `random`: the one differs between processes, the other may between versions of Python.
    return struct.unpack(">8I", hashlib.sha256(json.dumps(of).encode()).digest())


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
