"""Redaction: what a server, proxy or library says about a request, without its numbers, names and credentials."""

import base64
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import unquote

import httpx

from sinch_reporting._operations import UNKNOWN_ROUTE, path_pattern, routes

MAX_LENGTH = 300
Secrets = Callable[[], tuple[str, ...]]
# A phone number: seven or more digits, also with separators between them. A date alone is not one.
_SEPARATORS = r"[ .\-()/\u2010-\u2015\u2212]"
_DATE_OR_NUMBER = re.compile(
    rf"(?P<date>\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:[0-2]\d|3[01])(?!{_SEPARATORS}{{0,2}}\d))"
    rf"|\+?\(?\d(?:{_SEPARATORS}{{0,3}}\d){{6,}}"
)
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def route_of(url: httpx.URL) -> str:
    """Return the route template of a URL, such as `/counters/{id}`."""
    path = url.raw_path.partition(b"?")[0].decode("latin-1")
    return next((route for route in routes() if path_pattern(route).search(path)), UNKNOWN_ROUTE)


def redact(text: str, request: httpx.Request, secrets: Secrets = tuple) -> str:
    """Return a text of the server without numbers, names and credentials, without control characters, shortened."""
    text = _unescape(text[: 10 * MAX_LENGTH])
    words = {*_private_words(request), *(word.rstrip("=") for word in secrets())}
    if words:
        forms = {form for word in words for form in (word, word.lower(), word.upper())}  # upper: STRASSE for straße
        alternatives = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        alternatives = alternatives.replace(r"\ ", "[ +]")  # forms of HTML send `+`
        text = re.sub(alternatives, "***", text, flags=re.IGNORECASE)
    return _DATE_OR_NUMBER.sub(lambda match: match["date"] or "***", text)[:MAX_LENGTH]


def is_reference(text: str, request: httpx.Request) -> bool:
    """Return whether a text is a UUID that does not come from the request: it must reach the support as it is."""
    return _UUID.fullmatch(text) is not None and text.lower() not in {word.lower() for word in _private_words(request)}


def _unescape(text: str) -> str:
    """Return a text without the escapes of HTML, JSON and URLs, in NFC, with plain spaces: one form to look for."""
    for _ in range(2):
        text = unquote(html.unescape(_JSON_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)))
    text = re.sub(r"\\(.)", r"\1", re.sub(r"\\[nrt]", " ", text))
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins the surrogate pairs of JSON
    text = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", text))
    return " ".join(text.split())


def _private_words(request: httpx.Request) -> Iterator[str]:
    path = request.url.raw_path.partition(b"?")[0].decode("latin-1")
    if match := re.fullmatch(r".*/users/[^/]*/([^/]+)/calls/[^/]*", path):
        endpoint = _unescape(match[1])
        yield from filter(None, (endpoint, unquote(match[1]), endpoint.removeprefix("+")))
    authorization = request.headers.get("Authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme == "Basic":
        with suppress(ValueError):
            yield from filter(None, base64.b64decode(token).decode().split(":", 1))
    yield from filter(None, (authorization, token, *token.split(":")))
