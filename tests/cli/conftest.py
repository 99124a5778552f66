"""The command, run in this process as the entry point runs it."""

from typing import NamedTuple

import pytest

from sinch_reporting.cli.app import run as run_command


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """Return what runs the command with arguments, and what it wrote."""

    def run(*arguments: str) -> Ran:
        try:
            code = run_command(arguments)
        except SystemExit as ended:  # the Sandbox's options are read by argparse
            code = ended.code
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def sandbox_env(sandbox, monkeypatch):
    """Set the environment to a Sandbox, and return that."""
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    return sandbox


@pytest.fixture
def client(sandbox_env):
    """Return the library's client of the same Sandbox."""
    with sandbox_env.client() as made:
        yield made
