"""The streams of a real process: full, closed, broken, and with other encodings."""

import json
import os
import subprocess

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.support.terminal import COMMAND, run_on_terminal

SIZES = ["0", "-1", "abc", "", "²", "9" * 9]
COMMANDS = [
    "report +46730170101",
    "report +46730170101 -o json",
    "counter currentCalls -o csv",
    "service rtpproxy --watch -o csv",
    "doctor",
    "doctor -o json",
    "sandbox",
    "sandbox --help",
    "--help",
    "--version",
]


def run_in_shell(redirected, **env):
    """Run a command line of a shell in which `$C` is the command."""
    environment = {**os.environ, "C": COMMAND, **env}
    return subprocess.run(["bash", "-c", redirected], capture_output=True, check=False, env=environment, timeout=60)


@pytest.mark.parametrize("command", COMMANDS)
def test_full_closed_and_broken_output_are_one_sentence_and_a_code(sandbox_env, command):
    full = run_in_shell(f"$C {command} >/dev/full", PYTHONUNBUFFERED="1")  # the write fails, else the last flush
    assert full.returncode == exit_codes.FAILED
    assert full.stderr == b"sinch-reporting: cannot write to standard output: No space left on device\n"
    closed = run_in_shell(f"$C {command} >&-")
    assert closed.returncode == exit_codes.FAILED
    assert closed.stderr == b"sinch-reporting: standard output is closed\n"
    broken = run_in_shell(f"{{ sleep 0.5; $C {command}; echo $? >&2; }} | true")
    assert broken.stderr == b"141\n"


def test_a_lost_standard_error_does_not_change_the_result(sandbox_env):
    sandbox_env.fail_always(faults.Status(403))
    for redirected in ("2>&-", "2>/dev/full", "2>&- <&-"):
        ran = run_in_shell(f"$C counter currentCalls {redirected}")
        assert (ran.returncode, ran.stdout) == (exit_codes.FAILED, b"")
    sandbox_env.clear_faults()
    for redirected in ("2>&-", "2>/dev/full", "2>&- <&-"):
        ran = run_in_shell(f"$C counter currentCalls -o json {redirected}")
        assert ran.returncode == exit_codes.OK
        assert json.loads(ran.stdout)["id"] == "currentCalls"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_no_encoding_of_the_output_is_an_error(sandbox_env, encoding):
    name = "añ…→漢"
    for output in ("table", "csv", "json"):
        command = f"$C report '{name}' --username -o {output} --columns endpoint"
        ran = run_in_shell(command, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        assert (ran.returncode, ran.stderr) == (exit_codes.OK, b"")
        shown = ran.stdout.decode(encoding)
        assert shown
        if output == "json":
            assert json.loads(shown) == {"endpoint": name}
        elif encoding != "utf-8":
            assert r"\u6f22" in shown
    for command in ("doctor", "--help", "report --help", "counter no-such-counter", "report é"):
        ran = run_in_shell(f"$C {command}", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        assert b"Traceback" not in ran.stderr
        assert b"Error" not in ran.stderr


@pytest.mark.parametrize("command", ["report +46730170101", "doctor", "--help"])
def test_a_meaningless_size_in_the_environment_hides_nothing(sandbox_env, command):
    shown = run_in_shell(f"$C {command}").stdout
    assert [size for size in SIZES if run_in_shell(f"$C {command}", COLUMNS=size, LINES=size).stdout != shown] == []


@pytest.mark.parametrize("size", SIZES)
def test_a_meaningless_size_in_the_environment_hides_nothing_of_a_live_view(sandbox_env, size):
    env = {"COLUMNS": size, "LINES": size}
    assert "rtpproxy  up" in run_on_terminal("service", "rtpproxy", "--watch", "--stop-after", "1s", env=env)


def test_no_environment_is_needed():
    ran = run_in_shell("env -i $C report +46730170101 --sandbox")
    assert (ran.returncode, ran.stderr) == (exit_codes.OK, b"")
    assert ran.stdout


def test_forced_colors_do_not_cut_what_is_piped(sandbox_env):
    name = "x" * 150
    ran = run_in_shell(f"$C report {name} --username", FORCE_COLOR="1", COLUMNS="60")
    header, *_ = ran.stdout.decode().splitlines()[1:]
    assert header.startswith("\x1b[1m")
    assert name in ran.stdout.decode()
    assert len(ran.stdout.splitlines()) == 3
