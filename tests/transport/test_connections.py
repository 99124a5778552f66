"""Reuse and number of connections. Only the retry policy sends a request again."""

import socket
import struct
import threading

import httpx
import pytest

from sinch_reporting import AsyncReportingClient, ReportingError, RequestTimeoutError, RetryPolicy
from sinch_reporting._http.async_transport import AsyncTransport
from sinch_reporting._http.transport import Transport
from tests.support.raw_server import COUNTER, RawServer, disconnect, response
from tests.transport.conftest import ONCE, concurrent_calls

TWICE = RetryPolicy(attempts=2, backoff_base=0)


@pytest.fixture
def make_transport(make_client):
    """Return a function that makes a default transport with other limits."""
    kind = AsyncTransport if make_client.client_class is AsyncReportingClient else Transport

    def make(**options):
        return kind(ssl_context=httpx.create_ssl_context(), **options)

    return make


def reset(connection):
    """Close the connection as if the peer did not know it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def held(server, release):
    """Return a step that responds when an event is set."""

    def step(connection):
        assert release.wait(30) or server.stopped.is_set()
        connection.sendall(COUNTER)

    return step


def test_an_idle_connection_that_the_server_closed_costs_no_attempt(make_client, route):
    def respond_and_close(connection):
        connection.sendall(COUNTER)
        disconnect(connection)

    route.server.script[:] = [respond_and_close]
    reporting = make_client(route.url, retry=ONCE, allow_http=True)
    for count in (1, 2, 3):
        assert reporting.get_counter("currentCalls").value == 7
        route.wait_until_readable()
        assert route.server.connections == count


def test_after_a_network_change_a_call_loses_at_most_one_attempt(make_client, route):
    lose_at_most_one_attempt(make_client, route, reset, timeout=30)


def test_eight_silent_idle_connections_cost_at_most_one_attempt(make_client, plain):
    lose_at_most_one_attempt(make_client, plain, plain.server.no_response, timeout=2)


def lose_at_most_one_attempt(make_client, route, end, timeout):
    attempts = []
    reporting = make_client(route.url, retry=TWICE, allow_http=True, on_attempt=attempts.append)
    release = threading.Event()
    route.server.script[:] = [held(route.server, release)]
    with concurrent_calls(8, reporting.get_counter, "currentCalls") as calls:
        route.server.wait_for_requests(8)
        release.set()
        assert [call.result().value for call in calls] == [7] * 8
    assert route.server.connections == 8
    attempts.clear()
    dead = set(route.server.open_sockets)
    route.server.script[:] = [lambda connection: end(connection) if connection in dead else connection.sendall(COUNTER)]
    assert reporting.with_options(timeout=timeout).get_counter("currentCalls").value == 7
    assert len(attempts) == 2
    assert reporting.get_counter("currentCalls").value == 7
    assert len(attempts) == 3
    assert len(route.client_sockets()) == 1


def test_a_client_opens_at_most_100_connections(make_client, raw_server):
    release = threading.Event()
    raw_server.script[:] = [held(raw_server, release)]
    reporting = make_client(raw_server.url, retry=ONCE, timeout=60)
    with concurrent_calls(130, reporting.get_counter, "currentCalls") as calls:
        raw_server.wait_for_requests(100)
        release.set()
        assert [call.result().value for call in calls] == [7] * 130
    assert raw_server.connections == 100


def test_calls_wait_for_a_connection_within_their_time(make_client, make_transport, plain):
    release = threading.Event()
    plain.server.script[:] = [held(plain.server, release)]
    reporting = make_client(plain.url, retry=ONCE, transport=make_transport(max_connections=2))
    with concurrent_calls(6, reporting.get_counter, "currentCalls") as calls:
        plain.server.wait_for_requests(2)
        with pytest.raises(RequestTimeoutError, match="while waiting for a free connection"):
            reporting.with_options(timeout=0.2).get_counter("currentCalls")
        release.set()
        assert [call.result().value for call in calls] == [7] * 6
    assert plain.server.connections == 2


def test_a_connection_that_was_idle_too_long_is_closed(make_client, make_transport, plain):
    reporting = make_client(plain.url, transport=make_transport(keepalive_seconds=-1))
    for count in (1, 2, 3):
        assert reporting.get_counter("currentCalls").value == 7
        assert plain.server.connections == count
        plain.server.wait_for_disconnects(1)


def half_a_response(connection):
    connection.sendall(COUNTER[: len(COUNTER) - 10])
    disconnect(connection)


def half_a_head(connection):
    connection.sendall(COUNTER[:20])
    disconnect(connection)


ENDS = {
    "close": disconnect,
    "reset": reset,
    "half a response": half_a_response,
    "half a head": half_a_head,
    "silence": RawServer.no_response,
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "two lengths": response("{}", Content_Length="2", content_length="3"),
    "408": response("", "408 Request Timeout", Connection="close"),
    "503": response("", "503 Service Unavailable"),
}


@pytest.mark.parametrize("reused", [False, True], ids=["new connection", "reused connection"])
def test_only_the_retry_policy_sends_a_request_again(make_client, direct, reused):
    for name, end in ENDS.items():
        reporting = make_client(direct.url, retry=ONCE, timeout=0.5 if name == "silence" else 30)
        direct.server.requests.clear()
        direct.server.script[:] = [COUNTER, end] if reused else [end]
        if reused:
            reporting.get_counter("currentCalls")
        with pytest.raises(ReportingError) as caught:
            reporting.get_counter("currentCalls")
        assert caught.value.attempts == 1, name
        assert len(direct.server.requests) == 1 + reused, name
