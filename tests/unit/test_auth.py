import base64
import copy
import hmac
import pickle
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import httpx
import pytest

from sinch_reporting import ConfigurationError, InvalidRequestError, SignedAuth, sign
from sinch_reporting.auth import _sign
from tests.support.callers import KEY, SECRET

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)  # the time of the fixture `clock`
URL = "https://reporting.example/v1/counters/a"


def http_date(time):
    return format_datetime(time, usegmt=True)


AHEAD, FURTHER = http_date(NOON + timedelta(hours=5)), http_date(NOON + timedelta(hours=9))


def test_the_published_signature_of_a_get_is_reproduced():
    time = datetime(2023, 11, 22, 9, 10, 11, 999000, UTC)
    path, content_type = "/path/pathParamValue?q=1", "application/json"
    headers = sign("my-key-id", "bXkta2V5LXNlY3JldA==", "GET", path, content_type=content_type, timestamp=time)
    assert headers == {
        "x-timestamp": "2023-11-22T09:10:11.999Z",
        "Authorization": "Application my-key-id:nsrLDvP6KVD/dAxb3IfAncdwjPFJVWSrseEFOcZge+A=",
    }


def test_the_published_signature_of_a_post_is_reproduced():
    body, timestamp = b'{"message":"Hello world"}', "2014-06-04T13:41:58Z"  # `sign` sends milliseconds too
    headers = _sign(KEY, base64.b64decode(SECRET), "POST", "/v1/sms/+46700000000", "application/json", body, timestamp)
    assert headers["Authorization"] == f"Application {KEY}:qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM="


@pytest.mark.parametrize(
    ("path", "signed"),
    [
        ("/v1/counters/a", "/v1/counters/a"),
        ("/v1/counters/a?_start=2026-11-01", "/v1/counters/a"),
        ("/v1/users/number/+46730170101/calls/pstn", "/v1/users/number/+46730170101/calls/pstn"),
        ("/v1/users/number/%2B46730170101/calls/pstn", "/v1/users/number/+46730170101/calls/pstn"),
        ("/v1/counters/a%20b%2Fc%3F%C3%BC%252B", "/v1/counters/a b/c?ü%2B"),
    ],
)
def test_the_signed_path_is_decoded_and_has_no_query(path, signed):
    text = f"GET\n\napplication/json\nx-timestamp:2026-11-26T12:00:00.000Z\n{signed}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(SECRET), text.encode(), "sha256")).decode()
    headers = sign(KEY, SECRET, "GET", path, content_type="application/json", timestamp=NOON)
    assert headers["Authorization"] == f"Application {KEY}:{signature}"


@pytest.mark.parametrize("path", ["/é", "/\ud800"], ids=ascii)
def test_a_path_as_no_request_has_it_is_not_signed(path):
    with pytest.raises(InvalidRequestError, match="must be ASCII"):
        sign(KEY, SECRET, "GET", path, timestamp=NOON)


def test_the_timestamp_is_in_utc_with_milliseconds():
    local = datetime(2026, 11, 26, 14, 0, 0, 123456, timezone(timedelta(hours=2)))
    assert sign(KEY, SECRET, "GET", "/", timestamp=local)["x-timestamp"] == "2026-11-26T12:00:00.123Z"
    with pytest.raises(ConfigurationError, match="time zone"):
        sign(KEY, SECRET, "GET", "/", timestamp=datetime(2026, 11, 26))  # noqa: DTZ001


@pytest.mark.parametrize("secret", ["JViE5vDor0Sw3WllZka15Q", "JViE5vDor0Sw3WllZka15Q=", SECRET])
def test_the_padding_of_a_secret_is_optional(secret):
    assert sign(KEY, secret, "GET", "/", timestamp=NOON) == sign(KEY, SECRET, "GET", "/", timestamp=NOON)


BAD_SECRETS = ["", "====", "a", "c2Vj cmV0", "c2VjcmV0\n", "c2VjcmV0!", "c2-_cmV0", "sécret", "c=2V", 5, b"c2VjcmV0"]


@pytest.mark.parametrize("secret", BAD_SECRETS, ids=repr)
def test_other_secrets_are_refused(secret):
    for use in (SignedAuth, lambda *credentials: sign(*credentials, "GET", "/", timestamp=NOON)):
        with pytest.raises(ConfigurationError, match=r"must be the Base64 text .* such as"):
            use("key", secret)


@pytest.mark.parametrize("key", ["", "a b", "a:b", "a\r\nb", "ä", None, b"key"], ids=repr)
def test_a_key_that_does_not_fit_into_a_header_is_refused(key):
    for use in (SignedAuth, lambda *credentials: sign(*credentials, "GET", "/", timestamp=NOON)):
        with pytest.raises(ConfigurationError, match="application key must be printable ASCII"):
            use(key, SECRET)


def test_credentials_are_not_shown_copied_or_pickled():
    auth = SignedAuth(KEY, SECRET)
    assert repr(auth) == str(auth) == "SignedAuth(***)"
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(ConfigurationError, match="not pickled or copied"):
            duplicate(auth)


def request(url=URL, **options):
    return httpx.Request("GET", url, **options)


def first_of(auth, sent):
    flow = auth.sync_auth_flow(sent)
    signed = next(flow)
    flow.close()
    return signed.headers


def test_signed_auth_sends_the_headers_of_sign(clock):
    sent = request(f"{URL}%2Fb?x=1", headers={"Content-Type": "application/json"})
    headers = first_of(SignedAuth(KEY, SECRET), sent)
    expected = sign(KEY, SECRET, "GET", "/v1/counters/a%2Fb", content_type="application/json", timestamp=NOON)
    assert {name: headers[name] for name in expected} == expected


def test_the_body_and_another_path_are_signed_if_given(clock):
    sent = httpx.Request("POST", URL, content=b"{}", extensions={"sinch_reporting.signed_path": "/v9/counters/a"})
    expected = sign(KEY, SECRET, "POST", "/v9/counters/a", body=b"{}", timestamp=NOON)
    assert first_of(SignedAuth(KEY, SECRET), sent)["Authorization"] == expected["Authorization"]


def test_credentials_can_be_replaced(clock):
    auth = SignedAuth("retired", "cmV0aXJlZA==")
    auth.update(KEY, SECRET)
    with pytest.raises(ConfigurationError):
        auth.update(KEY, "not Base64")
    assert auth.credentials() == (KEY, SECRET)
    assert first_of(auth, request())["Authorization"].startswith(f"Application {KEY}:")


def exchange(auth, *responses, sent=None):
    """Send a request to scripted responses, and return the offsets of the timestamps in seconds."""
    offsets, script = [], iter(responses)
    flow = auth.sync_auth_flow(sent or request())
    signed = next(flow)
    while True:
        timestamp = datetime.fromisoformat(signed.headers["x-timestamp"])
        offsets.append((timestamp - datetime.now(UTC)).total_seconds())
        try:
            signed = flow.send(next(script))
        except StopIteration:
            return offsets


def unauthorized(date=None, **headers):
    return httpx.Response(401, headers={**headers, **({"Date": date} if date else {})}, content=b"{}")


OK = httpx.Response(200, content=b'{"value": 7}')


@pytest.mark.parametrize("hours", [-30, -3, 3, 30])
def test_a_clock_offset_is_learned_from_a_401_and_remembered(clock, hours):
    auth = SignedAuth(KEY, SECRET)
    offset = hours * 3600 + 0.5  # half of the second that the Date lacks on average
    assert exchange(auth, unauthorized(http_date(NOON + timedelta(hours=hours))), OK) == [0, offset]
    assert exchange(auth, OK) == [offset]


def test_the_offset_counts_from_the_middle_of_the_exchange(clock):
    auth = SignedAuth(KEY, SECRET)
    flow = auth.sync_auth_flow(request())
    next(flow)
    clock.tick(10)
    signed = flow.send(unauthorized(http_date(NOON + timedelta(seconds=105))))
    assert signed.headers["x-timestamp"] == "2026-11-26T12:01:50.500Z"


@pytest.mark.parametrize(
    "response",
    [
        unauthorized(),
        unauthorized("yesterday"),
        unauthorized(AHEAD, Age="18000"),
        unauthorized("Fri, 31 Dec 9999 23:59:59 GMT"),
        unauthorized("Thu, 01 Jan 1970 00:00:00 GMT"),
        unauthorized(http_date(NOON + timedelta(seconds=4))),
        unauthorized(http_date(NOON - timedelta(seconds=5))),
        httpx.Response(403, headers={"Date": AHEAD}),
        httpx.Response(200, headers={"Date": AHEAD}),
    ],
    ids=["no date", "malformed", "cached", "year 9999", "year 1970", "4 s ahead", "5 s behind", "403", "200"],
)
def test_other_responses_do_not_change_the_clock(clock, response):
    auth = SignedAuth(KEY, SECRET)
    assert exchange(auth, response, OK) == [0]
    assert exchange(auth, OK) == [0]


@pytest.mark.parametrize(
    "failure",
    [
        unauthorized(FURTHER),
        httpx.Response(503),
        httpx.Response(404),
        httpx.Response(200, content=b'{"errorCode": 40101}'),
    ],
    ids=["401", "503", "404", "error in a 200"],
)
def test_an_offset_is_not_remembered_without_a_success(clock, failure):
    auth = SignedAuth(KEY, SECRET)
    assert exchange(auth, unauthorized(AHEAD), failure) == [0, 18000.5]
    assert exchange(auth, OK) == [0]


def test_a_request_is_corrected_once_in_all_its_attempts(clock):
    auth, sent = SignedAuth(KEY, SECRET), request()
    assert exchange(auth, unauthorized(AHEAD), httpx.Response(503), sent=sent) == [0, 18000.5]
    assert exchange(auth, unauthorized(FURTHER), sent=sent) == [18000.5]
    assert exchange(auth, OK, sent=sent) == [18000.5]
    assert exchange(auth, OK) == [18000.5]


@pytest.mark.parametrize("second", [unauthorized(), unauthorized(http_date(NOON))], ids=["no date", "date"])
def test_a_wrong_offset_is_dropped(clock, second):
    auth = SignedAuth(KEY, SECRET)
    exchange(auth, unauthorized(AHEAD), OK)
    found = exchange(auth, second, OK)
    assert found[0] == 18000.5
    assert abs(found[1]) < 1
    assert abs(exchange(auth, OK)[0]) < 1


def test_signed_auth_works_with_any_httpx_client():
    seen = []

    def respond(sent):
        seen.append(sent.headers)
        return httpx.Response(200)

    with httpx.Client(auth=SignedAuth(KEY, SECRET), transport=httpx.MockTransport(respond)) as client:
        client.get(URL)
    assert seen[0]["Authorization"].startswith(f"Application {KEY}:")
