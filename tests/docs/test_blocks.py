import contextlib
import io
import itertools
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def fences_of(page):
    return [token for token in MarkdownIt().parse(page.read_text("utf-8")) if token.type == "fence"]


def blocks():
    """Return each Python block of each page, with the output that the page says it has."""
    for page in PAGES:
        fences = fences_of(page)
        for block, following in itertools.pairwise([*fences, None]):
            if block.info == "python":
                output = following.content if following and following.info == "text" else ""
                yield pytest.param(block.content, output, id=f"{page.name}:{block.map[0] + 1}")


def sessions():
    """Return each block in which the command is called, as a program for a shell and what the terminal shows."""
    for page in PAGES:
        for block in fences_of(page):
            lines = block.content.splitlines()
            if block.info == "console" and any("sinch-reporting " in line for line in lines if "pip " not in line):
                program = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
                shown = [line for line in lines if not line.startswith("$ ")]
                yield pytest.param("\n".join(program), shown, id=f"{page.name}:{block.map[0] + 1}")


def is_shown(text, expected):
    """Return whether the text is what the page says. An ellipsis there stands for what differs each time."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), text) is not None


@pytest.fixture
def account(sandbox, monkeypatch, tmp_path):
    """Set the environment to a Sandbox, in which the pages' programs run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    sandbox.set_counter("currentCalls", 842)
    return sandbox


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(("program", "shown"), list(sessions()))
def test_a_command_shows_what_the_page_says(monkeypatch, tmp_path, program, shown):
    monkeypatch.setenv("PATH", f"{sys.exec_prefix}/bin", prepend=os.pathsep)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    # The exporter's port, which another run of the tests may have.
    program, shown = program.replace("9464", port), [line.replace("9464", port) for line in shown]
    command = ["bash", "-c", f"exec 2>&1\n{program}"]
    ran = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=False)
    for line, expected in itertools.zip_longest(ran.stdout.splitlines(), shown):
        assert is_shown(line or "", expected or ""), ran.stdout


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(("program", "output"), list(blocks()))
def test_a_python_block_prints_what_the_page_says(program, output):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "block", "exec"), {"__name__": "__main__"})
    assert is_shown(printed.getvalue(), output), printed.getvalue()


def test_the_readmes_first_screen_has_a_block_with_its_output():
    first = next(iter(blocks()))
    assert first.id.startswith("README.md")
    assert len(first.values[0].splitlines()) <= 10
    assert first.values[1]
