"""The SQLite connection of an export: the input in a temporary file, and the journal in a permanent one."""

import os
import sqlite3
import stat
from pathlib import Path

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.storage_errors import damaged_journal, os_errors, sqlite_errors


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
    what = f"the journal {path}"
    with os_errors(what):
        path.parent.mkdir(parents=True, exist_ok=True)
        _create_privately(path)
    with sqlite_errors(what):
        try:
            connection.execute("ATTACH ? AS journal", (str(path),))
            connection.executescript(
                "PRAGMA journal.locking_mode = EXCLUSIVE; PRAGMA journal.journal_mode = WAL;"
                "PRAGMA journal.synchronous = NORMAL;"
                # Locks it until the connection is closed.
                "BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS journal.refreshing (period TEXT PRIMARY KEY); COMMIT"
            )
            if connection.execute("PRAGMA journal.quick_check(1)").fetchone() != ("ok",):
                raise damaged_journal(what)
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
