"""Exit codes of the command, and the message of each error. docs/command.md lists both."""

import re

from sinch_reporting.cli.text import printable
from sinch_reporting.errors import (
    AuthenticationError,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    InvalidRequestError,
    PermissionDeniedError,
    ReportingError,
    TransportError,
)

OK = 0
FAILED = 1
USAGE_ERROR = 2
TIMED_OUT = 3
INCOMPLETE = 75  # EX_TEMPFAIL of sysexits.h: run the same command again
INTERRUPTED = 130
BROKEN_PIPE = 141

DOCTOR = "To find the cause: sinch-reporting doctor, with the same options"

# Library messages name Python arguments, in backticks if they are English words. The command has options instead.
_ARGUMENT = re.compile(r"`(timeout|deadline)`|`?\b(max_retry_after|base_url|allow_http)(?:=True)?\b`?")


class UsageError(Exception):
    """An argument, an option or a credential is invalid. The message gives the reason and the remedy."""


def exit_code(error: UsageError | ReportingError) -> int:
    """Return the exit code of an error: USAGE_ERROR if nothing was sent, else FAILED."""
    return USAGE_ERROR if isinstance(error, UsageError | ConfigurationError | InvalidRequestError) else FAILED


def error_message(error: UsageError | ReportingError) -> str:
    """Return the message of an error, with a second line if `doctor` can find the cause."""
    if isinstance(error, UsageError):
        return str(error)
    return f"{error_line(error)}\n{DOCTOR}" if needs_doctor(error) else error_line(error)


def error_line(error: ReportingError) -> str:
    """Return the message of an error in one line."""
    if is_from_intermediary(error):
        return "403 from something in front of the API, such as a proxy or a firewall, not from the API itself"
    return printable(_ARGUMENT.sub(_as_option, str(error)))


def needs_doctor(error: ReportingError) -> bool:
    """Return whether `doctor` can find the cause of an error."""
    kinds = AuthenticationError | TransportError | DeadlineExceededError | DecodeError
    return isinstance(error, kinds) or is_from_intermediary(error)


def is_from_intermediary(error: ReportingError) -> bool:
    """Return whether a refusal has neither an error code nor a message of the API, as a proxy's HTML page."""
    return isinstance(error, PermissionDeniedError) and error.error_code is None and error.message is None


def _as_option(match: re.Match[str]) -> str:
    return f"--{(match[1] or match[2]).replace('_', '-')}"
