"""Brings the publisher's document, from its address or from a file."""

import ipaddress
import re
import time
from http import HTTPStatus
from pathlib import Path

import httpx

from scripts.lib.spec import SpecError

ADDRESS = "https://developers.sinch.com/_bundle/docs/voice/api-reference/voice.yaml?download"
MAX_BYTES = 4 * 1024 * 1024
ATTEMPTS = 4
_TIMEOUT = httpx.Timeout(30)
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class _PassingError(SpecError):
    """What another attempt may cure."""


def fetch(source: str, pause: float = 2.0) -> bytes:
    """Return the document's bytes.

    Args:
        source: An `https://` URL (`http://` on this machine only), or the path of a file.
        pause: The seconds before the second attempt; each later one waits twice as long.

    Raises:
        SpecError: It could not be had, is larger than MAX_BYTES, or is a web page.
    """
    if not is_address(source):
        return _checked(_read(Path(source)))
    for attempt in range(1, ATTEMPTS):
        try:
            return _checked(_asked(source))
        except _PassingError:
            time.sleep(pause * 2 ** (attempt - 1))
    return _checked(_asked(source))


def is_address(source: str) -> bool:
    """Whether the source is a URL; else it is the path of a file."""
    return re.match("https?://", source) is not None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}") from error


def _asked(url: str) -> bytes:
    headers = {"Accept": "application/yaml, application/json, */*;q=0.1", "Accept-Encoding": "identity"}
    try:
        with (
            httpx.Client(
                timeout=_TIMEOUT,
                follow_redirects=True,
                max_redirects=3,
                headers=headers,
                event_hooks={"request": [_safe]},
            ) as client,
            client.stream("GET", url) as answer,
        ):
            return _body(answer)
    except httpx.TooManyRedirects as error:
        raise SpecError(f"{url} redirects too often") from error
    except httpx.TransportError as error:
        raise _PassingError(f"{url} cannot be reached: {error}") from error
    except httpx.InvalidURL as error:
        raise SpecError(f"{url} is no URL: {error}") from error


def _safe(request: httpx.Request) -> None:
    # Called for redirects too.
    if request.url.scheme != "https" and not _loopback(request.url.host):
        raise SpecError(f"{request.url} is not https")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _body(answer: httpx.Response) -> bytes:
    if answer.status_code != HTTPStatus.OK:
        kind = _PassingError if answer.status_code in _PASSING else SpecError
        raise kind(f"{answer.url} answered {answer.status_code}")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise SpecError(f"{answer.url} answered compressed, which was not asked for")
    body = bytearray()
    for part in answer.iter_raw():
        body += part
        if len(body) > MAX_BYTES:
            break
    return bytes(body)


def _checked(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise SpecError(f"it is larger than {MAX_BYTES} bytes")
    if not data.strip():
        raise SpecError("it is empty")
    if data.lstrip().startswith(b"<"):
        raise SpecError("it is a web page or XML, no OpenAPI document")
    return data
