"""Failures without a response: the cause in words, and the TransportError. No I/O."""

import os
import re
import socket
import ssl
import traceback

import httpx

from sinch_reporting._operations import ROUTE
from sinch_reporting._redaction import Secrets, redact
from sinch_reporting.errors import RequestTimeoutError, TransportError

# The modules in which the standard library and the HTTP stack raise OSErrors and TimeoutErrors.
_LIBRARIES = re.compile(
    r"(aiohttp|anyio|asyncio|concurrent|contextlib|h11|httpcore2?|httpx2?|httpx_aiohttp|selectors|sinch_reporting"
    r"|socket|socksio|ssl|threading|trio|uvloop)\b"
)
_TIMEOUTS = {
    httpx.ConnectTimeout: "while connecting",
    httpx.WriteTimeout: "while sending the request",
    httpx.ReadTimeout: "while waiting for the response",
    httpx.PoolTimeout: "while waiting for a free connection",
}


def transport_error(error: Exception, request: httpx.Request, attempt: int, secrets: Secrets) -> TransportError:
    """Return the TransportError for an exception of the transport. Raises what the program itself raised, unchanged."""
    reraise_own(error)
    where = f"{type(error).__name__} on {request.method} {request.extensions[ROUTE]}, attempt {attempt}"
    if isinstance(error, httpx.TimeoutException | TimeoutError) and not _is_misnamed(error):
        phase = next((phase for kind, phase in _TIMEOUTS.items() if isinstance(error, kind)), "")
        text = f"request timed out {phase} ({where}); increase `timeout` or retry later"
        failure: TransportError = RequestTimeoutError(text)
    else:
        cause, remedy = _describe(error)
        failure = TransportError(f"{redact(cause, request, secrets)} ({where}); {remedy}")
    if not isinstance(error, OSError | httpx.HTTPError | httpx.StreamError):
        error = httpx.RemoteProtocolError(str(error))  # aiohttp's show the URL and the headers of the request
    if isinstance(error, httpx.ProtocolError | httpx.ProxyError):  # quotes what the server or proxy sent
        error = type(error)(redact(str(error), request, secrets))
    failure.__cause__ = error
    return failure


def reraise_own(error: BaseException) -> None:
    """Raise what the program itself raised. httpcore converts every OSError during I/O, also of a signal handler."""
    for link in causes(error):
        modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(link.__traceback__)]
        if isinstance(link, OSError) and modules and not _LIBRARIES.match(modules[-1]):
            raise link
    is_transport = isinstance(error, OSError | httpx.HTTPError | httpx.StreamError | httpx.InvalidURL)
    if not is_transport and not _LIBRARIES.match(type(error).__module__):
        raise error


def _is_misnamed(error: BaseException) -> bool:
    # httpx-aiohttp converts each failure of a connection, such as a refused one, to a ConnectTimeout.
    cause = error.__cause__
    return type(cause).__module__.startswith("aiohttp.") and not isinstance(cause, TimeoutError)


def _describe(error: BaseException) -> tuple[str, str]:  # the cause in words, and a remedy
    check = "check the network, the proxy and the base URL"
    for link in causes(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            message = getattr(link, "verify_message", "unknown reason")  # set by OpenSSL only
            return f"certificate verification failed: {message}", "check SSL_CERT_FILE and the base URL"
        if isinstance(link, ssl.SSLError):
            reason = (getattr(link, "reason", None) or "protocol error").lower().replace("_", " ")
            return f"TLS failed: {reason}", "check that the base URL and the proxy speak TLS on this port"
        if isinstance(link, socket.gaierror):
            return "name not resolved", "check the base URL and the name server"
        if isinstance(link, OSError) and link.errno is not None and link.errno > 0:
            return os.strerror(link.errno).lower(), check
    if isinstance(error, httpx.ProxyError):
        return f"the proxy refused the request: {error}", "check HTTPS_PROXY, its user name and password"
    return str(error) or "the connection failed", check


def causes(error: BaseException | None) -> list[BaseException]:
    """Return an exception and what led to it, from the cause to the effect."""
    links: list[BaseException] = []
    link = error
    while link is not None and link not in links:
        links.append(link)
        link = link.exceptions[0] if isinstance(link, BaseExceptionGroup) else link.__cause__ or link.__context__
    return links[::-1]
