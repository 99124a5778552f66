"""Completion, installed as the documentation says, in real shells with the keys that a person presses."""

import os
import shutil
import subprocess
import sys

import pexpect
import pytest

from tests.support.pages import ROOT, blocks_of


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request, tmp_path_factory):
    """Return a shell at its prompt, in a new home folder in which the page's lines were followed."""
    program = shutil.which(request.param)
    assert program, f"{request.param} is missing: run scripts/test-system"
    home = tmp_path_factory.mktemp(request.param)
    (home / "numbers.csv").touch()
    (home / "reports").mkdir()
    path = f"{sys.exec_prefix}/bin:{os.environ['PATH']}"
    environment = {"HOME": str(home), "PATH": path, "TERM": "xterm", "LANG": "C.UTF-8"}
    [block] = [block for block in blocks_of(ROOT / "docs/command.md") if f"--shell {request.param}" in block.text]
    subprocess.run([program, "-c", "\n".join(block.commands)], env=environment, check=True, stdout=subprocess.DEVNULL)
    begun = pexpect.spawn(program, ["-i"], env=environment, cwd=home, encoding="utf-8", dimensions=(40, 200))
    yield begun
    begun.close(force=True)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("cou", "counter"),
        ("--inst", "--install-completion"),
        ("report --dom", "report --domain"),
        ("report --domain p", "report --domain pstn"),
        ("report --domain=p", "report --domain=pstn"),
        ("report +46730170101 --da", "report +46730170101 --da"),  # --days or --daily
        ("report +46730170101 --dai", "report +46730170101 --daily"),
        ("counter --san", "counter --sandbox"),
        ("counter currentCalls --output j", "counter currentCalls --output json"),
        ("service rtpproxy --cred", "service rtpproxy --credentials"),
        ("service rtpproxy --credentials num", "service rtpproxy --credentials numbers.csv"),
        ("export num", "export numbers.csv"),
        ("export numbers.csv rep", "export numbers.csv reports"),
    ],
)
def test_a_shell_completes_commands_options_choices_and_files(shell, typed, completed):
    # Tab completes; then Ctrl-A goes to the beginning of the line, so that it is shown and not run.
    shell.send(f"sinch-reporting {typed}\t\x01echo shown'' \x05:''end\r")
    shell.expect(r"shown (sinch-reporting .*?) ?:end")
    assert shell.match[1].removeprefix("sinch-reporting ").rstrip(" /") == completed
