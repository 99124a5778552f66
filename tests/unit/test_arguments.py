import pickle
from contextlib import nullcontext, suppress
from datetime import UTC, date, datetime
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinch_reporting import Domain, InvalidRequestError, Number, ReportingClient, Username
from tests.support.callers import KEY, SECRET
from tests.support.wire import COUNTER, Wire, answer

REPORT = answer('{"success": 1, "failed": 0, "duration": 2}')
BAD_TEXTS = ["", ".", "..", "a\x00", "a\nb", "\x7f", "\x85", "\ud800", None, 5, b"anna", ["anna"]]
DAY = date(2026, 11, 1)


@pytest.mark.parametrize("text", BAD_TEXTS, ids=repr)
def test_text_that_cannot_stand_in_a_path_is_refused_and_nothing_is_sent(make, wire, text):
    reporting = make(wire.url)
    with pytest.raises(InvalidRequestError):
        reporting.get_counter(text)
    with pytest.raises(InvalidRequestError):
        reporting.get_service_status(text)
    with pytest.raises(InvalidRequestError):
        Username(text)
    assert wire.requests == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "46730170101",
        "+0730170101",
        "+123456",
        "+1234567890123456",
        "+4673 0170101",
        "+46-730170101",
        "+٤٦٧٣٠١٧٠١٠١",
        "+46730170101\n",
        46730170101,
        None,
    ],
    ids=repr,
)
def test_a_number_is_strict_e164(text):
    with pytest.raises(InvalidRequestError, match=r"E\.164"):
        Number(text)


@pytest.mark.parametrize("text", ["+1234567", "+123456789012345"])
def test_a_number_has_7_to_15_digits(text):
    assert Number(text).value == text


@pytest.mark.parametrize(
    "arguments",
    [
        {"domain": "PSTN"},
        {"domain": ""},
        {"domain": None},
        {"domain": ["data"]},
        {"start": date(2026, 11, 2), "stop": date(2026, 11, 1)},
        {"start": date(2026, 10, 1), "stop": date(2026, 11, 1)},
        {"start": "2026-11-01"},
        {"stop": datetime(2026, 11, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_a_report_that_cannot_be_asked_for_is_refused_and_nothing_is_sent(make, wire, arguments):
    with pytest.raises(InvalidRequestError):
        make(wire.url).get_call_report(Number("+46730170101"), **arguments)
    assert wire.requests == []


@pytest.mark.parametrize("endpoint", ["+46730170101", None, 46730170101])
def test_an_endpoint_is_a_number_or_a_username(make, wire, endpoint):
    with pytest.raises(InvalidRequestError, match=r"Number\(\.\.\.\) or a Username"):
        make(wire.url).get_call_report(endpoint)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ({}, "data"),
        ({"domain": "data"}, "data"),
        ({"domain": "pstn"}, "pstn"),
        ({"domain": Domain.PSTN}, "pstn"),
        ({"start": DAY}, "data?_start=2026-11-01"),
        ({"stop": DAY}, "data?_stop=2026-11-01"),
        ({"start": DAY, "stop": DAY}, "data?_start=2026-11-01&_stop=2026-11-01"),
        ({"start": DAY, "stop": date(2026, 12, 1)}, "data?_start=2026-11-01&_stop=2026-12-01"),
    ],
    ids=str,
)
def test_domain_and_days_arrive_as_documented(make, wire, arguments, target):
    wire.steps[:] = [REPORT]
    make(wire.url).get_call_report(Number("+46730170101"), **arguments)
    assert wire.requests[0].target == f"/v1/users/number/+46730170101/calls/{target}"


def test_text_that_is_too_long_for_a_url_is_refused(make, wire):
    with pytest.raises(InvalidRequestError, match="too long"):
        make(wire.url).get_counter("a" * 70_000)
    assert wire.requests == []


@pytest.mark.parametrize("endpoint", [Number("+46730170101"), Username("anna-maria")])
def test_an_endpoint_is_not_shown_but_compared_hashed_and_pickled(endpoint):
    assert endpoint.value not in repr(endpoint)
    assert endpoint.value not in str(endpoint)
    assert {endpoint} == {type(endpoint)(endpoint.value)}
    assert pickle.loads(pickle.dumps(endpoint)) == endpoint


@pytest.fixture(scope="module")
def echo():
    with Wire([REPORT]) as server, ReportingClient(KEY, SECRET, base_url=server.url) as reporting:
        yield server, reporting


printable = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda text: text not in {".", ".."}
)
awkward = st.text(st.sampled_from("./%+?#&=;:@ \\2BFaé漢😀"), min_size=1).filter(lambda text: text not in {".", ".."})


@given(name=printable | awkward)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_other_text_arrives_as_exactly_that_text_in_exactly_that_segment(echo, name):
    server, reporting = echo
    reporting.get_call_report(Username(name))
    server.steps[:] = [COUNTER]
    reporting.get_counter(name)
    server.steps[:] = [REPORT]
    report, counter = (request.target for request in server.requests[-2:])
    assert [unquote(part, errors="strict") for part in report.split("/")] == [
        "",
        "v1",
        "users",
        "username",
        name,
        "calls",
        "data",
    ]
    assert [unquote(part, errors="strict") for part in counter.split("/")] == ["", "v1", "counters", name]


@given(value=st.text() | st.integers() | st.none() | st.binary())
@settings(max_examples=300, deadline=None)
def test_anything_is_a_username_or_is_refused(value):
    acceptable = isinstance(value, str) and value.isprintable() and value not in {"", ".", ".."}
    with nullcontext() if acceptable else suppress(InvalidRequestError):
        assert Username(value).value == value
