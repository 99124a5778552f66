"""Signed requests, the "Application" scheme of the Sinch voice and reporting APIs."""

import base64
import functools
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
from sinch_reporting.messages import raw_path

# A Date header counts whole seconds, and the answer took its time: less than this is no skew.
_SKEW_SECONDS = 5.0
_LEARNT = "sinch_reporting.clock_offset"


def string_to_sign(request: httpx.Request, timestamp: str) -> str:
    """Return what is signed for a request whose body has been read.

    The path is the decoded one, without the query: the server validates against the decoded path, and the publisher's
    own sample for this API leaves the query out. The Content-Type is the one that is sent.
    """
    body = request.content
    digest = hashlib.md5(body, usedforsecurity=False).digest() if body else b""
    return "\n".join(
        (
            request.method,
            base64.b64encode(digest).decode("ascii"),
            request.headers.get("Content-Type", ""),
            f"x-timestamp:{timestamp}",
            unquote(raw_path(request)),
        )
    )


def signature(keyed: hmac.HMAC, text: str) -> str:
    """Return the Base64 of the HMAC-SHA256 of the text. It is keyed with the secret as Base64-decoded."""
    signing = keyed.copy()  # takes less time than keying anew
    signing.update(text.encode())
    return base64.b64encode(signing.digest()).decode("ascii")


def _checked_key(key: object) -> str:
    if not isinstance(key, str) or not re.fullmatch(r"[!-9;-~]+", key):
        raise ConfigurationError("the application key must be printable ASCII text without spaces or colons")
    return key


def _decoded_secret(secret: object) -> bytes:
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
    """Signs each request with an application's key and secret; usable with any httpx client.

    Each attempt is signed with its own timestamp. Where the server answers 401 and its Date is far from our clock, the
    offset is learnt, remembered, and the request signed again once.

    Args:
        application_key: The key of the application.
        application_secret: The secret as the dashboard shows it, in Base64; missing `=` padding is accepted.

    Raises:
        ConfigurationError: The key or the secret is malformed.
    """

    requires_request_body = True

    def __init__(self, application_key: str, application_secret: str) -> None:
        self._clock_offset = 0.0
        self.update(application_key, application_secret)

    def update(self, application_key: str, application_secret: str) -> None:
        """Exchange the credentials, for all clients that share this object, from their next attempt on.

        Raises ConfigurationError, and keeps the old ones, where the key or the secret is malformed.
        """
        # One assignment, so that no thread ever signs with the key of one pair and the secret of another.
        decoded = _decoded_secret(application_secret)
        self._credentials = (_checked_key(application_key), decoded, hmac.new(decoded, digestmod="sha256"))

    def credentials(self) -> tuple[str, str]:
        """Return the key and the secret, in Base64, to hand them to another process."""
        key, secret, _ = self._credentials
        return key, base64.b64encode(secret).decode("ascii")

    def redact(self, text: str) -> str:
        """Return the text without the key and the secret, should a server quote them."""
        key, secret = self.credentials()
        return text.replace(secret.rstrip("="), "***").replace(key, "***")

    def __repr__(self) -> str:
        return "SignedAuth(***)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise ConfigurationError("credentials are not pickled; make a SignedAuth where it is needed")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request; sign it once more after a 401 that the clock's offset explains."""
        sent = time.time()
        offset = request.extensions.get(_LEARNT, self._clock_offset)
        self._sign(request, offset)
        response = yield request
        # What is learnt stays with the request, so that it is signed again once in all its attempts together.
        if response.status_code == httpx.codes.UNAUTHORIZED and _LEARNT not in request.extensions:
            learnt = _server_offset(response.headers, (sent + time.time()) / 2)
            if learnt is not None and abs(learnt - offset) >= _SKEW_SECONDS:
                request.extensions[_LEARNT] = learnt
                self._sign(request, learnt)
                response = yield request
        # It is remembered for others once the server has accepted it.
        if _LEARNT in request.extensions and _is_accepted(response):
            self._clock_offset = request.extensions[_LEARNT]

    def _sign(self, request: httpx.Request, offset: float) -> None:
        key, _, keyed = self._credentials
        seconds, milliseconds = divmod(int((time.time() + offset) * 1000), 1000)
        timestamp = f"{_second(seconds)}.{milliseconds:03d}Z"
        request.headers["x-timestamp"] = timestamp
        signed = signature(keyed, string_to_sign(request, timestamp))
        request.headers["Authorization"] = f"Application {key}:{signed}"


@functools.lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


def _is_accepted(response: httpx.Response) -> bool:
    return response.status_code != httpx.codes.UNAUTHORIZED and not response.is_server_error


def _server_offset(headers: httpx.Headers, midpoint: float) -> float | None:
    """Return the seconds by which the server's clock is ahead of ours, or None where the answer does not tell."""
    date = parse_http_date(headers.get("Date"))
    # An answer with an Age comes from a cache, and its Date from the past. Beyond these years no arithmetic is safe.
    if date is None or "Age" in headers or not 1971 <= date.year <= 9998:  # noqa: PLR2004
        return None
    # The header cuts the second off; half of one is missing on average.
    return date.timestamp() + 0.5 - midpoint
