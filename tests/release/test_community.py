import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from sinch_reporting import __version__

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def inline(page):
    """Return the parts of the page's text, links and code within the text among them."""
    for token in MarkdownIt().enable("table").parse(page.read_text("utf-8")):
        yield from token.children or ()


def anchors(page):
    """Return the anchors that GitHub makes of the page's headings."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links(page):
    return [unquote(str(part.attrs["href"])) for part in inline(page) if part.type == "link_open"]


@pytest.mark.parametrize(
    "name", ["README.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md"]
)
def test_what_a_visitor_looks_for_is_there(name):
    assert (ROOT / name).read_text("utf-8").strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_within_the_project_leads_somewhere(page):
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_script_that_a_page_names_exists(page):
    code = [part.content for part in inline(page) if part.type == "code_inline"]
    for script in {match[0] for text in code if (match := re.match(r"scripts/[\w./-]+", text))}:
        assert (ROOT / script).exists(), script


def test_the_versions_that_get_fixes_include_this_one():
    supported = re.search(r"latest (\d+)\.x", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert __version__.split(".")[0] == supported[1]
