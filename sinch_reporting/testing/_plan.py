"""What is to happen on a connection, as values: decided without I/O, done by `_perform`."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from enum import Enum
from http.client import responses

import attrs


@attrs.frozen
class Answer:
    """A whole answer of HTTP, after which the connection goes on. Names of headers are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], hash=False)

    def but(self, headers: Mapping[str, str]) -> "Answer":
        """Return the answer with other headers in place of, or beside, its own."""
        lower = {name.lower(): value for name, value in headers.items()}
        return attrs.evolve(self, headers={**self.headers, **lower})

    def dated(self, now: datetime) -> "Answer":
        """Return the answer with a `Date` header, from which clients learn the offset of their clock."""
        return attrs.evolve(self, headers={"date": format_datetime(now, usegmt=True), **self.headers})

    def head(self) -> bytes:
        """Return the bytes up to the body."""
        headers = {"content-length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_answer(value: object, status: int = 200) -> Answer:
    """Return an answer with a body of JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, {"content-type": "application/json"})


def error_answer(status: int, code: int, message: str) -> Answer:
    """Return an error as the API words it."""
    error = {
        "errorCode": code,
        "message": message,
        "reference": str(uuid.uuid4()),
        "status": f"{status} {responses.get(status, '')}".rstrip(),
    }
    return json_answer(error, status)


@attrs.frozen
class Pause:
    """Nothing, for so many seconds; None: for ever."""

    seconds: float | None


@attrs.frozen
class Refuse:
    """New connections are refused for so many seconds."""

    seconds: float


class End(Enum):
    """What becomes of the connection."""

    CLOSE = "closed, as usual"
    RESET = "reset: the other side reads an error, not an end"
    CLOSE_ON_NEXT_REQUEST = "closed when another request has arrived"


Act = Answer | bytes | Pause | Refuse | End
"""One thing to do; bytes are written as they are."""


@attrs.frozen
class Plan:
    """The acts by which a request is met, and the status that they send, if any.

    Where the acts are over and none was an `Answer`, the connection is closed.
    """

    status: int | None
    acts: Iterable[Act]
