"""The machinery that checks the lessons, checked: it must fail where a lesson no longer says what it said."""

import base64
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from present import run_lesson
from present.notebook import FRAMES
from tests.lessons.compare import Tolerance, html_text, picture_difference, text_difference

ROOT = Path(__file__).resolve().parent.parent
STRICT, LOOSE, PARITY = Tolerance(), Tolerance(rtol=0.05), Tolerance(parity=True)


def picture(shade=255, size=(320, 200), line=100, mode="RGB"):
    """The PNG of one thin line on paper of a shade of grey; the same code runs in a lesson's kernel."""
    from PIL import Image, ImageDraw

    drawn = Image.new(mode, size, (shade,) * len(mode))
    ImageDraw.Draw(drawn).line([(20, line), (300, line)], fill="black", width=2)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()


PICTURE_CODE = """
import io
from IPython.display import Image, display
from PIL import Image as Canvas, ImageDraw
def show(line=100, size=(320, 200)):
    drawn = Canvas.new("RGB", size, (255, 255, 255))
    ImageDraw.Draw(drawn).line([(20, line), (300, line)], fill="black", width=2)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    display(Image(file.getvalue()))
"""


@pytest.mark.parametrize(
    ("stored", "now", "tolerance"),
    [
        ("loss 0.12345", "loss 0.12346", STRICT),
        ("loss 0.12999", "loss  0.13000\n", STRICT),
        ("rounding 3e-08", "rounding 5.1e-08", STRICT),
        ("largest difference 5.96e-08", "largest difference 2.4e-05", PARITY),
        ("largest difference 0.00e+00", "largest difference 5.96e-08", PARITY),
        ("best epoch 12, accuracy 0.97", "best epoch 13, accuracy 0.98", LOOSE),
        ("0.02", "0.03", LOOSE),
        ("[ 0.1  2.5]", "[0.1 2.5]", STRICT),
        ("a\n----- b 1", "a\n------- b 1", STRICT),
        ("took 3.1 s, 12 ms, 4 CPU s, 2 min", "took 4.7 s, 900 ms, 11 CPU s, 1 min", STRICT),
        ("peak 120 MB, 1.2 GB, 900 steps/s", "peak 90 MB, 1.9 GB, 1400 steps/s", STRICT),
        ("<Net at 0x7f12ab34cd56>", "<Net at 0x7f99ab34cd56>", STRICT),
        ("nan", "nan", STRICT),
        ("60,000 images", "60,000 images", STRICT),
        ("Image(value=b'\\x89PNG\\r\\n\\x1a')", "Image(value=b'\\x89PNG\\r\\n\\x1b')", STRICT),
    ],
)
def test_text_that_says_the_same(stored, now, tolerance):
    assert text_difference(stored, now, tolerance) is None
    assert text_difference(now, stored, tolerance) is None


@pytest.mark.parametrize(
    ("stored", "now", "tolerance", "said"),
    [
        ("loss 0.123", "loss 0.124", STRICT, "stored 0.123, now 0.124"),
        ("x -0.5", "x 0.5", STRICT, "stored -0.5, now 0.5"),
        ("shape (64, 28)", "shape (64, 27)", STRICT, "stored 28, now 27"),
        ("difference 5.96e-08", "difference 2.4e-02", PARITY, "now 2.4e-02"),
        ("accuracy 0.97", "accuracy 0.85", LOOSE, "now 0.85"),
        ("accuracy 0.97", "accuracy nan", LOOSE, "now nan"),
        ("float32", "float64", LOOSE, "'float32'"),
        ("1 2 3", "1 2", STRICT, "3 numbers stored, 2 now"),
        ("PyTorch wins", "Keras wins", STRICT, "'Keras wins'"),
        ("3 s", "3 km", STRICT, "3 s"),
        ("inf", "3", STRICT, "now 3"),
        ("60,000 images", "60,001 images", STRICT, "now 60,001"),
    ],
)
def test_text_that_differs(stored, now, tolerance, said):
    assert said in text_difference(stored, now, tolerance)
    assert text_difference(now, stored, tolerance) is not None


def test_html_is_compared_without_its_tags():
    table = "<style>td {width: 3px}</style><table><tr><td class='a'>loss</td><td>0.5</td></tr></table>"
    other = "<table><tr><td>loss</td><td style='color: red'>0.50001</td></tr></table>"
    assert text_difference(html_text(table), html_text(other), STRICT) is None
    assert text_difference(html_text(table), html_text(other.replace("0.50001", "0.6")), STRICT)


def test_pictures():
    assert picture_difference(picture(), picture(), STRICT) is None
    assert picture_difference(picture(), picture(mode="RGBA"), STRICT) is None
    assert "ink" in picture_difference(picture(), picture(line=120), STRICT)
    assert "ink" in picture_difference(picture(), picture(line=180), LOOSE)
    assert picture_difference(picture(), picture(line=101), LOOSE) is None
    assert "mean difference" in picture_difference(picture(), picture(shade=200), STRICT)
    assert "320×200" in picture_difference(picture(), picture(size=(400, 200)), STRICT)


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(line=100):
    data = {
        "image/png": base64.b64encode(picture(line=line)).decode(),
        "text/plain": "<IPython.core.display.Image object>",
    }
    return new_output("display_data", data=data)


def widget(model):
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": model}, "text/plain": "IntSlider(value=3)"}
    return new_output("display_data", data=data)


# source, stored outputs, tags, and whether the cell must pass or what the failure must say
CASES = [
    (PICTURE_CODE, [], [], "passes"),
    ("print(f'loss {0.123456:.4f}')", [stream("loss 0.1234\n")], [], "passes"),
    ("print('loss 0.1300')", [stream("loss 0.1200\n")], [], "the numbers differ: stored 0.1200, now 0.1300"),
    ("print('loss 0.1220')", [stream("loss 0.1200\n")], ["rtol-0.05"], "passes"),
    ("print('Keras')", [stream("PyTorch\n")], [], "the words differ"),
    ("print('took 3.2 s')", [stream("took 9.9 s\n")], [], "passes"),
    ("print('max 5.96e-08')", [stream("max 1.19e-06\n")], ["parity"], "passes"),
    ("print('max 5.96e-02')", [stream("max 1.19e-06\n")], ["parity"], "the numbers differ"),
    ("print('new')", [], [], "Unexpected output"),
    ("pass", [stream("old\n")], [], "Missing output"),
    ("show()", [shown()], [], "passes"),
    ("show(line=150)", [shown()], [], "share of the ink that moved"),
    ("print('<Figure>')", [stream("<Figure>\n"), shown()], [], "Missing output|pictures: 1 stored, 0 now"),
    ("show(); show()", [shown()], [], "dissimilar number|pictures: 1 stored, 2 now"),
    ("show(size=(400, 260))", [shown()], [], "stored 320×200 pixels, now 400×260"),
    ("1 / 0", [], [], "ZeroDivisionError"),
    ("print('never run')", None, [], "never run"),
    ("x = 3  # never run, and silent", None, [], "never run"),
    ("", None, [], "passes"),
    (
        "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'b' * 32},\n"
        "         'text/plain': 'IntSlider(value=3)'}, raw=True)",
        [widget("a" * 32)],
        [],
        "passes",
    ),
    ("display({'text/plain': 'IntSlider(value=3)'}, raw=True)", [widget("a" * 32)], [], "widgets: 1 stored, 0 now"),
    (
        "import os; print(os.environ.get('COURSE_PROFILE'), os.environ['MPLBACKEND'][:6])",
        [stream("None module\n")],
        [],
        "passes",
    ),
    ("import os; print(os.path.basename(os.getcwd()))", [stream("lessons\n")], [], "passes"),
]


def write_lesson(path, cells):
    notebook = new_notebook(cells=cells)
    run_lesson.tidy(notebook)
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


def run_pytest(folder, *arguments):
    """pytest in a process of its own; the outcome of each cell: ``{name: failure message or ""}``."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "tests.lessons.plugin", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(folder), f"--junitxml={report}", "--color=no", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_PROFILE": "full", "MPLBACKEND": "Agg"}
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    outcome = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failures = [*case.iter("failure"), *case.iter("error")]
        outcome[case.get("name")] = "".join((node.get("message") or "") + (node.text or "") for node in failures)
    return finished, outcome


def test_each_change_in_a_lesson_is_seen(tmp_path):
    cells, count = [], 0
    for source, outputs, tags, _ in CASES:
        count += outputs is not None
        ran = {} if outputs is None else {"outputs": outputs, "execution_count": count}
        cells.append(new_code_cell(source, metadata={"tags": tags}, **ran))
    write_lesson(tmp_path / "lessons" / "99a_all.ipynb", cells)
    finished, outcome = run_pytest(tmp_path, "lessons")
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert len(outcome) == len(CASES), finished.stdout
    for number, (source, _, _, expected) in enumerate(CASES):
        said = outcome[f"Cell {number}"]
        if expected == "passes":
            assert said == "", f"cell {number}, {source!r}: {said}"
        else:
            assert re.search(expected, said), f"cell {number}, {source!r}: {said or 'passed'}"
    kept = tmp_path / "build" / "pictures"
    assert (kept / "99a_all-cell11-1-stored.png").read_bytes() == picture()
    assert (kept / "99a_all-cell11-1-now.png").read_bytes() == picture(line=150)


def test_a_dead_kernel_fails_at_once(tmp_path):
    cells = [new_code_cell("import os; os._exit(1)", execution_count=1), new_code_cell("1", execution_count=2)]
    write_lesson(tmp_path / "lessons" / "99b_dies.ipynb", cells)
    begin = time.monotonic()
    finished, outcome = run_pytest(tmp_path, "lessons", "--nbval-cell-timeout=300")
    assert finished.returncode == 1
    assert "The kernel died" in outcome["Cell 0"]
    assert "Kernel dead" in outcome["Cell 1"]
    assert time.monotonic() - begin < 60


def test_the_plugin_is_loaded_in_this_repository(request):
    assert request.config.pluginmanager.has_plugin("tests.lessons.plugin")


# How a lesson is made

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
    draft.write_text(DRAFT)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{run_lesson.TABLE_BEGIN}\nold\n{run_lesson.TABLE_END}\nafter\n")
    command = ["99a_demo", "--from", str(draft), "--folder", str(folder)]

    assert run_lesson.main(command) == 0
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
    assert run_lesson.main(command) == 0
    again = nbformat.read(path, as_version=4)
    assert [cell.id for cell in again.cells[:3]] == [cell.id for cell in notebook.cells]

    # a lesson that fails is not stored, and nothing is left beside it
    whole = path.read_bytes()
    draft.write_text(DRAFT + "# %%\nprint('half'); 1 / 0\n")
    assert run_lesson.main(command) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert path.read_bytes() == whole
    assert [other.name for other in folder.iterdir()] == [path.name]


EXPLORED = """\
# %% tags=["setup"]
from course_lib import explorer
# %% tags=["explorer"]
drawn = []
explorer.Explorer(lambda a: drawn.append(a) or f"a is {a}", {"a": (0, 9, 1, 3)})
# %%
print(len(drawn))
"""


def test_a_stored_explorer_is_recorded_and_the_test_of_the_lesson_does_not_miss_the_recording(tmp_path):
    draft = tmp_path / "draft.py"
    draft.write_text(EXPLORED)
    path = tmp_path / "99a_demo.ipynb"
    run_lesson.run(path, draft)
    notebook = nbformat.read(path, as_version=4)
    recording = notebook.cells[1].outputs[0].data[FRAMES]
    assert [frame["words"] for frame in recording.frames.values()] == [f"a is {a}" for a in range(10)]
    assert [cell.source for cell in notebook.cells] == [
        part.partition("\n")[2].strip() for part in EXPLORED.split("# %%")[1:]
    ]
    assert notebook.cells[2].outputs == [stream("1\n")]  # the recording was made when the lesson was over
    finished, outcome = run_pytest(tmp_path, "--nbval-current-env", "99a_demo.ipynb")
    assert finished.returncode == 0 and list(outcome.values()) == ["", "", ""], outcome


def test_run_lesson_says_which_lessons_there_are(tmp_path):
    for name in ("01a_one.ipynb", "01b_two.ipynb"):
        write_lesson(tmp_path / name, [new_markdown_cell("# One")])
    with pytest.raises(SystemExit, match="No lesson is called '07'. There are: 01a_one, 01b_two"):
        run_lesson.find_lesson("07", tmp_path)
    assert run_lesson.find_lesson("01b", tmp_path) == tmp_path / "01b_two.ipynb"
    with pytest.raises(SystemExit, match="01a_one.ipynb: the first cell must hold a title and the minutes"):
        run_lesson.table(tmp_path)


def test_the_same_draft_gives_the_same_notebook(tmp_path):
    draft = tmp_path / "draft.py"
    draft.write_text(DRAFT + "# %%\n1\n# %%\n1\n")
    one, other = run_lesson.from_draft(draft), run_lesson.from_draft(draft)
    assert one == other
    assert len({cell.id for cell in one.cells}) == len(one.cells)


def test_a_text_is_replaced_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    path.write_text("old")

    def fails(*_):
        raise OSError("no room")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="no room"):
        run_lesson.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
