"""The checks of `doctor`, from this machine to the API. Each returns a `Check`."""

import json
import os
import socket
import ssl
import stat
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

import httpx
from attrs import frozen

from sinch_reporting._http.proxies import environment_proxy
from sinch_reporting.config import DEFAULT_BASE_URL

COUNTER = "currentCalls"
SECONDS = 10.0

_TOLERABLE = timedelta(minutes=5)
_NOTICEABLE = timedelta(seconds=5)
_WITHDRAWN = (
    "Sinch no longer documents the Reporting API (since October 2026); ask Sinch support whether it is still available"
)


class Status(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARNING = "warning"  # the client can live with it
    ERROR = "error"
    SKIPPED = "skipped"


@frozen
class Check:
    """What a check found, and what to do. Only warnings and errors have a remedy."""

    status: Status
    what: str
    remedy: str | None = None


@frozen
class Route:
    """Path to the API.

    Attributes:
        url: The base URL.
        proxy: The proxy of the environment, if it names one.
        seconds: Time limit of each step.
    """

    url: httpx.URL
    proxy: httpx.Proxy | None
    seconds: float

    @property
    def host(self) -> str:
        """The host to connect to."""
        return (self.proxy.url if self.proxy else self.url).host

    @property
    def port(self) -> int:
        """The port to connect to."""
        return port_of(self.proxy.url if self.proxy else self.url)

    @property
    def address(self) -> str:
        """Host and port to connect to, as text."""
        address = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"the proxy {address}" if self.proxy else address


def port_of(url: httpx.URL) -> int:
    """Return the port of the URL, or that of its scheme."""
    return url.port or (443 if url.scheme == "https" else 80)


def _ok(what: str) -> Check:
    return Check(Status.OK, what)


def _warning(what: str, remedy: str) -> Check:
    return Check(Status.WARNING, what, remedy)


def _error(what: str, remedy: str) -> Check:
    return Check(Status.ERROR, what, remedy)


def credentials(source: str, path: Path | None) -> Check:
    """Check who can read the file of the credentials."""
    if path and os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return _warning(f"well-formed, from {source}, which other users can read", f"chmod 600 {path}")
    return _ok(f"key and secret are well-formed, from {source}")


def base_url(url: httpx.URL, signing_path_prefix: str | None) -> Check:
    """Check the path of the base URL."""
    if url.path.rstrip("/").endswith("/v1") or signing_path_prefix is not None:
        return _ok(str(url))
    remedy = "the paths of the API begin with /v1: correct --base-url or SINCH_REPORTING_URL, unless a gateway adds it"
    return _warning(f"{url} does not end with /v1", remedy)


def proxy(url: httpx.URL) -> tuple[httpx.Proxy | None, Check]:
    """Return the proxy that the environment names, and the check of its URL."""
    try:
        found = environment_proxy(str(url))
    except (ValueError, httpx.InvalidURL):
        # Without the address, which may contain a password.
        remedy = "correct HTTPS_PROXY or ALL_PROXY: http://host:port"
        return None, _error("the environment names a proxy whose URL is invalid", remedy)
    if not found:
        return None, Check(Status.SKIPPED, "the environment names none for this URL")
    return found, _ok(f"{found.url.scheme}://{found.url.host}:{port_of(found.url)}")  # without the password


def name_resolution(route: Route) -> Check:
    """Resolve the name of the host, or of the proxy."""
    try:
        found = socket.getaddrinfo(route.host, route.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        remedy = "check the name and this machine's DNS; if only a proxy can resolve names, set HTTPS_PROXY"
        if route.host == httpx.URL(DEFAULT_BASE_URL).host:
            remedy += f"\n{_WITHDRAWN}"
        return _error(f"{route.host} has no address: {getattr(error, 'strerror', None) or error}", remedy)
    return _ok(f"{route.host} is {', '.join(dict.fromkeys(str(address[4][0]) for address in found))}")


def connection(route: Route) -> Check:
    """Connect to the port of the host, or of the proxy."""
    try:
        with socket.create_connection((route.host, route.port), route.seconds):
            return _ok(f"{route.address} accepts connections")
    except TimeoutError:
        remedy = "a firewall may block it: ask for outgoing connections, or for a proxy"
        if route.proxy:
            remedy = "check the address in HTTPS_PROXY or ALL_PROXY, and whether the proxy is running"
        return _error(f"{route.address} does not respond within {route.seconds:g} s", remedy)
    except OSError as error:
        remedy = "check the port, and whether a firewall refuses it; behind a proxy, set HTTPS_PROXY"
        if route.proxy:
            remedy = "check the port in HTTPS_PROXY or ALL_PROXY, and whether the proxy is running"
        return _error(f"{route.address} cannot be reached: {error.strerror}", remedy)


def tls(route: Route) -> Check:  # noqa: PLR0911 - a table of failures
    """Make a TLS connection with the certificates that the client trusts."""
    if route.url.scheme != "https":
        return Check(Status.SKIPPED, "http:// does not use it")
    try:
        context = httpx.create_ssl_context()
    except OSError:
        what = "the certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be read"
        return _error(what, "correct these variables, or unset them")
    if route.proxy:
        return Check(Status.SKIPPED, "the next check makes it, through the proxy")
    try:
        with (
            socket.create_connection((route.host, route.port), route.seconds) as plain,
            context.wrap_socket(plain, server_hostname=route.host) as secured,
        ):
            expires = str((secured.getpeercert() or {}).get("notAfter"))
            return _ok(f"{secured.version()}, certificate valid until {expires}")
    except ssl.SSLCertVerificationError as error:
        return _untrusted(error)
    except TimeoutError:
        remedy = (
            "check that the port is that of a TLS server, and whether a firewall or a proxy inspects the connection"
        )
        return _error(f"{route.address} does not respond to the TLS handshake within {route.seconds:g} s", remedy)
    except OSError as error:
        remedy = "check the port of the base URL: it may speak http, not https; behind a proxy, set HTTPS_PROXY"
        return _error(f"no TLS connection: {getattr(error, 'reason', None) or error.strerror}", remedy)


def _untrusted(error: ssl.SSLCertVerificationError) -> Check:
    remedy = (
        "check this machine's clock and the host name; if your network inspects TLS, set SSL_CERT_FILE to a file with "
        "the certificate of its authority"
    )
    return _error(f"the certificate is not trusted: {error.verify_message}", remedy)


def _certificate_error(error: BaseException | None) -> Check | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return _untrusted(error)
        error = error.__cause__ or error.__context__
    return None


def unsigned_request(route: Route) -> httpx.Response | Check:  # noqa: PLR0911 - a table of failures
    """Request a counter without credentials. Return the response, or the check that failed."""
    try:
        with httpx.Client(
            proxy=route.proxy, verify=httpx.create_ssl_context(), trust_env=False, timeout=route.seconds
        ) as client:
            response = client.get(f"{route.url}/counters/{COUNTER}")
    except httpx.ProxyError as error:
        return _proxy_refusal(route, str(error))
    except ImportError:
        return _error("a SOCKS proxy needs the package socksio", "pip install 'httpx[socks]'")
    except httpx.TimeoutException:
        remedy = "check the port; the server, or something in front of it, accepts connections and does not respond"
        return _error(f"no response within {route.seconds:g} s", remedy)
    except httpx.HTTPError as error:
        if _speaks_tls(route):
            return _not_tls(route)
        remedy = "try again; if it persists, find out what closes connections on the way"
        return _certificate_error(error) or _error(f"no response: {type(error).__name__}", remedy)
    if response.status_code == HTTPStatus.BAD_REQUEST and not _is_json(response) and _speaks_tls(route):
        return _not_tls(route)
    return response


def _not_tls(route: Route) -> Check:
    return _error(
        f"{route.address} speaks TLS, and the base URL is http://", f"use https://{route.url.netloc.decode()}"
    )


def _speaks_tls(route: Route) -> bool:
    if route.url.scheme != "http" or route.proxy:
        return False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent
    try:
        with (
            socket.create_connection((route.host, route.port), route.seconds) as plain,
            context.wrap_socket(plain, server_hostname=route.host),
        ):
            return True
    except OSError:
        return False


def _proxy_refusal(route: Route, reason: str) -> Check:
    target = f"{route.url.host}:{port_of(route.url)}"
    remedies = {
        "407": "check user name and password in HTTPS_PROXY or ALL_PROXY",
        "403": f"the proxy does not allow connections to {target}: ask its operator to allow it",
        "502": f"the proxy cannot reach {target}: check the host name in the base URL, then ask the proxy's operator",
        "503": f"the proxy cannot reach {target}: try again later, then ask the proxy's operator",
        "504": f"the proxy cannot reach {target}: try again later, then ask the proxy's operator",
    }
    remedy = remedies.get(reason[:3], "check the address and type of the proxy in HTTPS_PROXY or ALL_PROXY")
    return _error(f"the proxy refuses the connection to {target}: {reason}", remedy)


def api(response: httpx.Response) -> Check:
    """Check the response to a request without credentials: the API refuses it with its own error."""
    status = response.status_code
    known = status in HTTPStatus._value2member_map_
    phrase = f"{status} {HTTPStatus(status).phrase}" if known else str(status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = "try again later; if it persists, contact Sinch support"
        return _error(f"the server, or something in front of it, fails: {phrase}", remedy)
    if status == HTTPStatus.GONE or (status == HTTPStatus.NOT_FOUND and _is_json(response)):
        what = f"the host responds, but not with the Reporting API: {phrase}"
        return _error(what, f"check the base URL; its path is usually /v1\n{_WITHDRAWN}")
    if status == HTTPStatus.FORBIDDEN and not _is_json(response):
        remedy = "a proxy or a firewall may refuse this machine: ask its operator to allow it"
        return _error(f"something in front of the API refuses the request: {phrase}", remedy)
    if not _is_json(response) and status != HTTPStatus.UNAUTHORIZED:
        remedy = "check the base URL; a proxy, or a network with a login page, may respond instead"
        return _error(f"the response ({phrase}) is not from the Reporting API", remedy)
    return _ok(f"the host responds: {phrase} without credentials")


def _is_json(response: httpx.Response) -> bool:
    try:
        return isinstance(json.loads(response.content), dict)
    except ValueError:
        return False


def clock(date: datetime | None, now: datetime) -> Check:
    """Compare this machine's clock with the server's."""
    if date is None:
        return _warning("the response has no date", "compare this machine's clock with another one")
    offset = now - date
    if abs(offset) <= _NOTICEABLE:
        return _ok("within seconds of the server's")
    size = timedelta(seconds=round(abs(offset).total_seconds()))
    what = f"{size} {'ahead of' if offset > timedelta() else 'behind'} the server's"
    if now.date() != date.date():
        what += f"; today (UTC) is {now.date()} here and {date.date()} there, so --days, today and yesterday are wrong"
    if abs(offset) <= _TOLERABLE:
        return _warning(what, "set it by NTP; if it is off by more than some minutes, the server refuses timestamps")
    return _warning(what, "set it by NTP; until then each client learns the offset from a refused request")
