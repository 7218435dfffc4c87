"""Decks and site in Firefox: Chromium laid the decks out, and what it stored must fit in another browser too."""

import json

import pytest

from tests.browser.conftest import LOCAL
from tests.browser.firefox import Firefox
from tests.browser.test_decks import MEASURE
from tests.browser.test_live import ANSWER, PANELS, STATE, page_of
from tests.rotation import lessons_now, turn_now
from tools.deck import FOLDER as DECKS
from tools.site import FOLDER as SITE

NOW = lessons_now()
PANELS_NOW = list(PANELS) if turn_now() == "all" else [list(PANELS)[turn_now() % len(PANELS)]]
PAGES = ["index.html", "claims.html", "ledger.html", f"lessons/{NOW[0].stem}.html"]
PICTURES = "[...document.images].filter((image) => image.complete && !image.naturalWidth).map((image) => image.alt)"


@pytest.fixture(scope="session")
def firefox(tmp_path_factory):
    with Firefox(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest.fixture
def opened(firefox):
    """Open a file in a tab; all tabs are closed after the test."""
    tabs = []

    def open_file(path, **size):
        tabs.append(firefox.open(path.as_uri(), **size))
        return tabs[-1]

    yield open_file
    for tab in tabs:
        tab.close()


def outside(page):
    return [address for address in page.requests if not LOCAL.match(address)]


def assert_quiet(page):
    assert not outside(page), f"requests that leave this machine: {outside(page)[:5]}"
    assert not page.errors, f"errors in the browser's console: {page.errors[:5]}"


def test_what_goes_wrong_on_a_page_is_noticed(opened, tmp_path):
    """Of the tests below, which are quiet if all is well: an error, a script that stops, a request."""
    path = tmp_path / "page.html"
    path.write_text(
        '<!doctype html><title>A page</title><img alt="" src="https://example.invalid/picture.png">'
        '<script>console.error("an error"); setTimeout(() => { throw new Error("a stop"); });</script>',
        encoding="utf-8",
    )
    page = opened(path)
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 200))")
    assert page.errors == ["an error", "Error: a stop"]
    assert outside(page) == ["https://example.invalid/picture.png"]


@pytest.mark.parametrize("stem", [lesson.stem for lesson in NOW])
def test_a_deck_slide_by_slide(stem, opened):
    path = DECKS / f"{stem}.html"
    page = opened(path)
    page.wait_for("window.deckReady", seconds=120)
    stored = path.read_text(encoding="utf-8").count('class="page"')
    assert page.evaluate("Reveal.getTotalSlides()") == stored
    wrong = page.evaluate(
        f"""(async () => {{
          const found = {{}};
          for (const slide of Reveal.getSlides()) {{
            const {{ h, v }} = Reveal.getIndices(slide);
            Reveal.slide(h, v || 0, 99);
            await new Promise(requestAnimationFrame);
            const wrong = ({MEASURE})();
            if (wrong.length) found[`${{h}}/${{v || 0}}`] = wrong;
          }}
          return found;
        }})()"""
    )
    assert not wrong
    page.press("Home")
    page.press("Space")
    assert page.wait_for('JSON.stringify(Reveal.getIndices()) !== \'{"h":0,"v":0}\'')
    assert_quiet(page)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_and_fits(name, opened):
    for width, height in ((1440, 900), (390, 844)):
        page = opened(SITE / name, width=width, height=height)
        page.evaluate("window.MathJax?.startup?.promise?.then(() => true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(PICTURES) == []
        assert_quiet(page)


def test_the_index_of_claims_shows_those_that_say_a_word(opened):
    page = opened(SITE / "claims.html", width=1440, height=900)
    visible = "[...document.querySelectorAll('.claim-entry')].filter((entry) => entry.checkVisibility()).map((entry) => entry.innerText)"
    every = page.evaluate(f"{visible}.length")
    page.evaluate("document.querySelector('.claim-filter input').focus()")
    for letter in "polynomial":
        page.press(letter)
    left = page.evaluate(visible)
    assert 0 < len(left) < every / 10
    assert page.evaluate("document.querySelector('.claim-filter output').textContent").startswith(f"{len(left)} claim")


@pytest.mark.parametrize("stem", PANELS_NOW)
def test_a_panel_gives_the_numbers_of_both_frameworks(stem, opened):
    page = opened(SITE / page_of(stem), width=1440, height=900)
    page.evaluate(f"document.getElementById('live-{stem}').scrollIntoView()")
    assert page.wait_for(f"({STATE})({stem!r})", seconds=120) == "ready"
    for name, model in PANELS[stem]["models"].items():
        for answer in model["answers"]:
            found = page.evaluate(f"({ANSWER})({json.dumps([stem, name, answer['x']])})")
            largest = max(map(abs, answer["PyTorch"]))
            for framework in ("PyTorch", "Keras"):
                apart = max(abs(a - b) for a, b in zip(found, answer[framework], strict=True))
                assert apart < 1e-4 * largest, f"{name}, {framework}"
    assert_quiet(page)
