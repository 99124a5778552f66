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
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not (minimum <= value < math.inf and value > above):  # type: ignore[operator]
        raise error(message)
