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

from sinch_reporting.errors import ConfigurationError
from sinch_reporting.httpdate import parse_http_date

# A Date header has whole seconds, and the response took its time: a smaller difference is not clock skew.
_SKEW_SECONDS = 5.0
_CLOCK_OFFSET = "sinch_reporting.clock_offset"
_SIGNED_PATH = "sinch_reporting.signed_path"


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

    Send the request with exactly this path and Content-Type. A `+` in the path must be sent as `+`, not as `%2B`.

    Args:
        application_key: The application key.
        application_secret: The application secret in Base64, as the dashboard shows it.
        method: The HTTP method.
        path: The path of the URL as it is sent, percent-encoded. A query is ignored.
        content_type: The Content-Type that is sent; empty if none is.
        body: The body.
        timestamp: The time of the attempt, with a time zone. Sign each attempt with its own.

    Raises:
        ConfigurationError: The key or the secret is malformed, or the timestamp has no time zone.
    """
    if timestamp.tzinfo is None:
        raise ConfigurationError("the timestamp must have a time zone")
    utc = timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = string_to_sign(method, path, content_type=content_type, body=body, timestamp=utc)
    signature = _signature(_decode_secret(application_secret), text)
    return {"x-timestamp": utc, "Authorization": f"Application {_check_key(application_key)}:{signature}"}


def string_to_sign(method: str, path: str, *, content_type: str, body: bytes, timestamp: str) -> str:
    """Return the text to sign.

    The path is the decoded one without the query: the server validates the decoded path, and the publisher's sample for
    this API omits the query.
    """
    digest = hashlib.md5(body, usedforsecurity=False).digest() if body else b""
    content_md5 = base64.b64encode(digest).decode("ascii")
    return f"{method}\n{content_md5}\n{content_type}\nx-timestamp:{timestamp}\n{unquote(path.partition('?')[0])}"


def _signature(secret: bytes, text: str) -> str:
    return base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode("ascii")


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
    if it no longer works. A server, or an attacker who can change its responses, can so obtain a signature of the same
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

    def secrets(self) -> tuple[str, ...]:
        """Return the words that must not appear in messages."""
        key, secret = self.credentials()
        return secret, secret.rstrip("="), key

    def __repr__(self) -> str:
        return "SignedAuth(***)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise ConfigurationError("credentials are not pickled or copied; make a SignedAuth where it is needed")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request. Sign it once more after a 401 that clock skew explains."""
        sent = time.time()
        offset = request.extensions.get(_CLOCK_OFFSET, self._clock_offset)
        self._sign(request, offset)
        response = yield request
        # The new offset stays with the request, so that all its attempts together are corrected once.
        if response.status_code == httpx.codes.UNAUTHORIZED and _CLOCK_OFFSET not in request.extensions:
            corrected = _corrected_offset(offset, response.headers, (sent + time.time()) / 2)
            if corrected is not None:
                request.extensions[_CLOCK_OFFSET] = corrected
                self._sign(request, corrected)
                response = yield request
        if _CLOCK_OFFSET in request.extensions and _is_success(response):
            self._clock_offset = request.extensions[_CLOCK_OFFSET]

    def _sign(self, request: httpx.Request, offset: float) -> None:
        key, secret = self._credentials
        seconds, milliseconds = divmod(int((time.time() + offset) * 1000), 1000)
        timestamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03d}Z"
        text = string_to_sign(
            request.method,
            request.extensions.get(_SIGNED_PATH) or request.url.raw_path.decode("ascii"),
            content_type=request.headers.get("Content-Type", ""),
            body=request.content,
            timestamp=timestamp,
        )
        request.headers["x-timestamp"] = timestamp
        request.headers["Authorization"] = f"Application {key}:{_signature(secret, text)}"


def _is_success(response: httpx.Response) -> bool:
    # A 200 may contain an error body.
    return response.is_success and b'"errorCode"' not in response.content


def _corrected_offset(offset: float, headers: httpx.Headers, midpoint: float) -> float | None:
    """Return the offset to try after a 401, or None if another one does not explain it."""
    date = parse_http_date(headers.get("Date"))
    # A response with an Age comes from a cache, and its Date is old. Outside of these years no arithmetic is safe.
    if date is None or "Age" in headers or not 1971 <= date.year <= 9998:  # noqa: PLR2004
        return 0.0 if offset else None  # a remembered offset may be wrong
    # The header has whole seconds; half of one is missing on average.
    corrected = date.timestamp() + 0.5 - midpoint
    return corrected if abs(corrected - offset) >= _SKEW_SECONDS else None
