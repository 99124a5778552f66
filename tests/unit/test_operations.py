import sys
import traceback
from datetime import date
from pathlib import Path

import httpx
import pytest
import yaml

from sinch_reporting import DecodeError, Domain, InvalidRequestError, Number, Username
from sinch_reporting._operations import (
    ROUTE,
    SIGNED_PATH,
    RequestBuilder,
    StripFrames,
    operation,
    parse,
    path_pattern,
    routes,
)
from sinch_reporting.parameters import call_report_parameters
from sinch_reporting_client import models

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "openapi/reporting.yaml").read_text("utf-8"))
REPORTS = "/users/{type}/{endpoint}/calls/{domain}"


def build(name="get_counter", base_url="https://h.example/v1", headers=None, prefix=None, **parameters):
    return RequestBuilder(base_url, headers or {}, prefix).build(operation(name), parameters or {"id": "a"})


def report(endpoint, start=None, stop=None):
    return call_report_parameters(endpoint, Domain.PSTN, start, stop)


def report_target(endpoint, start=None, stop=None):
    return build("get_call_report", **report(endpoint, start, stop)).url.raw_path.decode("ascii")


def test_routes_are_the_paths_of_the_document():
    assert sorted(routes()) == sorted(DOCUMENT["paths"])
    assert {name: operation(name).route for name in ("get_call_report", "get_counter", "get_service_status")} == {
        "get_call_report": REPORTS,
        "get_counter": "/counters/{id}",
        "get_service_status": "/services/{id}",
    }


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        (Number("+46730170101"), "number/+46730170101"),
        (Username("ann a/b+ü%2B"), "username/ann%20a%2Fb+%C3%BC%252B"),
        (Username("a?b#c&d=e;f:g@h"), "username/a%3Fb%23c%26d%3De%3Bf%3Ag%40h"),
        (Username("%2e%2e"), "username/%252e%252e"),
        (Username("漢\u200b"), "username/%E6%BC%A2%E2%80%8B"),
    ],
)
def test_an_endpoint_is_one_segment_with_a_literal_plus(endpoint, target):
    assert report_target(endpoint) == f"/v1/users/{target}/calls/pstn"


def test_the_period_is_the_query():
    target = report_target(Number("+46730170101"), date(2026, 11, 1), date(2026, 11, 20))
    assert target == "/v1/users/number/+46730170101/calls/pstn?_start=2026-11-01&_stop=2026-11-20"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://h.example", "https://h.example/counters/a"),
        ("https://h.example/v1", "https://h.example/v1/counters/a"),
        ("https://h.example:8443/a/b", "https://h.example:8443/a/b/counters/a"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/counters/a"),
    ],
)
def test_the_path_of_the_base_url_is_kept(base_url, url):
    request = build(base_url=base_url)
    assert (request.method, request.url) == ("GET", httpx.URL(url))
    assert request.extensions == {ROUTE: "/counters/{id}"}


def test_headers_are_the_documented_ones_and_additional_ones():
    request = build(headers={"X-Tenant": "7", "User-Agent": "mine"})
    assert dict(request.headers) == {
        "host": "h.example",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "mine",
        "x-tenant": "7",
    }
    assert build().headers["User-Agent"].startswith("sinch-reporting-python/")
    assert request.read() == b""


def test_requests_of_one_builder_do_not_share_headers():
    builder = RequestBuilder("https://h.example/v1", {}, None)
    first, second = (builder.build(operation("get_counter"), {"id": "a"}) for _ in range(2))
    first.headers["Authorization"] = "hush"
    assert "Authorization" not in second.headers


@pytest.mark.parametrize(
    ("prefix", "signed"),
    [("/v1", "/v1/counters/a+b%20c"), ("", "/counters/a+b%20c"), ("/x/y", "/x/y/counters/a+b%20c")],
)
def test_a_signing_prefix_replaces_the_path_of_the_base_url(prefix, signed):
    request = build(base_url="https://gw.example/sinch/v1", prefix=prefix, id="a+b c")
    assert request.url.raw_path == b"/sinch/v1/counters/a+b%20c"
    assert request.extensions[SIGNED_PATH] == signed


@pytest.mark.parametrize("base_url", ["https://h.example", "https://h.example:8443/a%20b/v1/", "http://[::1]:80/v1"])
@pytest.mark.parametrize("text", ["a", "+4/%2F", "é~'\u20ac", "a?b=c#d", "..;x", "[:@"])
def test_the_url_of_a_request_is_that_of_its_text(base_url, text):
    for request in (build(base_url=base_url, id=text), build("get_call_report", base_url, **report(Username(text)))):
        assert httpx.URL(str(request.url)) == request.url
        assert httpx.URL(str(request.url)).raw_path == request.url.raw_path


def test_an_id_that_is_too_long_for_a_url_is_refused():
    with pytest.raises(InvalidRequestError, match="too long for a URL"):
        build(id="a" * 70_000)


@pytest.mark.parametrize("prefix", [None, "/v9"])
def test_a_request_of_the_generated_client_is_adopted(prefix):
    builder = RequestBuilder("https://h.example/v1", {}, prefix)
    request = httpx.Request("GET", "https://h.example/v1/counters/%2Ba%2F?b=%2B")
    builder.adopt(request, "/counters/{id}")
    assert request.url.raw_path == b"/v1/counters/+a%2F?b=%2B"
    assert request.extensions[ROUTE] == "/counters/{id}"
    assert request.extensions.get(SIGNED_PATH) == (prefix and f"{prefix}/counters/+a%2F")


@pytest.mark.parametrize(
    "url", ["http://h.example/v1/", "https://h.example:444/v1/", "https://other.example/v1/", "https://h.example.evil/"]
)
def test_a_request_to_another_host_is_not_adopted(url):
    builder = RequestBuilder("https://h.example/v1", {}, None)
    with pytest.raises(InvalidRequestError, match="another host"):
        builder.adopt(httpx.Request("GET", url), "/counters/{id}")


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("/v1/counters/a", True),
        ("/counters/", True),
        ("/counters/a/b", False),
        ("/v1/services/a", False),
    ],
)
def test_a_route_matches_the_end_of_a_path(path, matches):
    assert bool(path_pattern("/counters/{id}").search(path)) is matches


class Broken:
    def __init__(self, error):
        self.error = error

    def from_dict(self, _):
        raise self.error


@pytest.mark.parametrize("error", [KeyError("value"), TypeError("x"), ValueError("x"), AttributeError("x")], ids=repr)
def test_an_error_of_the_generated_parser_is_a_decode_error(error):
    with pytest.raises(DecodeError, match=f"does not conform to the contract: {type(error).__name__}"):
        parse(Broken(error), {})


def test_a_body_is_parsed_as_its_model():
    assert parse(models.ServiceStatus, {"status": "up"}) == models.ServiceStatus(status="up")


def call(error, cause=None):
    number = "+46730170101"
    with StripFrames():
        assert number
        if cause:
            try:
                raise cause  # noqa: TRY301
            except BaseException as caught:
                raise error from caught
        raise error


def failure_of(*arguments):
    try:
        call(*arguments)
    except BaseException as error:  # noqa: BLE001
        return error


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_frames_are_stripped_of_every_exception_and_its_causes(kind):
    cause = OSError("cause")
    error = failure_of(kind("effect"), cause)
    assert [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)] == ["failure_of"]
    assert error.__cause__ is cause
    assert cause.__traceback__ is None


def test_frames_are_stripped_of_groups_and_of_chains_that_are_cycles():
    inner = failure_of(ValueError("inner"))
    inner.__cause__ = group = ExceptionGroup("outer", [inner])
    assert inner.__traceback__
    assert failure_of(group) is group
    assert inner.__traceback__ is None


def test_exceptions_that_were_handled_before_the_call_keep_their_frames():
    outer = None
    try:
        raise LookupError("outer")  # noqa: TRY301
    except LookupError as caught:
        outer = caught
        error = failure_of(ValueError("inner"))
    assert outer.__traceback__ is not None
    assert error.__context__ is outer
    assert sys.exception() is None
