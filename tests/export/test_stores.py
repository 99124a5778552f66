import subprocess
import sys
from pathlib import Path

import pyarrow.dataset
import pyarrow.fs
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer

from sinch_reporting import Number, ReportingClient
from sinch_reporting.export import export_call_reports
from sinch_reporting.export.store import Store
from tests.support.callers import KEY, SECRET
from tests.support.exports import DAYS, StaticTransport

NUMBERS = [f"+4673017{place:05d}" for place in range(30)]


@pytest.fixture(scope="module")
def s3():
    """Return a file system of a real S3 client, whose server runs here."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"access_key": "key", "secret_key": "secret", "region": "eu-north-1", "allow_bucket_creation": True}
    yield pyarrow.fs.S3FileSystem(endpoint_override=f"{host}:{port}", scheme="http", **options)
    server.stop()


@pytest.fixture(params=["s3", "memory", "folder of a folder"])
def place(request, tmp_path):
    """Return a file system, and a path on it where nothing is."""
    if request.param == "s3":
        filesystem = request.getfixturevalue("s3")
        filesystem.create_dir(tmp_path.name.replace("_", "-").lower())
        return filesystem, f"{tmp_path.name.replace('_', '-').lower()}/out"
    if request.param == "memory":
        return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(MemoryFileSystem())), f"/{tmp_path.name}"
    return pyarrow.fs.SubTreeFileSystem(str(tmp_path), pyarrow.fs.LocalFileSystem()), "out"


def run(place, transport, **options):
    filesystem, path = place
    with ReportingClient(KEY, SECRET, base_url="https://reporting.example", transport=transport) as client:
        arguments = {"filesystem": filesystem, "partition_size": 10, "concurrency": 1, **DAYS, **options}
        return export_call_reports(client, map(Number, NUMBERS), path, **arguments)


def stop_after(count):
    places = iter(range(count))
    return lambda: next(places, None) is None


def reported(place):
    filesystem, path = place
    return pyarrow.dataset.dataset(f"{path}/reports", filesystem=filesystem).to_table()["endpoint"].to_pylist()


def test_any_file_system_will_do(place, tmp_path):
    first, second = StaticTransport(), StaticTransport()
    journal = tmp_path / "journal"
    assert run(place, first, should_stop=stop_after(17), journal=journal).asked == 17
    assert reported(place) == NUMBERS[:10]
    assert run(place, second, journal=journal).finished
    assert reported(place) == NUMBERS
    assert first.asked + second.asked == dict.fromkeys(NUMBERS, 1)
    assert not journal.exists()


def test_without_a_journal_unfinished_files_are_asked_again_and_nothing_is_there_twice(s3, tmp_path):
    s3.create_dir("reports")
    place = s3, "reports/out"
    transport = StaticTransport()
    assert run(place, transport, should_stop=stop_after(17)).asked == 17
    assert run(place, transport).asked == 20
    assert reported(place) == NUMBERS
    assert sorted(transport.asked.values()) == [1] * 23 + [2] * 7


@pytest.mark.parametrize("interrupts", [KeyboardInterrupt, OSError("no space left")])
def test_a_file_whose_writing_fails_is_never_seen(place, interrupts):
    store = Store(place[1], place[0])
    store.write("reports/a", lambda file: file.write(b"whole"))

    def half(file):
        file.write(b"half")
        raise interrupts

    for name in ("reports/a", "reports/b"):
        with pytest.raises((KeyboardInterrupt, OSError)):
            store.write(name, half)
    assert store.names("reports") == ["a"]
    assert store.read("reports/a") == b"whole"


def test_what_a_killed_writer_left_is_removed(place):
    store = Store(place[1], place[0])
    store.write("reports/.part-00000.parquet.0123abcd.tmp", lambda file: file.write(b"half"))
    store.write("reports/part-00001.parquet", lambda file: file.write(b"whole"))
    store.clean("reports")
    assert store.names("reports") == ["part-00001.parquet"]


PROGRAM = """
import resource, sys
from tests.export.test_stores import exported
exported(int(sys.argv[1]), sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def exported(count, folder):
    with ReportingClient(KEY, SECRET, base_url="https://reporting.example", transport=Forgetful()) as client:
        numbers = (Number(f"+4673{place:07d}") for place in range(count))
        export_call_reports(client, numbers, folder, partition_size=1000, concurrency=4, **DAYS)


class Forgetful(StaticTransport):
    """Keeps nothing of who was asked about."""

    def handle_request(self, request):
        self.asked.clear()
        return super().handle_request(request)


def test_memory_does_not_depend_on_the_number_of_endpoints(tmp_path):
    def peak(count):
        command = [sys.executable, "-c", PROGRAM, str(count), str(tmp_path / str(count))]
        ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
        return int(ran.stdout)

    assert peak(20_000) <= 1.1 * peak(1000)
