import json
import os
import subprocess
import sys

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.app import COMMANDS
from sinch_reporting.testing import faults

BLOCKED = """
import sys
sys.modules["cyclopts"] = None
from sinch_reporting.cli import main
sys.exit(main())
"""


def test_without_the_extra_it_says_how_to_install_it():
    ran = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False)
    assert ran.returncode == exit_codes.MISUSE
    assert ran.stderr == "sinch-reporting: the command needs the extra `cli`: pip install 'sinch-reporting[cli]'\n"


def test_the_entry_point_and_the_module_are_the_command(sandbox_env):
    sandbox_env.set_counter("currentCalls", 842)
    for command in (["sinch-reporting"], ["python", "-m", "sinch_reporting.cli"]):
        program = [f"{sys.exec_prefix}/bin/{command[0]}", *command[1:]]
        ran = subprocess.run([*program, "counter", "currentCalls"], capture_output=True, text=True, check=True)
        assert "842" in ran.stdout
        assert ran.stderr == ""


def test_the_list_of_commands_says_what_each_is_for(run):
    listed = run("--help")
    assert listed.code == 0
    for name in COMMANDS:
        assert f"│ {name} " in listed.out, name
    assert run().out == listed.out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_examples(run, name):
    shown = run(name, "--help")
    assert shown.code == exit_codes.OK
    assert f"$ sinch-reporting {name}" in shown.out


def test_a_command_or_an_option_that_is_none_is_misuse_in_one_line(run):
    for arguments in (["nope"], ["counter"], ["counter", "x", "--output", "xml"], ["counter", "x", "--colour"]):
        ran = run(*arguments)
        assert (ran.code, ran.out) == (exit_codes.MISUSE, "")
        assert ran.err.startswith("sinch-reporting: ")
        assert ran.err.count("\n") == 1


def test_an_error_is_a_sentence_with_a_remedy_and_no_traceback(run, sandbox_env):
    sandbox_env.fail_always(faults.Status(403))
    ran = run("counter", "currentCalls")
    assert (ran.code, ran.out) == (exit_codes.FAILED, "")
    assert ran.err.startswith("sinch-reporting: 403 Forbidden")
    assert "Ask Sinch support whether the application may use the Reporting API" in ran.err
    assert "Traceback" not in ran.err


def test_where_doctor_can_tell_more_the_error_says_so(run, sandbox_env):
    sandbox_env.fail_always(faults.Status(401))
    assert run("counter", "currentCalls").err.endswith("To find out what is wrong: sinch-reporting doctor\n")


def test_what_was_refused_before_anything_was_sent_is_misuse(run, sandbox_env):
    ran = run("counter", "..")
    assert ran.code == exit_codes.MISUSE
    assert sandbox_env.requests == []


def test_ctrl_c_ends_it_with_130(run, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sinch_reporting.client.ReportingClient.get_counter", interrupted)
    ran = run("counter", "currentCalls", "--sandbox")
    assert (ran.code, ran.err) == (exit_codes.INTERRUPTED, "")


def test_a_reader_that_has_gone_is_no_error_to_speak_of(sandbox_env):
    reading, writing = os.pipe()
    os.close(reading)
    for output in ("table", "json", "csv"):
        command = [f"{sys.exec_prefix}/bin/sinch-reporting", "counter", "currentCalls", "--output", output]
        ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
        assert (ran.returncode, ran.stderr) == (exit_codes.BROKEN_PIPE, b"")
    os.close(writing)


def test_each_form_of_output_has_the_fields_of_the_library(run, sandbox_env):
    sandbox_env.set_counter("currentCalls", 842)
    table = run("counter", "currentCalls").out.splitlines()
    assert [line.split()[:2] for line in table] == [["id", "value"], ["currentCalls", "842"]]
    (line,) = run("counter", "currentCalls", "--output", "json").out.splitlines()
    assert json.loads(line)["value"] == 842
    assert json.loads(line)["modified"].endswith("Z")
    header, row = run("counter", "currentCalls", "--output", "csv").out.splitlines()
    assert header == "id,value,modified"
    assert row.startswith("currentCalls,842,2")
