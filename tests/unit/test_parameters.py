import pickle
from datetime import UTC, date, datetime
from enum import Enum

import pytest

from sinch_reporting import Domain, InvalidRequestError, Number, Username
from sinch_reporting.parameters import call_report_parameters, check_period, date_range, path_segment, resolve_domain
from sinch_reporting_client.types import UNSET

NUMBER, USERNAME = Number("+46730170101"), Username("anna-maria")
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


class Id(str, Enum):  # noqa: UP042 - its str() is "Id.COUNTER", unlike a StrEnum's
    COUNTER = "currentCalls"


@pytest.mark.parametrize("value", ["currentCalls", "a b/c", "%2e", "...", "anna+maria", "漢字", "\u200b", "Å"])
def test_path_segment_accepts_printable_and_format_characters(value):
    assert path_segment(value, "id") == value


def test_path_segment_is_the_value_of_a_str_enum():
    assert type(path_segment(Id.COUNTER, "id")) is str
    assert path_segment(Id.COUNTER, "id") == "currentCalls"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "the id must be text, not NoneType"),
        (5, "the id must be text, not int"),
        (b"anna", "the id must be text, not bytes"),
        (["anna"], "the id must be text, not list"),
        ("", "the id must not be empty, '.' or '..'"),
        (".", "the id must not be empty, '.' or '..'"),
        ("..", "the id must not be empty, '.' or '..'"),
        *(
            (f"a{character}b", "the id must not contain control characters or lone surrogates")
            for character in "\0\n\x1b\x7f\x85\ud800\udfff"
        ),
    ],
    ids=repr,
)
def test_path_segment_refuses_the_rest(value, message):
    with pytest.raises(InvalidRequestError) as caught:
        path_segment(value, "id")
    assert str(caught.value) == message


@pytest.mark.parametrize("value", ["+1234567", "+123456789012345", "+46730170101"])
def test_number_accepts_e164(value):
    assert Number(value).value == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "46730170101",
        "0046730170101",
        "+0730170101",
        "+123456",
        "+1234567890123456",
        "+4673 0170101",
        "+46-730170101",
        "+٤٦٧٣٠١٧٠١٠١",
        "+46730170101\n",
        "tel:+46730170101",
        46730170101,
        None,
        b"+46730170101",
    ],
    ids=repr,
)
def test_number_refuses_anything_but_e164_and_does_not_quote_it(value):
    with pytest.raises(InvalidRequestError, match=r"E\.164") as caught:
        Number(value)
    assert not value or str(value) not in str(caught.value)


def test_username_is_a_path_segment():
    assert Username("a b/c").value == "a b/c"
    with pytest.raises(InvalidRequestError, match="the username must not be empty"):
        Username("")


@pytest.mark.parametrize("endpoint", [NUMBER, USERNAME], ids=["number", "username"])
def test_endpoints_are_masked_hashable_and_picklable(endpoint):
    assert endpoint.value not in repr(endpoint)
    assert endpoint.value not in str(endpoint)
    assert {endpoint} == {type(endpoint)(endpoint.value)}
    assert pickle.loads(pickle.dumps(endpoint)) == endpoint
    assert Username("+46730170101") != NUMBER


@pytest.mark.parametrize(
    ("endpoint", "domain", "resolved"),
    [
        (NUMBER, None, Domain.PSTN),
        (USERNAME, None, Domain.DATA),
        (NUMBER, "data", Domain.DATA),
        (USERNAME, "pstn", Domain.PSTN),
        (NUMBER, Domain.DATA, Domain.DATA),
    ],
    ids=str,
)
def test_domain_is_pstn_for_a_number_and_data_for_a_username_unless_given(endpoint, domain, resolved):
    assert resolve_domain(endpoint, domain) is resolved


@pytest.mark.parametrize("domain", ["PSTN", " data", "", "moon", 5, b"data", ["data"], Id.COUNTER], ids=repr)
def test_other_domains_are_refused(domain):
    with pytest.raises(InvalidRequestError, match=r"the domain must be one of: data, pstn"):
        resolve_domain(NUMBER, domain)


@pytest.mark.parametrize("endpoint", ["+46730170101", None, 46730170101, Number], ids=repr)
def test_other_endpoints_are_refused(endpoint):
    with pytest.raises(InvalidRequestError, match=r"must be a Number\(\.\.\.\) or a Username\(\.\.\.\)") as caught:
        resolve_domain(endpoint)
    assert "46730170101" not in str(caught.value)


@pytest.mark.parametrize(
    ("start", "stop"),
    [(None, None), (FIRST, FIRST), (FIRST, date(2026, 12, 1)), (date.min, date.min), (date.max, date.max)],
    ids=str,
)
def test_a_period_has_at_most_30_days_between_its_ends(start, stop):
    assert check_period(start, stop) is None


@pytest.mark.parametrize(
    ("start", "stop", "message"),
    [
        (FIRST, None, "start and stop must be given together"),
        (None, LAST, "start and stop must be given together"),
        (LAST, FIRST, "stop must not be before start"),
        (FIRST, date(2026, 12, 2), "at most 30 days: stop is 31 days after start"),
        ("2026-11-01", LAST, "start must be a datetime.date, not str"),
        (FIRST, 5, "stop must be a datetime.date, not int"),
        (datetime(2026, 11, 1, tzinfo=UTC), LAST, "start must be a datetime.date, not datetime: the API counts whole"),
    ],
    ids=str,
)
def test_other_periods_are_refused(start, stop, message):
    with pytest.raises(InvalidRequestError, match=message):
        check_period(start, stop)


def test_a_date_range_includes_both_ends_and_may_be_long():
    assert list(date_range(FIRST, FIRST)) == [FIRST]
    assert list(date_range(date(2026, 2, 27), date(2026, 3, 1)))[1:] == [date(2026, 2, 28), date(2026, 3, 1)]
    assert sum(1 for _ in date_range(date(2020, 1, 1), date(2025, 12, 31))) == 2192
    with pytest.raises(InvalidRequestError, match="stop must not be before start"):
        date_range(LAST, FIRST)


def test_call_report_parameters_are_those_of_the_generated_function():
    found = call_report_parameters(NUMBER, Domain.PSTN, FIRST, LAST)
    assert found == {
        "type_": "number",
        "endpoint": "+46730170101",
        "domain": "pstn",
        "field_start": FIRST,
        "field_stop": LAST,
    }
    found = call_report_parameters(USERNAME, Domain.DATA, None, None)
    assert (found["type_"], found["field_start"], found["field_stop"]) == ("username", UNSET, UNSET)
