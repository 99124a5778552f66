"""Every Python block of a page runs alone and prints what the page shows."""

import contextlib
import io
import re
from importlib.metadata import metadata

import pytest

from tests.support.pages import PAGES, ROOT, blocks_of, is_shown

DIRECTIVE = re.compile(r"\{(toctree|eval-rst|include)\}( \S+)?")
EXAMPLE = re.compile(r"\{literalinclude\} examples/(\S+)")
EXTRAS = re.compile(r"sinch-reporting\[([\w,]+)\]")
WORDS = {word for page in PAGES for block in blocks_of(page) for command in block.commands for word in command.split()}
TYPED = re.compile(r"^(\$|>>>|pip|python|sinch-reporting|import|from) ", re.MULTILINE)


def python_blocks():
    for page in PAGES:
        for block in blocks_of(page):
            if block.kind == "python" and not block.file:
                yield pytest.param(block, id=f"{page.name}:{block.line}")


def is_run(block):
    """Return whether a test runs the block, or the block contains nothing to run."""
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests/examples").glob("*.py"))
    example = EXAMPLE.fullmatch(block.kind)
    return {
        "python": True,  # below, or as a file
        "console": block.text.startswith("$ "),  # tests/examples/test_pages.py
        "yaml": block.text.startswith("groups:"),  # tests/system/test_prometheus.py
        "text": block.text.startswith("client.py "),  # the call path, which a test traces
        "indented": not TYPED.search(block.text),
    }.get(
        block.kind,
        DIRECTIVE.fullmatch(block.kind) or (example and (example[1] in WORDS or f'"{example[1]}"' in tests)),
    )


def execute(program):
    """Return what a program prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "block", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


@pytest.fixture
def sandbox_env(sandbox, monkeypatch, tmp_path):
    """Point the environment of the programs at a Sandbox."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    sandbox.set_counter("currentCalls", 842)
    return sandbox


def test_every_block_of_a_page_is_run():
    assert [(page.name, block) for page in PAGES for block in blocks_of(page) if not is_run(block)] == []


def test_every_file_of_a_page_is_run_by_a_command():
    for page in PAGES:
        commands = " ".join(command for block in blocks_of(page) for command in block.commands)
        assert [block.file for block in blocks_of(page) if block.file and block.file not in commands] == [], page.name


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
def test_a_python_block_prints_what_the_page_shows(block):
    printed = execute(block.text)
    assert is_shown(printed, block.output), printed


def test_each_extra_that_a_page_or_an_example_names_exists():
    texts = [path.read_text("utf-8") for path in [*PAGES, *(ROOT / "docs/examples").iterdir()]]
    named = {extra for text in texts for found in EXTRAS.findall(text) for extra in found.split(",")}
    assert named
    assert named <= {*metadata("sinch-reporting").get_all("Provides-Extra")}


def first_programs():
    """Return the first two programs of the README: with the Sandbox, and with credentials."""
    return [block for block in blocks_of(ROOT / "README.md") if block.kind == "python"][:2]


def test_the_readmes_first_program_needs_no_account():
    [first, second] = first_programs()
    assert len(first.text.splitlines()) <= 10
    assert "54 calls" in first.output
    assert "ReportingClient()" in second.text
    assert execute(first.text) == first.output


@pytest.mark.usefixtures("sandbox_env")
@pytest.mark.parametrize("program", first_programs(), ids=["sandbox", "credentials"])
def test_the_readmes_first_program_works_for_a_number_without_calls(program):
    text = program.text.replace("date(2026, 11, 1), date(2026, 11, 20)", "date(2026, 11, 2), date(2026, 11, 2)")
    assert execute(text).startswith("0 calls, 0 successful, 0:00:00 in total\n")
