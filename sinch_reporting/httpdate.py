"""Dates in HTTP headers."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def parse_http_date(value: str | None) -> datetime | None:
    """Return the moment that a Date or Retry-After header names, or None where it names none."""
    try:
        moment = parsedate_to_datetime(value or "")
        # A zone of "-0000" makes a naive datetime; HTTP dates are always in UTC (RFC 9110, section 5.6.7).
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
