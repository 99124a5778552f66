"""The two halves of the workflow spec-update, in a copy of the project with a remote and a stand-in for gh."""

import json
import os
import re
import subprocess

import pytest

from scripts.openapi.regenerate import load
from tests.openapi.conftest import DOCUMENTS
from tests.support.project import copy_of_the_project, git

# Records its calls, and has at most one pull request and the issues that it has opened.
GH = """\
#!/usr/bin/env python3
import json, pathlib, sys
folder, arguments = pathlib.Path(__file__).parent, sys.argv[1:]
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
issues = json.loads((folder / "issues").read_text()) if (folder / "issues").exists() else []
labelled = [issue for issue in issues if issue["labelled"]]
option = lambda name: arguments[arguments.index(name) + 1]
match arguments[:2]:
    case ["pr", "list"] if (folder / "open").exists():
        print(7)
    case ["pr", "create"]:
        (folder / "open").touch()
    case ["issue", "list"]:
        print(*(issue[option("--jq").removeprefix(".[].")] for issue in labelled[-1:]))
    case ["issue", "create"]:
        body = pathlib.Path(option("--body-file")).read_text()
        issues.append({"number": len(issues) + 1, "state": "OPEN", "body": body, "labelled": True})
    case ["issue", action]:
        issue = issues[int(arguments[2]) - 1]
        if action == "edit" and "--body-file" in arguments:
            issue["body"] = pathlib.Path(option("--body-file")).read_text()
        if action == "edit" and "--remove-label" in arguments:
            issue["labelled"] = False
        if action in {"close", "reopen"}:
            issue["state"] = {"close": "CLOSED", "reopen": "OPEN"}[action]
(folder / "issues").write_text(json.dumps(issues))
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
        self.gh = self._bin / "gh"
        self.gh.write_text(GH, "utf-8")
        self.gh.chmod(0o755)

    def run(self, script, *arguments):
        environment = {**os.environ, "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}"}
        command = [self.root / "scripts" / script, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def update(self, document):
        """Run both halves, as on two machines: each starts at main, and the second gets what the first has kept.

        Return the status of the second.
        """
        git(self.root, "switch", "--quiet", "main")
        prepared = self.run("prepare-spec-update", str(document))
        assert prepared.returncode == 0, prepared.stderr
        git(self.root, "reset", "--hard", "--quiet")
        return self.run("propose-spec-update").returncode

    def calls(self):
        path = self._bin / "calls"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def issue_calls(self):
        return [call[1] for call in self.calls() if call[0] == "issue" and call[1] != "list"]

    def issues(self):
        return json.loads((self._bin / "issues").read_text("utf-8"))

    def proposed(self):
        return git(self.root, "ls-remote", "origin", "spec-update").split("\t")[0]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("spec-update"))


def test_one_pull_request_is_opened_and_then_updated(project):
    assert project.update(DOCUMENTS / "anchors.yaml") == 0
    calls = project.calls()
    (created,) = [call for call in calls if call[:2] == ["pr", "create"]]
    assert created[2:6] == ["--base", "main", "--head", "spec-update"]
    assert created[-2:] == ["--label", "spec-breaking"]
    assert created[created.index("--title") + 1] == "Update the OpenAPI document (breaking changes)"
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
    assert project.update(DOCUMENTS / "anchors.yaml") == 0
    assert project.proposed() == first
    calls = project.calls()
    assert not [call for call in calls if call[:2] in (["pr", "create"], ["workflow", "run"])]

    # Another document, of another severity.
    assert project.update(DOCUMENTS / "whole-voice.yaml") == 0
    calls = project.calls()
    (edited,) = [call for call in calls if call[:2] == ["pr", "edit"]]
    assert edited[2] == "7"
    assert edited[-4:] == ["--add-label", "spec-additive", "--remove-label", "spec-cosmetic,spec-breaking"]
    assert ["workflow", "run", "ci.yml", "--ref", "spec-update"] in calls
    assert project.proposed() != first
    assert "Get call reports." in git(project.root, "show", "spec-update:openapi/upstream.yaml")
    assert git(project.root, "rev-list", "--count", "main..spec-update") == "1\n"

    # What main has already.
    git(project.root, "switch", "--quiet", "main")
    git(project.root, "merge", "--quiet", "spec-update")
    assert project.update(DOCUMENTS / "whole-voice.yaml") == 0
    assert [call[:2] for call in project.calls()] == [["issue", "list"]]


def test_withdrawal_opens_one_issue_and_stays_green_until_something_changes(project, tmp_path):
    project.calls()
    document = load(DOCUMENTS / "whole-voice.yaml")
    withdrawn, all_withdrawn = tmp_path / "withdrawn.json", tmp_path / "all.json"
    services = document["paths"].pop("/services/{id}")
    withdrawn.write_text(json.dumps(document), "utf-8")
    assert project.update(withdrawn) == 0
    assert project.issue_calls() == ["create"]
    assert "- `GET /services/{id}`" in project.issues()[-1]["body"]
    assert project.update(withdrawn) == 0
    assert project.issue_calls() == []

    # A maintainer has closed it.
    subprocess.run([project.gh, "issue", "close", str(len(project.issues()))], check=True)
    project.calls()
    assert project.update(withdrawn) == 0
    assert project.issue_calls() == []

    # More operations are gone.
    for path in list(document["paths"]):
        if "callouts" not in path:
            del document["paths"][path]
    all_withdrawn.write_text(json.dumps(document), "utf-8")
    assert project.update(all_withdrawn) == 0
    assert project.issue_calls() == ["reopen", "edit"]
    assert "- `GET /counters/{id}`" in project.issues()[-1]["body"]

    # They return.
    assert project.update(DOCUMENTS / "whole-voice.yaml") == 0
    assert project.issue_calls() == ["close", "edit"]
    assert project.issues()[-1]["state"] == "CLOSED"

    # They are withdrawn again.
    assert services
    assert project.update(withdrawn) == 0
    assert project.issue_calls() == ["create"]
    assert project.update(DOCUMENTS / "whole-voice.yaml") == 0


def test_failure_reports_what_to_do_in_the_issue_and_fails(project, tmp_path):
    project.calls()
    document = load(DOCUMENTS / "whole-voice.yaml")
    counter = document["components"]["schemas"]["CallCounts"]["properties"]
    counter["count"] = counter.pop("value")
    (tmp_path / "failing.json").write_text(json.dumps(document), "utf-8")
    assert project.update(tmp_path / "failing.json") == 1
    assert project.issue_calls() == ["create"]
    body = project.issues()[-1]["body"]
    assert "overlay action 12" in body
    assert "Proposed action: change the target to" in body
    assert "the field `value` of the response 200 is gone" in body
    assert git(project.root, "status", "--porcelain") == ""
    assert project.update(tmp_path / "missing.yaml") == 1
    assert project.issue_calls() == ["edit"]
    assert project.update(DOCUMENTS / "whole-voice.yaml") == 0


def patch(name, mode="100644"):
    return (
        f"diff --git a/{name} b/{name}\nnew file mode {mode}\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+on: push\n"
    )


def test_other_files_of_a_patch_are_not_applied(project):
    git(project.root, "switch", "--quiet", "main")
    project.run("prepare-spec-update", str(DOCUMENTS / "anchors.yaml"))
    git(project.root, "reset", "--hard", "--quiet")
    kept = project.root / "dist/spec-update/changes.patch"
    others = [".github/workflows/evil.yml", "openapi/overlay.yaml.orig", "openapi/generator.yaml.d/x", "scripts/evil"]
    kept.write_text(kept.read_text("utf-8") + "".join(map(patch, others)), "utf-8")
    proposed = project.run("propose-spec-update")
    assert proposed.returncode == 0, proposed.stderr
    changed = git(project.root, "diff", "--name-only", "main", "spec-update").split()
    assert {name for name in changed if not name.startswith("generated_client/")} == {
        "openapi/upstream.yaml",
        "openapi/reporting.yaml",
    }


MOVE = """\
diff --git a/scripts/lint b/generated_client/lint.py
similarity index 100%
rename from scripts/lint
rename to generated_client/lint.py
"""


@pytest.mark.parametrize(
    "addition",
    [patch("generated_client/new.py", "120000"), patch("generated_client/new.py", "100755"), MOVE],
    ids=["link", "program", "move"],
)
def test_patch_with_links_programs_or_moves_is_refused(project, addition):
    git(project.root, "switch", "--quiet", "main")
    project.run("prepare-spec-update", str(DOCUMENTS / "anchors.yaml"))
    git(project.root, "reset", "--hard", "--quiet")
    kept = project.root / "dist/spec-update/changes.patch"
    kept.write_text(kept.read_text("utf-8") + addition, "utf-8")
    before = project.proposed()
    proposed = project.run("propose-spec-update")
    assert proposed.returncode == 1
    assert "the patch changes other files, or adds links or programs" in proposed.stderr
    assert project.proposed() == before
    git(project.root, "reset", "--hard", "--quiet")
