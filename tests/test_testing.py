"""Lessons as tests: pytest fails where a lesson no longer says what it said, and says so in words."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.test_ranges import show
from tools.lesson import ROOT

PICTURE = """
import io
from IPython.display import Image, display
from PIL import Image as Canvas, ImageDraw
def line(at=100):
    drawn = Canvas.new("RGB", (320, 200), (255, 255, 255))
    ImageDraw.Draw(drawn).line([(20, at), (300, at)], fill="black", width=2)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    display(Image(file.getvalue()))
"""


def write(path, *cells):
    """A notebook of cells (source, stored outputs or None if never run, tags)."""
    made = [new_markdown_cell("# 98 · A test"), new_markdown_cell("## 1 · The first")]
    for count, (source, outputs, tags) in enumerate(cells, start=1):
        cell = new_code_cell(source, outputs=show(*(outputs or [])), execution_count=None if outputs is None else count)
        cell.metadata["tags"] = tags
        made.append(cell)
        if count == 3:
            made.append(new_markdown_cell("## 2 · The second"))
    nbformat.write(new_notebook(cells=made), path)
    return path


def run(path, *options):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        str(path),
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(ROOT),
    ]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}
    done = subprocess.run(
        [*command, "-p", "tools.testing", "-ra", *options],
        cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = write(
        tmp_path_factory.mktemp("lesson") / "98_test.ipynb",
        (PICTURE, [], []),
        ("print(f'loss {0.123456:.4f}')", ["loss 0.1235\n"], []),
        ("print('accuracy 0.50')", ["accuracy 0.98\n"], ["claim"]),
        ("print('Keras')", ["PyTorch\n"], ["claim"]),
        ("print('new')", [], ["claim"]),
        ("line(150)", [], []),
        ("print('never run')", None, []),
        ("print('measured 3'); assert 3 < 2, 'three is not below two'", [], ["claim"]),
        ("print('after')", ["after\n"], []),
        ("print('after')", ["after\n"], []),
    )
    return run(path)


@pytest.mark.parametrize(
    "line",
    [
        r"FAILED .*::§1 · The first: claim 1 - Failed: stored 0.98, now 0.50, after “accuracy”",
        r"FAILED .*::§2 · The second: claim 1 - Failed: the words differ: stored 'PyTorch', now 'Keras'",
        r"FAILED .*::§2 · The second: claim 2 - Failed: it shows other things: stored nothing; now stdout",
        r"FAILED .*::§2 · The second: cell 1 - Failed: it shows other things: stored nothing; now picture 1",
        r"FAILED .*::§2 · The second: cell 2 - Failed: it was never run. Store the lesson again: course run 98",
        r"FAILED .*::§2 · The second: claim 3 - Failed: AssertionError: three is not below two",
        r"SKIPPED \[2\] .*98: not run, because “§2 · The second: claim 3” raised",
        r"--- printed before\nmeasured 3",
    ],
)
def test_the_report_says_where_and_what(report, line):
    assert re.search(line, report), report


def test_the_report_is_plain_text_and_counts(report):
    assert "\x1b[" not in report
    assert "6 failed, 2 passed, 2 skipped" in report


def test_asking_for_one_cell_runs_those_before_it(tmp_path):
    path = write(tmp_path / "98_test.ipynb", ("x = 3", [], []), ("y = 4", [], []), ("print(x + y)", ["7\n"], ["claim"]))
    assert "1 passed, 2 deselected" in run(path, "-k", "claim")


def test_a_kernel_that_dies_is_seen_at_once(tmp_path):
    path = write(tmp_path / "98_test.ipynb", ("import os; os._exit(1)", [], []), ("1", [], []))
    said = run(path)
    assert "the kernel died while this cell ran" in said and "1 failed, 1 skipped" in said


def test_without_the_option_notebooks_are_left_alone(tmp_path):
    path = write(tmp_path / "98_test.ipynb", ("1 / 0", [], []))
    command = [sys.executable, "-m", "pytest", str(path), "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "failed" not in done.stdout
