"""Signed requests: the "Application" scheme of the Sinch voice and reporting APIs."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Generator
from datetime import UTC, datetime
from urllib.parse import unquote

import httpx

from sinch_reporting.errors import ConfigurationError, InvalidRequestError
from sinch_reporting.httpdate import parse_http_date

SIGNED_PATH = "sinch_reporting.signed_path"
"""Request extension: the path to sign, if it is not that of the URL."""

_CLOCK_OFFSET = "sinch_reporting.clock_offset"
_SKEW_SECONDS = 5.0  # a Date has whole seconds, and the response took its time: less is not clock skew


def sign(
    application_key: str,
    application_secret: str,
    method: str,
    path: str,
    *,
    content_type: str = "",
    body: bytes = b"",
    timestamp: datetime,
) -> dict[str, str]:
    """Return the headers that sign a request, for any HTTP library.

    Args:
        application_key: The application key.
        application_secret: The application secret in Base64, as the dashboard shows it.
        method: The HTTP method.
        path: The path of the URL exactly as it is sent, percent-encoded, but with `+`, not `%2B`. A query is ignored.
        content_type: The Content-Type exactly as it is sent; empty if none is.
        body: The body.
        timestamp: The time of the attempt, with a time zone. Sign each attempt with its own.

    Raises:
        ConfigurationError: The key or the secret is malformed, or the timestamp has no time zone.
        InvalidRequestError: The method, path or Content-Type is not ASCII.
    """
    if not (method + path + content_type).isascii():
        raise InvalidRequestError("the method, path and Content-Type must be ASCII, as they are sent")
    if timestamp.tzinfo is None:
        raise ConfigurationError("the timestamp must have a time zone")
    key, secret = _check_key(application_key), _decode_secret(application_secret)
    return _sign(key, secret, method, path, content_type, body, _format(timestamp.astimezone(UTC)))


def _format(utc: datetime) -> str:
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sign(
    key: str, secret: bytes, method: str, path: str, content_type: str, body: bytes, timestamp: str
) -> dict[str, str]:
    md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode("ascii") if body else ""
    # The decoded path: the server validates that. No query: the publisher's sample for this API omits it.
    text = f"{method}\n{md5}\n{content_type}\nx-timestamp:{timestamp}\n{unquote(path.partition('?')[0])}"
    signature = base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode("ascii")
    return {"x-timestamp": timestamp, "Authorization": f"Application {key}:{signature}"}


def _check_key(key: object) -> str:
    if not isinstance(key, str) or not re.fullmatch(r"[!-9;-~]+", key):
        raise ConfigurationError("the application key must be printable ASCII text without spaces or colons")
    return key


def _decode_secret(secret: object) -> bytes:
    text = secret.rstrip("=") if isinstance(secret, str) else ""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        decoded = b""
    if not decoded:
        raise ConfigurationError(
            "the application secret must be the Base64 text from the Sinch dashboard, such as 'c2VjcmV0LWJ5dGVz': "
            "letters, digits, '+' and '/', '=' at the end, no spaces or line breaks"
        )
    return decoded


class SignedAuth(httpx.Auth):
    """Signs each request with an application key and secret; works with any httpx client.

    Every attempt is signed with its own timestamp. If the server returns 401 and its Date is far from the local clock,
    the request is signed once more with the server's time. The clock offset is remembered after a success, and dropped
    if it no longer works. So a server, or an attacker who can change its responses, can obtain a signature of the same
    request for a time of its choice, but not of another request.

    Args:
        application_key: The application key.
        application_secret: The secret in Base64, as the dashboard shows it; missing `=` padding is accepted.

    Raises:
        ConfigurationError: The key or the secret is malformed.
    """

    requires_request_body = True
    requires_response_body = True

    def __init__(self, application_key: str, application_secret: str) -> None:
        self._clock_offset = 0.0
        self.update(application_key, application_secret)

    def update(self, application_key: str, application_secret: str) -> None:
        """Replace the credentials for all clients that share this object, from their next attempt on.

        Raises ConfigurationError, and keeps the old ones, if the key or the secret is malformed.
        """
        # One assignment, so that no thread signs with the key of one pair and the secret of another.
        self._credentials = (_check_key(application_key), _decode_secret(application_secret))

    def credentials(self) -> tuple[str, str]:
        """Return the key and the secret in Base64, for another process."""
        key, secret = self._credentials
        return key, base64.b64encode(secret).decode("ascii")

    def __repr__(self) -> str:
        return "SignedAuth(***)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise ConfigurationError("credentials are not pickled or copied; make a SignedAuth where it is needed")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request. Sign it once more after a 401 that clock skew explains."""
        sent = time.time()
        offset = request.extensions.get(_CLOCK_OFFSET, self._clock_offset)
        self._sign_request(request, offset)
        response = yield request
        # The new offset stays with the request, so that all its attempts together are corrected once.
        if response.status_code == httpx.codes.UNAUTHORIZED and _CLOCK_OFFSET not in request.extensions:
            corrected = _corrected_offset(offset, response.headers, (sent + time.time()) / 2)
            if corrected is not None:
                request.extensions[_CLOCK_OFFSET] = corrected
                self._sign_request(request, corrected)
                response = yield request
        # A 200 may contain an error body.
        if _CLOCK_OFFSET in request.extensions and response.is_success and b'"errorCode"' not in response.content:
            self._clock_offset = request.extensions[_CLOCK_OFFSET]

    def _sign_request(self, request: httpx.Request, offset: float) -> None:
        timestamp = _format(datetime.fromtimestamp(time.time() + offset, UTC))
        path = request.extensions.get(SIGNED_PATH) or request.url.raw_path.decode("ascii")
        content_type = request.headers.get("Content-Type", "")
        signed = _sign(*self._credentials, request.method, path, content_type, request.content, timestamp)
        for name, value in signed.items():
            request.headers[name] = value  # `update` takes three times as long


def _corrected_offset(offset: float, headers: httpx.Headers, midpoint: float) -> float | None:
    """Return the offset to try after a 401, or None if another one does not explain it."""
    date = parse_http_date(headers.get("Date"))
    # A response with an Age comes from a cache, and its Date is old. Outside of these years no arithmetic is safe.
    if date is None or "Age" in headers or not 1971 <= date.year <= 9998:  # noqa: PLR2004
        return 0.0 if offset else None  # a remembered offset may be wrong
    # The header has whole seconds; half of one is missing on average.
    corrected = date.timestamp() + 0.5 - midpoint
    return corrected if abs(corrected - offset) >= _SKEW_SECONDS else None
