"""The site is complete, its links work, and it loads nothing from other hosts."""

import importlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
MODULES = ["", ".export", ".metrics", ".tracing", ".testing", ".testing.faults"]
# Made by a CallTracer, not by programs.
INTERNAL = {"CallSpans"}
# Elements for which a browser sends requests.
LOADING = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}


class Page(HTMLParser):
    """Anchors, links, loaded resources and text of a page."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loads, self.text = set(), [], [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors.add(given.get("id"))
        for name in ("href", "src", "data"):
            if given.get(name):
                (self.loads if tag in LOADING else self.links).append(given[name])

    def handle_data(self, data):
        self.text.append(data)


def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


def test_no_link_within_the_site_is_broken(site):
    read = pages(site)
    broken = []
    for path, page in read.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = target in read and (not parts.fragment or unquote(parts.fragment) in read[target].anchors)
            if not known and (target in read or not target.is_file()):
                broken.append((path.name, link))
    assert broken == []


def test_the_site_loads_nothing_from_other_hosts(site):
    loads = {load for page in pages(site).values() for load in page.loads}
    assert loads
    assert [load for load in loads if urlsplit(load).netloc] == []
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert "@import" not in text, sheet
        assert "url(http" not in text.replace('"', "").replace("'", ""), sheet
        assert "url(//" not in text.replace('"', "").replace("'", ""), sheet


def public_names(module):
    """Return the names that a module defines or lists, and for the package those that it imports."""
    if module.__name__ == "sinch_reporting":
        return {name for name in module.__all__ if name[0] != "_"}
    own = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    return {*getattr(module, "__all__", own)}


def test_the_reference_has_every_public_name(site):
    anchors = Page(site / "reference.html").anchors
    for suffix in MODULES:
        module = importlib.import_module(f"sinch_reporting{suffix}")
        names = public_names(module)
        assert names
        assert [name for name in names - INTERNAL if f"{module.__name__}.{name}" not in anchors] == [], module.__name__
    for client in ("ReportingClient", "AsyncReportingClient"):
        assert {f"sinch_reporting.{client}.{name}" for name in ("get_counter", "with_options", "api")} <= anchors
    assert "sinch_reporting.APIError.with_traceback" not in anchors


def test_the_first_page_links_to_every_page(site):
    linked = {urlsplit(link).path for link in Page(site / "index.html").links}
    pages_of_docs = {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    assert pages_of_docs - linked == {"index.html"}  # itself


def test_the_navigation_names_every_task(site):
    navigation = (site / "index.html").read_text("utf-8").partition('class="sidebar-tree"')[2]
    tasks = ["Tutorial", "Behaviour", "Signing", "Reports of many endpoints", "Versions and upgrades", "Architecture"]
    assert [name for name in tasks if f">{name}</a>" not in navigation] == []
