"""Every deck, slide by slide, from its file: nothing overflows, nothing is clipped, nothing leaves the machine."""

import re
import shutil
from itertools import accumulate
from pathlib import Path

import pytest

from tests.browser.conftest import PLAYED, step
from tools.deck import FOLDER as DECKS
from tools.lesson import lessons, tags

STEMS = [lesson.stem for lesson in lessons()]
SMALLEST = 0.8

# How much of the slide is used, of the slides after the first.
FILLED = """() => Reveal.getSlides().slice(1).map((slide) => {
  const { h, v } = Reveal.getIndices(slide);
  Reveal.slide(h, v || 0, 99);
  const page = slide.querySelector('.page'), last = page.lastElementChild;
  return (last.offsetTop + last.offsetHeight) / page.clientHeight;
})"""

MEASURE = """() => {
  const slide = Reveal.getCurrentSlide(), page = slide.querySelector('.page');
  const wrong = [];
  if (page.scrollHeight > page.clientHeight + 1) wrong.push(`${page.scrollHeight - page.clientHeight} px too high`);
  for (const pre of slide.querySelectorAll('pre')) {
    if (pre.scrollWidth > pre.clientWidth + 1) wrong.push(`code clipped: ${pre.textContent.slice(0, 60)}`);
  }
  for (const image of slide.querySelectorAll('img')) {
    if (!image.naturalWidth) wrong.push('a picture is not shown');
    if (!image.alt) wrong.push('a picture without alternative text');
  }
  const zoom = Number(page.style.getPropertyValue('--zoom') || 1);
  if (zoom < SMALLEST) wrong.push(`made ${zoom} times as large to fit`);
  if (!page.querySelector('h1, h2, h3, .continued')) wrong.push('under no heading');
  if (!page.textContent.trim() && !page.querySelector('img')) wrong.push('empty');
  return wrong;
}""".replace("SMALLEST", str(SMALLEST))


def opened(watched, stem, query=""):
    watched.page.goto(f"{(DECKS / f'{stem}.html').as_uri()}{query}")
    watched.page.wait_for_function("() => window.deckReady", timeout=120_000)
    return watched.page


# The themes differ in colours alone, so two decks are walked in the dark as well.
@pytest.mark.parametrize("stem, theme", [*((stem, "light") for stem in STEMS), *((stem, "dark") for stem in STEMS[:2])])
def test_a_deck_slide_by_slide(stem, theme, watch):
    """Nothing overflows or fails; a slide for a minute, and few that are half empty."""
    watched = watch(viewport={"width": 1280, "height": 720})
    page = opened(watched, stem, f"?theme={theme}")
    total = page.evaluate("Reveal.getTotalSlides()")
    assert total > 5
    wrong, seen = {}, set()
    for _ in range(20 * total):
        here = page.evaluate("() => { const { h, v } = Reveal.getIndices(); return `${h}/${v || 0}`; }")
        if here not in seen:
            seen.add(here)
            found = page.evaluate(MEASURE)
            if found:
                wrong[here] = found
        if page.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
            break
        page.keyboard.press("Space")
    assert len(seen) == total, f"space reached {len(seen)} of {total} slides"
    assert not wrong
    filled = page.evaluate(FILLED)
    assert sum(share < 0.5 for share in filled) <= 0.1 * len(filled) + 1
    assert len(filled) <= int(next(lesson for lesson in lessons() if lesson.stem == stem).minutes) + 1
    assert page.evaluate("window.deckReady.smaller") == 0, "a slide was laid out too high"
    watched.assert_quiet()


@pytest.mark.parametrize("stem", STEMS)
def test_the_explorers_of_a_deck_move_without_a_kernel(stem, watch):
    watched = watch(viewport={"width": 1280, "height": 720})
    page = opened(watched, stem)
    players = page.evaluate("document.querySelectorAll('.explorer-player').length")
    lesson = next(lesson for lesson in lessons() if lesson.stem == stem)
    assert players == sum("explorer" in tags(cell) for cell in lesson.cells) > 0
    for i in range(players):
        page.evaluate(
            """i => {
              const slide = document.querySelectorAll('.explorer-player')[i].closest('section');
              const { h, v } = Reveal.getIndices(slide);
              Reveal.slide(h, v || 0, 99);
            }""",
            i,
        )
        player = page.query_selector_all(".explorer-player")[i]
        sliders = player.query_selector_all(PLAYED)
        assert sliders
        for slider in sliders:
            before = player.get_attribute("data-shown"), page.evaluate("JSON.stringify(Reveal.getIndices())")
            step(slider)
            after = player.get_attribute("data-shown"), page.evaluate("JSON.stringify(Reveal.getIndices())")
            assert after[0] != before[0], "the slider moved nothing"
            assert after[1] == before[1], "the arrow key changed the slide"
            picture = player.query_selector("img")
            if picture:
                page.wait_for_function("node => node.complete && node.naturalWidth > 0", arg=picture)
    watched.assert_quiet()


def test_a_deck_is_stored_as_it_was_laid_out(watch):
    text = (DECKS / f"{STEMS[1]}.html").read_text(encoding="utf-8")
    assert "data-layout" not in text and "data-show" not in text and '<section class="title"' in text
    assert not (DECKS / "layout").exists()
    page = opened(watch(viewport={"width": 800, "height": 900}), STEMS[1])
    stored = text.count('class="page"')
    assert page.evaluate("Reveal.getTotalSlides()") == page.evaluate("window.deckReady.slides") == stored


def test_a_key_shows_the_code_that_is_not_on_the_wall(watch):
    watched = watch(viewport={"width": 1280, "height": 720})
    page = opened(watched, STEMS[1])
    claimed = "Reveal.getSlides().find((slide) => slide.querySelector('.claim') && slide.querySelector('.code-behind'))"
    page.evaluate(f"() => {{ const {{ h, v }} = Reveal.getIndices({claimed}); Reveal.slide(h, v); }}")
    assert "claim(" not in page.inner_text("section.present:not(.stack) .page")
    page.keyboard.press("c")
    shown = page.locator("dialog.code-of-slide")
    assert shown.is_visible() and "claim(" in shown.inner_text()
    here = "JSON.stringify(Reveal.getIndices())"
    before = page.evaluate(here)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(here) == before, "the arrow key changed the slide behind the code"
    page.keyboard.press("c")
    assert not shown.is_visible()
    page.keyboard.press("Home")
    page.keyboard.press("c")
    assert "All code of this slide is on it." in shown.inner_text()
    page.keyboard.press("Escape")
    assert not shown.is_visible() and not page.evaluate("Reveal.isOverview()")
    watched.assert_quiet()


def test_arrows_go_through_every_slide_and_a_slider_keeps_only_them(watch):
    page = opened(watch(viewport={"width": 1280, "height": 720}), STEMS[1])
    here, end = "JSON.stringify(Reveal.getIndices())", "Reveal.isLastSlide() && !Reveal.availableFragments().next"
    seen = {page.evaluate(here.replace("getIndices()", "getSlidePastCount()"))}
    while not page.evaluate(end):
        page.keyboard.press("ArrowRight")
        seen.add(page.evaluate(here.replace("getIndices()", "getSlidePastCount()")))
    assert len(seen) == page.evaluate("Reveal.getTotalSlides()")
    page.evaluate("""() => {
      const { h, v } = Reveal.getIndices(document.querySelector('.explorer-player input[type=range]').closest('section'));
      Reveal.slide(h, v || 0, 99);
    }""")
    slider, before = page.locator("section.present .explorer-player input[type=range]").first, page.evaluate(here)
    slider.focus()
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()") and page.evaluate(here) == before
    for key in ("PageDown", "Space", "n"):
        slider.focus()
        page.keyboard.press(key)
        assert page.evaluate(here) != before, f"{key} is lost after a slider was used"
        page.keyboard.press("PageUp")
        assert page.evaluate(here) == before


def test_after_a_question_the_answer_waits_for_the_next_press(watch):
    page = opened(watch(viewport={"width": 1280, "height": 720}), STEMS[1])
    asking = """Reveal.getSlides().filter((slide) => {
      const parts = [...slide.querySelectorAll('.page > .part')];
      const at = parts.findIndex((part) => [...part.querySelectorAll('strong')].some((bold) => /^Predict/.test(bold.textContent)));
      return at >= 0 && parts.slice(at + 1).some((part) => part.matches('.output') && part.dataset.cell !== parts[at].dataset.cell);
    })"""
    assert page.evaluate(f"{asking}.length") > 0
    assert page.evaluate(f"{asking}.every((slide) => slide.querySelector('.output.fragment'))")


def test_the_speaker_view_shows_the_notes(watch):
    watched = watch(viewport={"width": 1280, "height": 720})
    page = opened(watched, STEMS[0])
    page.evaluate("""() => {
      const noted = (slide) => slide.querySelector("aside.notes").textContent.includes("For the instructor");
      const { h, v } = Reveal.getIndices(Reveal.getSlides().find(noted));
      Reveal.slide(h, v);
    }""")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    speaker = popup.value
    speaker.wait_for_function(
        "() => document.querySelector('.speaker-controls-notes .value')?.textContent.trim()", timeout=180_000
    )
    said = speaker.inner_text(".speaker-controls-notes .value")
    assert "For the instructor" in said and "at an even pace" in said
    speaker.close()


@pytest.mark.parametrize("lesson", lessons(), ids=STEMS)
def test_the_notes_carry_the_minutes_of_the_instructors_plan(lesson):
    """Each group of sections begins at the minute that the plan gives it, and no slide is before the one above it."""
    text = (DECKS / f"{lesson.stem}.html").read_text(encoding="utf-8")
    said = re.findall(r'<aside class="notes"><p>Minute (\d+) of (\d+)[.,]([^<]*)', text)
    minutes = [int(minute) for minute, _, _ in said]
    assert minutes == sorted(minutes) and minutes[0] == 0 and {whole for _, whole, _ in said} == {lesson.minutes}
    if not lesson.numbered:
        return
    begun = {int(re.search(r"(\d+) takes?", rest)[1]): int(minute) for minute, _, rest in said if rest}
    before = accumulate((more for _, more in lesson.facts["plan"]), initial=0)
    assert begun == {last: minute for (last, _), minute in zip(lesson.facts["plan"], before)}
    assert minutes[-1] == int(lesson.minutes)


def test_the_theme_is_switched_by_a_key(watch):
    page = opened(watch(viewport={"width": 1280, "height": 720}), STEMS[0])
    dark = "getComputedStyle(document.querySelector('.reveal-viewport')).backgroundColor"
    before = page.evaluate(dark)
    page.keyboard.press("d")
    assert page.evaluate(dark) != before


def test_a_printed_deck_has_a_page_for_each_slide_and_keeps_the_explorers_picture(tmp_path, watch):
    from pypdf import PdfReader

    from tools.browser import print_pdf

    stem = STEMS[1]
    page = opened(watch(viewport={"width": 1280, "height": 720}), stem)
    total = page.evaluate("Reveal.getTotalSlides()")
    at = page.evaluate("Reveal.getSlides().findIndex(slide => slide.querySelector('.explorer-player'))")
    shutil.copytree(DECKS / "assets", tmp_path / "assets")
    path = shutil.copy(DECKS / f"{stem}.html", tmp_path)
    target = print_pdf(page.context.browser, Path(path))
    pages = PdfReader(target).pages
    assert len(pages) == total
    assert len(pages[at].images) == 1 and "A recurrent cell" in pages[0].extract_text()


def test_the_list_of_decks_leads_to_each(watch):
    watched = watch()
    watched.page.goto((DECKS / "index.html").as_uri())
    links = watched.page.eval_on_selector_all("a", "nodes => nodes.map(node => node.getAttribute('href'))")
    assert links == [f"{stem}.html" for stem in STEMS] and all((DECKS / link).exists() for link in links)
    watched.assert_quiet()
