"""What the tests of the export share."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
import pyarrow.csv
import pyarrow.parquet as pq

from sinch_reporting import Number, Username

DAY = date(2026, 11, 1)
ONE_DAY: dict[str, Any] = {"start": DAY, "stop": DAY}
THREE_DAYS: dict[str, Any] = {"start": DAY, "stop": date(2026, 11, 3), "daily": True}
REPORT = b'{"success": 17, "duration": 4711, "failed": 3, "start": "2026-11-01T08:15:30Z"}'


def endpoints(count: int) -> list[Number | Username]:
    """Return numbers, and some usernames."""
    return [Username(f"anna-{i}") if i % 7 == 3 else Number(f"+4673017{i:05d}") for i in range(count)]


class StaticTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Responds at once; usernames that begin with "no" are not found. Counts the requests."""

    def __init__(self) -> None:
        self.requested: Counter[tuple[str, str, str]] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        *_, domain = request.url.path.split("/")
        endpoint = unquote(request.url.raw_path.split(b"/")[-3].decode())
        self.requested[endpoint, request.url.params["_start"], domain] += 1
        if endpoint.startswith("no"):
            return httpx.Response(404, stream=httpx.ByteStream(b'{"errorCode": 40400, "message": "unknown"}'))
        return httpx.Response(200, stream=httpx.ByteStream(REPORT))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def requested(requests: Any) -> Counter[tuple[str, str, str]]:
    """Return how often each endpoint, first day and domain was requested from a Sandbox."""
    return Counter(map(unit_of, list(requests)))


def unit_of(request: Any) -> tuple[str, str, str]:
    """Return endpoint, first day and domain of a Sandbox's request."""
    parts = request.path.split("/")
    return unquote(parts[4]), parse_qs(request.query).get("_start", [""])[0], parts[-1]


def rows(folder: Path, dataset: str = "reports") -> list[dict[str, Any]]:
    """Return the rows of a dataset in the order of its files, whatever the format; each file must be whole."""
    read = []
    for path in sorted((folder / dataset).rglob("part-*")):
        if path.suffix == ".parquet":
            read += pq.read_table(path, partitioning=None).to_pylist()
        elif path.suffix == ".csv":
            # Else the plus of numbers would be lost.
            types = pyarrow.csv.ConvertOptions(column_types={"endpoint": "string", "text": "string"})
            read += pyarrow.csv.read_csv(path, convert_options=types).to_pylist()
        else:
            read += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return read


def units(folder: Path, dataset: str = "reports") -> list[tuple[str, str, str]]:
    """Return endpoint, first day and domain of each row, sorted."""
    return sorted((row["endpoint"], str(row["period_start"]), row["domain"]) for row in rows(folder, dataset))


def state(folder: Path) -> dict[str, Any]:
    """Return the content of `export.json`."""
    return json.loads((folder / "export.json").read_text())
