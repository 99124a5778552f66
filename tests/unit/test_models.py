import json
import pickle
from datetime import UTC, date, datetime, timedelta

import attrs
import pytest

from sinch_reporting import CallReport, Counter, DecodeError, Domain, Number, ServiceStatus, Username
from sinch_reporting_client import models
from tests.support.scripted import COUNTER, REPORT

START = datetime(2022, 4, 28, 12, tzinfo=UTC)
REQUEST = {
    "endpoint": Number("+46730170101"),
    "domain": Domain.PSTN,
    "period_start": date(2026, 11, 1),
    "period_stop": date(2026, 11, 20),
}


def report(**fields):
    return CallReport.from_api(models.CallReport.from_dict({**REPORT, **fields}), **REQUEST)


def counter(**fields):
    return Counter.from_api(models.Counter.from_dict({**COUNTER, **fields}), "currentCalls")


def service(**fields):
    return ServiceStatus.from_api(models.ServiceStatus.from_dict(fields), "rtpproxy")


QUIET = report(success=0, failed=0, duration=0, start=None)
RESULTS = [report(), QUIET, counter(), service(status="up")]


def test_a_report_has_the_request_the_fields_and_derived_values():
    found = report(success=3, failed=1, duration=753)
    assert found == CallReport(
        **REQUEST,
        success=3,
        failed=1,
        duration=timedelta(seconds=753),
        first_call=datetime(2026, 11, 1, 8, 15, 30, tzinfo=UTC),
    )
    assert (found.total, found.asr, found.acd) == (4, 0.75, timedelta(seconds=251))


def test_ratios_of_a_report_without_calls_are_none():
    assert (QUIET.total, QUIET.asr, QUIET.acd, QUIET.first_call) == (0, None, None, None)
    failed = report(success=0, failed=2, duration=0)
    assert (failed.total, failed.asr, failed.acd) == (2, 0.0, None)


def test_a_report_without_calls_may_lack_its_start():
    fields = {name: value for name, value in REPORT.items() if name != "start"}
    assert CallReport.from_api(models.CallReport.from_dict(fields), **REQUEST).first_call is None


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_results_are_frozen_hashable_and_picklable(result):
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        result.id = "other"
    assert {pickle.loads(pickle.dumps(result))} == {result}


def test_the_repr_of_a_report_masks_its_endpoint():
    assert "Number(value=***)" in repr(report())


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2022-04-28T12:00:00Z", START),
        ("2022-04-28T14:00:00+02:00", START),
        ("2014-06-02T15:39:31.2729234Z", datetime(2014, 6, 2, 15, 39, 31, 272923, UTC)),
        ("2022-04-28T12Z", START),
        ("20220428T120000Z", START),
        ("2022-04-28T24:00:00Z", datetime(2022, 4, 29, tzinfo=UTC)),
    ],
)
def test_times_are_iso_8601_and_become_utc(text, time):
    modified = counter(modified=text).modified
    assert modified == time
    assert modified.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "response field 'modified' is missing or not a string"),
        (1651147200, "response field 'modified' is missing or not a string"),
        ("", "response field 'modified' is not an ISO 8601 time"),
        ("yesterday", "response field 'modified' is not an ISO 8601 time"),
        ("\ud800", "response field 'modified' is not an ISO 8601 time"),
        ("2022-04-28T12:00:00", "response field 'modified' has no time zone"),
        ("0001-01-01T00:00:00+14:00", "response field 'modified' is not an ISO 8601 time"),
        ("2" * 201, "response field 'modified' is longer than 200 characters"),
    ],
    ids=repr,
)
def test_other_times_are_decode_errors(value, message):
    with pytest.raises(DecodeError, match=message):
        counter(modified=value)


@pytest.mark.parametrize(("value", "count"), [(0, 0), (3.0, 3), (2**63 - 1, 2**63 - 1)])
def test_counts_are_whole_numbers(value, count):
    assert counter(value=value).value == count
    assert type(counter(value=value).value) is int


@pytest.mark.parametrize(
    "value", [-1, 7.5, 2**63, 10**400, 1e400, float("nan"), -0.5, True, False, None, "7", [7], {}], ids=repr
)
def test_other_counts_are_decode_errors(value):
    with pytest.raises(DecodeError, match=r"'value' is missing or not a whole number from 0 to 2\^63 - 1"):
        counter(value=value)
    with pytest.raises(DecodeError, match="'failed' is missing or not a whole number"):
        report(failed=value)


@pytest.mark.parametrize("fields", [{"duration": 9 * 10**18}, {"start": 5}, {"start": ""}, {"start": False}], ids=str)
def test_a_report_with_an_impossible_field_is_a_decode_error(fields):
    with pytest.raises(DecodeError, match=next(iter(fields))):
        report(**fields)


@pytest.mark.parametrize(
    ("status", "is_up"), [("up", True), ("down", False), ("degraded", False), ("UP", False), ("", False)]
)
def test_only_up_is_up_and_an_unknown_status_is_kept(status, is_up):
    found = service(status=status)
    assert (found.id, found.status, found.is_up) == ("rtpproxy", status, is_up)


@pytest.mark.parametrize("status", [None, 1, True, ["up"], "u" * 201], ids=repr)
def test_other_statuses_are_decode_errors(status):
    with pytest.raises(DecodeError, match="status"):
        service(status=status)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            report(success=3, failed=1, duration=754),
            {
                "endpoint": "+46730170101",
                "domain": "pstn",
                "period_start": "2026-11-01",
                "period_stop": "2026-11-20",
                "success": 3,
                "failed": 1,
                "total": 4,
                "duration": 754,
                "first_call": "2026-11-01T08:15:30Z",
                "asr": 0.75,
                "acd": pytest.approx(251.333333),
            },
        ),
        (
            CallReport(
                endpoint=Username("anna"),
                domain=Domain.DATA,
                success=0,
                failed=0,
                duration=timedelta(0),
                first_call=None,
            ),
            {
                "endpoint": "anna",
                "domain": "data",
                "period_start": None,
                "period_stop": None,
                "success": 0,
                "failed": 0,
                "total": 0,
                "duration": 0,
                "first_call": None,
                "asr": None,
                "acd": None,
            },
        ),
        (counter(), {"id": "currentCalls", "value": 7, "modified": "2022-04-28T12:00:00Z"}),
        (service(status="down"), {"id": "rtpproxy", "status": "down", "is_up": False}),
    ],
    ids=["report", "report without calls", "counter", "service"],
)
def test_to_dict_has_json_values(result, expected):
    assert json.loads(json.dumps(result.to_dict())) == expected
    assert list(result.to_dict()) == list(expected)
