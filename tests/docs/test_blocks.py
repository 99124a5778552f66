import contextlib
import io
import re
from importlib.metadata import metadata

import pytest

from tests.support.pages import PAGES, ROOT, blocks_of, is_shown

# What the site is made of.
STRUCTURE = re.compile(r"\{(toctree|eval-rst|include)\}( \S+)?")
EXAMPLE = re.compile(r"\{literalinclude\} examples/(\S+)")
NAMED = re.compile(r"sinch-reporting\[([\w,]+)\]")
FILE = re.compile(r"# (\w+\.py)\n")
TYPED = re.compile(r"^(\$|>>>|pip|python|sinch-reporting|import|from) ", re.MULTILINE)


def python_blocks():
    for page in PAGES:
        for block in blocks_of(page):
            if block.kind == "python" and not FILE.match(block.text):
                yield pytest.param(block, id=f"{page.name}:{block.line}")


def is_run(block):
    """Return whether a test runs the block, or it holds nothing to be run."""
    if block.kind == "python":
        return True  # below, or as a file
    if block.kind == "console":
        return block.text.startswith("$ ")  # tests/examples/test_pages.py
    if block.kind == "yaml":
        return block.text.startswith("groups:")  # tests/system/test_prometheus.py
    if block.kind == "indented":
        return not TYPED.search(block.text)
    if example := EXAMPLE.fullmatch(block.kind):
        return f'"{example[1]}"' in (ROOT / "tests/examples/test_examples.py").read_text("utf-8")
    return STRUCTURE.fullmatch(block.kind) is not None


@pytest.fixture
def sandbox_env(sandbox, monkeypatch, tmp_path):
    """Set the environment to a Sandbox, in which the pages' programs run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    sandbox.set_counter("currentCalls", 842)
    return sandbox


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_is_run(page):
    assert [block for block in blocks_of(page) if not is_run(block)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_a_page_is_run_by_a_command(page):
    commands = " ".join(command for block in blocks_of(page) for command in block.commands)
    files = [match[1] for block in blocks_of(page) if block.kind == "python" and (match := FILE.match(block.text))]
    assert [file for file in files if file not in commands] == []


@pytest.mark.parametrize(
    "block",
    [
        "```sh\nsinch-reporting doctor\n```",
        "```\npip install sinch-reporting\n```",
        "```console\nno prompt\n```",
        "```text\nthe output of nothing\n```",
        "```yaml\nservices: {}\n```",
        "```{literalinclude} examples/untested.py\n```",
        "    $ sinch-reporting doctor",
    ],
)
def test_a_block_that_nothing_runs_is_found(block, tmp_path):
    (tmp_path / "page.md").write_text(f"# A page\n\n{block}\n", "utf-8")
    [found] = blocks_of(tmp_path / "page.md")
    assert not is_run(found)


@pytest.mark.usefixtures("sandbox_env")
@pytest.mark.parametrize("block", list(python_blocks()))
def test_a_python_block_prints_what_the_page_says(block):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, "block", "exec"), {"__name__": "__main__"})
    assert is_shown(printed.getvalue(), block.output), printed.getvalue()


def test_each_extra_that_a_page_or_an_example_names_exists():
    texts = [path.read_text("utf-8") for path in [*PAGES, *(ROOT / "docs/examples").iterdir()]]
    named = {extra for text in texts for found in NAMED.findall(text) for extra in found.split(",")}
    assert named
    assert named <= {*metadata("sinch-reporting").get_all("Provides-Extra")}


def test_the_readmes_first_screen_has_a_block_with_its_output():
    first = next(block for block in blocks_of(ROOT / "README.md") if block.kind == "python")
    assert len(first.text.splitlines()) <= 10
    assert first.output
