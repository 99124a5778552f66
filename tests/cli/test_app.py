import itertools
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.app import COMMANDS
from sinch_reporting.testing import faults
from tests.support.raw_server import response
from tests.support.terminal import COMMAND, run_on_terminal

BLOCKED = """
import sys
sys.modules["cyclopts"] = None
from sinch_reporting.cli import main
sys.exit(main())
"""
# Python arguments and types, which no option of the command is called.
PYTHON = re.compile(
    r"`|_retry|_url\b|_http\b|_prefix\b|=True|\bNone\b|timedelta|\bSTR\b|\bINT\b|TIMEDELTA|FLOAT|\bRetryPolicy\b"
)


def test_without_the_extra_the_message_says_how_to_install_it():
    ran = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False)
    assert ran.returncode == exit_codes.USAGE_ERROR
    assert ran.stderr == "sinch-reporting: the command needs the extra `cli`: pip install 'sinch-reporting[cli]'\n"


def test_the_entry_point_and_the_module_are_the_command(sandbox_env):
    sandbox_env.set_counter("currentCalls", 842)
    for command in ([COMMAND], [sys.executable, "-m", "sinch_reporting.cli"]):
        ran = subprocess.run([*command, "counter", "currentCalls"], capture_output=True, text=True, check=True)
        assert "842" in ran.stdout
        assert ran.stderr == ""


def test_help_lists_every_command(run):
    listed = run("--help")
    assert listed.code == exit_codes.OK
    for name in COMMANDS:
        assert f"│ {name} " in listed.out, name
    assert run().out == run("-h").out == listed.out
    assert run("-V").out == run("--version").out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_examples(run, name):
    shown = run(name, "-h")
    assert shown.code == exit_codes.OK
    assert f"$ sinch-reporting {name}" in shown.out


@pytest.mark.parametrize(
    ("name", "columns"),
    [("report", 60), ("report", 100), *((name, 80) for name in ("report", "counter", "service", "doctor", "metrics"))],
)
def test_help_is_wrapped_once(name, columns):
    rows = run_on_terminal(name, "--help", columns=columns, env={"NO_COLOR": "1"}, lines=120).splitlines()
    description = rows[2 : next(index for index, row in enumerate(rows) if row.startswith("╭"))]
    for row, following in itertools.pairwise(description):
        continues = row and following and not row.endswith((".", ":")) and not following.startswith("    $")
        if continues:  # the next word did not fit
            assert len(row) + 1 + len(following.split()[0]) > columns, row
    assert not PYTHON.search("\n".join(rows).replace("`modified`", "").replace("`metrics`", ""))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown command 'nope'; the commands are report, counter"),
        (["countr", "x"], "unknown command 'countr'; did you mean counter?"),
        (["report", "x", "--colums", "y"], "Did you mean --columns?"),
        (["counter"], "ID is missing; see sinch-reporting counter -h"),
        (["counter", "x", "y\n"], r"too many arguments: y\n; see sinch-reporting counter -h"),
        (["counter", "x", "--until"], "--until needs a value; see sinch-reporting counter -h"),
        (["counter", "x", "--zzz"], "Unknown option: --zzz; see sinch-reporting counter -h"),
        (["counter", "x", "-o", "csv", "-o", "csv"], "-o specified multiple times; give it once"),
        (["counter", "x", "--sandbox=maybe"], "--sandbox: it takes no value"),
        (["counter", "x", "--retries", "2.5"], "--retries: not a whole number"),
        (["counter", "x", "--retries", "-1"], "Must be >= 0"),
        (["report", "anna", "--days", "1_0"], "--days: not a whole number"),
        (["report", "anna", "--start", "2026-02-30"], "--start: not a day of the calendar"),
        (["metrics", "--port", "65536"], "Must be <= 65535"),
        (["counter", "x", "--output", "xml"], '"table", "json", "csv"'),
        (["counter", "x", "--timeout", "soon"], "90s, 10m or 1h30m"),
        (["counter", "x\x1b[2J", "--bogus\x1b[2J"], r"--bogus\x1b[2J"),
    ],
)
def test_invalid_usage_is_one_line(run, arguments, message):
    ran = run(*arguments)
    assert (ran.code, ran.out) == (exit_codes.USAGE_ERROR, "")
    assert ran.err.startswith("sinch-reporting: ")
    assert ran.err.count("\n") == 1
    assert message in ran.err


def test_an_error_is_one_line_with_a_remedy(run, sandbox_env):
    sandbox_env.fail_always(faults.Status(403))
    ran = run("counter", "currentCalls")
    assert (ran.code, ran.out) == (exit_codes.FAILED, "")
    assert ran.err.startswith("sinch-reporting: 403 Forbidden")
    assert ran.err.count("\n") == 1
    assert "ask Sinch support whether the application may use the Reporting API" in ran.err


@pytest.mark.parametrize("fault", [faults.Status(401), faults.ConnectionReset(), faults.NotHttp()])
def test_errors_that_doctor_can_explain_say_so(run, sandbox_env, fault):
    sandbox_env.fail_always(fault)
    ran = run("counter", "currentCalls", "--retries", "0")
    assert ran.err.endswith("To find the cause: sinch-reporting doctor, with the same options\n")


def test_a_403_of_a_proxy_is_not_reported_as_one_of_the_api(run, raw_server, sandbox_env):
    raw_server.script = [response("<html><h1>Forbidden</h1>", "403 Forbidden", Content_Type="text/html")]
    ran = run("counter", "currentCalls", "--base-url", raw_server.url)
    assert ran.code == exit_codes.FAILED
    assert "something in front of the API" in ran.err
    assert "sinch-reporting doctor" in ran.err
    assert "Sinch support" not in ran.err


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (faults.NoResponse(), ["--timeout", "0.1s", "--retries", "0"]),
        (faults.NoResponse(), ["--timeout", "0.1s", "--deadline", "0.3"]),
        (faults.Status(503, retry_after=60), []),
        (faults.Status(429, retry_after=1), ["--max-retry-after", "0.5s"]),
        (faults.Status(429, retry_after=1), ["--deadline", "0.5s"]),
        (faults.HtmlPage(), []),
        (faults.Status(401), []),
    ],
)
def test_messages_never_name_python_arguments(run, sandbox_env, fault, options):
    sandbox_env.fail_always(fault)
    ran = run("counter", "currentCalls", *options)
    assert ran.code == exit_codes.FAILED
    assert not PYTHON.search(ran.err), ran.err


@pytest.mark.parametrize(
    "options", [["--base-url", "http://mock.example/v1"], ["--base-url", "nonsense"], ["--signing-path-prefix", "x"]]
)
def test_messages_about_options_never_name_python_arguments(run, sandbox_env, options):
    ran = run("counter", "currentCalls", *options)
    assert ran.code == exit_codes.USAGE_ERROR
    assert not PYTHON.search(ran.err), ran.err


def test_nothing_is_sent_on_a_usage_error(run, sandbox_env):
    assert run("counter", "..").code == exit_codes.USAGE_ERROR
    assert sandbox_env.requests == []


@pytest.mark.parametrize("command", ["service rtpproxy", "report +46730170101", "report +46730170101 --daily"])
def test_one_ctrl_c_ends_a_call_immediately(sandbox_env, command):
    sandbox_env.fail_always(faults.NoResponse())
    with subprocess.Popen(
        [COMMAND, *command.split(), "--timeout", "60s"], stderr=subprocess.PIPE, text=True
    ) as process:
        while not sandbox_env.requests:
            assert process.poll() is None
            time.sleep(0.01)
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == exit_codes.INTERRUPTED
        assert time.monotonic() - interrupted < 5  # it takes 0.2 s on an idle machine
        assert process.stderr.read() == ""


def test_completion_without_a_home_folder_is_one_line(run, monkeypatch):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    ran = run("--install-completion", "--shell", "bash")
    assert (ran.code, ran.err) == (exit_codes.USAGE_ERROR, "sinch-reporting: this user has no home folder; set HOME\n")


def test_each_format_has_the_fields_of_the_library(run, client, sandbox_env):
    sandbox_env.set_counter("currentCalls", 842)
    found = client.get_counter("currentCalls").to_dict()
    table = run("counter", "currentCalls").out.splitlines()
    assert [line.split()[:2] for line in table] == [["id", "value"], ["currentCalls", "842"]]
    assert json.loads(run("counter", "currentCalls", "-o", "json").out) == found
    header, row = run("counter", "currentCalls", "--output", "csv").out.splitlines()
    assert header.split(",") == list(found)
    assert row.split(",") == [str(value) for value in found.values()]


@pytest.mark.parametrize(("status", "is_up"), [("up", True), ("down", False), ("degraded", False)])
def test_a_service_is_shown_whatever_its_status(run, sandbox_env, status, is_up):
    sandbox_env.set_service("rtpproxy", status)
    ran = run("service", "rtpproxy", "--output", "json")
    assert ran.code == exit_codes.OK
    assert json.loads(ran.out) == {"id": "rtpproxy", "status": status, "is_up": is_up}


@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_a_status_is_never_terminal_control(run, raw_server, sandbox_env, output):
    raw_server.script = [response(json.dumps({"status": "\x1b]52;c;cm0=\x07\u202eup\x9b2J\u200b\n\ud800"}))]
    ran = run("service", "rtpproxy", "--output", output, "--base-url", raw_server.url)
    assert ran.code == exit_codes.OK
    assert all(line.isprintable() for line in ran.out.splitlines())
    assert r"\ud800" in ran.out
    assert r"\u202e" in ran.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["x\x1b[2J\nforged"],
        ["report", "+4673\x1b[2J\nforged"],
        ["report", "x\u202e\u200b", "--username"],
        ["report", "+46730170101", "--columns", "x\x1b[2J\nforged"],
        ["report", "+46730170101", "--start", "x\x1b[2J\nforged"],
        ["service", "rtpproxy", "--until", "x\x1b[2J\nforged"],
        ["counter", "currentCalls", "--until", "x\x1b[2J\nforged"],
        ["counter", "x\x1b[2J\nforged"],
        ["counter", "currentCalls", "--credentials", "/none\x1b[2J\nforged"],
    ],
)
def test_arguments_are_never_terminal_control(run, sandbox_env, arguments):
    sandbox_env.fail_always(faults.Status(403))
    ran = run(*arguments)
    assert ran.code != exit_codes.OK
    assert all(line.isprintable() for line in ran.err.splitlines()), ran.err
    assert not any(line.startswith("forged") for line in ran.err.splitlines()), ran.err


def test_a_reason_and_a_message_are_never_terminal_control(run, sandbox_env, raw_server):
    body = '{"errorCode": 40300, "message": "no\\u001b[2J\\u202e\\nforged: line\\ud800"}'
    for status in ("403 Forbidden\x1b[2J\u202e", "418 I'm\x1b[2Ja\x9b2J"):
        raw_server.script = [response(body, status)]
        ran = run("counter", "currentCalls", "--base-url", raw_server.url, "--retries", "0")
        assert ran.code == exit_codes.FAILED
        assert all(line.isprintable() for line in ran.err.splitlines()), ran.err
        assert "\nforged" not in ran.err


def test_the_sandbox_prints_a_credentials_file_for_itself(run, tmp_path):
    file = tmp_path / "credentials"
    command = [COMMAND, "sandbox", "--counter", "currentCalls=7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        file.write_text("".join(lines), "utf-8")
        ran = run("counter", "currentCalls", "--credentials", str(file))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert ran.code == exit_codes.OK
    assert re.search(r"^currentCalls +7 ", ran.out, re.MULTILINE)
