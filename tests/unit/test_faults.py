"""Faults of the Sandbox, seen from plain sockets, http.client and httpx; nothing here is our client."""

import base64
import gc
import http.client
import json
import os
import pickle
import re
import socket
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import attrs
import httpx
import pytest

from sinch_reporting.testing import Sandbox, faults
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

SERVICE = "/v1/services/rtpproxy"
NORMAL = b'{"status":"up"}'
NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
ENDLESS = [NoResponse(), SlowDrip("body"), SlowDrip("headers"), Delay(600), WrongContentLength(10)]


@pytest.fixture(scope="module")
def running():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.clear_faults()
    running.clock = lambda: NOW
    running.requests.clear()
    return running


def authorization(sandbox):
    pair = f"{sandbox.application_key}:{sandbox.application_secret}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def connect(sandbox):
    address = urlsplit(sandbox.url)
    return socket.create_connection((address.hostname, address.port), timeout=5)


def send(connection, sandbox):
    head = f"GET {SERVICE} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization(sandbox)}\r\n\r\n"
    connection.sendall(head.encode())


def receive(connection, until=None):
    """Return what arrives, until something has, and how it ended: "closed", "reset", or "open" if it did not."""
    received = b""
    try:
        while until is None or until not in received:
            piece = connection.recv(65536)
            if not piece:
                return received, "closed"
            received += piece
    except ConnectionResetError:
        return received, "reset"
    return received, "open"


def exchange(sandbox):
    """Return the bytes of one answer, and how its connection ended."""
    with connect(sandbox) as connection:
        send(connection, sandbox)
        return receive(connection)


def ask(sandbox):
    """Return a well-formed answer, unread as httpx sees it."""
    with httpx.Client(trust_env=False, verify=False, timeout=5) as client:
        return client.get(f"{sandbox.url}/services/rtpproxy", headers={"Authorization": authorization(sandbox)})


def status_of(url):
    """Return the status that a request without credentials gets; None if it gets none."""
    try:
        return httpx.get(f"{url}/services/rtpproxy", trust_env=False, verify=False, timeout=5).status_code
    except httpx.TransportError:
        return None


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


def faulty(sandbox, fault):
    sandbox.fail_next(fault)
    return ask(sandbox)


@pytest.fixture
def kept(sandbox):
    """Return a connection of http.client, which is kept alive."""
    with closing(http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=5)) as connection:
        yield connection


def ask_on(connection, sandbox):
    connection.request("GET", SERVICE, headers={"Authorization": authorization(sandbox)})
    response = connection.getresponse()
    return response.status, response.read()


# Answers


def test_a_status_brings_the_apis_error_json(sandbox):
    answer = faulty(sandbox, Status(503))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/json")
    body = answer.json()
    assert (body["errorCode"], body["status"]) == (50300, "503 Service Unavailable")
    assert body["message"]
    assert re.fullmatch(r"[0-9a-f-]{36}", body["reference"])
    assert faulty(sandbox, Status(401, code=40102)).json()["errorCode"] == 40102
    assert faulty(sandbox, Status(200, code=50000)).json()["errorCode"] == 50000


def test_a_status_brings_the_given_text_or_nothing(sandbox):
    answer = faulty(sandbox, Status(502, body="Bad gateway"))
    assert (answer.status_code, answer.text) == (502, "Bad gateway")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert faulty(sandbox, Status(500, body="")).content == b""
    assert faulty(sandbox, Status(200)).content == b""


def test_a_status_brings_the_given_headers(sandbox):
    answer = faulty(sandbox, Status(200, body="{}", headers={"X-Thing": "1", "Content-Type": "application/json"}))
    assert (answer.headers["x-thing"], answer.headers.get_list("content-type")) == ("1", ["application/json"])


@pytest.mark.parametrize(("seconds", "header"), [(2, "2"), (0, "0"), (0.5, "0.5"), (1_000_000, "1000000")])
def test_retry_after_comes_in_seconds(sandbox, seconds, header):
    assert faulty(sandbox, Status(503, retry_after=seconds)).headers["retry-after"] == header


def test_retry_after_comes_as_a_date_by_the_clock_of_the_sandbox(sandbox):
    headers = faulty(sandbox, Status(429, retry_at=90)).headers
    assert headers["retry-after"] == "Fri, 20 Nov 2026 12:02:00 GMT"
    assert headers["date"] == "Fri, 20 Nov 2026 12:00:30 GMT"


@pytest.mark.parametrize("status", [200, 204, 226, 304, 418, 451, 520, 599])
def test_any_final_status_keeps_the_connection(sandbox, kept, status):
    sandbox.fail_next(Status(status))
    assert ask_on(kept, sandbox)[0] == status
    assert ask_on(kept, sandbox) == (200, NORMAL)


@pytest.mark.parametrize("status", [100, 199, 600, 777, 999])
def test_a_status_that_http_does_not_end_with_closes_the_connection(sandbox, status):
    sandbox.fail_next(Status(status))
    received, end = exchange(sandbox)
    assert (received.split()[1], end) == (str(status).encode(), "closed")


def test_a_redirect_names_the_given_place(sandbox):
    answer = faulty(sandbox, Redirect("https://example.com/v1"))
    assert (answer.status_code, answer.headers["location"]) == (307, "https://example.com/v1")
    assert faulty(sandbox, Redirect("/", 301)).status_code == 301


@pytest.mark.parametrize(("fault", "hours"), [(ClockSkew(), 3), (ClockSkew(-1.5), -1.5)])
def test_a_clock_is_off_for_one_answer(sandbox, fault, hours):
    answer = faulty(sandbox, fault)
    assert (answer.status_code, answer.json()["errorCode"]) == (401, 40101)
    assert parsedate_to_datetime(answer.headers["date"]) == NOW + timedelta(hours=hours)
    assert parsedate_to_datetime(ask(sandbox).headers["date"]) == NOW


def test_html_comes_with_the_status_200(sandbox):
    answer = faulty(sandbox, HtmlPage())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("fault", "error"), [(InvalidUtf8(), UnicodeDecodeError), (InvalidJson(), json.JSONDecodeError)]
)
def test_a_body_that_is_no_json_comes_whole(sandbox, fault, error):
    answer = faulty(sandbox, fault)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(error):
        answer.json()


def test_each_field_has_a_wrong_type(sandbox):
    values = faulty(sandbox, WrongTypes()).json()
    assert set(values) == {"success", "failed", "duration", "start", "value", "modified", "status"}
    assert not any(type(values[name]) is int for name in ("success", "failed", "duration", "value"))
    assert not any(isinstance(values[name], str) for name in ("start", "modified", "status"))


def test_a_gzip_bomb_is_small_on_the_wire(sandbox):
    sandbox.fail_next(GzipBomb())
    received, _ = exchange_of_one(sandbox)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head.lower()
    assert len(body) < 2**19
    unzip, size = zlib.decompressobj(31), 0
    while not unzip.eof:
        size += len(unzip.decompress(body, 2**20))
        body = unzip.unconsumed_tail
    assert size > 256 * 2**20
    assert unzip.unused_data == b""


def exchange_of_one(sandbox):
    """Return the bytes of an answer that asks for the connection to be closed."""
    with connect(sandbox) as connection:
        connection.sendall(f"GET {SERVICE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return receive(connection)


def test_a_gzip_bomb_is_json_for_who_survives_it(sandbox):
    answer = faulty(sandbox, GzipBomb(2))
    assert (len(answer.content), answer.json()) == (2**21 + 2, {})


def test_a_huge_header_is_beyond_what_clients_take(sandbox, kept):
    sandbox.fail_next(HugeHeader())
    with pytest.raises(http.client.LineTooLong):
        ask_on(kept, sandbox)
    answer = faulty(sandbox, HugeHeader(1))
    assert (len(answer.headers["x-padding"]), answer.json()) == (1024, {"status": "up"})


# SharedTransport


def test_a_delay_comes_before_the_normal_answer(sandbox):
    began = time.monotonic()
    assert faulty(sandbox, Delay(0.1)).json() == {"status": "up"}
    assert 0.1 <= time.monotonic() - began < 2


def test_silence_is_no_answer_on_an_open_connection(sandbox):
    sandbox.fail_next(NoResponse())
    with connect(sandbox) as connection:
        send(connection, sandbox)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_reset_may_come_before_the_headers(sandbox):
    sandbox.fail_next(ConnectionReset())
    assert exchange(sandbox) == (b"", "reset")


def test_a_reset_may_come_in_the_headers(sandbox):
    sandbox.fail_next(ConnectionReset("in headers"))
    received, end = exchange(sandbox)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in received
    assert end == "reset"


def test_a_reset_may_come_after_the_headers(sandbox):
    sandbox.fail_next(ConnectionReset("after headers"))
    received, end = exchange(sandbox)
    assert received.endswith(b"\r\n\r\n")
    assert f"content-length: {len(NORMAL)}\r\n".encode() in received
    assert end == "reset"


@pytest.mark.parametrize(("share", "length"), [(0.5, 7), (0, 0), (0.99, 14)])
def test_a_body_may_be_cut_short(sandbox, kept, share, length):
    sandbox.fail_next(Truncate(share))
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask_on(kept, sandbox)
    assert caught.value.partial == NORMAL[:length]


@pytest.mark.parametrize(("what", "beginning"), [("body", b"\r\n\r\n{  "), ("headers", b"\r\nx-drip: xx")])
def test_a_drip_comes_byte_by_byte(sandbox, what, beginning):
    sandbox.fail_next(SlowDrip(what, seconds=0.001))
    with connect(sandbox) as connection:
        send(connection, sandbox)
        received, _ = receive(connection, beginning)
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        pieces = [connection.recv(10) for _ in range(20)]
        assert b"" not in pieces
        assert pieces.count(pieces[0][:1]) > 1


def test_a_length_that_is_too_long_keeps_the_client_waiting(sandbox):
    sandbox.fail_next(WrongContentLength(10))
    with connect(sandbox) as connection:
        send(connection, sandbox)
        received, _ = receive(connection, b"\r\n\r\n" + NORMAL)
        assert f"content-length: {len(NORMAL) + 10}\r\n".encode() in received
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_length_that_is_too_short_leaves_bytes_before_the_next_answer(sandbox):
    sandbox.fail_next(WrongContentLength(-4))
    with connect(sandbox) as connection:
        send(connection, sandbox)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.read() == NORMAL[:-4]
    sandbox.fail_next(WrongContentLength(-4))
    with connect(sandbox) as connection:
        send(connection, sandbox)
        receive(connection, b"\r\n\r\n" + NORMAL)
        send(connection, sandbox)
        received, _ = receive(connection, b"\r\n\r\n" + NORMAL)
        assert received.startswith(b"HTTP/1.1 200 OK")
    assert [request.fault for request in sandbox.requests] == [WrongContentLength(-4), WrongContentLength(-4), None]


def test_garbage_is_no_http(sandbox, kept):
    sandbox.fail_next(NotHttp())
    with pytest.raises(http.client.BadStatusLine):
        ask_on(kept, sandbox)


def test_raw_bytes_are_sent_as_they_are(sandbox):
    sandbox.fail_next(Raw(b"\r\n\r\n"), Raw(b"HTTP/1.1 302 Off\r\n\r\n"))
    assert exchange(sandbox) == (b"\r\n\r\n", "closed")
    assert exchange(sandbox) == (b"HTTP/1.1 302 Off\r\n\r\n", "closed")
    assert [request.status for request in sandbox.requests] == [None, 302]


def test_a_kept_connection_may_be_closed_at_once(sandbox):
    sandbox.fail_next(DropKeepAlive())
    received, end = exchange(sandbox)
    assert b"\r\nconnection: keep-alive\r\n" in received
    assert received.endswith(NORMAL)
    assert end == "closed"


def test_a_kept_connection_may_be_closed_when_the_next_request_arrives(sandbox, kept):
    sandbox.fail_next(DropKeepAlive("on next request"), Status(503))
    assert ask_on(kept, sandbox) == (200, NORMAL)
    with pytest.raises(http.client.RemoteDisconnected):
        ask_on(kept, sandbox)
    assert ask_on(kept, sandbox)[0] == 503  # http.client has connected again
    assert [(request.status, request.fault) for request in sandbox.requests] == [
        (200, DropKeepAlive("on next request")),
        (None, DropKeepAlive("on next request")),
        (503, Status(503)),
    ]


# RefuseConnections connections


def test_connections_are_refused_for_a_while_and_then_accepted_on_the_same_port(sandbox, kept):
    before = sandbox.url
    ask_on(kept, sandbox)
    with sandbox.refuse_connections():
        with pytest.raises(ConnectionRefusedError):
            connect(sandbox)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            ask_on(kept, sandbox)
    assert ask_on(kept, sandbox) == (200, NORMAL)
    assert sandbox.url == before
    assert len(sandbox.requests) == 2


def test_a_refusal_within_another_ends_with_the_outer_one(sandbox):
    with sandbox.refuse_connections():
        with sandbox.refuse_connections():
            pass
        with pytest.raises(ConnectionRefusedError):
            connect(sandbox)
    assert ask(sandbox).status_code == 200


def test_the_port_of_a_sandbox_that_refuses_is_taken(sandbox):
    with (
        sandbox.refuse_connections(),
        socket.socket() as other,
        pytest.raises(OSError, match="in use"),
    ):
        other.bind(("127.0.0.1", urlsplit(sandbox.url).port))


def test_an_answer_on_its_way_arrives_while_others_are_refused(sandbox):
    sandbox.fail_next(Delay(0.2))
    with connect(sandbox) as connection:
        send(connection, sandbox)
        wait_until(lambda: sandbox.requests)
        with sandbox.refuse_connections():
            received, end = receive(connection)
    assert received.endswith(NORMAL)
    assert end == "closed"


def test_a_step_refuses_for_some_seconds(sandbox):
    sandbox.fail_next(RefuseConnections(0.2))
    assert exchange(sandbox) == (b"", "closed")
    with pytest.raises(ConnectionRefusedError):
        connect(sandbox)
    wait_until(lambda: status_of(sandbox.url))
    assert [request.status for request in sandbox.requests] == [None, 401]


def test_a_sandbox_that_does_not_run_cannot_refuse():
    with pytest.raises(RuntimeError, match="that runs"), Sandbox().refuse_connections():
        pass


def test_a_sandbox_may_be_stopped_and_started_while_it_refuses():
    with Sandbox() as sandbox:
        with sandbox.refuse_connections():
            sandbox.stop()
            sandbox.start()
            assert ask(sandbox).status_code == 200
        assert ask(sandbox).status_code == 200
        sandbox.fail_next(RefuseConnections(600))
        exchange(sandbox)
    gc.collect()  # brings an unclosed socket to light


# Scripts and chaos


def test_each_request_takes_a_step_and_then_all_is_normal(sandbox):
    sandbox.fail_next(Status(503), None, Status(500))
    assert [ask(sandbox).status_code for _ in range(5)] == [503, 200, 500, 200, 200]


def test_a_script_takes_the_place_of_what_was_said_before(sandbox):
    sandbox.fail_next(Status(500), Status(500))
    sandbox.fail_next(Status(503))
    assert [ask(sandbox).status_code for _ in range(2)] == [503, 200]


def test_a_storm_of_401_ends_when_it_is_told_to(sandbox):
    sandbox.fail_always(Status(401))
    assert [ask(sandbox).status_code for _ in range(5)] == [401] * 5
    sandbox.clear_faults()
    assert ask(sandbox).status_code == 200


def test_what_is_recorded_names_the_fault(sandbox):
    sandbox.fail_next(NoResponse(), Status(503), ConnectionReset("in headers"), ConnectionReset(), Delay(0))
    with connect(sandbox) as connection:
        send(connection, sandbox)
        wait_until(lambda: sandbox.requests)
    for _ in range(5):
        exchange_of_one(sandbox)
    assert [(request.fault, request.status) for request in sandbox.requests] == [
        (NoResponse(), None),
        (Status(503), 503),
        (ConnectionReset("in headers"), 401),
        (ConnectionReset(), None),
        (Delay(0), 401),
        (None, 401),
    ]
    assert {request.path for request in sandbox.requests} == {SERVICE}


def test_a_fault_asks_for_no_credentials(sandbox):
    sandbox.fail_next(Status(200), HtmlPage())
    assert [exchange_of_one(sandbox)[0].split()[1] for _ in range(3)] == [b"200", b"200", b"401"]


def test_a_script_outlives_a_stop():
    sandbox = Sandbox()
    sandbox.fail_next(Status(503), Status(500))
    for status in (503, 500):
        with sandbox:
            assert ask(sandbox).status_code == status


def test_a_step_is_taken_once_however_many_threads_ask(sandbox):
    codes = list(range(40000, 40040))
    sandbox.fail_next(*(Status(400, code=code) for code in codes))
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: ask(sandbox).json()["errorCode"], codes))
    assert sorted(seen) == codes
    assert ask(sandbox).status_code == 200


def course(sandbox, seed, count=40):
    sandbox.chaos(0.5, seed=seed, faults=[Status(500), Status(502), Status(503)])
    with httpx.Client(
        base_url=sandbox.url, trust_env=False, verify=False, headers={"Authorization": authorization(sandbox)}
    ) as client:
        return [client.get("/services/rtpproxy").status_code for _ in range(count)]


def test_chaos_is_the_same_for_the_same_seed(sandbox):
    assert course(sandbox, 1) == course(sandbox, 1) != course(sandbox, 2)
    assert set(course(sandbox, 1)) == {200, 500, 502, 503}


@pytest.mark.parametrize(("rate", "met"), [(0, {False}), (1, {True})])
def test_the_rate_is_the_share_of_faults(sandbox, rate, met):
    sandbox.chaos(rate, faults=[Status(500)])
    assert {ask(sandbox).status_code == 500 for _ in range(10)} == met


def test_chaos_ends_by_itself_for_each_request_and_leaves_the_sandbox_well(sandbox, caplog):
    sandbox.chaos(1, seed=4)
    while {request.fault for request in sandbox.requests} < set(DEFAULT_CHAOS):
        with connect(sandbox) as connection:
            connection.sendall(f"GET {SERVICE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            receive(connection)
        assert len(sandbox.requests) < 1000
    sandbox.clear_faults()
    assert ask(sandbox).status_code == 200
    assert caplog.records == []


@pytest.mark.parametrize("step", [Status, "503", 503, object()])
def test_what_is_no_fault_is_refused(sandbox, step):
    for call in (
        lambda: sandbox.fail_next(step),
        lambda: sandbox.fail_always(step),
        lambda: sandbox.chaos(faults=[step]),
    ):
        with pytest.raises(TypeError, match="must be a fault"):
            call()


@pytest.mark.parametrize("arguments", [{"rate": -0.1}, {"rate": 1.1}, {"rate": float("nan")}, {"faults": []}])
def test_chaos_without_sense_is_refused(sandbox, arguments):
    with pytest.raises(ValueError, match=r"rate|a fault"):
        sandbox.chaos(**arguments)


# Their ends


@pytest.mark.parametrize("fault", ENDLESS, ids=repr)
def test_a_wait_ends_when_its_client_goes_away(sandbox, fault):
    sandbox.fail_next(fault)
    with connect(sandbox) as connection:
        send(connection, sandbox)
        wait_until(lambda: sandbox.requests)
        connection.shutdown(socket.SHUT_WR)
        assert receive(connection)[1] in {"closed", "reset"}


def test_a_sandbox_with_nothing_to_wait_for_stops_at_once():
    took = []
    for _ in range(5):
        with ExitStack() as stack:
            with Sandbox() as sandbox:
                connection = stack.enter_context(connect(sandbox))
                send(connection, sandbox)
                receive(connection, until=NORMAL)
                began = time.monotonic()
            took.append(time.monotonic() - began)
    assert min(took) < 0.05  # the others belong to a busy machine


def test_a_sandbox_stops_quickly_whatever_is_being_played(caplog):
    unread = Status(200, body="x" * 10_000_000)
    with ExitStack() as stack:
        with Sandbox() as sandbox:
            for fault in [*ENDLESS, unread, DropKeepAlive("on next request"), RefuseConnections(600)]:
                sandbox.fail_next(fault)
                send(stack.enter_context(connect(sandbox)), sandbox)
                wait_until(lambda: fault in {request.fault for request in sandbox.requests})  # noqa: B023
            began = time.monotonic()
        assert time.monotonic() - began < 1
    gc.collect()  # brings an unclosed socket to light
    assert caplog.records == []


# Values


@pytest.mark.parametrize("fault", [*DEFAULT_CHAOS, *ENDLESS, Raw(b"x"), Redirect("/"), RefuseConnections()], ids=repr)
def test_a_fault_is_a_value(fault):
    assert eval(repr(fault), vars(faults)) == fault == pickle.loads(pickle.dumps(fault))
    assert hash(fault) == hash(pickle.loads(pickle.dumps(fault)))
    with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
        fault.seconds = 3


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Status(503.0, retry_after=2.0, headers={"a": "b"}), "Status(503, retry_after=2, headers={'a': 'b'})"),
        (Status(500, body=""), "Status(500, body='')"),
        (ConnectionReset(), "ConnectionReset()"),
        (ConnectionReset(when="in headers"), "ConnectionReset('in headers')"),
        (SlowDrip(seconds=0.5), "SlowDrip(seconds=0.5)"),
        (ClockSkew(hours=-3), "ClockSkew(-3)"),
    ],
)
def test_a_fault_is_shown_as_it_is_written(fault, text):
    assert repr(fault) == text


@pytest.mark.parametrize(
    ("make_client", "words"),
    [
        (lambda: Status(99), "three digits"),
        (lambda: Status(1000), "three digits"),
        (lambda: Status(204, body="x"), "no body"),
        (lambda: Status(503, retry_after=-1), "seconds must be"),
        (lambda: Status(503, headers={"a b": "c"}), "no header like"),
        (lambda: Status(503, headers={"a": "b\r\nc: d"}), "no header like"),
        (lambda: Redirect("/\n"), "no header like"),
        (lambda: Delay(float("inf")), "seconds must be"),
        (lambda: ConnectionReset("now"), "'before headers', 'in headers', 'after headers'"),
        (lambda: SlowDrip("all"), "'body', 'headers'"),
        (lambda: Truncate(1), "less than 1"),
        (lambda: GzipBomb(0), "size must be"),
        (lambda: ClockSkew(float("nan")), "hours must be"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(make_client, words):
    with pytest.raises(ValueError, match=words):
        make_client()


# From the shell


def run(*arguments, **options):
    command = [sys.executable, "-m", "sinch_reporting.testing", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def statuses(arguments, count):
    """Return what a Sandbox started with the arguments answers; None where it does not."""
    with run(*arguments) as process:
        try:
            url = process.stdout.readline().split("=", 1)[1].strip()
            return [status_of(url) for _ in range(count)]
        finally:
            process.terminate()
            assert process.communicate(timeout=10)[1] == ""


def test_the_command_follows_a_script():
    specs = ["503", "429:retry-after=2", "ok", "reset", "reset:in-headers", "status:500,body=a, b", "delay:0.01"]
    arguments = [argument for spec in specs for argument in ("--fault", spec)]
    assert statuses(arguments, 8) == [503, 429, 401, None, None, 500, 401, 401]


def test_the_command_brings_chaos():
    assert statuses(["--chaos", "1", "--fault", "503"], 3) == [503, 503, 503]
    assert set(statuses(["--chaos", "0.5", "--seed", "7", "--fault", "500"], 12)) == {500, 401}


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("ok", None),
        ("503", Status(503)),
        ("status:503", Status(503)),
        ("503:retry-after=2", Status(503, retry_after=2)),
        ("429:retry-at=60,body=a=b, c", Status(429, retry_at=60, body="a=b, c")),
        ("401:code=40102", Status(401, code=40102)),
        ("redirect:https://example.com/?a=b,c", Redirect("https://example.com/?a=b,c")),
        ("redirect:location=/,status=301", Redirect("/", 301)),
        ("delay:0.5", Delay(0.5)),
        ("reset", ConnectionReset()),
        ("reset:in-headers", ConnectionReset("in headers")),
        ("reset:when=after-headers", ConnectionReset("after headers")),
        ("hang-up:on-next-request", DropKeepAlive("on next request")),
        ("drip:headers,seconds=0.1", SlowDrip("headers", 0.1)),
        ("wrong-length:-10", WrongContentLength(-10)),
        ("gzip-bomb:16", GzipBomb(16)),
        ("clock-off:hours=-3", ClockSkew(-3)),
        ("invalid-utf8", InvalidUtf8()),
    ],
)
def test_a_spec_means_a_fault(spec, fault):
    from sinch_reporting.testing.faults._spec import parse  # noqa: PLC0415

    assert parse(spec) == fault


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fault", "explode"), "there is no fault 'explode', only ok, clock-off, "),
        (("--fault", "503:teapot"), "'teapot' is no option of status, which has status, body, "),
        (("--fault", "503:retry-after=soon"), "'soon'"),
        (("--fault", "reset:later"), "when must be one of 'before headers', "),
        (("--fault", "silence:3"), "'3' is no option of silence, which has none"),
        (("--fault", "delay"), "delay needs its seconds: delay:SECONDS"),
        (("--chaos", "2"), "rate must be from 0 to 1"),
    ],
)
def test_the_command_explains_in_one_line_what_it_cannot_play(arguments, words):
    with run(*arguments) as process:
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output) == (2, "")
    assert words in errors
    assert errors.startswith("python -m sinch_reporting.testing: error: ")
    assert errors.count("\n") == 1


def test_the_command_lists_all_faults():
    with run("--help", env={**os.environ, "COLUMNS": "80"}) as process:
        output, _ = process.communicate(timeout=10)
    names = [re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower() for name in faults.__all__]
    for name in ["ok", *names]:
        assert (f"\n  {name}" in output) == (name not in {"raw", "fault", "mixture"})
    assert "reset (when=before-headers|in-headers|after-headers)" in output
    assert all(option in output for option in ("--fault", "--chaos", "--seed"))
