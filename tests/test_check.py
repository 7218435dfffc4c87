"""``course check``: every lesson has the parts of a lesson; a whole one passes, and each thing missing is named."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import exercises
from tools import check, live, ranges, run
from tools.check import problems
from tools.kernel import kernel_environment
from tools.lesson import CLAIM, FRAMES, ROOT, WIDGET, lessons

LESSONS = lessons()
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


def test_there_are_lessons():
    assert LESSONS, "notebooks/ holds no lesson"
    numbers = [lesson.number for lesson in LESSONS]
    assert len(set(numbers)) == len(numbers), f"two lessons have one number: {numbers}"


@each_lesson
def test_a_lesson_has_what_a_lesson_has(lesson):
    found = problems(lesson)
    assert not found, "\n" + "\n".join(found)


def test_each_lesson_leads_to_the_next():
    numbers = [lesson.number for lesson in LESSONS]
    assert [lesson.facts.get("leads_to") for lesson in LESSONS] == [*numbers[1:], None]


def test_the_table_in_the_readme_is_the_measured_one():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, begin, rest = readme.partition(run.TABLE_BEGIN)
    table, end, _ = rest.partition(run.TABLE_END)
    assert begin and end, f"README.md has no {run.TABLE_BEGIN} … {run.TABLE_END}"
    assert table.strip() == run.table(), "`course run` rewrites the table"


@each_lesson
def test_a_lesson_names_only_lessons_that_are_there(lesson):
    numbers = {other.title.split(" ")[0] for other in LESSONS}
    named = {number for cell in lesson.markdown for number in re.findall(r"\b[Ll]essons? (\d[a-z]?)\b", cell.source)}
    assert named <= numbers | {number.rstrip("abcdefg") for number in numbers}


SET_UP_EVERYWHERE = """
import sys, nbformat
for path in sys.argv[1:]:
    cells = nbformat.read(path, as_version=4).cells
    exec(next(cell.source for cell in cells if cell.cell_type == "code"), {})
from course_lib import data
assert data.mnist().train_images.shape == (60000, 28, 28)
assert data.sunspots().values.size > 1000
"""


def test_lessons_start_and_find_their_data_from_anywhere(tmp_path):
    """The tests run them in notebooks/; their code names no path, so the set-up and the data are what can differ."""
    environment = {**kernel_environment(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for folder, started in ((ROOT, LESSONS), (tmp_path, [])):
        command = [sys.executable, "-c", SET_UP_EVERYWHERE, *(os.fspath(lesson.path) for lesson in started)]
        finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        assert finished.returncode == 0, finished.stderr[-2000:]


# --- the rules -------------------------------------------------------------------------------------------------------


def text(shown):
    return new_output("stream", name="stdout", text=shown)


def code(source, *tags, shown=(), fold=False):
    metadata = {"tags": list(tags), "slideshow": {"slide_type": "fragment"}}
    if fold:
        metadata["jupyter"] = {"source_hidden": True}
    return new_code_cell(source, metadata=metadata, outputs=list(shown))


def words(source):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": "slide"}})


HTML = '<img alt="A line." src="data:image/png;base64,AAAA">'


NAMES = ("99a.one", "99a.two", "99a.three", "99a.four")
FACTS = {
    "lecture": 99, "lecture_title": "Tests", "minutes": 45, "budget_cpu_s": 60, "budget_mb": 1500,
    "needs": ["98"], "leads_to": "99b", "wall_s": 9.0, "cpu_s": 9.0, "peak_mb": 900,
}  # fmt: skip


def whole_lesson():
    picture = new_output("display_data", data={"text/html": HTML, "text/plain": "Figure: A line."})
    claim = new_output("display_data", data={CLAIM: {"sentence": "x is 1", "holds": True}, "text/plain": "✓ x is 1"})
    frames = {"frames": {str(i): {"image": f"picture {i}"} for i in range(6)}}
    slider = new_output("display_data", data={WIDGET: {"model_id": "0" * 32}, "text/plain": "Explorer", FRAMES: frames})
    cells = [
        words("# A lesson\n45 min. First: [the one before](98_before.ipynb)."),
        code("from course_lib import accelerator\naccelerator.start(seed=1)\nimport torch", "setup", fold=True),
        code("# PyTorch\nx = 1", "pytorch", "gridwidth-1-2"),
        code("# Keras\nx = 1", "keras", "gridwidth-1-2"),
        code("parity.compare(outputs=both)", "parity", shown=[text("equal")]),
        code("plotting.show(fig, alt='A line.')", shown=[picture]),
        code("claim('x is 1', x, equals=1)", "claim", shown=[claim]),
        code("try:\n    wrong()\nexcept ValueError as error:\n    print(error)", "trap", shown=[text("oh\n")]),
        code(
            "fig, ax = board()\ndef draw(a):\n    ax.plot(a)\n    return fig\nexplorer.Explorer(draw)",
            "explorer",
            shown=[slider],
        ),
    ]
    for name in NAMES:
        solved = f'### BEGIN SOLUTION\nanswer = 1\n### END SOLUTION\ncheck("{name}", answer)'
        cells += [
            words("### Exercise"),
            code("answer = ...", "exercise"),
            code(f'check("{name}", answer)', "check", shown=[text(f"○ {name}: not started\n")]),
            code(solved, "solution", shown=[text(f"✓ {name}: right\n")], fold=True),
        ]
    cells.append(words("## What you now know\n…\n## Read\n…\n## What comes next\n[After](99b_after.ipynb)"))
    notebook = new_notebook(cells=cells, metadata={"course": dict(FACTS)})
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    return run.tidy(notebook)


@pytest.fixture
def found(tmp_path, monkeypatch):
    """A function that changes the whole lesson and returns its problems."""
    monkeypatch.setattr(exercises, "lessons", lambda: ["99a"])
    monkeypatch.setattr(exercises, "of_lesson", lambda lesson: [SimpleNamespace(name=name) for name in NAMES])
    monkeypatch.setattr(ranges, "stale", lambda lesson: None)
    for name in ("98_before", "99b_after"):
        nbformat.write(new_notebook(cells=[words(f"# {name}")]), tmp_path / f"{name}.ipynb")

    def find(change=lambda notebook: None, name="99a_demo"):
        notebook = whole_lesson()
        change(notebook)
        path = tmp_path / f"{name}.ipynb"
        path.write_text(nbformat.writes(notebook, version=nbformat.NO_CONVERT), encoding="utf-8")
        return problems(path)

    return find


def test_a_whole_lesson_has_no_problem(found):
    assert found() == []


def source(index, new):
    return lambda notebook: notebook.cells[index].update(source=new)


def metadata(index, **new):
    return lambda notebook: notebook.cells[index].metadata.update(new)


def shows(index, *new):
    return lambda notebook: notebook.cells[index].update(outputs=list(new))


def without(index):
    return lambda notebook: notebook.cells.pop(index)


def swap(one, other):
    def change(notebook):
        cells = notebook.cells
        cells[one], cells[other] = cells[other], cells[one]

    return change


PICTURE = new_output("display_data", data={"text/html": HTML.replace("A line.", "")})
BARE = new_output("display_data", data={"image/png": "AAAA"}, metadata={"image/png": {"alt": "A line."}})


def facts(**new):
    return lambda notebook: notebook.metadata.course.update(new)


PLANS = [(), ((1, 45),), ((1, 20), (2, 20)), ((2, 20), (1, 25)), ((1, 20), (1, 0), (2, 25)), ((1, 20), (2, "25"))]


def in_two_sections(*plan):
    """A lesson of 45 minutes with the sections 1 and 2, and the instructor's plan for them."""

    def change(notebook):
        notebook.cells[0].source += "\n\n## 1 One\n\n## 2 Two"
        notebook.metadata.course.update(plan=[list(pair) for pair in plan])

    return change


CHANGES = [
    (lambda notebook: notebook.update(nbformat_minor=4), "nbformat 4.4, not 4.5: run `course run 99a`"),
    (lambda notebook: notebook.cells[0].update(id="no id!"), "not a valid notebook"),
    (lambda notebook: notebook.metadata.update(widgets={}), "metadata.widgets"),
    (lambda notebook: notebook.metadata.kernelspec.update(name="other"), "kernel is not called python3"),
    (lambda notebook: notebook.metadata.pop("course"), "not measured"),
    (lambda notebook: notebook.metadata.course.pop("minutes"), "does not say minutes"),
    (facts(lecture="one"), "lecture is 'one'"),
    (facts(minutes=30), "promises 45 minutes, the metadata `course` 30"),
    *((in_two_sections(*plan), "the last section 2, all together 45 minutes") for plan in PLANS),
    (facts(leads_to="77"), "names lesson '77', which is not there"),
    (facts(needs=["99b"]), "the first cell must link to lesson 99b"),
    (source(-1, "## What you now know\n## Read\n## Next\nThe end."), "the last cell must lead to lesson 99b"),
    (facts(cpu_s=61), "took 61 CPU s when it was stored; its budget is 60 CPU s"),
    (facts(peak_mb=2100), "took 2100 MB"),
    (facts(budget_cpu_s=300), "a budget of 300 CPU s; at most 120 CPU s"),
    (lambda notebook: notebook.cells.extend(words(f"more {i}") for i in range(70)), "cells; at most about 80"),
    (source(5, "x = 1\n" * 41), "41 lines; at most 40"),
    (source(0, "A lesson\n45 min"), "not a title"),
    (source(0, "# A lesson"), "how many minutes"),
    (source(0, "# A lesson\n45 min\n" + "x" * 2_500_000), "2.5 MB"),
    (metadata(0, slideshow={}), "slide type None"),
    (metadata(0, slideshow={"slide_type": "page"}), "slide type 'page'"),
    (metadata(5, tags=["figure"]), "unknown tag 'figure'"),
    (metadata(5, tags=["rtol-0.1"]), "remove the tag rtol-0.1"),
    (metadata(5, tags=["nbval-ignore-output"]), "say why in a comment"),
    (lambda notebook: notebook.cells[5].update(execution_count=None), "executed as None, not 5"),
    (swap(5, 6), "executed as 6, not 5"),
    (source(5, ""), "an empty cell"),
    (shows(5, new_output("error", ename="KeyError", evalue="", traceback=[])), "a stored error, KeyError"),
    (shows(5, new_output("stream", name="stderr", text="E0000 cuda")), "something on stderr"),
    (shows(5, text("UserWarning: old")), "a warning is shown"),
    (shows(5, PICTURE), "a picture without alt text"),
    (shows(5, BARE), "a bare picture"),
    (shows(5, text("in /home/me/x.py")), "a path of a machine"),
    (source(5, "x = '/tmp/x'"), "a path of a machine"),
    (source(5, "%matplotlib inline"), "a magic or a shell command"),
    (source(5, "!pip install x"), "a magic or a shell command"),
    (source(5, "get('https://example.org')"), "an address in code"),
    (source(5, "if 'PYTEST_CURRENT_TEST' in os.environ: n = 1"), "whether it is under test"),
    (source(5, "open('data.csv')"), "data come from course_lib"),
    (source(5, "x = ("), "not Python"),
    (source(5, "exec('x = 1')"), "exec(); write the code out"),
    (source(5, "y = 1\ndel y"), "a function return what is needed"),
    (source(5, "square = lambda x: x * x"), "a lambda with a name"),
    (source(3, "# Keras\n\n\n\nx = 1"), "empty lines that only align"),
    (source(3, "# Keras\ny = 2\n\n\nx = 1"), "empty lines that only align"),
    (source(3, "# Keras\nx = 1\n\n"), "empty lines that only align"),
    (metadata(1, tags=[]), "the first code cell, and no other, is tagged setup"),
    (metadata(1, jupyter={}), "the set-up cell is not folded"),
    (source(1, "import torch"), "does not call accelerator.start"),
    (source(1, "import torch\naccelerator.start(seed=1)"), "imports a framework before"),
    (swap(3, 5), "a PyTorch half with no Keras half right after it"),
    (swap(2, 5), "a Keras half with no PyTorch half right before it"),
    (metadata(2, tags=["pytorch"]), "without the tag gridwidth-1-2"),
    (source(3, "x = 1"), "does not begin with '# Keras'"),
    (source(3, "# Keras\n" + "x" * 59), "a line of 59 characters"),
    (metadata(7, tags=[]), "no cell tagged trap"),
    (metadata(4, tags=[]), "no cell tagged parity"),
    (source(4, "print(0)"), "does not call course_lib.parity"),
    (source(6, "assert x == 1\nprint(x)"), "does not call claim(sentence, measured, …)"),
    (shows(6), "shows no measured number"),
    (shows(8), "shows no widget"),
    (lambda notebook: notebook.cells[8].outputs[0].data[FRAMES].frames.popitem(), "fewer than 6 pictures"),
    (
        lambda notebook: notebook.cells[8].outputs[0].data[FRAMES].frames.update({"5": {"image": "picture 4"}}),
        "5 different",
    ),
    (source(10, "fig, ax = other()\nanswer = ..."), "binds ax, fig anew, which the explorer"),
    (source(10, "for fig in figures:\n    answer = ..."), "binds fig anew"),
    (source(10, "def fig():\n    return ..."), "binds fig anew"),
    (source(10, "answer = 1"), "nothing left out"),
    (source(11, "print('not started')"), "calls no check"),
    (source(11, "check('99a.other', answer)"), "exercises/lesson_99a.py knows"),
    (shows(11, text("✓ 99a.one: right")), "stored without “not started”"),
    (source(12, "check('99a.one', 1)"), "no ### BEGIN SOLUTION"),
    (metadata(12, jupyter={}), "a solution that is not folded"),
    (shows(12, text("✗ 99a.one: not yet")), "a solution that does not pass"),
    (swap(11, 12), "followed by its check and its solution"),
    (metadata(10, tags=[]), "3 exercises; there are 4 to 5"),
    (source(-1, "## Read\n## Next"), "no heading with “What you now know”"),
    (without(-1), "no heading with “Read”"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=[said for _, said in CHANGES])
def test_each_thing_missing_is_named(found, change, said):
    said_now = found(change)
    assert any(said in line for line in said_now), said_now


@pytest.mark.parametrize(
    "source",
    [
        "# Keras\nclass A:\n    x = 1\n\n\ny = A()",
        "# Keras\nx = 1\n\n\ndef f():\n    return 1",
        "# Keras\nx = 1\n\ny = 2",
    ],
)
def test_the_empty_lines_of_python_are_no_padding(source):
    assert not check.padded(source)


def test_an_explorer_is_followed_through_the_functions_that_draw_calls(found):
    def change(notebook):
        notebook.cells[7].source = "def helper(a):\n    return inner(a)\n\n\ndef inner(a):\n    return scale * a"
        notebook.cells[8].source = "def draw(a):\n    return helper(a)\n\n\nexplorer.Explorer(draw)"
        notebook.cells[10].source = "scale = 2\nanswer = ..."

    assert any("binds scale anew, which the explorer" in line for line in found(change))


def test_a_stale_measurement_is_said_and_a_draft_is_not_measured_yet(found, monkeypatch):
    monkeypatch.setattr(ranges, "stale", lambda lesson: f"run `course robust {lesson.number}`")
    assert found() == ["99a_demo.ipynb: run `course robust 99a`"]
    assert found(facts(draft=True)) == []


def test_a_panel_of_a_page_that_is_stale_or_damaged_is_said(found, monkeypatch, tmp_path):
    monkeypatch.setattr(check, "PANELS", tmp_path)
    (tmp_path / "99a-draw.json").touch()
    monkeypatch.setattr(live, "stored", lambda lesson: {"cell-1": {}, "cell-2": {}})
    monkeypatch.setattr(live, "stale", lambda lesson, panel: f"run `course live {lesson.number}`")
    assert found() == ["99a_demo.ipynb: run `course live 99a`"]
    assert found(facts(draft=True)) == []

    def damaged(lesson):
        raise SystemExit("it is damaged")

    monkeypatch.setattr(live, "stored", damaged)
    assert found() == ["99a_demo.ipynb: it is damaged"]


def test_the_command_lists_problems_and_ends_with_one(found, tmp_path, capsys):
    found(source(0, "# A lesson"))
    assert check.main(["99a", "--folder", str(tmp_path)]) == 1
    assert "how many minutes" in capsys.readouterr().out
    found()
    assert check.main(["99a", "--folder", str(tmp_path)]) == 0
    assert "✓" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:Non-unique cell id")
def test_two_cells_with_one_id(found, tmp_path):
    found()
    path = tmp_path / "99a_demo.ipynb"
    one, other = (cell.id for cell in nbformat.read(path, as_version=4).cells[:2])
    path.write_text(path.read_text(encoding="utf-8").replace(one, other), encoding="utf-8")
    assert any("two cells have the same id" in line for line in problems(path))


def test_names_and_the_first_lesson(found):
    assert any("a lesson is called like" in line for line in found(name="99a-demo"))
    assert not any("trap" in line for line in found(metadata(7, tags=[]), name="00_demo"))
