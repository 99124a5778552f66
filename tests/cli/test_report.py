import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from sinch_reporting import Number, Username
from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.support.terminal import run_on_terminal

PERIOD = ("--start", "2026-11-01", "--stop", "2026-11-20")


def test_the_fields_are_those_of_the_library(run, client):
    expected = client.get_call_report(Number("+46730170101"), start=date(2026, 11, 1), stop=date(2026, 11, 20))
    ran = run("report", "+46730170101", *PERIOD, "-o", "json")
    assert ran.code == exit_codes.OK
    assert json.loads(ran.out) == expected.to_dict()
    assert list(json.loads(ran.out)) == list(expected.to_dict())


def test_tables_state_domain_and_period(run, sandbox_env):
    assert run("report", "+46730170101", *PERIOD).out.startswith("domain pstn, 2026-11-01 to 2026-11-20\nendpoint ")
    assert run("report", "anna", "--username").out.startswith("domain data, last 30 days\nendpoint ")
    assert run("report", "+46730170101", "--domain", "data").out.startswith("domain data, ")


def test_several_are_in_the_order_of_the_arguments(run, sandbox_env, client):
    names = ["dora", "anna", "bert", "carl"]
    sandbox_env.fail_next(faults.Delay(0.2))
    rows = list(csv.DictReader(io.StringIO(run("report", *names, "--username", "-o", "csv").out)))
    assert [row["endpoint"] for row in rows] == names
    assert rows[-1]["success"] == str(client.get_call_report(Username("carl")).success)


def test_the_last_row_of_a_table_is_the_total(run, client):
    reports = [client.get_call_report(Number(f"+4673017010{digit}")) for digit in "12"]
    columns = ("--columns", "endpoint,success,total,asr")
    *_, total = run("report", "+46730170101", "+46730170102", *columns).out.splitlines()
    success, count = sum(one.success for one in reports), sum(one.total for one in reports)
    assert total.split() == ["total", str(success), str(count), f"{success / count:.3f}"]
    assert "total" not in run("report", "+46730170101", "--columns", "endpoint,asr").out
    assert len(run("report", "+46730170101", "+46730170102", "-o", "csv").out.splitlines()) == 3


def test_columns_are_selected_in_every_format(run, sandbox_env):
    options = ("report", "+46730170101", "--columns", "total,endpoint", "--columns", "domain")
    assert run(*options).out.splitlines()[0].split() == ["total", "endpoint", "domain"]
    assert list(json.loads(run(*options, "-o", "json").out)) == ["total", "endpoint", "domain"]
    assert run(*options, "-o", "csv").out.splitlines()[0] == "total,endpoint,domain"


def test_a_list_without_columns_is_a_usage_error(run, sandbox_env):
    for columns in (",", "", " , "):
        ran = run("report", "+46730170101", "--columns", columns)
        assert (ran.code, ran.out) == (exit_codes.USAGE_ERROR, "")
        assert "--columns names no column" in ran.err
    assert sandbox_env.requests == []


def test_a_failure_is_printed_and_the_others_are_shown(run, sandbox_env):
    sandbox_env.fail_next(faults.Status(403))
    ran = run("report", "+46730170101", "+46730170102", "--output", "json")
    assert ran.code == exit_codes.FAILED
    [shown], [printed] = ran.out.splitlines(), ran.err.splitlines()
    assert {json.loads(shown)["endpoint"], printed.split(": ")[1]} == {"+46730170101", "+46730170102"}
    assert "403 Forbidden" in printed


def test_doctor_is_mentioned_once(run, sandbox_env):
    sandbox_env.fail_always(faults.Status(401))
    assert run("report", "+46730170101", "+46730170102").err.count("sinch-reporting doctor") == 1


def test_an_endpoint_without_calls_has_dashes_in_a_table_and_null_in_json(run, client):
    empty = next(name for name in map(str, range(99)) if client.get_call_report(Username(name)).total == 0)
    assert run("report", empty, "--username").out.splitlines()[2].split() == [empty, "0", "0", "0", "0:00:00", *"---"]
    assert json.loads(run("report", empty, "--username", "--output", "json").out)["first_call"] is None


def test_days_end_today(run, sandbox_env):
    before = datetime.now(UTC).date()
    assert run("report", "+46730170101", "--days", "7").code == exit_codes.OK
    query = parse_qs(sandbox_env.requests[-1].query)
    first, last = (date.fromisoformat(query[name][0]) for name in ("_start", "_stop"))
    assert last - first == timedelta(days=6)
    assert before <= last <= datetime.now(UTC).date()


def test_a_row_per_day_adds_up_to_the_period_which_may_be_longer_than_a_report(run, client):
    daily = run("report", "+46730170101", "--daily", "--start", "2026-09-1", "--stop", "2026-11-20", "-o", "json")
    rows = [json.loads(line) for line in daily.out.splitlines()]
    assert [row["day"] for row in rows] == [(date(2026, 9, 1) + timedelta(days=n)).isoformat() for n in range(81)]
    whole = client.get_call_report(Number("+46730170101"), start=date(2026, 11, 1), stop=date(2026, 11, 20))
    assert sum(row["total"] for row in rows if row["day"] >= "2026-11-01") == whole.total


def test_days_of_several_endpoints_follow_each_other(run, sandbox_env):
    ran = run("report", "+46730170101", "+46730170102", "--daily", "--output", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [row["endpoint"] for row in rows] == ["+46730170101"] * 30 + ["+46730170102"] * 30


def test_a_failed_day_is_named(run, sandbox_env):
    sandbox_env.fail_next(*[faults.Status(403)] * 2)
    ran = run("report", "+46730170101", "--daily", "--start", "2026-11-01", "--stop", "2026-11-02")
    assert (ran.code, ran.out) == (exit_codes.FAILED, "")
    assert [line.split(": ")[1] for line in ran.err.splitlines()] == [
        "+46730170101 2026-11-01",
        "+46730170101 2026-11-02",
    ]


def test_numbers_are_read_from_standard_input(run, sandbox_env, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("+46730170102\n\n+46730170103\n"))
    rows = [json.loads(line) for line in run("report", "+46730170101", "-", "-o", "json").out.splitlines()]
    assert [row["endpoint"] for row in rows] == ["+46730170101", "+46730170102", "+46730170103"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["anna"], "for usernames, add --username"),
        (["0046730170101", "46730170102"], "did you mean +46730170102?"),
        (["..", "--username"], "'..'"),
        (["+46730170101", "--days", "0"], "--days"),
        (["+46730170101", "--daily", "--start", "2026-11-01"], "add --stop"),
        (["+46730170101", "--start", "tomorrow"], "2026-11-01, today or yesterday"),
        (["+46730170101", "--domain", "voip"], "--domain"),
        (["+46730170101", "--columns", "endpoint,nope"], "unknown column nope; choose from endpoint, domain"),
        ([], "NUMBER_OR_USERNAME"),
    ],
)
def test_invalid_arguments_are_reported_before_anything_is_sent(run, sandbox_env, arguments, message):
    ran = run("report", *arguments)
    assert (ran.code, ran.out) == (exit_codes.USAGE_ERROR, "")
    assert message in ran.err
    assert sandbox_env.requests == []


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_a_terminal_of_any_width_shows_every_identifier_and_number(sandbox_env, client, columns):
    sandbox_env.set_counter("unused", 1)
    numbers = [f"+4673017010{digit}" for digit in "123"]
    shown = run_on_terminal("report", *numbers, *PERIOD, columns=columns)
    assert "…" not in shown
    for number in numbers:
        report = client.get_call_report(Number(number), start=date(2026, 11, 1), stop=date(2026, 11, 20))
        assert number in shown
        assert str(report.total) in shown
    if 60 <= columns <= 80:
        assert "the terminal is too narrow for: first_call" in shown


def test_daily_rows_fit_eighty_columns(sandbox_env):
    shown = run_on_terminal("report", "+46730170101", "--daily", *PERIOD, columns=80)
    rows = [row.split() for row in shown.splitlines() if row.startswith("+46730170101")]
    assert [row[1] for row in rows] == [f"2026-11-{day:02}" for day in range(1, 21)]
    assert {len(row) for row in rows} == {8}
