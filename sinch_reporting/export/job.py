"""Options of an export: what is requested, how, and how long it waits."""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from attrs import Attribute, field, frozen
from attrs.validators import optional
from pyarrow.fs import FileSystem

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.summary import ExportProgress
from sinch_reporting.parameters import Domain, DomainLike, check_period, date_range, to_domain

FileFormat = Literal["parquet", "csv", "jsonl"]
_CONCURRENCY = 16
_MAX_CONCURRENCY = 100  # the connections of a client


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


@frozen(order=True)
class Period:
    """First and last day of reports."""

    start: date
    stop: date

    @property
    def name(self) -> str:
        """Name of the folder of the period, as Hive partitions are named."""
        return f"day={self.start}" if self.start == self.stop else f"period={self.start}_{self.stop}"

    @property
    def end(self) -> datetime:
        """Time at which the last day is over."""
        return datetime.combine(self.stop + timedelta(days=1), datetime.min.time(), UTC)

    @classmethod
    def parse(cls, name: str) -> "Period":
        """Return the period of a folder name. Raises ValueError."""
        first, _, last = name.partition("=")[2].partition("_")
        return cls(date.fromisoformat(first), date.fromisoformat(last or first))


def periods(start: date, stop: date, *, daily: bool) -> tuple[Period, ...]:
    """Return the periods to export: each day, or all days as one period. Raises InvalidRequestError."""
    given: tuple[object, object] = (start, stop)
    if None in given:
        raise InvalidRequestError("start and stop must be given, so that all reports cover the same days")
    days = date_range(start, stop)
    if daily:
        return tuple(Period(day, day) for day in days)
    check_period(start, stop)
    return (Period(start, stop),)


def to_domains(value: DomainLike | Iterable[DomainLike] | None) -> tuple[Domain, ...]:
    """Return the domains to export, none for the usual one of each endpoint. Raises InvalidRequestError."""
    if value is None:
        return ()
    several = [value] if isinstance(value, str) or not isinstance(value, Iterable) else value
    domains = tuple(dict.fromkeys(map(to_domain, several)))
    if not domains:
        raise InvalidRequestError("give at least one domain, or None for the usual one of each endpoint")
    return domains


def _check_whole(_instance: object, attribute: "Attribute[int]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequestError(f"{attribute.name} must be a whole number from 1")


def _check_seconds(_instance: object, attribute: "Attribute[float]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InvalidRequestError(f"{attribute.name} must be a number of seconds from 0")


@frozen(kw_only=True)
class PausePolicy:
    """When the export pauses because the server fails, and when it gives up.

    It pauses after a series of consecutive transient failures, and after any response with `Retry-After`. Then a single
    request is sent as a probe. The pauses double until a probe succeeds.

    Args:
        failures: Number of consecutive transient failures after which the export pauses.
        first: The first pause in seconds.
        longest: The longest pause in seconds, unless the server asks for more with `Retry-After`.
        max_retry_after: The longest `Retry-After` in seconds that is waited for; beyond it the export gives up.
        give_up_after: Seconds without a successful probe after which the export gives up.

    Raises:
        InvalidRequestError: A value is out of range.
    """

    failures: int = field(default=10, validator=_check_whole)
    first: float = field(default=1.0, validator=_check_seconds)
    longest: float = field(default=60.0, validator=_check_seconds)
    max_retry_after: float = field(default=86400.0, validator=_check_seconds)
    give_up_after: float = field(default=3600.0, validator=_check_seconds)


DEFAULT_PAUSE = PausePolicy()


def _check_format(_instance: object, _attribute: object, value: object) -> None:
    if value not in get_args(FileFormat):
        raise InvalidRequestError(f"the format must be one of: {', '.join(get_args(FileFormat))}")


@frozen(kw_only=True)
class ExportJob:
    """Validated options of an export, without its client, input and destination."""

    periods: tuple[Period, ...]
    domains: tuple[Domain, ...] = ()
    file_format: FileFormat = field(default="parquet", validator=_check_format)
    refresh: frozenset[date] = frozenset()
    retry_failed: bool = False
    allow_partial_day: bool = False
    concurrency: int | None = field(default=None, validator=optional(_check_whole))
    pause: PausePolicy = DEFAULT_PAUSE
    stop_grace: float = field(default=5.0, validator=_check_seconds)
    filesystem: FileSystem | None = None
    journal: Path | None = None
    progress: Callable[[ExportProgress], Any] = field(default=lambda _: None)
    should_stop: Callable[[], bool] = field(default=lambda: False)
    now: Callable[[], datetime] = utc_now

    def __attrs_post_init__(self) -> None:
        unknown = [day for day in self.refresh if not any(day in (each.start, each.stop) for each in self.periods)]
        if unknown:
            raise InvalidRequestError(f"{min(unknown)} is to be refreshed, but is not a day of this export")
        late = [period for period in self.periods if period.end > self.now()]
        if late and not self.allow_partial_day:
            raise InvalidRequestError(
                f"{late[0].stop} is not over yet in UTC, so that its reports would be incomplete; "
                "choose an earlier last day, or allow partial days"
            )

    def concurrency_for(self, rate: float | None) -> int:
        """Return the number of concurrent requests, by default as many as the rate needs."""
        return self.concurrency or max(_CONCURRENCY, min(math.ceil(rate or 0), _MAX_CONCURRENCY))
