"""The library's logger, and the lines of httpcore's that must not be written for our requests."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

logger = logging.getLogger("sinch_reporting")
logger.addHandler(logging.NullHandler())

_within = ContextVar("sinch_reporting_call", default=False)


@contextmanager
def within_a_call() -> Generator[None]:
    """Mark what this thread or task does as ours."""
    token = _within.set(True)
    try:
        yield
    finally:
        _within.reset(token)


def _is_sayable(record: logging.LogRecord) -> bool:
    # At DEBUG, httpcore writes the headers of an answer; a redirect's Location holds the URL with the phone number.
    return not (_within.get() and "receive_response_headers" in record.getMessage())


for _name in ("httpcore.http11", "httpcore.http2"):
    logging.getLogger(_name).addFilter(_is_sayable)
