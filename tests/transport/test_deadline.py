"""The deadline limits a call, whatever the server, the proxy or the name server does."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sinch_reporting import DeadlineExceededError, RequestTimeoutError, RetryPolicy
from tests.support.raw_server import COUNTER
from tests.transport.conftest import ONCE, PROXIES, Route

DEADLINE = 0.5
MARGIN = 5.0  # for a busy machine; the servers below would take a minute
OK = b"HTTP/1.1 200 OK\r\n"


def endless_responses(server):
    """Return the steps of servers that never finish a response."""
    return {
        "nothing": server.no_response,
        "head": server.drip([OK, *[b"X-Y: z\r\n"] * 6000]),
        "header without an end": server.drip([OK, b"X: ", *[b"y"] * 6000]),
        "informational responses": server.drip([b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 6000),
        "body": server.drip([OK, b"Content-Length: 6000\r\n\r\n", *[b" "] * 6000]),
        "chunk size": server.drip([OK, b"Transfer-Encoding: chunked\r\n\r\n", *[b"0"] * 6000]),
        "chunks": server.drip([OK, b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 6000]),
        "trailers": server.drip([OK, b"Transfer-Encoding: chunked\r\n\r\n0\r\n", *[b"X-Y: z\r\n"] * 6000]),
    }


def time_of(call, error):
    """Return the seconds after which a call has failed, and the error."""
    started = time.monotonic()
    with pytest.raises(error) as caught:
        call("currentCalls")
    return time.monotonic() - started, caught.value


def test_a_call_ends_at_its_deadline_whatever_the_server_sends(make_client, route):
    steps = endless_responses(route.server)
    # Each call gets one of the steps, all at the same time.
    route.server.script[:] = list(steps.values())
    reporting = make_client(route.url, timeout=30, deadline=DEADLINE, allow_http=True)
    with ThreadPoolExecutor(len(steps)) as threads:
        calls = [threads.submit(time_of, reporting.get_counter, DeadlineExceededError) for _ in steps]
        for seconds, error in (call.result() for call in calls):
            assert DEADLINE * 0.9 < seconds < DEADLINE + MARGIN
            assert isinstance(error.__cause__, RequestTimeoutError)
    assert len(route.server.requests) == len(steps)
    route.server.wait_for_disconnects()


def test_an_attempt_ends_at_its_timeout_and_the_next_succeeds(make_client, plain):
    plain.server.script[:] = [*list(endless_responses(plain.server).values())[1:5:3], COUNTER]
    reporting = make_client(plain.url, timeout=DEADLINE, retry=RetryPolicy(attempts=3, backoff_base=0))
    assert reporting.get_counter("currentCalls").value == 7
    assert len(plain.server.requests) == 3


@pytest.mark.parametrize("kind", ["direct", *PROXIES])
def test_a_tls_handshake_that_hangs_ends_at_the_deadline_and_leaves_no_socket(
    make_client, raw_server, monkeypatch, kind
):
    # The server takes the handshake for the beginning of a request.
    url = raw_server.url.replace("http", "https")
    if kind == "direct":
        assert_no_socket_stays_open(make_client, Route(raw_server, url, raw_server.port))
    else:
        with PROXIES[kind](raw_server.port) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            assert_no_socket_stays_open(make_client, Route(raw_server, "https://reporting.example/v1", proxy.port))


@pytest.mark.parametrize("kind", PROXIES)
def test_a_proxy_that_hangs_ends_at_the_deadline_and_leaves_no_socket(make_client, raw_server, monkeypatch, kind):
    with PROXIES[kind](raw_server.port, hangs=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert_no_socket_stays_open(make_client, Route(raw_server, "https://reporting.example/v1", proxy.port))


def assert_no_socket_stays_open(make_client, route):
    reporting = make_client(route.url, timeout=DEADLINE, deadline=30, retry=ONCE)
    for _ in range(3):
        seconds, error = time_of(reporting.get_counter, RequestTimeoutError)
        assert seconds < DEADLINE + MARGIN
        assert route.client_sockets() == []
        del error


def test_a_slow_name_resolution_ends_at_the_deadline(make_client, resolve):
    released = threading.Event()

    def slow():
        released.wait(60)
        return ["127.0.0.1"]

    resolve("reporting.example", slow)
    try:
        reporting = make_client("https://reporting.example/v1", deadline=DEADLINE)
        seconds, error = time_of(reporting.get_counter, DeadlineExceededError)
        assert DEADLINE * 0.9 < seconds < DEADLINE + MARGIN
        assert isinstance(error.__cause__, RequestTimeoutError)
    finally:
        released.set()  # the event loops wait for their threads
