import io
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from sinch_reporting import Number, Username
from sinch_reporting.cli.arguments import (
    STANDARD_INPUT,
    parse_date,
    parse_duration,
    parse_endpoints,
    resolve_period,
    show_duration,
    suggest_number,
)
from sinch_reporting.cli.exit_codes import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1d", 86400),
        ("0:01:30", 90),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert parse_duration(show_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "soon", "0", "0s", "-5", "5x", "1h-30m", "nan", "9" * 30, "9" * 400 + ":00", "36501d", "0.0000001"]
)
def test_invalid_durations(text):
    with pytest.raises(ValueError, match="90s, 10m or 1h30m"):
        parse_duration(text)


def test_dates():
    today = datetime.now(UTC).date()
    assert parse_date("2026-11-1") == parse_date(" 2026-11-01 ") == date(2026, 11, 1)
    assert today <= parse_date("today") <= today + timedelta(days=1)
    assert parse_date("today") - parse_date("Yesterday") == timedelta(days=1)


@pytest.mark.parametrize("text", ["tomorrow", "01.11.2026", "2026-13-01", "20261101"])
def test_invalid_dates(text):
    with pytest.raises(ValueError, match=r"date|month"):
        parse_date(text)


def test_periods():
    start, stop = date(2026, 11, 1), date(2026, 12, 1)
    assert resolve_period(start, stop, None, daily=False) == (start, stop)
    assert resolve_period(None, None, None, daily=False) == (None, None)
    first, last = resolve_period(None, None, None, daily=True)
    assert (last - first).days == 29
    first, last = resolve_period(None, None, 7, daily=False)
    assert (last - first).days == 6
    assert resolve_period(date(2025, 1, 1), stop, None, daily=True) == (date(2025, 1, 1), stop)


@pytest.mark.parametrize(
    ("start", "stop", "days", "message"),
    [
        (date(2026, 11, 2), None, None, "add --stop"),
        (None, date(2026, 11, 2), None, "add --start"),
        (date(2026, 11, 2), date(2026, 11, 1), None, "--stop 2026-11-01 is before --start 2026-11-02"),
        (date(2026, 11, 1), date(2026, 12, 2), None, "31 days after --start, .* at most 30; add --daily"),
        (date(2026, 11, 2), None, 3, "--days replaces --start and --stop"),
        (None, None, 10**6, "--days 1000000 is before the year 1"),
        (None, None, 10**12, "--days 1000000000000 is before the year 1"),
        (None, None, 40, "add --daily"),
    ],
)
def test_invalid_periods(start, stop, days, message):
    with pytest.raises(UsageError, match=message):
        resolve_period(start, stop, days, daily=False)


@pytest.mark.parametrize(
    "text",
    [
        "0046730170101",
        "46730170101",
        "+46 73 017 01 01",
        "tel:+46730170101",
        "TEL:0046-730-170101",
        "+46 (0)730-17 01 01",
        "\uff0b\uff14\uff16\uff17\uff13\uff10\uff11\uff17\uff10\uff11\uff10\uff11",
        "+46730170101 ",
        "\u200e+46730170101\xa0",
    ],
)
def test_the_probable_number_is_suggested_and_never_used(text):
    assert suggest_number(text) == "+46730170101"
    with pytest.raises(UsageError, match=r"did you mean \+46730170101\?"):
        parse_endpoints([text], username=False)


@pytest.mark.parametrize("text", ["anna", "12", "+0730170101", ""])
def test_nothing_is_suggested_for_other_text(text):
    assert suggest_number(text) is None


def test_all_invalid_arguments_are_reported_at_once():
    with pytest.raises(UsageError) as raised:
        parse_endpoints(["0046730170101", "+46730170102", "anna", "x\x1b[2J"], username=False)
    _, *lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert "--username" in lines[1]
    assert "\x1b" not in str(raised.value)


def test_standard_input_has_one_endpoint_per_line(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\ufeff\n\ufeff+46730170102 \r\n\n  +46730170103\n"))
    found = parse_endpoints(["+46730170101", STANDARD_INPUT], username=False)
    assert found == [Number("+46730170101"), Number("+46730170102"), Number("+46730170103")]
    assert parse_endpoints(["anna"], username=True) == [Username("anna")]


@pytest.mark.parametrize("stream", [None, io.StringIO(" \n"), io.TextIOWrapper(io.BytesIO(b"\xff"), "utf-8")])
def test_standard_input_without_text(monkeypatch, stream):
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(UsageError, match="standard input"):
        parse_endpoints([STANDARD_INPUT], username=False)
