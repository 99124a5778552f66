import csv
import json
import signal
import subprocess

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.support.terminal import COMMAND, on_a_terminal

SOON = ("--interval", "0.05s")


@pytest.mark.parametrize("output", ["json", "csv", "table"])
def test_each_change_is_a_row_as_soon_as_it_comes(sandbox_env, output):
    command = [COMMAND, "service", "rtpproxy", "--watch", "--output", output, *SOON]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        header = [] if output == "json" else [process.stdout.readline()]
        rows = []
        for status in ("down", "degraded", "up"):
            rows.append(process.stdout.readline())
            sandbox_env.set_service("rtpproxy", status)
        rows.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == exit_codes.INTERRUPTED
        assert process.stderr.read() == ""
    if output == "json":
        statuses = [json.loads(row)["status"] for row in rows]
    elif output == "csv":
        statuses = [row["status"] for row in csv.DictReader(header + rows)]
    else:
        statuses = [row.split()[1] for row in rows]
    assert statuses == ["up", "down", "degraded", "up"]


def test_waiting_ends_when_it_is_so_and_shows_that(run, sandbox_env):
    sandbox_env.set_service("rtpproxy", "down")
    ran = run("service", "rtpproxy", "--until", "down", "--output", "json")
    assert ran.code == exit_codes.OK
    assert json.loads(ran.out)["status"] == "down"


def test_waiting_in_vain_ends_with_a_code_of_its_own(run, sandbox_env):
    ran = run("service", "rtpproxy", "--until", "down", "--timeout", "0.3s", *SOON, "--output", "json")
    assert ran.code == exit_codes.NOT_REACHED
    assert json.loads(ran.out)["status"] == "up"
    assert len(sandbox_env.requests) > 1


def test_a_watch_that_is_timed_ends_well(run, sandbox_env):
    ran = run("service", "rtpproxy", "--watch", "--timeout", "0.3s", *SOON, "--output", "json")
    assert (ran.code, len(ran.out.splitlines())) == (exit_codes.OK, 1)


@pytest.mark.parametrize(
    ("condition", "code"),
    [("842", 0), ("=842", 0), ("841", 3), ("<842", 3), ("<=842", 0), (">841", 0), (">= 842", 0), (">842", 3)],
)
def test_a_counter_is_waited_for_by_a_number(run, sandbox_env, condition, code):
    sandbox_env.set_counter("currentCalls", 842)
    assert run("counter", "currentCalls", "--until", condition, "--timeout", "0.5s").code == code


def test_failures_are_said_and_are_not_the_end(run, sandbox_env):
    sandbox_env.fail_next(faults.Status(403))
    ran = run("service", "rtpproxy", "--watch", "--timeout", "0.5s", *SOON)
    assert ran.code == exit_codes.OK
    assert ran.err.startswith("sinch-reporting: 403 Forbidden")
    assert ran.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["counter", "currentCalls", "--until", "up"], "a counter is waited for by a number"),
        (["counter", "currentCalls", "--timeout", "10m"], "--timeout goes with --watch or --until"),
        (["counter", "currentCalls", "--watch", "--timeout", "soon"], "--timeout"),
        (["service", "rtpproxy", "--watch", "--interval", "0s"], "interval must be a number of seconds above 0"),
    ],
)
def test_what_cannot_be_followed_is_misuse(run, sandbox_env, arguments, said):
    ran = run(*arguments)
    assert ran.code == exit_codes.MISUSE
    assert said in ran.err
    assert sandbox_env.requests == []


def test_a_terminal_shows_a_service_with_its_graph_as_it_changes(sandbox_env):
    written = on_a_terminal(
        "service", "rtpproxy", "--watch", *SOON,
        when={
            "up": lambda _: sandbox_env.set_service("rtpproxy", "down"),
            "\x1b[31mdown": lambda process: process.send_signal(signal.SIGINT),
        },
        code=exit_codes.INTERRUPTED,
    )  # fmt: skip
    assert "not up |" in written
    assert "(UTC)" in written


def test_a_terminal_shows_a_counter_with_its_graph_until_ctrl_c(sandbox_env):
    sandbox_env.set_counter("currentCalls", 842)
    interrupt = {"(UTC)": lambda process: process.send_signal(signal.SIGINT)}
    written = on_a_terminal("counter", "currentCalls", "--watch", when=interrupt, code=exit_codes.INTERRUPTED)
    assert "842" in written
    assert "       891 |" in written  # the graph's top
    assert "\x1b[?25h" in written  # the cursor is shown again


def test_a_terminal_shows_what_failed_until_it_is_mended(sandbox_env):
    sandbox_env.fail_next(faults.Status(403))
    interrupt = {"403 Forbidden": lambda process: process.send_signal(signal.SIGINT)}
    on_a_terminal("service", "rtpproxy", "--watch", when=interrupt, code=exit_codes.INTERRUPTED)
