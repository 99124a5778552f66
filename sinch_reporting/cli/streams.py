"""Standard output and standard error, whatever they are connected to."""

import codecs
import errno
import os
import re
import sys
from contextlib import suppress
from io import TextIOWrapper

from rich.console import Console

from sinch_reporting.cli.text import printable

_ASCII = {"…": "...", "→": "->", "×": "x", "–": "-"}  # noqa: RUF001 - characters of our own texts
_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class _ClosedOutput(TextIOWrapper):
    """Standard output that was closed before the command began."""

    def __init__(self) -> None:
        self._failed = False
        super().__init__(open(os.devnull, "wb"), "utf-8")  # noqa: PTH123, SIM115 - closed with this stream

    def write(self, _: str) -> int:
        self._failed = True
        self.flush()
        return 0

    def forget(self) -> None:
        """Report no more errors."""
        self._failed = False

    def flush(self) -> None:
        if self._failed:  # argparse ignores errors of `write`
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def prepare() -> None:
    """Make the standard streams usable: no encoding error, no stream that is None, no reuse of their descriptors."""
    codecs.register_error("sinch_reporting", _replace)
    for name in ("COLUMNS", "LINES"):
        # rich writes nothing in 0 columns, and fills 10 ** 9.
        if not re.fullmatch("[1-9][0-9]{0,3}", os.environ.get(name, "1")):
            del os.environ[name]
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor: this one
    sys.stdout = sys.stdout or _ClosedOutput()
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="sinch_reporting")


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    return _ASCII.get(character) or character.encode("unicode_escape").decode("ascii"), error.start + 1


def write_text(text: str) -> None:
    """Write to standard output. Raises OSError."""
    sys.stdout.write(text)
    sys.stdout.flush()


def print_error(text: str) -> None:
    """Write lines to standard error, with control characters escaped. If that is impossible, they are lost."""
    try:
        sys.stderr.write("\n".join(map(printable, text.split("\n"))) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        discard(2)


def discard(descriptor: int) -> None:
    """Send what is still buffered for a descriptor nowhere, so that Python can end without another error."""
    if isinstance(sys.stdout, _ClosedOutput):
        sys.stdout.forget()
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def os_error_message(error: OSError) -> str:
    """Return the message of an error of the operating system. Without a file name, it is about standard output."""
    reason = error.strerror or type(error).__name__
    if error.filename is not None:
        return f"{printable(str(error.filename))}: {reason}"
    if error.errno == errno.EBADF:
        return "standard output is closed"
    return f"cannot write to standard output: {reason}" if error.errno in _WRITE_ERRORS else reason


def is_unicode() -> bool:
    """Return whether standard output can represent every character."""
    return (sys.stdout.encoding or "ascii").lower().startswith("utf")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with 1


def console() -> Console:
    """Return a console on standard output: without colors unless it is a terminal, FORCE_COLOR or NO_COLOR decide."""
    return _Console(highlight=False)
