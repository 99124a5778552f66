import asyncio
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinch_reporting import (
    AsyncReportingClient,
    AuthenticationError,
    InvalidRequestError,
    Number,
    ReportingClient,
    Username,
)
from sinch_reporting.export import RejectedLine, export_call_reports, read_endpoints
from sinch_reporting.export.run import Datasets
from sinch_reporting.testing import faults
from tests.support.callers import KEY, SECRET
from tests.support.exports import DAYS, StaticTransport, rows
from tests.support.raw_server import response

ROOT = Path(__file__).resolve().parents[2]
ENDPOINTS = [Number("+46730170101"), Username("anna"), Username("nobody"), Number("+46730170102"), Username("no-one")]
FORMATS = ["parquet", "csv", "jsonl"]


def number(place):
    return Number(f"+4673017{place:05d}")


@pytest.fixture(params=["sync", "async"])
def export(request):
    """Return what exports with one of the two clients."""

    def run(endpoints, destination, *, transport=None, **options):
        transport = transport or StaticTransport()
        arguments = {"base_url": "https://reporting.example", "transport": transport}
        if request.param == "sync":
            with ReportingClient(KEY, SECRET, **arguments) as client:
                return export_call_reports(client, endpoints, destination, **{**DAYS, **options})

        async def main():
            async with AsyncReportingClient(KEY, SECRET, **arguments) as client:
                return await export_call_reports(client, endpoints, destination, **{**DAYS, **options})

        return asyncio.run(main())

    return run


def stopping_after(count):
    places = iter(range(count))
    return lambda: next(places, None) is None


@pytest.mark.parametrize("file_format", FORMATS)
def test_reports_and_failures_are_datasets_of_typed_rows_in_the_order_of_the_input(export, tmp_path, file_format):
    summary = export(ENDPOINTS, tmp_path, domain="pstn", file_format=file_format, partition_size=2)
    assert (summary.endpoints, summary.reports, summary.failures, summary.asked) == (5, 3, 2, 5)
    assert summary.finished
    reports, failures = rows(tmp_path, "reports"), rows(tmp_path, "failures")
    assert [(row["endpoint"], row["type"]) for row in reports] == [
        ("+46730170101", "number"),
        ("anna", "username"),
        ("+46730170102", "number"),
    ]
    assert [(row["success"], row["failed"], row["duration"]) for row in reports] == [(17, 3, 4711)] * 3
    assert {row["domain"] for row in reports} == {"pstn"}
    assert [row["endpoint"] for row in failures] == ["nobody", "no-one"]
    assert failures[0]["error"] == "NotFoundError"
    assert (failures[0]["status"], failures[0]["code"]) == (404, 40400)
    assert "unknown" in failures[0]["message"]
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    parts = [f"{kind}/part-0000{place}.{file_format}" for kind in ("failures", "reports") for place in range(3)]
    assert names == sorted(["export.json", f"rejected/part-00000.{file_format}", *parts])


def test_times_and_days_keep_their_types_and_units(export, tmp_path):
    export(ENDPOINTS, tmp_path)
    table = pyarrow.dataset.dataset(tmp_path / "reports").to_table()
    assert table["start"][0].as_py() == datetime(2026, 11, 1, 8, 15, 30, tzinfo=UTC)
    assert table["period_stop"][0].as_py() == date(2026, 11, 20)
    assert table.schema.field("duration").type == pa.int64()
    units = {field.name: field.metadata.get(b"unit") for field in table.schema}
    assert units["duration"] == b"s"
    assert units["success"] == units["failed"] == b"calls"
    assert all(field.metadata[b"description"] for field in table.schema)


def test_json_lines_have_iso_times(export, tmp_path):
    export(ENDPOINTS, tmp_path, file_format="jsonl")
    first = rows(tmp_path, "reports")[0]
    assert (first["start"], first["period_start"]) == ("2026-11-01T08:15:30Z", "2026-11-01")


def test_each_endpoint_is_asked_once_however_often_it_is_in_the_input(export, tmp_path):
    transport = StaticTransport()
    summary = export([*ENDPOINTS, *ENDPOINTS, Username("+46730170101")], tmp_path, transport=transport)
    assert (summary.endpoints, summary.duplicates) == (6, 5)
    # The number and the username that looks like it are two endpoints.
    assert transport.asked == {**dict.fromkeys(["anna", "nobody", "no-one", "+46730170102"], 1), "+46730170101": 2}


@pytest.mark.parametrize("file_format", FORMATS)
def test_rejected_lines_are_set_aside_with_their_numbers(export, tmp_path, file_format):
    (tmp_path / "numbers.txt").write_bytes(b'+46730170101\n0730,"\n\xff\n+46730170102\n')
    summary = export(read_endpoints(tmp_path / "numbers.txt"), tmp_path / "out", file_format=file_format)
    assert (summary.reports, summary.rejected) == (2, 2)
    rejected = rows(tmp_path / "out", "rejected")
    assert [(row["line"], row["text"]) for row in rejected] == [(2, '0730,"'), (3, "\\xff")]
    assert all(row["reason"] for row in rejected)


@pytest.mark.parametrize("file_format", FORMATS)
def test_stopped_it_goes_on_where_it_was(export, tmp_path, file_format):
    transport = StaticTransport()
    options = {"transport": transport, "partition_size": 10, "file_format": file_format}
    endpoints = [*map(number, range(95)), *map(Username, ("nobody", "no-one", "no-two", "no-three", "no"))]
    first = export(iter(endpoints), tmp_path, should_stop=stopping_after(37), **options)
    assert (first.asked, first.finished) == (37, False)
    assert len(rows(tmp_path, "reports")) == 30
    second = export(iter(endpoints), tmp_path, should_stop=stopping_after(60), **options)
    assert (second.reports + second.failures, second.asked, second.finished) == (97, 60, False)
    last = export(iter(endpoints), tmp_path, **options)
    assert (last.reports, last.failures, last.asked, last.finished) == (95, 5, 3, True)
    again = export(iter(endpoints), tmp_path, **options)
    assert (again.reports, again.failures, again.asked, again.finished) == (95, 5, 0, True)
    assert set(transport.asked.values()) == {1}
    assert [row["endpoint"] for row in rows(tmp_path, "reports")] == [number(place).value for place in range(95)]
    assert not list(tmp_path.glob(".journal*"))


def test_a_partition_that_is_complete_in_the_journal_alone_is_written_at_the_next_start(export, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Datasets, "write_outcomes", killed)
        with pytest.raises(KeyboardInterrupt):
            export(ENDPOINTS, tmp_path)
    assert not (tmp_path / "reports").exists()
    transport = StaticTransport()
    assert export(ENDPOINTS, tmp_path, transport=transport, should_stop=lambda: True).finished
    assert not transport.asked
    assert len(rows(tmp_path, "reports") + rows(tmp_path, "failures")) == 5


def test_whatever_a_server_says_can_be_kept(tmp_path, raw_server):
    body = '{"errorCode": 40400, "message": "half a pair \\ud800 and a nothing \\u0000"}'
    raw_server.script = [response(body, "404 Not Found")]
    with ReportingClient(KEY, SECRET, base_url=raw_server.url) as client:
        assert export_call_reports(client, ENDPOINTS, tmp_path, concurrency=1, **DAYS).failures == 5
    assert "half a pair" in rows(tmp_path, "failures")[0]["message"]


def test_progress_counts_what_earlier_runs_did(export, tmp_path):
    seen = []
    export(ENDPOINTS, tmp_path, should_stop=stopping_after(3), partition_size=2)
    export(ENDPOINTS, tmp_path, progress=seen.append, partition_size=2)
    assert [(each.done, each.asked) for each in seen] == [(3, 0), (4, 1), (5, 2)]
    assert {each.endpoints for each in seen} == {5}
    assert (seen[0].failed, seen[-1].failed) == (1, 2)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"domain": "pstn"}, "the domain"),
        ({"start": date(2026, 11, 2)}, "the first day"),
        ({"stop": date(2026, 11, 19)}, "the last day"),
        ({"file_format": "csv"}, "the format"),
        ({"partition_size": 3}, "the partition size"),
        ({"endpoints": ENDPOINTS[:-1]}, "the input"),
        ({"endpoints": ENDPOINTS[::-1]}, "the input"),
        ({"endpoints": [*ENDPOINTS, RejectedLine(line=6, text="", reason="")]}, "the input"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_other_parameters_at_the_same_destination_are_refused(export, tmp_path, changed, named, finished):
    export(ENDPOINTS, tmp_path, partition_size=2, should_stop=lambda: not finished)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if "journal" not in path.name}
    transport = StaticTransport()
    arguments = {"endpoints": ENDPOINTS, "partition_size": 2, **changed}
    with pytest.raises(InvalidRequestError, match=rf"other parameters \({named}\)"):
        export(arguments.pop("endpoints"), tmp_path, transport=transport, **arguments)
    assert not transport.asked
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if "journal" not in path.name} == before


def test_a_destination_with_other_files_is_refused(export, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InvalidRequestError, match="not empty"):
        export(ENDPOINTS, tmp_path)


def test_a_damaged_manifest_is_not_taken_for_ours(export, tmp_path):
    (tmp_path / "export.json").write_text("[")
    with pytest.raises(InvalidRequestError, match="other parameters"):
        export(ENDPOINTS, tmp_path)


def test_a_journal_of_another_export_is_refused(export, tmp_path):
    journal = tmp_path / "journal"
    export(ENDPOINTS, tmp_path / "one", journal=journal, should_stop=lambda: True)
    with pytest.raises(InvalidRequestError, match="journal belongs to another"):
        export(ENDPOINTS[1:], tmp_path / "two", journal=journal)


def test_two_processes_do_not_export_to_one_destination_at_once(export, tmp_path):
    refused = []

    def start_another(_progress):
        if not refused:
            program = "import sys; sys.path[:0] = sys.argv[1:]; from tests.export import test_export as t; t.another()"
            command = [sys.executable, "-c", program, str(ROOT)]
            refused.append(subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True))

    summary = export(ENDPOINTS, tmp_path, progress=start_another)
    assert refused[0].returncode == 1
    assert "InvalidRequestError: another process is exporting to this destination" in refused[0].stderr
    assert summary.finished


def another():
    with ReportingClient(KEY, SECRET, base_url="https://reporting.example", transport=StaticTransport()) as client:
        export_call_reports(client, ENDPOINTS, ".", **DAYS)


def test_refused_credentials_end_the_export_and_cost_no_endpoint_its_report(tmp_path, sandbox):
    sandbox.fail_always(faults.Status(401))
    with sandbox.client() as client:
        with pytest.raises(AuthenticationError):
            export_call_reports(client, map(number, range(1000)), tmp_path, **DAYS)
        assert len(sandbox.requests) < 100
        sandbox.clear_faults()
        summary = export_call_reports(client, map(number, range(1000)), tmp_path, **DAYS)
    assert (summary.reports, summary.failures) == (1000, 0)


def test_failures_can_be_asked_again_by_exporting_them(export, tmp_path):
    export(ENDPOINTS, tmp_path / "out")
    transport = StaticTransport()
    summary = export(read_endpoints(tmp_path / "out/failures"), tmp_path / "again", transport=transport)
    assert summary.endpoints == 2
    assert set(transport.asked) == {"nobody", "no-one"}


def test_nothing_to_ask_is_an_export_too(export, tmp_path):
    assert export([], tmp_path).finished
    assert json.loads((tmp_path / "export.json").read_text())["endpoints"] == 0


def test_the_summary_can_be_json(export, tmp_path):
    summary = export(ENDPOINTS, tmp_path)
    assert json.loads(json.dumps(summary.as_dict())) == {
        "destination": str(tmp_path),
        "endpoints": 5,
        "reports": 3,
        "failures": 2,
        "duplicates": 0,
        "rejected": 0,
        "asked": 5,
        "seconds": summary.seconds,
        "finished": True,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoints": "numbers.csv"},
        {"endpoints": ["+46730170101"]},
        {"endpoints": 7},
        {"start": None},
        {"stop": None},
        {"stop": date(2027, 1, 1)},
        {"domain": "moon"},
        {"file_format": "xml"},
        {"partition_size": 0},
        {"concurrency": True},
        {"destination": "moon://reports"},
    ],
)
def test_wrong_arguments_are_refused_and_leave_nothing_behind(export, tmp_path, wrong):
    arguments = {"endpoints": ENDPOINTS, "destination": tmp_path / "out", **wrong}
    transport = StaticTransport()
    with pytest.raises(InvalidRequestError):
        export(arguments.pop("endpoints"), arguments.pop("destination"), transport=transport, **arguments)
    assert not transport.asked
    assert not list(tmp_path.iterdir())
    with pytest.raises(InvalidRequestError, match="client"):
        export_call_reports(None, ENDPOINTS, tmp_path, **DAYS)


def test_an_error_of_the_endpoints_themselves_leaves_nothing_behind(export, tmp_path):
    def endpoints():
        yield from ENDPOINTS
        raise LookupError("the database is gone")

    with pytest.raises(LookupError, match="the database is gone"):
        export(endpoints(), tmp_path / "out")
    assert not list(tmp_path.iterdir())


@settings(max_examples=30, deadline=None)
@given(
    names=st.lists(st.sampled_from([f"{prefix}{place}" for prefix in ("a", "no") for place in range(9)]), max_size=30),
    size=st.integers(1, 7),
    stops=st.lists(st.integers(0, 12), max_size=4),
)
def test_whatever_the_input_and_the_stops_every_endpoint_is_there_once(tmp_path_factory, names, size, stops):
    folder = tmp_path_factory.mktemp("export")
    transport = StaticTransport()
    options = {"partition_size": size, "concurrency": 2, **DAYS}
    with ReportingClient(KEY, SECRET, base_url="https://reporting.example", transport=transport) as client:
        for count in stops:
            export_call_reports(client, map(Username, names), folder, should_stop=stopping_after(count), **options)
        summary = export_call_reports(client, map(Username, names), folder, **options)
    assert summary.finished
    unique = list(dict.fromkeys(names))
    assert [row["endpoint"] for row in rows(folder, "reports")] == [name for name in unique if name.startswith("a")]
    assert [row["endpoint"] for row in rows(folder, "failures")] == [name for name in unique if name.startswith("no")]
    assert transport.asked == dict.fromkeys(unique, 1)


def test_a_finished_run_keeps_the_files_of_others(export, tmp_path):
    export(ENDPOINTS, tmp_path, partition_size=2)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "reports").iterdir()}
    export(ENDPOINTS, tmp_path, partition_size=2)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "reports").iterdir()} == before
    assert pq.read_table(tmp_path / "reports").num_rows == 3
