import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.export.conftest import Recorded
from tests.support.exports import asked, rows

ROOT = Path(__file__).resolve().parents[2]
DAYS = ("--start", "2026-11-01", "--stop", "2026-11-20")
FIRST, SECOND = "+46730170101", "+46730170102"


@pytest.fixture
def source(tmp_path):
    """Return a CSV file with two numbers."""
    path = tmp_path / "numbers.csv"
    path.write_text(f"id,number\n7,{FIRST}\n8,{SECOND}\n")
    return path


def test_reports_of_a_file_come_to_be_files(run, sandbox_env, source, tmp_path):
    ran = run("export", str(source), str(tmp_path / "out"), "--domain", "pstn", *DAYS)
    assert ran.code == exit_codes.OK
    assert ran.out.startswith("endpoints  reports  failures  duplicates  rejected  asked  seconds  finished\n")
    assert ran.out.splitlines()[1].split()[:3] == ["2", "2", "0"]
    assert ran.err.splitlines()[0] == "0 of 2 done, 0 failed"
    assert [row["endpoint"] for row in rows(tmp_path / "out", "reports")] == [FIRST, SECOND]
    assert {request.query for request in sandbox_env.requests} == {"_start=2026-11-01&_stop=2026-11-20"}


def test_the_summary_as_json_is_all_that_standard_output_holds(run, sandbox_env, source, tmp_path):
    ran = run("export", str(source), str(tmp_path / "out"), *DAYS, "--output", "json", "--format", "csv")
    summary = json.loads(ran.out)
    assert (summary["reports"], summary["finished"], summary["destination"]) == (2, True, str(tmp_path / "out"))
    assert (tmp_path / "out/reports/part-00000.csv").exists()


def test_where_some_fail_the_code_says_so(run, sandbox_env, source, tmp_path):
    sandbox_env.fail_next(faults.Status(404))
    assert run("export", str(source), str(tmp_path / "out"), *DAYS).code == exit_codes.FAILED
    assert len(rows(tmp_path / "out", "failures")) == 1
    # In a later run too, in which nothing is asked.
    assert run("export", str(source), str(tmp_path / "out"), *DAYS).code == exit_codes.FAILED
    assert len(sandbox_env.requests) == 2


def test_malformed_lines_are_named_and_set_aside(run, sandbox_env, source, tmp_path):
    source.write_text("number\n" + "0730170101\n" * 12 + FIRST + "\n")
    ran = run("export", str(source), str(tmp_path / "out"), *DAYS)
    assert ran.code == exit_codes.FAILED
    assert "line 2 is set aside: a Number must be E.164" in ran.err
    assert "2 more lines are set aside" in ran.err
    assert "0730170101" not in ran.err
    assert len(rows(tmp_path / "out", "rejected")) == 12
    assert len(rows(tmp_path / "out", "reports")) == 1


def test_the_input_may_be_described(run, sandbox_env, source, tmp_path):
    source.write_text("anna;x\nbo;y\n")
    options = ("--column", "1", "--type", "username", "--delimiter", ";", "--input-format", "csv")
    assert run("export", str(source), str(tmp_path / "out"), *DAYS, *options).code == exit_codes.OK
    assert set(asked(sandbox_env.requests)) == {"anna", "bo"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.csv", "out", *DAYS],
        ["numbers.csv", "out"],
        ["numbers.csv", "out", "--start", "2026-11-01", "--stop", "2026-12-31"],
        ["numbers.csv", "out", *DAYS, "--column", "phone"],
        ["numbers.csv", "out", *DAYS, "--format", "xml"],
        ["numbers.csv", "out", *DAYS, "--concurrency", "0"],
        ["numbers.csv", "out", *DAYS, "--rate", "0"],
        ["numbers.csv", ".", *DAYS],
    ],
)
def test_misuse_is_a_sentence_and_nothing_is_sent(run, sandbox_env, source, monkeypatch, arguments):
    monkeypatch.chdir(source.parent)
    ran = run("export", *arguments)
    assert (ran.code, ran.out) == (exit_codes.MISUSE, "")
    assert ran.err.startswith("sinch-reporting: ")
    assert not sandbox_env.requests


def test_other_parameters_at_the_same_destination_are_misuse(run, sandbox_env, source, tmp_path):
    run("export", str(source), str(tmp_path / "out"), *DAYS)
    ran = run("export", str(source), str(tmp_path / "out"), *DAYS, "--domain", "pstn")
    assert ran.code == exit_codes.MISUSE
    assert "other parameters (the domain)" in ran.err


def test_a_destination_that_cannot_be_written_is_said(run, sandbox_env, source, tmp_path):
    (tmp_path / "out").write_text("")
    ran = run("export", str(source), str(tmp_path / "out/below"), *DAYS)
    assert ran.code == exit_codes.FAILED
    assert ran.err.startswith("sinch-reporting: ")


def start(*arguments, **options):
    command = [sys.executable, "-m", "sinch_reporting.cli", "export", *arguments, *DAYS]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)


BLOCKED = """
import sys
sys.modules[sys.argv.pop(1)] = None
from sinch_reporting.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(("module", "extra"), [("pyarrow", "export"), ("distributed", "cluster")])
def test_without_the_extra_it_says_how_to_install_it(sandbox_env, source, tmp_path, module, extra):
    arguments = ["export", str(source), str(tmp_path / "out"), *DAYS, "--cluster", "tcp://127.0.0.1:1"]
    ran = subprocess.run(
        [sys.executable, "-c", BLOCKED, module, *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == exit_codes.MISUSE
    assert f"pip install 'sinch-reporting[{extra}]'" in ran.stderr
    assert "Traceback" not in ran.stderr
    helped = subprocess.run(
        [sys.executable, "-c", BLOCKED, module, "--help"], capture_output=True, text=True, check=True
    )
    assert "│ export " in helped.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_finishes_what_is_in_flight_says_how_to_go_on_and_goes_on(sandbox_env, tmp_path, number):
    sandbox_env.requests = Recorded()
    numbers = "".join(f"+4673017{place:05d}\n" for place in range(2000))
    (tmp_path / "numbers.txt").write_text(numbers)
    arguments = (str(tmp_path / "numbers.txt"), str(tmp_path / "out"))
    process = start(*arguments, stderr=subprocess.PIPE)
    sandbox_env.requests.wait_for(100)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert out.splitlines()[1].endswith(" no")
    assert "finishing what is in flight; once more to stop at once" in err
    assert "To go on, give the same command again, with the same input." in err
    assert 100 <= len(sandbox_env.requests) < 2000

    process = start(*arguments, stderr=subprocess.PIPE)
    process.communicate(timeout=120)
    assert process.returncode == exit_codes.OK
    assert asked(sandbox_env.requests) == dict.fromkeys(numbers.split(), 1)
    assert [row["endpoint"] for row in rows(tmp_path / "out", "reports")] == numbers.split()


def test_a_second_interrupt_ends_it_at_once(sandbox_env, tmp_path):
    sandbox_env.requests = Recorded()
    sandbox_env.fail_always(faults.Delay(60))
    (tmp_path / "numbers.txt").write_text(FIRST)
    process = start(str(tmp_path / "numbers.txt"), str(tmp_path / "out"), stderr=subprocess.PIPE)
    sandbox_env.requests.wait_for(1)
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if line.startswith("finishing"):
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert "Traceback" not in err


def test_an_interrupt_ends_the_wait_for_standard_input(sandbox_env, tmp_path):
    process = start("-", str(tmp_path / "out"), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(f"{FIRST}\n" * 100_000)  # far more than a pipe holds: it is being read by now
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert not sandbox_env.requests


def test_standard_input_is_read_and_on_a_terminal_a_bar_is_shown(sandbox_env, tmp_path):
    ours, theirs = pty.openpty()
    process = start(
        "-", str(tmp_path / "out"), stdin=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    process.stdin.write(f"{FIRST}\n{SECOND}\n")
    process.stdin.close()
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how Linux tells that the other end is closed
        pass
    os.close(ours)
    process.stdout.close()
    assert process.wait(60) == exit_codes.OK
    assert "━" in shown.decode()
    assert "2 of 2 done, 0 failed" in shown.decode()
