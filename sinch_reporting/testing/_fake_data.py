"""Data of the Sandbox: reports, counters and services, the same in every process and Python version."""

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

import attrs

from sinch_reporting import Endpoint, Number, Username
from sinch_reporting.parameters import DomainLike, to_domain

_COUNTER_REFRESH_SECONDS = 120
_MAX_COUNT = 2**63 - 1  # larger integers are not of the contract
_DOMAINS = {"number": "pstn", "username": "data"}


@attrs.frozen
class Calls:
    """The figures of a report or day, as the API names them; `duration` is in seconds."""

    success: int
    failed: int
    duration: int


@attrs.frozen
class ReportKey:
    """The path parameters of a report: `number` or `username`, the endpoint and the domain."""

    type: str
    endpoint: str
    domain: str


@attrs.define
class Data:
    """The services, counters and reports. Each change is a single operation on a dict, safe from any thread."""

    services: dict[str, str] = attrs.Factory(lambda: {"rtpproxy": "up"})
    # None: the value changes with each refresh.
    counters: dict[str, int | None] = attrs.Factory(lambda: {"currentCalls": None})
    # The key None stands for a report of any period.
    reports: dict[ReportKey, dict[date | None, Calls]] = attrs.Factory(dict)

    def set_report(self, key: ReportKey, day: date | None, calls: Calls) -> None:
        """Set the calls of a day, or without a day those of every report."""
        if day is None:
            self.reports[key] = {None: calls}
        else:
            days = self.reports.setdefault(key, {})
            days[day] = calls
            days.pop(None, None)

    def call_report(self, key: ReportKey, first: date, last: date, today: date) -> dict[str, object]:
        """Return the report over the days from `first` to `last`, both included, in the API's format."""
        days = self.reports.get(key)
        if days is None:
            return _sum_up(_made_up_days(key, first, min(last, today)))
        if fixed := days.get(None):
            return _sum_up([(datetime.combine(first, time(), UTC), fixed)])
        return _sum_up(_set_days(days, first, last))

    def counter(self, counter_id: str, now: datetime) -> dict[str, object]:
        """Return a counter in the API's format; raises KeyError for an unknown one."""
        fixed = self.counters[counter_id]
        refresh = int(now.timestamp() // _COUNTER_REFRESH_SECONDS)
        # The parity of the refresh makes each value differ from the previous one.
        value = _draw("counter", counter_id, refresh)[0] % 500 * 2 + refresh % 2 if fixed is None else fixed
        modified = datetime.fromtimestamp(refresh * _COUNTER_REFRESH_SECONDS, UTC)
        return {"value": value, "modified": _isoformat(modified)}

    def service(self, service_id: str) -> dict[str, object]:
        """Return a service's status in the API's format; raises KeyError for an unknown one."""
        return {"status": self.services[service_id]}


def whole_number(name: str, value: object) -> int:
    """Return an integer that the API can contain."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if not 0 <= value <= _MAX_COUNT:
        raise ValueError(f"{name} must be from 0 to 2^63 - 1, not {value}")
    return value


def report_calls(success: object, failed: object, duration: object) -> Calls:
    """Return the figures of a report if the API can contain them."""
    if isinstance(duration, timedelta):
        if duration % timedelta(seconds=1):
            raise ValueError(f"duration must be in whole seconds, not {duration}")
        duration = duration // timedelta(seconds=1)
    calls = Calls(whole_number("success", success), whole_number("failed", failed), whole_number("duration", duration))
    if calls.duration and not calls.success + calls.failed:
        raise ValueError("duration must be 0 without calls; set success or failed too")
    return calls


def report_key(endpoint: Endpoint | str, domain: DomainLike | None) -> ReportKey:
    """Return the path parameters of a report."""
    if isinstance(endpoint, str):
        if endpoint.isdecimal():
            raise ValueError("an endpoint of digits is ambiguous; write '+…' for a number or Username('…')")
        endpoint = Number(endpoint) if endpoint.startswith("+") else Username(endpoint)
    if not isinstance(endpoint, Number | Username):
        raise TypeError(f"endpoint must be a Number, a Username or text, not {type(endpoint).__name__}")
    kind = "number" if isinstance(endpoint, Number) else "username"
    return ReportKey(kind, endpoint.value, to_domain(domain).value if domain is not None else _DOMAINS[kind])


def _sum_up(days: Iterator[tuple[datetime, Calls]] | list[tuple[datetime, Calls]]) -> dict[str, object]:
    """Return the report over days with the times of their first calls."""
    found = [(first_call, calls) for first_call, calls in days if calls.success + calls.failed]
    report: dict[str, object] = {
        "success": sum(calls.success for _, calls in found),
        "duration": sum(calls.duration for _, calls in found),
        "failed": sum(calls.failed for _, calls in found),
    }
    if found:
        report["start"] = _isoformat(found[0][0])
    return report


def _each_day(first: date, last: date) -> Iterator[date]:
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))


def _set_days(days: Mapping[date | None, Calls], first: date, last: date) -> Iterator[tuple[datetime, Calls]]:
    for day in _each_day(first, last):
        if calls := days.get(day):
            yield datetime.combine(day, time(), UTC), calls


def _made_up_days(key: ReportKey, first: date, last: date) -> Iterator[tuple[datetime, Calls]]:
    kind, endpoint, domain = key.type, key.endpoint, key.domain
    if domain != _DOMAINS[kind] or _draw("endpoint", kind, endpoint)[0] % 8 == 0:
        return
    for day in _each_day(first, last):
        active, success, failed, seconds, start, *_ = _draw("day", kind, endpoint, domain, day.isoformat())
        success, failed = success % 10, failed % 4
        if active % 4 == 0:
            continue
        duration = success * 30 + seconds % (success * 300) if success else 0
        first_call = datetime.combine(day, time(), UTC) + timedelta(seconds=start % 86400)
        yield first_call, Calls(success, failed, duration)


def _draw(*of: str | int) -> tuple[int, ...]:
    # `hash` differs between processes, and `random` may differ between Python versions.
    return struct.unpack(">8I", hashlib.sha256(json.dumps(of).encode()).digest())


def _isoformat(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
