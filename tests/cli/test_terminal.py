"""The command on a real terminal, and where there is none."""

import os
import subprocess

from tests.support.terminal import COMMAND, on_a_terminal


def test_a_terminal_gets_colours_unless_no_color_is_set(account):
    assert "\x1b[32mup" in on_a_terminal("service", "rtpproxy")
    assert "\x1b[3" not in on_a_terminal("service", "rtpproxy", env={"NO_COLOR": "1"})


def test_what_is_no_terminal_gets_plain_text_of_any_width(account):
    name = "x" * 150
    env = {**os.environ, "COLUMNS": "40"}
    command = [COMMAND, "report", name, "--username"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert name in ran.stdout
    assert "\x1b" not in ran.stdout
    assert len(ran.stdout.splitlines()) == 2
