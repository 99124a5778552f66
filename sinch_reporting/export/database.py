"""The SQLite connection of an export: the input in a temporary file, and the journal in a permanent one."""

import os
import sqlite3
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sinch_reporting.errors import InvalidRequestError


@contextmanager
def sqlite_errors(what: str) -> Generator[None]:
    """Convert errors of SQLite to OSError with the remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise OSError(f"{what} cannot be written: the disk is full; free some space and run it again") from error
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise OSError(
                f"{what} is damaged; delete it and run the export again, which requests the reports of unfinished "
                "days once more"
            ) from error
        raise OSError(
            f"{what} cannot be used: {error}; check the disk and its permissions, and run it again"
        ) from error


def connect() -> sqlite3.Connection:
    """Open a connection whose main database is a temporary file, removed when it is closed."""
    connection = sqlite3.connect("", timeout=0, isolation_level=None, check_same_thread=False)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    return connection


def attach(connection: sqlite3.Connection, path: Path) -> None:
    """Attach the journal, which is created with mode 0600 and locked while it is open.

    Raises:
        InvalidRequestError: The path is a symbolic link or not a file of this user, or another process has it.
        OSError: The journal cannot be used.
    """
    _create_privately(path)
    with sqlite_errors(f"the journal {path}"):
        try:
            connection.execute("ATTACH ? AS journal", (str(path),))
            connection.executescript(
                "PRAGMA journal.locking_mode = EXCLUSIVE; PRAGMA journal.journal_mode = WAL;"
                "PRAGMA journal.synchronous = NORMAL;"
                # Locks it until the connection is closed.
                "BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS journal.refreshing (period TEXT PRIMARY KEY); COMMIT"
            )
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise InvalidRequestError("another process is exporting to this destination") from error
            raise


def _create_privately(path: Path) -> None:
    refusal = f"the journal {path} must be a file of your own, not a symbolic link; remove it or choose another path"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            raise InvalidRequestError(refusal) from None
        path.chmod(0o600)
    for suffix in ("-wal", "-journal"):
        if path.with_name(path.name + suffix).is_symlink():
            raise InvalidRequestError(refusal)
