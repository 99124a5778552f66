"""What an update does with withdrawn operations, hidden changes, failing actions and time limits."""

import copy
import json

import pytest

from scripts.openapi import SpecError, update
from scripts.openapi.limits import Limits, output_of, run_tool, time_limit
from scripts.openapi.regenerate import load
from tests.openapi.conftest import DOCUMENTS, Tree

COUNTER, SERVICE, REPORT = "/counters/{id}", "/services/{id}", "/users/{type}/{endpoint}/calls/{domain}"


@pytest.fixture(scope="module")
def adopted_once(tmp_path_factory):
    tree = Tree(tmp_path_factory.mktemp("adopted"))
    assert tree.update("whole-voice.yaml") == 10
    return tree


@pytest.fixture
def adopted(adopted_once, tmp_path):
    """Return a tree that has adopted a whole document of the publisher."""
    return Tree(tmp_path / "tree", adopted_once.root)


@pytest.fixture
def publish(adopted, tmp_path, capsys):
    """Return a function that edits the document, updates from it, and returns status, output and Markdown."""

    def publish(edit, *, changes_tree=True, limits=None):
        document = copy.deepcopy(load(DOCUMENTS / "whole-voice.yaml"))
        edit(document)
        (tmp_path / "voice.json").write_text(json.dumps(document), "utf-8")
        before, report = adopted.contents(), tmp_path / "report.md"
        report.unlink(missing_ok=True)
        capsys.readouterr()
        arguments = ["--root", str(adopted.root), str(tmp_path / "voice.json"), "--markdown", str(report)]
        status = update.main(arguments, *([limits] if limits else []))
        assert (adopted.contents() != before) is changes_tree
        assert {path.name for path in adopted.root.iterdir()} == {"openapi", "generated_client", "sinch_reporting"}
        printed = capsys.readouterr()
        return status, printed.out + printed.err, report.read_text("utf-8") if report.exists() else ""

    return publish


def without(*paths):
    return lambda document: [document["paths"].pop(path) for path in paths]


@pytest.mark.parametrize("paths", [[SERVICE], [COUNTER, SERVICE, REPORT]], ids=["some", "all"])
def test_missing_operations_are_withdrawn(publish, paths):
    status, printed, markdown = publish(without(*paths), changes_tree=False)
    assert status == 30
    assert [line for line in printed.splitlines() if line.startswith("withdrawn: ")] == [
        f"withdrawn: `GET {path}`" for path in (REPORT, COUNTER, SERVICE) if path in paths
    ]
    assert "Result: **withdrawn**" in markdown
    assert (
        f"## Withdrawn operations\n\n- `GET {next(path for path in (REPORT, COUNTER, SERVICE) if path in paths)}`"
        in markdown
    )
    assert "breaking: " not in printed


def test_changes_of_the_operations_that_are_left_are_reported_with_the_withdrawal(publish):
    def edit(document):
        without(SERVICE)(document)
        document["components"]["schemas"]["UserReport"]["properties"]["failed"]["type"] = "string"

    status, printed, _ = publish(edit, changes_tree=False)
    assert status == 30
    assert "breaking: `getCallReport`: the field `failed` of the response 200 has the type `string`" in printed


def test_new_operation_is_reported_with_the_withdrawal(publish):
    def edit(document):
        document["paths"]["/v2/services/{id}"] = document["paths"].pop(SERVICE)
        document["paths"]["/v2/services/{id}"]["get"]["operationId"] = "Renamed"

    status, printed, _ = publish(edit, changes_tree=False)
    assert status == 30
    assert "additive: `Renamed` is new" in printed


def test_operations_that_return_are_adopted(publish):
    assert publish(without(SERVICE), changes_tree=False)[0] == 30
    status, printed, _ = publish(
        lambda document: document["paths"][SERVICE]["get"].update(summary="Back again"), changes_tree=True
    )
    assert (status, "withdrawn" in printed) == (0, False)


def test_operation_is_found_without_its_tag(publish):
    status, printed, _ = publish(
        lambda document: document["paths"][SERVICE]["get"].update(tags=["Reporting"]), changes_tree=False
    )
    assert (status, printed) == (0, "nothing changed\n")


def test_truncated_document_is_not_a_withdrawal(publish):
    def edit(document):
        without(SERVICE)(document)
        del document["components"]["schemas"]["UpOrDown"], document["components"]["schemas"]["ServiceState"]
        document["paths"]["/later"] = {
            "get": {"tags": ["Calls"], "parameters": [{"$ref": "#/components/parameters/Cut"}]}
        }

    status, printed, _ = publish(edit, changes_tree=False)
    assert status == 1
    assert "the document is incomplete: GET /services/{id} missing, and 1 references point to nothing" in printed


def test_document_that_ends_within_a_line_is_not_a_withdrawal(adopted, tmp_path, capsys):
    text = (DOCUMENTS / "whole-voice.yaml").read_bytes()
    (tmp_path / "cut.yaml").write_bytes(text[: text.index(b"/users/{type}") - 1])
    assert adopted.update(tmp_path / "cut.yaml") == 1
    assert "it lacks operations, and ends within a line" in capsys.readouterr().err


def field(name, **keywords):
    return lambda document: document["components"]["schemas"][name[0]]["properties"][name[1]].update(keywords)


def operation(path, **keywords):
    return lambda document: document["paths"][path]["get"].update(keywords)


def set_states(document):
    status = {"allOf": [{"$ref": "#/components/schemas/UpOrDown"}], "nullable": True}
    document["components"]["schemas"]["ServiceState"]["properties"].update(status=status)
    document["components"]["schemas"]["UpOrDown"].update(enum=["started", "stopped"])


def set_error_body(document):
    document["components"]["schemas"]["ErrorBody"]["properties"].update(code={"type": "boolean"})


CHANGES = [
    (
        field(("CallCounts", "value"), type="string"),
        (
            "breaking: `getCounter`: the field `value` of the response 200 has the type `string` instead of `number`, "
            "hidden by overlay action 12"
        ),
    ),
    (
        lambda document: document["components"]["parameters"]["Domain"]["schema"].update(enum=["data"]),
        'breaking: `getCallReport`: the parameter `domain` (path) allows only `"data"` now, hidden by overlay action 7',
    ),
    (
        set_states,
        (
            'breaking: `getServiceStatus`: the field `status` of the response 200 no longer has the value `"up"`, '
            "hidden by overlay action 14"
        ),
    ),
    (set_states, "breaking: `getServiceStatus`: the field `status` of the response 200 may be null now"),
    (
        set_error_body,
        "the field `code` of an error has the type `boolean` instead of `integer`, hidden by overlay action 18",
    ),
    (
        lambda document: document["paths"][COUNTER].update(servers=[{"url": "https://counters.example.com"}]),
        "breaking: `getCounter` has the server `https://counters.example.com` instead of that of all",
    ),
    (
        lambda document: document["paths"][COUNTER]["get"]["responses"]["200"]["content"].update({"text/plain": {}}),
        (
            "additive: `getCounter`: the response `200` has the media types `application/json` and `text/plain` "
            "instead of `application/json`"
        ),
    ),
    (
        field(("CallCounts", "modified"), format="date-time"),
        "cosmetic: `getCounter`: the field `modified` of the response 200 has the format `date-time` instead of none",
    ),
    (operation(COUNTER, deprecated=True), "additive: `getCounter` is deprecated now"),
]


def test_changes_of_the_publisher_are_reported_even_if_the_overlay_hides_them(publish):
    status, printed, markdown = publish(lambda document: [edit(document) for edit, _ in CHANGES])
    assert status == 20
    assert [line for _, line in CHANGES if line not in printed] == []
    assert "change or drop the overlay action" in markdown


def test_additive_changes_have_their_status(publish):
    status, printed, markdown = publish(operation(COUNTER, deprecated=True))
    assert status == 10
    assert "additive: `getCounter` is deprecated now" in printed
    assert "change or drop" not in markdown


def test_changes_without_meaning_are_none(publish):
    def edit(document):
        document["info"].update(version="2026-11-25 (rev. 3)\n")
        server = {"url": "https://{host}.sinch.com/v1", "variables": {"host": {"default": "reportingapi"}}}
        for path in (COUNTER, SERVICE, REPORT):
            document["paths"][path].update(servers=[server])

    status, printed, markdown = publish(edit)
    assert status == 0
    assert "nothing changed for a user" in printed
    assert "change or drop" not in markdown


IGNORED = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
    for name in ("Accept", "Authorization")
]


def test_header_parameters_that_openapi_ignores_are_ignored(publish):
    edit = operation(
        COUNTER, parameters=[*load(DOCUMENTS / "whole-voice.yaml")["paths"][COUNTER]["get"]["parameters"], *IGNORED]
    )
    assert publish(edit, changes_tree=False)[:2] == (0, "nothing changed\n")


def test_all_failing_actions_are_reported_with_the_changes_and_their_severity(publish):
    def edit(document):
        counter = document["components"]["schemas"]["CallCounts"]["properties"]
        counter["count"] = counter.pop("value")
        document["paths"]["/services/{service}"] = document["paths"].pop(SERVICE)
        document["paths"]["/services/{service}"]["get"]["parameters"][0]["name"] = "service"

    status, printed, markdown = publish(edit, changes_tree=False)
    assert status == 1
    failing = [line for line in printed.splitlines() if "overlay action " in line]
    assert len(failing) == 5
    for text in (printed, markdown):
        assert "schema.properties.value: the target matches nothing." in text
        assert "['properties'] is an object with modified, count, without ['value']" in text
        assert "change the target to $['paths']['/services/{service}']['get'] if that is the same" in text
        assert "the field `value` of the response 200 is gone" in text
    assert "\nmost severe change: breaking\n" in printed
    assert "Most severe change for a user of the library: **breaking**." in markdown


def test_every_finding_of_the_validator_is_reported_with_its_pointer(publish):
    def edit(document):
        document["paths"][COUNTER]["get"]["security"] = None
        document["components"]["schemas"]["UserReport"]["properties"]["failed"]["minimum"] = "none"

    status, printed, _ = publish(edit, changes_tree=False)
    assert status == 1
    assert "#/paths/~1counters~1{id}/get/security: None is not of type 'array'" in printed
    assert "#/components/schemas/UserReport/properties/failed/minimum: 'none' is not of type 'number'" in printed


def test_every_finding_of_the_linter_is_reported_with_its_pointer(adopted, publish):
    (adopted.root / "openapi/redocly.yaml").write_text("rules:\n  operation-description: error\n", "utf-8")
    status, printed, _ = publish(field(("UserReport", "failed"), type="number"), changes_tree=False)
    assert status == 1
    for path in ("counters", "services"):
        assert f"#/paths/~1{path}~1{{id}}/get/description: Operation object should contain `description`" in printed


@pytest.mark.parametrize(
    ("limits", "step"),
    [
        (Limits(validation=0.001), "the validation"),
        (Limits(generation=0.01), "the generator"),
        (Limits(linting=0.01), "the linter, which checks the patterns at "),
        (Limits(total=0.01), "the update"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_step_ends_at_its_time_limit(publish, limits, step):
    edit = field(("UserReport", "start"), pattern="^(a+)+$")
    status, printed, _ = publish(edit, changes_tree=False, limits=limits)
    assert status == 1
    assert step in printed
    assert "took longer than" in printed


def test_time_limit_ends_a_tool_with_what_it_has_started():
    command = ["sh", "-c", "sleep 100 & sleep 100"]
    with pytest.raises(SpecError, match=r"^the tool took longer than 0\.2 s$"):
        run_tool(command, 0.2, "the tool", {})


@pytest.mark.parametrize(("outer", "inner"), [(0.05, 60), (60, 0.05)])
def test_the_shorter_of_nested_time_limits_applies(outer, inner):
    name = "outer" if outer < inner else "inner"

    def nested():
        with time_limit(outer, "outer"), time_limit(inner, "inner"):
            while True:
                pass

    with pytest.raises(SpecError, match=f"^{name} took longer"):
        nested()


def test_outer_time_limit_applies_after_an_inner_block():
    def nested():
        with time_limit(0.2, "outer"):
            with time_limit(0.1, "inner"):
                pass
            while True:
                pass

    with pytest.raises(SpecError, match=r"^outer took longer"):
        nested()


def test_crash_of_a_tool_is_reported_without_its_traceback():
    ran = run_tool(["python3", "-c", "raise ValueError('bad document')"], 60, "the tool", {})
    assert output_of(ran) == "it crashed: ValueError: bad document"


@pytest.mark.parametrize("step", ["build", "lint", "replace_all"])
def test_unexpected_error_is_reported_and_changes_nothing(publish, monkeypatch, step):
    def fail(*_):
        raise RecursionError("too deep")

    monkeypatch.setattr(update, step, fail)
    status, printed, markdown = publish(operation(COUNTER, deprecated=True), changes_tree=False)
    assert status == 1
    assert "bug in scripts/openapi: RecursionError('too deep') in test_update.py" in printed
    assert "RecursionError" in markdown


def test_text_of_the_document_does_not_become_markup(publish):
    def edit(document):
        name = "a`@nobody <img src=x>\n## More"
        document["components"]["schemas"]["UserReport"]["properties"][name] = {"type": "string"}

    status, _, markdown = publish(edit, changes_tree=False)
    assert status == 1
    assert "a?@nobody" not in markdown
    assert "`a??nobody ?img src=x??## More`" in markdown
