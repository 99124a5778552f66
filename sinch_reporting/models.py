"""Results of the operations. The generated parser checks no types, so all values of a response are checked here."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from attrs import frozen

import sinch_reporting_client.models as api
from sinch_reporting.errors import DecodeError
from sinch_reporting.parameters import Domain, Endpoint
from sinch_reporting_client.types import UNSET

_MAX_COUNT = 2**63 - 1
_MAX_TEXT_LENGTH = 200  # a status is a word, a time some thirty characters


def _string(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise DecodeError(f"response field '{name}' is missing or not a string")
    if len(value) > _MAX_TEXT_LENGTH:
        raise DecodeError(f"response field '{name}' is longer than {_MAX_TEXT_LENGTH} characters")
    return value


def _count(value: object, name: str) -> int:
    # JSON does not distinguish 3.0 from 3. The comparison also excludes NaN.
    if isinstance(value, float) and 0 <= value <= _MAX_COUNT and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_COUNT:
        raise DecodeError(f"response field '{name}' is missing or not a whole number from 0 to 2^63 - 1")
    return value


def _duration(value: object, name: str) -> timedelta:
    try:
        return timedelta(seconds=_count(value, name))
    except OverflowError as error:
        raise DecodeError(f"response field '{name}' is too long for a duration") from error


def _utc_datetime(value: object, name: str) -> datetime:
    text = _string(value, name)
    try:
        time = _parse_iso8601(text)
        if time.tzinfo is None:
            raise DecodeError(f"response field '{name}' has no time zone")
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DecodeError(f"response field '{name}' is not an ISO 8601 time") from error


def _parse_iso8601(text: str) -> datetime:
    with suppress(ValueError):  # its message quotes the text
        return datetime.fromisoformat(text)
    # Knows more forms, but takes thirty times as long, and its import a fifth of this package's.
    from dateutil.parser import isoparse  # noqa: PLC0415

    return isoparse(text)


def _isoformat(time: date | datetime | None) -> str | None:
    return None if time is None else time.isoformat().replace("+00:00", "Z")


@frozen(kw_only=True)
class CallReport:
    """Aggregated calls of one endpoint.

    Attributes:
        endpoint: The number or username.
        domain: The network in which the calls were terminated.
        period_start: The first day, as requested; None for the API's default period (the last 30 days).
        period_stop: The last day, as requested; None for the API's default period.
        success: Number of successful calls.
        failed: Number of failed calls.
        duration: Total duration of all calls (the API counts whole seconds).
        first_call: Time of the first call in UTC (the API's field `start`); None without calls.
    """

    endpoint: Endpoint
    domain: Domain
    period_start: date | None = None
    period_stop: date | None = None
    success: int
    failed: int
    duration: timedelta
    first_call: datetime | None

    @property
    def total(self) -> int:
        """Number of calls, successful or not."""
        return self.success + self.failed

    @property
    def asr(self) -> float | None:
        """Answer-seizure ratio (successful calls divided by all calls), from 0 to 1; None without calls."""
        return self.success / self.total if self.total else None

    @property
    def acd(self) -> timedelta | None:
        """Average call duration (duration divided by successful calls); None without successful calls."""
        return self.duration / self.success if self.success else None

    def to_dict(self) -> dict[str, Any]:
        """Return all values, also derived ones, as JSON types: durations in seconds, dates and times in ISO 8601."""
        return {
            "endpoint": self.endpoint.value,
            "domain": self.domain.value,
            "period_start": _isoformat(self.period_start),
            "period_stop": _isoformat(self.period_stop),
            "success": self.success,
            "failed": self.failed,
            "total": self.total,
            "duration": self.duration // timedelta(seconds=1),
            "first_call": _isoformat(self.first_call),
            "asr": self.asr,
            "acd": None if self.acd is None else self.acd.total_seconds(),
        }

    @classmethod
    def from_api(cls, model: api.CallReport, **request: Any) -> Self:
        """Convert the generated model, with the parameters of the request. Raises DecodeError."""
        return cls(
            success=_count(model.success, "success"),
            failed=_count(model.failed, "failed"),
            duration=_duration(model.duration, "duration"),
            first_call=None if model.start is UNSET or model.start is None else _utc_datetime(model.start, "start"),
            **request,
        )


@frozen(kw_only=True)
class Counter:
    """A counter as of its last refresh. The server refreshes counters every two minutes.

    Attributes:
        id: The counter's id.
        value: Its value; for `currentCalls`, the number of ongoing calls.
        modified: Time of the last refresh in UTC.
    """

    id: str
    value: int
    modified: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return the values as JSON types: the time in ISO 8601."""
        return {"id": self.id, "value": self.value, "modified": _isoformat(self.modified)}

    @classmethod
    def from_api(cls, model: api.Counter, counter_id: str) -> Self:
        """Convert the generated model. Raises DecodeError."""
        modified = _utc_datetime(model.modified, "modified")
        return cls(id=counter_id, value=_count(model.value, "value"), modified=modified)


@frozen(kw_only=True)
class ServiceStatus:
    """Status of a service.

    Attributes:
        id: The service's id.
        status: `up` or `down` (the documented values), or any other text from the server.
    """

    id: str
    status: str

    @property
    def is_up(self) -> bool:
        """Whether the status is `up`. An unknown status does not count as up."""
        return self.status == "up"

    def to_dict(self) -> dict[str, Any]:
        """Return the values as JSON types, with `is_up`."""
        return {"id": self.id, "status": self.status, "is_up": self.is_up}

    @classmethod
    def from_api(cls, model: api.ServiceStatus, service_id: str) -> Self:
        """Convert the generated model. Raises DecodeError."""
        return cls(id=service_id, status=_string(model.status, "status"))
