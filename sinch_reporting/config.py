"""The configuration of a client: argument over environment over default, checked once."""

import ipaddress
import math
import os

import httpx
from attrs import Attribute, field, frozen

from sinch_reporting.auth import SignedAuth
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.events import AttemptHook
from sinch_reporting.retry import RetryPolicy

_LOWEST_RATE = 0.001
DEFAULT_BASE_URL = "https://reportingapi.sinch.com/v1"


def _check_seconds(_instance: object, attribute: "Attribute[float]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigurationError(f"{attribute.name} must be a number of seconds above 0")


def _check_rate(_instance: object, _attribute: "Attribute[float | None]", value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not _LOWEST_RATE <= value < math.inf:
        raise ConfigurationError(f"rate_limit must be a number of requests per second from {_LOWEST_RATE}, or None")


def _check_policy(_instance: object, _attribute: "Attribute[RetryPolicy]", value: object) -> None:
    if not isinstance(value, RetryPolicy):
        raise ConfigurationError("retry must be a RetryPolicy")


def _check_observer(_instance: object, _attribute: "Attribute[AttemptHook | None]", value: object) -> None:
    if value is not None and not callable(value):
        raise ConfigurationError("on_attempt must be callable with an Attempt, or None")


@frozen(kw_only=True)
class Settings:
    """What a client does, besides who it is (the auth) and what it is connected by (the transport)."""

    base_url: str
    timeout: float = field(validator=_check_seconds)
    deadline: float = field(validator=_check_seconds)
    retry: RetryPolicy = field(validator=_check_policy)
    rate_limit: float | None = field(validator=_check_rate)
    on_attempt: AttemptHook | None = field(default=None, validator=_check_observer)


def resolve_auth(key: str | None, secret: str | None, auth: httpx.Auth | None) -> httpx.Auth:
    """Return the auth to use. Raises ConfigurationError where there is none, or more than one."""
    if auth is not None:
        if key is not None or secret is not None:
            raise ConfigurationError("pass either application_key and application_secret, or auth, not both")
        if not isinstance(auth, httpx.Auth):
            raise ConfigurationError("auth must be an httpx.Auth, such as SignedAuth(...) or httpx.BasicAuth(...)")
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
    """Return the URL to use. Raises ConfigurationError where requests must not, or cannot, be sent there."""
    if base_url is None:
        base_url = os.environ.get("SINCH_REPORTING_URL") or DEFAULT_BASE_URL
    # The messages leave the URL out: it may hold credentials.
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        raise ConfigurationError("the base URL is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError("the base URL must be absolute and begin with https://")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("the base URL must have no user name, password, query or fragment")
    if url.scheme == "http" and not allow_http and not is_loopback(url.host):
        raise ConfigurationError(
            "the base URL is http:// and not on this machine, so that credentials and phone numbers would be readable "
            "on the way; use https://, or pass allow_http=True where you know better"
        )
    return str(url).rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, as far as its name tells."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
