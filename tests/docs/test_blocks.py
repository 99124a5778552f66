import contextlib
import io
import itertools
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks():
    """Return each Python block of each page, with the output that the page says it has."""
    for page in PAGES:
        fences = [token for token in MarkdownIt().parse(page.read_text("utf-8")) if token.type == "fence"]
        for block, following in itertools.pairwise([*fences, None]):
            if block.info == "python":
                output = following.content if following and following.info == "text" else ""
                yield pytest.param(block.content, output, id=f"{page.name}:{block.map[0] + 1}")


@pytest.mark.parametrize(("program", "output"), list(blocks()))
def test_a_python_block_prints_what_the_page_says(sandbox, monkeypatch, tmp_path, program, output):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    sandbox.set_counter("currentCalls", 842)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "block", "exec"), {"__name__": "__main__"})
    assert printed.getvalue() == output


def test_the_readmes_first_screen_has_a_block_with_its_output():
    first = next(iter(blocks()))
    assert first.id.startswith("README.md")
    assert len(first.values[0].splitlines()) <= 10
    assert first.values[1]
