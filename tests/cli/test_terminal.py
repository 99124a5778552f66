"""The command on a real terminal, and where there is none."""

import os
import subprocess

from tests.support.terminal import COMMAND, on_a_terminal


def test_a_terminal_gets_colours_unless_no_color_is_set(sandbox_env):
    assert "\x1b[32mup" in on_a_terminal("service", "rtpproxy")
    assert "\x1b[3" not in on_a_terminal("service", "rtpproxy", env={"NO_COLOR": "1"})


def test_what_is_no_terminal_gets_plain_text_of_any_width(sandbox_env):
    name = "x" * 150
    env = {**os.environ, "COLUMNS": "40"}
    command = [COMMAND, "report", name, "--username"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert name in ran.stdout
    assert "\x1b" not in ran.stdout
    assert len(ran.stdout.splitlines()) == 2


def test_eighty_columns_are_enough_for_a_report(sandbox_env):
    days = ("--start", "2026-11-01", "--stop", "2026-11-20")
    shown = on_a_terminal("report", "+46730170101", "--domain", "pstn", *days, env={"NO_COLOR": "1", "TERM": "dumb"})
    assert "…" not in shown
    [header, row, rest] = shown.splitlines()
    assert header.split() == ["endpoint", "success", "failed", "total", "duration", "start", "asr", "acd"]
    assert row.split() == ["+46730170101", "39", "15", "54", "2:08:47", "2026-11-01", "0.722", "0:03:18"]
    assert rest.strip() == "10:17:07 UTC"
