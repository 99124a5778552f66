import pickle
from datetime import UTC, date, datetime

import pytest

from sinch_reporting import Domain, InvalidRequestError, Number, Username
from tests.support.raw_server import response

REPORT = response('{"success": 1, "failed": 0, "duration": 2}')
BAD_TEXTS = ["", ".", "..", "a\x00", "a\nb", "\x7f", "\x85", "\ud800", None, 5, b"anna", ["anna"]]
DAY = date(2026, 11, 1)


@pytest.mark.parametrize("text", BAD_TEXTS, ids=repr)
def test_text_that_cannot_stand_in_a_path_is_refused_and_nothing_is_sent(make_client, raw_server, text):
    reporting = make_client(raw_server.url)
    with pytest.raises(InvalidRequestError):
        reporting.get_counter(text)
    with pytest.raises(InvalidRequestError):
        reporting.get_service_status(text)
    with pytest.raises(InvalidRequestError):
        Username(text)
    assert raw_server.requests == []


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
def test_a_report_that_cannot_be_asked_for_is_refused_and_nothing_is_sent(make_client, raw_server, arguments):
    with pytest.raises(InvalidRequestError):
        make_client(raw_server.url).get_call_report(Number("+46730170101"), **arguments)
    assert raw_server.requests == []


@pytest.mark.parametrize("endpoint", ["+46730170101", None, 46730170101])
def test_an_endpoint_is_a_number_or_a_username(make_client, raw_server, endpoint):
    with pytest.raises(InvalidRequestError, match=r"Number\(\.\.\.\) or a Username"):
        make_client(raw_server.url).get_call_report(endpoint)
    assert raw_server.requests == []


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
def test_domain_and_days_arrive_as_documented(make_client, raw_server, arguments, target):
    raw_server.script[:] = [REPORT]
    make_client(raw_server.url).get_call_report(Number("+46730170101"), **arguments)
    assert raw_server.requests[0].target == f"/v1/users/number/+46730170101/calls/{target}"


def test_text_that_is_too_long_for_a_url_is_refused(make_client, raw_server):
    with pytest.raises(InvalidRequestError, match="too long"):
        make_client(raw_server.url).get_counter("a" * 70_000)
    assert raw_server.requests == []


@pytest.mark.parametrize("endpoint", [Number("+46730170101"), Username("anna-maria")])
def test_an_endpoint_is_not_shown_but_compared_hashed_and_pickled(endpoint):
    assert endpoint.value not in repr(endpoint)
    assert endpoint.value not in str(endpoint)
    assert {endpoint} == {type(endpoint)(endpoint.value)}
    assert pickle.loads(pickle.dumps(endpoint)) == endpoint
