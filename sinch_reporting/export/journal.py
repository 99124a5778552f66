"""What became of the endpoints whose partition is not finished yet, on disk, so that none is asked again."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sinch_reporting.bulk import CallReportOutcome
from sinch_reporting.errors import APIError, InvalidRequestError

Row = tuple[int, int | None, int | None, int | None, int | None, str | None, int | None, int | None, str | None]
"""place, success, failed, duration in s, start in µs since 1970, error, status, code, message"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


def row_of(place: int, outcome: CallReportOutcome) -> Row:
    """Return what is kept of an outcome."""
    report, error = outcome.report, outcome.error
    if report:
        start = None if report.first_call is None else (report.first_call - _EPOCH) // _MICROSECOND
        return place, report.success, report.failed, report.duration // _SECOND, start, None, None, None, None
    status, code = (error.status_code, error.error_code) if isinstance(error, APIError) else (None, None)
    message = str(error).encode(errors="backslashreplace").decode()  # a server's words may hold half a surrogate pair
    return place, None, None, None, None, type(error).__name__, status, code, message


@contextmanager
def _os_errors() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(f"the journal cannot be kept: {error}") from error


class Journal:
    """The outcomes of unfinished partitions, by the endpoints' places in the plan. It holds no number and no name.

    It is a SQLite database: what was added is there after a `kill -9`, and half of it never is. Where the machine
    itself goes down, the last seconds may be missing. It is locked as long as it is open.
    """

    def __init__(self, path: Path | None, identity: str) -> None:
        """Open the journal, or make it; without a path, one that is gone with the process.

        Args:
            path: The file.
            identity: What the journal belongs to.

        Raises:
            InvalidRequestError: Another process has it, or it belongs to another export.
            OSError: It cannot be written.
        """
        self._path = path
        with _os_errors():
            self._database = sqlite3.connect(path or "", timeout=0, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(identity)
            except BaseException:
                self._database.close()
                raise

    def _prepare(self, identity: str) -> None:
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("PRAGMA cache_size = -512")  # KiB
            self._database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise InvalidRequestError("another process is exporting to this destination") from error
            raise
        self._database.execute("CREATE TABLE IF NOT EXISTS export (identity TEXT)")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS outcomes (place INTEGER PRIMARY KEY, success INTEGER, failed INTEGER, "
            "duration INTEGER, start INTEGER, error TEXT, status INTEGER, code INTEGER, message TEXT)"
        )
        known = self._database.execute("SELECT identity FROM export").fetchall()
        if not known:
            self._database.execute("INSERT INTO export VALUES (?)", (identity,))
        elif known != [(identity,)]:
            raise InvalidRequestError("the journal belongs to another export; pass another path, or remove it")
        self._database.execute("COMMIT")

    def add(self, row: Row) -> None:
        """Keep an outcome."""
        with _os_errors():
            self._database.execute("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def places(self, within: range) -> set[int]:
        """Return the places whose outcomes are kept."""
        query = "SELECT place FROM outcomes WHERE place >= ? AND place < ?"
        return {place for (place,) in self._database.execute(query, (within.start, within.stop))}

    def rows(self, within: range) -> Iterator[Row]:
        """Yield the outcomes that are kept, in the order of their places."""
        query = "SELECT * FROM outcomes WHERE place >= ? AND place < ? ORDER BY place"
        yield from self._database.execute(query, (within.start, within.stop))

    def counts(self) -> tuple[int, int]:
        """Return how many outcomes are kept, and how many of them are failures."""
        kept, failures = self._database.execute("SELECT count(*), count(error) FROM outcomes").fetchone()
        return int(kept), int(failures)

    def counts_in_partitions(self, size: int) -> list[tuple[int, int]]:
        """Return each partition of which outcomes are kept, and how many."""
        query = "SELECT place / ?, count(*) FROM outcomes GROUP BY 1 ORDER BY 1"
        return self._database.execute(query, (size,)).fetchall()

    def forget(self, within: range) -> None:
        """Drop outcomes that stand in a finished partition."""
        with _os_errors():
            query = "DELETE FROM outcomes WHERE place >= ? AND place < ?"
            self._database.execute(query, (within.start, within.stop))

    def close(self) -> None:
        """Close the journal, and let others have it."""
        self._database.close()

    def remove(self) -> None:
        """Close the journal and remove its file."""
        self._database.close()
        if self._path:
            self._path.unlink(missing_ok=True)
