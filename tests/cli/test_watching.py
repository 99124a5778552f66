import csv
import json
import os
import signal
import subprocess

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.support.terminal import COMMAND, Terminal

INTERVAL = ("--interval", "0.05s")


@pytest.mark.parametrize("output", ["json", "csv", "table"])
def test_each_change_is_a_row_immediately(sandbox_env, output):
    command = [COMMAND, "service", "rtpproxy", "--watch", "--output", output, *INTERVAL]
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


def test_until_ends_when_it_is_met_and_shows_the_value(run, sandbox_env):
    sandbox_env.set_service("rtpproxy", "down")
    ran = run("service", "rtpproxy", "--until", "down", "--output", "json")
    assert ran.code == exit_codes.OK
    assert json.loads(ran.out)["status"] == "down"


def test_until_has_its_own_exit_code_when_the_time_is_up(run, sandbox_env):
    ran = run("service", "rtpproxy", "--until", "down", "--stop-after", "0.3s", *INTERVAL, "--output", "json")
    assert ran.code == exit_codes.TIMED_OUT
    assert json.loads(ran.out)["status"] == "up"
    assert len(sandbox_env.requests) > 1


def test_a_watch_may_end_after_some_time(run, sandbox_env):
    ran = run("service", "rtpproxy", "--watch", "--stop-after", "0.3", *INTERVAL, "--output", "json")
    assert (ran.code, len(ran.out.splitlines())) == (exit_codes.OK, 1)


@pytest.mark.parametrize(
    ("condition", "code"),
    [("842", 0), ("=842", 0), ("841", 3), ("<842", 3), ("<=842", 0), (">841", 0), (">= 842", 0), (">842", 3)],
)
def test_a_counter_is_compared_with_a_number(run, sandbox_env, condition, code):
    sandbox_env.set_counter("currentCalls", 842)
    assert run("counter", "currentCalls", "--until", condition, "--stop-after", "0.5s").code == code


def test_another_status_than_up_or_down_must_be_forced(run, sandbox_env):
    sandbox_env.set_service("rtpproxy", "degraded")
    assert run("service", "rtpproxy", "--until", "degraded", "--force").code == exit_codes.OK
    ran = run("service", "rtpproxy", "--until", "Up")
    assert ran.code == exit_codes.USAGE_ERROR
    assert "--force" in ran.err


def test_failures_are_printed_and_watching_continues(run, sandbox_env):
    sandbox_env.fail_next(faults.Status(403))
    ran = run("service", "rtpproxy", "--watch", "--stop-after", "0.5s", *INTERVAL)
    assert ran.code == exit_codes.OK
    assert ran.err.startswith("sinch-reporting: 403 Forbidden")
    assert ran.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["counter", "currentCalls", "--until", "up"], "not a number to wait for"),
        (["counter", "currentCalls", "--stop-after", "10m"], "--stop-after needs --watch or --until"),
        (["counter", "currentCalls", "--watch", "--stop-after", "soon"], "--stop-after"),
        (["service", "rtpproxy", "--watch", "--interval", "0s"], "not a duration above 0"),
        (["service", "..", "--watch"], "'..'"),
    ],
)
def test_invalid_watch_options_are_usage_errors(run, sandbox_env, arguments, message):
    ran = run(*arguments)
    assert ran.code == exit_codes.USAGE_ERROR
    assert message in ran.err
    assert sandbox_env.requests == []


@pytest.fixture
def terminal():
    """Return a function that starts the command on a terminal, which ends with the test."""
    started = []

    def start(*arguments, **options):
        started.append(Terminal(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_a_terminal_shows_a_service_and_its_graph(sandbox_env, terminal):
    view = terminal("service", "rtpproxy", "--watch", *INTERVAL, columns=60)
    view.wait_for("(UTC)")
    assert "rtpproxy  up      yes" in view.rows
    sandbox_env.set_service("rtpproxy", "down")
    view.wait_for("rtpproxy  down    no")
    labels = [row.partition(" |")[0].strip() for row in view.rows if " |" in row]
    assert labels[:3] == ["", "up", "not up"]
    view.interrupt()
    assert "rtpproxy  down    no" in view.finish(exit_codes.INTERRUPTED)
    assert not view.screen.cursor.hidden


def test_the_graph_of_a_counter_is_in_the_terminals_own_color(sandbox_env, terminal):
    sandbox_env.set_counter("currentCalls", 842)
    view = terminal("counter", "currentCalls", "--watch")
    view.wait_until(lambda view: any("842 |" in row and row.partition("|")[2].strip() for row in view.rows))
    [axis] = [row for row in view.rows if "(UTC)" in row]
    canvas = [index for index, row in enumerate(view.rows[: view.rows.index(axis)]) if " |" in row]
    cells = [view.screen.buffer[row][column] for row in canvas for column in range(view.screen.columns)]
    assert {(cell.fg, cell.bg, cell.reverse) for cell in cells} == {("default", "default", False)}
    labels = [int(view.rows[row].partition(" |")[0]) for row in canvas]
    assert 841 <= labels[-1] <= 842 <= labels[0] <= 860
    view.interrupt()
    view.finish(exit_codes.INTERRUPTED)


def test_after_a_failure_the_age_of_the_value_and_the_next_attempt_are_shown(sandbox_env, terminal):
    view = terminal("service", "rtpproxy", "--watch", *INTERVAL, columns=100)
    view.wait_for("rtpproxy  up")
    sandbox_env.fail_always(faults.Status(403))
    view.wait_for("403 Forbidden")
    view.wait_for("0:00:02 ago. Next attempt: ")
    assert "rtpproxy  up" in view.text
    sandbox_env.clear_faults()
    view.wait_until(lambda view: "403" not in view.text)
    assert "ago" not in view.text


def test_a_first_failure_has_no_value_to_show(sandbox_env, terminal):
    sandbox_env.fail_always(faults.Status(403))
    view = terminal("service", "rtpproxy", "--watch")
    view.wait_for("No response yet. Next attempt: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_the_cursor_is_visible_whatever_ends_the_view(sandbox_env, terminal, number):
    view = terminal("service", "rtpproxy", "--watch", *INTERVAL)
    view.wait_for("(UTC)")
    os.kill(view.process.pid, number)
    while view.read(10):
        pass
    assert not view.screen.cursor.hidden
    assert view.written.rindex("\x1b[?25h") > view.written.rindex("\x1b[?25l")


def test_errors_go_where_standard_error_leads(sandbox_env, terminal, tmp_path, monkeypatch):
    sandbox_env.fail_always(faults.Status(503, retry_after=0))
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    arguments = ("service", "rtpproxy", "--watch", "-v", *INTERVAL)
    shared = terminal(*arguments)
    shared.wait_for("attempt 1: 503")
    shared.wait_for("No response yet")
    redirected = terminal("-c", 'exec "$0" "$@" 2>"$LOG"', COMMAND, *arguments, program="bash")
    redirected.wait_for("No response yet")
    assert "attempt 1: 503" in (tmp_path / "log").read_text("utf-8")
    assert "attempt 1" not in redirected.text


def test_the_view_ends_with_its_terminal_even_without_a_signal(sandbox_env):
    controller, terminal = os.openpty()
    command = [COMMAND, "service", "rtpproxy", "--watch", *INTERVAL]
    streams = {"stdin": terminal, "stdout": terminal, "stderr": subprocess.PIPE}
    env = {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8"}
    with subprocess.Popen(command, **streams, text=True, env=env) as process:
        os.close(terminal)
        os.read(controller, 1)  # it has begun
        os.close(controller)
        assert process.wait(30) == exit_codes.FAILED
        assert process.stderr.read() == "sinch-reporting: cannot write to standard output: Input/output error\n"


def test_a_long_id_leaves_room_for_the_whole_graph(sandbox_env, terminal):
    name = "x" * 100
    sandbox_env.set_counter(name, 842)
    view = terminal("counter", name, "--watch", columns=40, lines=16)
    view.wait_for("(UTC)")
    view.wait_until(lambda view: "".join(view.rows).count("x") == 100)
    assert "..." not in view.text
    assert any("842 |" in row for row in view.rows)


def test_a_small_terminal_shows_the_value_without_the_graph(sandbox_env, terminal):
    view = terminal("service", "rtpproxy", "--watch", *INTERVAL, columns=30, lines=5)
    view.wait_for("rtpproxy  up")
    assert "(UTC)" not in view.text


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"TERM": "dumb"}])
def test_a_terminal_that_cannot_show_the_graph_gets_rows(sandbox_env, terminal, env):
    view = terminal("service", "rtpproxy", "--watch", *INTERVAL, env=env)
    view.wait_for("rtpproxy  up")
    sandbox_env.set_service("rtpproxy", "down")
    view.wait_for("rtpproxy  down")
    assert "rtpproxy  up" in view.text


def test_a_terminal_gets_colors_unless_no_color_is_set(sandbox_env, terminal):
    colored = terminal("service", "rtpproxy")
    colored.finish()
    assert "\x1b[32mup" in colored.written
    plain = terminal("service", "rtpproxy", env={"NO_COLOR": "1"})
    plain.finish()
    assert "\x1b[3" not in plain.written
