"""What is to be asked: each endpoint of the input once, in order, in partitions of one size."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.lines import RejectedLine
from sinch_reporting.parameters import Endpoint, Number, Username

_AT_ONCE = 1000


class Plan:
    """The endpoints of an input without their duplicates, and its rejected lines.

    They lie in a temporary file that is gone with the process, so that memory does not depend on their number.

    Attributes:
        size: How many endpoints a partition has; the last one may have fewer.
        endpoints: How many endpoints there are.
        duplicates: How many more there were in the input.
        rejected: How many lines were rejected.
        digest: The SHA-256 of the input's content.
    """

    def __init__(self, items: Iterable[Endpoint | RejectedLine], size: int) -> None:
        """Read the input whole. Raises InvalidRequestError where it yields anything else."""
        self.size = size
        # The empty name: a file that SQLite makes and removes. The threads take turns.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            "PRAGMA journal_mode = OFF;"
            "PRAGMA synchronous = OFF;"
            "CREATE TABLE endpoints (place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);"
            "CREATE TABLE rejected (line INTEGER, text TEXT, reason TEXT);"
            "BEGIN;"
        )
        sha256 = hashlib.sha256()
        accepted = 0
        remaining = iter(items)
        while chunk := list(islice(remaining, _AT_ONCE)):
            keys = [(_key(item),) for item in chunk if not isinstance(item, RejectedLine)]
            rejected = [(item.line, item.text, item.reason) for item in chunk if isinstance(item, RejectedLine)]
            sha256.update(repr((keys, rejected)).encode())
            # Places are given in order, from 1; a duplicate is ignored and takes none.
            self._database.executemany("INSERT OR IGNORE INTO endpoints (key) VALUES (?)", keys)
            self._database.executemany("INSERT INTO rejected VALUES (?, ?, ?)", rejected)
            accepted += len(keys)
        self._database.execute("COMMIT")
        self.digest = sha256.hexdigest()
        self.endpoints = self._count("SELECT count(*) FROM endpoints")
        self.rejected = self._count("SELECT count(*) FROM rejected")
        self.duplicates = accepted - self.endpoints

    def _count(self, query: str) -> int:
        (count,) = self._database.execute(query).fetchone()
        return int(count)

    @property
    def partitions(self) -> int:
        """How many partitions there are."""
        return -(-self.endpoints // self.size)

    def places(self, partition: int) -> range:
        """Return the places of a partition's endpoints."""
        return range(partition * self.size, min((partition + 1) * self.size, self.endpoints))

    def of(self, partition: int) -> Iterator[tuple[int, Endpoint]]:
        """Yield a partition's endpoints with their places, in order."""
        places = self.places(partition)
        query = "SELECT place - 1, key FROM endpoints WHERE place > ? AND place <= ? ORDER BY place"
        for place, key in self._database.execute(query, (places.start, places.stop)):
            yield place, Number(key[1:]) if key[0] == "n" else Username(key[1:])

    def rejected_lines(self) -> Iterator[tuple[int, str, str]]:
        """Yield line, text and reason of the rejected lines, in order."""
        yield from self._database.execute("SELECT line, text, reason FROM rejected ORDER BY rowid")

    def close(self) -> None:
        """Remove the temporary file."""
        self._database.close()


def _key(item: object) -> str:
    if isinstance(item, Number):
        return f"n{item.value}"
    if isinstance(item, Username):
        return f"u{item.value}"
    raise InvalidRequestError("the endpoints must be Number(...) and Username(...)")
