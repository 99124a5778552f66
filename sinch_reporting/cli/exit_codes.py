"""How the command ends: its exit codes, and what becomes of an error. All of it stands here and in docs/command.md."""

from sinch_reporting.errors import (
    AuthenticationError,
    ConfigurationError,
    DeadlineExceededError,
    InvalidRequestError,
    ReportingError,
    TransportError,
)

OK = 0
FAILED = 1
MISUSE = 2
NOT_REACHED = 3
INTERRUPTED = 130
BROKEN_PIPE = 141


class UsageError(Exception):
    """What the user wrote cannot be done. The message says why, and what to write instead."""


def code_of(error: UsageError | ReportingError) -> int:
    """Return the exit code: misuse where nothing was sent, failed otherwise."""
    return MISUSE if isinstance(error, UsageError | ConfigurationError | InvalidRequestError) else FAILED


def sentence_of(error: UsageError | ReportingError) -> str:
    """Return what to say: the message, which holds the remedy, and where `doctor` can tell more, that."""
    if isinstance(error, AuthenticationError | TransportError | DeadlineExceededError):
        return f"{error}\nTo find out what is wrong: sinch-reporting doctor"
    return str(error)
