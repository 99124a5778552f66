"""Fixtures of the transport tests: a server with and without TLS, reached directly and through proxies."""

import select
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest
from attrs import define

from sinch_reporting import RetryPolicy
from tests.support.proxies import HTTPProxy, SOCKSProxy
from tests.support.raw_server import RawServer

PROXIES = {"HTTP proxy": HTTPProxy, "SOCKS proxy": SOCKSProxy}
ONCE = RetryPolicy(attempts=1)


@define
class Route:
    """A way to a server.

    Attributes:
        server: The server.
        url: The base URL of clients.
        port: The port that the client connects to: that of the server or of the proxy.
    """

    server: RawServer
    url: str
    port: int

    def client_sockets(self):
        """Return the descriptors of the client's connections."""
        connections = psutil.Process().net_connections("tcp")
        return [one.fd for one in connections if one.raddr and one.raddr.port == self.port and one.fd != -1]

    def wait_until_readable(self):
        """Return when something has arrived on each of the client's connections."""
        for descriptor in self.client_sockets():
            assert select.select([descriptor], [], [], 30)[0]


@pytest.fixture(params=["plain", "TLS"])
def server(request, authority, tmp_path, monkeypatch):
    """Return a server of raw bytes, whose certificate clients trust."""
    if request.param == "TLS":
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return request.getfixturevalue("raw_server" if request.param == "plain" else "tls_raw_server")


@pytest.fixture
def direct(server):
    """Return the route to the server without a proxy."""
    return Route(server, server.url, server.port)


@pytest.fixture
def plain(raw_server):
    """Return the route without a proxy and TLS, for what does not depend on them."""
    return Route(raw_server, raw_server.url, raw_server.port)


@pytest.fixture(params=["direct", *PROXIES])
def route(request, server, monkeypatch):
    """Return each route to the server. Clients need `allow_http=True`."""
    if request.param == "direct":
        yield Route(server, server.url, server.port)
        return
    with PROXIES[request.param](server.port) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        yield Route(server, server.url.replace("127.0.0.1", "reporting.example"), proxy.port)
        assert set(proxy.destinations) == {f"reporting.example:{server.port}"}


@pytest.fixture
def resolve(monkeypatch):
    """Return a function that sets how a host name is resolved: by a function that returns its addresses."""
    resolvers = {}
    look_up = socket.getaddrinfo

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        name = host.decode() if isinstance(host, bytes) else host
        if name in resolvers and flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not an address")  # trio asks first, in the event loop
        if name not in resolvers:
            return look_up(host, port, family, type, proto, flags)
        return [one for address in resolvers[name]() for one in look_up(address, port, family, type, proto, flags)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return resolvers.__setitem__


@contextmanager
def concurrent_calls(count, call, *arguments):
    """Make calls at the same time, and give their futures."""
    with ThreadPoolExecutor(count) as threads:
        yield [threads.submit(call, *arguments) for _ in range(count)]
