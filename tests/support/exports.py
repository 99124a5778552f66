"""What the tests of the export share."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pyarrow.csv
import pyarrow.parquet as pq

DAYS: dict[str, Any] = {"start": date(2026, 11, 1), "stop": date(2026, 11, 20)}
REPORT = b'{"success": 17, "duration": 4711, "failed": 3, "start": "2026-11-01T08:15:30Z"}'


class StaticTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers at once: usernames that begin with "no" are not found. Counts what was asked about whom."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        endpoint = unquote(request.url.raw_path.split(b"/")[-3].decode())
        self.asked[endpoint] += 1
        if endpoint.startswith("no"):
            return httpx.Response(404, stream=httpx.ByteStream(b'{"errorCode": 40400, "message": "unknown"}'))
        return httpx.Response(200, stream=httpx.ByteStream(REPORT))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def asked(requests: Any) -> Counter[str]:
    """Return how often each endpoint was asked about."""
    return Counter(unquote(request.path.split("/")[4]) for request in list(requests))


def rows(folder: Path, dataset: str) -> list[dict[str, Any]]:
    """Return the rows of a dataset in the order of its files, whatever the format; each file must be whole."""
    read = []
    for path in sorted((folder / dataset).glob("[!.]*")):
        if path.suffix == ".parquet":
            read += pq.read_table(path).to_pylist()
        elif path.suffix == ".csv":
            # Else the numbers' plus would be lost.
            types = pyarrow.csv.ConvertOptions(column_types={"endpoint": "string", "text": "string"})
            read += pyarrow.csv.read_csv(path, convert_options=types).to_pylist()
        else:
            read += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return read
