"""The results. The generated parser checks no types, so that all checks of an answer's values stand here."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Self

from attrs import frozen

import sinch_reporting_client.models as api
from sinch_reporting.errors import DecodeError
from sinch_reporting_client.types import UNSET

_LARGEST = 2**63 - 1
_LONGEST_TEXT = 200  # a status is a word, a time some thirty characters


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise DecodeError(f"'{name}' is missing from the answer, or is not text")
    if len(value) > _LONGEST_TEXT:
        raise DecodeError(f"'{name}' is longer than {_LONGEST_TEXT} characters")
    return value


def _count(value: object, name: str) -> int:
    # JSON does not tell 3.0 from 3. The comparison also keeps out NaN.
    if isinstance(value, float) and 0 <= value <= _LARGEST and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise DecodeError(f"'{name}' is missing from the answer, or is not a whole number from 0 to 2^63 - 1")
    return value


def _duration(value: object, name: str) -> timedelta:
    try:
        return timedelta(seconds=_count(value, name))
    except OverflowError as error:
        raise DecodeError(f"'{name}' is longer than any time span") from error


def _parsed(text: str) -> datetime:
    with suppress(ValueError):  # whose words quote the text
        return datetime.fromisoformat(text)
    # Knows more forms, takes thirty times as long, and its loading a fifth of that of this package.
    from dateutil.parser import isoparse  # noqa: PLC0415

    return isoparse(text)


def _moment(value: object, name: str) -> datetime:
    text = _text(value, name)
    try:
        moment = _parsed(text)
        if moment.tzinfo is None:
            raise DecodeError(f"'{name}' lacks its time zone")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DecodeError(f"'{name}' is not an ISO 8601 time") from error


@frozen(kw_only=True)
class CallReport:
    """The calls of one endpoint, added up.

    Attributes:
        success: How many calls succeeded.
        failed: How many calls failed.
        duration: The length of all the calls together (the API counts whole seconds).
        start: The time of the first call, in UTC; None where there was none.
    """

    success: int
    failed: int
    duration: timedelta
    start: datetime | None

    @property
    def total(self) -> int:
        """How many calls there were, successful or not."""
        return self.success + self.failed

    @property
    def asr(self) -> float | None:
        """The answer-seizure ratio, which is successful calls by all calls, from 0 to 1; None without calls."""
        return self.success / self.total if self.total else None

    @property
    def acd(self) -> timedelta | None:
        """The average call duration, which is duration by successful calls; None where no call succeeded."""
        return self.duration / self.success if self.success else None

    @classmethod
    def from_api(cls, answer: api.CallReport) -> Self:
        """Convert the generated client's model. Raises DecodeError where a value is not what the contract promises."""
        return cls(
            success=_count(answer.success, "success"),
            failed=_count(answer.failed, "failed"),
            duration=_duration(answer.duration, "duration"),
            start=None if answer.start is UNSET or answer.start is None else _moment(answer.start, "start"),
        )


@frozen(kw_only=True)
class Counter:
    """A counter at its last refresh. The server refreshes every two minutes, whenever it is asked.

    Attributes:
        id: The counter's id.
        value: What it stood at; for `currentCalls`, the number of ongoing calls.
        modified: The time of the refresh, in UTC.
    """

    id: str
    value: int
    modified: datetime

    @classmethod
    def from_api(cls, counter_id: str, answer: api.Counter) -> Self:
        """Convert the generated client's model. Raises DecodeError where a value is not what the contract promises."""
        return cls(
            id=counter_id,
            value=_count(answer.value, "value"),
            modified=_moment(answer.modified, "modified"),
        )


@frozen(kw_only=True)
class ServiceStatus:
    """The status of a service.

    Attributes:
        id: The service's id.
        status: `up` or `down`, the published ones, or whatever else the server says.
    """

    id: str
    status: str

    @property
    def is_up(self) -> bool:
        """Whether the service is available. An unknown status is not up."""
        return self.status == "up"

    @classmethod
    def from_api(cls, service_id: str, answer: api.ServiceStatus) -> Self:
        """Convert the generated client's model. Raises DecodeError where a value is not what the contract promises."""
        return cls(id=service_id, status=_text(answer.status, "status"))
