import shutil
import subprocess

import pytest

from scripts.openapi.regenerate import ROOT
from scripts.release import api_changes


@pytest.fixture
def project(tmp_path):
    """Return a repository with a copy of the packages, whose first release is 1.4.2."""
    root = tmp_path / "project"
    for folder in ("sinch_reporting", "generated_client"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    git(root, "init", "--quiet", "--initial-branch=main")
    release(root, "1.4.2")
    return root


def git(root, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def release(root, version):
    (root / "sinch_reporting/version.py").write_text(f'__version__ = "{version}"\n', "utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=release")
    git(root, "tag", f"v{version}")


def version_is(root, version):
    (root / "sinch_reporting/version.py").write_text(f'__version__ = "{version}"\n', "utf-8")


def edit(root, name, before, after):
    path = root / name
    text = path.read_text("utf-8")
    assert before in text, name
    path.write_text(text.replace(before, after), "utf-8")


def compared(root, capsys):
    status = api_changes.main(["--root", str(root)])
    return status, capsys.readouterr().out.splitlines()


USERNAME = "from sinch_reporting.parameters import Username as Username\n"
COUNTER = "from sinch_reporting.models import Counter as Counter\n"
BREAKING = {
    "a parameter is renamed": (
        ("sinch_reporting/client.py", "counter_id: str", "counter: str"),
        "sinch_reporting.client.ReportingClient.get_counter: Parameter was removed (counter_id)",
    ),
    "a default changes": (
        ("sinch_reporting/retry.py", "attempts: int = 4", "attempts: int = 5"),
        "sinch_reporting.RetryPolicy.attempts: has the value 5 instead of 4",
    ),
    "a field goes": (
        ("sinch_reporting/models.py", "    failed: int\n", ""),
        "sinch_reporting.CallReport.failed: is gone",
    ),
    "a field has another type": (
        ("sinch_reporting/models.py", "    failed: int\n", "    failed: float\n"),
        "sinch_reporting.CallReport.failed: has the type float instead of int",
    ),
    "a name goes": (
        ("sinch_reporting/__init__.py", "from sinch_reporting.parameters import Username as Username\n", ""),
        "sinch_reporting.Username: is gone",
    ),
    "a method of the base goes": (
        ("sinch_reporting/_base_client.py", "def with_options(", "def _with_options("),
        "with_options",
    ),
    "a parameter of the Sandbox goes": (
        ("sinch_reporting/testing/_sandbox.py", "def set_counter(", "def put_counter("),
        "set_counter",
    ),
    "the generated client changes": (
        (
            "generated_client/sinch_reporting_client/api/call_report/get_counter.py",
            "    id: str,\n    *,\n    client",
            "    counter: str,\n    *,\n    client",
        ),
        "get_counter.sync",
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_change_needs_the_next_major_version(name, project, capsys):
    change, line = BREAKING[name]
    edit(project, *change)
    status, lines = compared(project, capsys)
    assert status == 1
    assert [found for found in lines if found.startswith("breaking: ") and line in found], lines
    assert lines[-1] == "these changes need at least version 2.0.0; sinch_reporting/version.py has 1.4.2"
    version_is(project, "2.0.0")
    assert compared(project, capsys)[0] == 0


def test_addition_needs_the_next_minor_version(project, capsys):
    edit(
        project,
        "sinch_reporting/models.py",
        "    @property\n    def is_up(",
        "    @property\n    def is_down(self) -> bool:\n        return False\n\n    @property\n    def is_up(",
    )
    version_is(project, "1.4.3")
    status, lines = compared(project, capsys)
    assert (status, lines[1]) == (1, "new: sinch_reporting.ServiceStatus.is_down")
    assert lines[-1] == "these changes need at least version 1.5.0; sinch_reporting/version.py has 1.4.3"
    version_is(project, "1.5.0")
    assert compared(project, capsys)[0] == 0


def test_before_1_0_a_breaking_change_needs_the_next_minor_version_and_an_addition_a_patch(project, capsys):
    git(project, "tag", "--delete", "v1.4.2")
    release(project, "0.3.1")
    edit(project, "sinch_reporting/__init__.py", "from sinch_reporting.parameters import Username as Username\n", "")
    assert compared(project, capsys)[1][-1].startswith("these changes need at least version 0.4.0")
    edit(project, "sinch_reporting/__init__.py", COUNTER, COUNTER + USERNAME)
    edit(project, "sinch_reporting/models.py", "class ServiceStatus:", "class ServiceStatus:\n    new: int = 3")
    assert compared(project, capsys)[1][-1].startswith("these changes need at least version 0.3.2")


def test_names_that_only_the_package_uses_may_change(project, capsys):
    edit(project, "sinch_reporting/parameters.py", "def path_segment(", "def segment_of_path(")
    (project / "sinch_reporting/new.py").write_text("def new(): ...\n", "utf-8")
    assert compared(project, capsys) == (0, ["since 1.4.2:", "the public API is the same"])


def test_highest_release_counts_without_candidates(project, capsys):
    release(project, "1.10.0")
    git(project, "tag", "v1.9.0")
    git(project, "tag", "v2.0.0rc1")
    git(project, "tag", "vague")
    assert compared(project, capsys)[1][0] == "since 1.10.0:"


def test_before_the_first_release_nothing_is_compared(project, capsys):
    git(project, "tag", "--delete", "v1.4.2")
    assert compared(project, capsys) == (0, ["no release yet: nothing to compare with"])


def test_clone_without_history_fails(project, tmp_path, capsys):
    git(project, "commit", "--quiet", "--allow-empty", "--message=more")
    git(tmp_path, "clone", "--quiet", "--depth=1", project.as_uri(), "shallow")
    assert api_changes.main(["--root", str(tmp_path / "shallow")]) == 1
    assert "lacks its history" in capsys.readouterr().err
