"""Other seeds and instruction sets: every run is done once, stored whole, and told by section and claim."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import ranges, robust
from tools.lesson import Lesson

CELLS = [
    "import numpy as np",
    "value = float(np.random.default_rng(3).normal())\nprint(f'drawn {value:.6f}')",
    "shift = int(np.random.default_rng(5).integers(0, 10**9))\nassert shift != {wrong}, 'too strong'\nprint('fine')",
    "import os\nprint('old processor' if os.environ.get('ATEN_CPU_CAPABILITY') == 'default' else 'own processor')",
]
# what the third cell draws with the seeds shifted once: there its claim fails
WRONG = 0


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one small lesson, which has no use of course_lib, on a processor that nobody has lowered already."""
    import numpy as np

    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)

    wrong = int(np.random.default_rng(5 + 1009).integers(0, 10**9))
    cells = [new_markdown_cell("# 99 · A test\n\n5 min"), new_markdown_cell("## 1 · Drawn")]
    cells += [new_code_cell(source.replace("{wrong}", str(wrong))) for source in CELLS]
    cells[4].metadata["tags"] = ["claim"]
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "99_test.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def measure(path, tmp_path, shifts=(1,), isas=("sse",)):
    return robust.measure([Lesson(path)], list(shifts), list(isas), 1, cache=tmp_path / "cache")


def test_a_lesson_is_run_with_other_seeds_and_on_other_processors(course, tmp_path, capsys):
    assert measure(course, tmp_path) is False
    said = capsys.readouterr().out
    assert "✗ §1 · Drawn: claim 1: raised in 1 of 3 runs (1-" in said and "too strong" in said
    assert "words change" in said  # the last cell says which processor it is on
    recorded = ranges.read(Lesson(course))
    assert [(run["shift"], run["isa"]) for run in recorded["runs"]][1:] == [(0, "sse"), (1, recorded["runs"][0]["isa"])]
    (values,) = recorded["numbers"][Lesson(course).code[1].id]["stdout"].values()
    assert values[0] == values[1] != values[2]  # another processor draws the same, another seed does not
    assert all({"processor", "versions", "cpu_s"} <= set(run) for run in recorded["runs"])

    # once more: nothing is run again
    def refuse(*_, **__):
        raise AssertionError("a run that was done is done again")

    robust.subprocess.run, keep = refuse, robust.subprocess.run
    try:
        measure(course, tmp_path)
    finally:
        robust.subprocess.run = keep
    assert capsys.readouterr().out.count("done before") == 3

    # code that changes nothing that is said keeps the runs; code that does, does not
    notebook = nbformat.read(course, as_version=4)
    notebook.cells[3].source = notebook.cells[3].source.replace("value", "drawn")
    nbformat.write(notebook, course)
    assert ranges.stale(Lesson(course))
    measure(course, tmp_path)
    said = capsys.readouterr().out
    assert "1 run kept" in said and "seeds shifted 1 times, native: §1" in said  # what raised is run again
    assert ranges.stale(Lesson(course)) is None
    assert ranges.read(Lesson(course))["numbers"] == recorded["numbers"]
    notebook.cells[3].source = notebook.cells[3].source.replace("default_rng(3)", "default_rng(4)")
    nbformat.write(notebook, course)
    measure(course, tmp_path, isas=())
    assert "runs kept" not in capsys.readouterr().out
    assert ranges.read(Lesson(course))["numbers"] != recorded["numbers"]


def test_what_was_just_stored_is_not_run_again(course, tmp_path, capsys):
    lesson = Lesson(course)
    robust.execute(lesson, robust.Run(0, "native"), tmp_path / "ran.ipynb")
    robust.keep_stored(Lesson(course, Lesson(tmp_path / "ran.ipynb").notebook), {"cpu_s": 1.0}, tmp_path / "cache")
    measure(course, tmp_path, shifts=(), isas=())
    assert "done before" in capsys.readouterr().out
    assert ranges.read(lesson)["runs"][0]["cpu_s"] == 1.0


def test_on_another_machine_the_committed_ranges_are_kept_by_code_that_says_the_same(course, tmp_path, capsys):
    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.org"]
        robust.subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    measure(course, tmp_path, shifts=(2,))
    stored = next((tmp_path / "cache").rglob("0-native.ipynb"))
    notebook = Lesson(course, Lesson(stored).notebook).notebook
    nbformat.write(notebook, course)
    recorded = ranges.read(Lesson(course))
    git("init", "--quiet")
    git("add", "notebooks", "tests")
    git("commit", "--quiet", "-m", "measured")

    def runs_elsewhere(name, shifts=(2,)):
        robust.measure([Lesson(course)], list(shifts), ["sse"], 1, cache=tmp_path / name)
        return sorted(path.name for path in (tmp_path / name).rglob("*.ipynb")), capsys.readouterr().out

    # a cell cut in two: the first half draws, the second, which has another id, prints
    drawn, printed = notebook.cells[3].source.split("\n")
    notebook.cells[3].source = drawn
    notebook.cells.insert(4, new_code_cell(printed))
    nbformat.write(notebook, course)
    done, said = runs_elsewhere("second")
    assert done == ["0-native.ipynb"] and "its committed runs are kept" in said
    kept, cell = ranges.read(Lesson(course)), notebook.cells[4].id
    assert kept["numbers"] == {cell: recorded["numbers"][notebook.cells[3].id]}
    assert kept["runs"][1:] == recorded["runs"][1:] and ranges.stale(Lesson(course)) is None
    assert kept["trained_from"] == recorded["trained_from"] + 1

    # what was not measured, and what says other things, is run
    assert len(runs_elsewhere("third", shifts=(2, 3))[0]) == 4
    notebook.cells[3].source = drawn.replace("default_rng(3)", "default_rng(4)")
    nbformat.write(notebook, course)
    assert len(runs_elsewhere("fourth")[0]) == 3
    assert ranges.read(Lesson(course))["numbers"] != kept["numbers"]


def test_an_interrupted_measurement_leaves_the_old_file_whole(course, tmp_path, monkeypatch):
    target = ranges.path_of(Lesson(course))
    target.parent.mkdir(parents=True)
    target.write_text('{"old": 1}')

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(robust.subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure(course, tmp_path)
    assert json.loads(target.read_text()) == {"old": 1}


def test_a_run_that_does_not_end_is_told_and_the_others_go_on(course, tmp_path, monkeypatch, capsys):
    run = robust.subprocess.run

    def broken(command, **options):
        return run(
            [command[0], "-c", "raise SystemExit('the kernel died')"] if command[-2] == "sse" else command, **options
        )

    monkeypatch.setattr(robust.subprocess, "run", broken)
    assert measure(course, tmp_path, shifts=()) is False
    assert "sse: the run did not end: the kernel died" in capsys.readouterr().out
    assert len(ranges.read(Lesson(course))["runs"]) == 1


@pytest.mark.parametrize(("text", "shifts"), [("2", [1, 2]), ("1,5", [1, 5]), ("0", []), ("3 3 1", [3, 1])])
def test_which_seeds(text, shifts):
    assert robust._shifts(text) == shifts


@pytest.mark.parametrize("text", ["two", "1,0", "-1,2", ""])
def test_seeds_that_mean_nothing_are_refused(text):
    with pytest.raises(SystemExit, match="--seeds takes"):
        robust._shifts(text)


def test_instruction_sets_and_lessons_that_are_not_there_are_refused():
    with pytest.raises(SystemExit, match="--isa knows native, sse, avx2"):
        robust.main(["00", "--isa", "mmx"])
    with pytest.raises(SystemExit, match="No lesson is called '99z'"):
        robust.main(["99z"])
