"""The Sandbox, spoken to over its socket; requests are signed here by a few lines of the test's own."""

import base64
import gc
import hashlib
import hmac
import http.client
import json
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote, urlsplit

import attrs
import httpx
import pytest

from sinch_reporting.testing import Sandbox

KEY = "5F5C418A0F914BBC8234A9BF5EDDAD97"
SECRET = "JViE5vDor0Sw3WllZka15Q=="
NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
STAMP = "2026-11-20T12:00:30Z"
NUMBER = "+46730170101"
CALLS = f"/v1/users/number/{NUMBER}/calls/data"
COUNTER = "/v1/counters/currentCalls"
SERVICE = "/v1/services/rtpproxy"


@attrs.frozen
class Answer:
    status: int
    headers: http.client.HTTPMessage
    json: dict

    @property
    def outcome(self):
        return self.status, self.json.get("errorCode")


def basic(key=KEY, secret=SECRET):
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


def signed(target, *, verb="GET", key=KEY, secret=SECRET, stamp=STAMP, content_type="application/json", body=b""):
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode() if body else ""
    path = unquote(target.partition("?")[0])
    text = f"{verb}\n{md5}\n{content_type or ''}\nx-timestamp:{stamp}\n{path}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(secret + "=="), text.encode(), "sha256")).decode()
    headers = {"Authorization": f"Application {key}:{signature}", "x-timestamp": stamp}
    return headers | ({"Content-Type": content_type} if content_type else {})


def ask(sandbox, target, headers=None, *, verb="GET", body=None):
    """Send the target exactly as it is written."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=5)
    try:
        connection.request(verb, target, body, basic() if headers is None else headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, json.loads(response.read() or b"{}"))
    finally:
        connection.close()


def report(sandbox, query="", path=CALLS):
    answer = ask(sandbox, f"{path}?{query}")
    assert answer.status == 200
    return answer.json


@pytest.fixture(scope="module")
def running():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.clock = lambda: NOW
    running.requests.clear()
    return running


# Its life


def test_it_serves_on_a_free_port_of_the_loopback_interface(sandbox):
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*/v1", sandbox.url)
    response = httpx.get(f"{sandbox.url}/services/rtpproxy", auth=(KEY, SECRET), trust_env=False)
    assert (response.status_code, response.json()) == (200, {"status": "up"})


def test_its_credentials_are_the_documented_example_unless_others_are_given(sandbox):
    assert (sandbox.application_key, sandbox.application_secret) == (KEY, SECRET)
    other = Sandbox(application_key="k", application_secret="c2VjcmV0")
    assert (other.application_key, other.application_secret) == ("k", "c2VjcmV0")


def test_after_the_body_raised_the_thread_is_gone_and_the_port_free():
    before = threading.enumerate()
    sandbox = Sandbox()
    with pytest.raises(ZeroDivisionError), sandbox:
        _ = ask(sandbox, SERVICE).status / 0
    assert threading.enumerate() == before
    with pytest.raises(ConnectionRefusedError):
        ask(sandbox, SERVICE)
    gc.collect()  # brings an unclosed socket to light


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /v1/serv",
        b"GET /v1/services/rtpproxy HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/services/rtpproxy HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
    ],
    ids=["nothing", "half a line", "a whole request", "half a body"],
)
def test_it_stops_while_a_connection_is_open(sent):
    with ExitStack() as stack:
        with Sandbox() as sandbox:
            address = urlsplit(sandbox.url)
            client = stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=5))
            client.sendall(sent)
            ask(sandbox, SERVICE)  # by now the server has accepted the connection
        while client.recv(4096):
            pass
    gc.collect()


def test_a_request_that_its_client_gives_up_does_no_harm(sandbox, caplog):
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as client:
        client.sendall(b"POST /v1/services/rtpproxy HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
    assert ask(sandbox, SERVICE).status == 200
    assert caplog.records == []


def test_it_can_be_started_again_and_keeps_what_was_set():
    sandbox = Sandbox()
    with sandbox:
        sandbox.set_service("media", "down")
    with sandbox:
        assert ask(sandbox, "/v1/services/media").json == {"status": "down"}


def test_starting_it_while_it_runs_is_refused(running):
    with pytest.raises(RuntimeError, match="runs already"):
        running.start()


def test_stopping_it_while_it_does_not_run_does_nothing():
    Sandbox().stop()


def test_it_has_no_url_before_it_was_started():
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = Sandbox().url


def test_a_port_in_use_is_refused(running):
    with pytest.raises(OSError, match="in use"), Sandbox(port=urlsplit(running.url).port):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", ""])
def test_a_host_that_others_can_reach_is_refused(host):
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host=host)


def test_a_host_may_be_named_localhost():
    with Sandbox(host="localhost") as sandbox:
        assert ask(sandbox, SERVICE).status == 200


@pytest.mark.parametrize("secret", ["", "not Base64", "abcde"])
def test_a_secret_that_is_not_base64_is_refused(secret):
    with pytest.raises(ValueError, match="application_secret"):
        Sandbox(application_secret=secret)


@pytest.mark.parametrize("key", ["", "a:b", "a b"])
def test_a_key_that_cannot_be_sent_is_refused(key):
    with pytest.raises(ValueError, match="application_key"):
        Sandbox(application_key=key)


def test_it_logs_nothing_and_leaves_other_loggers_their_say(caplog):
    caplog.set_level(logging.DEBUG)
    filters = list(logging.getLogger("uvicorn.error").filters)
    with Sandbox() as sandbox:
        ask(sandbox, SERVICE)
        logging.getLogger("uvicorn.error").info("of another uvicorn")
    assert [r.getMessage() for r in caplog.records if r.name.startswith("uvicorn")] == ["of another uvicorn"]
    assert logging.getLogger("uvicorn.error").filters == filters


def test_it_leaves_the_signal_handlers_alone():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Sandbox():
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


# What it records


def test_requests_are_recorded_as_they_came_over_the_wire(sandbox):
    ask(sandbox, "/v1/users/username/a%2Fb+c/calls/data?_start=x&%7E", {**basic(), "X-Thing": "1"}, body=b"hello")
    (received,) = sandbox.requests
    assert (received.method, received.status, received.body) == ("GET", 400, b"hello")
    assert received.path == "/v1/users/username/a%2Fb+c/calls/data"
    assert received.query == "_start=x&%7E"
    assert received.headers["x-thing"] == "1"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        received.status = 200


def test_headers_of_one_name_are_joined(sandbox):
    ask_twice = httpx.get(sandbox.url, headers=[("X-Thing", "1"), ("x-thing", "2")], trust_env=False)
    assert ask_twice.status_code == sandbox.requests[0].status == 401
    assert sandbox.requests[0].headers["x-thing"] == "1, 2"


def test_many_clients_at_once_are_all_answered_and_recorded(sandbox):
    def set_and_ask(number):
        sandbox.set_service(f"s{number}", "up")
        return ask(sandbox, f"/v1/services/s{number}").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(set_and_ask, range(80))) == {200}
    assert {request.path for request in sandbox.requests} == {f"/v1/services/s{number}" for number in range(80)}


def test_kept_connections_are_answered_without_delay(sandbox):
    with httpx.Client(base_url=sandbox.url, auth=(KEY, SECRET), trust_env=False) as client:
        elapsed = [client.get("/services/rtpproxy").elapsed for _ in range(20)]
    assert min(elapsed[2:]) < timedelta(milliseconds=20)  # a delayed acknowledgement takes 40


# Signed requests


def test_the_published_vector_with_a_body_is_accepted():
    body = b'{"message":"Hello world"}'
    headers = {
        "Authorization": f"Application {KEY}:qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM=",
        "Content-Type": "application/json",
        "x-timestamp": "2014-06-04T13:41:58Z",
    }
    target = "/v1/sms/+467" + "0" * 8
    with Sandbox(clock=lambda: datetime(2014, 6, 4, 13, 41, 58, tzinfo=UTC)) as sandbox:
        # There is nothing at that path, but only who is let in gets to know.
        assert ask(sandbox, target, headers, verb="POST", body=body).outcome == (404, 40400)
        assert ask(sandbox, target, headers, verb="POST", body=body + b" ").outcome == (401, 40102)


def test_the_published_vector_without_a_body_is_accepted():
    headers = {
        "Authorization": "Application my-key-id:nsrLDvP6KVD/dAxb3IfAncdwjPFJVWSrseEFOcZge+A=",
        "Content-Type": "application/json",
        "x-timestamp": "2023-11-22T09:10:11.999Z",
    }
    with Sandbox(
        application_key="my-key-id",
        application_secret="bXkta2V5LXNlY3JldA==",
        clock=lambda: datetime(2023, 11, 22, 9, 10, 12, tzinfo=UTC),
    ) as sandbox:
        assert ask(sandbox, "/path/pathParamValue", headers).outcome == (404, 40400)
        assert ask(sandbox, "/path/pathParamvalue", headers).outcome == (401, 40102)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", None])
def test_the_content_type_is_signed_as_it_is_sent(sandbox, content_type):
    assert ask(sandbox, COUNTER, signed(COUNTER, content_type=content_type)).status == 200
    headers = signed(COUNTER, content_type=content_type) | {"Content-Type": "text/plain"}
    assert ask(sandbox, COUNTER, headers).outcome == (401, 40102)


@pytest.mark.parametrize("endpoint", ["a%2Fb", "a%20b", "%C3%A5", "a+b", "a%2Bb", "100%25"])
def test_the_decoded_path_is_what_is_signed(sandbox, endpoint):
    target = f"/v1/users/username/{endpoint}/calls/data"
    assert ask(sandbox, target, signed(target)).status == 200


def test_the_query_is_not_signed(sandbox):
    assert ask(sandbox, f"{CALLS}?_start=2026-11-01", signed(CALLS)).status == 200


def test_a_secret_without_its_padding_is_accepted():
    with Sandbox(application_secret=SECRET.rstrip("="), clock=lambda: NOW) as sandbox:
        assert ask(sandbox, COUNTER, signed(COUNTER)).status == 200


@pytest.mark.parametrize("fraction", ["", ".9", ".999", ".999999", ".9999999"])
def test_a_timestamp_may_have_up_to_seven_fractional_digits(sandbox, fraction):
    stamp = f"2026-11-20T12:00:30{fraction}Z"
    assert ask(sandbox, COUNTER, signed(COUNTER, stamp=stamp)).status == 200


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "now",
        "2026-11-20",
        "2026-11-20T12:00:30",
        "2026-11-20T12:00:30+00:00",
        "2026-11-20 12:00:30Z",
        "2026-11-20T12:00:30.Z",
        "2026-11-20T12:00:30.12345678Z",
        "2026-13-20T12:00:30Z",
        "2026-11-20T12:00:30Z, 2026-11-20T12:00:30Z",
    ],
)
def test_a_malformed_timestamp_is_refused(sandbox, stamp):
    assert ask(sandbox, COUNTER, signed(COUNTER, stamp=stamp)).outcome == (401, 40101)


def test_a_missing_timestamp_is_refused(sandbox):
    headers = signed(COUNTER)
    del headers["x-timestamp"]
    assert ask(sandbox, COUNTER, headers).outcome == (401, 40101)


@pytest.mark.parametrize(("seconds", "where"), [(301, "behind"), (-301, "ahead of")])
def test_a_stale_timestamp_is_refused(sandbox, seconds, where):
    sandbox.clock = lambda: NOW + timedelta(seconds=seconds)
    answer = ask(sandbox, COUNTER, signed(COUNTER))
    assert answer.outcome == (401, 40101)
    assert f"301 seconds {where} the server's clock" in answer.json["message"]


@pytest.mark.parametrize("seconds", [300, -300])
def test_a_timestamp_at_the_edge_of_the_tolerance_is_accepted(sandbox, seconds):
    sandbox.clock = lambda: NOW + timedelta(seconds=seconds)
    assert ask(sandbox, COUNTER, signed(COUNTER)).status == 200


def test_the_tolerance_can_be_chosen():
    with Sandbox(tolerance=timedelta(seconds=1), clock=lambda: NOW + timedelta(seconds=2)) as sandbox:
        assert ask(sandbox, COUNTER, signed(COUNTER)).outcome == (401, 40101)


def test_a_wrong_secret_is_refused_with_what_should_have_been_signed_but_not_the_secret(sandbox):
    answer = ask(sandbox, COUNTER, signed(COUNTER, secret="d3Jvbmc="))
    assert answer.outcome == (401, 40102)
    assert repr(f"GET\n\napplication/json\nx-timestamp:{STAMP}\n{COUNTER}") in answer.json["message"]
    assert SECRET not in answer.json["message"]


@pytest.mark.parametrize("other", [SERVICE, COUNTER + "/", COUNTER.lower()])
def test_a_signature_of_another_path_is_refused(sandbox, other):
    assert ask(sandbox, COUNTER, signed(other)).outcome == (401, 40102)


def test_a_signature_of_another_verb_is_refused(sandbox):
    assert ask(sandbox, COUNTER, signed(COUNTER, verb="POST")).outcome == (401, 40102)


def test_a_signature_of_another_time_is_refused(sandbox):
    headers = signed(COUNTER) | {"x-timestamp": "2026-11-20T12:00:31Z"}
    assert ask(sandbox, COUNTER, headers).outcome == (401, 40102)


def test_a_signed_request_with_an_unknown_key_is_refused(sandbox):
    assert ask(sandbox, COUNTER, signed(COUNTER, key="other")).outcome == (401, 40108)


# Basic and other schemes


@pytest.mark.parametrize(("key", "secret"), [("other", SECRET), (KEY, "other"), (KEY, ""), (KEY, SECRET + "=")])
def test_basic_credentials_that_are_wrong_are_refused(sandbox, key, secret):
    assert ask(sandbox, COUNTER, basic(key, secret)).outcome == (401, 40108)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Application",
        "Application ",
        f"Application {KEY}",
        f"Application {KEY}:",
        "Application :c2ln",
        f"Application {KEY}:c2ln c2ln",
        "Basic",
        "Basic !",
        "Basic " + base64.b64encode(b"without a colon").decode(),
        "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode().rstrip("=") + "\u00e5",
        "Bearer",
    ],
)
def test_a_malformed_authorization_header_is_refused(sandbox, header):
    assert ask(sandbox, COUNTER, {"Authorization": header}).outcome == (401, 40100)


def test_a_missing_authorization_header_is_refused(sandbox):
    assert ask(sandbox, COUNTER, {}).outcome == (401, 40100)


def test_two_authorization_headers_are_refused(sandbox):
    headers = [("Authorization", basic()["Authorization"])] * 2
    assert httpx.get(f"{sandbox.url}/counters/currentCalls", headers=headers, trust_env=False).status_code == 401


@pytest.mark.parametrize("header", ["Bearer abc", "Digest username=x, realm=y", "application a:b"])
def test_another_scheme_is_forbidden(sandbox, header):
    assert ask(sandbox, COUNTER, {"Authorization": header}).outcome == (403, 40301)


@pytest.mark.parametrize("target", ["/v1/nothing", "/v1/users/x/y/calls/z", "/v1/users/username/%FF/calls/data"])
@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_who_is_not_authenticated_learns_nothing_else(sandbox, target, verb):
    assert ask(sandbox, target, {}, verb=verb).outcome == (401, 40100)


# Errors


@pytest.mark.parametrize(
    ("target", "status"), [("/v1/nothing", "404 Not Found"), (CALLS + "?_start=x", "400 Bad Request")]
)
def test_an_error_says_what_went_wrong(sandbox, target, status):
    answer = ask(sandbox, target)
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"errorCode", "message", "reference", "status"}
    assert answer.json["status"] == status
    assert answer.json["errorCode"] // 100 == answer.status
    assert uuid.UUID(answer.json["reference"]).version == 4


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v1",
        "/v1/counters",
        "/v2/counters/currentCalls",
        "/counters/currentCalls",
        f"{COUNTER}/",
        f"/v1/users/number/{NUMBER}/calls",
        f"{CALLS}/",
        "//v1/counters/currentCalls",
    ],
)
def test_an_unknown_route_is_not_found(sandbox, target):
    assert ask(sandbox, target).outcome == (404, 40400)


@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("target", [CALLS, COUNTER, SERVICE, "/v1/users/x/y/calls/z"])
def test_only_get_is_allowed(sandbox, verb, target):
    answer = ask(sandbox, target, verb=verb)
    assert (*answer.outcome, answer.headers["allow"]) == (405, 40500, "GET")


def test_head_is_not_get(sandbox):
    answer = ask(sandbox, SERVICE, verb="HEAD")
    assert (answer.status, answer.headers["allow"], answer.json) == (405, "GET", {})


def test_a_failure_of_its_own_is_an_internal_error(sandbox):
    sandbox.clock = lambda: NOW.replace(tzinfo=None)
    answer = ask(sandbox, SERVICE)
    assert answer.outcome == (500, 50000)
    assert "aware" in answer.json["message"]


# Paths


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        ("a%2Fb", "a/b"),
        ("%2F..%2F", "/../"),
        ("a+b", "a+b"),
        ("a%20b", "a b"),
        ("%C3%A5%F0%9F%93%9E", "å📞"),
        ("%2525", "%25"),
    ],
)
def test_a_segment_is_decoded_once_and_stays_one_segment(sandbox, segment, name):
    sandbox.set_service(name, f"of {name}")
    assert ask(sandbox, f"/v1/services/{segment}").json == {"status": f"of {name}"}


@pytest.mark.parametrize("segment", ["%FF", "%C3", "100%", "%zz", "%C3%28"])
@pytest.mark.parametrize("target", ["/v1/services/{}", "/v1/users/username/{}/calls/data"])
def test_a_segment_that_is_not_encoded_utf8_is_refused(sandbox, target, segment):
    assert ask(sandbox, target.format(segment)).outcome == (400, 40001)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/v1/users//x/calls/data", "type"),
        ("/v1/users/username//calls/data", "endpoint"),
        ("/v1/users/username/x/calls/", "domain"),
        ("/v1/services/", "id"),
    ],
)
def test_an_empty_path_parameter_is_missing(sandbox, target, name):
    answer = ask(sandbox, target)
    assert answer.outcome == (400, 40002)
    assert f"`{name}`" in answer.json["message"]


# Call reports


@pytest.mark.parametrize(
    ("path", "code", "name"),
    [
        (f"/v1/users/Number/{NUMBER}/calls/data", 40001, "type"),
        (f"/v1/users/number/{NUMBER[1:]}/calls/data", 40005, "endpoint"),
        ("/v1/users/number/+0123456/calls/data", 40001, "endpoint"),
        ("/v1/users/number/+123456/calls/data", 40001, "endpoint"),
        ("/v1/users/number/+1234567890123456/calls/data", 40001, "endpoint"),
        (f"/v1/users/number/%20{NUMBER[1:]}/calls/data", 40001, "endpoint"),
        (f"/v1/users/number/{NUMBER}%0A/calls/data", 40001, "endpoint"),
        ("/v1/users/number/alice/calls/data", 40001, "endpoint"),
        (f"/v1/users/number/{NUMBER}/calls/sip", 40001, "domain"),
        (f"{CALLS}?_start=2026-11-1", 40001, "_start"),
        (f"{CALLS}?_start=", 40001, "_start"),
        (f"{CALLS}?_start=20261101", 40001, "_start"),
        (f"{CALLS}?_start=2026-02-30", 40001, "_start"),
        (f"{CALLS}?_start=2026-11-01T00:00:00Z", 40001, "_start"),
        (f"{CALLS}?_start=2026-11-01&_start=2026-11-01", 40001, "_start"),
        (f"{CALLS}?_stop=yesterday", 40001, "_stop"),
        (f"{CALLS}?_start=2026-11-02&_stop=2026-11-01", 40003, "_stop"),
        (f"{CALLS}?_start=2026-10-01&_stop=2026-11-01", 40003, "_stop"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(sandbox, path, code, name):
    answer = ask(sandbox, path)
    assert answer.outcome == (400, code)
    assert f"`{name}`" in answer.json["message"]


def test_a_query_that_is_not_utf8_is_refused(sandbox):
    assert ask(sandbox, f"{CALLS}?_start=%FF").outcome == (400, 40001)


def test_unknown_query_parameters_are_ignored(sandbox):
    assert report(sandbox, "start=x&_Start=x&start=y") == report(sandbox)


def test_a_period_may_span_thirty_days(sandbox):
    assert report(sandbox, "_start=2026-10-02&_stop=2026-11-01")["success"] > 0


def test_reports_are_the_same_in_every_process_and_version(sandbox):
    query = "_start=2026-11-01&_stop=2026-11-10"
    pstn = CALLS.replace("data", "pstn")
    alice = "/v1/users/username/alice/calls/data"
    assert report(sandbox, query) == {"success": 44, "duration": 8821, "failed": 4, "start": "2026-11-01T23:14:24Z"}
    assert report(sandbox, query, pstn) == {
        "success": 20,
        "duration": 4782,
        "failed": 6,
        "start": "2026-11-01T10:17:07Z",
    }
    assert report(sandbox, query, alice) == {
        "success": 23,
        "duration": 3686,
        "failed": 14,
        "start": "2026-11-01T07:37:38Z",
    }


def test_reports_add_up_over_adjacent_periods(sandbox):
    whole = report(sandbox, "_start=2026-10-20&_stop=2026-11-18")
    first = report(sandbox, "_start=2026-10-20&_stop=2026-11-02")
    second = report(sandbox, "_start=2026-11-03&_stop=2026-11-18")
    for field in ("success", "failed", "duration"):
        assert whole[field] == first[field] + second[field]
    assert whole["start"] == first["start"] < second["start"]


def test_a_day_without_calls_has_no_start_and_no_duration(sandbox):
    days = [report(sandbox, f"_start=2026-10-{day:02}&_stop=2026-10-{day:02}") for day in range(1, 32)]
    empty = [day for day in days if not day["success"] + day["failed"]]
    assert 0 < len(empty) < 31
    assert all(day == {"success": 0, "duration": 0, "failed": 0} for day in empty)
    for number, day in enumerate(days, 1):
        assert (day["duration"] > 0) == (day["success"] > 0)
        assert day.get("start", f"2026-10-{number:02}").startswith(f"2026-10-{number:02}")


def test_some_endpoints_never_call(sandbox):
    with httpx.Client(base_url=sandbox.url, auth=(KEY, SECRET), trust_env=False) as client:
        reports = [client.get(f"/users/username/user{n}/calls/data").json() for n in range(40)]
    silent = [report for report in reports if "start" not in report]
    assert 0 < len(silent) < 20


def test_without_filters_a_report_covers_the_last_thirty_days(sandbox):
    assert report(sandbox) == report(sandbox, "_start=2026-10-22&_stop=2026-11-20")


def test_with_only_a_start_a_report_covers_thirty_days_but_not_the_future(sandbox):
    assert report(sandbox, "_start=2026-09-01") == report(sandbox, "_start=2026-09-01&_stop=2026-09-30")
    assert report(sandbox, "_start=2026-11-10") == report(sandbox, "_start=2026-11-10&_stop=2026-11-20")


def test_with_only_a_stop_a_report_covers_the_thirty_days_up_to_it(sandbox):
    assert report(sandbox, "_stop=2026-09-30") == report(sandbox, "_start=2026-09-01&_stop=2026-09-30")


@pytest.mark.parametrize("query", ["_start=2026-11-21", "_start=9999-12-31", "_start=2026-11-21&_stop=2026-12-21"])
def test_the_future_has_no_calls(sandbox, query):
    assert report(sandbox, query) == {"success": 0, "duration": 0, "failed": 0}


@pytest.mark.parametrize("query", ["_stop=0001-01-05", "_start=0001-01-01"])
def test_the_first_days_of_the_calendar_are_no_trouble(sandbox, query):
    assert report(sandbox, query)["success"] >= 0


def test_a_report_stays_the_same_during_a_day_and_moves_with_the_clock(sandbox):
    sandbox.clock = lambda: datetime(2026, 11, 20, tzinfo=UTC)
    morning = report(sandbox)
    sandbox.clock = lambda: datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
    assert report(sandbox) == morning
    sandbox.clock = lambda: datetime(2026, 11, 21, 0, 59, tzinfo=timezone(timedelta(hours=1)))  # still the 20th in UTC
    assert report(sandbox) == morning
    sandbox.clock = lambda: datetime(2026, 12, 20, tzinfo=UTC)
    assert report(sandbox) != morning


# Counters and services


def test_a_counter_moves_every_two_minutes(sandbox):
    first = ask(sandbox, COUNTER).json
    sandbox.clock = lambda: datetime(2026, 11, 20, 12, 1, 59, tzinfo=UTC)
    assert ask(sandbox, COUNTER).json == first
    assert first["modified"] == "2026-11-20T12:00:00Z"
    sandbox.clock = lambda: datetime(2026, 11, 20, 12, 2, tzinfo=UTC)
    second = ask(sandbox, COUNTER).json
    assert second["modified"] == "2026-11-20T12:02:00Z"
    assert second["value"] != first["value"]


def test_a_counter_is_the_same_in_every_process_and_version(sandbox):
    assert ask(sandbox, COUNTER).json["value"] == 166


def test_a_pinned_counter_keeps_its_value_and_is_still_refreshed(sandbox):
    sandbox.set_counter("pinned", 12384955)
    assert ask(sandbox, "/v1/counters/pinned").json == {"value": 12384955, "modified": "2026-11-20T12:00:00Z"}
    sandbox.clock = lambda: NOW + timedelta(minutes=2)
    assert ask(sandbox, "/v1/counters/pinned").json == {"value": 12384955, "modified": "2026-11-20T12:02:00Z"}


def test_a_service_has_the_status_that_was_set_last(sandbox):
    for status in ("up", "down", "degraded"):
        sandbox.set_service("media", status)
        assert ask(sandbox, "/v1/services/media").json == {"status": status}


@pytest.mark.parametrize("target", ["/v1/counters/rtpproxy", "/v1/counters/currentcalls", "/v1/services/currentCalls"])
def test_an_unknown_id_is_not_found(sandbox, target):
    assert ask(sandbox, target).outcome == (404, 40400)


# The clock


@pytest.mark.parametrize("target", [SERVICE, "/v1/nothing"])
def test_the_date_header_follows_the_clock(sandbox, target):
    sandbox.clock = lambda: datetime(2014, 4, 28, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    assert ask(sandbox, target).headers.get_all("date") == ["Sun, 27 Apr 2014 23:02:03 GMT"]


def test_the_clock_is_the_systems_by_default():
    with Sandbox() as sandbox:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert ask(sandbox, SERVICE, signed(SERVICE, stamp=stamp)).status == 200


# From the shell


def run(*arguments, **options):
    command = [sys.executable, "-m", "sinch_reporting.testing", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_a_signal_and_exits_silently(end):
    arguments = ("--application-key", "k", "--application-secret", "c2Vj", "--service", "a=b=c", "--counter", "n=7")
    with run(*arguments) as process:
        try:
            lines = [process.stdout.readline() for _ in range(4)]
            exports = dict(shlex.split(line)[1].split("=", 1) for line in lines[:3])
            key, secret = exports["SINCH_APPLICATION_KEY"], exports["SINCH_APPLICATION_SECRET"]
            with httpx.Client(base_url=exports["SINCH_REPORTING_URL"], auth=(key, secret), trust_env=False) as client:
                assert client.get("/services/a").json() == {"status": "b=c"}
                assert client.get("/counters/n").json()["value"] == 7
            assert (key, secret) == ("k", "c2Vj")
            assert lines[3].startswith("# curl --user k:c2Vj http://127.0.0.1:")
            process.send_signal(end)
            assert process.communicate(timeout=10) == ("", "")
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "0.0.0.0"), "loopback"),
        (("--application-secret", "!"), "Base64"),
        (("--port", "70000"), "port must be"),
        (("--port", "{taken}"), "in use"),
    ],
)
def test_the_command_explains_in_one_line_why_it_cannot_serve(running, arguments, words):
    taken = str(urlsplit(running.url).port)
    with run(*(argument.format(taken=taken) for argument in arguments)) as process:
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output) == (2, "")
    assert words in errors
    assert errors.startswith("python -m sinch_reporting.testing: error: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--counter", "n=x"), ("--counter", "=1"), ("--service", "media")])
def test_the_command_refuses_a_malformed_setting(arguments):
    with run(*arguments) as process:
        assert "is not ID=" in process.communicate(timeout=10)[1]
    assert process.returncode == 2


def test_the_command_helps():
    with run("--help", env={**os.environ, "COLUMNS": "80"}) as process:
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    for option in ("--host", "--port", "--application-key", "--application-secret", "--service", "--counter"):
        assert option in output
