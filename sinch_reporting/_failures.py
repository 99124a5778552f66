"""Failures without a response: the cause in words, and the TransportError. No I/O."""

import os
import socket
import ssl

import httpx

from sinch_reporting._operations import ROUTE
from sinch_reporting._redaction import Secrets, redact
from sinch_reporting.errors import RequestTimeoutError, TransportError

# Where the standard library and the HTTP stack raise OSErrors and TimeoutErrors.
_LIBRARIES = frozenset(
    [
        "aiohttp",
        "anyio",
        "asyncio",
        "concurrent",
        "contextlib",
        "h11",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "httpx_aiohttp",
        "selectors",
        "sinch_reporting",
        "socket",
        "socksio",
        "ssl",
        "threading",
        "trio",
        "uvloop",
    ]
)
_TIMEOUTS = {
    httpx.ConnectTimeout: "while connecting",
    httpx.WriteTimeout: "while sending the request",
    httpx.ReadTimeout: "while waiting for the response",
    httpx.PoolTimeout: "while waiting for a free connection",
}


def transport_error(error: Exception, request: httpx.Request, attempt: int, secrets: Secrets) -> TransportError:
    """Return the TransportError for an exception of the transport. Raises what the program itself raised, unchanged."""
    own = _raised_by_program(error)
    if own is not None:
        raise own
    where = f"{type(error).__name__} on {request.method} {request.extensions[ROUTE]}, attempt {attempt}"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        phase = next((phase for kind, phase in _TIMEOUTS.items() if isinstance(error, kind)), "")
        failure: TransportError = RequestTimeoutError(
            f"request timed out {phase} ({where}); increase `timeout` or retry later"
        )
    else:
        cause, remedy = _describe(error)
        failure = TransportError(f"{redact(cause, request, secrets)} ({where}); {remedy}")
    if isinstance(error, httpx.ProtocolError):  # quotes what the server sent
        error = type(error)(redact(str(error), request, secrets))
    failure.__cause__ = error
    return failure


def _raised_by_program(error: BaseException) -> BaseException | None:
    # httpcore converts every OSError and TimeoutError that is raised during I/O, also that of a signal handler.
    for link in _causes(error):
        if isinstance(link, OSError) and _origin(link) not in _LIBRARIES:
            return link
    is_transport = isinstance(error, OSError | httpx.HTTPError | httpx.StreamError | httpx.InvalidURL)
    return None if is_transport or type(error).__module__.partition(".")[0] in _LIBRARIES else error


def _origin(error: BaseException) -> str:  # the top-level module that raised it
    traceback = error.__traceback__
    if traceback is None:
        return "httpx"
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _describe(error: BaseException) -> tuple[str, str]:  # the cause in words, and a remedy
    check = "check the network, the proxy and the base URL"
    for link in _causes(error):
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


def _causes(error: BaseException) -> list[BaseException]:  # from the cause to the effect
    causes: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in causes:
        causes.append(link)
        link = link.exceptions[0] if isinstance(link, BaseExceptionGroup) else link.__cause__ or link.__context__
    return causes[::-1]
