import base64
import hashlib
import hmac
import itertools
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from urllib.parse import unquote

import httpx
import pytest

from sinch_reporting import AuthenticationError, ConfigurationError, Number, ServerError, SignedAuth, Username, auth
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import COUNTER, response

FAR = format_datetime(datetime.now(UTC) + timedelta(hours=5), usegmt=True)
FARTHER = format_datetime(datetime.now(UTC) + timedelta(hours=9), usegmt=True)
UNAUTHORIZED = '{"errorCode": 40101, "message": "Timestamp"}'


@pytest.mark.parametrize(
    ("request_", "timestamp", "secret", "signature"),
    [
        (
            httpx.Request(
                "POST",
                "https://example.invalid/v1/sms/+46700000000",
                content=b'{"message":"Hello world"}',
                headers={"Content-Type": "application/json"},
            ),
            "2014-06-04T13:41:58Z",
            "JViE5vDor0Sw3WllZka15Q==",
            "qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM=",
        ),
        (
            httpx.Request(
                "GET", "https://example.invalid/path/pathParamValue?q=1", headers={"Content-Type": "application/json"}
            ),
            "2023-11-22T09:10:11.999Z",
            "bXkta2V5LXNlY3JldA==",
            "nsrLDvP6KVD/dAxb3IfAncdwjPFJVWSrseEFOcZge+A=",
        ),
    ],
)
def test_the_published_vectors_are_reproduced(request_, timestamp, secret, signature):
    text = auth.string_to_sign(request_, timestamp)
    assert auth.signature(hmac.new(base64.b64decode(secret), digestmod="sha256"), text) == signature


def moments_of(requests):
    return [datetime.fromisoformat(request.headers["x-timestamp"]) for request in requests]


def expected_authorization(request):
    path = unquote(request.target.partition("?")[0])
    text = f"GET\n\n{request.headers['content-type']}\nx-timestamp:{request.headers['x-timestamp']}\n{path}"
    digest = hmac.new(base64.b64decode(SECRET), text.encode(), hashlib.sha256).digest()
    return f"Application {KEY}:{base64.b64encode(digest).decode()}"


def test_what_is_sent_is_what_is_signed(make_client, raw_server):
    raw_server.script[:] = [response('{"success": 1, "failed": 0, "duration": 2}')]
    reporting = make_client(raw_server.url)
    reporting.get_call_report(Number("+46730170101"), domain="pstn", start=datetime(2026, 11, 1, tzinfo=UTC).date())
    reporting.get_call_report(Username("ann a/b+ü%2B"))
    plus, encoded = raw_server.requests
    assert plus.target == "/v1/users/number/+46730170101/calls/pstn?_start=2026-11-01"
    assert encoded.target == "/v1/users/username/ann%20a%2Fb+%C3%BC%252B/calls/data"
    for request in raw_server.requests:
        assert request.headers["content-type"] == "application/json"
        assert request.headers["authorization"] == expected_authorization(request)


def test_each_attempt_carries_its_own_timestamp(make_client, raw_server, no_backoff, monkeypatch):
    seconds = itertools.count(1_700_000_000)
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: float(next(seconds))))
    raw_server.script[:] = [response(status="503 Down"), response(status="500 Broken"), COUNTER]
    make_client(raw_server.url, retry=no_backoff).get_counter("currentCalls")
    assert len({request.headers["x-timestamp"] for request in raw_server.requests}) == 3
    for request in raw_server.requests:
        assert request.headers["authorization"] == expected_authorization(request)


def test_the_timestamp_is_iso_8601_in_utc(make_client, raw_server):
    make_client(raw_server.url).get_counter("currentCalls")
    timestamp = raw_server.requests[0].headers["x-timestamp"]
    moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


@pytest.mark.parametrize("hours", [-30, -3, 3, 30])
def test_a_clock_that_is_off_is_learnt_from_a_401_and_remembered(make_client, sandbox, hours):
    sandbox.clock = lambda: datetime.now(UTC) + timedelta(hours=hours)
    reporting = make_client(sandbox.url)
    reporting.get_counter("currentCalls")
    reporting.get_counter("currentCalls")
    assert [request.status for request in sandbox.requests] == [401, 200, 200]


def test_a_second_401_is_the_error(make_client, sandbox):
    sandbox.clock = lambda: datetime.now(UTC) + timedelta(hours=3)
    reporting = make_client(sandbox.url, application_secret="d3Jvbmc=")
    with pytest.raises(AuthenticationError):
        reporting.get_counter("currentCalls")
    assert [request.status for request in sandbox.requests] == [401, 401]


def test_a_401_with_a_date_near_our_clock_is_the_error_at_once(make_client, sandbox):
    with pytest.raises(AuthenticationError) as caught:
        make_client(sandbox.url, application_secret="d3Jvbmc=").get_counter("currentCalls")
    assert caught.value.error_code == 40102
    assert caught.value.attempts == 1
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    "headers",
    [{}, {"Date": "yesterday"}, {"Date": FAR, "Age": "18000"}, {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"}],
    ids=["no date", "no real date", "from a cache", "beyond all reckoning"],
)
def test_a_401_whose_date_does_not_tell_the_time_is_the_error_at_once(make_client, raw_server, headers):
    raw_server.script[:] = [response(UNAUTHORIZED, "401 Unauthorized", **headers), COUNTER]
    with pytest.raises(AuthenticationError):
        make_client(raw_server.url).get_counter("currentCalls")
    assert len(raw_server.requests) == 1


def test_a_call_is_signed_again_once_in_all_its_attempts_together(make_client, raw_server, no_backoff):
    raw_server.script[:] = [
        response(UNAUTHORIZED, "401 Unauthorized", Date=FAR),
        response(status="503 Down"),
        response(UNAUTHORIZED, "401 Unauthorized", Date=FARTHER),
        COUNTER,
    ]
    with pytest.raises(AuthenticationError):
        make_client(raw_server.url, retry=no_backoff).get_counter("currentCalls")
    assert len(raw_server.requests) == 3


def test_an_offset_that_did_not_help_is_forgotten(make_client, raw_server):
    raw_server.script[:] = [response(UNAUTHORIZED, "401 Unauthorized", Date=FAR)] * 2 + [COUNTER]
    reporting = make_client(raw_server.url)
    with pytest.raises(AuthenticationError):
        reporting.get_counter("currentCalls")
    reporting.get_counter("currentCalls")
    first, again, next_call = moments_of(raw_server.requests)
    assert again - first > timedelta(hours=4)
    assert next_call - first < timedelta(hours=1)


def test_an_offset_that_met_a_failure_stays_with_its_call(make_client, raw_server, no_backoff):
    raw_server.script[:] = [
        response(UNAUTHORIZED, "401 Unauthorized", Date=FAR),
        response(status="503 Down"),
        COUNTER,
        COUNTER,
    ]
    reporting = make_client(raw_server.url, retry=no_backoff)
    reporting.get_counter("currentCalls")
    reporting.get_counter("currentCalls")
    first, *later = moments_of(raw_server.requests)
    assert len(later) == 3
    assert min(later) - first > timedelta(hours=4)


def test_the_offset_is_reckoned_from_the_midpoint_of_sending_and_receiving(monkeypatch):
    moments = iter([1e9, 1e9, 1e9 + 10, 1e9 + 10])
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: next(moments)))
    flow = SignedAuth(KEY, SECRET).auth_flow(httpx.Request("GET", "http://127.0.0.1/v1/counters/a"))
    next(flow)
    # The server's clock is 100 s ahead of the moment half-way; half a second is added for what Date cuts off.
    date = format_datetime(datetime.fromtimestamp(1e9 + 105, UTC), usegmt=True)
    again = flow.send(httpx.Response(401, headers={"Date": date}))
    assert again.headers["x-timestamp"] == "2001-09-09T01:48:30.500Z"


def test_any_httpx_client_can_sign(sandbox):
    with httpx.Client(auth=SignedAuth(KEY, SECRET)) as client:
        assert client.get(f"{sandbox.url}/services/rtpproxy").json() == {"status": "up"}


def test_basic_authentication_works(make_client, sandbox):
    assert make_client(sandbox.url, auth=httpx.BasicAuth(KEY, SECRET)).get_service_status("rtpproxy").is_up


def test_credentials_can_be_exchanged_while_running(make_client, sandbox):
    signer = SignedAuth("retired", "cmV0aXJlZA==")
    reporting = make_client(sandbox.url, auth=signer)
    with pytest.raises(AuthenticationError):
        reporting.get_counter("currentCalls")
    signer.update(KEY, SECRET)
    with pytest.raises(ConfigurationError):
        signer.update(KEY, "not Base64")
    assert reporting.get_counter("currentCalls").id == "currentCalls"


@pytest.mark.parametrize("secret", ["JViE5vDor0Sw3WllZka15Q", "JViE5vDor0Sw3WllZka15Q=", "JViE5vDor0Sw3WllZka15Q=="])
def test_a_secret_without_its_padding_is_accepted(make_client, sandbox, secret):
    assert make_client(sandbox.url, application_secret=secret).get_service_status("rtpproxy").is_up


@pytest.mark.parametrize(
    "secret", ["====", "a", "c2Vj cmV0", "c2VjcmV0\n", "c2VjcmV0!", "c2-_cmV0", "sécret", "c=2V", 5, b"c2VjcmV0"]
)
def test_a_secret_that_is_not_base64_is_refused(secret):
    with pytest.raises(ConfigurationError, match=r"must be the Base64 text .* such as"):
        SignedAuth("key", secret)


@pytest.mark.parametrize("key", ["", "a b", "a:b", "a\r\nb", "ä", None, b"key"])
def test_a_key_that_cannot_stand_in_a_header_is_refused(key):
    with pytest.raises(ConfigurationError, match="key"):
        SignedAuth(key, SECRET)


def test_credentials_are_neither_shown_nor_pickled():
    signer = SignedAuth(KEY, SECRET)
    assert KEY not in repr(signer)
    assert SECRET not in repr(signer)
    with pytest.raises(ConfigurationError, match="pickled"):
        pickle.dumps(signer)


def test_a_server_error_after_signing_again_is_tried_again(make_client, raw_server, no_backoff):
    raw_server.script[:] = [response(UNAUTHORIZED, "401 Unauthorized", Date=FAR), response(status="503 Down")]
    with pytest.raises(ServerError) as caught:
        make_client(raw_server.url, retry=no_backoff).get_counter("currentCalls")
    assert caught.value.attempts == 4
    assert len(raw_server.requests) == 5
