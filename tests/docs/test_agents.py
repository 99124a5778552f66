"""Every name, file, option and command in AGENTS.md and llms.txt exists."""

import datetime as dt
import re
import subprocess
import sys
from importlib.metadata import metadata
from inspect import signature

import pytest

import sinch_reporting
from sinch_reporting import CallReport, Domain, Number, ReportingClient, Username, testing
from sinch_reporting.bulk import CallReportSuccess
from sinch_reporting.testing import pytest_plugin
from tests import conftest
from tests.support.pages import ROOT

FILES = ["AGENTS.md", "llms.txt"]
NAMES = {
    *metadata("sinch-reporting").get_all("Provides-Extra"),
    *re.findall(r"SINCH_[A-Z_]+", ReportingClient.__doc__),
    *sinch_reporting.__all__,
    *vars(sinch_reporting),
    *sinch_reporting.__all__,
    *(f"sinch_reporting.testing.{name}" for name in testing.__all__),
    *vars(conftest),
    *vars(pytest_plugin),
    *dir(ReportingClient),
    *dir(CallReport),
    *(name for call in (ReportingClient, ReportingClient.get_call_report) for name in signature(call).parameters),
    *(f"outcome.{name}" for name in CallReportSuccess.__slots__),
    *Domain,
    "None",
    "repr",
    "sinch-reporting",
}
EXPRESSIONS = {"Number": Number, "Username": Username, "datetime": dt}


def snippets(name):
    return re.findall(r"`([^`]+)`", (ROOT / name).read_text("utf-8"))


def exists(text):
    program, *arguments = text.removeprefix("if ").split()
    if program == "sinch-reporting" and arguments:
        command = [sys.executable, "-m", "sinch_reporting.cli", *arguments, "--help"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        return ran.returncode == 0 and "--sandbox" in ran.stdout
    if program.startswith((".venv/bin/python", "scripts/")):
        script = ROOT / program
        options = [argument for argument in arguments if argument.startswith("--")]
        return script.exists() and all(option in script.read_text("utf-8") for option in options if script.suffix == "")
    if program == "--sandbox":
        return True  # of the commands above
    return program in NAMES or program.removesuffix("()") in NAMES or (ROOT / program).exists() or evaluates(program)


def evaluates(text):
    try:
        return eval(text, dict(EXPRESSIONS)) is not None
    except NameError:
        return False


@pytest.mark.parametrize("name", FILES)
def test_every_name_and_command_for_agents_exists(name):
    found = snippets(name)
    assert len(found) > 10
    assert [text for text in found if not exists(text)] == []


@pytest.mark.parametrize("name", FILES)
def test_every_link_for_agents_leads_to_a_file(name):
    text = (ROOT / name).read_text("utf-8")
    assert [link for link in re.findall(r"\]\(([^)]+)\)", text) if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize("name", FILES)
def test_the_files_for_agents_are_short(name):
    assert len((ROOT / name).read_text("utf-8").split()) <= 250


@pytest.mark.parametrize("text", ["get_calls", "scripts/nothing", "scripts/lint --nothing", "sinch-reporting nothing"])
def test_a_name_that_does_not_exist_is_found(text):
    assert not exists(text)
