"""HTTP/1.1 without I/O: the bytes of requests, what the bytes that come back are, and which connections are kept.

httptools parses what comes back.
"""

import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

import httptools
import httpx

from sinch_reporting._responses import MAX_BODY_BYTES
from sinch_reporting.messages import target_of

_MOST_HEAD = 100 * 1024
_MOST = 8 * MAX_BODY_BYTES  # of all that arrives: a chunked body has the size of each chunk in it
KEEPALIVE_SECONDS = 30.0
_FRAMING = {b"content-length", b"transfer-encoding"}


def request_bytes(request: httpx.Request) -> bytes:
    """Return a request, whose body has been read, as it goes over the wire. Raises httpx.LocalProtocolError."""
    fields = request.headers.raw
    line = b"%b %b HTTP/1.1" % (request.method.encode("ascii"), target_of(request))
    head = b"\r\n".join([line, *(b"%b: %b" % field for field in fields)])
    # An httpx.Auth of the user's own may have set any header.
    ends = len(fields)
    if head.count(b"\r") != ends or head.count(b"\n") != ends or line.count(b" ") != 2 or b"\0" in head:  # noqa: PLR2004
        raise httpx.LocalProtocolError("the request line or a header holds what HTTP forbids there")
    if any(name.lower() == b"transfer-encoding" for name, _ in fields):
        raise httpx.LocalProtocolError("a request's body is sent with its length, not in chunks")
    return b"%b\r\n\r\n%b" % (head, request.content)


class AnswerReader:
    """Reads the answers of one connection, one after the other.

    Attributes:
        status: The HTTP status, or 0 as long as the head is not there.
        headers: The headers, without trailers.
        is_complete: Whether the answer is there; one whose body is too large is, once that shows.
        is_reusable: Whether the connection may serve another request.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin("GET")

    def begin(self, method: str) -> None:
        """Begin the answer to a request of the method."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_complete = False
        self.is_reusable = False
        self._has_body = method != "HEAD"
        self._fields: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._body = 0
        self._received = 0

    @property
    def content(self) -> bytes:
        """The body."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def feed(self, data: bytes) -> bool:
        """Take what arrived and return whether the answer is complete. Raises httpx.RemoteProtocolError."""
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.is_complete:
                raise httpx.RemoteProtocolError(str(error)) from None
            self.is_reusable = False  # more came than the answer, and would be taken for the next one
        if not self.is_complete and self._received > (_MOST if self.status else _MOST_HEAD):
            raise httpx.RemoteProtocolError("the answer's head, or what frames its body, is too large")
        return self.is_complete

    def end(self) -> bool:
        """Take that the server closed the connection and return whether that completes the answer."""
        if self.status and not any(name.lower() in _FRAMING for name, _ in self.headers):
            self.is_complete = True
        return self.is_complete

    # The rest is for httptools to call.

    def on_message_begin(self) -> None:
        """Refuse what comes after the answer."""
        if self.is_complete:
            raise ValueError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the end of a head, which may be that of an announcement."""
        status = self._parser.get_status_code()
        if status >= 200:  # noqa: PLR2004 - any other is an announcement
            self.status, self.headers = status, self._fields
            self.is_complete = not self._has_body
        elif status < 100:  # noqa: PLR2004
            raise ValueError
        self._fields = []

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if not self.is_complete:
            self._chunks.append(body)
            self._body += len(body)
            self.is_complete = self._body > MAX_BODY_BYTES

    def on_message_complete(self) -> None:
        """Take the end of an answer, or of an announcement."""
        if self.status and not self.is_complete:
            self.is_complete = True
            self.is_reusable = self._parser.should_keep_alive()


class Connection(Protocol):
    """A connection to a host."""

    @property
    def is_reusable(self) -> bool:
        """Whether all went well with its last exchange."""
        ...

    @property
    def is_usable(self) -> bool:
        """Whether it may serve another request, now that it has waited."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


Kept = TypeVar("Kept", bound=Connection)


class KeptConnections(Generic[Kept]):
    """The connections to a host that wait for their next request. Threads may share it."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, Kept]] = deque()  # until when, and which; the one used last at the end
        self._lock = threading.Lock()
        self._is_closed = False

    def take(self) -> Kept | None:
        """Return the one used last, if there is any that is usable. Those that have waited too long are closed."""
        with self._lock:
            while self._kept and self._kept[0][0] < time.monotonic():
                self._kept.popleft()[1].close()
            while self._kept:
                _, connection = self._kept.pop()
                if connection.is_usable:
                    return connection
                connection.close()
        return None

    def keep(self, connection: Kept) -> None:
        """Keep a connection for half a minute; or close it, where it cannot be used again or all are closed."""
        with self._lock:
            if connection.is_reusable and not self._is_closed:
                self._kept.append((time.monotonic() + KEEPALIVE_SECONDS, connection))
            else:
                connection.close()

    def close(self) -> None:
        """Close them all, and those that are still in use when they come back."""
        with self._lock:
            self._is_closed = True
            while self._kept:
                self._kept.pop()[1].close()


class Pool(Generic[Kept]):
    """The connections to one host: what those of threads and of asyncio have in common."""

    def __init__(self, url: httpx.URL, context: ssl.SSLContext) -> None:
        self._host = url.raw_host.decode("ascii")
        self._secure = context if url.scheme == "https" else None
        self._port = url.port or (443 if self._secure else 80)
        self._kept = KeptConnections[Kept]()

    def close(self) -> None:
        """Close the connections; those in use when their answer is there."""
        self._kept.close()


def close_all(pools: Mapping[str, Pool[Any]]) -> None:
    """Close the pools of a transport, by origin."""
    for pool in list(pools.values()):
        pool.close()
