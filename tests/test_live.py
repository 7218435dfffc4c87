"""Panels that compute in the browser: their stored models give what both frameworks give, and belong to today's lessons."""

import json
import shutil

import numpy as np
import onnxruntime
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook
from torch import nn

from tools import live
from tools.lesson import Lesson, tags
from tools.lesson import lessons as all_lessons
from tools.live import panels

STORED = sorted(panels.STORED.glob("*.json"))
COURSE = {lesson.number: lesson for lesson in all_lessons()}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_each_lesson_with_panels_has_stored_ones():
    assert {path.name.partition("-")[0] for path in STORED} == set(panels.lessons())


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_model_gives_what_both_frameworks_give(path):
    for name, model in read(path)["models"].items():
        session = onnxruntime.InferenceSession(panels.STORED / model["file"])
        for answer in model["answers"]:
            x = np.array(answer["x"], model["type"]).reshape(model["shape"])
            (y,) = session.run(None, {"x": x})
            largest = np.abs(answer["PyTorch"]).max()
            for framework in ("PyTorch", "Keras"):
                assert np.abs(y.ravel() - answer[framework]).max() < 1e-4 * largest, f"{name}, {framework}"


@pytest.mark.parametrize("cell", ["trained", "pencil"])
def test_the_gates_of_lesson_03a_are_those_of_its_cell(cell):
    """What the view draws as i, f, o, candidate, c and h of a unit makes one step after the other of an LSTM."""
    model = read(panels.STORED / "03a-gates.json")["models"][cell]
    for answer in model["answers"]:
        inside = np.array(answer["PyTorch"]).reshape(model["shape"][1], -1)[:, :-1]
        i, f, o, candidate, c, h = np.split(inside, 6, axis=1)
        before = np.concatenate([np.zeros_like(c[:1]), c[:-1]])
        assert np.abs(c - (f * before + i * candidate)).max() < 1e-5
        assert np.abs(h - o * np.tanh(c)).max() < 1e-5


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_panel_stands_below_an_explorer_of_todays_lesson(path):
    panel = read(path)
    lesson = COURSE[panel["lesson"]]
    cell = next(cell for cell in lesson.code if cell.id == panel["cell"])
    assert "explorer" in tags(cell)
    assert not live.stale(lesson, panel)


def test_a_panel_is_stale_when_the_lesson_or_its_file_here_has_changed():
    lesson = COURSE["04a"]
    now = live.mark(lesson)
    assert live.stale(lesson, {"fingerprint": now}) is None
    for part, what in (("lesson", "the lesson's code"), ("file", "tools/live/lesson_04a.py")):
        said = live.stale(lesson, {"fingerprint": {**now, part: "other"}})
        assert said == f"{what} has changed since the panel was stored: run `course live 04a`"
    # another Python's checksums say nothing
    assert live.stale(lesson, {"fingerprint": {"lesson": "other", "file": "other", "python": "3.0"}}) is None


def test_models_are_small_and_all_are_used():
    named = {model["file"] for path in STORED for model in read(path)["models"].values()}
    files = list(panels.STORED.glob("*.onnx"))
    assert {file.name for file in files} == named
    assert all(file.stat().st_size <= panels.LARGEST for file in files)
    for path in STORED:
        together = sum((panels.STORED / model["file"]).stat().st_size for model in read(path)["models"].values())
        assert together <= 2 * panels.LARGEST, path.name


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A copy of what is stored, which a test may damage."""
    folder = tmp_path / "stored"
    shutil.copytree(panels.STORED, folder)
    monkeypatch.setattr(live, "STORED", folder)
    return folder


def test_a_missing_or_empty_model_says_what_to_do(elsewhere):
    path = next(elsewhere.glob("*.onnx"))
    number = path.name.partition("-")[0]
    path.write_bytes(b"")
    with pytest.raises(SystemExit, match=f"{path.name} is missing or empty. Run `course live {number}`"):
        live.stored(COURSE[number])


def test_a_damaged_panel_says_what_to_do(elsewhere):
    path = next(elsewhere.glob("*.json"))
    number = path.name.partition("-")[0]
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    with pytest.raises(SystemExit, match=f"{path.name} is damaged .* Run `course live {number}`"):
        live.stored(COURSE[number])


def test_a_lesson_without_panels_is_refused_by_name():
    with pytest.raises(SystemExit, match="tools/live has no lesson_00.py; there are panels of 01"):
        live.main(["00"])


def test_the_text_of_a_panel_cannot_break_out_of_its_script():
    panel = {
        "stem": "99-x",
        "view": "name",
        "title": 'a "b"',
        "question": "1 < 2?",
        "models": {},
        "data": {"s": "</script>"},
    }
    text = live.panel_html(panel, "live/")
    assert text.count("</script>") == 1
    assert 'aria-label="a &quot;b&quot;"' in text
    assert "1 &lt; 2?" in text


class Recorded:
    """``panels.record`` of a made-up lesson."""

    def __init__(self, monkeypatch, tmp_path):
        self.folder, self.monkeypatch = tmp_path, monkeypatch

    def __call__(self, model):
        module = type("Module", (), {"panels": staticmethod(lambda names: [
            panels.Panel("x", "cell", "name", "Title", "Question?", {"net": model})])})  # fmt: skip
        self.monkeypatch.setattr(panels, "import_module", lambda name: module)
        panels.record("99", {}, self.folder, {"lesson": "mark"})


@pytest.fixture
def recorded(monkeypatch, tmp_path):
    return Recorded(monkeypatch, tmp_path)


def test_a_panel_is_recorded_with_answers_of_both_frameworks(recorded):
    net = nn.Linear(3, 2)
    x = np.ones((1, 3), np.float32)
    recorded(panels.Model(net, [x], lambda x: net(torch.from_numpy(x)).detach().numpy()))
    answer = read(recorded.folder / "99-x.json")["models"]["net"]["answers"][0]
    assert answer["x"] == [1, 1, 1]
    assert answer["Keras"] == answer["PyTorch"]
    assert len(answer["PyTorch"]) == 2
    model = (recorded.folder / "99-x-net.onnx").read_bytes()
    assert model and b".py" not in model, "the exporter's notes name files of this machine"


def test_frameworks_that_differ_are_refused(recorded):
    net = nn.Linear(3, 2)
    with pytest.raises(ValueError, match="99-x: PyTorch and Keras differ in net by"):
        recorded(panels.Model(net, [np.ones((1, 3), np.float32)], lambda x: np.zeros((1, 2))))
    assert not list(recorded.folder.iterdir())


def test_a_model_that_is_too_large_for_a_page_is_refused(recorded):
    net = nn.Linear(600, 600)
    with pytest.raises(ValueError, match="the model net has .* bytes; a page loads at most 1,000,000"):
        recorded(panels.Model(net, [np.ones((1, 600), np.float32)], lambda x: x))


class Asked:
    """A runner that answers as told, and writes what a kernel would write."""

    def __init__(self, outputs, files=()):
        self.outputs, self.files = outputs, files

    def ask(self, source):
        folder = live.Path(source.partition("Path('")[2].partition("')")[0])
        for name in self.files:
            (folder / name).write_text("new", encoding="utf-8")
        return self.outputs


def lesson_of(number):
    return Lesson(f"{number}_x.ipynb", new_notebook(cells=[new_code_cell("x = 1")]))


def test_what_a_panel_raises_leaves_the_stored_files(elsewhere):
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
    error = type("Error", (), {"output_type": "error", "ename": "KeyError", "evalue": "'wide'"})
    with pytest.raises(ValueError, match="lesson_04a.py: KeyError: 'wide'"):
        live.record(Asked([error]), lesson_of("04a"))
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before


def test_new_files_replace_the_old_ones_of_that_lesson_alone(elsewhere):
    others = {path.name for path in elsewhere.iterdir() if not path.name.startswith("04a-")}
    live.record(Asked([], ["04a-new.json"]), lesson_of("04a"))
    assert {path.name for path in elsewhere.iterdir()} == others | {"04a-new.json"}


def test_a_lesson_without_panels_stores_nothing():
    assert live.record(Asked([]), lesson_of("99")) == []
