"""Requests and answers as httpx's own, without the parts of them that this API has no use for.

httpx parses a request's URL several times, merges headers, and decodes and classifies each answer: more than the rest
of a call costs. Here that is done only for those who ask for it, such as an `httpx.Auth` of the user's own.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx

from sinch_reporting.version import __version__

HEADERS = httpx.Headers(
    {
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # an answer is some eighty bytes
        "Content-Type": "application/json",  # sent and signed, also on a GET: the only form that the publisher shows
        "User-Agent": f"sinch-reporting-python/{__version__}",
    }
)
Headers = httpx.Headers | Sequence[tuple[bytes, bytes]]
_NOTHING = httpx.ByteStream(b"")
_LONGEST_URL = 60_000  # beyond some more, httpx refuses it


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


class Base:
    """What all requests of a client have in common.

    Args:
        base_url: The base URL, as it was checked.
    """

    def __init__(self, base_url: str) -> None:
        self.url = httpx.URL(base_url)
        self.origin = _origin(self.url)
        self.path = self.url.raw_path.rstrip(b"/")
        self.headers = httpx.Headers({"Host": self.url.netloc.decode("ascii"), **HEADERS})


class ApiRequest(httpx.Request):
    """A GET of the API, whose URL is not parsed before it is asked for.

    Args:
        base: What it has in common with others.
        target: The path and query below the base URL, percent-encoded.
    """

    def __init__(self, base: Base, target: str) -> None:
        self.method = "GET"
        self.headers = base.headers.copy()
        self.extensions = {}
        self.stream = _NOTHING
        self.base = base
        self.target = base.path + target.encode("ascii")

    @functools.cached_property
    def url(self) -> httpx.URL:  # type: ignore[override]
        """The URL."""
        return self.base.url.copy_with(raw_path=self.target)

    @property
    def content(self) -> bytes:
        """The body, of which there is none."""
        return b""

    def read(self) -> bytes:
        """Return the body."""
        return b""

    async def aread(self) -> bytes:
        """Return the body."""
        return b""


def api_request(base: Base, method: str, url: object, options: Mapping[str, Any]) -> ApiRequest | None:
    """Return the request of a generated function, or None for any other, which httpx must build.

    A generated function gives a path, in which all is percent-encoded, and perhaps a query. `+` is legal in a path, and
    the server is known to refuse signatures where it comes as %2B.
    """
    for name, value in options.items():
        if value is not None and value is not httpx.USE_CLIENT_DEFAULT and name != "params":
            return None
    # What httpx would resolve, or refuse, is left to it.
    if method.upper() != "GET" or not isinstance(url, str) or url[:1] != "/" or "/." in url or len(url) > _LONGEST_URL:
        return None
    params = options.get("params")
    return ApiRequest(base, url.replace("%2B", "+") + (_query(tuple(params.items())) if params else ""))


@functools.lru_cache(maxsize=16)
def _query(params: tuple[tuple[str, str], ...]) -> str:
    # The reports of many endpoints are all of the same days.
    return f"?{urlencode(params)}"


def origin_of(request: httpx.Request) -> str:
    """Return the scheme, host and port that the request goes to."""
    return request.base.origin if isinstance(request, ApiRequest) else _origin(request.url)


def target_of(request: httpx.Request) -> bytes:
    """Return the path and query as they go over the wire."""
    return request.target if isinstance(request, ApiRequest) else request.url.raw_path


def raw_path(request: httpx.Request) -> str:
    """Return the path as it goes over the wire, without the query."""
    return target_of(request).partition(b"?")[0].decode("ascii")


class ApiAnswer(httpx.Response):
    """An answer whose body is there, and parsed.

    Args:
        status: Its HTTP status.
        headers: Its headers.
        content: Its body, decompressed.
        request: What was asked.
        extensions: What the transport tells of it.

    Attributes:
        parsed: The body as JSON, or None where it is none.
    """

    def __init__(
        self,
        status: int,
        headers: Headers,
        content: bytes,
        request: httpx.Request,
        extensions: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            status, headers=headers, stream=httpx.ByteStream(content), extensions=extensions, request=request
        )
        self.headers.encoding = "iso-8859-1"  # which httpx would find out by decoding them all
        self._body = content
        self.parsed = _json(content)

    @property
    def content(self) -> bytes:
        """The body."""
        return self._body

    def read(self) -> bytes:
        """Return the body."""
        return self._body

    async def aread(self) -> bytes:
        """Return the body."""
        return self._body

    def json(self, **options: Any) -> Any:
        """Return the body as JSON. Raises ValueError where it is none."""
        return super().json(**options) if options or self.parsed is None else self.parsed


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
