"""Errors of disks and of SQLite as one sentence with the remedy."""

import errno
import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REMEDY = "check the disk and its permissions, and run the export again"
_IS_FULL = "cannot be written: the disk is full; free some space and run the export again"


def damaged_journal(what: str) -> OSError:
    """Return the error for a journal whose content is not what was written."""
    return OSError(
        f"{what} is damaged; delete it and run the export again, which requests the reports of unfinished days "
        "once more"
    )


@contextmanager
def sqlite_errors(what: str) -> Generator[None]:
    """Convert errors of SQLite to OSError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)  # None if the text of a column is not UTF-8
        kind = None if code is None else code & 0xFF
        if kind == sqlite3.SQLITE_FULL:
            raise OSError(f"{what} {_IS_FULL}") from error
        if kind in {None, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH}:
            raise damaged_journal(what) from error
        raise OSError(f"{what} cannot be used: {error}; {_REMEDY}") from error


@contextmanager
def os_errors(what: str) -> Generator[None]:
    """Convert errors of the operating system. Others, as of an object store, have a message of their own."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        if error.errno in _FULL:
            raise OSError(f"{what} {_IS_FULL}") from error
        raise OSError(f"{what} cannot be used: {os.strerror(error.errno)}; {_REMEDY}") from error
