import json
import os
import pty
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.export.conftest import Recorded
from tests.support.exports import requested, rows, state, units

ROOT = Path(__file__).resolve().parents[2]
ONE_DAY = ("--start", "2026-11-01", "--stop", "2026-11-01")
FIRST, SECOND = "+46730170101", "+46730170102"
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture
def source(tmp_path):
    """Return a CSV file with two numbers."""
    path = tmp_path / "numbers.csv"
    path.write_text(f"id;Telefon\n7;{FIRST}\n8;{SECOND}\n")
    return str(path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_reports_of_a_file_are_exported(run, sandbox_env, source, out):
    ran = run("export", source, str(out), *ONE_DAY)
    assert ran.code == exit_codes.OK
    header, values = ran.out.splitlines()
    assert header.split() == [
        "reports",
        "permanent_failures",
        "transient_failures",
        "missing",
        "rejected",
        "requested",
        "seconds",
        "complete",
    ]
    assert values.split()[:6] == ["2", "0", "0", "0", "0", "2"]
    assert ran.err.splitlines() == [
        "numbers.csv: column 'Telefon' as numbers, delimiter ';', utf-8",
        "0 of 2 done, 0 failed",
        "2 of 2 done, 0 failed",
    ]
    assert units(out) == [(FIRST, "2026-11-01", "pstn"), (SECOND, "2026-11-01", "pstn")]
    assert {request.query for request in sandbox_env.requests} == {"_start=2026-11-01&_stop=2026-11-01"}


def test_days_domains_and_inputs(run, sandbox_env, source, out, tmp_path):
    (tmp_path / "more.txt").write_text("+46730170103\n")
    options = ("--daily", "--days", "3", "--domain", "data", "--domain", "pstn", "--format", "csv", "-o", "json")
    ran = run("export", source, str(tmp_path / "*.txt"), str(out), *options)
    assert ran.code == exit_codes.OK
    summary = json.loads(ran.out)
    assert (summary["reports"], summary["complete"], summary["destination"]) == (18, True, str(out))
    days = sorted(str(YESTERDAY - timedelta(days=n)) for n in range(3))
    assert sorted({day for _, day, _ in units(out)}) == days
    again = json.loads(run("export", source, str(tmp_path / "*.txt"), str(out), *options).out)
    assert (again["requested"], again["reports"]) == (0, 18)
    assert run("export", source, str(out), "--yesterday", "--domain", "data", "--format", "csv").code == exit_codes.OK
    assert len(sandbox_env.requests) == 18


def test_today_is_refused_unless_it_is_allowed(run, sandbox_env, source, out):
    today = str(datetime.now(UTC).date())
    ran = run("export", source, str(out), "--start", today, "--stop", today)
    assert (ran.code, len(sandbox_env.requests)) == (exit_codes.USAGE_ERROR, 0)
    assert "not over yet in UTC" in ran.err
    ran = run("export", source, str(out), "--start", today, "--stop", today, "--allow-partial-day")
    assert ran.code == exit_codes.OK
    assert {row["partial"] for row in rows(out)} == {True}


def test_permanent_failures_and_rejected_lines_have_an_exit_code(run, sandbox_env, source, out):
    sandbox_env.fail_next(faults.Status(404))
    assert run("export", source, str(out), *ONE_DAY).code == exit_codes.FAILED
    assert run("export", source, str(out), *ONE_DAY).code == exit_codes.FAILED
    assert len(sandbox_env.requests) == 2
    assert run("export", source, str(out), *ONE_DAY, "--retry-failed").code == exit_codes.OK
    Path(source).write_text(f"number\n{FIRST}\n0730170104\n0730170105\n")
    ran = run("export", source, str(out), *ONE_DAY)
    assert ran.code == exit_codes.FAILED
    reason = "no plus sign: a national number, without its country code (2)"
    assert f"2 lines were rejected: {reason}; see the dataset `rejected`" in ran.err
    assert "0730170104" not in ran.err
    ran = run("export", source, str(out), *ONE_DAY, "--normalize=SE")
    assert (ran.code, len(rows(out))) == (exit_codes.OK, 4)
    assert "2 numbers were normalized" in ran.err
    assert [row["original"] for row in rows(out)].count("0730170104") == 1


def test_an_incomplete_export_has_an_exit_code_and_says_what_to_do(run, sandbox_env, source, out):
    sandbox_env.fail_always(faults.Status(503, retry_after=30))
    ran = run("export", source, str(out), *ONE_DAY, "--give-up-after", "1s")
    assert ran.code == exit_codes.INCOMPLETE
    assert "paused: 503 Service Unavailable" in ran.err
    assert "next attempt at " in ran.err
    assert "gave up: 503" in ran.err
    assert "Run the same command again" in ran.err
    ran = run("export", source, str(out), *ONE_DAY, "--max-retry-after", "10s")
    assert ran.code == exit_codes.INCOMPLETE
    sandbox_env.clear_faults()
    assert run("export", source, str(out), *ONE_DAY).code == exit_codes.OK


def test_refused_credentials_leave_it_incomplete(run, sandbox_env, source, out):
    sandbox_env.fail_always(faults.Status(401))
    ran = run("export", source, str(out), *ONE_DAY)
    assert ran.code == exit_codes.INCOMPLETE
    assert "401" in ran.err
    assert state(out)["state"] == "incomplete"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv", "out", *ONE_DAY], "the input missing.csv does not exist"),
        (["numbers.csv", *ONE_DAY], "give at least one input and the destination"),
        (["numbers.csv", "out"], "the days are missing"),
        (["numbers.csv", "out", *ONE_DAY, "--yesterday"], "the days exclude each other"),
        (["numbers.csv", "out", "--start", "2026-11-01"], "add --stop"),
        (["numbers.csv", "out", "--start", "2026-09-01", "--stop", "2026-10-31"], "at most 30 days"),
        (["numbers.csv", "out", *ONE_DAY, "--column", "phone"], "its columns: 'id', 'Telefon'"),
        (["numbers.csv", "out", *ONE_DAY, "--format", "xml"], "xml"),
        (["numbers.csv", "out", *ONE_DAY, "--concurrency", "0"], "concurrency must be a whole number from 1"),
        (["numbers.csv", "out", *ONE_DAY, "--rate", "0"], "rate_limit"),
        (["numbers.csv", "out", *ONE_DAY, "--normalize=XX"], "XX"),
        (["numbers.csv", "out", *ONE_DAY, "--refresh", "2026-11-02"], "2026-11-02 is to be refreshed"),
        (["numbers.csv", ".", *ONE_DAY], "contains other files"),
        (["empty.csv", "out", *ONE_DAY], "contains no valid endpoint"),
        (["page.html", "out", *ONE_DAY], "is HTML"),
    ],
)
def test_a_usage_error_is_one_sentence_and_creates_nothing(run, sandbox_env, source, monkeypatch, arguments, message):
    folder = Path(source).parent
    monkeypatch.chdir(folder)
    (folder / "empty.csv").write_text("number\n")
    (folder / "page.html").write_text("<html>")
    ran = run("export", *arguments)
    assert (ran.code, ran.out) == (exit_codes.USAGE_ERROR, "")
    assert message in ran.err
    assert not sandbox_env.requests
    assert not (folder / "out").exists()


def test_a_destination_that_cannot_be_written_is_one_sentence(run, sandbox_env, source, tmp_path):
    (tmp_path / "file").write_text("")
    ran = run("export", source, str(tmp_path / "file/below"), *ONE_DAY)
    assert ran.code == exit_codes.INCOMPLETE
    assert "Not a directory" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("limit", "problem"), [(60_000, "rejected/part-0.jsonl in"), (200_000, "the journal")])
def test_files_that_cannot_grow_are_one_sentence_and_cost_no_report(sandbox_env, tmp_path, out, limit, problem):
    numbers = [f"+4673017{i:04d}" for i in range(100)]
    (tmp_path / "numbers.txt").write_text("\n".join([*numbers, *["0730170102"] * 1000]))
    # One at a time, so that each report is a transaction.
    arguments = (str(tmp_path / "numbers.txt"), str(out), "--format", "jsonl", "--concurrency", "1")
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))}
    process = start(*arguments, stderr=subprocess.PIPE, **limited)
    _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.INCOMPLETE
    sentence, remedy = err.splitlines()[-2:]
    assert sentence.startswith(f"sinch-reporting: {problem}")
    assert sentence.endswith("; check the disk and its permissions, and run the export again")
    assert remedy.startswith("Run the same command again")
    assert "Traceback" not in err
    again = start(*arguments, stderr=subprocess.DEVNULL)
    again.communicate(timeout=60)
    assert again.returncode == exit_codes.FAILED
    assert sorted(row["endpoint"] for row in rows(out)) == numbers


def start(*arguments, **options):
    command = [sys.executable, "-m", "sinch_reporting.cli", "export", *arguments, *ONE_DAY]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)


BLOCKED = """
import sys
sys.modules[sys.argv.pop(1)] = None
from sinch_reporting.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("module", "extra", "options"),
    [
        ("pyarrow", "export", []),
        ("distributed", "cluster", ["--cluster", "tcp://127.0.0.1:1"]),
        ("phonenumbers", "normalize", ["--normalize"]),
    ],
)
def test_without_an_extra_it_says_how_to_install_it(sandbox_env, source, out, module, extra, options):
    arguments = ["export", source, str(out), *ONE_DAY, *options]
    command = [sys.executable, "-c", BLOCKED, module, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == exit_codes.USAGE_ERROR
    assert f"pip install 'sinch-reporting[{extra}]'" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not out.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_how_to_resume_and_resumes(sandbox_env, tmp_path, out, number):
    sandbox_env.requests = Recorded()
    numbers = [f"+4673017{i:05d}" for i in range(1000)]
    (tmp_path / "numbers.txt").write_text("\n".join(numbers))
    arguments = (str(tmp_path / "numbers.txt"), str(out))
    process = start(*arguments, stderr=subprocess.PIPE)
    sandbox_env.requests.wait_for(100)
    process.send_signal(number)
    table, errors = process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert table.splitlines()[1].endswith(" no")
    assert "stopping: requests in flight get 5 s" in errors
    assert "Run the same command again" in errors
    assert 100 <= len(sandbox_env.requests) < 1000

    process = start(*arguments, stderr=subprocess.PIPE)
    process.communicate(timeout=120)
    assert process.returncode == exit_codes.OK
    assert set(requested(sandbox_env.requests).values()) == {1}
    assert [endpoint for endpoint, _, _ in units(out)] == numbers


@pytest.mark.parametrize("signals", [1, 2])
def test_a_server_that_hangs_does_not_keep_it_from_ending(sandbox_env, tmp_path, out, signals):
    sandbox_env.requests = Recorded()
    sandbox_env.fail_always(faults.NoResponse())
    (tmp_path / "numbers.txt").write_text(FIRST)
    process = start(str(tmp_path / "numbers.txt"), str(out), stderr=subprocess.PIPE)
    sandbox_env.requests.wait_for(1)
    before = datetime.now(UTC)
    process.send_signal(signal.SIGTERM)
    for line in process.stderr:
        if line.startswith("stopping"):
            break
    if signals > 1:
        process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert "Traceback" not in errors
    assert (datetime.now(UTC) - before).total_seconds() < 10


def test_an_interrupt_ends_the_wait_for_standard_input(sandbox_env, out):
    process = start("-", str(out), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(f"{FIRST}\n" * 100_000)  # far more than a pipe holds: it is being read by now
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert not sandbox_env.requests
    assert not out.exists()


def test_standard_input_is_read_and_a_terminal_has_a_bar(sandbox_env, out):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    process = start("-", str(out), stdin=subprocess.PIPE, stderr=theirs, env=environment)
    process.stdin.write(f"{FIRST}\n{SECOND}\n")
    process.stdin.close()
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # on Linux, the other end is closed
        pass
    os.close(ours)
    process.stdout.close()
    assert process.wait(60) == exit_codes.OK
    assert "━" in shown.decode()
    assert "2 of 2 done, 0 failed" in shown.decode()
