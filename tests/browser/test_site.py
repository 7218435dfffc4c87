"""The site, from its files: links lead somewhere, pages are readable by all and on a phone, nothing leaves the machine."""

import functools
import re
from urllib.parse import unquote, urldefrag

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

from tests.browser.conftest import PLAYED, step
from tests.rotation import lessons_now
from tools import assets
from tools.lesson import lessons, pairs
from tools.site import FOLDER as SITE

LESSONS = [f"lessons/{lesson.stem}.html" for lesson in lessons()]
LISTS = ["index.html", "notation.html", "figures.html", "claims.html", "ledger.html", "full.html", "search.html"]
PAGES = [*LISTS, *LESSONS]
# The schemes differ in colours alone, so that the lessons take turns in the dark.
DARK = [*LISTS, *(f"lessons/{lesson.stem}.html" for lesson in lessons_now())]


def shown(watch, path, **options):
    watched = watch(**options)
    watched.page.goto((SITE / path).as_uri())
    watched.page.wait_for_load_state("load")
    watched.page.wait_for_function("() => !window.MathJax || !MathJax.startup || MathJax.startup.promise")
    watched.page.evaluate("async () => { if (window.MathJax?.startup?.promise) await MathJax.startup.promise; }")
    return watched


@functools.cache
def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@functools.cache
def places(path):
    return {node["id"] for node in soup(path).find_all(id=True)}


def test_all_links_and_pictures_are_there():
    missing = []
    for page in PAGES:
        for node in soup(SITE / page).find_all(["a", "img", "script", "link"]):
            target = node.get("href") or node.get("src") or ""
            if not target or target.startswith(("data:", "javascript:", "mailto:", "http:", "https:")):
                continue
            address, anchor = urldefrag(target)
            file = ((SITE / page).parent / unquote(address.partition("?")[0])).resolve() if address else SITE / page
            if not file.is_file():
                missing.append(f"{page}: {target}")
            elif anchor and file.suffix == ".html" and unquote(anchor) not in places(file):
                missing.append(f"{page}: {target} (no such place)")
    assert not missing, missing[:20]


def test_the_typefaces_have_every_character():
    """Decks and site bring them along, so that no page shows an empty box on a machine with few."""
    packages = assets.install() / "@fontsource"
    files = [
        file for family in assets.WEIGHTS for file in (packages / family / "files").glob(f"{family}-*-400-normal.woff")
    ]
    bounds = re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", assets.SYMBOLS)
    symbols = {code for low, high in bounds for code in range(int(low, 16), int(high or low, 16) + 1)}
    symbols &= set(TTFont(SITE / "_static" / "fonts" / "files" / "DejaVuSansMono.ttf").getBestCmap())
    known = symbols.union(*(TTFont(file).getBestCmap() for file in files))
    shown = {page: soup(SITE / page).get_text() for page in LESSONS}
    lost = {page: sorted({c for c in text if ord(c) > 126 and ord(c) not in known}) for page, text in shown.items()}
    assert not any(lost.values()), {page: characters for page, characters in lost.items() if characters}


@pytest.mark.parametrize("path, scheme", [*((path, "light") for path in PAGES), *((path, "dark") for path in DARK)])
def test_a_page_is_quiet_and_accessible(path, scheme, watch):
    watched = shown(watch, path, viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    watched.page.add_script_tag(path=assets.install() / "axe-core" / "axe.min.js")
    found = watched.page.evaluate(
        """async () => {
          const result = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations'], preload: false });
          return result.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
            .map(({ id, nodes }) => `${id} (${nodes.length}): ${nodes[0].html.slice(0, 160)}`);
        }"""
    )
    assert found == []
    watched.assert_quiet()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone(path, watch):
    page = shown(watch, path, viewport={"width": 390, "height": 844}).page
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"{width} px wide"


@pytest.mark.parametrize("path", LESSONS)
def test_figures_explorers_and_pairs_of_a_lesson(path, watch):
    watched = shown(watch, path, viewport={"width": 900, "height": 900})
    page = watched.page
    assert page.evaluate("[...document.querySelectorAll('article img')].filter(image => !image.alt).length") == 0

    for player in page.query_selector_all(".explorer-player"):
        before = player.get_attribute("data-shown")
        step(player.query_selector(PLAYED))
        assert player.get_attribute("data-shown") != before

    shown_pairs = page.query_selector_all(".pair")
    lesson = next(lesson for lesson in lessons() if lesson.stem in path)
    assert len(shown_pairs) == sum(len(group) == 2 for group in pairs(lesson.cells))
    visible = "() => [...document.querySelectorAll('.pair')].map(pair => [...pair.querySelectorAll('.pair-panel')].map(p => p.offsetWidth > 0))"
    assert all(state == [True, False] for state in page.evaluate(visible))
    if shown_pairs:
        page.click(".pair [role=tab]:nth-child(2)")
        assert all(state == [False, True] for state in page.evaluate(visible)), "one choice moves all pairs"
        page.set_viewport_size({"width": 1900, "height": 900})
        assert all(state == [True, True] for state in page.evaluate(visible)), "side by side where there is room"
    watched.assert_quiet()


def test_the_index_of_claims_shows_those_that_say_the_words(watch):
    watched = shown(watch, "claims.html", viewport={"width": 1440, "height": 900})
    page = watched.page
    entries, lessons_shown = page.locator(".claim-entry:visible"), page.locator("section > h2:visible")
    every, all_lessons = entries.count(), lessons_shown.count()
    page.get_by_label("Show the claims that say").fill("polynomial zebra")
    assert entries.count() == 0 and lessons_shown.count() == 0
    assert page.inner_text(".claim-filter output") == "0 claims"
    page.get_by_label("Show the claims that say").fill("WINS chaos polynomial")
    assert any("The polynomial wins" in text for text in entries.all_inner_texts()) and entries.count() < every / 100
    assert page.inner_text(".claim-filter output").startswith(f"{entries.count()} claim")
    assert lessons_shown.all_inner_texts() == [text for text in lessons_shown.all_inner_texts() if "Chaos" in text]
    page.get_by_label("Show the claims that say").fill("")
    assert entries.count() == every and lessons_shown.count() == all_lessons
    watched.assert_quiet()


def test_the_ledger_is_a_list_of_its_rows_on_a_phone_and_its_links_lead_to_the_rows(watch):
    watched = shown(watch, "ledger.html", viewport={"width": 390, "height": 844})
    page = watched.page
    entry = page.locator(".ledger td[data-label]").first
    assert entry.evaluate("node => getComputedStyle(node, '::before').content") == '"Task"'
    assert entry.bounding_box()["width"] > 300
    page.set_viewport_size({"width": 1440, "height": 900})
    assert entry.bounding_box()["width"] < 300
    row = page.locator(".ledger tbody").filter(has_text="polynomial, degree 6")
    row.locator("summary").click()
    assert "The polynomial wins by Lyapunov times" in row.locator(".claim-entry").first.inner_text()
    row.locator(".ledger-lesson a").click()
    page.wait_for_url("**/lessons/01c_chaos.html#ledger-01c")
    heading = "[...document.querySelectorAll('h2')].find((node) => node.innerText.includes('The ledger'))"
    page.wait_for_function(
        f"(() => {{ const top = {heading}.getBoundingClientRect().top; return top > 0 && top < 300; }})()"
    )
    watched.assert_quiet()


def test_the_search_finds_a_lesson(watch):
    watched = watch(viewport={"width": 1440, "height": 900})
    watched.page.goto(f"{(SITE / 'search.html').as_uri()}?q=sunspots")
    watched.page.wait_for_selector("#search-results li a", timeout=30_000)
    assert "lessons/01b" in watched.page.get_attribute("#search-results li a", "href")
    watched.assert_quiet()
