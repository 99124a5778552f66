import pickle
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from sinch_reporting import CallReport, Counter, Number, ServiceStatus
from tests.support.raw_server import response

START = datetime(2022, 4, 28, 12, tzinfo=UTC)
REPORT = CallReport(success=3, failed=1, duration=timedelta(seconds=753), start=START)
QUIET = CallReport(success=0, failed=0, duration=timedelta(), start=None)
RESULTS = [
    REPORT,
    QUIET,
    Counter(id="currentCalls", value=7, modified=START),
    ServiceStatus(id="rtpproxy", status="up"),
]


def test_a_report_reckons_its_total_ratio_and_average():
    assert (REPORT.total, REPORT.asr, REPORT.acd) == (4, 0.75, timedelta(seconds=251))


def test_a_report_without_calls_has_no_ratio_and_no_average():
    assert (QUIET.total, QUIET.asr, QUIET.acd) == (0, None, None)
    failed = CallReport(success=0, failed=2, duration=timedelta(), start=START)
    assert (failed.total, failed.asr, failed.acd) == (2, 0.0, None)


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_results_are_frozen_comparable_hashable_and_picklable(result):
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        result.id = "other"
    assert {pickle.loads(pickle.dumps(result))} == {result}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-04-28T12:00:00Z", START),
        ("2014-06-02T15:39:31.2729234Z", datetime(2014, 6, 2, 15, 39, 31, 272923, UTC)),
        ("2022-04-28T14:00:00+02:00", START),
    ],
)
def test_times_are_aware_and_in_utc(make_client, raw_server, text, moment):
    raw_server.script[:] = [response(f'{{"value": 12384955, "modified": "{text}"}}')]
    counter = make_client(raw_server.url).get_counter("currentCalls")
    assert counter == Counter(id="currentCalls", value=12384955, modified=moment)
    assert counter.modified.tzinfo is UTC


@pytest.mark.parametrize("start", ["", ', "start": null'])
def test_a_report_may_lack_its_start(make_client, raw_server, start):
    raw_server.script[:] = [response(f'{{"success": 0, "failed": 0, "duration": 0{start}}}')]
    assert make_client(raw_server.url).get_call_report(Number("+46730170101")) == QUIET


def test_a_whole_number_may_be_written_with_a_fraction_of_zero(make_client, raw_server):
    raw_server.script[:] = [
        response('{"success": 3.0, "failed": 1.0, "duration": 753.0, "start": "2022-04-28T12:00:00Z"}')
    ]
    report = make_client(raw_server.url).get_call_report(Number("+46730170101"))
    assert report == REPORT
    assert type(report.success) is int


@pytest.mark.parametrize(
    ("status", "is_up"), [("up", True), ("down", False), ("degraded", False), ("UP", False), ("", False)]
)
def test_only_up_is_up_and_an_unknown_status_is_kept(make_client, raw_server, status, is_up):
    raw_server.script[:] = [response(f'{{"status": "{status}"}}')]
    service = make_client(raw_server.url).get_service_status("rtpproxy")
    assert (service.id, service.status, service.is_up) == ("rtpproxy", status, is_up)
