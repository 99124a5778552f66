from datetime import date, timedelta

import pytest

from sinch_reporting import DailyCallReport, InvalidRequestError, Number, ReportingClient, ServerError
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import response

NUMBER = Number("+46730170101")
FIRST = date(2025, 12, 20)


def test_each_day_of_a_long_period_has_its_report_in_order(make_client, sandbox):
    last = FIRST + timedelta(days=90)
    outcomes = list(make_client(sandbox.url).daily_call_reports(NUMBER, FIRST, last, domain="pstn"))
    assert [outcome.day for outcome in outcomes] == [FIRST + timedelta(days=days) for days in range(91)]
    assert all(outcome.report is not None for outcome in outcomes)
    assert {request.query for request in sandbox.requests} == {
        f"_start={outcome.day}&_stop={outcome.day}" for outcome in outcomes
    }


def test_the_days_add_up_to_the_report_of_the_period(make_client, sandbox):
    client = make_client(sandbox.url)
    last = FIRST + timedelta(days=29)
    whole = client.get_call_report(NUMBER, start=FIRST, stop=last)
    days = [outcome.report for outcome in client.daily_call_reports(NUMBER, FIRST, last)]
    assert sum(report.total for report in days) == whole.total > 0
    assert sum((report.duration for report in days), timedelta()) == whole.duration


def test_a_single_day_is_a_period(make_client, sandbox):
    client = make_client(sandbox.url)
    assert list(client.daily_call_reports(NUMBER, FIRST, FIRST)) == [
        DailyCallReport(FIRST, report=client.get_call_report(NUMBER, start=FIRST, stop=FIRST))
    ]


def test_a_day_that_fails_does_not_end_the_others(make_client, raw_server):
    good = response('{"success": 1, "duration": 60, "failed": 0}')
    raw_server.script[:] = [good, response(status="501 No"), good]
    first, second, third = make_client(raw_server.url).daily_call_reports(
        NUMBER, FIRST, FIRST + timedelta(days=2), concurrency=1
    )
    assert first.report == third.report != second.report
    assert isinstance(second.error, ServerError)


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "+46730170101"},
        {"start": date(2026, 1, 2), "stop": date(2026, 1, 1)},
        {"stop": None},
        {"domain": "moon"},
        {"concurrency": 0},
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(wrong):
    with ReportingClient(KEY, SECRET) as client, pytest.raises(InvalidRequestError):
        client.daily_call_reports(**{"endpoint": NUMBER, "start": FIRST, "stop": FIRST, **wrong})
