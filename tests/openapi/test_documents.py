"""Documents like real ones, each adopted in a copy of the project."""

import hashlib
import os
import subprocess
import sys

import pytest
import yaml

from scripts.openapi import regenerate
from scripts.openapi.correct import simplify
from scripts.openapi.limits import Limits
from scripts.openapi.lint import lint
from scripts.openapi.overlay import redundant_actions
from scripts.openapi.refs import operations
from scripts.openapi.regenerate import ROOT, load
from tests.openapi.conftest import DOCUMENTS

ACTIONS = {number: action["target"] for number, action in enumerate(load(ROOT / "openapi/overlay.yaml")["actions"], 1)}
REPORT = "$.paths['/users/{type}/{endpoint}/calls/{domain}'].get"
REQUIRED_DOMAIN = f"{REPORT}.parameters[?@.name == 'domain' && @.in == 'path']"

VALUE = "`getCounter`: the field `value` of the response 200"
# The exit status, and every line of the report that is not cosmetic, without its place.
EXPECTED = {
    "whole-voice.yaml": (
        10,
        [
            "additive: `getCounter`: the response `default` is new",
            "additive: `getServiceStatus`: the response `default` is new",
            "additive: `getCallReport`: the response `default` is new",
            "additive: the field `code` of an error is new, hidden by overlay action 18",
        ],
    ),
    "voice-3.1.json": (
        20,
        [
            "breaking: `getCounter`: the field `modified` of the response 200 may be null now",
            "breaking: `getCallReport`: the field `start` of the response 200 may be null now",
            f"breaking: {VALUE} may be null now, hidden by overlay action 12",
            f"redundant: overlay action 4, {REQUIRED_DOMAIN}",
        ],
    ),
    "corrected.yaml": (
        0,
        # All but the dates of the filters, the extensible set of states and the errors, of which the document has one.
        [
            f"redundant: overlay action {number}, {ACTIONS[number]}"
            for number in ACTIONS
            if number not in {8, 9, 15, 17, 18}
        ],
    ),
    "new-operations.yaml": (
        20,
        [
            "breaking: `getCallReport`: the field `start` of the response 200 may be null now",
            "additive: the field `other` of an error is new",
            "additive: the field `title` of an error is new",
            "additive: `get /tree/{id}` is new",
            "additive: `Reporting_SearchReports` is new",
            "without a method: `Reporting_SearchReports`, available through .api",
            "without a method: `get /tree/{id}`, available through .api",
            "note: `GET /tree/{id}` has another server; the client calls only the common one",
        ],
    ),
    "pointers.json": (0, []),
    "anchors.yaml": (
        20,
        [
            (
                "breaking: `getCounter`: the parameter `fresh` (query) is new, "
                'and existing calls would now send its default `"no"`'
            ),
            "additive: `getCounter`: the parameter `at` (query) is new",
            "additive: `getCounter`: the parameter `day` (query) is new",
        ],
    ),
    "errors-everywhere.yaml": (
        10,
        [
            "additive: the field `details` of an error is new",
            "additive: the field `errorCode` of an error is always present now",
            "additive: `getCounter`: the field `value` of the response 200 is always present now",
            "additive: `getCallReport`: the response `402` is new",
            "additive: `getCallReport`: the response `default` is new",
            (
                'additive: `getCallReport`: the parameter `domain` (path) has the default `"data"` instead of none, '
                "hidden by overlay action 7"
            ),
            (
                "additive: `getServiceStatus`: the field `status` of the response 200 has the new value "
                '`"degraded"`, hidden by overlay action 14'
            ),
            f"redundant: overlay action 4, {REQUIRED_DOMAIN}",
            f"redundant: overlay action 12, {ACTIONS[12]}",
        ],
    ),
    "broken.yaml": (
        20,
        [
            "breaking: the server `https://reportingapi.sinch.com/v1` is gone",
            (
                "breaking: `getCallReport`: the field `duration` of the response 200 has the type `string` "
                "instead of `integer`"
            ),
            "breaking: `getCallReport`: the field `failed` of the response 200 may be null now",
            "breaking: `getCallReport`: the field `start` of the response 200 is gone",
            (
                "breaking: `getCallReport` accepts `Authorization header` for authentication "
                "instead of `Authorization header` or `basic`"
            ),
            "breaking: `getCallReport`: the parameter `account` (query) is new and required",
            "additive: the server `https://reporting.api.sinch.com/v2` is new",
            "additive: `getCounter`: the field `unit` of the response 200 is new",
            "additive: `getCallReport`: the parameter `currency` (query) is new",
        ],
    ),
}


def reported(printed):
    lines = [line for line in printed.splitlines() if not line.startswith(("cosmetic: ", "note: compare each"))]
    return [line.partition(" (sinch_reporting/")[0] for line in lines]


def test_each_document_has_an_expectation():
    assert {path.name for path in DOCUMENTS.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_document_becomes_the_client_and_a_report(name, tree, capsys):
    status, lines = EXPECTED[name]
    assert tree.update(name) == status
    printed = capsys.readouterr()
    assert reported(printed.out) == lines
    assert printed.err == ""
    ids = {operation.get("operationId") for _, _, operation in operations(load(tree.root / "openapi/reporting.yaml"))}
    assert ids >= {"getCallReport", "getCounter", "getServiceStatus"}
    # What is stored is what everything else is made from, and the same document again changes nothing.
    assert regenerate.main(["--root", str(tree.root), "--check"]) == 0
    after = tree.contents()
    assert tree.update(name) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert tree.contents() == after


def test_document_is_stored_with_its_version_date_and_digest(tree):
    tree.update("whole-voice.yaml")
    text = (tree.root / "openapi/upstream.yaml").read_text("utf-8")
    digest = hashlib.sha256((DOCUMENTS / "whole-voice.yaml").read_bytes()).hexdigest()
    assert "# version: 1.0.1\n" in text
    assert f"# sha256:  {digest}\n" in text
    assert "# date:    20" in text


def test_one_tag_is_extracted_with_what_it_uses_and_nothing_else(tree):
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


def test_text_that_yaml_1_1_reads_as_another_type_stays_text(tree):
    tree.update("anchors.yaml")
    parameters = {each["name"]: each for each in documented_paths(tree.root)["/counters/{id}"]["get"]["parameters"]}
    assert parameters["fresh"]["schema"] == {"type": "string", "enum": ["on", "off", "no"], "default": "no"}
    assert (parameters["at"]["example"], parameters["day"]["example"]) == ("12:30:45", "2014-04-28")
    # Other readers see the same.
    assert yaml.safe_load((tree.root / "openapi/reporting.yaml").read_text("utf-8")) == load(
        tree.root / "openapi/reporting.yaml"
    )


def test_report_has_the_line_of_the_package_that_a_change_affects(tree, capsys):
    tree.update("broken.yaml")
    lines = capsys.readouterr().out.splitlines()

    def line_of(text):
        (place,) = {line.rpartition(" (")[2].rstrip(")") for line in lines if text in line}
        path, _, number = place.partition(":")
        return path, (ROOT / path).read_text("utf-8").splitlines()[int(number) - 1]

    path, line = line_of("the field `failed` of the response 200 may be null")
    assert (path, ".failed" in line) == ("sinch_reporting/models.py", True)
    path, line = line_of("`https://reportingapi.sinch.com/v1` is gone")
    assert "https://reportingapi.sinch.com/v1" in line
    path, line = line_of("the parameter `account`")
    assert "get_call_report" in line


def test_report_is_written_as_markdown_for_a_pull_request(tree, tmp_path):
    tree.update("new-operations.yaml", "--markdown", str(tmp_path / "report.md"))
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "Most severe change for a user of the library: **breaking**." in text
    assert "\n## Breaking\n\n- `getCallReport`: the field `start`" in text
    assert "\n## Operations without a method\n\n- `Reporting_SearchReports`: available through `.api`" in text


def test_report_has_the_redundant_actions_in_markdown(tree, tmp_path):
    tree.update("corrected.yaml", "--markdown", str(tmp_path / "report.md"))
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "\n## Corrected by the publisher: these overlay actions can be dropped\n\n- action 1: `$.paths" in text


PROGRAM = """
import httpx
from sinch_reporting import ReportingClient
from sinch_reporting_client.api.call_report import reporting_search_reports
from sinch_reporting_client.models import ReportingSearchReportsBody

def respond(request):
    print(request.method, request.url, request.headers["Authorization"][:12], request.content.decode())
    return httpx.Response(200, json={"reports": [{"success": 3, "start": None}]})

transport = httpx.MockTransport(respond)
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


def test_change_of_another_tag_changes_nothing(tree, tmp_path, capsys):
    tree.update("whole-voice.yaml")
    text = (DOCUMENTS / "whole-voice.yaml").read_text("utf-8")
    (tmp_path / "other.yaml").write_text(text.replace("Manage calls", "Manage all calls"), "utf-8")
    before = tree.contents()
    capsys.readouterr()
    assert tree.update(tmp_path / "other.yaml") == 0
    assert capsys.readouterr().out == "nothing changed\n"
    assert tree.contents() == before


def test_overlay_has_no_redundant_action():
    upstream, overlay = load(ROOT / "openapi/upstream.yaml"), load(ROOT / "openapi/overlay.yaml")
    assert redundant_actions(simplify(upstream), overlay) == {}


def test_checked_in_document_passes_the_linter():
    path = ROOT / "openapi/reporting.yaml"
    assert lint(load(path), path, ROOT / "openapi/redocly.yaml", Limits().linting) is None
