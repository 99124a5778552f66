from datetime import UTC, date, datetime, timedelta

import pytest

from sinch_reporting.cli.tables import lay_out

ROW = {
    "endpoint": "+46730170101",
    "success": 1_234_567,
    "duration": timedelta(hours=69, minutes=26, seconds=40),
    "first_call": datetime(2026, 11, 1, 10, 17, 7, tzinfo=UTC),
    "asr": 0.75,
}
OPTIONAL = ("first_call", "asr")


def shown(rows, width, **options):
    lines, dropped = lay_out(rows, width, **options)
    return [line.plain for line in lines], dropped


def test_without_a_limit_all_columns_are_shown():
    lines, dropped = shown([ROW], None, optional=OPTIONAL)
    assert lines == [
        "endpoint      success  duration  first_call                 asr",
        "+46730170101  1234567  69:26:40  2026-11-01 10:17:07 UTC  0.750",
    ]
    assert dropped == []


def test_the_total_is_the_last_row():
    lines, _ = shown([ROW, ROW], None, total={"endpoint": "total", "success": 2_469_134})
    assert lines[-1] == "total         2469134"


@pytest.mark.parametrize(("width", "columns"), [(63, 5), (62, 4), (38, 4), (37, 3), (31, 3)])
def test_optional_columns_are_dropped_in_their_order(width, columns):
    lines, dropped = shown([ROW], width, optional=OPTIONAL)
    assert len(lines[0].split()) == columns
    assert dropped == list(OPTIONAL[: 5 - columns])
    assert max(map(len, lines)) <= width


def test_if_that_is_not_enough_the_rows_are_vertical_and_complete():
    lines, dropped = shown([ROW, ROW], 30, optional=OPTIONAL, total={"success": 2})
    assert lines[:6] == [
        "endpoint    +46730170101",
        "success     1234567",
        "duration    69:26:40",
        "first_call  2026-11-01 10:17:07 UTC",
        "asr         0.750",
        "",
    ]
    assert lines[-1] == "success     2"
    assert dropped == []
    lines, _ = shown([ROW, ROW], 30, total={"success": 2, "endpoint": "total"})
    assert lines[-2:] == ["endpoint    total", "success     2"]


def test_nothing_is_ever_cut():
    name = "x" * 150
    for width in (None, 200, 80, 20, 1):
        lines, _ = shown([{"endpoint": name, "day": date(2026, 11, 1), "total": 10**15}], width, optional=("day",))
        text = "\n".join(lines)
        assert name in text, width
        assert str(10**15) in text, width


def test_times_of_every_year_have_the_same_form():
    for year in (1, 999, 2026, 9999):
        time = datetime(year, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
        assert shown([{"time": time}], None)[0] == ["time", f"{year:04}-01-02 03:04:05 UTC"]


def test_wide_characters_take_two_columns_and_control_characters_are_escaped():
    lines, _ = shown([{"id": "漢字", "status": "up"}, {"id": "x\x1b[2J", "status": "down"}], None)
    assert lines == ["id        status", "漢字      up", "x\\x1b[2J  down"]
