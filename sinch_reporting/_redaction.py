"""The routes of the API, to speak of a request without its phone number, and what must not be said of it."""

import base64
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import httpx

from sinch_reporting.messages import raw_path

TEMPLATES = (
    "/users/{type}/{endpoint}/calls/{domain}",
    "/counters/{id}",
    "/services/{id}",
)
UNKNOWN = "(unknown route)"

_PATTERNS = [(template, re.compile(".*" + re.sub(r"{\w+}", "[^/]*", template))) for template in TEMPLATES]


def route_of(request: httpx.Request) -> str:
    """Return the template of the request's route."""
    path = raw_path(request)
    return next((template for template, pattern in _PATTERNS if pattern.fullmatch(path)), UNKNOWN)


def redact(text: str, request: httpx.Request) -> str:
    """Return the server's words without the numbers, names and credentials of the request, cleaned and shortened."""
    for word in sorted(set(_private_words(request)), key=len, reverse=True):
        text = text.replace(word, "***")
    text = re.sub(r"\+?\d{7,}", "***", text)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:300]


def _private_words(request: httpx.Request) -> Iterator[str]:
    yield from filter(None, _endpoint_words(raw_path(request)))
    authorization = request.headers.get("Authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme == "Basic":
        yield from filter(None, _decoded(token).split(":", 1))
    yield from filter(None, (authorization, token, *token.split(":")))


def _endpoint_words(path: str) -> Iterator[str]:
    match = re.fullmatch(r".*/users/[^/]*/([^/]*)/calls/[^/]*", path)
    raw = match[1] if match else ""
    endpoint = unquote(raw)
    yield from (raw, endpoint, quote(endpoint, safe=""), endpoint.removeprefix("+"))


def _decoded(token: str) -> str:
    try:
        return base64.b64decode(token).decode()
    except ValueError:
        return ""
