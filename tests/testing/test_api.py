"""Responses of the Sandbox's API, chosen without a socket."""

import base64
import json
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import attrs
import pytest
import yaml

from sinch_reporting import Domain, Number, Username
from sinch_reporting.testing import Sandbox
from sinch_reporting.testing._api import Api
from sinch_reporting.testing._fake_data import Data, report_calls, report_key
from sinch_reporting.testing._handlers import HANDLERS
from sinch_reporting.testing._signature import Request, Verifier
from tests.support.raw_requests import KEY, SECRET, SERVICE, STAMP, basic, signed

DOCUMENT = Path(__file__).resolve().parents[2] / "openapi/reporting.yaml"
NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
NUMBER = "+46730170101"
CALLS = f"/v1/users/number/{NUMBER}/calls/pstn"
COUNTER = "/v1/counters/currentCalls"
NO_CALLS = {"success": 0, "duration": 0, "failed": 0}


@attrs.define
class Server:
    """The API with a clock that can be set; everything else is as in a Sandbox."""

    data: Data = attrs.Factory(Data)
    now: datetime = NOW
    key: str = KEY
    secret: str = SECRET
    tolerance: timedelta = timedelta(minutes=5)

    def respond(self, target, headers=None, *, verb="GET", body=b""):
        path, _, query = target.partition("?")
        records = []
        verifier = Verifier(self.key, self.secret, self.tolerance)
        api = Api(verifier, self.data, lambda: self.now, lambda _path: None, records.append)
        plan, _ = api.receive(Request(verb, path, query, basic() if headers is None else headers, body), None)
        [response] = plan.actions
        assert records[0].status == plan.status == response.status
        return response

    def get(self, target, *arguments, **options):
        """Return the status and the JSON, or of an error the status and the code."""
        response = self.respond(target, *arguments, **options)
        body = json.loads(response.body)
        return response.status, body.get("errorCode", body)

    def report(self, query="", path=CALLS):
        status, body = self.get(f"{path}?{query}")
        assert status == 200
        return body


@pytest.fixture
def server():
    return Server()


def test_the_operations_are_those_of_the_document():
    paths = yaml.safe_load(DOCUMENT.read_text("utf-8"))["paths"]
    assert {path: set(operations) for path, operations in paths.items()} == {path: {"get"} for path in HANDLERS}


# Signatures


@pytest.mark.parametrize(
    ("server", "verb", "path", "body", "headers"),
    [
        (
            Server(now=datetime(2014, 6, 4, 13, 41, 58, tzinfo=UTC)),
            "POST",
            "/v1/sms/+467" + "0" * 8,
            b'{"message":"Hello world"}',
            {
                "authorization": f"Application {KEY}:qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM=",
                "content-type": "application/json",
                "x-timestamp": "2014-06-04T13:41:58Z",
            },
        ),
        (
            Server(
                key="my-key-id",
                secret="bXkta2V5LXNlY3JldA==",
                now=datetime(2023, 11, 22, 9, 10, 12, tzinfo=UTC),
            ),
            "GET",
            "/path/pathParamValue",
            b"",
            {
                "authorization": "Application my-key-id:nsrLDvP6KVD/dAxb3IfAncdwjPFJVWSrseEFOcZge+A=",
                "content-type": "application/json",
                "x-timestamp": "2023-11-22T09:10:11.999Z",
            },
        ),
    ],
    ids=["with a body", "without a body"],
)
def test_published_signatures_are_accepted(server, verb, path, body, headers):
    # The path does not exist, but only authorized clients learn that.
    assert server.get(path, headers, verb=verb, body=body) == (404, 40400)
    assert server.get(path, headers, verb=verb, body=body + b" ") == (401, 40102)
    assert server.get(path.replace("a", "A") + "0", headers, verb=verb, body=body) == (401, 40102)


@pytest.mark.parametrize(
    "headers",
    [
        signed(COUNTER),
        signed(COUNTER, content_type=None),
        signed(COUNTER, content_type="application/json; charset=utf-8"),
        signed(COUNTER, stamp="2026-11-20T12:00:30.9999999Z"),
        signed(COUNTER, stamp="2026-11-20T11:55:30Z"),
        signed(COUNTER, stamp="2026-11-20T12:05:30Z"),
        basic(),
    ],
)
def test_valid_credentials_are_accepted(server, headers):
    assert server.respond(COUNTER, headers).status == 200


@pytest.mark.parametrize("endpoint", ["a%2Fb%20%C3%A5+%25", "a%2Bb"])
def test_the_signature_covers_the_decoded_path_without_the_query(server, endpoint):
    path = f"/v1/users/username/{endpoint}/calls/data"
    assert server.respond(f"{path}?_start=2026-11-01", signed(path)).status == 200


def test_the_padding_of_the_secret_may_be_missing():
    assert Server(secret=SECRET.rstrip("=")).respond(COUNTER, signed(COUNTER)).status == 200


@pytest.mark.parametrize(
    ("code", "headers"),
    [
        (40100, {}),
        (40100, {"authorization": ""}),
        (40100, {"authorization": "Application"}),
        (40100, {"authorization": f"Application {KEY}:"}),
        (40100, {"authorization": "Application :c2ln"}),
        (40100, {"authorization": f"Application {KEY}:c2ln c2ln"}),
        (40100, {"authorization": "Basic !"}),
        (40100, {"authorization": "Basic " + base64.b64encode(b"without a colon").decode()}),
        (40100, {"authorization": f"{basic()['authorization']}, {basic()['authorization']}"}),
        (40101, signed(COUNTER, stamp="now")),
        (40101, signed(COUNTER, stamp="2026-11-20T12:00:30")),
        (40101, signed(COUNTER, stamp="2026-11-20T12:00:30+00:00")),
        (40101, signed(COUNTER, stamp="2026-11-20T12:00:30.12345678Z")),
        (40101, signed(COUNTER, stamp="2026-13-20T12:00:30Z")),
        (40101, {name: text for name, text in signed(COUNTER).items() if name != "x-timestamp"}),
        (40102, signed(COUNTER, secret="d3Jvbmc=")),
        (40102, signed(COUNTER, verb="POST")),
        (40102, signed(COUNTER + "/")),
        (40102, signed(COUNTER.lower())),
        (40102, signed(COUNTER) | {"x-timestamp": "2026-11-20T12:00:31Z"}),
        (40102, signed(COUNTER) | {"content-type": "text/plain"}),
        (40108, signed(COUNTER, key="other")),
        (40108, basic(key="other")),
        (40301, {"authorization": "Bearer abc"}),
    ],
)
def test_invalid_credentials_are_rejected(server, code, headers):
    assert server.get(COUNTER, headers) == (code // 100, code)


@pytest.mark.parametrize(("seconds", "direction"), [(301, "behind"), (-301, "ahead of")])
def test_a_stale_timestamp_is_rejected_with_its_age(server, seconds, direction):
    server.now = NOW + timedelta(seconds=seconds)
    response = server.respond(COUNTER, signed(COUNTER))
    assert json.loads(response.body)["errorCode"] == 40101
    assert f"301 seconds {direction} the server's clock" in response.body.decode()


def test_the_tolerance_can_be_chosen():
    server = Server(tolerance=timedelta(seconds=1), now=NOW + timedelta(seconds=2))
    assert server.get(COUNTER, signed(COUNTER)) == (401, 40101)


def test_a_wrong_signature_is_rejected_with_the_text_to_sign_but_not_the_secret(server):
    message = json.loads(server.respond(COUNTER, signed(COUNTER, secret="d3Jvbmc=")).body)["message"]
    assert repr(f"GET\n\napplication/json\nx-timestamp:{STAMP}\n{COUNTER}") in message
    assert SECRET not in message


@pytest.mark.parametrize(("target", "verb"), [("/v1/nothing", "GET"), (COUNTER, "DELETE"), ("/v1/services/%FF", "GET")])
def test_unauthorized_clients_learn_nothing_else(server, target, verb):
    assert server.get(target, {}, verb=verb) == (401, 40100)


# Routes and path parameters


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v1/counters",
        "/counters/currentCalls",
        f"{COUNTER}/",
        f"/v1/users/number/{NUMBER}/calls",
        "//v1/counters/currentCalls",
        "/v1/counters/rtpproxy",
        "/v1/services/currentCalls",
    ],
)
def test_an_unknown_path_or_id_is_not_found(server, target):
    assert server.get(target) == (404, 40400)


@pytest.mark.parametrize("verb", ["POST", "HEAD"])
def test_only_get_is_allowed(server, verb):
    response = server.respond("/v1/users/x/y/calls/z", verb=verb)
    assert (response.status, response.headers["allow"]) == (405, "GET")


def test_an_error_has_the_format_of_the_api(server):
    response = server.respond("/v1/nothing")
    body = json.loads(response.body)
    assert response.headers["content-type"] == "application/json"
    assert (set(body), body["status"]) == ({"errorCode", "message", "reference", "status"}, "404 Not Found")
    assert all(template in body["message"] for template in HANDLERS)
    assert uuid.UUID(body["reference"]).version == 4


def test_an_internal_failure_is_a_500(server):
    server.data = None
    assert server.get(COUNTER) == (500, 50000)


@pytest.mark.parametrize("name", ["/../", "a+b", "å📞", "%25"])
def test_a_segment_is_decoded_once_and_remains_one_segment(server, name):
    encoded = "".join(f"%{byte:02x}" if chr(byte) not in "a+b" else chr(byte) for byte in name.encode())
    server.data.services[name] = f"of {name}"
    assert server.get(f"/v1/services/{encoded}") == (200, {"status": f"of {name}"})


@pytest.mark.parametrize(
    ("path", "code", "name"),
    [
        ("/v1/services/%FF", 40001, "id"),
        ("/v1/services/100%", 40001, "id"),
        ("/v1/services/", 40002, "id"),
        ("/v1/users//x/calls/data", 40002, "type"),
        ("/v1/users/username/%C3/calls/data", 40001, "endpoint"),
        ("/v1/users/username/x/calls/", 40002, "domain"),
        (f"/v1/users/Number/{NUMBER}/calls/data", 40001, "type"),
        (f"/v1/users/number/{NUMBER[1:]}/calls/data", 40005, "endpoint"),
        ("/v1/users/number/+0123456/calls/data", 40001, "endpoint"),
        ("/v1/users/number/+1234567890123456/calls/data", 40001, "endpoint"),
        (f"/v1/users/number/{NUMBER}%0A/calls/data", 40001, "endpoint"),
        (f"/v1/users/number/{NUMBER}/calls/sip", 40001, "domain"),
        (f"{CALLS}?_start=2026-11-1", 40001, "_start"),
        (f"{CALLS}?_start=2026-02-30", 40001, "_start"),
        (f"{CALLS}?_start=2026-11-01T00:00:00Z", 40001, "_start"),
        (f"{CALLS}?_start=2026-11-01&_start=2026-11-01", 40001, "_start"),
        (f"{CALLS}?_stop=yesterday", 40001, "_stop"),
        (f"{CALLS}?_start=2026-11-02&_stop=2026-11-01", 40003, "_stop"),
        (f"{CALLS}?_start=2026-10-01&_stop=2026-11-01", 40003, "_stop"),
    ],
)
def test_an_invalid_parameter_is_rejected_by_name(server, path, code, name):
    response = server.respond(path)
    assert (response.status, json.loads(response.body)["errorCode"]) == (400, code)
    assert f"`{name}`" in json.loads(response.body)["message"]


def test_a_query_must_be_utf8(server):
    assert server.get(f"{COUNTER}?_start=%FF") == (400, 40001)


# Made-up reports


def test_reports_are_the_same_in_every_process_and_version(server):
    query = "_start=2026-11-01&_stop=2026-11-10"
    assert server.report(query) == {"success": 20, "duration": 4782, "failed": 6, "start": "2026-11-01T10:17:07Z"}
    assert server.report(query, "/v1/users/username/alice/calls/data") == {
        "success": 23,
        "duration": 3686,
        "failed": 14,
        "start": "2026-11-01T07:37:38Z",
    }


@pytest.mark.parametrize("path", [CALLS.replace("pstn", "data"), "/v1/users/username/alice/calls/pstn"])
def test_calls_of_numbers_are_in_pstn_and_of_usernames_in_data(server, path):
    assert server.report(path=path) == NO_CALLS


def test_reports_add_up_over_adjacent_periods(server):
    whole = server.report("_start=2026-10-20&_stop=2026-11-19")  # 31 days, the longest period
    first = server.report("_start=2026-10-20&_stop=2026-11-02")
    second = server.report("_start=2026-11-03&_stop=2026-11-19")
    for field in ("success", "failed", "duration"):
        assert whole[field] == first[field] + second[field] > 0
    assert whole["start"] == first["start"] < second["start"]


def test_some_days_and_some_endpoints_have_no_calls(server):
    days = [server.report(f"_start=2026-10-{day:02}&_stop=2026-10-{day:02}") for day in range(1, 32)]
    assert 0 < days.count(NO_CALLS) < 31
    for number, day in enumerate(days, 1):
        assert (day["duration"] > 0) == (day["success"] > 0)
        assert day.get("start", f"2026-10-{number:02}").startswith(f"2026-10-{number:02}")
    assert 0 < [server.report(path=f"/v1/users/username/user{n}/calls/data") for n in range(40)].count(NO_CALLS) < 20


@pytest.mark.parametrize(
    ("query", "period"),
    [
        ("", "_start=2026-10-22&_stop=2026-11-20"),
        ("_start=2026-09-01", "_start=2026-09-01&_stop=2026-09-30"),
        ("_start=2026-11-10", "_start=2026-11-10&_stop=2026-11-20"),
        ("_stop=2026-09-30", "_start=2026-09-01&_stop=2026-09-30"),
        ("start=x&_Start=x&start=y", "_start=2026-10-22&_stop=2026-11-20"),
        ("_start=2026-11-10&_stop=2026-12-10", "_start=2026-11-10&_stop=2026-11-20"),
    ],
)
def test_a_period_has_thirty_days_by_default_and_ends_today(server, query, period):
    assert server.report(query) == server.report(period)
    assert server.report(query)["success"] > 0


@pytest.mark.parametrize("query", ["_start=2026-11-21", "_start=9999-12-31", "_start=2026-11-21&_stop=2026-12-21"])
def test_the_future_has_no_calls(server, query):
    assert server.report(query) == NO_CALLS


@pytest.mark.parametrize("query", ["_stop=0001-01-05", "_start=0001-01-01"])
def test_the_first_days_of_the_calendar_are_valid(server, query):
    assert server.report(query)["success"] >= 0


def test_a_report_changes_with_the_utc_day(server):
    reports = []
    for now in (
        datetime(2026, 11, 20, tzinfo=UTC),
        datetime(2026, 11, 21, 0, 59, tzinfo=timezone(timedelta(hours=1))).astimezone(UTC),
        datetime(2026, 12, 20, tzinfo=UTC),
    ):
        server.now = now
        reports.append(server.report())
    assert reports[0] == reports[1] != reports[2]


# Reports that are set


def set_report(data, endpoint, day=None, *, domain=None, success=0, failed=0, duration=0):
    data.set_report(report_key(endpoint, domain), day, report_calls(success, failed, duration))


def test_without_a_day_every_report_has_the_figures(server):
    set_report(server.data, Number(NUMBER), success=3, failed=1, duration=600)
    for query, start in [
        ("", "2026-10-22"),
        ("_start=2026-11-01&_stop=2026-11-01", "2026-11-01"),
        ("_start=2026-12-24&_stop=2026-12-31", "2026-12-24"),
    ]:
        assert server.report(query) == {"success": 3, "failed": 1, "duration": 600, "start": f"{start}T00:00:00Z"}


def test_a_period_adds_up_its_days(server):
    for day in (1, 3, 9):
        set_report(server.data, NUMBER, date(2026, 11, day), success=day, failed=1, duration=60 * day)
    assert server.report("_start=2026-11-02&_stop=2026-11-09") == {
        "success": 12,
        "failed": 2,
        "duration": 720,
        "start": "2026-11-03T00:00:00Z",
    }
    assert server.report("_start=2026-11-04&_stop=2026-11-08") == NO_CALLS


def test_the_last_setting_of_an_endpoint_and_domain_decides(server):
    day = date(2026, 11, 2)
    set_report(server.data, NUMBER, success=1)
    set_report(server.data, NUMBER, day, success=2)
    assert [server.report(f"_start=2026-11-0{n}&_stop=2026-11-0{n}")["success"] for n in (1, 2)] == [0, 2]
    set_report(server.data, NUMBER, day, success=3)
    assert server.report()["success"] == 3
    set_report(server.data, NUMBER)
    assert server.report() == NO_CALLS


@pytest.mark.parametrize(
    ("endpoint", "domain", "path"),
    [
        (Number(NUMBER), None, CALLS),
        (NUMBER, Domain.DATA, CALLS.replace("pstn", "data")),
        (Username("alice"), None, "/v1/users/username/alice/calls/data"),
        ("a/b", "pstn", "/v1/users/username/a%2Fb/calls/pstn"),
    ],
)
def test_the_domain_depends_on_the_endpoint_by_default(server, endpoint, domain, path):
    set_report(server.data, endpoint, domain=domain, success=4321)
    paths = [CALLS, CALLS.replace("pstn", "data"), "/v1/users/username/alice/calls/data", path]
    assert {each for each in paths if server.report(path=each)["success"] == 4321} == {path}


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((NUMBER,), {"success": -1}, "success must be from 0"),
        ((NUMBER,), {"failed": 2**63}, "failed must be from 0"),
        ((NUMBER,), {"success": 1, "duration": timedelta(seconds=1.5)}, "whole seconds"),
        ((NUMBER,), {"success": 1, "duration": -timedelta(seconds=1)}, "duration must be from 0"),
        ((NUMBER,), {"duration": 60}, "without calls"),
        ((NUMBER,), {"domain": "sip"}, "domain"),
        ((NUMBER[1:],), {}, r"write '\+…'"),
        (("+12",), {}, "E.164"),
        (("",), {}, "username"),
    ],
)
def test_an_impossible_report_is_rejected_at_once(arguments, options, words):
    with pytest.raises(ValueError, match=words):
        Sandbox().set_report(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((NUMBER,), {"success": "3"}, "success must be a whole number"),
        ((NUMBER,), {"success": True}, "success must be a whole number"),
        ((NUMBER,), {"success": 1.0}, "success must be a whole number"),
        ((NUMBER,), {"day": "2026-11-01"}, "day must be a date"),
        ((NUMBER,), {"day": NOW}, "day must be a date without a time"),
        ((None,), {}, "endpoint must be"),
    ],
)
def test_a_report_of_a_wrong_type_is_rejected_at_once(arguments, options, words):
    with pytest.raises(TypeError, match=words):
        Sandbox().set_report(*arguments, **options)


# Counters and services


def test_a_counter_changes_every_two_minutes(server):
    values = []
    for now in (NOW, datetime(2026, 11, 20, 12, 1, 59, tzinfo=UTC), datetime(2026, 11, 20, 12, 2, tzinfo=UTC)):
        server.now = now
        values.append(server.get(COUNTER)[1])
    assert values[0] == values[1] == {"value": 166, "modified": "2026-11-20T12:00:00Z"}
    assert values[2]["modified"] == "2026-11-20T12:02:00Z"
    assert values[2]["value"] != 166


def test_a_counter_with_a_set_value_is_still_refreshed(server):
    server.data.counters["set"] = 12384955
    server.now = NOW + timedelta(minutes=2)
    assert server.get("/v1/counters/set") == (200, {"value": 12384955, "modified": "2026-11-20T12:02:00Z"})


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TypeError, lambda sandbox: sandbox.set_counter("a", "7")),
        (TypeError, lambda sandbox: sandbox.set_counter("a", value=True)),
        (ValueError, lambda sandbox: sandbox.set_counter("a", -1)),
        (ValueError, lambda sandbox: sandbox.set_counter("", 1)),
        (ValueError, lambda sandbox: sandbox.set_service("", "up")),
        (ValueError, lambda sandbox: sandbox.set_service("a", "")),
        (ValueError, lambda sandbox: sandbox.set_service("a", None)),
    ],
)
def test_an_impossible_counter_or_service_is_rejected_at_once(error, call):
    with pytest.raises(error, match=r"must"):
        call(Sandbox())


@pytest.mark.parametrize("target", [SERVICE, "/v1/nothing"])
def test_the_date_header_follows_the_clock(server, target):
    server.now = datetime(2014, 4, 28, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))).astimezone(UTC)
    assert server.respond(target).headers["date"] == "Sun, 27 Apr 2014 23:02:03 GMT"
