"""A host may have several addresses: one that does not work delays a new connection only a little."""

import socket
import threading
import time
from contextlib import ExitStack

import pytest

from sinch_reporting import ReportingClient, RequestTimeoutError, TransportError
from tests.support.callers import KEY, SECRET
from tests.transport.conftest import ONCE


@pytest.fixture
def unreachable(server):
    """Return an address on which the server's port accepts no connection: the queue of its listener is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.2", server.port), backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield "127.0.0.2"


def url(server):
    return server.url.replace("127.0.0.1", "reporting.example")


def test_an_unreachable_first_address_delays_a_connection_by_less_than_a_second(
    make_client, server, resolve, unreachable
):
    resolve("reporting.example", lambda: [unreachable, "127.0.0.1"])
    delays = []
    for _ in range(3):
        reporting = make_client(url(server), retry=ONCE, timeout=30, allow_http=True)
        started = time.monotonic()
        assert reporting.get_counter("currentCalls").value == 7
        delays.append(time.monotonic() - started)
    assert min(delays) < 1  # the others may be due to a busy machine
    assert server.connections == 3


def test_the_next_address_is_tried_if_one_refuses(make_client, raw_server, resolve):
    resolve("reporting.example", lambda: ["127.0.0.2", "127.0.0.1"])
    reporting = make_client(url(raw_server), retry=ONCE, allow_http=True)
    assert reporting.get_counter("currentCalls").value == 7


def test_name_resolution_uses_no_lock_that_ctrl_c_can_break(monkeypatch):
    # `Thread.start` waits with a lock that an interrupt may leave unlocked.
    monkeypatch.setattr(threading.Thread, "start", None)
    with (
        ReportingClient(KEY, SECRET, base_url="http://127.0.0.1:1/v1", retry=ONCE) as reporting,
        pytest.raises(TransportError, match="connection refused"),
    ):
        reporting.get_counter("currentCalls")


def test_an_exception_of_a_signal_handler_is_not_an_unreachable_address(server, resolve, monkeypatch):
    own, connect, calls = TimeoutError("soft limit"), socket.create_connection, []

    def interrupted_once(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            raise own
        return connect(*arguments, **options)

    monkeypatch.setattr(socket, "create_connection", interrupted_once)
    resolve("reporting.example", lambda: ["127.0.0.2", "127.0.0.1"])
    client = ReportingClient(KEY, SECRET, base_url=url(server), allow_http=True)
    with client, pytest.raises(TimeoutError) as caught:
        client.get_counter("currentCalls")
    assert caught.value is own


def test_a_host_whose_addresses_are_all_unreachable_ends_the_attempt_in_time(make_client, server, resolve, unreachable):
    resolve("reporting.example", lambda: [unreachable])
    reporting = make_client(url(server), retry=ONCE, timeout=0.5, allow_http=True)
    with pytest.raises(RequestTimeoutError, match="while connecting"):
        reporting.get_counter("currentCalls")


def test_a_host_without_a_working_address_is_a_transport_error(make_client, raw_server, resolve):
    resolve("reporting.example", lambda: ["127.0.0.2", "127.0.0.3"])
    reporting = make_client(url(raw_server), retry=ONCE, allow_http=True)
    with pytest.raises(TransportError, match="connection refused"):
        reporting.get_counter("currentCalls")


def test_an_unknown_host_is_a_transport_error(make_client, raw_server, resolve):
    # The standard library itself must raise the error: the program's own are passed on unchanged.
    resolve("reporting.example", lambda: socket.getaddrinfo("127.0.0.1", 1, socket.AF_INET6))
    reporting = make_client(url(raw_server), retry=ONCE, allow_http=True)
    with pytest.raises(TransportError, match="name not resolved"):
        reporting.get_counter("currentCalls")
