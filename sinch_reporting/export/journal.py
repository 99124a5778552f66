"""Journal: every outcome that is not yet in the files of the destination, so that a kill loses nothing."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from sinch_reporting.errors import APIError, ReportingError
from sinch_reporting.export.failures import Failure
from sinch_reporting.export.input_index import InputIndex
from sinch_reporting.export.job import Period
from sinch_reporting.export.storage_errors import damaged_journal
from sinch_reporting.models import CallReport
from sinch_reporting.parameters import Domain

_PAGE = 1000
_CHUNK = 5000  # rows of a transaction, during which no outcome is recorded
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)

Row = tuple[Any, ...]
"""An outcome, with times in microseconds since 1970: the columns below."""

_COLUMNS = (
    "domain, key, original, retrieved_at, success, failed, duration, first_call, kind, error, status, code, message, "
    "checksum"
)
_KIND = 8  # which `retry_failed` changes


class Unit(NamedTuple):
    """One report to request."""

    domain: Domain
    key: str
    original: str | None


def microseconds(time: datetime) -> int:
    """Return a time in microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def report_row(unit: Unit, report: CallReport, at: datetime) -> Row:
    """Return the row of a report."""
    first = None if report.first_call is None else microseconds(report.first_call)
    counts = (report.success, report.failed, report.duration // _SECOND)
    return (*_start(unit, at), *counts, first, None, None, None, None, None)


def failure_row(unit: Unit, error: ReportingError, kind: Failure, at: datetime) -> Row:
    """Return the row of a failure."""
    status, code = (error.status_code, error.error_code) if isinstance(error, APIError) else (None, None)
    message = str(error).encode(errors="backslashreplace").decode()  # servers send lone surrogates
    return (*_start(unit, at), None, None, None, None, kind.value, type(error).__name__, status, code, message)


def _start(unit: Unit, at: datetime) -> Row:
    return unit.domain.value, unit.key, unit.original, microseconds(at)


def _with_checksum(period: str, row: Sequence[Any]) -> Row:
    checked = (period, *row[:_KIND], *row[_KIND + 1 :])
    return period, *row, crc32(repr(checked).encode())


class Journal:
    """Outcomes of unfinished periods in an attached SQLite database.

    In write-ahead mode: what is committed survives a `kill -9`. If the machine goes down, the last seconds may be
    missing, and are requested again.
    """

    def __init__(self, connection: sqlite3.Connection, index: InputIndex, path: Path) -> None:
        self._path = path
        self._connection = connection
        self._index = index
        self._lock = threading.Lock()
        with self._lock:
            connection.executescript(
                "CREATE TABLE IF NOT EXISTS journal.outcomes (period TEXT, domain TEXT, key TEXT, original TEXT, "
                "retrieved_at INTEGER, success INTEGER, failed INTEGER, duration INTEGER, first_call INTEGER, "
                "kind TEXT, error TEXT, status INTEGER, code INTEGER, message TEXT, checksum INTEGER, "
                "PRIMARY KEY (period, domain, key)) WITHOUT ROWID;"
                "CREATE INDEX IF NOT EXISTS journal.failures ON outcomes (period, domain, key) WHERE kind IS NOT NULL;"
                # Rows of the files at the destination; kept in the temporary database.
                "CREATE TABLE main.stored (period TEXT, domain TEXT, key TEXT, PRIMARY KEY (period, domain, key)) "
                "WITHOUT ROWID;"
            )

        self._insert = f"INSERT OR REPLACE INTO journal.outcomes VALUES ({', '.join('?' * 15)})"  # noqa: S608

    def add(self, period: str, row: Row) -> None:
        """Keep an outcome. It survives from the next `commit` on."""
        with self._lock:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN")
            self._connection.execute(self._insert, _with_checksum(period, row))

    def commit(self) -> None:
        """Commit what was added."""
        with self._lock:
            self._commit()

    def _commit(self) -> None:
        try:
            self._connection.commit()
        except sqlite3.Error:
            self._connection.rollback()
            raise

    def add_failures(self, period: str, rows: Iterable[Row]) -> None:
        """Load failures of earlier runs, unless there is a newer outcome."""
        self._add_many(self._insert.replace("OR REPLACE", "OR IGNORE"), (_with_checksum(period, row) for row in rows))

    def add_stored(self, period: str, keys: Iterable[tuple[str, str]]) -> None:
        """Note domain and key of rows that are in the files of the destination."""
        self._add_many("INSERT OR IGNORE INTO main.stored VALUES (?, ?, ?)", ((period, *each) for each in keys))

    def _add_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        remaining = iter(rows)
        while chunk := list(islice(remaining, _CHUNK)):
            with self._lock:
                self._commit()
                self._connection.execute("BEGIN")
                self._connection.executemany(statement, chunk)
                self._commit()

    def set_refreshing(self, period: str) -> None:
        """Note that a period is being refreshed."""
        with self._lock:
            self._connection.execute("INSERT OR IGNORE INTO journal.refreshing VALUES (?)", (period,))

    def is_refreshing(self, period: str) -> bool:
        """Return whether a refresh of a period has begun and is not finished."""
        query = "SELECT 1 FROM journal.refreshing WHERE period = ?"
        return self._connection.execute(query, (period,)).fetchone() is not None

    def retry_failed(self, period: str) -> None:
        """Make permanent failures transient, so that they are requested again."""
        with self._lock:
            query = "UPDATE journal.outcomes SET kind = 'transient' WHERE period = ? AND kind = 'permanent'"
            self._connection.execute(query, (period,))

    def delete_partial(self, period: str, end: datetime) -> None:
        """Delete reports that were retrieved before the end of their period."""
        with self._lock:
            query = "DELETE FROM journal.outcomes WHERE period = ? AND kind IS NULL AND retrieved_at < ?"
            self._connection.execute(query, (period, microseconds(end)))

    def open_periods(self) -> set[Period]:
        """Return the periods that have outcomes or an unfinished refresh in the journal."""
        query = "SELECT DISTINCT period FROM journal.outcomes UNION SELECT period FROM journal.refreshing"
        try:
            return {Period.parse(name) for (name,) in self._connection.execute(query)}
        except ValueError as error:
            raise damaged_journal(f"the journal {self._path}") from error

    def transient(self, period: str) -> Iterator[Unit]:
        """Yield the reports that failed transiently."""
        query = (
            f"SELECT {_COLUMNS} FROM journal.outcomes INDEXED BY failures WHERE period = ? "  # noqa: S608
            "AND kind IS NOT NULL AND kind = 'transient' AND (domain, key) > (?, ?) ORDER BY domain, key LIMIT ?"
        )
        last: tuple[str, str] = ("", "")
        while page := self._connection.execute(query, (period, *last, _PAGE)).fetchall():
            last = page[-1][:2]
            yield from (Unit(Domain(row[0]), *row[1:3]) for row in self._checked(period, page))

    def missing(self, period: str, domains: Sequence[Domain]) -> Iterator[Unit]:
        """Yield the reports of the input that have no outcome, in the order of their keys."""
        query = f"SELECT key, original {self._missing_from} ORDER BY key LIMIT ?"
        for domain in Domain.PSTN, Domain.DATA:
            keys = self._index.keys_for(domain, domains)
            if keys is None:
                continue
            last, end = keys
            while page := self._connection.execute(query, (last, end, *(period, domain.value) * 2, _PAGE)).fetchall():
                last = page[-1][0]
                yield from (Unit(domain, key, original) for key, original in page)

    _missing_from = (
        "FROM main.endpoints AS e WHERE key > ? AND key < ? "
        "AND NOT EXISTS (SELECT 1 FROM main.stored AS s WHERE s.period = ? AND s.domain = ? AND s.key = e.key) "
        "AND NOT EXISTS (SELECT 1 FROM journal.outcomes AS o WHERE o.period = ? AND o.domain = ? AND o.key = e.key)"
    )

    def count_missing(self, period: str, domains: Sequence[Domain]) -> int:
        """Return the number of reports of the input that have no outcome."""
        count = 0
        for domain in Domain.PSTN, Domain.DATA:
            keys = self._index.keys_for(domain, domains)
            if keys is not None:
                query = f"SELECT count(*) {self._missing_from}"
                count += self._connection.execute(query, (*keys, *(period, domain.value) * 2)).fetchone()[0]
        return count

    def counts(self, period: str) -> tuple[int, int, int]:
        """Return the numbers of new reports, permanent and transient failures of a period."""
        query = (
            "SELECT count(*) - count(kind), count(*) FILTER (WHERE kind = 'permanent'), "
            "count(*) FILTER (WHERE kind = 'transient') FROM journal.outcomes WHERE period = ?"
        )
        reports, permanent, transient = self._connection.execute(query, (period,)).fetchone()
        return reports, permanent, transient

    def count_stored(self, period: str) -> int:
        """Return the number of rows at the destination that have no newer outcome."""
        query = (
            "SELECT count(*) FROM main.stored AS s WHERE period = ? AND NOT EXISTS "
            "(SELECT 1 FROM journal.outcomes AS o WHERE o.period = s.period AND o.domain = s.domain AND o.key = s.key)"
        )
        return int(self._connection.execute(query, (period,)).fetchone()[0])

    def rows(self, period: str, *, failures: bool) -> Iterator[Row]:
        """Yield the outcomes of a period in the order of their endpoints."""
        condition = "IS NOT NULL" if failures else "IS NULL"
        query = f"SELECT {_COLUMNS} FROM journal.outcomes WHERE period = ? AND kind {condition} ORDER BY domain, key"  # noqa: S608
        yield from self._checked(period, self._connection.execute(query, (period,)))

    def _checked(self, period: str, rows: Iterable[Row]) -> Iterator[Row]:
        for *row, checksum in rows:
            if checksum != _with_checksum(period, row)[-1]:
                raise damaged_journal(f"the journal {self._path}")
            yield tuple(row)

    def has(self, period: str, domain: str, key: str) -> bool:
        """Return whether there is an outcome."""
        query = "SELECT 1 FROM journal.outcomes WHERE period = ? AND domain = ? AND key = ?"
        return self._connection.execute(query, (period, domain, key)).fetchone() is not None

    def delete(self, period: str) -> None:
        """Delete a period whose outcomes are in the files of the destination."""
        with self._lock:
            # First, since outcomes without it are merged into the files once more, which changes nothing.
            self._connection.execute("DELETE FROM journal.refreshing WHERE period = ?", (period,))
            self._connection.execute("DELETE FROM main.stored WHERE period = ?", (period,))
        query = (
            "DELETE FROM journal.outcomes WHERE period = ? AND (domain, key) IN "
            "(SELECT domain, key FROM journal.outcomes WHERE period = ? ORDER BY domain, key LIMIT ?)"
        )
        deleted = _CHUNK
        while deleted:
            with self._lock:
                deleted = self._connection.execute(query, (period, period, _CHUNK)).rowcount

    def remove(self) -> None:
        """Remove the file. No outcome can be added any more."""
        with self._lock:
            self._commit()
            # Removes the write-ahead log, which SQLite would otherwise look for by its name when it closes.
            self._connection.execute("PRAGMA journal.journal_mode = DELETE")
        with suppress(PermissionError):  # Windows keeps open files
            self._path.unlink(missing_ok=True)
