"""A parameter is either refused, and nothing is sent, or arrives unchanged in its place."""

import datetime as dt
import string
import unicodedata
from datetime import date, timedelta
from enum import Enum
from unittest import mock
from urllib.parse import parse_qsl, quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sinch_reporting import Domain, InvalidRequestError, Number, ReportingClient, Username
from tests.property.cases import ONCE
from tests.property.strategies import more
from tests.support.callers import KEY, SECRET
from tests.support.scripted import COUNTER, REPORT, STATUS, ScriptedTransport, reply

# The fields of all three operations.
RESPONSE = {**REPORT, **COUNTER, **STATUS}


class Ids(str, Enum):  # noqa: UP042 - its str() is its name, unlike a StrEnum's
    """Texts that do not look like themselves: `str(Ids.COUNTER)` is "Ids.COUNTER"."""

    COUNTER = "currentCalls"
    SERVICE = "rtpproxy"


class Server(ScriptedTransport):
    def __init__(self):
        super().__init__(reply(RESPONSE))


@pytest.fixture(scope="module")
def server():
    return Server()


@pytest.fixture(scope="module")
def reporting(server):
    # The async client is generated from the same source.
    with ReportingClient(KEY, SECRET, transport=server, retry=ONCE) as client:
        yield client


def arrived(server, call):
    """Return the decoded segments of the path and the query with which the call arrives, or None if it is refused."""
    server.requests.clear()
    try:
        call()
    except InvalidRequestError:
        assert server.requests == []
        return None
    (target,) = server.targets
    assert target.isascii()
    path, _, query = target.partition("?")
    return [unquote(part, errors="strict") for part in path.split("/")], parse_qsl(query, strict_parsing=bool(query))


def calls(reporting, text):
    """Return the three calls with the text, and the segments at which it must arrive."""
    return [
        (lambda: reporting.get_counter(text), ["", "v1", "counters", text]),
        (lambda: reporting.get_service_status(text), ["", "v1", "services", text]),
        (lambda: reporting.get_call_report(Username(text)), ["", "v1", "users", "username", text, "calls", "data"]),
    ]


def fits(text):
    return text not in {"", ".", ".."} and not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)


everything = st.text(st.characters())  # lone surrogates included
awkward = st.text(st.sampled_from("./%+?#&=;:@ \\2BFfaé漢😀\u200b\u2028\u202e\ufeff\u0301"))
urls = st.sampled_from(
    ["//host/", "http://host/", "../counters/x", "a/../b", "%2e%2e", "%2F", "?a=b", "#a", "a\\b", "+4"]
)


@given(text=everything | awkward | urls | st.text(string.printable))
@more(0.5)
@example("..")
@example("%2e")
@example("a\x00")
@example("\ud800")
@example("\x85")
def test_any_text_is_refused_or_arrives_as_exactly_that_text_in_exactly_its_segment(server, reporting, text):
    for call, path in calls(reporting, text):
        assert arrived(server, call) == ((path, []) if fits(text) else None)


@given(text=st.sampled_from(Ids))
@more(0.1)
def test_text_of_another_class_arrives_as_the_text_that_it_is(server, reporting, text):
    for call, path in calls(reporting, text):
        assert arrived(server, call) == (path, [])


@given(length=st.integers(65_400, 65_600), letter=st.sampled_from("a/é"))
@more(0.1)
def test_text_about_as_long_as_a_url_may_be_is_refused_or_arrives_whole(server, reporting, length, letter):
    text = letter * (length // len(quote(letter, safe="")))
    for call, path in calls(reporting, text):
        assert arrived(server, call) in (None, (path, []))


@given(text=st.from_regex(r"\+?[0-9]*", fullmatch=True) | st.from_regex(r"\+[1-9][0-9]{6,14}\n?") | everything)
@more(0.5)
def test_any_text_is_refused_as_a_number_or_arrives_as_that_number(server, reporting, text):
    digits = text.removeprefix("+")
    fitting = text.startswith("+") and set(digits) <= set(string.digits) and 7 <= len(digits) <= 15 and digits[0] != "0"
    path = ["", "v1", "users", "number", text, "calls", "pstn"]
    assert arrived(server, lambda: reporting.get_call_report(Number(text))) == ((path, []) if fitting else None)


objects = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary()
    | st.lists(st.text(), max_size=2)
    | st.dictionaries(st.text(), st.text(), max_size=2)
    | st.dates()
    | st.sampled_from([object(), str, Number("+46730170101"), mock.ANY, ...])
)


@given(value=objects)
@more(0.5)
def test_anything_but_text_is_refused(server, reporting, value):
    for call, _ in calls(reporting, value):
        assert arrived(server, call) is None
    assert arrived(server, lambda: reporting.get_call_report(Number(value))) is None


@given(value=objects.filter(lambda value: not isinstance(value, Number)) | st.text())
@more(0.5)
def test_anything_but_a_number_or_a_username_is_refused_as_an_endpoint(server, reporting, value):
    assert arrived(server, lambda: reporting.get_call_report(value)) is None


@given(domain=st.sampled_from([*Domain, "data", "pstn", "DATA", " data", b"data", Ids.COUNTER]) | st.text() | objects)
@more(0.5)
@example(mock.ANY)
def test_any_domain_is_refused_but_the_two_that_exist(server, reporting, domain):
    fitting = domain is None or (isinstance(domain, str) and domain in {"data", "pstn"})
    path = ["", "v1", "users", "username", "anna-maria", "calls", "data" if domain is None else domain]
    came = arrived(server, lambda: reporting.get_call_report(Username("anna-maria"), domain=domain))
    assert came == ((path, []) if fitting else None)


@st.composite
def periods(draw):
    """Any two days, often about a month apart."""
    start = draw(st.dates())
    if draw(st.booleans()):
        return start, draw(st.dates())
    low, high = (date.min - start).days, (date.max - start).days
    return start, start + timedelta(draw(st.integers(max(low, -2), min(high, 33))))


def asked(reporting, start, stop):
    return lambda: reporting.get_call_report(Username("anna-maria"), start=start, stop=stop)


PATH = ["", "v1", "users", "username", "anna-maria", "calls", "data"]


@given(period=periods())
@more(0.5)
@example((date(2026, 10, 1), date(2026, 10, 31)))
@example((date(2026, 10, 1), date(2026, 11, 1)))
@example((date(2026, 10, 1), date(2026, 9, 30)))
@example((date.min, date.min))
@example((date.max, date.max))
def test_any_two_days_are_accepted_where_the_second_is_0_to_30_days_after_the_first(server, reporting, period):
    start, stop = period
    query = [("_start", f"{start:%Y-%m-%d}".rjust(10, "0")), ("_stop", f"{stop:%Y-%m-%d}".rjust(10, "0"))]
    assert arrived(server, asked(reporting, start, stop)) == ((PATH, query) if 0 <= (stop - start).days <= 30 else None)
    assert arrived(server, asked(reporting, start, None)) is None
    assert arrived(server, asked(reporting, None, stop)) is None


days = st.dates() | st.none()
no_days = (
    st.datetimes(timezones=st.none() | st.just(dt.UTC))
    | st.text()
    | objects.filter(lambda value: value is not None and type(value) is not date)
)


@given(day=days, value=no_days)
@more(0.5)
def test_anything_but_a_day_is_refused_a_moment_too(server, reporting, day, value):
    assert arrived(server, asked(reporting, value, day)) is None
    assert arrived(server, asked(reporting, day, value)) is None
