import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from sinch_reporting import Number, Username
from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults

PERIOD = ("--start", "2026-11-01", "--stop", "2026-11-20")


def test_the_numbers_are_those_of_the_library(run, client):
    expected = client.get_call_report(
        Number("+46730170101"), domain="pstn", start=date(2026, 11, 1), stop=date(2026, 11, 20)
    )
    ran = run("report", "+46730170101", "--domain", "pstn", *PERIOD, "--output", "json")
    assert ran.code == exit_codes.OK
    assert json.loads(ran.out) == {
        "endpoint": "+46730170101",
        "success": expected.success,
        "failed": expected.failed,
        "total": expected.total,
        "duration": expected.duration.total_seconds(),
        "start": expected.start.isoformat().replace("+00:00", "Z"),
        "asr": expected.asr,
        "acd": expected.acd.total_seconds(),
    }


def test_several_come_in_the_order_in_which_they_were_given(run, sandbox_env, client):
    names = ["dora", "anna", "bert", "carl"]
    sandbox_env.fail_next(faults.Delay(0.2))
    rows = list(csv.DictReader(io.StringIO(run("report", *names, "--username", "--output", "csv").out)))
    assert [row["endpoint"] for row in rows] == names
    expected = client.get_call_report(Username("carl"))
    assert rows[-1]["success"] == str(expected.success)


def test_one_that_fails_is_said_and_the_others_are_shown(run, sandbox_env):
    sandbox_env.fail_next(faults.Status(403))
    ran = run("report", "+46730170101", "+46730170102", "--output", "json")
    assert ran.code == exit_codes.FAILED
    (shown,) = ran.out.splitlines()
    (said,) = ran.err.splitlines()
    endpoints = {json.loads(shown)["endpoint"], said.split(": ")[1]}
    assert endpoints == {"+46730170101", "+46730170102"}
    assert "403 Forbidden" in said


def test_an_endpoint_without_calls_has_dashes_in_a_table_and_null_in_json(run, client):
    empty = next(name for name in map(str, range(99)) if client.get_call_report(Username(name)).total == 0)
    assert run("report", empty, "--username").out.splitlines()[1].split() == [empty, "0", "0", "0", "0:00:00", *"---"]
    assert json.loads(run("report", empty, "--username", "--output", "json").out)["start"] is None


def test_days_end_today(run, sandbox_env):
    before = datetime.now(UTC).date()
    assert run("report", "+46730170101", "--days", "7").code == exit_codes.OK
    query = parse_qs(sandbox_env.requests[-1].query)
    first, last = (date.fromisoformat(query[name][0]) for name in ("_start", "_stop"))
    assert last - first == timedelta(days=6)
    assert before <= last <= datetime.now(UTC).date()


def test_a_row_a_day_adds_up_to_the_period_and_may_be_longer_than_a_report(run, client):
    daily = run(
        "report", "+46730170101", "--daily", "--start", "2026-09-01", "--stop", "2026-11-20", "--output", "json"
    )
    rows = [json.loads(line) for line in daily.out.splitlines()]
    assert [row["day"] for row in rows] == [(date(2026, 9, 1) + timedelta(days=n)).isoformat() for n in range(81)]
    whole = client.get_call_report(Number("+46730170101"), start=date(2026, 11, 1), stop=date(2026, 11, 20))
    assert sum(row["total"] for row in rows if row["day"] >= "2026-11-01") == whole.total


def test_days_of_several_come_one_after_the_other_the_last_30_of_each_unless_said_otherwise(run, sandbox_env):
    ran = run("report", "+46730170101", "+46730170102", "--daily", "--output", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [row["endpoint"] for row in rows] == ["+46730170101"] * 30 + ["+46730170102"] * 30
    assert len(run("report", "+46730170101", "--daily", "--days", "3").out.splitlines()) == 4


def test_a_day_that_fails_is_said_by_its_date(run, sandbox_env):
    sandbox_env.fail_next(*[faults.Status(403)] * 2)
    ran = run("report", "+46730170101", "--daily", "--start", "2026-11-01", "--stop", "2026-11-02")
    assert (ran.code, ran.out) == (exit_codes.FAILED, "")
    assert [line.split(": ")[1] for line in ran.err.splitlines()] == [
        "+46730170101 2026-11-01",
        "+46730170101 2026-11-02",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["anna"], "for a username, add --username"),
        (["+46730170101", "--days", "3", "--start", "2026-11-01"], "--days takes the place of --start and --stop"),
        (["+46730170101", "--days", "0"], "--days"),
        (["+46730170101", "--daily", "--start", "2026-11-01"], "--daily needs both --start and --stop, or --days"),
        (["+46730170101", "--start", "2026-11-20", "--stop", "2026-11-01"], "stop must not be before start"),
        (["+46730170101", "--start", "yesterday"], "--start"),
        (["+46730170101", "--domain", "voip"], "--domain"),
        ([], "NUMBER_OR_USERNAME"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_sent(run, sandbox_env, arguments, said):
    ran = run("report", *arguments)
    assert (ran.code, ran.out) == (exit_codes.MISUSE, "")
    assert said in ran.err
    assert sandbox_env.requests == []
