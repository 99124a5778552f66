"""Downloads the publisher's document, or reads it from a file."""

import ipaddress
import re
import time
import zlib
from http import HTTPStatus
from pathlib import Path

import httpx

from scripts.openapi import SpecError
from scripts.openapi.limits import time_limit

ADDRESS = "https://developers.sinch.com/_bundle/docs/voice/api-reference/voice.yaml?download"
MAX_BYTES = 4 * 1024 * 1024
ATTEMPTS = 4
_TIMEOUT = httpx.Timeout(30)
_TRANSIENT_STATUSES = {408, 425, 429, 500, 502, 503, 504}
_HEADERS = {"Accept": "application/yaml, application/json, */*;q=0.1", "Accept-Encoding": "gzip"}


class _TransientError(SpecError):
    """Another attempt may succeed."""


def fetch(source: str, pause: float, seconds: float) -> bytes:
    """Return the document's bytes.

    Args:
        source: An `https://` URL (`http://` for loopback only), or the path of a file.
        pause: The seconds before the second attempt; they double each time.
        seconds: The time limit for all attempts together.

    Raises:
        SpecError: The document is unavailable, incomplete, larger than MAX_BYTES, or a web page.
    """
    if not is_url(source):
        return _checked(_read(Path(source)))
    with time_limit(seconds, "the download"):
        for attempt in range(1, ATTEMPTS):
            try:
                return _checked(_download(source))
            except _TransientError:
                time.sleep(pause * 2 ** (attempt - 1))
        return _checked(_download(source))


def is_url(source: str) -> bool:
    """Whether the source is a URL, not the path of a file."""
    return re.match("https?://", source) is not None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}") from error


def _download(url: str) -> bytes:
    hooks = {"request": [_require_https]}
    try:
        with (
            httpx.Client(
                timeout=_TIMEOUT, follow_redirects=True, max_redirects=3, headers=_HEADERS, event_hooks=hooks
            ) as client,
            client.stream("GET", url) as response,
        ):
            return _body(response)
    except httpx.TooManyRedirects as error:
        raise SpecError(f"{url} redirects too often") from error
    except httpx.RemoteProtocolError as error:
        raise _TransientError(f"the download from {url} is incomplete: {error}") from error
    except httpx.TransportError as error:
        raise _TransientError(f"cannot reach {url}: {error}") from error
    except httpx.InvalidURL as error:
        raise SpecError(f"{url} is not a URL: {error}") from error


def _require_https(request: httpx.Request) -> None:
    # httpx calls this for redirects too.
    if request.url.scheme != "https" and not _is_loopback(request.url.host):
        raise SpecError(f"{request.url} is not https")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _body(response: httpx.Response) -> bytes:
    if response.status_code != HTTPStatus.OK:
        kind = _TransientError if response.status_code in _TRANSIENT_STATUSES else SpecError
        raise kind(f"{response.url} returned the status {response.status_code}")
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise SpecError(f"{response.url} returned the encoding {encoding!r}, which the request does not accept")
    # Not httpx's decoder: it has no limit of size, and accepts a stream that ends too early.
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding != "identity" else None
    body = bytearray()
    for part in response.iter_raw():
        try:
            body += decoder.decompress(part, MAX_BYTES + 1) if decoder else part
        except zlib.error as error:
            raise _TransientError(f"the download from {response.url} is damaged: {error}") from error
        if len(body) > MAX_BYTES:
            return bytes(body)
    if decoder and (not decoder.eof or decoder.unused_data):
        raise _TransientError(
            f"the download from {response.url} is incomplete: the compressed data does not end where the response ends"
        )
    return bytes(body)


def _checked(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise SpecError(f"the document is larger than {MAX_BYTES} bytes")
    if not data.strip():
        raise SpecError("the document is empty")
    if data.lstrip().startswith(b"<"):
        raise SpecError("the document is a web page or XML, not OpenAPI")
    return data
