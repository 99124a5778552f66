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
from tests.support.wire import COUNTER, Wire, answer

ONCE = RetryPolicy(attempts=1)
OURS = pytest.mark.parametrize("make", ["sync", "asyncio"], indirect=True)


@pytest.fixture
def other_wire():
    """Return another server like `wire`."""
    with Wire([COUNTER]) as server:
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
def released(wire):
    """Return the event for which the server waits with its answer."""
    event = threading.Event()

    def held(connection):
        event.wait(30)
        connection.sendall(COUNTER)

    wire.steps[:] = [held]
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
def test_the_next_address_is_tried_where_one_refuses(make, wire, addresses):
    with socket.create_server(("127.0.0.1", 0)) as server:
        refusing = server.getsockname()[1]
    addresses += [refusing, wire.port]
    assert make("http://127.0.0.1:1/v1", retry=ONCE).get_counter("currentCalls").value == 7


@OURS
def test_an_address_that_is_silent_leaves_time_for_the_next(make, wire, addresses, silent):
    addresses += [silent, wire.port]
    began = time.monotonic()
    assert make("http://127.0.0.1:1/v1", retry=ONCE, timeout=2).get_counter("currentCalls").value == 7
    assert 0.9 < time.monotonic() - began < 2


@OURS
def test_a_host_that_is_silent_ends_the_attempt_in_time(make, addresses, silent):
    addresses += [silent] * 2
    reporting = make("http://127.0.0.1:1/v1", retry=ONCE, timeout=0.2)
    with pytest.raises(RequestTimeoutError, match="ConnectTimeout"):
        reporting.get_counter("currentCalls")


@OURS
def test_calls_wait_for_a_connection_within_their_time(make, wire, released, monkeypatch):
    for module in (socket_transport, asyncio_transport):
        monkeypatch.setattr(module, "CONNECTIONS", 1)
    reporting = make(wire.url, retry=ONCE)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(reporting.get_counter, "currentCalls")
        wire.wait_for_requests(1)
        with pytest.raises(RequestTimeoutError, match="PoolTimeout"):
            reporting.with_options(timeout=0.1).get_counter("currentCalls")
        released.set()
        assert first.result().value == 7
    assert reporting.get_counter("currentCalls").value == 7
    assert wire.connections == 1


@OURS
def test_a_connection_that_waited_too_long_is_not_used_again(make, wire, monkeypatch):
    monkeypatch.setattr("sinch_reporting.http1.KEEPALIVE_SECONDS", -1)
    reporting = make(wire.url)
    for _ in range(3):
        assert reporting.get_counter("currentCalls").value == 7
    assert wire.connections == 3


def test_connections_are_used_again(make, wire):
    reporting = make(wire.url)
    for _ in range(5):
        assert reporting.get_counter("currentCalls").value == 7
    assert wire.connections == 1


def test_a_cancelled_connect_leaves_no_socket_open(wire, monkeypatch):
    async def getaddrinfo(_loop, *arguments, **options):
        # Without a thread, whose time would hide the moment that matters.
        return socket.getaddrinfo(*arguments, **options)

    async def main():
        async with AsyncReportingClient(KEY, SECRET, base_url=wire.url) as reporting:
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
    assert wire.connections > 0
    wire.wait_for_hang_ups()


class TokenAuth(httpx.Auth):
    """Fetches a token first, from another server."""

    requires_response_body = True

    def __init__(self, url):
        self._url = url

    def auth_flow(self, request):
        answered = yield httpx.Request("POST", self._url, content=b"")
        request.headers["Authorization"] = f"Bearer {answered.json()['token']}"
        yield request


def test_an_auth_may_ask_another_server_first(make, wire, other_wire):
    other_wire.steps[:] = [answer(json.dumps({"token": "secret"}))]
    reporting = make(wire.url, auth=TokenAuth(other_wire.url))
    assert reporting.get_counter("currentCalls").value == 7
    assert wire.requests[0].headers["authorization"] == "Bearer secret"
    assert other_wire.requests[0].line.startswith("POST /v1 ")


def test_what_an_auth_asks_for_is_bounded_by_the_attempt(make, wire, other_wire):
    other_wire.steps[:] = [other_wire.silence]
    reporting = make(wire.url, auth=TokenAuth(other_wire.url), retry=ONCE, timeout=0.2)
    with pytest.raises(RequestTimeoutError):
        reporting.get_counter("currentCalls")
    assert not wire.requests


@OURS
def test_a_call_in_flight_ends_well_where_the_client_is_closed_meanwhile(make, wire, released):
    reporting = make(wire.url, retry=ONCE)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(reporting.get_counter, "currentCalls")
        wire.wait_for_requests(1)
        reporting.close()
        released.set()
        assert call.result().value == 7
    wire.wait_for_hang_ups()
