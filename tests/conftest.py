"""Fixtures of all tests: both clients behind one parameter, a server of raw bytes, and a guard on the network."""

import importlib
import ipaddress
import pkgutil
import ssl
import sys

import pytest
import trustme
from anyio.from_thread import start_blocking_portal

import scripts
import sinch_reporting
from sinch_reporting import RetryPolicy
from sinch_reporting.testing import Sandbox
from tests.support.callers import KEY, SECRET, ClientFactory
from tests.support.raw_server import COUNTER, RawServer


class NetworkAccessError(BaseException):
    """A test connected to another machine, or resolved a name. Not an Exception, so that no handler catches it."""


_RESOLUTION = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event in _RESOLUTION and arguments[0]:
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        is_local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        is_local = name == "localhost"
    if not is_local:
        raise NetworkAccessError(name)


sys.addaudithook(_refuse_network)


@pytest.fixture(scope="session")
def single_ca(tmp_path_factory):
    """Return the path of one unrelated certificate: reading all public ones takes 25 ms per client."""
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, single_ca):
    names = ["SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET", "SINCH_REPORTING_URL", "SSL_CERT_DIR"]
    proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
    for name in [*names, *proxies, *(proxy.lower() for proxy in proxies)]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(single_ca))


@pytest.fixture(params=["sync", "asyncio", "trio"])
def make_client(request):
    """Return a function that makes a client: blocking, or async on asyncio or trio."""
    if request.param == "sync":
        factory = ClientFactory(None)
        yield factory
        factory.close()
    else:
        with start_blocking_portal(request.param) as portal:
            factory = ClientFactory(portal)
            yield factory
            factory.close()


@pytest.fixture(scope="session")
def every_module():
    """Load all modules: hypothesis uses the constants of loaded modules, which must be the same in each run."""
    for package in (sinch_reporting, scripts):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)


@pytest.fixture
def raw_server():
    """Return a server of raw bytes that sends a counter until its `script` is set."""
    with RawServer([COUNTER]) as server:
        yield server


@pytest.fixture(scope="session")
def authority():
    """Return a certificate authority that nothing trusts yet."""
    return trustme.CA()


@pytest.fixture
def tls_raw_server(authority):
    """Return a server like `raw_server` that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", "reporting.example").configure_cert(context)
    with RawServer([COUNTER], context) as server:
        yield server


@pytest.fixture
def sandbox():
    """Return a Sandbox with the credentials that the clients of `make_client` use."""
    with Sandbox(application_key=KEY, application_secret=SECRET) as server:
        yield server


@pytest.fixture
def no_backoff():
    """Return a policy that retries without delay."""
    return RetryPolicy(backoff_base=0)
