"""Every lesson has the parts of a lesson, in order; README's table says what was measured."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from present import run_lesson
from tests.lessons.structure import problems

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_lessons():
    assert LESSONS, "notebooks/ holds no lesson"
    numbers = [path.stem.partition("_")[0] for path in LESSONS]
    assert len(set(numbers)) == len(numbers), f"two lessons have one number: {numbers}"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_structure(path):
    found = problems(path)
    assert not found, "\n" + "\n".join(found)


def test_the_table_in_the_readme_is_the_measured_one():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, begin, rest = readme.partition(run_lesson.TABLE_BEGIN)
    table, end, _ = rest.partition(run_lesson.TABLE_END)
    assert begin and end, f"README.md has no {run_lesson.TABLE_BEGIN} … {run_lesson.TABLE_END}"
    assert table.strip() == run_lesson.table(ROOT / "notebooks"), "`make run` rewrites the table"


def test_each_lesson_leads_to_the_next_by_its_title_and_names_only_lessons_that_are_there():
    titles = [re.search(r"^# (.+)$", nbformat.read(path, as_version=4).cells[0].source, re.M)[1] for path in LESSONS]
    numbers = {title.split(" ")[0] for title in titles}
    for path, following in zip(LESSONS, [*titles[1:], None]):
        text = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
        after = text[-1].partition("Next")[2]
        assert following is None or f"**{following}**" in after, (
            f"{path.stem}: Next names not {following!r}: {after[:80]!r}"
        )
        named = {number for source in text for number in re.findall(r"\b[Ll]essons? (\d[a-z]?)\b", source)}
        assert named <= numbers | {number.rstrip("abcdefg") for number in numbers}, f"{path.stem}: {named - numbers}"


SET_UP_EVERYWHERE = """
import sys, nbformat
for path in sys.argv[1:]:
    cells = nbformat.read(path, as_version=4).cells
    exec(next(cell.source for cell in cells if cell.cell_type == "code"), {})
from course_lib import data
assert data.mnist().train_images.shape == (60000, 28, 28)
assert data.sunspots().values.size > 1000
"""


def test_lessons_start_and_find_their_data_from_the_root(tmp_path):
    """nbval runs them from notebooks/; their code names no path, so the set-up and the data are what can differ."""
    assert LESSONS
    environment = {**run_lesson.kernel_environment(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for folder, lessons in ((ROOT, LESSONS), (tmp_path, [])):
        command = [sys.executable, "-c", SET_UP_EVERYWHERE, *map(os.fspath, lessons)]
        finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        assert finished.returncode == 0, finished.stderr[-2000:]
