"""Panels that compute in the browser: what they say equals what both frameworks said; they answer at once, from a file and
from a server; nothing leaves the folder; a browser that cannot says so."""

import functools
import http.server
import json
import math
import shutil
import statistics
import threading

import pytest

from tools.deck import FOLDER as DECKS
from tools.lesson import lessons
from tools.live.panels import STORED
from tools.site import FOLDER as SITE

PANELS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(STORED.glob("*.json"))}
STEM = {lesson.number: lesson.stem for lesson in lessons()}
STATE = "stem => document.getElementById('live-' + stem).dataset.state"
ANSWER = """async ([stem, name, x]) => {
  const net = document.getElementById('live-' + stem).nets[name];
  return Array.from(await net.answer(x));
}"""


def page_of(stem):
    return f"lessons/{STEM[PANELS[stem]['lesson']]}.html"


def turn_to(page, stem):
    """Scroll to a panel and wait until it computes, or says that it cannot."""
    page.locator(f"#live-{stem}").scroll_into_view_if_needed()
    page.wait_for_function(f"({STATE})({stem!r})", timeout=120_000)
    return page.evaluate(STATE, stem)


@pytest.fixture(scope="module")
def server():
    class Quiet(http.server.SimpleHTTPRequestHandler):
        extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript",
                          ".wasm": "application/wasm"}  # fmt: skip

        def log_message(self, *words):
            pass

    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("way", ["file", "server"])
@pytest.mark.parametrize("stem", PANELS)
def test_the_browsers_numbers_are_those_of_both_frameworks(stem, way, watch, request, record_property):
    watched = watch(viewport={"width": 1440, "height": 900})
    page = watched.page
    page.goto(
        (SITE / page_of(stem)).as_uri() if way == "file" else f"{request.getfixturevalue('server')}/{page_of(stem)}"
    )
    assert turn_to(page, stem) == "ready"
    for name, model in PANELS[stem]["models"].items():
        for answer in model["answers"]:
            found = page.evaluate(ANSWER, [stem, name, answer["x"]])
            largest = max(map(abs, answer["PyTorch"]))
            for framework in ("PyTorch", "Keras"):
                apart = max(abs(a - b) for a, b in zip(found, answer[framework], strict=True))
                assert apart < 1e-4 * largest, f"{name}, {framework}"
        took = page.evaluate(
            """async ([stem, name, x]) => {
              const net = document.getElementById('live-' + stem).nets[name], times = [];
              for (let i = 0; i < 40; i += 1) { const begin = performance.now(); await net.answer(x); times.push(performance.now() - begin); }
              return times;
            }""",
            [stem, name, model["answers"][0]["x"]],
        )
        record_property("page_ms", [f"{stem} {name}", statistics.median(took), sorted(took)[int(0.95 * len(took))]])
    watched.assert_quiet()


def ready(watch, stem):
    """A watched page of the site and itself, once the panel on it computes."""
    watched = watch(viewport={"width": 1440, "height": 900})
    watched.page.goto((SITE / page_of(stem)).as_uri())
    assert turn_to(watched.page, stem) == "ready"
    return watched, watched.page


def words(page, stem):
    return page.inner_text(f"#live-{stem} .live-words")


def test_a_drawing_is_copied_and_its_code_edited(watch):
    watched, page = ready(watch, "04a-draw")
    panel = page.locator("#live-04a-draw")
    panel.get_by_role("button", name="Clear").click()
    assert "The pad is empty" in words(page, "04a-draw")
    box = panel.locator(".live-pad").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    page.wait_for_function(
        "() => document.querySelector('#live-04a-draw .live-words').innerText.startsWith('The copy differs')"
    )
    # the stroke is a one: as the data set would hold it, 20 pixels high, and well copied
    assert float(words(page, "04a-draw").split("by ")[1].split(" ")[0]) < 0.05
    before = words(page, "04a-draw")
    panel.locator("input[type=range]").nth(1).press("End")
    page.wait_for_function(
        "before => document.querySelector('#live-04a-draw .live-words').innerText !== before", arg=before
    )
    assert words(page, "04a-draw").startswith("Code number 1 is")
    watched.assert_quiet()


def test_a_name_is_read_and_strange_letters_are_named(watch):
    watched, page = ready(watch, "01d-type")
    assert words(page, "01d-type").startswith("papadopoulos: Greek")
    field = page.locator("#live-01d-type input[type=text]")
    field.fill("Ångström7")
    page.wait_for_function("() => document.querySelector('#live-01d-type .live-words').innerText.includes('angstrom:')")
    assert words(page, "01d-type").startswith("Not in the alphabet and left out: 7. angstrom:")
    field.fill("")
    page.wait_for_function(
        "() => document.querySelector('#live-01d-type .live-words').innerText.includes('The name is empty')"
    )
    watched.assert_quiet()


def test_the_plane_follows_pointer_and_sliders(watch):
    watched, page = ready(watch, "07b-plane")
    box = page.locator("#live-07b-plane .live-pad").bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_function("() => document.querySelector('#live-07b-plane .live-words').innerText.includes('100.0 %')")
    page.locator("#live-07b-plane input[type=range]").first.press("End")
    page.wait_for_function("() => document.querySelector('#live-07b-plane .live-words').innerText.includes(' 0.0 %')")
    watched.assert_quiet()


GREYS = """([stem, nth, side]) => {
  const canvas = document.querySelectorAll(`#live-${stem} canvas`)[nth], { width } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, width);
  const middle = (k) => Math.floor(((k + 0.5) * width) / side);
  return Array.from({ length: side * side }, (_, i) => data[4 * (middle(Math.floor(i / side)) * width + middle(i % side))]);
}"""


def says(page, stem, begins):
    page.wait_for_function(
        "([stem, begins]) => document.querySelector(`#live-${stem} .live-words`).innerText.startsWith(begins)",
        arg=[stem, begins],
    )
    return words(page, stem)


def assert_shows(page, stem, nth, side, scores):
    """A picture of a panel is what a decoder's scores say, to one level of grey."""
    shown = page.evaluate(GREYS, [stem, nth, side])
    assert max(abs(grey - 255 / (1 + math.exp(-score))) for grey, score in zip(shown, scores, strict=True)) <= 1


def test_a_digit_pays_the_prices(watch):
    stem = "07c-price"
    watched, page = ready(watch, stem)
    digits, prices = (page.locator(f"#live-{stem} select").nth(k) for k in (0, 1))
    digits.select_option("5")
    for beta in ("0.1", "0.3", "3", "10", "1"):
        prices.select_option(label=beta)
        said = says(page, stem, f"This digit at β = {beta}:")
        code, picture = (PANELS[stem]["models"][f"{part}-{beta}"]["answers"][1] for part in ("encoder", "decoder"))
        for framework in ("PyTorch", "Keras"):
            rates = [0.5 * (mu**2 + math.exp(s) - 1 - s) for mu, s in zip(code[framework][:10], code[framework][10:])]
            assert float(said.split("R = ")[1].split(",")[0]) == pytest.approx(sum(rates), abs=0.051)
            assert_shows(page, stem, 2, 14, picture[framework])
        if beta == "10":
            assert said.endswith(" 0 of 10 units speak.")
    watched.assert_quiet()


def test_a_walk_back_is_that_of_both_frameworks_and_can_be_drawn(watch):
    stem = "07e-walk"
    watched, page = ready(watch, stem)
    steps, way = (page.locator(f"#live-{stem} select").nth(k) for k in (0, 1))
    slider = page.locator(f"#live-{stem} input[type=range]")
    steps.select_option("5")
    says(page, stem, "Step 5 of 5")
    for k, answer in zip((0, 2, 5), PANELS[stem]["models"]["decoder"]["answers"], strict=True):
        slider.press("Home")
        for _ in range(k):
            slider.press("ArrowRight")
        says(page, stem, f"Step {k} of 5")
        for framework in ("PyTorch", "Keras"):
            for nth in (0, 1):
                assert_shows(page, stem, nth, 28, answer[framework][784 * nth : 784 * (nth + 1)])

    def changes(act):
        before = page.evaluate(GREYS, [stem, 0, 28])
        act()
        page.wait_for_function(f"([where, before]) => ({GREYS})(where).join() !== before.join()", arg=[[stem, 0, 28], before])  # fmt: skip

    panel = page.locator(f"#live-{stem}")
    anew = panel.get_by_role("button", name="Draw the steps anew")
    assert anew.is_hidden()
    changes(lambda: way.select_option("draw"))
    changes(anew.click)
    changes(panel.get_by_role("button", name="Another start").click)
    page.evaluate(
        """stem => {
          const words = document.querySelector(`#live-${stem} .live-words`);
          window.said = [];
          new MutationObserver(() => said.push(words.innerText.slice(0, 11))).observe(words, { childList: true });
        }""",
        stem,
    )
    panel.get_by_role("button", name="Walk step by step").click()
    page.wait_for_function("said.includes('Step 5 of 5')")
    assert page.evaluate("said") == [f"Step {k} of 5" for k in range(6)]
    watched.assert_quiet()


def inside(page):
    """What the panel of 03a shows in numbers at its step: input, forget, output, candidate, cell, hidden, answer."""
    label = page.locator("#live-03a-gates canvas").nth(1).get_attribute("aria-label")
    return [float(each.rpartition(" ")[2].replace("−", "-")) for each in label.partition(": ")[2].split(", ")]


def test_a_sequence_is_fed_and_the_gates_are_those_of_both_frameworks(watch):
    stem = "03a-gates"
    watched, page = ready(watch, stem)
    panel = page.locator(f"#live-{stem}")
    cell, unit = (panel.locator("select").nth(k) for k in (0, 1))
    step = panel.locator("input[type=range]")
    for which, (name, h) in enumerate((("trained", 8), ("pencil", 1))):
        cell.select_option(str(which))
        if h > 1:
            unit.select_option(str(h))
        answers = PANELS[stem]["models"][name]["answers"]
        for sequence, answer in zip(PANELS[stem]["data"]["sequences"], answers, strict=True):
            panel.get_by_role("button", name=sequence).click()
            for key, t in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("End", 19)):
                step.press(key)
                says(page, stem, f"Step {t + 1}: ")
                for framework in ("PyTorch", "Keras"):
                    row = answer[framework][t * (6 * h + 1) : (t + 1) * (6 * h + 1)]
                    assert inside(page) == pytest.approx(row[h - 1 :: h][:6] + row[-1:], abs=0.0051)
    watched.assert_quiet()


def test_values_and_marks_are_set_by_pointer_and_keyboard(watch):
    stem = "03a-gates"
    watched, page = ready(watch, stem)
    panel = page.locator(f"#live-{stem}")
    step, value, mark = (panel.locator(f"input[type={kind}]") for kind in ("range", "number", "checkbox"))
    panel.locator("select").first.select_option("1")  # by pencil: it answers the value, or a little less
    box = panel.locator(".live-pad").bounding_box()

    def at(t, down):
        """The middle of a step, in the upper row of marks or in the field of values."""
        left, right = 74, 50  # room for the words and for the number
        return box["x"] + left + (t - 0.5) * (box["width"] - left - right) / 20, box["y"] + down

    panel.get_by_role("button", name="Clear").click()
    assert "the cell says 0.00, from its biases alone" in says(page, stem, "The sequence is empty: ")
    page.mouse.click(*at(5, 12))  # marked, and 0
    says(page, stem, "Step 5: it says 0.00, due is 0.00. Step 20: it says 0.00")
    assert mark.is_checked()
    page.mouse.move(*at(5, 55))
    page.mouse.down()
    page.mouse.move(*at(5, 10), steps=3)  # beyond the highest value
    page.mouse.up()
    says(page, stem, "Step 5: it says 1.48, due is 1.50. Step 20: it says 1.48")
    assert value.input_value() == "1.5"
    page.mouse.click(*at(5, 12))
    says(page, stem, "Step 5: it says 0.00, due is 0.00")
    mark.press("Space")
    value.press("Control+a")
    value.press_sequentially("-0.6")
    exact = "it says −0.60, due is −0.60."
    says(page, stem, f"Step 5: {exact} Step 20: {exact} Unit 1: f is 0.00 at a mark, 1.00 without")
    for wrong in ("3", ""):
        value.fill(wrong)
        said = says(page, stem, f"{wrong or 'What stands there'} is not taken: step 5 holds −0.6; ")
        assert said.endswith("a value lies between −1.5 and 1.5.")
    value.blur()
    assert value.input_value() == "-0.6"
    step.press("End")
    says(page, stem, "Step 20: it says −0.60, due is −0.60. Unit 1")
    page.evaluate(
        """stem => {
          const words = document.querySelector(`#live-${stem} .live-words`);
          window.said = [];
          new MutationObserver(() => said.push(words.innerText.split(":")[0])).observe(words, { childList: true });
        }""",
        stem,
    )
    panel.get_by_role("button", name="Step by step").click()
    page.wait_for_function("said.includes('Step 20')")
    assert page.evaluate("said") == [f"Step {t}" for t in range(1, 21)]
    watched.assert_quiet()


@pytest.mark.parametrize("stem", PANELS)
def test_a_panel_computes_on_its_slide(stem, watch):
    watched = watch(viewport={"width": 1280, "height": 720})
    page = watched.page
    page.goto((DECKS / f"{STEM[PANELS[stem]['lesson']]}.html").as_uri())
    page.wait_for_function("window.deckReady", timeout=60_000)
    page.evaluate(
        """stem => {
          const slide = document.getElementById('live-' + stem).closest('section');
          const { h, v } = Reveal.getIndices(slide);
          Reveal.slide(h, v, 99);
        }""",
        stem,
    )
    page.wait_for_function(f"({STATE})({stem!r})", timeout=120_000)
    assert page.evaluate(STATE, stem) == "ready"
    inside = page.evaluate(
        """stem => {
          const slide = document.getElementById('live-' + stem).closest('section').getBoundingClientRect();
          const stage = document.querySelector(`#live-${stem} .live-stage`);
          const words = document.querySelector(`#live-${stem} .live-words`).getBoundingClientRect();
          return words.bottom <= innerHeight && stage.scrollHeight <= stage.clientHeight + 1 && stage.scrollWidth <= stage.clientWidth + 1;
        }""",
        stem,
    )
    assert inside, "the drawn panel is larger than the room that the layout gave it"
    watched.assert_quiet()


def test_a_browser_without_webassembly_says_so_and_keeps_the_recorded_pictures(watch):
    watched = watch(viewport={"width": 1440, "height": 900})
    watched.page.add_init_script("delete window.WebAssembly")
    watched.page.goto((SITE / page_of("04a-draw")).as_uri())
    assert turn_to(watched.page, "04a-draw") == "failed"
    assert "this browser has no WebAssembly" in words(watched.page, "04a-draw")
    assert watched.page.locator(".explorer-player").count()


def test_a_model_that_is_missing_beside_the_page_is_named(watch, tmp_path):
    stem = "01d-type"
    for part in ("lessons", "_static"):
        shutil.copytree(SITE / part, tmp_path / part)
    (tmp_path / "_static" / "live" / f"{stem}.js").unlink()
    watched = watch(viewport={"width": 1440, "height": 900})
    watched.page.goto((tmp_path / page_of(stem)).as_uri())
    assert turn_to(watched.page, stem) == "failed"
    assert f"{stem}.js is missing beside this page" in words(watched.page, stem)
