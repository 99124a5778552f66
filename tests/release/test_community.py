import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

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


def test_what_a_visitor_looks_for_is_there():
    names = ["README.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md"]
    assert [name for name in names if not (ROOT / name).read_text("utf-8").strip()] == []


def leads_somewhere(page, link):
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    return target.exists() and target.is_relative_to(ROOT) and (not anchor or anchor in anchors(target))


def test_every_link_within_the_project_leads_somewhere():
    within = [(page, link) for page in PAGES for link in links(page) if not re.match(r"[a-z]+:", link)]
    assert [(page.name, link) for page, link in within if not leads_somewhere(page, link)] == []


def test_every_script_that_a_page_names_exists():
    code = [(page.name, part.content) for page in PAGES for part in inline(page) if part.type == "code_inline"]
    named = [(name, match[0]) for name, text in code if (match := re.match(r"scripts/[\w./-]+", text))]
    assert [(name, script) for name, script in named if not (ROOT / script).exists()] == []


def test_the_versions_that_get_fixes_include_this_one():
    supported = re.search(r"latest (\d+)\.x", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert __version__.split(".")[0] == supported[1]
