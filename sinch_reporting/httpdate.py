"""Dates in HTTP headers."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def parse_http_date(value: str | None) -> datetime | None:
    """Return the time of a Date or Retry-After header, or None if it contains none."""
    try:
        time = parsedate_to_datetime(value or "")
        # A zone of "-0000" makes a naive datetime; HTTP dates are always in UTC (RFC 9110, section 5.6.7).
        return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
