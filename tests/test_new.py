"""A new lesson, made as docs/write-a-lesson.md says, in a copy of the course."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import nbformat
import pytest

from tools import new
from tools.lesson import ROOT, Lesson, find, lessons

WALK = (ROOT / "docs" / "write-a-lesson.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line)[1:] for line in re.findall(r"^\$ (course .+)$", WALK, re.MULTILINE)]
LAST = lessons()[-1].number
# One run with other seeds is enough to see that the way leads through.
SHORTER = {"robust": ["--seeds", "1", "--isa", "native"]}


@pytest.fixture
def copy(tmp_path):
    """A course with two lessons."""
    for name in ("course_lib", "exercises", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "notebooks").mkdir()
    for number in ("00", LAST):
        shutil.copy(find(number), tmp_path / "notebooks")
    (tmp_path / "README.md").write_text("<!-- lessons -->\n<!-- /lessons -->\n", encoding="utf-8")
    return tmp_path


def course(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "tools.cli", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder), "PYTHONIOENCODING": "utf-8"},
        capture_output=True, encoding="utf-8", timeout=600,
    )  # fmt: skip


def test_the_walk_through_leads_through(copy):
    assert [words[0] for words in COMMANDS][:2] == ["new", "check"] and "run" in {words[0] for words in COMMANDS}
    for words in COMMANDS:
        done = course(copy, *words, *SHORTER.get(words[0], []))
        assert done.returncode == 0, f"course {' '.join(words)}:\n{done.stdout}{done.stderr}"
    path = find("08a", copy / "notebooks")
    lesson, before = Lesson(path), Lesson(find(LAST, copy / "notebooks"))
    assert lesson.facts["draft"] is True and lesson.facts["needs"] == [LAST] and lesson.facts["leads_to"] is None
    assert before.facts["leads_to"] == "08a" and f"]({path.name})" in before.markdown[-1].source
    assert "[08a](notebooks/08a_draft.ipynb)" in (copy / "README.md").read_text(encoding="utf-8")
    assert (copy / "tests" / "ranges" / "08a.json").exists()
    again = course(copy, "new", "08a")
    assert again.returncode == 1 and "is there already" in again.stderr


@pytest.mark.parametrize(("words", "said"), [(["8"], "no number of a lesson"), (["08a", "My topic"], "no topic")])
def test_a_word_that_is_no_name_is_refused(words, said):
    with pytest.raises(SystemExit, match=said):
        new.main(words)


def test_a_lesson_that_is_there_is_not_written_over():
    before = find("01a").read_bytes()
    with pytest.raises(SystemExit, match="01a_rnn_cell.ipynb is there already"):
        new.main(["01a"])
    assert find("01a").read_bytes() == before


def test_a_lesson_between_two_takes_the_link_of_the_one_before(tmp_path):
    def write(name, title, next_line):
        cells = [nbformat.v4.new_markdown_cell(f"# {title}"), nbformat.v4.new_markdown_cell(f"### Next\n\n{next_line}")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
        return Lesson(tmp_path / f"{name}.ipynb")

    between, after = write("01b_x", "1b · X", ""), write("01c_after", "1c · After", "")
    for line in ("[1c · After](01c_after.ipynb): more.", "**1c · After**: more."):
        new._lead(write("01a_before", "1a · Before", line), between, after)
        text = Lesson(tmp_path / "01a_before.ipynb").markdown[-1].source
        assert text == "### Next\n\n[1b · X](01b_x.ipynb): more."
        assert Lesson(tmp_path / "01a_before.ipynb").facts["leads_to"] == "01b"
