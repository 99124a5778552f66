"""The two halves of the workflow spec-update, in a copy of the project with a remote and a stand-in for gh."""

import json
import os
import re
import subprocess

import pytest

from tests.openapi.conftest import DOCUMENTS
from tests.support.project import copy_of_the_project, git

# Writes down how it is called, and knows of one pull request at most.
GH = """\
#!/usr/bin/env python3
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1:3] == ["pr", "list"] and (folder / "open").exists():
    print(7)
if sys.argv[1:3] == ["pr", "create"]:
    (folder / "open").touch()
"""


class Project:
    def __init__(self, folder):
        self.root = folder / "project"
        self.root.mkdir()
        copy_of_the_project(self.root)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
        git(self.root, "remote", "add", "origin", str(folder / "origin.git"))
        git(self.root, "push", "--quiet", "origin", "main")
        self._bin = folder / "bin"
        self._bin.mkdir()
        (self._bin / "gh").write_text(GH, "utf-8")
        (self._bin / "gh").chmod(0o755)

    def run(self, script, *arguments):
        environment = {**os.environ, "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}"}
        environment.pop("GITHUB_OUTPUT", None)
        command = [self.root / "scripts" / script, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def update(self, document):
        """Run both halves, as on two machines: each starts at main, and the second has what the first has kept."""
        git(self.root, "switch", "--quiet", "main")
        prepared = self.run("prepare-spec-update", str(document))
        assert prepared.returncode == 0, prepared.stderr
        git(self.root, "reset", "--hard", "--quiet")
        if prepared.stdout.endswith("changed=true\n"):
            proposed = self.run("propose-spec-update")
            assert proposed.returncode == 0, proposed.stderr
        return prepared.stdout

    def calls(self):
        path = self._bin / "calls"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def proposed(self):
        return git(self.root, "ls-remote", "origin", "spec-update").split("\t")[0]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("spec-update"))


def test_one_pull_request_is_opened_and_then_kept_up_to_date(project, tmp_path):
    assert project.update(DOCUMENTS / "anchors.yaml").endswith("changed=true\n")
    calls = project.calls()
    (created,) = [call for call in calls if call[:2] == ["pr", "create"]]
    assert created[2:6] == ["--base", "main", "--head", "spec-update"]
    assert created[-2:] == ["--label", "spec-additive"]
    assert created[created.index("--title") + 1] == "The publisher's document has changed: additive"
    assert ["workflow", "run", "ci.yml", "--ref", "spec-update"] in calls
    changed = git(project.root, "diff", "--name-only", "main", "spec-update").split()
    assert {name.split("/")[0] for name in changed} == {"openapi", "generated_client"}
    report = (project.root / "dist/spec-update/report.md").read_text("utf-8")
    assert "`getCounter`: the parameter `fresh` (query) is new" in report

    # The same document, on another day.
    upstream = project.root / "openapi/upstream.yaml"
    upstream.write_text(re.sub("(?m)^# date: .*", "# date:    2014-04-28", upstream.read_text("utf-8")), "utf-8")
    git(project.root, "commit", "--quiet", "--all", "--amend", "--no-edit")
    git(project.root, "push", "--quiet", "--force", "origin", "spec-update")
    first = project.proposed()
    assert project.update(DOCUMENTS / "anchors.yaml").endswith("changed=true\n")
    assert project.proposed() == first
    calls = project.calls()
    assert not [call for call in calls if call[:2] in (["pr", "create"], ["workflow", "run"])]

    # Another document, of another severity.
    assert project.update(DOCUMENTS / "broken.yaml").endswith("changed=true\n")
    calls = project.calls()
    (edited,) = [call for call in calls if call[:2] == ["pr", "edit"]]
    assert edited[2] == "7"
    assert edited[-4:] == ["--add-label", "spec-breaking", "--remove-label", "spec-cosmetic,spec-additive"]
    assert ["workflow", "run", "ci.yml", "--ref", "spec-update"] in calls
    assert project.proposed() != first
    assert "reporting.api.sinch.com" in git(project.root, "show", "spec-update:openapi/upstream.yaml")
    assert git(project.root, "rev-list", "--count", "main..spec-update") == "1\n"

    # What main has already.
    git(project.root, "switch", "--quiet", "main")
    git(project.root, "merge", "--quiet", "spec-update")
    assert project.update(DOCUMENTS / "broken.yaml") == "nothing changed\nchanged=false\n"
    assert project.calls() == []


def test_what_else_a_patch_holds_stays_out(project):
    git(project.root, "switch", "--quiet", "main")
    project.run("prepare-spec-update", str(DOCUMENTS / "whole-voice.yaml"))
    git(project.root, "reset", "--hard", "--quiet")
    patch = project.root / "dist/spec-update/changes.patch"
    patch.write_text(
        patch.read_text("utf-8")
        + "diff --git a/.github/workflows/evil.yml b/.github/workflows/evil.yml\nnew file mode 100644\n"
        "--- /dev/null\n+++ b/.github/workflows/evil.yml\n@@ -0,0 +1 @@\n+on: push\n",
        "utf-8",
    )
    proposed = project.run("propose-spec-update")
    assert proposed.returncode == 0, proposed.stderr
    changed = git(project.root, "diff", "--name-only", "main", "spec-update").split()
    assert {name.split("/")[0] for name in changed} == {"openapi", "generated_client"}


def test_a_failure_opens_nothing(project, tmp_path):
    git(project.root, "switch", "--quiet", "main")
    project.calls()
    (tmp_path / "voice.yaml").write_text("openapi: 3.0.0\npaths: {}\n", "utf-8")
    failed = project.run("prepare-spec-update", str(tmp_path / "voice.yaml"))
    assert failed.returncode == 1
    assert "no operation has the tag" in failed.stderr
    assert git(project.root, "status", "--porcelain") == ""
    assert project.calls() == []
