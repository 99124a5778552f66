"""What `doctor` looks at, from the machine to the server. Each check returns what is well, or raises TroubleError."""

import json
import socket
import ssl
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from sinch_reporting._http import sync_transport_factory
from sinch_reporting._http.proxies import environment_proxy
from sinch_reporting.auth import SignedAuth
from sinch_reporting.client import ReportingClient
from sinch_reporting.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    ReportingError,
)
from sinch_reporting.retry import RetryPolicy

SECONDS = 10.0
_TOLERABLE = timedelta(minutes=5)
_NOTICEABLE = timedelta(seconds=5)
_COUNTER = "currentCalls"

_COPY = "copy both again from the Sinch dashboard, each as a whole"
_REMEDIES = {
    40100: "the Authorization header did not arrive as it was sent; find out what changes headers on the way",
    40101: "the timestamp did not arrive, or is too old; set this machine's clock",
    40102: f"the secret does not belong to the key; {_COPY}",
    40108: f"the key is not known; {_COPY}",
}


class TroubleError(Exception):
    """A check failed: what is wrong, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


class DoubtError(TroubleError):
    """Something is not as it should be, and the client can live with it."""


class SkippedError(Exception):
    """There is nothing to check, for the reason given."""


def proxy_for(url: httpx.URL) -> httpx.URL | None:
    """Return the address of the proxy that the environment names. Raises TroubleError."""
    try:
        proxy = environment_proxy(str(url))
    except (ValueError, httpx.InvalidURL) as error:
        # Without the address, which may hold a password.
        what = "the environment names a proxy that is no proxy's URL"
        raise TroubleError(what, "mend HTTPS_PROXY or ALL_PROXY: http://host:port") from error
    return proxy.url if proxy else None


def port_of(url: httpx.URL) -> int:
    """Return the port that the URL names, or that of its scheme."""
    return url.port or (443 if url.scheme == "https" else 80)


def name_resolution(url: httpx.URL) -> str:
    """Look up the host's name."""
    try:
        found = socket.getaddrinfo(url.host, port_of(url), type=socket.SOCK_STREAM)
    except OSError as error:
        remedy = "check the name, and this machine's DNS; where only a proxy may look names up, set HTTPS_PROXY"
        raise TroubleError(f"{url.host} has no address: {error.strerror}", remedy) from error
    return f"{url.host} is {', '.join(dict.fromkeys(str(address[4][0]) for address in found))}"


def connection(url: httpx.URL) -> str:
    """Connect to the host's port."""
    where = f"{url.host}:{port_of(url)}"
    try:
        with socket.create_connection((url.host, port_of(url)), SECONDS):
            return f"{where} accepts connections"
    except TimeoutError as error:
        remedy = "a firewall may be in the way; ask for outgoing connections to it, or for a proxy"
        raise TroubleError(f"{where} does not answer", remedy) from error
    except OSError as error:
        remedy = "check the port, or whether a firewall refuses; behind a proxy, set HTTPS_PROXY"
        raise TroubleError(f"{where} cannot be reached: {error.strerror}", remedy) from error


def tls(url: httpx.URL) -> str:
    """Make a TLS connection, with the certificates that the client trusts."""
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        what = "the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read"
        raise TroubleError(what, "correct these variables, or unset them") from error
    try:
        with (
            socket.create_connection((url.host, port_of(url)), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=url.host) as secured,
        ):
            expires = str((secured.getpeercert() or {}).get("notAfter"))
            return f"{secured.version()}, certificate valid until {expires}"
    except ssl.SSLCertVerificationError as error:
        raise _untrusted(error) from error
    except OSError as error:
        remedy = "what answers may be no TLS server, or a proxy; check the port of the base URL, and HTTPS_PROXY"
        raise TroubleError(f"no TLS connection: {getattr(error, 'reason', None) or error.strerror}", remedy) from error


def _untrusted(error: ssl.SSLCertVerificationError) -> TroubleError:
    remedy = (
        "check this machine's clock and the host's name; where your network inspects TLS, set SSL_CERT_FILE to a file "
        "with its authority's certificate"
    )
    return TroubleError(f"the certificate is not trusted: {error.verify_message}", remedy)


def _untrusted_within(error: BaseException | None) -> TroubleError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return _untrusted(error)
        error = error.__cause__ or error.__context__
    return None


def ask(url: httpx.URL) -> httpx.Response:
    """Ask for a counter, without credentials."""
    try:
        with httpx.Client(transport=sync_transport_factory(str(url))(), timeout=SECONDS) as client:
            return client.get(f"{url}/counters/{_COUNTER}")
    except ConfigurationError as error:
        raise TroubleError("no connection can be made", str(error)) from error
    except httpx.ProxyError as error:
        raise TroubleError(f"the proxy refuses: {error}", "check its address, user name and password") from error
    except httpx.HTTPError as error:
        remedy = "try again; where it stays, look for what ends connections on the way"
        raise _untrusted_within(error) or TroubleError(f"no answer came: {type(error).__name__}", remedy) from error


def answer(response: httpx.Response) -> str:
    """Look at what was answered without credentials: the API refuses, in its own words."""
    status = response.status_code
    known = status in HTTPStatus._value2member_map_
    phrase = f"{status} {HTTPStatus(status).phrase}" if known else str(status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = "try again later; where it stays, ask Sinch support"
        raise TroubleError(f"the server, or something before it, fails: {phrase}", remedy)
    if not _is_json(response) and status != HTTPStatus.UNAUTHORIZED:
        remedy = "check the base URL; a proxy, or a network that asks to log in, may answer in its place"
        raise TroubleError(f"what answers ({phrase}) is not the Reporting API", remedy)
    return f"{phrase}, without credentials"


def _is_json(response: httpx.Response) -> bool:
    try:
        return isinstance(json.loads(response.content), dict)
    except ValueError:
        return False


def clock(date: datetime | None, now: datetime) -> str:
    """Compare the machine's clock with the server's."""
    if date is None:
        raise DoubtError("the server told no time", "compare this machine's clock with another one")
    offset = now - date
    if abs(offset) <= _NOTICEABLE:
        return "within seconds of the server's"
    size = timedelta(seconds=round(abs(offset).total_seconds()))
    what = f"{size} {'ahead of' if offset > timedelta() else 'behind'} the server's"
    if abs(offset) <= _TOLERABLE:
        raise DoubtError(what, "set it, by NTP; beyond some minutes the server refuses timestamps")
    raise DoubtError(what, "set it, by NTP; until then each client learns the offset from a refused request")


def signature(url: httpx.URL, auth: SignedAuth) -> str:
    """Ask for the counter of ongoing calls, signed."""
    once = RetryPolicy(attempts=1)
    try:
        with ReportingClient(auth=auth, base_url=str(url), retry=once, timeout=SECONDS) as client:
            client.get_counter(_COUNTER)
    except NotFoundError:
        return f"accepted, though there is no counter {_COUNTER}"
    except AuthenticationError as error:
        what = f"refused: {error.message or 'no reason given'} (error {error.error_code})"
        raise TroubleError(what, _REMEDIES.get(error.error_code or 0, _COPY)) from error
    except PermissionDeniedError as error:
        remedy = "ask Sinch support whether the application may use the Reporting API"
        raise TroubleError(f"accepted, but the application may not ask: {error.message}", remedy) from error
    except APIError as error:
        raise TroubleError(f"answered with {error.status_code}", str(error)) from error
    except ReportingError as error:
        raise TroubleError("no good answer came", str(error)) from error
    return "accepted"
