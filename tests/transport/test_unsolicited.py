"""An unsolicited response is never used for the next request: it could be another number's report."""

import contextlib
import json
import os
import socket
import ssl
import threading

from sinch_reporting import APIError, DecodeError
from tests.support.proxies import HTTPSProxy
from tests.support.raw_server import response
from tests.transport.conftest import ONCE, Route

CORK = getattr(socket, "TCP_CORK", 4)  # elsewhere it is TCP_NOPUSH


def counter(value):
    return response(json.dumps({"value": value, "modified": "2022-04-28T12:00:00Z"}))


def chunked(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    head = head.partition(b"\r\nContent-Length")[0] + b"\r\nTransfer-Encoding: chunked"
    return head + b"\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def in_one_segment(connection, solicited, surplus):
    connection.sendall(solicited + surplus)


def as_second_record_in_one_segment(connection, solicited, surplus):
    connection.setsockopt(socket.IPPROTO_TCP, CORK, 1)
    connection.sendall(solicited)
    connection.sendall(surplus)
    connection.setsockopt(socket.IPPROTO_TCP, CORK, 0)


def in_its_own_segment(connection, solicited, surplus):
    connection.sendall(solicited)
    threading.Event().wait(0.02)
    connection.sendall(surplus)


def split_in_half(connection, solicited, surplus):
    half = len(surplus) // 2
    in_its_own_segment(connection, solicited + surplus[:half], surplus[half:])


def with_most_of_a_record(connection, solicited, surplus):
    """Send the response, and all but the end of what the connection sends for the surplus: of a record, with TLS."""
    descriptor = connection.fileno()
    original = os.dup(descriptor)
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(fileno=original) as unencrypted:
        os.dup2(theirs.fileno(), descriptor)
        connection.sendall(solicited)
        connection.sendall(surplus)
        os.dup2(original, descriptor)
        unencrypted.sendall(ours.recv(65536)[:-20])


def test_an_unsolicited_response_is_never_used(make_client, route):
    assert_unsolicited_is_not_used(make_client, route, bytes)


def test_an_unsolicited_response_after_chunks_is_never_used(make_client, direct):
    assert_unsolicited_is_not_used(make_client, direct, chunked)


def test_an_unsolicited_response_through_an_https_proxy_is_never_used(
    make_client, server, authority, tmp_path, monkeypatch
):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))  # also verifies the proxy
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPSProxy(server.port, context) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        route = Route(server, server.url.replace("127.0.0.1", "reporting.example"), proxy.port)
        assert_unsolicited_is_not_used(make_client, route, bytes)


def assert_unsolicited_is_not_used(make_client, route, frame):
    reporting = make_client(route.url, retry=ONCE, allow_http=True)
    sent = threading.Event()
    ways = (in_one_segment, as_second_record_in_one_segment, in_its_own_segment, split_in_half, with_most_of_a_record)
    for send in ways:

        def step(connection, send=send):
            send(connection, frame(counter(7)), frame(counter(99)))
            sent.set()

        route.server.script[:] = [step, frame(counter(8))]
        route.server.requests.clear()
        assert reporting.get_counter("currentCalls").value == 7
        assert sent.wait(30)
        sent.clear()
        if send is in_its_own_segment:
            route.wait_until_readable()
        assert reporting.get_counter("currentCalls").value == 8, send.__name__
        assert len(route.server.requests) == 2


def test_nothing_that_follows_an_odd_response_is_used(make_client, direct):
    size = 64 * 1024
    fills_a_read = response(counter(7).partition(b"\r\n\r\n")[2].ljust(2 * size - len(response(bytes(size)))))
    assert len(fills_a_read) == size
    odd = {
        "fills a read": fills_a_read + counter(99),
        "204 with chunks": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "304 with chunks": b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "trailers": chunked(counter(7)).removesuffix(b"\r\n") + b"X: y\r\n\r\n" + chunked(counter(99)),
        "two lengths": counter(7).replace(b"\r\n\r\n", b"\r\nContent-Length: 48\r\n\r\n") + counter(99),
        "too small a length": counter(7).replace(b": 48", b": 1") + counter(99),
        "both framing headers": chunked(counter(7)).replace(b"Tr", b"Content-Length: 1\r\nTr", 1) + counter(99),
        "informational response": b"HTTP/1.1 103 Early Hints\r\n\r\n" + counter(7) + counter(99),
        "informational response after": counter(7) + b"HTTP/1.1 103 Early Hints\r\n\r\n" + counter(99),
    }
    reporting = make_client(direct.url, retry=ONCE)
    for name, raw in odd.items():
        direct.server.script[:] = [raw, counter(8)]
        direct.server.requests.clear()
        with contextlib.suppress(APIError, DecodeError):
            assert reporting.get_counter("currentCalls").value == 7, name
        assert reporting.get_counter("currentCalls").value == 8, name


def test_connections_are_reused_if_nothing_unsolicited_arrived(make_client, route):
    reporting = make_client(route.url, retry=ONCE, allow_http=True)
    for frame in (bytes, chunked):
        route.server.script[:] = [frame(counter(7))]
        for _ in range(3):
            assert reporting.get_counter("currentCalls").value == 7
    assert route.server.connections == 1


def test_a_408_on_an_idle_connection_is_not_used(make_client, direct):
    sent = threading.Event()

    def respond_then_time_out(connection):
        in_its_own_segment(connection, counter(7), response("", "408 Request Timeout", Connection="close"))
        connection.shutdown(socket.SHUT_RDWR)
        sent.set()

    direct.server.script[:] = [respond_then_time_out, counter(8)]
    reporting = make_client(direct.url, retry=ONCE)
    assert reporting.get_counter("currentCalls").value == 7
    assert sent.wait(30)
    direct.wait_until_readable()
    assert reporting.get_counter("currentCalls").value == 8
