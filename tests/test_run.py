"""``course run``: a lesson is stored whole or not at all, with its measurements, and what it was made of stays."""

import json
import warnings

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import exercises
from tools import run
from tools.lesson import FRAMES


def stream(text):
    return new_output("stream", name="stdout", text=text)


def write_lesson(path, cells):
    nbformat.write(run.tidy(new_notebook(cells=cells)), path)


DRAFT = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # The demonstration
# 45 min
# %% tags=["setup"] jupyter={"source_hidden": true}
import os, sys
# %% tags=["claim"]
import time

block = bytearray(300_000_000)
time.sleep(0.5)  # long enough for the meter to look
print(os.path.basename(os.getcwd()), len(block))
"""


def test_run_lesson_stores_a_whole_lesson_or_nothing(tmp_path, capsys):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    draft = tmp_path / "draft.py"
    draft.write_text(DRAFT, encoding="utf-8")
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{run.TABLE_BEGIN}\nold\n{run.TABLE_END}\nafter\n")
    command = ["99a_demo", "--from", str(draft), "--folder", str(folder)]

    assert run.main(command) == 0
    path = folder / "99a_demo.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.nbformat_minor == 5
    assert [cell.get("execution_count") for cell in notebook.cells] == [None, 1, 2]
    assert notebook.cells[2].outputs == [stream("notebooks 300000000\n")]
    assert notebook.cells[1].metadata == {"tags": ["setup"], "jupyter": {"source_hidden": True}}
    assert set(notebook.metadata) == {"kernelspec", "language_info", "course"}
    assert "version" not in notebook.metadata.language_info
    course = notebook.metadata.course
    assert course.peak_mb > 300 and 0 < course.cpu_s < 60 and 0 < course.wall_s < 60
    row = "| [99a](notebooks/99a_demo.ipynb) | The demonstration | 45 |"
    assert row in readme.read_text() and readme.read_text().startswith("before") and "old" not in readme.read_text()

    # a change in one cell keeps the ids of the others
    draft.write_text(DRAFT + "# %%\nprint('more')\n")
    assert run.main(command) == 0
    again = nbformat.read(path, as_version=4)
    assert [cell.id for cell in again.cells[:3]] == [cell.id for cell in notebook.cells]

    # a lesson that fails is not stored, and nothing is left beside it
    whole = path.read_bytes()
    draft.write_text(DRAFT + "# %%\nprint('half'); 1 / 0\n")
    assert run.main(command) == 1
    said = capsys.readouterr().err
    assert "99a_demo.ipynb, beginning: cell 1: ZeroDivisionError: division by zero" in said and "half" in said
    assert "\x1b" not in said and "nothing was stored" in said
    assert path.read_bytes() == whole
    assert [other.name for other in folder.iterdir()] == [path.name]


EXPLORED = """\
# %% tags=["setup"]
from course_lib import explorer
# %% tags=["explorer"]
drawn = []
explorer.Explorer(lambda a: drawn.append(a) or f"a is {a}", {"a": (0, 9, 1, 3)}, recorded={"a": range(10)})
# %%
print(len(drawn))
"""


def test_a_stored_explorer_is_recorded_when_the_lesson_is_over(tmp_path):
    draft = tmp_path / "draft.py"
    draft.write_text(EXPLORED, encoding="utf-8")
    path = tmp_path / "99a_demo.ipynb"
    run.run(path, draft)
    notebook = nbformat.read(path, as_version=4)
    recording = notebook.cells[1].outputs[0].data[FRAMES]
    assert [frame["words"] for frame in recording.frames.values()] == [f"a is {a}" for a in range(10)]
    assert [cell.source for cell in notebook.cells] == [
        part.partition("\n")[2].strip() for part in EXPLORED.split("# %%")[1:]
    ]
    assert notebook.cells[2].outputs == [stream("1\n")]


def test_run_lesson_says_which_lessons_there_are(tmp_path):
    for name in ("01a_one.ipynb", "01b_two.ipynb"):
        write_lesson(tmp_path / name, [new_markdown_cell("# One")])
    with pytest.raises(SystemExit, match="No lesson is called '07'. There are: 01a_one, 01b_two"):
        run.path_of("07", tmp_path)
    assert run.path_of("01b", tmp_path) == tmp_path / "01b_two.ipynb"
    with pytest.raises(SystemExit, match="01a_one.ipynb: the first cell must hold a title and the minutes"):
        run.table(tmp_path)


def test_the_same_draft_gives_the_same_notebook(tmp_path):
    draft = tmp_path / "draft.py"
    draft.write_text(DRAFT + "# %%\n1\n# %%\n1\n")
    one, other = run.from_draft(draft), run.from_draft(draft)
    assert one == other
    assert len({cell.id for cell in one.cells}) == len(one.cells)


def test_a_lesson_saved_without_ids_is_stored_in_todays_format(tmp_path):
    """Colab and older editors write nbformat 4.0 to 4.4."""
    path = tmp_path / "99a_demo.ipynb"
    cells = [new_markdown_cell("# One"), new_code_cell("print(1)")]
    for cell in cells:
        del cell["id"]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 0}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error", nbformat.warnings.MissingIDFieldWarning)
        run.run(path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert (stored["nbformat"], stored["nbformat_minor"]) == (4, 5)
    assert all(cell["id"] for cell in stored["cells"]) and stored["cells"][1]["outputs"][0]["text"] == ["1\n"]


def test_bad_words_are_answered(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run.main([])
    with pytest.raises(SystemExit):
        run.main(["99a", "--from", str(tmp_path / "nowhere.py")])
    assert "there is no file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run.main(["99a", "99b", "--from", __file__])
    assert "a draft makes one lesson" in capsys.readouterr().err


def test_recorded_answers_come_back_if_the_lesson_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(exercises, "RECORDED", tmp_path)
    monkeypatch.setattr(exercises, "lessons", lambda: ["99a"])
    done = type("Done", (), {"returncode": 0, "stderr": ""})
    monkeypatch.setattr(run.subprocess, "run", lambda *_, **__: (tmp_path / "99a.json").write_text("new") and done)
    (tmp_path / "99a.json").write_text("old")
    lesson = run.Lesson("99a_demo.ipynb", new_notebook(cells=[new_code_cell("1")]))
    with pytest.raises(run.LessonRaised), run.recorded_answers(lesson):
        raise run.LessonRaised("no")
    assert (tmp_path / "99a.json").read_text() == "old"
    with run.recorded_answers(lesson):
        pass
    assert (tmp_path / "99a.json").read_text() == "new"
    done.returncode, done.stderr = 1, "Traceback\nValueError: 99a.x: the hint holds the answer"
    with pytest.raises(run.LessonRaised, match="could not be recorded: 99a.x: the hint"), run.recorded_answers(lesson):
        pass
