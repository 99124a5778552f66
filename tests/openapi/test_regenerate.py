import shutil

import pytest
import yaml

from scripts.openapi.refs import operations
from scripts.openapi.regenerate import DOCUMENT, PACKAGE, ROOT, load, main

GENERATED = [DOCUMENT, PACKAGE / "client.py", PACKAGE / "api/call_report/get_counter.py", PACKAGE / "py.typed"]


@pytest.fixture
def tree(tmp_path):
    """Return a copy of what is generated, and of what it is generated from."""
    for folder in ("openapi", "generated_client"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def contents(tree):
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def regenerate(tree, *arguments):
    return main(["--root", str(tree), *arguments])


def edit(path, change):
    document = yaml.safe_load(path.read_text("utf-8"))
    change(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")


def test_checked_in_files_are_the_generated_ones(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_output_is_the_same_bytes_each_time(tree):
    before = contents(tree)
    shutil.rmtree(tree / "generated_client")
    (tree / DOCUMENT).unlink()
    assert regenerate(tree) == 0
    assert contents(tree) == before
    assert regenerate(tree) == 0
    assert contents(tree) == before


@pytest.mark.parametrize("name", GENERATED, ids=str)
def test_check_reports_a_file_that_differs_and_writes_nothing(tree, capsys, name):
    (tree / name).write_bytes(b"# by hand\n")
    before = contents(tree)
    assert regenerate(tree, "--check") == 1
    assert f"differs: {name}" in capsys.readouterr().out
    assert contents(tree) == before


def test_check_reports_missing_and_extra_files_and_writes_nothing(tree, capsys):
    (tree / PACKAGE / "py.typed").unlink()
    (tree / PACKAGE / "stale.py").touch()
    before = contents(tree)
    assert regenerate(tree, "--check") == 1
    printed = capsys.readouterr().out
    assert f"missing: {PACKAGE}/py.typed\n" in printed
    assert f"extra: {PACKAGE}/stale.py\n" in printed
    assert contents(tree) == before


def test_stale_files_are_removed(tree):
    (tree / PACKAGE / "stale.py").touch()
    assert regenerate(tree) == 0
    assert not (tree / PACKAGE / "stale.py").exists()


def test_overlay_that_does_not_fit_fails(tree, capsys):
    edit(tree / "openapi/upstream.yaml", lambda document: document["paths"].pop("/services/{id}"))
    before = contents(tree)
    assert regenerate(tree) == 1
    assert "target $.paths['/services/{id}'].get: the target matches nothing" in capsys.readouterr().err
    assert contents(tree) == before


def test_invalid_document_fails(tree, capsys):
    def drop_the_correction(overlay):
        overlay["actions"] = [action for action in overlay["actions"] if action.get("update") != {"required": True}]

    edit(tree / "openapi/overlay.yaml", drop_the_correction)
    assert regenerate(tree) == 1
    assert "not valid OpenAPI" in capsys.readouterr().err


def test_warning_of_the_generator_fails(tree, capsys):
    def add_response_that_the_generator_does_not_support(document):
        responses = document["paths"]["/counters/{id}"]["get"]["responses"]
        responses["202"] = {"description": "Accepted", "content": {"application/xml": {"schema": {"type": "string"}}}}

    edit(tree / "openapi/upstream.yaml", add_response_that_the_generator_does_not_support)
    assert regenerate(tree) == 1
    error = capsys.readouterr().err
    assert "the generator refuses the document:" in error
    assert "GET /counters/{id}" in error


def test_document_has_the_three_operations_and_its_times_are_text():
    document = load(ROOT / DOCUMENT)
    ids = {operation["operationId"] for _, _, operation in operations(document)}
    assert ids == {"getCallReport", "getCounter", "getServiceStatus"}
    for path, field in (("/counters/{id}", "modified"), ("/users/{type}/{endpoint}/calls/{domain}", "start")):
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert {"type", "description", "example"} == schema["properties"][field].keys()
        assert schema["properties"][field]["type"] == "string"


def test_every_correction_has_its_reason_and_source():
    for action in load(ROOT / "openapi/overlay.yaml")["actions"]:
        assert action["description"], action["target"]
        assert action["x-source"], action["target"]
