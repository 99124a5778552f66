"""CONTRIBUTING.md's worked example, followed in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from scripts.lib import unasync
from scripts.openapi import regenerate
from scripts.openapi.usages import Usages
from tests.support.project import ROOT, copy_of_the_project

TESTS = ["tests/contract/test_contract.py", "tests/contract/test_schemathesis.py", "tests/unit/test_surface.py"]
STEP = re.compile(r"`(?P<file>[^`]+)`, (?:at its end|(?P<how>before|in place of) `(?P<anchor>[^`]+)`):")


def steps():
    """Return file, how, anchor and block of each step."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    example = page.partition("### An operation, from the overlay to the facade")[2]
    tokens = [token for token in MarkdownIt().parse(example) if token.type in {"inline", "fence"}]
    for said, block in pairwise(tokens):
        step = STEP.fullmatch(said.content) if said.type == "inline" else None
        if step:
            assert block.type == "fence", said.content
            yield step["file"], step["how"], step["anchor"], block.content


def follow(root, file, how, anchor, block):
    lines = (root / file).read_text("utf-8").splitlines(keepends=True)
    if how is None:
        lines += ["\n\n", block]
    else:
        (index,) = [index for index, line in enumerate(lines) if line.strip() == anchor]
        lines[index : index + (how == "in place of")] = [block]
    (root / file).write_text("".join(lines), "utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("example")
    copy_of_the_project(root)
    for step in steps():
        follow(root, *step)
    assert unasync.main(["--root", str(root)]) == 0
    if (ROOT / ".mypy_cache").exists():  # saves mypy the modules that are as they were
        shutil.copytree(ROOT / ".mypy_cache", root / ".mypy_cache")
    return root


def run(root, *command):
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'generated_client'}"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_the_example_tells_of_each_file_that_has_to_change():
    blocks = MarkdownIt().parse((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(list(steps())) == sum(block.type == "fence" for block in blocks) == 15


def test_the_operation_is_generated_called_by_the_facade_and_covered_by_the_contract_tests(project):
    assert regenerate.main(["--root", str(project)]) == 0
    assert Usages(project).covers("getQueue")
    of_the_operation = "getQueue or queues or both_clients or routes or public_name or only_the_clients"
    ran = run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", of_the_operation, *TESTS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # Both clients, both ways to authenticate, each documented error.
    assert int(re.search(r"(\d+) passed", ran.stdout)[1]) > 60
    assert str(project) in run(project, sys.executable, "-c", "import sinch_reporting as s; print(s.__file__)").stdout


def test_the_code_of_the_example_is_as_good_as_the_rest(project):
    regenerate.main(["--root", str(project)])
    for command in (["ruff", "check", "sinch_reporting", *TESTS], ["ruff", "format", "--check", "sinch_reporting"]):
        ran = run(project, sys.executable, "-m", *command)
        assert ran.returncode == 0, ran.stdout
    checked = run(project, sys.executable, "-m", "mypy", "sinch_reporting")
    assert checked.returncode == 0, checked.stdout
