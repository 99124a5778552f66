"""Checks of the route to the API: proxy, name, connection, TLS, and a first response."""

import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from time import monotonic

import httpx
from attrs import frozen

from sinch_reporting._http import Deadline
from sinch_reporting._http.proxies import environment_proxy
from sinch_reporting._http.transport import Transport
from sinch_reporting._responses import decode_body, read_body
from sinch_reporting.cli.doctor.result import COUNTER, WITHDRAWN, Check, failed, ok, skipped
from sinch_reporting.config import DEFAULT_BASE_URL
from sinch_reporting.errors import DecodeError

SECONDS = 10.0


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
        return f"the proxy {address_of(self.proxy.url)}" if self.proxy else address_of(self.url)

    def get(self, path: str, headers: Mapping[str, str]) -> httpx.Response:
        """Send a request that is not signed, within the time limit.

        Raises HTTPError, DecodeError for a response that is too large, and ImportError if a SOCKS proxy needs another
        package.
        """
        deadline = Deadline(self.seconds)
        deadline.at = monotonic() + self.seconds
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), deadline)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        request = httpx.Request("GET", f"{self.url}{path}", headers=headers, extensions={"timeout": timeout})
        with closing(Transport(ssl_context=httpx.create_ssl_context(), proxy=self.proxy)) as transport:
            response = transport.handle_request(request)
            return decode_body(response, read_body(response), request)


def port_of(url: httpx.URL) -> int:
    """Return the port of the URL, or that of its scheme."""
    return url.port or {"https": 443, "http": 80}.get(url.scheme, 1080)


def address_of(url: httpx.URL) -> str:
    """Return host and port of the URL as text, without user name and password."""
    return f"[{url.host}]:{port_of(url)}" if ":" in url.host else f"{url.host}:{port_of(url)}"


def proxy(url: httpx.URL) -> tuple[httpx.Proxy | None, Check]:
    """Return the proxy that the environment names, and the check of its URL."""
    try:
        found = environment_proxy(str(url))
    except (ValueError, httpx.InvalidURL):
        # Without the address, which may contain a password.
        remedy = "correct HTTPS_PROXY or ALL_PROXY: http://host:port"
        return None, failed("the environment names a proxy whose URL is invalid", remedy)
    if not found:
        return None, skipped("the environment names none for this URL")
    return found, ok(f"{found.url.scheme}://{address_of(found.url)}")


def name_resolution(route: Route) -> Check:
    """Resolve the name of the host, or of the proxy."""
    try:
        found = socket.getaddrinfo(route.host, route.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        remedy = "check the name and this machine's DNS; if only a proxy can resolve names, set HTTPS_PROXY"
        if route.proxy:
            remedy = "check the name in HTTPS_PROXY or ALL_PROXY, and this machine's DNS"
        if route.host == httpx.URL(DEFAULT_BASE_URL).host:
            remedy += f"\n{WITHDRAWN}"
        return failed(f"{route.host} has no address: {getattr(error, 'strerror', None) or error}", remedy)
    return ok(f"{route.host} is {', '.join(dict.fromkeys(str(address[4][0]) for address in found))}")


def connection(route: Route) -> Check:
    """Connect to the port of the host, or of the proxy."""
    try:
        with socket.create_connection((route.host, route.port), route.seconds):
            return ok(f"{route.address} accepts connections")
    except TimeoutError:
        remedy = "a firewall may block it: ask for outgoing connections, or for a proxy"
        if route.proxy:
            remedy = "check the address in HTTPS_PROXY or ALL_PROXY, and whether the proxy is running"
        return failed(f"{route.address} does not respond within {route.seconds:g} s", remedy)
    except OSError as error:
        remedy = "check the port, and whether a firewall refuses it; behind a proxy, set HTTPS_PROXY"
        if route.proxy:
            remedy = "check the port in HTTPS_PROXY or ALL_PROXY, and whether the proxy is running"
        return failed(f"{route.address} cannot be reached: {error.strerror}", remedy)


def tls(route: Route) -> Check:  # noqa: PLR0911 - a table of failures
    """Make a TLS connection with the certificates that the client trusts."""
    if route.url.scheme != "https":
        return skipped("http:// does not use it")
    try:
        context = httpx.create_ssl_context()
    except OSError:
        what = "the certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be read"
        return failed(what, "correct these variables, or unset them")
    if route.proxy:
        return skipped("the next check makes it, through the proxy")
    try:
        with (
            socket.create_connection((route.host, route.port), route.seconds) as plain,
            context.wrap_socket(plain, server_hostname=route.host) as secured,
        ):
            expires = str((secured.getpeercert() or {}).get("notAfter"))
            return ok(f"{secured.version()}, certificate valid until {expires}")
    except ssl.SSLCertVerificationError as error:
        return _untrusted(error)
    except TimeoutError:
        remedy = (
            "check that the port is that of a TLS server, and whether a firewall or a proxy inspects the connection"
        )
        return failed(f"{route.address} does not respond to the TLS handshake within {route.seconds:g} s", remedy)
    except OSError as error:
        remedy = "check the port of the base URL: it may speak http, not https; behind a proxy, set HTTPS_PROXY"
        return failed(f"no TLS connection: {getattr(error, 'reason', None) or error.strerror}", remedy)


def _untrusted(error: ssl.SSLCertVerificationError) -> Check:
    remedy = (
        "check this machine's clock and the host name; if your network inspects TLS, set SSL_CERT_FILE to a file with "
        "the certificate of its authority"
    )
    return failed(f"the certificate is not trusted: {error.verify_message}", remedy)


def _certificate_error(error: BaseException | None) -> Check | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return _untrusted(error)
        error = error.__cause__ or error.__context__
    return None


def unsigned_request(route: Route) -> httpx.Response | Check:  # noqa: PLR0911 - a table of failures
    """Request a counter without credentials. Return the response, or the check that failed."""
    try:
        response = route.get(f"/counters/{COUNTER}", {})
    except httpx.ProxyError as error:
        return _proxy_refusal(route, str(error))
    except ImportError:
        return failed("a SOCKS proxy needs the package socksio", "pip install 'httpx[socks]'")
    except httpx.TimeoutException:
        remedy = "check the port; the server, or something in front of it, accepts connections and does not respond"
        return failed(f"no response within {route.seconds:g} s", remedy)
    except DecodeError as error:
        what, _, remedy = str(error).partition("; ")
        return failed(what, remedy or "check that the base URL leads to the Reporting API")
    except httpx.HTTPError as error:
        if _speaks_tls(route):
            return _not_tls(route)
        remedy = "try again; if it persists, find out what closes connections on the way"
        return _certificate_error(error) or failed(f"no response: {type(error).__name__}", remedy)
    if response.status_code == HTTPStatus.BAD_REQUEST and not is_json(response) and _speaks_tls(route):
        return _not_tls(route)
    return response


def _not_tls(route: Route) -> Check:
    what = f"{route.address} speaks TLS, and the base URL is http://"
    return failed(what, f"use {route.url.copy_with(scheme='https')}")


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
    target = address_of(route.url)
    remedies = {
        "407": "check user name and password in HTTPS_PROXY or ALL_PROXY",
        "403": f"the proxy does not allow connections to {target}: ask its operator to allow it",
        "502": f"the proxy cannot reach {target}: check the host name in the base URL, then ask the proxy's operator",
        "503": f"the proxy cannot reach {target}: try again later, then ask the proxy's operator",
        "504": f"the proxy cannot reach {target}: try again later, then ask the proxy's operator",
    }
    remedy = remedies.get(reason[:3], "check the address and type of the proxy in HTTPS_PROXY or ALL_PROXY")
    return failed(f"the proxy refuses the connection to {target}: {reason}", remedy)


def is_json(response: httpx.Response) -> bool:
    """Return whether the body is a JSON object."""
    try:
        return isinstance(json.loads(response.content), dict)
    except (ValueError, RecursionError):
        return False
