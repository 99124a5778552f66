"""Actions on a connection, as values: chosen without I/O, executed by `_server`."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from enum import Enum
from http.client import responses

import attrs


@attrs.frozen
class Response:
    """A complete HTTP response, after which the connection stays open. Header names are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], hash=False)

    def with_headers(self, headers: Mapping[str, str]) -> "Response":
        """Return a copy with headers added or replaced."""
        lower = {name.lower(): value for name, value in headers.items()}
        return attrs.evolve(self, headers={**self.headers, **lower})

    def with_date(self, now: datetime) -> "Response":
        """Return a copy with a `Date` header, unless it has one. Clients learn their clock offset from it."""
        return attrs.evolve(self, headers={"date": format_datetime(now, usegmt=True), **self.headers})

    def head(self) -> bytes:
        """Return the bytes before the body."""
        headers = {"content-length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_response(value: object, status: int = 200) -> Response:
    """Return a response with a JSON body."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, {"content-type": "application/json"})


def error_response(status: int, code: int, message: str, *, body_status: int | None = None) -> Response:
    """Return an error in the API's format. `body_status` is the status in the body, by default that of the response."""
    stated = status if body_status is None else body_status
    error = {
        "errorCode": code,
        "message": message,
        "reference": str(uuid.uuid4()),
        "status": f"{stated} {responses.get(stated, '')}".rstrip(),
    }
    return json_response(error, status)


@attrs.frozen
class Sleep:
    """Do nothing for this time in seconds, or forever (None)."""

    seconds: float | None


@attrs.frozen
class StopListening:
    """Refuse new connections for this time in seconds."""

    seconds: float


class Disconnect(Enum):
    """The ways to end a connection."""

    CLOSE = "close normally"
    RESET = "reset: the client reads an error, not an end"
    CLOSE_ON_NEXT_REQUEST = "close when another request has arrived"


Action = Response | bytes | Sleep | StopListening | Disconnect
"""One step on a connection. Bytes are written unchanged."""


@attrs.frozen
class Plan:
    """The actions for one request, and the HTTP status that they send, if any.

    If the actions end without a `Response`, the connection is closed.
    """

    status: int | None
    actions: Iterable[Action]
