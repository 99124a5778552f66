"""Documents as ugly as real ones, each brought into a copy of the project."""

import hashlib
import os
import subprocess
import sys

import pytest
import yaml

from scripts.lib import regenerate
from scripts.lib.overlay import superfluous
from scripts.lib.regenerate import OPERATIONS, ROOT, documented, load
from scripts.lib.spec.linter import lint
from tests.spec.conftest import DOCUMENTS

ACTIONS = {number: action["target"] for number, action in enumerate(load(ROOT / "openapi/overlay.yaml")["actions"], 1)}
REPORT = "$.paths['/users/{type}/{endpoint}/calls/{domain}'].get"
REQUIRED_DOMAIN = f"{REPORT}.parameters[?@.name == 'domain' && @.in == 'path']"

# The exit status, and every line of the report that is not cosmetic, without its place.
EXPECTED = {
    "whole-voice.yaml": (
        10,
        [
            "additive: the field `API Error.errorCode` of an error is new",
            "additive: the field `API Error.message` of an error is new",
            "additive: `getCallReport`: the answer `default` is new",
            "additive: `getCounter`: the answer `default` is new",
            "additive: `getServiceStatus`: the answer `default` is new",
        ],
    ),
    "voice-3.1.json": (
        20,
        [
            "breaking: `getCallReport`: the field `start` of the answer 200 may be null now",
            "breaking: `getCounter`: the field `modified` of the answer 200 may be null now",
            f"superfluous: overlay action 4, {REQUIRED_DOMAIN}",
        ],
    ),
    "mended.yaml": (
        0,
        # All but the extensible set of states and the errors, of which the document has but one.
        [f"superfluous: overlay action {number}, {ACTIONS[number]}" for number in (*range(1, 15), 16)],
    ),
    "new-operations.yaml": (
        20,
        [
            "breaking: `getCallReport`: the field `start` of the answer 200 may be null now",
            "additive: the field `Problem.title` of an error is new",
            "additive: `Reporting_SearchReports` is new",
            "additive: `get /tree/{id}` is new",
            "missing from the facade: `Reporting_SearchReports`, reachable through .api",
            "missing from the facade: `get /tree/{id}`, reachable through .api",
            "note: `GET /tree/{id}` has another server than the rest; the client calls only theirs",
        ],
    ),
    "pointers.json": (0, []),
    "anchors.yaml": (
        10,
        [
            "additive: `getCounter`: the parameter `at` (query) is new",
            "additive: `getCounter`: the parameter `day` (query) is new",
            "additive: `getCounter`: the parameter `fresh` (query) is new",
        ],
    ),
    "errors-everywhere.yaml": (
        20,
        [
            "breaking: the field `Error.reference` of an error has the type `string (uuid)`, in place of `string`",
            "additive: the field `Error.details` of an error is new",
            "additive: the field `Error.errorCode` of an error is always there now",
            "additive: `getCallReport`: the answer `402` is new",
            "additive: `getCallReport`: the answer `default` is new",
            "additive: `getCounter`: the field `value` of the answer 200 is always there now",
            f"superfluous: overlay action 4, {REQUIRED_DOMAIN}",
            f"superfluous: overlay action 12, {ACTIONS[12]}",
        ],
    ),
    "broken.yaml": (
        20,
        [
            "breaking: the server `https://reporting.api.sinch.com/v2` is new: the default base URL may have to change",
            "breaking: the server `https://reportingapi.sinch.com/v1` is gone",
            (
                "breaking: `getCallReport`: the field `duration` of the answer 200 has the type `string`, "
                "in place of `integer`"
            ),
            "breaking: `getCallReport`: the field `failed` of the answer 200 may be null now",
            "breaking: `getCallReport`: the field `start` of the answer 200 is gone",
            "breaking: `getCallReport` takes `Signed` to authenticate, in place of `Basic` or `Signed`",
            "breaking: `getCallReport`: the parameter `account` (query) is new and required",
            "additive: `getCallReport`: the parameter `currency` (query) is new",
            "additive: `getCounter`: the field `unit` of the answer 200 is new",
        ],
    ),
}


def reported(printed):
    lines = [line for line in printed.splitlines() if not line.startswith("cosmetic: ")]
    return [line.partition(" (sinch_reporting/")[0] for line in lines]


def test_each_document_is_expected_to_say_something():
    assert {path.name for path in DOCUMENTS.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_document_is_taken_as_it_comes(name, tree, capsys):
    status, lines = EXPECTED[name]
    assert tree.update(name) == status
    printed = capsys.readouterr()
    assert reported(printed.out) == lines
    assert printed.err == ""
    assert documented(load(tree.root / "openapi/reporting.yaml")).keys() >= OPERATIONS
    # What is stored is what everything else is made from, and the same document again changes nothing.
    assert regenerate.main(["--root", str(tree.root), "--check"]) == 0
    after = tree.contents()
    assert tree.update(name) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert tree.contents() == after


def test_the_document_is_stored_with_its_version_date_and_digest(tree):
    tree.update("whole-voice.yaml")
    text = (tree.root / "openapi/upstream.yaml").read_text("utf-8")
    digest = hashlib.sha256((DOCUMENTS / "whole-voice.yaml").read_bytes()).hexdigest()
    assert "# version: 1.0.1\n" in text
    assert f"# sha256:  {digest}\n" in text
    assert "# date:    20" in text


def test_one_tag_is_taken_with_what_it_uses_and_nothing_else(tree):
    tree.update("whole-voice.yaml")
    text = (tree.root / "openapi/upstream.yaml").read_text("utf-8")
    stored = yaml.safe_load(text)
    assert stored["tags"] == [{"name": "Call Report", "description": "Get call reports. Not backwards."}]
    assert set(stored["paths"]) == set(documented_paths(ROOT))
    assert [server["url"] for server in stored["servers"]] == ["https://reportingapi.sinch.com/v1"]
    assert set(stored["components"]["securitySchemes"]) == {"Basic", "Signed"}
    assert "Unused" not in stored["components"]["schemas"]
    assert not [word for word in ("elsewhere", "x-codeSamples", "callbacks", "links:", "callouts") if word in text]
    report = stored["paths"]["/users/{type}/{endpoint}/calls/{domain}"]["get"]
    assert [parameter["name"] for parameter in report["parameters"]] == ["type", "endpoint", "domain"]
    assert set(report["responses"]["200"]["content"]) == {"application/json"}


def documented_paths(root):
    return load(root / "openapi/reporting.yaml")["paths"]


def test_text_stays_text_although_yaml_1_1_takes_it_for_something_else(tree):
    tree.update("anchors.yaml")
    parameters = {each["name"]: each for each in documented_paths(tree.root)["/counters/{id}"]["get"]["parameters"]}
    assert parameters["fresh"]["schema"] == {"type": "string", "enum": ["on", "off", "no"], "default": "no"}
    assert (parameters["at"]["example"], parameters["day"]["example"]) == ("12:30:45", "2014-04-28")
    # Other readers see the same.
    assert yaml.safe_load((tree.root / "openapi/reporting.yaml").read_text("utf-8")) == load(
        tree.root / "openapi/reporting.yaml"
    )


def test_the_report_names_the_line_of_the_facade(tree, capsys):
    tree.update("broken.yaml")
    lines = capsys.readouterr().out.splitlines()

    def line_of(text):
        (place,) = {line.rpartition(" (")[2].rstrip(")") for line in lines if text in line}
        path, _, number = place.partition(":")
        return path, (ROOT / path).read_text("utf-8").splitlines()[int(number) - 1]

    path, line = line_of("the field `failed` of the answer 200 may be null")
    assert (path, "answer.failed" in line) == ("sinch_reporting/models.py", True)
    path, line = line_of("`https://reportingapi.sinch.com/v1` is gone")
    assert "https://reportingapi.sinch.com/v1" in line
    path, line = line_of("the parameter `account`")
    assert (path, "get_call_report.asyncio(" in line) == ("sinch_reporting/async_client.py", True)
    path, line = line_of("the parameter `type` (path) has another description")
    assert "type_" in line


def test_the_report_is_written_as_markdown_for_a_pull_request(tree, tmp_path):
    tree.update("new-operations.yaml", "--markdown", str(tmp_path / "report.md"))
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "Gravest change for a user of the library: **breaking**." in text
    assert "\n## Breaking\n\n- `getCallReport`: the field `start`" in text
    assert "\n## Missing from the facade\n\n- `Reporting_SearchReports`: reachable through `.api`" in text
    tree.update("mended.yaml", "--markdown", str(tmp_path / "report.md"))
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "\n## Corrected upstream: these overlay actions can go\n\n- action 1: `$.paths" in text


PROGRAM = """
import httpx
from sinch_reporting import ReportingClient
from sinch_reporting_client.api.call_report import reporting_search_reports
from sinch_reporting_client.models import ReportingSearchReportsBody

def answer(request):
    print(request.method, request.url, request.headers["Authorization"][:12], request.content.decode())
    return httpx.Response(200, json={"reports": [{"success": 3, "start": None}]})

transport = httpx.MockTransport(answer)
with ReportingClient("key", "c2VjcmV0", transport=transport) as reporting:
    body = ReportingSearchReportsBody(endpoints=["+46730170101"])
    print(reporting_search_reports.sync(client=reporting.api, body=body).reports[0].success)
"""


def test_a_new_operation_can_be_called_through_the_api_at_once(tree):
    tree.update("new-operations.yaml")
    environment = {**os.environ, "PYTHONPATH": f"{tree.root}{os.pathsep}{tree.root / 'generated_client'}"}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    ran = subprocess.run(command, env=environment, cwd=tree.root, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.stdout == (
        'POST https://reportingapi.sinch.com/v1/reports/search Application  {"endpoints":["+46730170101"]}\n3\n'
    )


def test_an_operation_of_the_facade_that_is_gone_fails_and_changes_nothing(tree, tmp_path, capsys):
    document = yaml.safe_load((DOCUMENTS / "broken.yaml").read_text("utf-8"))
    del document["paths"]["/services/{id}"]
    (tmp_path / "gone.yaml").write_text(yaml.safe_dump(document), "utf-8")
    before = tree.contents()
    assert tree.update(tmp_path / "gone.yaml") == 1
    assert "$.paths['/services/{id}'].get: matches nothing" in capsys.readouterr().err
    assert tree.contents() == before


def test_a_change_of_another_tag_changes_nothing(tree, tmp_path, capsys):
    tree.update("whole-voice.yaml")
    text = (DOCUMENTS / "whole-voice.yaml").read_text("utf-8")
    (tmp_path / "other.yaml").write_text(text.replace("Manage calls", "Manage all calls"), "utf-8")
    before = tree.contents()
    capsys.readouterr()
    assert tree.update(tmp_path / "other.yaml") == 0
    assert capsys.readouterr().out == "nothing changed\n"
    assert tree.contents() == before


def test_the_overlay_has_no_action_that_the_publisher_has_made_superfluous():
    assert superfluous(load(ROOT / "openapi/upstream.yaml"), load(ROOT / "openapi/overlay.yaml")) == {}


def test_the_document_that_is_checked_in_passes_the_linter():
    lint(ROOT / "openapi/reporting.yaml", ROOT / "openapi/redocly.yaml")
