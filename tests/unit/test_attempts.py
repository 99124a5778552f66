import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import httpx
import pytest

from sinch_reporting import (
    APIError,
    BadRequestError,
    ConfigurationError,
    DeadlineExceededError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ReportingClient,
    ReportingError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    TransportError,
)
from sinch_reporting.retry import Attempts
from tests.support.raw_server import COUNTER, disconnect, response

DATE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def http_date(moment):
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(make_client, raw_server, no_backoff, status):
    raw_server.script[:] = [response(status=f"{status} Oops"), response(status=f"{status} Oops"), COUNTER]
    assert make_client(raw_server.url, retry=no_backoff).get_counter("currentCalls").value == 7
    assert len(raw_server.requests) == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (402, APIError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, APIError),
        (418, APIError),
        (501, ServerError),
        (505, ServerError),
        (520, ServerError),
        (599, ServerError),
        (600, APIError),
        (304, APIError),
    ],
)
def test_any_other_status_is_the_error_at_once(make_client, raw_server, no_backoff, status, kind):
    raw_server.script[:] = [response(status=f"{status} Oops"), COUNTER]
    with pytest.raises(APIError) as caught:
        make_client(raw_server.url, retry=no_backoff).get_counter("currentCalls")
    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert caught.value.attempts == 1
    assert len(raw_server.requests) == 1


@pytest.mark.parametrize("status", [201, 204, 206])
def test_another_kind_of_success_is_not_what_the_contract_promises(make_client, raw_server, status):
    raw_server.script[:] = [response(status=f"{status} Well")]
    with pytest.raises(ReportingError, match=f"answered {status}"):
        make_client(raw_server.url).get_counter("currentCalls")


def test_all_attempts_are_counted_the_first_included(make_client, raw_server, no_backoff):
    raw_server.script[:] = [response(status="503 Down")]
    with pytest.raises(ServerError) as caught:
        make_client(raw_server.url, retry=no_backoff).get_counter("currentCalls")
    assert caught.value.attempts == 4
    assert len(raw_server.requests) == 4


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (disconnect, httpx.RemoteProtocolError),
        (b"not HTTP at all\r\n\r\n", httpx.RemoteProtocolError),
        (response("{}", Content_Length="100")[:-2] + b"{}", None),
    ],
    ids=["hung up", "no HTTP", "cut short"],
)
def test_a_broken_connection_is_tried_again(make_client, raw_server, no_backoff, step, cause):
    def broken(connection):
        if isinstance(step, bytes):
            connection.sendall(step)
        disconnect(connection)

    raw_server.script[:] = [broken, COUNTER]
    reporting = make_client(raw_server.url, retry=no_backoff)
    assert reporting.get_counter("currentCalls").value == 7
    raw_server.script[:] = [broken]
    with pytest.raises(TransportError) as caught:
        reporting.get_counter("currentCalls")
    assert type(caught.value) is TransportError
    assert isinstance(caught.value.__cause__, cause or httpx.TransportError)
    assert len(raw_server.requests) == 6


def test_a_refused_connection_is_a_transport_error(make_client, raw_server, no_backoff):
    url = raw_server.url
    raw_server.__exit__()
    with pytest.raises(TransportError) as caught:
        make_client(url, retry=no_backoff).get_counter("currentCalls")
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_an_unknown_host_is_a_transport_error(make_client, no_backoff, monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransportError) as caught:
        make_client("https://reporting.invalid/v1", retry=no_backoff).get_counter("currentCalls")
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_a_connection_that_was_closed_while_idle_is_not_used(make_client, raw_server):
    def answer_and_close(connection):
        connection.sendall(COUNTER)
        disconnect(connection)

    raw_server.script[:] = [answer_and_close, answer_and_close, COUNTER]
    reporting = make_client(raw_server.url)
    for _ in range(3):
        assert reporting.get_counter("currentCalls").value == 7


def test_a_certificate_that_does_not_verify_is_not_tried_again(make_client, tls_raw_server):
    with pytest.raises(TransportError):
        make_client(tls_raw_server.url).get_counter("currentCalls")
    assert tls_raw_server.connections == 1
    assert tls_raw_server.requests == []


def test_an_authority_of_the_environment_is_trusted(make_client, tls_raw_server, authority, tmp_path, monkeypatch):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert make_client(tls_raw_server.url).get_counter("currentCalls").value == 7


def test_a_transport_brings_its_own_tls_settings(make_client, tls_raw_server, authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    kind = httpx.HTTPTransport if make_client.client_class is ReportingClient else httpx.AsyncHTTPTransport
    assert make_client(tls_raw_server.url, transport=kind(verify=context)).get_counter("currentCalls").value == 7


@pytest.mark.parametrize("value", ["0", http_date(DATE), http_date(DATE - timedelta(days=1))])
def test_retry_after_is_obeyed(make_client, raw_server, value):
    # Without it, the wait would pass the deadline.
    policy = RetryPolicy(backoff_base=1e9, backoff_cap=1e9)
    raw_server.script[:] = [response(status="429 Slowly", Retry_After=value, Date=http_date(DATE)), COUNTER]
    assert make_client(raw_server.url, retry=policy).get_counter("currentCalls").value == 7


@pytest.mark.parametrize(
    ("value", "seconds"), [("31", 31.0), (http_date(DATE + timedelta(hours=1)), 3600.0), ("9" * 18, 1e18)]
)
def test_a_retry_after_beyond_the_limit_is_the_error_at_once(make_client, raw_server, value, seconds):
    raw_server.script[:] = [response(status="429 Slowly", Retry_After=value, Date=http_date(DATE)), COUNTER]
    with pytest.raises(RateLimitError) as caught:
        make_client(raw_server.url).get_counter("currentCalls")
    assert caught.value.retry_after == seconds
    assert caught.value.attempts == 1
    assert len(raw_server.requests) == 1


@pytest.mark.parametrize("value", ["soon", "-1", "1e9", "nan", "", "1, 2", "٣"])
def test_a_retry_after_that_says_nothing_is_ignored(make_client, raw_server, no_backoff, value):
    head = f"HTTP/1.1 429 Slowly\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n"
    raw_server.script[:] = [head.encode(), COUNTER]
    assert make_client(raw_server.url, retry=no_backoff).get_counter("currentCalls").value == 7


def test_a_retry_after_date_is_reckoned_from_our_clock_where_the_answer_has_none(make_client, raw_server):
    raw_server.script[:] = [
        response(status="429 Slowly", Retry_After=http_date(datetime.now(UTC) + timedelta(hours=2)))
    ]
    with pytest.raises(RateLimitError) as caught:
        make_client(raw_server.url).get_counter("currentCalls")
    assert 7000 < caught.value.retry_after <= 7200


def test_no_wait_is_begun_that_would_pass_the_deadline(make_client, raw_server):
    raw_server.script[:] = [response(status="503 Down", Retry_After="20")]
    with pytest.raises(DeadlineExceededError) as caught:
        make_client(raw_server.url, deadline=5).get_counter("currentCalls")
    assert isinstance(caught.value.__cause__, ServerError)
    assert caught.value.__cause__.retry_after == 20
    assert len(raw_server.requests) == 1


def endless_steps(raw_server):
    """Return silence, and answers whose head or body drips for a minute: a client must leave before they end."""
    return [
        raw_server.no_response,
        raw_server.drip([b"HTTP/1.1 200 OK\r\n", *([b"X-Y: z\r\n"] * 6000)]),
        raw_server.drip([b"HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n", *([b" "] * 6000)]),
    ]


def test_an_attempt_ends_at_its_timeout(make_client, raw_server):
    reporting = make_client(raw_server.url, timeout=0.2, deadline=20, retry=RetryPolicy(attempts=2, backoff_base=0))
    for step in endless_steps(raw_server):
        raw_server.script[:] = [step]
        raw_server.requests.clear()
        with pytest.raises(RequestTimeoutError) as caught:
            reporting.get_counter("currentCalls")
        assert isinstance(caught.value.__cause__, httpx.TimeoutException)
        assert len(raw_server.requests) == 2
    raw_server.script[:] = [COUNTER]
    assert reporting.with_options(timeout=10).get_counter("currentCalls").value == 7


def test_a_call_ends_at_its_deadline(make_client, raw_server):
    reporting = make_client(raw_server.url, timeout=10, deadline=0.2)
    for step in endless_steps(raw_server):
        raw_server.script[:] = [step]
        raw_server.requests.clear()
        with pytest.raises(DeadlineExceededError, match=r"deadline of 0\.2 s") as caught:
            reporting.get_counter("currentCalls")
        assert isinstance(caught.value.__cause__, RequestTimeoutError)
        assert len(raw_server.requests) == 1


def test_a_redirect_is_not_followed(make_client, raw_server, sandbox):
    for status in ("301 Moved", "302 Found", "307 Temporary", "308 Permanent"):
        raw_server.script[:] = [response(status=status, Location=f"{sandbox.url}/counters/currentCalls")]
        with pytest.raises(APIError, match="Redirects are not followed"):
            make_client(raw_server.url).get_counter("currentCalls")
    assert sandbox.requests == []


def test_signed_headers_go_to_the_configured_host_only(sandbox, raw_server, make_client):
    reporting = make_client(raw_server.url)
    url = f"{sandbox.url}/counters/currentCalls"
    if make_client.client_class is ReportingClient:
        get = reporting.api.get_httpx_client().get
    else:
        get = partial(reporting.portal.call, reporting.api.get_async_httpx_client().get)
    with pytest.raises(ReportingError, match="another host"):
        get(url)
    assert sandbox.requests == []


def test_the_waits_double_up_to_the_cap_and_are_drawn_evenly():
    policy = RetryPolicy(backoff_base=0.5, backoff_cap=3)
    failure = TransportError("no answer")
    for attempt, bound in [(1, 0.5), (2, 1), (3, 2), (4, 3), (5000, 3)]:
        waits = [policy.wait(failure, attempt) for _ in range(500)]
        assert 0 <= min(waits) < bound * 0.1
        assert bound * 0.9 < max(waits) <= bound


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": 1.5},
        {"attempts": True},
        {"backoff_base": -1},
        {"backoff_cap": float("nan")},
        {"max_retry_after": float("inf")},
        {"backoff_base": "1"},
        {"statuses": 500},
        {"statuses": ["500"]},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(options):
    with pytest.raises(ConfigurationError):
        RetryPolicy(**options)


def test_an_attempt_is_given_no_more_time_than_the_call_has_left():
    attempts = Attempts(RetryPolicy(), timeout=10, deadline=60)
    assert attempts.begin() == 10
    assert Attempts(RetryPolicy(), timeout=10, deadline=3).begin() <= 3
