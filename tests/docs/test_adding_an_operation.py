"""The page on adding an operation, applied to a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from scripts import unasync
from scripts.openapi import regenerate
from scripts.openapi.usages import Usages
from tests.support.project import ROOT, copy_of_the_project

PAGE = ROOT / "docs/adding-an-operation.md"
TESTS = ["tests/contract/test_contract.py", "tests/contract/test_schemathesis.py", "tests/unit/test_surface.py"]
CLIENTS = ("sync", "async")
EDIT = re.compile(r"`(?P<file>[^`]+)`, (?:at its end|before `(?P<anchor>[^`]+)`):")


def edits():
    """Return file, anchor and block of each edit."""
    tokens = [token for token in MarkdownIt().parse(PAGE.read_text("utf-8")) if token.type in {"inline", "fence"}]
    for text, block in pairwise(tokens):
        edit = EDIT.fullmatch(text.content) if text.type == "inline" else None
        if edit:
            assert block.type == "fence", text.content
            yield edit["file"], edit["anchor"], block.content


def apply(root, file, anchor, block):
    lines = (root / file).read_text("utf-8").splitlines(keepends=True)
    if anchor is None:
        lines += ["\n\n", block]
    else:
        (index,) = [index for index, line in enumerate(lines) if line.strip() == anchor]
        lines[index:index] = [block]
    (root / file).write_text("".join(lines), "utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of the project with the five edits."""
    root = tmp_path_factory.mktemp("example")
    copy_of_the_project(root)
    for edit in edits():
        apply(root, *edit)
    assert unasync.main(["--root", str(root)]) == 0
    if (ROOT / ".mypy_cache").exists():  # saves mypy the unchanged modules
        shutil.copytree(ROOT / ".mypy_cache", root / ".mypy_cache")
    assert regenerate.main(["--root", str(root)]) == 0
    return root


def run(root, *command):
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'generated_client'}"}
    ran = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_adding_an_operation_takes_five_edits():
    blocks = MarkdownIt().parse(PAGE.read_text("utf-8"))
    assert len(list(edits())) == sum(block.type == "fence" for block in blocks) == 5


def test_the_contract_tests_and_the_surface_test_cover_the_operation(project):
    assert Usages(project).covers("getQueue")
    selection = "getQueue or queues or both_clients or routes or public_name or only or documented_operation"
    output = run(project, sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", selection, *TESTS)
    passed = set(re.findall(r"::(\w+(?:\[.+?\])?) PASSED", output))
    # Both kinds of authentication, both clients, retries, and the Sandbox. Errors with equal examples are tested once.
    assert passed >= {
        *(f"test_a_request_and_its_result_are_the_documented_ones[{auth}-getQueue]" for auth in ("basic", "signed")),
        *(f"test_both_clients_get_the_same_result_over_their_default_transport[{kind}-getQueue]" for kind in CLIENTS),
        *(f"test_a_503_that_stays_is_raised_after_four_attempts[{kind}-getQueue]" for kind in CLIENTS),
        "test_the_mock_refuses_a_request_without_authorization[getQueue]",
        "test_no_check_finds_anything",
        "test_every_documented_operation_is_a_method",
        "test_both_clients_have_a_method_for_each_operation_of_the_document",
    }
    assert str(project) in run(project, sys.executable, "-c", "import sinch_reporting as s; print(s.__file__)")


def test_the_code_of_the_edits_passes_the_checks(project):
    run(project, sys.executable, "-m", "ruff", "check", "sinch_reporting")
    run(project, sys.executable, "-m", "ruff", "format", "--check", "sinch_reporting")
    run(project, sys.executable, "-m", "mypy", "sinch_reporting")


def test_the_sandbox_serves_the_operation(project):
    program = (
        "from sinch_reporting.testing import Sandbox\n"
        "with Sandbox() as sandbox, sandbox.client() as reporting:\n"
        "    print(reporting.get_queue('support').to_dict())\n"
    )
    assert run(project, sys.executable, "-c", program) == "{'id': 'support', 'waiting': 3}\n"
