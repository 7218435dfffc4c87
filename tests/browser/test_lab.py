"""Lessons in JupyterLab: they run from top to bottom, pairs stand side by side, explorers answer the keyboard.

Which lessons a run opens, ``rotation.py`` says; ``COURSE_ROTATION=all`` opens all.
"""

import datetime
import urllib.error
import urllib.request

import pytest

from tests.rotation import AT_LEAST, chosen, lessons_now, turn_of

RUN_LIMIT_S = 1500


def lessons():
    """This turn's lessons, those that take longest first, so that two workers end together."""
    return [lesson.stem for lesson in sorted(lessons_now(), key=lambda lesson: -lesson.facts.get("cpu_s", 0))]


@pytest.mark.parametrize("n", [1, 6, 11, 20, 25])
def test_every_lesson_has_its_turn(n):
    turns = [chosen(range(n), turn) for turn in range(8)]
    assert set().union(*turns) == set(range(n)) and min(map(len, turns)) >= min(n, AT_LEAST)
    assert chosen(range(n), "all") == list(range(n)) and turns[0] == chosen(range(n), 0)
    day = datetime.date(2026, 11, 28)
    assert turn_of("", day) == day.toordinal() and turn_of("3", day) == 3 and turn_of("all", day) == "all"
    with pytest.raises(SystemExit, match="a whole number, or all"):
        turn_of("often", day)


OPENED = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session.kernel;
  await kernel.info;
  for (let i = 0; i < 300 && kernel.connectionStatus !== 'connected'; i += 1) {
    await new Promise((done) => setTimeout(done, 100));
  }
  return kernel.connectionStatus;
}"""
ERRORS = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
  const found = [];
  for (let i = 0; i < cells.length; i += 1) {
    const cell = cells.get(i);
    if (cell.type !== 'code') continue;
    if (cell.sharedModel.source.trim() && cell.executionCount === null) found.push(`cell ${i} did not run`);
    for (const output of cell.outputs.toJSON()) {
      if (output.output_type === 'error') found.push(`cell ${i}: ${output.ename}: ${output.evalue}`);
      const text = output.text || '';
      if (output.name === 'stderr' && text) found.push(`cell ${i} wrote to stderr: ${String(text).slice(0, 200)}`);
    }
  }
  return found;
}"""
TAGGED = """(tag) => window.jupyterapp.shell.currentWidget.content.widgets
  .map((cell, i) => [i, cell.model.getMetadata('tags') || []]).filter(([, tags]) => tags.includes(tag)).map(([i]) => i)"""
SCROLL = """async (i) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = i;
  await notebook.scrollToItem(i, 'start');
}"""
BOX = """(i) => {
  const node = window.jupyterapp.shell.currentWidget.content.widgets[i].node;
  const code = node.querySelector('.cm-scroller');
  const { left, right, top, width } = node.getBoundingClientRect();
  return { left, right, top, width, hidden: code ? code.scrollWidth - code.clientWidth : 0 };
}"""
CONTROLS = ".noUi-handle, input[type=checkbox], input[type=text], select, button.jupyter-button"


def move(page, control):
    """Move a control by keyboard; a slider at its end moves back."""
    kind = control.evaluate("node => node.matches('.noUi-handle') ? 'slider' : node.type || node.tagName.toLowerCase()")
    control.focus()
    if kind == "slider":
        at = [control.get_attribute(name) for name in ("aria-valuenow", "aria-valuemax")]
        page.keyboard.press("ArrowLeft" if float(at[0]) >= float(at[1]) else "ArrowRight")
    elif kind == "checkbox":
        page.keyboard.press("Space")
    elif kind == "text":
        page.keyboard.press("End")
        page.keyboard.type("a")
        page.keyboard.press("Enter")
    elif kind.startswith("select"):
        last = control.evaluate("node => node.selectedIndex === node.options.length - 1")
        page.keyboard.press("ArrowUp" if last else "ArrowDown")
    else:
        page.keyboard.press("Enter")


def test_a_token_is_asked_for_although_the_readers_own_settings_switch_it_off(lab):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(lab("x").partition("/lab/")[0] + "/api/contents", timeout=30)


@pytest.mark.parametrize("stem", lessons())
def test_a_lesson_in_jupyterlab(stem, lab, watch, record_property):
    watched = watch(viewport={"width": 1440, "height": 1000})
    page = watched.page
    page.goto(lab(f"notebooks/{stem}.ipynb"))
    page.wait_for_function("() => window.jupyterapp", timeout=120_000)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    assert page.evaluate(OPENED) == "connected"
    assert page.query_selector(".jp-Dialog") is None, page.inner_text(".jp-Dialog")

    page.evaluate("""() => {
      window.ran = '';
      window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.ran = 'done'; });
    }""")
    page.wait_for_function("() => window.ran === 'done'", timeout=RUN_LIMIT_S * 1000, polling=500)
    assert page.evaluate(ERRORS) == []

    halves = list(zip(page.evaluate(TAGGED, "pytorch"), page.evaluate(TAGGED, "keras")))
    for left, right in halves:
        page.evaluate(SCROLL, left)
        page.wait_for_timeout(150)
        one, other = page.evaluate(BOX, left), page.evaluate(BOX, right)
        assert one["right"] <= other["left"] + 1 and abs(one["top"] - other["top"]) < 2, (
            f"cells {left}, {right}: not a pair"
        )
        assert abs(one["width"] - other["width"]) < 2 and one["width"] > 400
        # JupyterLab's own caret and line ends take up to two pixels of a line that fits.
        assert max(one["hidden"], other["hidden"]) <= 2, f"cells {left}, {right}: code must be scrolled sideways"

    answers = []
    for cell in page.evaluate(TAGGED, "explorer"):
        page.evaluate(SCROLL, cell)
        page.wait_for_timeout(300)
    explorers = page.query_selector_all(".course-explorer")
    assert explorers or not page.evaluate(TAGGED, "explorer")
    for explorer in explorers:
        controls = explorer.query_selector_all(CONTROLS)
        assert controls, "an explorer without a control that the keyboard reaches"
        for control in controls:
            before = explorer.query_selector("[data-answer]").get_attribute("data-answer")
            move(page, control)
            for _ in range(200):
                answer = explorer.query_selector("[data-answer]")
                if answer.get_attribute("data-answer") != before:
                    break
                page.wait_for_timeout(50)
            assert answer.get_attribute("data-answer") != before, "a control was moved and the explorer did not answer"
            answers.append(float(answer.get_attribute("data-ms")))
    record_property("answers_ms", answers)
    watched.assert_quiet()
    page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")
