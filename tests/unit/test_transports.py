"""What the transports for threads and for asyncio do beyond what all of them do, which the other tests show."""

import asyncio
import gc
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from sinch_reporting import (
    AsyncReportingClient,
    RequestTimeoutError,
    RetryPolicy,
    asyncio_transport,
    socket_transport,
)
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import COUNTER, RawServer, response

ONCE = RetryPolicy(attempts=1)
OURS = pytest.mark.parametrize("make_client", ["sync", "asyncio"], indirect=True)


@pytest.fixture
def other_raw_server():
    """Return another server like `raw_server`."""
    with RawServer([COUNTER]) as server:
        yield server


@pytest.fixture
def silent():
    """Return the port of a server whose backlog is full, so that it answers nobody."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.fixture
def released(raw_server):
    """Return the event for which the server waits with its answer."""
    event = threading.Event()

    def held(connection):
        event.wait(30)
        connection.sendall(COUNTER)

    raw_server.script[:] = [held]
    return event


@pytest.fixture
def addresses(monkeypatch):
    """Return the addresses that every host has."""
    ports = []
    found = socket.getaddrinfo

    def getaddrinfo(host, port, *arguments, **options):
        if port != 1:
            return found(host, port, *arguments, **options)
        return [entry for one in ports for entry in found("127.0.0.1", one, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return ports


@OURS
def test_the_next_address_is_tried_where_one_refuses(make_client, raw_server, addresses):
    with socket.create_server(("127.0.0.1", 0)) as server:
        refusing = server.getsockname()[1]
    addresses += [refusing, raw_server.port]
    assert make_client("http://127.0.0.1:1/v1", retry=ONCE).get_counter("currentCalls").value == 7


@OURS
def test_an_address_that_is_silent_leaves_time_for_the_next(make_client, raw_server, addresses, silent):
    addresses += [silent, raw_server.port]
    began = time.monotonic()
    assert make_client("http://127.0.0.1:1/v1", retry=ONCE, timeout=2).get_counter("currentCalls").value == 7
    assert 0.9 < time.monotonic() - began < 2


@OURS
def test_a_host_that_is_silent_ends_the_attempt_in_time(make_client, addresses, silent):
    addresses += [silent] * 2
    reporting = make_client("http://127.0.0.1:1/v1", retry=ONCE, timeout=0.2)
    with pytest.raises(RequestTimeoutError, match="ConnectTimeout"):
        reporting.get_counter("currentCalls")


@OURS
def test_calls_wait_for_a_connection_within_their_time(make_client, raw_server, released, monkeypatch):
    for module in (socket_transport, asyncio_transport):
        monkeypatch.setattr(module, "CONNECTIONS", 1)
    reporting = make_client(raw_server.url, retry=ONCE)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(reporting.get_counter, "currentCalls")
        raw_server.wait_for_requests(1)
        with pytest.raises(RequestTimeoutError, match="PoolTimeout"):
            reporting.with_options(timeout=0.1).get_counter("currentCalls")
        released.set()
        assert first.result().value == 7
    assert reporting.get_counter("currentCalls").value == 7
    assert raw_server.connections == 1


@OURS
def test_a_connection_that_waited_too_long_is_not_used_again(make_client, raw_server, monkeypatch):
    monkeypatch.setattr("sinch_reporting.http1.KEEPALIVE_SECONDS", -1)
    reporting = make_client(raw_server.url)
    for _ in range(3):
        assert reporting.get_counter("currentCalls").value == 7
    assert raw_server.connections == 3


def test_connections_are_used_again(make_client, raw_server):
    reporting = make_client(raw_server.url)
    for _ in range(5):
        assert reporting.get_counter("currentCalls").value == 7
    assert raw_server.connections == 1


def test_a_cancelled_connect_leaves_no_socket_open(raw_server, monkeypatch):
    async def getaddrinfo(_loop, *arguments, **options):
        # Without a thread, whose time would hide the moment that matters.
        return socket.getaddrinfo(*arguments, **options)

    async def main():
        async with AsyncReportingClient(KEY, SECRET, base_url=raw_server.url) as reporting:
            for steps in list(range(12)) * 30:
                calling = asyncio.ensure_future(reporting.get_counter("currentCalls"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                calling.cancel()
                await asyncio.gather(calling, return_exceptions=True)

    monkeypatch.setattr("sinch_reporting.http1.KEEPALIVE_SECONDS", -1)
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    asyncio.run(main())
    gc.collect()  # a socket that is still open warns
    assert raw_server.connections > 0
    raw_server.wait_for_disconnects()


class TokenAuth(httpx.Auth):
    """Fetches a token first, from another server."""

    requires_response_body = True

    def __init__(self, url):
        self._url = url

    def auth_flow(self, request):
        answered = yield httpx.Request("POST", self._url, content=b"")
        request.headers["Authorization"] = f"Bearer {answered.json()['token']}"
        yield request


def test_an_auth_may_ask_another_server_first(make_client, raw_server, other_raw_server):
    other_raw_server.script[:] = [response(json.dumps({"token": "secret"}))]
    reporting = make_client(raw_server.url, auth=TokenAuth(other_raw_server.url))
    assert reporting.get_counter("currentCalls").value == 7
    assert raw_server.requests[0].headers["authorization"] == "Bearer secret"
    assert other_raw_server.requests[0].line.startswith("POST /v1 ")


def test_what_an_auth_asks_for_is_bounded_by_the_attempt(make_client, raw_server, other_raw_server):
    other_raw_server.script[:] = [other_raw_server.no_response]
    reporting = make_client(raw_server.url, auth=TokenAuth(other_raw_server.url), retry=ONCE, timeout=0.2)
    with pytest.raises(RequestTimeoutError):
        reporting.get_counter("currentCalls")
    assert not raw_server.requests


@OURS
def test_a_call_in_flight_ends_well_where_the_client_is_closed_meanwhile(make_client, raw_server, released):
    reporting = make_client(raw_server.url, retry=ONCE)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(reporting.get_counter, "currentCalls")
        raw_server.wait_for_requests(1)
        reporting.close()
        released.set()
        assert call.result().value == 7
    raw_server.wait_for_disconnects()
