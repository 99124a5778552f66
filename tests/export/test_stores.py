import re
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pyarrow.dataset
import pyarrow.fs
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer

from sinch_reporting import InvalidRequestError, Number, ReportingClient, Username
from sinch_reporting.export import export_call_reports, read_endpoints
from sinch_reporting.export.database import connect
from sinch_reporting.export.output_store import OutputStore, public_name
from sinch_reporting.export.storage_errors import sqlite_errors
from tests.support.callers import KEY, SECRET
from tests.support.exports import ONE_DAY, THREE_DAYS, StaticTransport, rows, units

NUMBERS = [f"+4673017{i:05d}" for i in range(30)]


@pytest.fixture(autouse=True)
def _state_home(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(scope="module")
def s3():
    """Return a file system of a real S3 client, whose server runs here."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"access_key": "key", "secret_key": "secret", "region": "eu-north-1", "allow_bucket_creation": True}
    filesystem = pyarrow.fs.S3FileSystem(endpoint_override=f"{host}:{port}", scheme="http", **options)
    filesystem.create_dir("calls")
    yield filesystem, f"{host}:{port}"
    server.stop()


@pytest.fixture(params=["s3", "memory", "folder of a folder"])
def place(request, tmp_path):
    """Return a file system, and a path on it where nothing is."""
    if request.param == "s3":
        return request.getfixturevalue("s3")[0], f"calls/{tmp_path.name}"
    if request.param == "memory":
        return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(MemoryFileSystem())), f"/{tmp_path.name}"
    return pyarrow.fs.SubTreeFileSystem(str(tmp_path), pyarrow.fs.LocalFileSystem()), "out"


def run(path, transport, endpoints=NUMBERS, **options):
    with ReportingClient(KEY, SECRET, base_url="https://reporting.example", transport=transport) as client:
        return export_call_reports(client, endpoints, path, **{"concurrency": 1, **THREE_DAYS, **options})


def exported(place):
    filesystem, path = place
    found = pyarrow.dataset.dataset(f"{path}/reports", filesystem=filesystem, partitioning="hive").to_table()
    return sorted(zip(found["endpoint"].to_pylist(), found["day"].to_pylist(), strict=True))


EVERYTHING = sorted((number, f"2026-11-0{day}") for number in NUMBERS for day in (1, 2, 3))


def test_any_file_system_will_do_and_a_stopped_export_resumes(place, tmp_path):
    transport = StaticTransport()
    filesystem, path = place

    def stop():
        return transport.requested.total() >= 40

    first = run(path, transport, filesystem=filesystem, should_stop=stop)
    assert (first.ended, first.complete) == ("stopped", False)
    assert run(path, transport, filesystem=filesystem).complete
    assert exported(place) == EVERYTHING
    assert set(transport.requested.values()) == {1}
    assert run(path, transport, filesystem=filesystem).requested == 0


def test_without_its_journal_unfinished_days_are_requested_again(tmp_path):
    transport = StaticTransport()
    run(tmp_path / "out", transport, should_stop=lambda: transport.requested.total() >= 40)
    (tmp_path / "out/.journal.sqlite3").unlink()
    assert run(tmp_path / "out", transport).complete
    assert [(endpoint, day) for endpoint, day, _ in units(tmp_path / "out")] == EVERYTHING


def test_the_journal_may_be_elsewhere(tmp_path):
    transport = StaticTransport()
    options = {"journal": tmp_path / "journals/calls"}
    run(tmp_path / "out", transport, should_stop=lambda: transport.requested.total() >= 40, **options)
    assert not (tmp_path / "out/.journal.sqlite3").exists()
    assert run(tmp_path / "out", transport, **options).complete
    assert set(transport.requested.values()) == {1}
    assert not list((tmp_path / "journals").iterdir())


@pytest.mark.parametrize("interrupts", [KeyboardInterrupt, OSError("no space left")])
def test_a_file_whose_writing_fails_is_never_seen(place, interrupts):
    store = OutputStore(place[1], place[0])
    store.write("reports/a", lambda file: file.write(b"whole"))

    def half(file):
        file.write(b"half")
        raise interrupts

    for name in ("reports/a", "reports/b"):
        with pytest.raises((KeyboardInterrupt, OSError)):
            store.write(name, half)
    assert store.names("reports") == ["a"]
    assert store.read("reports/a") == b"whole"


def test_temporary_files_of_a_killed_export_are_deleted_and_no_others(place):
    store = OutputStore(place[1], place[0])
    for name in (".sinch-export-0123456789abcdef.tmp", ".mine.tmp", "mine"):
        store.write(name, lambda file: file.write(b"half"))
    store.delete_temporary_files()
    assert store.names() == [".mine.tmp", "mine"]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_journal_is_private_and_data_files_follow_the_umask(tmp_path):
    program = (
        "import os, sys; os.umask(0o027); sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from tests.export.test_stores import *; run(Path(sys.argv[2]), StaticTransport(), progress=show_modes)"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parents[2]), str(tmp_path / "out")]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {line for line in ran.stdout.splitlines() if line} == {".journal.sqlite3 600", ".journal.sqlite3-wal 600"}
    assert {mode(path) for path in (tmp_path / "out").rglob("*.*") if path.is_file()} == {0o640}


def show_modes(_progress):
    for path in Path(sys.argv[2]).glob(".journal*"):
        print(path.name, f"{mode(path):o}")  # noqa: T201 - read by the test


@pytest.mark.parametrize("name", [".journal.sqlite3", ".journal.sqlite3-wal"])
def test_a_journal_that_is_a_symbolic_link_is_refused(tmp_path, name):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "precious")
    with pytest.raises(InvalidRequestError, match="not a symbolic link; remove it or choose another path"):
        run(tmp_path / "out", StaticTransport())
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_damaged_journal_is_one_sentence_with_the_remedy(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.journal.sqlite3").write_bytes(b"garbage" * 1000)
    with pytest.raises(OSError, match=r"the journal .* is damaged; delete it and run the export again"):
        run(tmp_path / "out", StaticTransport())


def in_the_middle(content):
    page = content.rindex(b"+46730170")
    return content[: page - 300] + b"\xff" * 600 + content[page + 300 :]


DAMAGE = {
    "pages": in_the_middle,
    "text": lambda content: content.replace(b"day=2026-11-02", b"day=2026-\xff1-02"),
    "a period": lambda content: content.replace(b"day=2026-11-02", b"day=2026-x1-02"),
    "a row": lambda content: re.sub(rb"(?<=n\+4673018)(\d{4})(\d)", lambda m: m[1] + b"x", content),
    "its end": lambda content: content[:-5000],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_journal_damaged_in_part_is_one_sentence_and_costs_no_report(tmp_path, damage):
    transport = StaticTransport()
    numbers = [*NUMBERS, *(f"+4673018{i:05d}" for i in range(200))]
    run(tmp_path, transport, numbers, should_stop=lambda: transport.requested.total() >= 400)
    journal = tmp_path / ".journal.sqlite3"
    journal.write_bytes(DAMAGE[damage](journal.read_bytes()))
    with pytest.raises(OSError, match=r"the journal .* is damaged; delete it and run the export again"):
        run(tmp_path, transport, numbers)
    journal.unlink()
    assert run(tmp_path, transport, numbers).complete
    assert len(set(units(tmp_path))) == len(rows(tmp_path)) == 3 * len(numbers)


@pytest.mark.parametrize("dataset", ["reports", "failures"])
@pytest.mark.parametrize("file_format", ["parquet", "csv", "jsonl"])
def test_no_damaged_row_is_taken_for_a_report(tmp_path, file_format, dataset):
    endpoints = [*map(Number, NUMBERS), *(Username(f"nobody-{i}") for i in range(30))]
    run(tmp_path, StaticTransport(), endpoints, file_format=file_format, **ONE_DAY)
    part = tmp_path / f"{dataset}/day=2026-11-01/part-0.{file_format}"
    content = part.read_bytes()
    at = len(content) // 4 if file_format == "parquet" else content.rindex(b"n", 0, len(content) // 2)
    part.write_bytes(content[:at] + bytes([content[at] ^ 0x91]) + content[at + 1 :])
    more = [*endpoints, Number("+46700000001")]
    with pytest.raises(OSError, match=rf"part-0\.{file_format} in .* is damaged[;,] delete it and run the export"):
        run(tmp_path, StaticTransport(), more, file_format=file_format, **ONE_DAY)
    part.unlink()
    assert run(tmp_path, StaticTransport(), more, file_format=file_format, **ONE_DAY).complete
    assert (len(rows(tmp_path)), len(rows(tmp_path, "failures"))) == (31, 30)


@pytest.mark.parametrize("file_format", ["parquet", "csv", "jsonl"])
def test_a_damaged_file_is_one_sentence_with_the_remedy(tmp_path, file_format):
    run(tmp_path, StaticTransport(), file_format=file_format, **ONE_DAY)
    part = tmp_path / f"reports/day=2026-11-01/part-0.{file_format}"
    part.write_bytes(part.read_bytes()[:-30] + b'{"x')
    more = [*NUMBERS, "+46700000001"]
    with pytest.raises(OSError, match=rf"part-0\.{file_format} in .* is damaged; delete it and run the export again"):
        run(tmp_path, StaticTransport(), more, file_format=file_format, **ONE_DAY)
    part.unlink()
    transport = StaticTransport()
    assert run(tmp_path, transport, more, file_format=file_format, **ONE_DAY).complete
    assert len(rows(tmp_path)) == 31


def test_a_full_disk_is_one_sentence_with_the_remedy(tmp_path):
    connection = connect()
    connection.executescript("CREATE TABLE t (x); PRAGMA max_page_count = 3")
    with pytest.raises(OSError, match="the disk is full; free some space"), sqlite_errors("the journal"):
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    with pytest.raises(OSError, match="the journal cannot be used: no such table"), sqlite_errors("the journal"):
        connection.execute("SELECT * FROM other")
    connection.close()
    store = OutputStore(tmp_path, None)
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OSError, match=r"^reports/a in .* cannot be written: the disk is full; free some space and run"),
    ):
        store.write("reports/a", lambda _: full.write(b"content"))


def test_a_destination_that_cannot_be_written_is_one_sentence_with_the_remedy(tmp_path):
    (tmp_path / "reports").write_text("")
    (tmp_path / "journals").write_text("")
    store = OutputStore(tmp_path, None)
    message = "cannot be used: [A-Z][a-z ]+; check the disk and its permissions, and run the export again"
    with pytest.raises(OSError, match=f"^reports/a in .* {message}$"):
        store.write("reports/a", lambda _: None)
    with pytest.raises(OSError, match=f"^the journal .* {message}$"):
        run(tmp_path / "out", StaticTransport(), journal=tmp_path / "journals/calls")
    with pytest.raises(OSError, match=f"^the destination .* {message}$"):
        run(tmp_path / "reports", StaticTransport())


def test_credentials_in_a_uri_are_never_shown(s3, tmp_path, monkeypatch):
    _, endpoint = s3
    uri = f"s3://key:S3CRET@calls/lake?scheme=http&region=eu-north-1&endpoint_override={quote(endpoint, safe='')}"
    summary = run(uri, StaticTransport(), **ONE_DAY)
    assert (summary.destination, summary.complete) == ("s3://calls/lake", True)
    found = list(read_endpoints(uri.replace("calls/lake", "calls/lake/reports")))
    assert found == [Number(number) for number in NUMBERS]
    texts = [str(summary)]
    for other in (uri.replace("calls/lake", "missing/lake"), uri.replace("s3://", "s4://")):
        with pytest.raises((OSError, InvalidRequestError)) as caught:
            run(other, StaticTransport(), **ONE_DAY)
        texts.append(str(caught.value))
        with pytest.raises((OSError, InvalidRequestError)) as caught:
            list(read_endpoints(other))
        texts.append(str(caught.value))
    assert not [text for text in texts if "S3CRET" in text]
    assert public_name("s3://a:b@bucket/x?secret=1") == "s3://bucket/x"


PROGRAM = """
import resource, sys
from pathlib import Path
from tests.export.test_stores import export_many
export_many(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Forgetful(StaticTransport):
    """Keeps no counts."""

    def handle_request(self, request):
        self.requested.clear()
        return super().handle_request(request)


def export_many(count, days, folder):
    (folder.with_suffix(".txt")).write_text("".join(f"+4673{i:07d}\n" for i in range(count)))
    stop = THREE_DAYS["stop"].replace(day=days)
    endpoints = read_endpoints(folder.with_suffix(".txt"))
    run(folder, Forgetful(), endpoints, stop=stop, concurrency=4)


def test_memory_does_not_depend_on_the_number_of_reports(tmp_path):
    def peak(count, days):
        command = [sys.executable, "-c", PROGRAM, str(count), str(days), str(tmp_path / str(count))]
        ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
        return int(ran.stdout)

    assert peak(10_000, 2) <= 1.2 * peak(1000, 1)
