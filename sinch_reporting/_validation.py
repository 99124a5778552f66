"""Validation of numbers."""

import math

from sinch_reporting.errors import ConfigurationError, ReportingError


def check_number(
    value: object,
    message: str,
    *,
    minimum: float = 0,
    above: float = -1,
    whole: bool = False,
    error: type[ReportingError] = ConfigurationError,
) -> None:
    """Raise the error unless the value is a finite number (not a bool) of at least `minimum` and above `above`."""
    valid = isinstance(value, int | float) and minimum <= value < math.inf and value > above
    if not valid or isinstance(value, bool) or (whole and not isinstance(value, int)):
        raise error(message)
