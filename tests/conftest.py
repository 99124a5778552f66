"""What all tests share: both clients behind one parameter, a server of raw bytes, and a guard on the network."""

import importlib
import ipaddress
import pkgutil
import ssl
import sys

import pytest
import trustme
from anyio.from_thread import start_blocking_portal

import scripts.lib
import sinch_reporting
from sinch_reporting import RetryPolicy, transport
from sinch_reporting.httpcore_transport import AsyncPooledTransport, PooledTransport
from sinch_reporting.testing import Sandbox
from tests.support.callers import KEY, SECRET, Maker
from tests.support.wire import COUNTER, Wire


class DialledOutError(BaseException):
    """A test spoke to another machine. Not an Exception, so that no handler takes it for a failure."""


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo" and arguments[0]:
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = name == "localhost"
    if not local:
        raise DialledOutError(name)


sys.addaudithook(_guard)


@pytest.fixture(scope="session")
def little_trust(tmp_path_factory):
    """Return the path of one certificate: to read all the public ones takes each client 25 ms."""
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, little_trust):
    names = ["SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET", "SINCH_REPORTING_URL", "SSL_CERT_DIR"]
    proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
    for name in [*names, *proxies, *(proxy.lower() for proxy in proxies)]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(little_trust))


@pytest.fixture(params=["sync", "sync-httpcore", "asyncio", "trio"])
def make(request, monkeypatch):
    """Return what makes a client: blocking, or async under one of the event loops, each over its transports."""
    loop, _, httpcore = request.param.partition("-")
    if httpcore:  # as behind a proxy
        monkeypatch.setattr(transport, "SocketTransport", lambda context: PooledTransport(None, context))
        monkeypatch.setattr(transport, "AsyncioTransport", lambda _loop, context: AsyncPooledTransport(None, context))
    if loop == "sync":
        maker = Maker(None)
        yield maker
        maker.close()
    else:
        with start_blocking_portal(loop) as portal:
            maker = Maker(portal)
            yield maker
            maker.close()


@pytest.fixture(scope="session")
def every_module():
    """Load all modules: hypothesis tries the constants of those that are loaded, and is to try the same each time."""
    for package in (sinch_reporting, scripts.lib):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)


@pytest.fixture
def wire():
    """Return a server of raw bytes that answers with a counter until its `steps` are set."""
    with Wire([COUNTER]) as server:
        yield server


@pytest.fixture(scope="session")
def authority():
    """Return a certificate authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture
def tls_wire(authority):
    """Return a server like `wire` that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "reporting.example").configure_cert(context)
    with Wire([COUNTER], context) as server:
        yield server


@pytest.fixture
def sandbox():
    """Return a Sandbox with the credentials that the clients of `make` use."""
    with Sandbox(application_key=KEY, application_secret=SECRET) as server:
        yield server


@pytest.fixture
def quick():
    """Return a policy that tries again without delay."""
    return RetryPolicy(backoff_base=0)
