import asyncio
import json
import subprocess
import sys
import typing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinch_reporting import InvalidRequestError, Number, ReportingClient, RetryPolicy, Username
from sinch_reporting import export as export_package
from sinch_reporting.bulk import CallReportFailure
from sinch_reporting.export import RejectedLine, call_reports_table, export_call_reports
from sinch_reporting.export.job import ExportJob, Period
from sinch_reporting.export.run import run_job
from sinch_reporting.testing import faults
from tests.support.callers import KEY, SECRET
from tests.support.exports import DAY, ONE_DAY, THREE_DAYS, StaticTransport, requested, rows, state, units

ROOT = Path(__file__).resolve().parents[2]
ENDPOINTS = [Number("+46730170101"), Username("anna"), Username("nobody"), Number("+46730170102"), Username("no-one")]
FORMATS = ["parquet", "csv", "jsonl"]
THREE = ("2026-11-01", "2026-11-02", "2026-11-03")


@pytest.fixture
def transport():
    return StaticTransport()


@pytest.fixture
def static(transport):
    """Return a function that exports without a server: usernames that begin with "no" are not found."""

    def run(endpoints, destination, **options):
        with ReportingClient(KEY, SECRET, base_url="https://reporting.example", transport=transport) as client:
            return export_call_reports(client, endpoints, destination, **options)

    return run


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_annotations_can_be_evaluated():
    for name in export_package.__all__:
        public = getattr(export_package, name)
        methods = [each for each in vars(public).values() if callable(each)] if isinstance(public, type) else []
        for each in [public, *methods]:
            typing.get_type_hints(each)


@pytest.mark.parametrize("file_format", FORMATS)
def test_one_row_per_endpoint_day_and_domain(static, tmp_path, file_format):
    summary = static(ENDPOINTS, tmp_path, domain=["pstn", "data"], file_format=file_format, **THREE_DAYS)
    assert (summary.endpoints, summary.reports, summary.permanent_failures, summary.requested) == (5, 18, 12, 30)
    assert summary.complete
    reporting, failing = ("+46730170101", "+46730170102", "anna"), ("no-one", "nobody")
    expected = [(each, day, domain) for each in reporting for day in THREE for domain in ("data", "pstn")]
    assert units(tmp_path) == sorted(expected)
    expected = [(each, day, domain) for each in failing for day in THREE for domain in ("data", "pstn")]
    assert units(tmp_path, "failures") == sorted(expected)
    first = rows(tmp_path)[0]
    assert (first["success"], first["failed"], first["duration"], first["partial"]) == (17, 3, 4711, False)
    failure = rows(tmp_path, "failures")[0]
    assert (failure["kind"], failure["error"]) == ("permanent", "NotFoundError")
    assert (failure["status"], failure["code"]) == (404, 40400)
    parts = [f"{kind}/day={day}/part-0.{file_format}" for kind in ("failures", "reports") for day in THREE]
    assert files(tmp_path) == sorted(["export.json", *parts, *(f"reports/day={day}/_SUCCESS" for day in THREE)])


def test_the_usual_domain_depends_on_the_type(static, tmp_path):
    static(ENDPOINTS[:2], tmp_path, **ONE_DAY)
    found = [(endpoint, domain) for endpoint, _, domain in units(tmp_path)]
    assert found == [("+46730170101", "pstn"), ("anna", "data")]


def test_a_period_is_one_row(static, tmp_path):
    static(ENDPOINTS, tmp_path, start=DAY, stop=date(2026, 11, 20))
    assert (tmp_path / "reports/period=2026-11-01_2026-11-20/part-0.parquet").exists()
    [first, *_] = rows(tmp_path)
    assert (first["period_start"], first["period_stop"]) == (DAY, date(2026, 11, 20))


def test_columns_have_types_units_and_metadata(static, tmp_path):
    before = datetime.now(UTC)
    static(ENDPOINTS, tmp_path, **ONE_DAY)
    table = pq.read_table(tmp_path / "reports/day=2026-11-01/part-0.parquet", partitioning=None)
    assert table["first_call"][0].as_py() == datetime(2026, 11, 1, 8, 15, 30, tzinfo=UTC)
    assert before <= table["retrieved_at"][0].as_py() <= datetime.now(UTC)
    described = {field.name: field.metadata for field in table.schema}
    assert {name: found[b"unit"] for name, found in described.items() if b"unit" in found} == {
        "success": b"calls",
        "failed": b"calls",
        "duration": b"s",
    }
    assert all(found[b"description"] for found in described.values())
    metadata = table.schema.metadata
    assert metadata[b"api_host"] == b"reporting.example"
    assert metadata[b"period"] == b"2026-11-01/2026-11-01"
    assert metadata.keys() >= {b"client_version", b"domain"}


def test_parquet_has_the_physical_types_that_all_readers_know(static, tmp_path):
    static(ENDPOINTS, tmp_path, **ONE_DAY)
    columns = pq.ParquetFile(tmp_path / "reports/day=2026-11-01/part-0.parquet").schema
    found = {column.name: (column.physical_type, column.logical_type.type) for column in columns}
    assert {name: found[name] for name in ("endpoint", "period_start", "duration", "partial")} == {
        "endpoint": ("BYTE_ARRAY", "STRING"),
        "period_start": ("INT32", "DATE"),
        "duration": ("INT64", "NONE"),
        "partial": ("BOOLEAN", "NONE"),
    }
    for name in ("first_call", "retrieved_at"):
        column = columns.column(columns.names.index(name))
        assert column.physical_type == "INT64"
        assert '"isAdjustedToUTC":true,"timeUnit":"microseconds"' in column.logical_type.to_json()


def test_readers_find_the_days_without_configuration(static, tmp_path):
    static(ENDPOINTS, tmp_path, **THREE_DAYS)
    dataset = pyarrow.dataset.dataset(tmp_path / "reports", partitioning="hive")
    assert dataset.count_rows() == 9
    assert set(dataset.to_table()["day"].to_pylist()) == set(THREE)


def test_further_days_and_endpoints_are_added_and_complete_days_are_not_requested_again(static, transport, tmp_path):
    static(ENDPOINTS[:2], tmp_path, **ONE_DAY)
    again = static(ENDPOINTS[:2], tmp_path, **ONE_DAY)
    assert (again.requested, again.reports, again.complete) == (0, 2, True)
    before = (tmp_path / "reports/day=2026-11-01/part-0.parquet").stat().st_mtime_ns
    more = static(ENDPOINTS[:2], tmp_path, **THREE_DAYS)
    assert (more.requested, more.reports) == (4, 6)
    assert (tmp_path / "reports/day=2026-11-01/part-0.parquet").stat().st_mtime_ns == before
    other = static(ENDPOINTS, tmp_path, **THREE_DAYS)
    assert (other.requested, other.reports, other.permanent_failures) == (9, 9, 6)
    fewer = static(ENDPOINTS[3:], tmp_path, **THREE_DAYS)
    assert (fewer.requested, fewer.complete) == (0, True)
    assert len(set(units(tmp_path))) == len(units(tmp_path)) == 9
    assert set(transport.requested.values()) == {1}
    assert state(tmp_path)["reports"] == 9


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_refreshed_day_is_replaced_when_all_of_it_is_there(export, sandbox, tmp_path, file_format):
    numbers = [Number(f"+4673017{i:05d}") for i in range(20)]
    options = {"file_format": file_format, "concurrency": 1, **THREE_DAYS}
    export([*numbers, Number("+46700000001")], tmp_path, **options)
    old = {(row["endpoint"], str(row["period_start"])): row["retrieved_at"] for row in rows(tmp_path)}
    sandbox.fail_next(*[None] * 10, faults.Status(503))
    once = {"retry": RetryPolicy(attempts=1)}
    first = export(numbers, tmp_path, client=once, refresh=[date(2026, 11, 2)], **options)
    assert (first.requested, first.complete) == (20, False)
    assert {(row["endpoint"], str(row["period_start"])): row["retrieved_at"] for row in rows(tmp_path)} == old
    assert (tmp_path / "reports/day=2026-11-02/_SUCCESS").exists()
    # Finished by the next run, whichever days it exports.
    second = export(numbers, tmp_path, file_format=file_format, **ONE_DAY)
    assert (second.requested, second.complete) == (1, True)
    new = {(row["endpoint"], str(row["period_start"])): row["retrieved_at"] for row in rows(tmp_path)}
    assert new.keys() == old.keys()
    assert {key for key in new if new[key] != old[key]} == {(each.value, "2026-11-02") for each in numbers}


def test_a_day_that_is_not_over_is_refused_or_marked_and_requested_again(sandbox, tmp_path):
    now = [datetime(2026, 11, 1, 12, tzinfo=UTC)]

    def run(**options):
        job = ExportJob(periods=(Period(DAY, DAY),), now=lambda: now[0], **options)
        with sandbox.client() as client:
            return run_job(client, ENDPOINTS, tmp_path / "out", job)

    with pytest.raises(InvalidRequestError, match="2026-11-01 is not over"):
        run()
    assert not (tmp_path / "out").exists()
    assert run(allow_partial_day=True).complete
    assert {row["partial"] for row in rows(tmp_path / "out")} == {True}
    assert not (tmp_path / "out/reports/day=2026-11-01/_SUCCESS").exists()
    assert state(tmp_path / "out")["state"] == "incomplete"
    assert run(allow_partial_day=True).requested == 5
    assert len(rows(tmp_path / "out")) == 5
    now[0] += timedelta(days=1)
    last = run()
    assert (last.requested, last.complete) == (5, True)
    assert {row["partial"] for row in rows(tmp_path / "out")} == {False}
    assert len(rows(tmp_path / "out")) == 5
    assert run().requested == 0


def test_partial_reports_in_the_journal_are_requested_again_when_the_day_is_over(sandbox, tmp_path):
    now = [datetime(2026, 11, 1, 12, tzinfo=UTC)]

    def run(**options):
        job = ExportJob(periods=(Period(DAY, DAY),), now=lambda: now[0], concurrency=1, stop_grace=0.1, **options)
        with sandbox.client() as client:
            return run_job(client, ENDPOINTS, tmp_path, job)

    first = run(allow_partial_day=True, should_stop=lambda: len(sandbox.requests) > 0)
    assert first.ended == "stopped"
    now[0] += timedelta(days=1)
    assert run().complete
    assert {row["partial"] for row in rows(tmp_path)} == {False}
    assert len(rows(tmp_path)) == 5


@pytest.mark.parametrize("file_format", FORMATS)
def test_stopped_it_resumes_at_the_single_request(export, sandbox, tmp_path, file_format):
    numbers = [Number(f"+4673017{i:05d}") for i in range(100)]
    stops = [lambda: len(sandbox.requests) > 40, lambda: len(sandbox.requests) > 150, None]
    for should_stop in stops:
        summary = export(numbers, tmp_path, should_stop=should_stop, file_format=file_format, **THREE_DAYS)
    assert (summary.reports, summary.complete) == (300, True)
    assert set(requested(sandbox.requests).values()) == {1}
    assert len(set(units(tmp_path))) == len(units(tmp_path)) == 300
    assert not list(tmp_path.glob(".*"))


def test_each_endpoint_is_requested_once_however_often_it_is_in_the_input(static, transport, tmp_path):
    summary = static([*ENDPOINTS, *ENDPOINTS, Username("+46730170101")], tmp_path, **ONE_DAY)
    assert (summary.endpoints, summary.duplicates) == (6, 5)
    # The number and the username of the same text are different endpoints.
    assert set(transport.requested.values()) == {1}
    assert len(transport.requested) == 6


def test_text_is_validated_and_rejected_with_the_reason(static, tmp_path):
    given = ["+46730170101", "46730170102", RejectedLine(line=9, text="x", reason="why", source="a.csv"), "4.67E+10"]
    summary = static(given, tmp_path, **ONE_DAY)
    assert (summary.reports, summary.rejected, summary.complete) == (1, 3, True)
    rejected = {row["text"]: (row["line"], row["reason"]) for row in rows(tmp_path, "rejected")}
    assert rejected["46730170102"] == (2, "no plus sign")
    assert rejected["x"] == (9, "why")
    assert "spreadsheet notation" in rejected["4.67E+10"][1]
    assert state(tmp_path)["rejected"] == 3
    static(given[:1], tmp_path, **ONE_DAY)
    assert not rows(tmp_path, "rejected")


def test_columns_of_tables_are_endpoints(static, tmp_path):
    texts = ["+46730170101", "+46730170102", None]
    categories = pl.Series(texts).cast(pl.Categorical)
    tables = [pa.array(texts), pa.chunked_array([texts, texts]), pd.Series(texts), pl.Series(texts), categories]
    for i, column in enumerate(tables):
        summary = static(column, tmp_path / str(i), **ONE_DAY)
        assert (summary.endpoints, summary.reports) == (2, 2)
        assert summary.rejected in {1, 2}
    objects = pd.Series([Username("anna"), Number("+46730170101")])
    assert static(objects, tmp_path / "objects", **ONE_DAY).reports == 2
    integers = static(pd.Series(["+46730170101", 46730170102]), tmp_path / "mixed", **ONE_DAY)
    assert (integers.reports, integers.rejected) == (1, 1)


@pytest.mark.parametrize("given", [[], ["46730170101"], iter(())])
def test_an_input_without_a_valid_endpoint_is_an_error_before_anything_is_created(static, tmp_path, given):
    with pytest.raises(InvalidRequestError, match="no valid endpoint"):
        static(given, tmp_path / "out", **ONE_DAY)
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_endpoints_leaves_nothing_behind(static, tmp_path):
    def failing():
        yield from ENDPOINTS
        raise LookupError("the database is gone")

    with pytest.raises(LookupError, match="the database is gone"):
        static(failing(), tmp_path / "out", **ONE_DAY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoints": "numbers.csv"},
        {"endpoints": 7},
        {"endpoints": [7]},
        {"start": None},
        {"stop": None},
        {"stop": date(2027, 1, 1)},
        {"stop": date(2026, 10, 1)},
        {"start": date(2026, 9, 1)},
        {"domain": "moon"},
        {"domain": []},
        {"file_format": "xml"},
        {"concurrency": True},
        {"refresh": [date(2026, 10, 1)]},
        {"destination": "moon://reports"},
    ],
)
def test_invalid_arguments_are_refused_and_leave_nothing_behind(static, transport, tmp_path, wrong):
    arguments = {"endpoints": ENDPOINTS, "destination": tmp_path / "out", **ONE_DAY, **wrong}
    with pytest.raises(InvalidRequestError):
        static(arguments.pop("endpoints"), arguments.pop("destination"), **arguments)
    assert not transport.requested
    assert not list(tmp_path.iterdir())
    with pytest.raises(InvalidRequestError, match="client"):
        export_call_reports(None, ENDPOINTS, tmp_path, **ONE_DAY)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"file_format": "csv"}, "contains parquet files"),
        ({"start": date(2026, 10, 31)}, "both single days and longer periods"),
    ],
)
def test_a_destination_of_another_kind_is_refused_and_not_touched(static, transport, tmp_path, changed, message):
    static(ENDPOINTS, tmp_path, **ONE_DAY)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    transport.requested.clear()
    with pytest.raises(InvalidRequestError, match=message):
        static(ENDPOINTS, tmp_path, **{**ONE_DAY, **changed})
    assert not transport.requested
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_reports_of_another_server_are_not_mixed_in(static, export, tmp_path):
    static(ENDPOINTS, tmp_path, **ONE_DAY)
    with pytest.raises(InvalidRequestError, match=r"reports from reporting\.example, not 127\.0\.0\.1"):
        export(ENDPOINTS, tmp_path, **ONE_DAY)


def test_files_of_others_are_not_touched(static, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InvalidRequestError, match="contains other files"):
        static(ENDPOINTS, tmp_path, **ONE_DAY)
    assert files(tmp_path) == ["thesis.tex"]
    (tmp_path / "thesis.tex").unlink()
    static(ENDPOINTS, tmp_path, **ONE_DAY)
    for name in (".notes.tmp", "reports/day=2026-11-01/mine.parquet", "notes.txt"):
        (tmp_path / name).write_text("mine")
    static(ENDPOINTS, tmp_path, refresh=[DAY], **ONE_DAY)
    for name in (".notes.tmp", "reports/day=2026-11-01/mine.parquet", "notes.txt"):
        assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("damage", [lambda _: "[", lambda content: content.replace("day=2026", "day=2x26")])
def test_a_damaged_state_is_refused_with_the_remedy(static, tmp_path, damage):
    static(ENDPOINTS, tmp_path, **ONE_DAY)
    (tmp_path / "export.json").write_text(damage((tmp_path / "export.json").read_text()))
    with pytest.raises(InvalidRequestError, match=r"export\.json .* is damaged .*; choose another destination"):
        static(ENDPOINTS, tmp_path, **ONE_DAY)


def test_two_processes_do_not_export_to_one_destination_at_once(static, tmp_path):
    refused = []

    def start_another(_progress):
        if not refused:
            program = "import sys; sys.path[:0] = sys.argv[1:]; from tests.export import test_export as t; t.another()"
            command = [sys.executable, "-c", program, str(ROOT)]
            refused.append(subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True))

    summary = static(ENDPOINTS, tmp_path, progress=start_another, **ONE_DAY)
    assert refused[0].returncode == 1
    assert "InvalidRequestError: another process is exporting to this destination" in refused[0].stderr
    assert summary.complete


def another():
    with ReportingClient(KEY, SECRET, base_url="https://reporting.example", transport=StaticTransport()) as client:
        export_call_reports(client, ENDPOINTS, ".", **ONE_DAY)


def test_progress_counts_what_earlier_runs_did(static, tmp_path):
    static(ENDPOINTS, tmp_path, **ONE_DAY)
    seen = []
    static(ENDPOINTS, tmp_path, progress=seen.append, concurrency=1, **THREE_DAYS)
    assert [(each.done, each.requested) for each in seen][-1] == (15, 10)
    assert {each.total for each in seen} == {15}
    assert seen[0].done == 5
    assert seen[-1].failed == 4


def test_the_summary_is_json(static, tmp_path):
    summary = static(ENDPOINTS, tmp_path, **ONE_DAY)
    found = json.loads(json.dumps(summary.to_dict()))
    assert found["destination"] == str(tmp_path)
    assert (found["complete"], found["ended"], found["requested"], found["missing"]) == (True, "finished", 5, 0)


def test_in_a_notebook_the_event_loop_runs_already(static, tmp_path):
    async def cell():
        return static(ENDPOINTS, tmp_path, **ONE_DAY)

    assert asyncio.run(cell()).complete


def test_call_reports_become_a_table_in_which_failures_are_rows(sandbox):
    sandbox.fail_next(None, faults.Status(404))
    with sandbox.client() as client:
        outcomes = list(client.iter_call_reports([Number("+46730170101"), Username("anna")], concurrency=1))
        daily = list(client.daily_call_reports(Username("anna"), DAY, date(2026, 11, 2)))
    table = call_reports_table(outcomes)
    assert table["endpoint"].to_pylist() == ["+46730170101", "anna"]
    assert table["success"].to_pylist() == [outcomes[0].report.success, None]
    assert table["error"].null_count == 1
    assert isinstance(outcomes[1], CallReportFailure)
    assert call_reports_table(daily)["period_start"].to_pylist() == [DAY, date(2026, 11, 2)]
    assert call_reports_table([outcomes[0].report]).schema == table.schema == call_reports_table([]).schema


NAMES = st.lists(st.sampled_from([f"{prefix}{i}" for prefix in ("a", "no") for i in range(6)]), min_size=1, max_size=9)


@settings(max_examples=10, deadline=None)
@given(runs=st.lists(st.tuples(NAMES, st.integers(1, 3), st.booleans()), min_size=1, max_size=4))
def test_whatever_the_inputs_and_days_every_report_is_there_once(tmp_path_factory, runs):
    folder = tmp_path_factory.mktemp("export")
    transport = StaticTransport()
    expected = set()
    with ReportingClient(KEY, SECRET, base_url="https://reporting.example", transport=transport) as client:
        for names, days, is_refreshed in runs:
            stop = date(2026, 11, days)
            refresh = [DAY] if is_refreshed else []
            options = {"start": DAY, "stop": stop, "daily": True, "refresh": refresh, "concurrency": 2}
            summary = export_call_reports(client, map(Username, names), folder, **options)
            assert summary.complete
            expected |= {(name, f"2026-11-0{day}", "data") for name in names for day in range(1, days + 1)}
    assert units(folder) == sorted(unit for unit in expected if unit[0].startswith("a"))
    assert units(folder, "failures") == sorted(unit for unit in expected if unit[0].startswith("no"))
    counts = state(folder)
    assert (counts["reports"], counts["failures"]["permanent"]) == (len(units(folder)), len(units(folder, "failures")))
