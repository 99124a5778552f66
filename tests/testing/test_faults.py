"""Faults: their values without a socket, and what plain sockets, http.client and httpx see of each."""

import gc
import http.client
import json
import pickle
import socket
import time
import zlib
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import attrs
import httpx
import pytest

from sinch_reporting.testing import Sandbox, faults
from sinch_reporting.testing._actions import Response
from sinch_reporting.testing.faults import (
    DEFAULT_CHAOS,
    ClockSkew,
    ConnectionReset,
    Delay,
    DropKeepAlive,
    GzipBomb,
    HtmlPage,
    HugeHeader,
    InvalidJson,
    InvalidUtf8,
    NoResponse,
    NotHttp,
    Raw,
    Redirect,
    RefuseConnections,
    SlowDrip,
    Status,
    Truncate,
    WrongContentLength,
    WrongTypes,
)
from sinch_reporting.testing.faults._cli_syntax import parse
from tests.support.raw_requests import SERVICE, basic, connect, exchange, receive, request, send

BODY = b'{"status":"up"}'
NORMAL = Response(200, BODY, {"content-type": "application/json"})
NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
ENDLESS = [NoResponse(), SlowDrip("body"), SlowDrip("headers"), Delay(600), WrongContentLength(10)]


def response_of(fault):
    """Return the response that a fault sends, from its plan."""
    plan = fault.plan(NORMAL, NOW)
    [response] = plan.actions
    assert plan.status == response.status
    return response


# Responses, without a socket


@pytest.mark.parametrize(
    ("fault", "code", "status", "message"),
    [
        (Status(503), 50300, "503 Service Unavailable", "Temporarily down."),
        (Status(429), 42900, "429 Too Many Requests", "The request capacity is exceeded."),
        (Status(429, code=42901), 42901, "429 Too Many Requests", "The velocity constraint is exceeded."),
        (Status(401, code=40103), 40103, "401 Unauthorized", "Already authorized."),
        (Status(401, code=40104), 40104, "401 Unauthorized", "Not authorized and signed with the application secret."),
        (Status(401, code=40105), 40105, "401 Unauthorized", "The authorization has expired."),
        (Status(401, code=40107), 40107, "401 Unauthorized", "Wrong type of authorization, key or password."),
        (Status(403, code=40302), 40302, "403 Forbidden", "An error of the Sandbox."),
        (Status(403, code=40303), 40303, "403 Forbidden", "An error of the Sandbox."),
        (Status(409), 40900, "409 Conflict", "An error of the Sandbox."),
        (Status(503, code=50301), 50301, "503 Service Unavailable", "Configuration error."),
        (Status(200, code=50000), 50000, "200 OK", "Internal error."),
        (Status(503, code=50500), 50500, "503 Service Unavailable", "An error of the Sandbox."),
        (Status(403, code=40400, body_status=500), 40400, "500 Internal Server Error", "Not found."),
        (Status(200, body_status=404), 20000, "404 Not Found", "An error of the Sandbox."),
    ],
)
def test_a_status_has_the_error_json_of_the_api(fault, code, status, message):
    response = response_of(fault)
    body = json.loads(response.body)
    assert (body["errorCode"], body["status"], body["message"]) == (code, status, message)
    assert response.headers["content-type"] == "application/json"
    assert len(body["reference"]) == 36


@pytest.mark.parametrize(
    ("fault", "headers", "body"),
    [
        (Status(200), {}, b""),
        (Status(500, body=""), {}, b""),
        (Status(502, body="Bad gateway"), {"content-type": "text/plain; charset=utf-8"}, b"Bad gateway"),
        (
            Status(200, body="{}", headers={"X-Thing": "1", "Content-Type": "application/json"}),
            {"content-type": "application/json", "x-thing": "1"},
            b"{}",
        ),
        (Status(503, body="", retry_after=2), {"retry-after": "2"}, b""),
        (Status(503, body="", retry_after=0.5), {"retry-after": "0.5"}, b""),
        (Status(503, body="", retry_after=1_000_000), {"retry-after": "1000000"}, b""),
        (Status(429, body="", retry_at=90), {"retry-after": "Fri, 20 Nov 2026 12:02:00 GMT"}, b""),
        (Redirect("https://example.com/v1"), {"location": "https://example.com/v1"}, b""),
    ],
)
def test_a_status_has_the_given_body_and_headers(fault, headers, body):
    response = response_of(fault)
    assert response.headers == {"date": "Fri, 20 Nov 2026 12:00:30 GMT", **headers}
    assert response.body == body


@pytest.mark.parametrize(("fault", "hours"), [(ClockSkew(), 3), (ClockSkew(-1.5), -1.5)])
def test_a_clock_skew_is_visible_in_the_date(fault, hours):
    response = response_of(fault)
    assert (response.status, json.loads(response.body)["errorCode"]) == (401, 40101)
    assert parsedate_to_datetime(response.headers["date"]) == NOW + timedelta(hours=hours)


def test_bodies_that_are_not_json_are_complete():
    assert response_of(HtmlPage()).headers["content-type"] == "text/html; charset=utf-8"
    for fault, error in [(InvalidUtf8(), UnicodeDecodeError), (InvalidJson(), json.JSONDecodeError)]:
        with pytest.raises(error):
            json.loads(response_of(fault).body)


def test_each_field_has_a_wrong_type():
    values = json.loads(response_of(WrongTypes()).body)
    assert not any(type(values.pop(name)) is int for name in ("success", "failed", "duration", "value"))
    assert not any(isinstance(values.pop(name), str) for name in ("start", "modified", "status"))
    assert values == {}


def test_a_gzip_bomb_is_small_on_the_wire():
    body = response_of(GzipBomb()).body
    assert len(body) < 2**19
    unzip, size = zlib.decompressobj(31), 0
    while not unzip.eof:
        size += len(unzip.decompress(body, 2**20))
        body = unzip.unconsumed_tail
    assert (size, unzip.unused_data) == (256 * 2**20 + 2, b"")


# Values


def test_a_fault_is_a_value():
    for fault in [*DEFAULT_CHAOS, *ENDLESS, Raw(b"x"), Redirect("/"), RefuseConnections()]:
        assert eval(repr(fault), vars(faults)) == fault == pickle.loads(pickle.dumps(fault))
        assert hash(fault) == hash(pickle.loads(pickle.dumps(fault)))
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            fault.seconds = 3


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Status(503.0, retry_after=2.0, headers={"a": "b"}), "Status(503, retry_after=2, headers={'a': 'b'})"),
        (Status(500, body=""), "Status(500, body='')"),
        (ConnectionReset(when="in headers"), "ConnectionReset('in headers')"),
        (SlowDrip(seconds=0.5), "SlowDrip(seconds=0.5)"),
        (ClockSkew(hours=-3), "ClockSkew(-3)"),
    ],
)
def test_the_repr_is_the_shortest_expression(fault, text):
    assert repr(fault) == text


@pytest.mark.parametrize(
    ("create", "words"),
    [
        (lambda: Status(99), "three digits"),
        (lambda: Status(403, body_status=4), "three digits"),
        (lambda: Status(204, body="x"), "has no body"),
        (lambda: Status(304, body_status=404), "has no body"),
        (lambda: Status(401, body="x", code=40105), "one or the other"),
        (lambda: Status(503, retry_after=-1), "seconds must be"),
        (lambda: Status(503, headers={"a b": "c"}), "not a valid HTTP header"),
        (lambda: Status(503, headers={"a": "b\r\nc: d"}), "not a valid HTTP header"),
        (lambda: Redirect("/\n"), "not a valid HTTP header"),
        (lambda: Delay(float("inf")), "seconds must be"),
        (lambda: ConnectionReset("now"), "'before headers', 'in headers', 'after headers'"),
        (lambda: SlowDrip("all"), "'body', 'headers'"),
        (lambda: Truncate(1), "less than 1"),
        (lambda: GzipBomb(0), "size must be"),
        (lambda: ClockSkew(float("nan")), "hours must be"),
    ],
)
def test_an_impossible_fault_is_rejected(create, words):
    with pytest.raises(ValueError, match=words):
        create()


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("ok", None),
        ("503", Status(503)),
        ("503:retry-after=2", Status(503, retry_after=2)),
        ("429:retry-at=60,body=a=b, c", Status(429, retry_at=60, body="a=b, c")),
        ("401:code=40102,body-status=403", Status(401, code=40102, body_status=403)),
        ("redirect:https://example.com/?a=b,c", Redirect("https://example.com/?a=b,c")),
        ("redirect:location=/,status=301", Redirect("/", 301)),
        ("delay:0.5", Delay(0.5)),
        ("connection-reset", ConnectionReset()),
        ("connection-reset:when=after-headers", ConnectionReset("after headers")),
        ("drop-keep-alive:on-next-request", DropKeepAlive("on next request")),
        ("slow-drip:headers,seconds=0.1", SlowDrip("headers", 0.1)),
        ("gzip-bomb:16", GzipBomb(16)),
        ("clock-skew:hours=-3", ClockSkew(-3)),
    ],
)
def test_the_command_line_can_express_a_fault(spec, fault):
    assert parse(spec) == fault


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("explode", "unknown fault 'explode'; the faults are ok, clock-skew, "),
        ("503:teapot", "'teapot' is not an option of status; its options: status, body, "),
        ("503:retry-after=soon", "'soon'"),
        ("connection-reset:later", "when must be one of 'before headers', "),
        ("no-response:3", "'3' is not an option of no-response; its options: none"),
        ("delay", "delay needs its seconds: delay:SECONDS"),
    ],
)
def test_the_command_line_explains_an_invalid_fault(spec, words):
    with pytest.raises(ValueError, match=f"--fault '{spec}'") as caught:
        parse(spec)
    assert words in str(caught.value)


# On the wire


@pytest.fixture(scope="module")
def running():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.clear_faults()
    running.requests.clear()
    return running


@pytest.fixture
def kept(sandbox):
    """Return a connection of http.client, which is kept alive."""
    with closing(http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)) as connection:
        yield connection


def request_on(connection):
    connection.request("GET", SERVICE, headers=basic())
    response = connection.getresponse()
    return response.status, response.read()


def is_reachable(sandbox):
    try:
        return request(sandbox).status == 200
    except OSError:
        return False


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline


@pytest.mark.parametrize("status", [204, 304, 599])
def test_a_final_status_keeps_the_connection(sandbox, kept, status):
    sandbox.fail_next(Status(status))
    assert request_on(kept)[0] == status
    assert request_on(kept) == (200, BODY)


@pytest.mark.parametrize("status", [100, 777])
def test_other_statuses_close_the_connection(sandbox, status):
    sandbox.fail_next(Status(status))
    received, end = exchange(sandbox)
    assert (received.split()[1], end) == (str(status).encode(), "closed")


def test_a_small_gzip_bomb_is_valid_for_httpx(sandbox):
    sandbox.fail_next(GzipBomb(2))
    with httpx.Client(trust_env=False, verify=False) as client:
        response = client.get(sandbox.url)
    assert (len(response.content), response.json()) == (2**21 + 2, {})


def test_a_huge_header_exceeds_the_limit_of_clients(sandbox, kept):
    sandbox.fail_next(HugeHeader())
    with pytest.raises(http.client.LineTooLong):
        request_on(kept)


def test_a_delay_comes_before_the_normal_response(sandbox):
    sandbox.fail_next(Delay(0.1))
    began = time.monotonic()
    assert request(sandbox).json == {"status": "up"}
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize(
    ("fault", "head"),
    [(NoResponse(), b""), (WrongContentLength(10), f"content-length: {len(BODY) + 10}\r\n".encode())],
    ids=repr,
)
def test_the_client_waits_on_an_open_connection(sandbox, fault, head):
    sandbox.fail_next(fault)
    with connect(sandbox) as connection:
        send(connection)
        received, _ = receive(connection, BODY if head else b"")
        assert head in received
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


@pytest.mark.parametrize(("when", "complete"), [("before headers", b""), ("in headers", b"HTTP/1.1 200 OK\r\n")])
def test_a_reset_comes_before_or_in_the_headers(sandbox, when, complete):
    sandbox.fail_next(ConnectionReset(when))
    received, end = exchange(sandbox)
    assert (received[: len(complete)], end) == (complete, "reset")
    assert b"\r\n\r\n" not in received


def test_a_reset_comes_after_the_headers(sandbox):
    sandbox.fail_next(ConnectionReset("after headers"))
    received, end = exchange(sandbox)
    assert f"content-length: {len(BODY)}\r\n".encode() in received
    assert (received[-4:], end) == (b"\r\n\r\n", "reset")


@pytest.mark.parametrize(("share", "length"), [(0.5, 7), (0, 0)])
def test_a_body_is_truncated(sandbox, kept, share, length):
    sandbox.fail_next(Truncate(share))
    with pytest.raises(http.client.IncompleteRead) as caught:
        request_on(kept)
    assert caught.value.partial == BODY[:length]


@pytest.mark.parametrize(("part", "beginning"), [("body", b"\r\n\r\n{  "), ("headers", b"\r\nx-drip: xx")])
def test_a_slow_drip_comes_byte_by_byte(sandbox, part, beginning):
    sandbox.fail_next(SlowDrip(part, seconds=0.001))
    with connect(sandbox) as connection:
        send(connection)
        received, _ = receive(connection, beginning)
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        pieces = [connection.recv(10) for _ in range(20)]
        assert b"" not in pieces
        assert pieces.count(pieces[0][:1]) > 1


def test_a_length_that_is_too_small_leaves_bytes_before_the_next_response(sandbox):
    sandbox.fail_next(WrongContentLength(-4))
    with connect(sandbox) as connection:
        send(connection)
        received, _ = receive(connection, BODY)
        assert f"content-length: {len(BODY) - 4}\r\n".encode() in received
        send(connection)
        received, _ = receive(connection, b"\r\n\r\n" + BODY)
        assert received.startswith(b"HTTP/1.1 200 OK")
    assert [received.fault for received in sandbox.requests] == [WrongContentLength(-4), None]


def test_bytes_are_sent_unchanged(sandbox):
    sandbox.fail_next(NotHttp(), Raw(b"\r\n\r\n"), Raw(b"HTTP/1.1 302 Off\r\n\r\n"))
    assert b"not HTTP" in exchange(sandbox)[0]
    assert exchange(sandbox) == (b"\r\n\r\n", "closed")
    assert exchange(sandbox) == (b"HTTP/1.1 302 Off\r\n\r\n", "closed")
    assert [received.status for received in sandbox.requests] == [None, None, 302]


def test_a_kept_connection_is_closed_at_once(sandbox):
    sandbox.fail_next(DropKeepAlive())
    received, end = exchange(sandbox)
    assert b"\r\nconnection: keep-alive\r\n" in received
    assert (received[-len(BODY) :], end) == (BODY, "closed")


def test_a_kept_connection_is_closed_when_the_next_request_arrives(sandbox, kept):
    drop = DropKeepAlive("on next request")
    sandbox.fail_next(drop, Status(503))
    assert request_on(kept) == (200, BODY)
    with pytest.raises(http.client.RemoteDisconnected):
        request_on(kept)
    assert request_on(kept)[0] == 503  # http.client has connected again
    expected = [(200, drop), (None, drop), (503, Status(503))]
    assert [(received.status, received.fault) for received in sandbox.requests] == expected


def test_a_fault_ignores_the_credentials_unless_it_sends_the_normal_response(sandbox):
    sandbox.fail_next(Status(200), Delay(0), path="/services/")
    assert [request(sandbox, headers={}).status for _ in range(3)] == [200, 401, 401]
    assert [received.fault for received in sandbox.requests] == [Status(200), Delay(0), None]


# Refused connections


def test_connections_are_refused_and_then_accepted_on_the_same_port(sandbox, kept):
    before = sandbox.url
    request_on(kept)
    with sandbox.refuse_connections(), socket.socket() as other:
        with pytest.raises(ConnectionRefusedError):
            connect(sandbox)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            request_on(kept)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", urlsplit(sandbox.url).port))
    assert request_on(kept) == (200, BODY)
    assert (sandbox.url, len(sandbox.requests)) == (before, 2)


def test_nested_refusals_end_with_the_outer_one(sandbox):
    with sandbox.refuse_connections():
        with sandbox.refuse_connections():
            pass
        with pytest.raises(ConnectionRefusedError):
            connect(sandbox)
    assert request(sandbox).status == 200


def test_a_response_in_progress_arrives_while_others_are_refused(sandbox):
    sandbox.fail_next(Delay(0.2))
    with connect(sandbox) as connection:
        send(connection)
        wait_until(lambda: sandbox.requests)
        with sandbox.refuse_connections():
            received, end = receive(connection)
    assert (received[-len(BODY) :], end) == (BODY, "closed")


def test_a_fault_refuses_for_some_seconds(sandbox):
    sandbox.fail_next(RefuseConnections(0.2))
    assert exchange(sandbox) == (b"", "closed")
    with pytest.raises(ConnectionRefusedError):
        connect(sandbox)
    wait_until(lambda: is_reachable(sandbox))
    assert [received.status for received in sandbox.requests] == [None, 200]


def test_a_stopped_sandbox_cannot_refuse():
    with pytest.raises(RuntimeError, match="not running"), Sandbox().refuse_connections():
        pass


def test_a_sandbox_can_be_stopped_and_started_while_it_refuses():
    with Sandbox() as sandbox:
        with sandbox.refuse_connections():
            sandbox.stop()
            sandbox.start()
            assert request(sandbox).status == 200
        assert request(sandbox).status == 200
        sandbox.fail_next(RefuseConnections(600))
        exchange(sandbox)
    gc.collect()  # reports an unclosed socket


# The end of faults


def test_chaos_ends_soon_for_each_request(sandbox, caplog):
    sandbox.chaos(1, seed=4)
    while {received.fault for received in sandbox.requests} < set(DEFAULT_CHAOS):
        exchange(sandbox, close=True)
        assert len(sandbox.requests) < 1000
    sandbox.clear_faults()
    assert (request(sandbox).status, caplog.records) == (200, [])


def test_an_endless_fault_ends_when_its_client_disconnects(sandbox):
    for fault in ENDLESS:
        sandbox.requests.clear()
        sandbox.fail_next(fault)
        with connect(sandbox) as connection:
            send(connection)
            wait_until(lambda: sandbox.requests)
            connection.shutdown(socket.SHUT_WR)
            assert receive(connection)[1] in {"closed", "reset"}


def test_a_sandbox_stops_at_once_while_its_connections_are_idle():
    elapsed = []
    for _ in range(5):
        with ExitStack() as stack:
            with Sandbox() as sandbox:
                connection = stack.enter_context(connect(sandbox))
                send(connection)
                receive(connection, until=BODY)
                began = time.monotonic()
            elapsed.append(time.monotonic() - began)
    assert min(elapsed) < 0.05  # the others belong to a busy machine


def test_a_sandbox_stops_soon_during_every_fault(caplog):
    unread = Status(200, body="x" * 10_000_000)
    with ExitStack() as stack:
        with Sandbox() as sandbox:
            for fault in [*ENDLESS, unread, DropKeepAlive("on next request"), RefuseConnections(600)]:
                sandbox.fail_next(fault)
                send(stack.enter_context(connect(sandbox)))
                wait_until(lambda: fault in {received.fault for received in sandbox.requests})  # noqa: B023
            began = time.monotonic()
        assert time.monotonic() - began < 10  # unlike 600
    gc.collect()  # reports an unclosed socket
    assert caplog.records == []
