"""The explorer's frame: it computes with the values of its controls, says what went wrong, and moves without a kernel."""

import asyncio
import base64
import io

import ipywidgets as widgets
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_lib.explorer import FRAMES, Explorer, publish
from present import notebook


@pytest.fixture
def line():
    """A figure that is drawn again for each answer, and the explorer around it."""
    fig, ax = plt.subplots(figsize=(3, 2))
    (curve,) = ax.plot(np.zeros(20))
    ax.set_ylim(-5, 5)

    def draw(slope, kind):
        curve.set_ydata(slope * np.arange(20) / 4 * (1 if kind == "up" else -1))
        return fig, f"slope {slope} {kind}"

    return Explorer(draw, {"slope": (0.0, 2.0, 0.5, 1.0), "kind": ["up", "down"]}, title="A line", alt="A line rises.")


def test_the_first_answer_is_there_and_every_move_gives_another(line):
    assert "slope 1.0 up" in line.words.value and line.values == {"slope": 1.0, "kind": "up"}
    before = line.picture.value
    line.controls["slope"].value = 2.0
    assert line.picture.value != before and "slope 2.0 up" in line.words.value
    line.controls["kind"].value = "down"
    assert "slope 2.0 down" in line.words.value and len(line.milliseconds) == 3
    assert 'alt="A line rises."' in line.picture.value and 'data-answer="3"' in line.picture.value
    assert not plt.get_fignums()  # nothing is left for the notebook to show a second time


def test_in_a_running_loop_only_the_last_of_many_moves_is_answered(line):
    async def drag():
        for value in (0.0, 0.5, 1.5, 2.0):
            line.controls["slope"].value = value
        await asyncio.sleep(0.2)

    asyncio.run(drag())
    assert len(line.milliseconds) == 2 and "slope 2.0" in line.words.value


def test_pages_without_widgets_get_the_picture_with_its_words(line):
    data, metadata = line._repr_mimebundle_()
    assert data["text/plain"] == "Explorer: A line" and data["image/png"].startswith("iVBOR")
    assert metadata["image/png"]["alt"] == "A line rises." and "application/vnd.jupyter.widget-view+json" in data


def test_what_draw_raises_is_shown_in_the_panel_and_the_next_move_works():
    def draw(a):
        if a == 2:
            raise ValueError("a < 2 & more")
        return f"a is {a}"

    panel = Explorer(draw, {"a": (0, 3, 1, 1)})
    panel.controls["a"].value = 2
    assert "ValueError" in panel.words.value and "a &lt; 2 &amp; more" in panel.words.value
    panel.controls["a"].value = 3
    assert "a is 3" in panel.words.value


def test_an_explorer_that_fails_at_once_fails_loudly():
    with pytest.raises(ZeroDivisionError):
        Explorer(lambda a: 1 / 0, {"a": True})


def test_the_kinds_of_controls():
    panel = Explorer(lambda **v: str(v), {"n": (1, 9, 2, 3), "x": (0.0, 1.0, 0.1, 0.5), "on": True, "of": ["a", "b"]})
    kinds = [type(control) for control in panel.controls.values()]
    assert kinds == [widgets.IntSlider, widgets.FloatSlider, widgets.Checkbox, widgets.SelectionSlider]


@pytest.mark.parametrize("spec", [(0, 1, 0.1), (0, 1, 0.1, 2), (0, 1, 0, 0.5), [], "word", 3])
def test_a_control_that_means_nothing_is_refused_by_name(spec):
    with pytest.raises((TypeError, ValueError), match="'speed'"):
        Explorer(lambda speed: "", {"speed": spec})


@pytest.mark.parametrize(("draw", "controls"), [(None, {"a": True}), (lambda: "", {})])
def test_an_explorer_needs_a_function_and_a_control(draw, controls):
    with pytest.raises((TypeError, ValueError)):
        Explorer(draw, controls)


def decoded(frame):
    return Image.open(io.BytesIO(base64.b64decode(frame["image"])))


def test_a_recording_has_the_type_that_the_tools_look_for():
    assert notebook.FRAMES == FRAMES


def test_a_recording_has_every_combination_of_two_controls_and_says_where_it_starts(line):
    recording = line.record()
    slope, kind = recording["controls"]
    assert slope == {"name": "slope", "label": "slope", "values": ["0", "0.5", "1", "1.5", "2"], "start": 2}
    assert kind["values"] == ["up", "down"] and kind["start"] == 0
    assert set(recording["frames"]) == {f"{i},{j}" for i in range(5) for j in range(2)}
    assert recording["frames"]["4,1"]["words"] == "slope 2.0 down"
    assert recording["alt"] == "A line rises." and recording["title"] == "A line"
    one, other = decoded(recording["frames"]["0,0"]), decoded(recording["frames"]["4,0"])
    assert one.size == (300, 200) and np.abs(np.asarray(one, float) - np.asarray(other, float)).max() > 100


def test_a_recording_keeps_to_its_number_of_pictures_and_keeps_the_start():
    panel = Explorer(lambda x, y: f"{x} {y}", {"x": (0, 100, 1, 37), "y": ["a", "b", "c"]})
    recording = panel.record(pictures=12)
    x, y = recording["controls"]
    assert len(recording["frames"]) <= 12 and x["values"][x["start"]] == "37" and y["values"] == ["a", "b", "c"]
    assert [int(value) for value in x["values"]] == sorted({int(value) for value in x["values"]})
    start = f"{x['start']},{y['start']}"
    assert recording["frames"][start]["words"] == "37 a"


def test_with_more_than_two_controls_one_moves_at_a_time():
    controls = {"x": (0.0, 1.0, 0.1, 0.5), "y": (0, 9, 1, 3), "on": True, "name": widgets.Text("abc")}
    panel = Explorer(lambda **v: f"{v['x']} {v['y']} {v['on']} {v['name']}", controls)
    recording = panel.record(pictures=20)
    starts = [control["start"] for control in recording["controls"]]
    assert len(recording["frames"]) <= 20 and recording["controls"][3]["values"] == ["abc"]
    assert recording["frames"][",".join(map(str, starts))]["words"] == "0.5 3 True abc"
    for key in recording["frames"]:
        assert sum(int(i) != start for i, start in zip(key.split(","), starts)) <= 1


def test_a_recording_has_the_values_that_the_question_needs_together():
    controls = {"x": (0.0, 2.0, 0.05, 1.0), "n": (1, 200, 1, 200), "kind": ["up", "down"], "name": widgets.Text("abc")}
    panel = Explorer(
        lambda **v: f"{v['x']} {v['n']} {v['kind']} {v['name']}", controls,
        recorded={"x": [0.5, 1.0, 1.5], "kind": ["up", "down"], "name": ["abc", "xyz"]},
    )  # fmt: skip
    recording = panel.record(pictures=6)
    x, n, kind, name = recording["controls"]
    assert x == {"name": "x", "label": "x", "values": ["0.5", "1", "1.5"], "start": 1} and n["values"] == ["200"]
    assert len(recording["frames"]) == 12 and recording["frames"]["2,0,1,1"]["words"] == "1.5 200 down xyz"
    assert (kind["start"], name["values"]) == (0, ["abc", "xyz"])


@pytest.mark.parametrize("recorded", [{"z": [1]}, {"x": [0.5, 1.5]}, {"x": [1.0] * 61}])
def test_a_recording_that_cannot_be_is_refused(recorded):
    with pytest.raises(ValueError, match="recorded"):
        Explorer(lambda x: "", {"x": (0.0, 2.0, 0.5, 1.0)}, recorded=recorded)


def test_what_the_kernel_publishes_is_what_was_shown(line, monkeypatch):
    shown = []
    monkeypatch.setattr("course_lib.explorer._displayed", {})
    monkeypatch.setattr("course_lib.explorer.display", lambda data, raw: shown.append(data))
    line._repr_mimebundle_()
    publish()
    assert list(shown[0][FRAMES]) == [line.model_id] and len(shown[0][FRAMES][line.model_id]["frames"]) == 10
