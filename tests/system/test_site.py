"""The site in a real browser, at two widths, light and dark."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.browser import Browser

ROOT = Path(__file__).resolve().parents[2]
PLOTS = {"benchmarks.svg", "notebook.svg"}
ERRORS = {"Log.entryAdded", "Runtime.exceptionThrown"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([ROOT / "scripts/build-docs", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_each_page_fits_its_window_and_loads_without_errors(site, browser, width, theme):
    browser.show(width=width, theme=theme)
    backgrounds = set()
    for page in sorted(site.glob("*.html")):
        browser.open(page.as_uri())
        errors = [event for event in browser.events if event["method"] in ERRORS]
        errors += [event for event in browser.events if event.get("params", {}).get("type") in {"error", "warning"}]
        assert errors == [], page.name
        sent = [event for event in browser.events if event["method"] == "Network.requestWillBeSent"]
        urls = {event["params"]["request"]["url"].partition(":")[0] for event in sent}
        assert urls <= {"file", "data"}, page.name
        assert browser.run("document.documentElement.scrollWidth - window.innerWidth") <= 0, page.name
        assert browser.run("[...document.images].filter(image => !image.naturalWidth).length") == 0, page.name
        backgrounds.add(browser.run("getComputedStyle(document.body).backgroundColor"))
    [background] = backgrounds
    assert (background == "rgb(255, 255, 255)") == (theme == "light")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_text_of_a_picture_is_legible(site, browser, width):
    browser.show(width=width, theme="light")
    seen = set()
    for page in ("index", "command", "benchmarks", "examples"):
        browser.open((site / f"{page}.html").as_uri())
        for name, shown in browser.run("[...document.images].map(image => [image.src.split('/').pop(), image.width])"):
            picture = (site / "_images" / name).read_text("utf-8")
            font = re.search(r"font-size: (\d+)px", picture)
            size = int(font[1]) if font else 10  # matplotlib's; its text is paths
            width_of_picture = re.search(r'viewBox="0 0 (\S+) ', picture)
            assert size * shown / float(width_of_picture[1]) >= (9 if name in PLOTS else 11), name
            seen.add(name)
    assert seen == {"report.svg", "watch.svg", "doctor.svg", *PLOTS}


@pytest.mark.parametrize("page", ["benchmarks", "examples"])
def test_a_plot_is_dark_in_the_dark(site, browser, page):
    for theme in ("light", "dark"):
        browser.show(width=1280, theme=theme)
        browser.open((site / f"{page}.html").as_uri())
        assert (browser.run("getComputedStyle(document.images[0]).filter") == "none") == (theme == "light")


@pytest.mark.parametrize("page", ["benchmarks", "faults"])
def test_no_name_in_a_table_is_broken(site, browser, page):
    browser.show(width=390, theme="light")
    browser.open((site / f"{page}.html").as_uri())
    lines = browser.run("[...document.querySelectorAll('td .pre')].map(name => name.getClientRects().length)")
    assert set(lines) == {1}
