"""The drawing pad in JupyterLab: what a hand draws arrives as a digit of 28 × 28, and an empty pad says so."""

import re

import nbformat

from tests.browser.test_lab import OPENED, SCROLL
from tests.browser.test_race import put, run

SOURCE = """\
import numpy as np

from course_lib import explorer, pad

board = pad.Pad({"a bar": np.eye(28), "nothing": np.zeros((28, 28))})


def draw(your_digit):
    tall, wide = (int((your_digit.max(axis=axis) > 0.3).sum()) for axis in (1, 0))
    return f"{tall} high, {wide} wide"


panel = explorer.Explorer(draw, {"your_digit": board}, title="Pad")
panel"""


def test_a_digit_is_drawn_by_hand_or_taken_by_keyboard(lab, watch):
    url = lab("notebooks/pad.ipynb")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(SOURCE)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    put(url, "api/contents/notebooks/pad.ipynb", {"type": "notebook", "format": "json", "content": notebook})
    watched = watch(viewport={"width": 1440, "height": 1000})
    page = watched.page
    page.goto(url)
    page.wait_for_function("() => window.jupyterapp", timeout=120_000)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    assert page.evaluate(OPENED) == "connected"
    run(page, 0)
    page.evaluate(SCROLL, 0)
    panel = page.locator(".course-explorer")
    panel.get_by_text("28 high, 28 wide").wait_for(timeout=60_000)
    assert panel.get_by_text("your digit").count() == 1

    pad = panel.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 98, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 98, box["y"] + 160, steps=8)
    page.mouse.up()
    drawn = panel.get_by_text(re.compile(r"(1[89]|2[01]) high, [2-4] wide"))  # as MNIST holds its digits
    drawn.wait_for(timeout=60_000)
    panel.get_by_text("Clear").click()
    panel.get_by_text("The pad is empty").wait_for(timeout=60_000)
    assert drawn.count() == 1  # and nothing was sent
    chosen = panel.locator("select")
    chosen.focus()
    page.keyboard.press("ArrowDown")
    panel.get_by_text("28 high, 28 wide").wait_for(timeout=60_000)
    assert panel.get_by_text("The pad is empty").count() == 0
    watched.assert_quiet()
    page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")
