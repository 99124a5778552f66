"""Index of the input: each endpoint once, in a temporary file, so that memory does not depend on their number."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence

from sinch_reporting.export.endpoint_check import InputBatch
from sinch_reporting.export.storage_errors import sqlite_errors
from sinch_reporting.parameters import Domain, Endpoint, Number, Username

_PAGE = 5000
_WHAT = "the index of the input in the folder of temporary files (TMPDIR)"
_USUAL = {Domain.PSTN: "n", Domain.DATA: "u"}


def to_endpoint(key: str) -> Endpoint:
    """Return the endpoint of a key: `n` or `u`, then its value."""
    return Number(key[1:]) if key[0] == "n" else Username(key[1:])


class InputIndex:
    """The endpoints of an input without duplicates, and its rejected lines.

    Attributes:
        endpoints: Number of different endpoints.
        duplicates: Number of repetitions.
        rejected: Number of rejected lines.
        normalized: Number of endpoints whose text was changed to E.164.
    """

    def __init__(self, connection: sqlite3.Connection, batches: Iterable[InputBatch]) -> None:
        """Read the input."""
        self._connection = connection
        self.rejected = self.normalized = accepted = 0
        with sqlite_errors(_WHAT):
            connection.executescript(
                "CREATE TABLE main.endpoints (key TEXT PRIMARY KEY, original TEXT) WITHOUT ROWID;"
                "CREATE TABLE main.rejected (source TEXT, line INTEGER, text TEXT, reason TEXT); BEGIN"
            )
        for batch in batches:
            with sqlite_errors(_WHAT):
                self._add(batch)
            accepted += len(batch.keys)
            self.rejected += len(batch.rejected)
        with sqlite_errors(_WHAT):
            connection.execute("COMMIT")
            self.endpoints: int = connection.execute("SELECT count(*) FROM main.endpoints").fetchone()[0]
            self.duplicates = accepted - self.endpoints
            self._digest = self._digest_of_keys()

    def _add(self, batch: InputBatch) -> None:
        connection = self._connection
        if batch.originals is None:
            # Sorted, since inserting in order takes half the time.
            connection.executemany("INSERT OR IGNORE INTO main.endpoints (key) VALUES (?)", zip(sorted(batch.keys)))
        else:
            rows = zip(batch.keys, batch.originals, strict=True)
            connection.executemany("INSERT OR IGNORE INTO main.endpoints VALUES (?, ?)", rows)
            self.normalized += sum(original is not None for original in batch.originals)
        lines = [(each.source, each.line, each.text, each.reason) for each in batch.rejected]
        connection.executemany("INSERT INTO main.rejected VALUES (?, ?, ?, ?)", lines)

    def _digest_of_keys(self) -> str:
        sha256 = hashlib.sha256()
        rows = self._connection.execute("SELECT key FROM main.endpoints ORDER BY key")
        while page := rows.fetchmany(_PAGE):
            sha256.update("\n".join([key for (key,) in page]).encode() + b"\n")
        return sha256.hexdigest()

    def digest_for(self, domains: Iterable[Domain]) -> str:
        """Return a digest of what is exported for one period: it changes with the endpoints and the domains."""
        return hashlib.sha256(f"{self._digest} {','.join(sorted(domains))}".encode()).hexdigest()

    def __contains__(self, key: object) -> bool:
        query = "SELECT 1 FROM main.endpoints WHERE key = ?"
        return self._connection.execute(query, (key,)).fetchone() is not None

    def reasons(self, count: int) -> list[tuple[str, int]]:
        """Return the most frequent reasons of rejected lines, and how often each occurred."""
        query = "SELECT reason, count(*) FROM main.rejected GROUP BY reason ORDER BY 2 DESC LIMIT ?"
        return self._connection.execute(query, (count,)).fetchall()

    def rejected_lines(self) -> Iterable[Sequence[object]]:
        """Yield source, line, text and reason of the rejected lines."""
        return self._connection.execute("SELECT source, line, text, reason FROM main.rejected ORDER BY rowid")

    def keys_for(self, domain: Domain, domains: Sequence[Domain]) -> tuple[str, str] | None:
        """Return the range of keys to request for a domain, None if none."""
        if not domains:
            first = _USUAL[domain]
            return first, chr(ord(first) + 1)
        return ("", "\x7f") if domain in domains else None

    def units(self, domains: Sequence[Domain]) -> int:
        """Return the number of reports of one period."""
        return self.endpoints * max(len(domains), 1)
