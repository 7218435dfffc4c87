"""The rules on the structure of a lesson, checked: a whole lesson passes, and each thing missing is named."""

from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib import exercises
from present import run_lesson
from tests.lessons.structure import FRAMES, WIDGET, problems


def text(shown):
    return new_output("stream", name="stdout", text=shown)


def code(source, *tags, shown=(), fold=False):
    metadata = {"tags": list(tags), "slideshow": {"slide_type": "fragment"}}
    if fold:
        metadata["jupyter"] = {"source_hidden": True}
    return new_code_cell(source, metadata=metadata, outputs=list(shown))


def words(source):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": "slide"}})


def whole_lesson():
    picture = new_output("display_data", data={"image/png": "AAAA"}, metadata={"image/png": {"alt": "A line."}})
    frames = {"frames": {str(i): {"image": f"picture {i}"} for i in range(6)}}
    slider = new_output("display_data", data={WIDGET: {"model_id": "0" * 32}, "text/plain": "Explorer", FRAMES: frames})
    cells = [
        words("# A lesson\n45 min"),
        code("from course_lib import accelerator\naccelerator.start(seed=1)\nimport torch", "setup", fold=True),
        code("# PyTorch\nx = 1", "pytorch", "gridwidth-1-2"),
        code("# Keras\nx = 1", "keras", "gridwidth-1-2"),
        code("parity.compare(outputs=both)", "parity", shown=[text("equal")]),
        code("plotting.show(fig, alt='A line.')", shown=[picture]),
        code("assert x == 1\nprint(x)", "claim", shown=[text("1\n")]),
        code("try:\n    wrong()\nexcept ValueError as error:\n    print(error)", "trap", shown=[text("oh\n")]),
        code(
            "fig, ax = board()\ndef draw(a):\n    ax.plot(a)\n    return fig\nexplorer.Explorer(draw)",
            "explorer",
            shown=[slider],
        ),
    ]
    for name in ("99a.one", "99a.two", "99a.three"):
        solved = f'### BEGIN SOLUTION\nanswer = 1\n### END SOLUTION\ncheck("{name}", answer)'
        cells += [
            words("### Exercise"),
            code("answer = ...", "exercise"),
            code(f'check("{name}", answer)', "check", shown=[text(f"○ {name}: not started\n")]),
            code(solved, "solution", shown=[text(f"✓ {name}: right\n")], fold=True),
        ]
    cells.append(words("## What you now know\n…\n## Read\n…\n## What comes next\n…"))
    notebook = new_notebook(cells=cells, metadata={"course": {"wall_s": 9.0, "cpu_s": 9.0, "peak_mb": 900}})
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    return run_lesson.tidy(notebook)


@pytest.fixture
def found(tmp_path, monkeypatch):
    """A function that changes the whole lesson and returns its problems."""
    names = [SimpleNamespace(name=name) for name in ("99a.one", "99a.two", "99a.three")]
    monkeypatch.setattr(exercises, "lessons", lambda: ["99a"])
    monkeypatch.setattr(exercises, "of_lesson", lambda lesson: names)

    def find(change=lambda notebook: None, name="99a_demo"):
        notebook = whole_lesson()
        change(notebook)
        path = tmp_path / f"{name}.ipynb"
        path.write_text(nbformat.writes(notebook, version=nbformat.NO_CONVERT))
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


PICTURE = new_output("display_data", data={"image/png": "AAAA"}, metadata={})

CHANGES = [
    (lambda notebook: notebook.update(nbformat_minor=4), "nbformat 4.4, not 4.5"),
    (lambda notebook: notebook.cells[0].update(id="no id!"), "not a valid notebook"),
    (lambda notebook: notebook.metadata.update(widgets={}), "metadata.widgets"),
    (lambda notebook: notebook.metadata.kernelspec.update(name="other"), "kernel is not called python3"),
    (lambda notebook: notebook.metadata.pop("course"), "not measured"),
    (lambda notebook: notebook.metadata.course.update(cpu_s=91), "took 91 CPU s"),
    (lambda notebook: notebook.metadata.course.update(peak_mb=2100), "took 2100 MB"),
    (source(0, "A lesson\n45 min"), "not a title"),
    (source(0, "# A lesson"), "how many minutes"),
    (source(0, "# A lesson\n45 min\n" + "x" * 2_500_000), "2.5 MB"),
    (metadata(0, slideshow={}), "slide type None"),
    (metadata(0, slideshow={"slide_type": "page"}), "slide type 'page'"),
    (metadata(5, tags=["figure"]), "unknown tag 'figure'"),
    (metadata(5, tags=["rtol-0.9"]), "rtol-0.9 compares nothing"),
    (metadata(5, tags=["nbval-ignore-output"]), "say why in a comment"),
    (lambda notebook: notebook.cells[5].update(execution_count=None), "executed as None, not 5"),
    (swap(5, 6), "executed as 6, not 5"),
    (source(5, ""), "an empty cell"),
    (shows(5, new_output("error", ename="KeyError", evalue="", traceback=[])), "a stored error, KeyError"),
    (shows(5, new_output("stream", name="stderr", text="E0000 cuda")), "something on stderr"),
    (shows(5, text("UserWarning: old")), "a warning is shown"),
    (shows(5, PICTURE), "a picture without alt text"),
    (shows(5, text("in /home/me/x.py")), "a path of a machine"),
    (source(5, "x = '/tmp/x'"), "a path of a machine"),
    (source(5, "%matplotlib inline"), "a magic or a shell command"),
    (source(5, "!pip install x"), "a magic or a shell command"),
    (source(5, "get('https://example.org')"), "an address in code"),
    (source(5, "if 'PYTEST_CURRENT_TEST' in os.environ: n = 1"), "whether it is under test"),
    (source(5, "open('data.csv')"), "data come from course_lib"),
    (source(5, "x = ("), "not Python"),
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
    (source(6, "print(1)"), "asserts nothing that could fail"),
    (source(6, "assert True\nprint(1)"), "asserts nothing that could fail"),
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
    (source(11, "check('99a.other', answer)"), "course_lib.exercises knows"),
    (shows(11, text("✓ 99a.one: right")), "stored without “not started”"),
    (source(12, "check('99a.one', 1)"), "no ### BEGIN SOLUTION"),
    (metadata(12, jupyter={}), "a solution that is not folded"),
    (shows(12, text("✗ 99a.one: not yet")), "a solution that does not pass"),
    (swap(11, 12), "followed by its check and its solution"),
    (metadata(10, tags=[]), "2 exercises; there are 3 to 5"),
    (source(-1, "## Read\n## Next"), "no heading with “What you now know”"),
    (without(-1), "no heading with “Read”"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=[said for _, said in CHANGES])
def test_each_thing_missing_is_named(found, change, said):
    said_now = found(change)
    assert any(said in line for line in said_now), said_now


@pytest.mark.filterwarnings("ignore:Non-unique cell id")
def test_two_cells_with_one_id(found, tmp_path):
    found()
    path = tmp_path / "99a_demo.ipynb"
    one, other = (cell.id for cell in nbformat.read(path, as_version=4).cells[:2])
    path.write_text(path.read_text().replace(one, other))
    assert "99a_demo.ipynb: two cells have the same id" in problems(path)


def test_names_and_the_first_lesson(found):
    assert any("a lesson is called like" in line for line in found(name="99a-demo"))
    assert not any("trap" in line for line in found(metadata(7, tags=[]), name="00_demo"))
