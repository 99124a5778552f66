"""Verification of requests: the signature, or the application key and secret.

Written from the API's documentation alone. It shares no code with the client, so that it finds the client's mistakes.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import unquote_to_bytes

import attrs

_SIGNED = re.compile(r"Application ([^\s:]+):(\S+)")
_BASIC = re.compile(r"Basic (\S+)")
_OTHER_SCHEME = re.compile(r"(?!(?:Application|Basic) )[\w-]+ +\S.*", re.ASCII)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z", re.ASCII)
_FORMS = "Send `Application KEY:SIGNATURE` with an x-timestamp header, or `Basic` with the Base64 of KEY:SECRET."


class ApiError(Exception):
    """An error response. The first three digits of `code` are the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = code // 100
        self.message = message


@attrs.frozen
class Request:
    """A request as it came over the wire, not decoded. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Verifier:
    """Checks requests against the key and secret of one application."""

    def __init__(self, key: str, secret: str, tolerance: timedelta) -> None:
        if not re.fullmatch(r"[^\s:]+", key):
            raise ValueError("application_key must be text without white space and colons")
        self._key = key
        self._secret = secret
        self._signing_key = _decode_secret(secret)
        self._tolerance = tolerance

    def check(self, request: Request, now: datetime) -> None:
        """Return if the request is authentic, otherwise raise ApiError with the remedy."""
        header = request.headers.get("authorization")
        if header is None:
            raise ApiError(40100, f"The Authorization header is missing. {_FORMS}")
        if signed := _SIGNED.fullmatch(header):
            self._check_signed(request, *signed.groups(), now=now)
        elif basic := _BASIC.fullmatch(header):
            self._check_basic(basic[1])
        elif _OTHER_SCHEME.fullmatch(header):
            raise ApiError(40301, f"The authorization scheme {header.split(' ')[0]} is unknown. {_FORMS}")
        else:
            raise ApiError(40100, f"The Authorization header is malformed. {_FORMS}")

    def _check_basic(self, credentials: str) -> None:
        try:
            pair = base64.b64decode(credentials, validate=True)
        except ValueError as error:
            raise ApiError(40100, "The credentials after `Basic` are not Base64.") from error
        if b":" not in pair:
            raise ApiError(40100, "The credentials after `Basic` are not the Base64 of KEY:SECRET.")
        if not hmac.compare_digest(pair, f"{self._key}:{self._secret}".encode()):
            raise ApiError(40108, "The application key or the secret is wrong.")

    def _check_signed(self, request: Request, key: str, signature: str, *, now: datetime) -> None:
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise ApiError(40108, f"The application key {key} is unknown.")
        self._check_timestamp(request.headers.get("x-timestamp"), now)
        to_sign = _string_to_sign(request)
        expected = base64.b64encode(hmac.digest(self._signing_key, to_sign, "sha256"))
        if not hmac.compare_digest(signature.encode(), expected):
            raise ApiError(
                40102,
                "The signature does not match. It must be the Base64 of the HMAC-SHA256, keyed with the Base64-decoded "
                "secret, over verb, Content-MD5, Content-Type, x-timestamp and the decoded path without the query, "
                f"which for this request are {to_sign.decode(errors='backslashreplace')!r}.",
            )

    def _check_timestamp(self, text: str | None, now: datetime) -> None:
        if text is None:
            raise ApiError(40101, "The x-timestamp header is missing.")
        age = now - _parse_timestamp(text)
        if abs(age) > self._tolerance:
            raise ApiError(
                40101,
                f"The x-timestamp header, {text}, is {abs(age).total_seconds():.0f} seconds "
                f"{'behind' if age > timedelta() else 'ahead of'} the server's clock; "
                f"at most {self._tolerance.total_seconds():.0f} are accepted. "
                "Correct the clock, and sign each attempt again.",
            )


def _parse_timestamp(text: str) -> datetime:
    if _TIMESTAMP.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    raise ApiError(40101, f"The x-timestamp header must be a UTC time like 2014-06-04T13:41:58Z, not {text!r}.")


def _string_to_sign(request: Request) -> bytes:
    """Return the text that the signature of a request covers."""
    content_md5 = b""
    if request.body:
        content_md5 = base64.b64encode(hashlib.md5(request.body, usedforsecurity=False).digest())
    return b"\n".join(
        (
            request.method.encode(),
            content_md5,
            request.headers.get("content-type", "").encode("latin-1"),
            b"x-timestamp:" + request.headers.get("x-timestamp", "").encode("latin-1"),
            unquote_to_bytes(request.path),
        )
    )


def _decode_secret(secret: str) -> bytes:
    try:
        # Some secrets in circulation lack their padding.
        decoded = base64.b64decode(secret + "=" * (-len(secret) % 4), validate=True)
    except ValueError as error:
        raise ValueError("application_secret must be Base64") from error
    if not decoded:
        raise ValueError("application_secret must not be empty")
    return decoded
