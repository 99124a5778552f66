import errno
import re
import socket
import ssl
from itertools import pairwise

import aiohttp
import httpcore
import httpx
import pytest
import yarl
from multidict import CIMultiDict, CIMultiDictProxy

from sinch_reporting import RequestTimeoutError, TransportError
from sinch_reporting._failures import causes, transport_error
from sinch_reporting._operations import ROUTE

NETWORK = "check the network, the proxy and the base URL"


def request():
    return httpx.Request(
        "GET",
        "https://h.example/v1/users/number/+46730170101/calls/pstn",
        headers={"Authorization": "Application key:c2ln"},
        extensions={ROUTE: "/users/{type}/{endpoint}/calls/{domain}"},
    )


def failure_of(error):
    return transport_error(error, request(), 2, lambda: ("hush",))


def chain(*links):
    """Return the first exception, caused by the following ones."""
    for effect, cause in pairwise(links):
        effect.__cause__ = cause
    return links[0]


def raised_by(module, error):
    """Return an exception that the code of a module has raised."""
    try:
        exec("raise error", {"__name__": module, "error": error})
    except BaseException as caught:  # noqa: BLE001
        return caught


def certificate_error():
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.verify_message = "certificate has expired"
    return error


def tls_error(reason):
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


CONNECTION_REFUSED = OSError(errno.ECONNREFUSED, "Connect call failed ('2001:db8::1', 443)")


@pytest.mark.parametrize(
    ("error", "text", "remedy"),
    [
        (chain(httpx.ConnectError("x"), httpcore.ConnectError("x"), CONNECTION_REFUSED), "connection refused", NETWORK),
        (
            chain(httpx.ConnectError("x"), ExceptionGroup("all failed", [CONNECTION_REFUSED, OSError("y")])),
            "connection refused",
            NETWORK,
        ),
        (chain(httpx.ReadError(""), OSError(errno.ECONNRESET, "x")), "connection reset by peer", NETWORK),
        (OSError(errno.ENETUNREACH, "x"), "network is unreachable", NETWORK),
        (
            chain(httpx.ConnectError("x"), socket.gaierror(socket.EAI_NONAME, "x")),
            "name not resolved",
            "check the base URL and the name server",
        ),
        (
            chain(httpx.ConnectError("name not resolved"), httpcore.ConnectError("x"), UnicodeError("label too long")),
            "name not resolved",
            NETWORK,
        ),
        (
            chain(httpx.ConnectError("x"), certificate_error()),
            "certificate verification failed: certificate has expired",
            "check SSL_CERT_FILE and the base URL",
        ),
        (
            chain(httpx.ConnectError("x"), tls_error("WRONG_VERSION_NUMBER")),
            "TLS failed: wrong version number",
            "check that the base URL and the proxy speak TLS on this port",
        ),
        (
            chain(httpx.ConnectError("x"), ssl.SSLCertVerificationError(1, "raised by Python")),
            "certificate verification failed: unknown reason",
            "check SSL_CERT_FILE and the base URL",
        ),
        (
            chain(httpx.ConnectError("x"), ssl.SSLEOFError(8, "EOF")),
            "TLS failed: protocol error",
            "check that the base URL and the proxy speak TLS on this port",
        ),
        (
            httpx.ProxyError("407 Proxy Authentication Required"),
            "the proxy refused the request: 407 Proxy Authentication Required",
            "check HTTPS_PROXY, its user name and password",
        ),
        (httpx.RemoteProtocolError("Server disconnected"), "Server disconnected", NETWORK),
        (httpx.ReadError(""), "the connection failed", NETWORK),
    ],
)
def test_the_message_has_the_cause_and_a_remedy(error, text, remedy):
    failure = failure_of(error)
    assert type(failure) is TransportError
    where = f"{type(error).__name__} on GET /users/{{type}}/{{endpoint}}/calls/{{domain}}, attempt 2"
    assert str(failure) == f"{text} ({where}); {remedy}"


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (httpx.ConnectTimeout(""), "while connecting "),
        (httpx.WriteTimeout(""), "while sending the request "),
        (httpx.ReadTimeout(""), "while waiting for the response "),
        (httpx.PoolTimeout(""), "while waiting for a free connection "),
        (raised_by("asyncio.timeouts", TimeoutError()), " "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_timeout_names_its_phase(error, phase):
    failure = failure_of(error)
    assert type(failure) is RequestTimeoutError
    assert str(failure).startswith(f"request timed out {phase}")
    assert str(failure).endswith("; increase `timeout` or retry later")
    assert failure.__cause__ is error


def test_a_failure_that_httpx_aiohttp_calls_a_timeout_is_not_one():
    key = aiohttp.client_reqrep.ConnectionKey("h", 443, True, True, None, None, None)
    refused = aiohttp.ClientConnectorError(key, CONNECTION_REFUSED)
    for cause, text in ((refused, "connection refused"), (aiohttp.ServerDisconnectedError(), "Server disconnected")):
        failure = failure_of(chain(httpx.ConnectTimeout(str(cause)), cause))
        assert type(failure) is TransportError
        assert str(failure).startswith(f"{text} (ConnectTimeout on GET")
    failure = failure_of(chain(httpx.ReadTimeout("x"), aiohttp.SocketTimeoutError()))
    assert type(failure) is RequestTimeoutError


def test_the_words_of_the_proxy_are_redacted_in_the_cause():
    failure = failure_of(httpx.ProxyError("403 Not for hush"))
    assert type(failure.__cause__) is httpx.ProxyError
    assert str(failure.__cause__) == "403 Not for ***"


def test_the_words_of_the_server_are_redacted_in_the_message_and_the_cause():
    failure = failure_of(httpx.RemoteProtocolError("illegal status line: b'+46730170101 hush c2ln'"))
    assert str(failure).startswith("illegal status line: b'*** *** ***' (RemoteProtocolError on GET")
    assert type(failure.__cause__) is httpx.RemoteProtocolError
    assert str(failure.__cause__) == "illegal status line: b'*** *** ***'"


def test_an_error_of_aiohttp_does_not_reveal_the_request():
    url, headers = yarl.URL(str(request().url)), CIMultiDictProxy(CIMultiDict(request().headers))
    details = aiohttp.RequestInfo(url, "GET", headers, url)
    failure = failure_of(aiohttp.ClientResponseError(details, (), status=400, message="Bad status line: c2ln"))
    assert str(failure).startswith("400, message='Bad status line: ***', url=")
    for link in causes(failure):
        assert not re.search("46730170101|c2ln", f"{link!r} {link}")


class SoftTimeLimitError(Exception):
    """A worker's own exception, raised by a signal handler."""


def wrapped(own):
    """Return the exception as httpcore and httpx convert it, if it is an OSError that is raised during I/O."""
    return chain(httpx.ReadError("x"), httpcore.ReadError(), own)


SOFT_LIMIT, FULL_DISK = raised_by("worker", TimeoutError("soft limit")), raised_by("worker.signals", OSError("full"))


@pytest.mark.parametrize(
    ("error", "own"),
    [
        *((error, error) for error in (SoftTimeLimitError(), ZeroDivisionError(), SOFT_LIMIT, FULL_DISK)),
        (wrapped(SOFT_LIMIT), SOFT_LIMIT),
        (wrapped(FULL_DISK), FULL_DISK),
    ],
    ids=repr,
)
def test_an_exception_of_the_program_is_raised_unchanged(error, own):
    with pytest.raises(type(own)) as caught:
        failure_of(error)
    assert caught.value is own


@pytest.mark.parametrize("module", ["socket", "ssl", "asyncio.base_events", "httpcore._x", "uvloop", "aiohttp.client"])
def test_an_exception_of_a_library_is_a_transport_error(module):
    error = raised_by(module, ConnectionError(errno.ECONNRESET, "x"))
    assert failure_of(error).__cause__ is error


def test_a_chain_that_ends_in_itself_is_described():
    first, second = httpx.ReadError("first"), httpx.ReadError("second")
    first.__cause__, second.__cause__ = second, first
    assert str(failure_of(first)).startswith("first (ReadError")
