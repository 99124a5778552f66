"""Configuration of a client: argument over environment over default, validated once."""

import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Any

import httpx
from attrs import field, frozen

from sinch_reporting.auth import SignedAuth
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.events import AttemptHook
from sinch_reporting.parameters import ABOVE_ZERO, check_number
from sinch_reporting.retry import RetryPolicy

DEFAULT_BASE_URL = "https://reportingapi.sinch.com/v1"
_MIN_RATE = 0.001
_OWN_HEADERS = {"authorization", "x-timestamp", "host", "content-type", "content-length", "transfer-encoding"}


def _headers(value: Mapping[str, str] | None) -> dict[str, str]:
    given: object = {} if value is None else value
    if not isinstance(given, Mapping):
        raise ConfigurationError("headers must be a mapping of names to values")
    for name, text in given.items():
        if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ConfigurationError("the name of a header is invalid")
        if name.lower() in _OWN_HEADERS:
            raise ConfigurationError(f"the header {name} is set by the client; it cannot be replaced")
        if not isinstance(text, str) or not re.fullmatch(r"(?:[!-~](?:[\t -~]*[!-~])?)?", text):
            raise ConfigurationError(f"the value of the header {name} must be printable ASCII text")
    return dict(given)


@frozen
class Config:
    """Options of a client, except its auth and its transport."""

    base_url: str
    timeout: float
    deadline: float
    retry: RetryPolicy
    rate_limit: float | None
    on_attempt: AttemptHook | None
    tracer: Any
    signing_path_prefix: str | None
    headers: dict[str, str] = field(converter=_headers)

    def __attrs_post_init__(self) -> None:
        check_number(self.timeout, "timeout must be a number of seconds above 0", ABOVE_ZERO)
        check_number(self.deadline, "deadline must be a number of seconds above 0", ABOVE_ZERO)
        if self.rate_limit is not None:
            message = f"rate_limit must be a number of requests per second from {_MIN_RATE}, or None"
            check_number(self.rate_limit, message, _MIN_RATE)
        given: Any = self.retry
        if not isinstance(given, RetryPolicy):
            raise ConfigurationError("retry must be a RetryPolicy")
        if self.on_attempt is not None and not callable(self.on_attempt):
            raise ConfigurationError("on_attempt must be callable with an Attempt, or None")
        if self.tracer is not None and not hasattr(self.tracer, "start_call"):
            raise ConfigurationError("tracer must be a CallTracer, or None")
        prefix: Any = self.signing_path_prefix
        if prefix is not None and not (isinstance(prefix, str) and re.fullmatch(r"(?:/[!-~]*[!-.0-~])?", prefix)):
            raise ConfigurationError("signing_path_prefix must be an ASCII path such as '/v1', '' or None")


def require_httpx(value: object, kind: type, name: str) -> None:
    """Check that an object comes from httpx. Raises ConfigurationError."""
    if isinstance(value, kind):
        return
    text = f"{name} must be an httpx.{kind.__name__}"
    is_alias = kind.__module__.startswith("httpx2")  # after httpx2.alias_httpx()
    if not is_alias and any(base.__module__.partition(".")[0] == "httpx2" for base in type(value).__mro__):
        text = f"{name} is an object of httpx2; this client works with httpx: pass an httpx.{kind.__name__}"
    raise ConfigurationError(text)


def resolve_auth(key: str | None, secret: str | None, auth: httpx.Auth | None) -> httpx.Auth:
    """Return the auth to use. Raises ConfigurationError if there is none, or more than one."""
    if auth is not None:
        if key is not None or secret is not None:
            raise ConfigurationError("pass either application_key and application_secret, or auth, not both")
        require_httpx(auth, httpx.Auth, "auth")
        return auth
    key = os.environ.get("SINCH_APPLICATION_KEY") if key is None else key
    secret = os.environ.get("SINCH_APPLICATION_SECRET") if secret is None else secret
    if not key or not secret:
        raise ConfigurationError(
            "credentials are missing: pass application_key and application_secret, "
            "or set SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET"
        )
    return SignedAuth(key, secret)


def resolve_base_url(base_url: str | None, *, allow_http: bool) -> str:
    """Return the base URL to use. Raises ConfigurationError if requests must not, or cannot, be sent there."""
    if base_url is None:
        base_url = os.environ.get("SINCH_REPORTING_URL") or DEFAULT_BASE_URL
    # The messages omit the URL: it may contain credentials.
    try:
        url = httpx.URL(base_url)
        host = url.host  # decodes the name, and so fails for a malformed one
        check_address(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise ConfigurationError("the base URL is not a valid URL") from None
    if url.scheme not in {"http", "https"} or not host:
        raise ConfigurationError("the base URL must be absolute and start with https://")
    if url.userinfo or b"?" in url.raw_path or url.fragment:
        raise ConfigurationError("the base URL must not contain a user name, password, query or fragment")
    if not re.fullmatch(r"[!-~]*", str(base_url).partition("://")[2].partition("/")[2]):
        raise ConfigurationError("the path of the base URL must be ASCII without spaces; percent-encode others")
    if url.scheme == "http" and not allow_http and not is_loopback(host):
        raise ConfigurationError(
            "the base URL is http:// and not on this machine, so that credentials and phone numbers would be readable "
            "on the way; use https://, or pass allow_http=True if the network is trusted"
        )
    return str(url).rstrip("/")


def check_address(url: httpx.URL) -> None:
    """Raise ValueError if the host or port of a URL is one that nothing can connect to."""
    # The limits of DNS and TCP.
    if re.search(rb"^\.|\.\.|[^.]{64}", url.raw_host) or (url.port or 0) > 65535:  # noqa: PLR2004
        raise ValueError("the host or port of the URL is invalid")


def is_loopback(host: str) -> bool:
    """Return whether the name of a host means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
