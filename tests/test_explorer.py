"""The explorer's frame: it computes with the values of its controls, says what went wrong, and moves without a kernel."""

import asyncio
import base64
import gc
import io
import os
import random
import threading
import time
import weakref

import ipywidgets as widgets
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import start_new_kernel
from PIL import Image

from course_lib.explorer import Explorer
from course_lib.pad import Pad
from tools import lesson
from tools.lesson import FRAMES
from tools.recording import publish, record


@pytest.fixture(autouse=True)
def alone():
    """Leave no explorer to the next test."""
    yield
    widgets.Widget.close_all()


@pytest.fixture
def line():
    """A figure that is drawn again for each answer, and the explorer around it."""
    fig, ax = plt.subplots(figsize=(3, 2))
    (curve,) = ax.plot(np.zeros(20))
    ax.set_ylim(-5, 5)

    def draw(slope, kind):
        curve.set_ydata(slope * np.arange(20) / 4 * (1 if kind == "up" else -1))
        return fig, f"slope {slope} {kind}"

    controls = {"slope": (0.0, 2.0, 0.5, 1.0), "kind": ["up", "down"]}
    recorded = {"slope": [0.0, 1.0, 2.0], "kind": ["up", "down"]}
    return Explorer(draw, controls, title="A line", alt="A line <rises>.", recorded=recorded)


def test_the_first_answer_is_there_and_every_move_gives_another(line):
    assert "slope 1.0 up" in line.words.value and line.values == {"slope": 1.0, "kind": "up"}
    before = line.picture.value
    line.controls["slope"].value = 2.0
    assert line.picture.value != before and "slope 2.0 up" in line.words.value
    line.controls["kind"].value = "down"
    assert "slope 2.0 down" in line.words.value and len(line.milliseconds) == 3
    assert 'alt="A line &lt;rises&gt;."' in line.picture.value and 'data-answer="3"' in line.picture.value
    assert not plt.get_fignums()  # nothing is left for the notebook to show a second time


def test_in_a_running_loop_only_the_last_of_many_moves_is_answered(line):
    async def drag():
        for value in (0.0, 0.5, 1.5, 2.0):
            line.controls["slope"].value = value
        await asyncio.sleep(0.2)

    asyncio.run(drag())
    assert len(line.milliseconds) == 2 and "slope 2.0" in line.words.value


def test_a_slider_that_is_dragged_without_rest_is_answered_too(line):
    async def drag():
        for i in range(40):
            line.controls["slope"].value = (0.0, 2.0)[i % 2]
            await asyncio.sleep(0.004)  # less than an answer waits for rest
        seen.append(len(line.milliseconds))
        await asyncio.sleep(0.2)

    seen = []
    asyncio.run(drag())
    assert seen[0] > 1 and line.values["slope"] == 2.0 and "slope 2.0" in line.words.value


def test_pages_without_widgets_get_the_picture_with_its_words(line):
    data, _ = line._repr_mimebundle_()
    assert data["text/html"].startswith('<img alt="A line &lt;rises&gt;."') and "base64,iVBOR" in data["text/html"]
    assert data["text/plain"] == "Explorer: A line" and "application/vnd.jupyter.widget-view+json" in data
    assert "image/png" not in data  # JupyterLab and nbconvert would drop its alternative text
    same, _ = line._repr_mimebundle_()
    line.controls["slope"].value = 2.0
    assert same["text/html"] == data["text/html"] != line._repr_mimebundle_()[0]["text/html"]


def shown(panel):
    """The picture in a panel, (height, width, 4)."""
    source = panel.picture.value.partition("base64,")[2].partition('"')[0]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source))).convert("RGBA"), int)


def drawn_whole(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure")
    return np.asarray(Image.open(buffer).convert("RGBA"), int)


CHANGES = {
    "a curve": lambda ax, bar, image: ax.lines[0].set_ydata([2, 1, 0, 2]),
    "limits": lambda ax, bar, image: ax.set(xlim=(-1, 2), ylim=(0, 30)),
    "limits by themselves": lambda ax, bar, image: (ax.lines[0].set_ydata([9, 8, 0, 1]), ax.relim(), ax.autoscale()),
    "a scale": lambda ax, bar, image: ax.set(yscale="log", ylim=(0.1, 90)),
    "words": lambda ax, bar, image: (ax.set(title="Other", xlabel="time", ylabel="height"), ax.figure.suptitle("All")),
    "an axis' words": lambda ax, bar, image: ax.xaxis.label.set_text("time"),
    "ticks": lambda ax, bar, image: ax.set_xticks([0, 2], ["none", "two"]),
    "a tick's words": lambda ax, bar, image: ax.get_xticklabels()[1].set_color("red"),
    "a legend's words": lambda ax, bar, image: ax.get_legend().get_texts()[0].set_text("another"),
    "a bar": lambda ax, bar, image: (bar.patches[1].set_height(3), bar.patches[0].set_color("red")),
    "an image": lambda ax, bar, image: image.set_data(np.eye(4)),
    "the colours' range": lambda ax, bar, image: image.set_clim(0, 9),
    "all of an axes": lambda ax, bar, image: (ax.clear(), ax.plot([1, 0], label="new"), ax.set_title("New")),
    "no axes": lambda ax, bar, image: ax.set_axis_off(),
    "no frame": lambda ax, bar, image: ax.set_frame_on(False),
    "hidden": lambda ax, bar, image: ax.set_visible(False),
    "no grid": lambda ax, bar, image: ax.grid(False),
    "the ground": lambda ax, bar, image: (ax.set_facecolor("#eee"), ax.figure.set_facecolor("#dde")),
    "a place": lambda ax, bar, image: ax.set_position((0.2, 0.2, 0.2, 0.5)),
    "the size": lambda ax, bar, image: ax.figure.set_size_inches(5, 4),
    "one more": lambda ax, bar, image: ax.plot([0, 3], [3, 0]),
    "one less": lambda ax, bar, image: ax.lines[0].remove(),
    "a second scale": lambda ax, bar, image: ax.figure.axes[-1].lines[0].set_ydata([5, 3]),
    "an inset": lambda ax, bar, image: ax.inset_axes((0.5, 0.5, 0.4, 0.4)).plot([0, 1]),
    "another layout": lambda ax, bar, image: (ax.set_title("Two\nlines"), ax.figure.set_layout_engine("tight")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_draw_changes_is_seen(change):
    with plt.rc_context({"axes.grid": True, "figure.dpi": 60}):
        figure, (ax, other) = plt.subplots(1, 2, figsize=(6, 2.5))
        ax.plot([0, 1, 2, 3], [0, 1, 4, 9], linewidth=4, label="one")
        bar, image = ax.bar([0, 1], [2, 1]), other.imshow(np.arange(16).reshape(4, 4))
        figure.colorbar(image, ax=other)
        ax.legend()
        ax.twinx().plot([0, 3], [4, 9])

    def draw(turn):
        if turn > 1:
            change(ax, bar, image)
        return figure

    panel = Explorer(draw, {"turn": (0, 3, 1, 0)})
    assert np.array_equal(shown(panel), drawn_whole(figure))
    for panel.controls["turn"].value in (1, 2, 3):
        seen, whole = shown(panel), drawn_whole(figure)
        assert seen.shape == whole.shape and (np.abs(seen - whole) > 32).mean() < 0.001
    assert panel._layers._fit  # and was not drawn whole each time


@pytest.mark.parametrize("projection", ["polar", "3d"])
def test_axes_that_project_are_drawn_whole(projection):
    figure, ax = plt.subplots(figsize=(3, 3), subplot_kw={"projection": projection})
    (curve,) = ax.plot(*np.ones((3 if projection == "3d" else 2, 5)))

    def draw(a):
        if projection == "3d":
            curve.set_data_3d(*np.linspace(0, a, 15).reshape(3, 5))
        else:
            curve.set_data(np.linspace(0, a, 5), np.linspace(0, 1, 5))
        return figure

    panel = Explorer(draw, {"a": (1, 3, 1, 1)})
    for panel.controls["a"].value in (2, 3):
        assert np.abs(shown(panel) - drawn_whole(figure)).max() == 0


def test_a_figure_made_anew_for_each_answer_and_a_picture_as_bytes_are_shown_as_they_are():
    figures = []

    def draw(a, as_bytes):
        figures.append(plt.subplots(figsize=(2, 1))[0])
        figures[-1].axes[0].plot([0, a])
        figures[-1].set_facecolor((0.5, 0.5, 0.5, 0.5))
        figures[-1].savefig(buffer := io.BytesIO(), format="png", dpi="figure")
        return buffer.getvalue() if as_bytes else figures[-1]

    panel = Explorer(draw, {"a": (1, 3, 1, 1), "as_bytes": False})
    for panel.controls["a"].value in (2, 3):
        assert np.abs(shown(panel) - drawn_whole(figures[-1])).max() == 0 and shown(panel)[0, 0, 3] == 128
    before = shown(panel)
    panel.controls["as_bytes"].value = True
    assert np.array_equal(shown(panel), before)
    plt.close("all")


def test_numbers_are_read_without_drawing_and_a_recording_is_drawn_whole(line, monkeypatch):
    panel = Explorer(lambda a: (line._draw(a, "up")[0], "", {"a": a}), {"a": (0, 3, 1, 1)}, recorded={"a": [1, 2]})
    panel.controls["a"].value = 2
    kept = shown(panel)
    monkeypatch.setattr(type(panel._layers), "pixels", None)
    assert panel.drawn(a=3) == {"a": 3}
    recorded = record(panel)["frames"]["1"]
    monkeypatch.undo()
    panel.controls["a"].value = 1  # a picture recorded meanwhile leaves nothing of itself
    panel.controls["a"].value = 2
    assert np.array_equal(shown(panel), kept) and decoded(recorded).size == (300, 200)


def test_an_explorer_of_words_alone_shows_them_on_pages_without_widgets():
    data, _ = Explorer(lambda a: f"<b>a is {a}</b>", {"a": (0, 3, 1, 1)})._repr_mimebundle_()
    assert data["text/html"] == "<b>a is 1</b>" and data["text/plain"] == "Explorer: a"


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


def test_a_recording_has_every_combination_of_the_values_and_says_where_it_starts(line):
    line.controls["slope"].value = 1.5  # a lesson may move it; the recording starts where the explorer started
    recording = record(line)
    slope, kind = recording["controls"]
    assert slope == {"name": "slope", "label": "slope", "values": ["0", "1", "2"], "start": 1}
    assert kind["values"] == ["up", "down"] and kind["start"] == 0
    assert set(recording["frames"]) == {f"{i},{j}" for i in range(3) for j in range(2)}
    assert recording["frames"]["2,1"]["words"] == "slope 2.0 down"
    assert recording["alt"] == "A line <rises>." and recording["title"] == "A line"
    one, other = decoded(recording["frames"]["0,0"]), decoded(recording["frames"]["2,0"])
    assert one.size == (300, 200) and np.abs(np.asarray(one, float) - np.asarray(other, float)).max() > 100


def test_of_too_many_combinations_one_control_moves_at_a_time():
    controls = {"x": (0.0, 1.0, 0.1, 0.5), "y": (0, 9, 1, 3), "on": True, "name": widgets.Text("abc")}
    recorded = {"x": [0.0, 0.2, 0.5, 1.0], "y": list(range(10)), "on": [False, True]}
    panel = Explorer(lambda **v: f"{v['x']} {v['y']} {v['on']} {v['name']}", controls, recorded=recorded)
    recording = record(panel)
    assert [control["start"] for control in recording["controls"]] == [2, 3, 1, 0]
    assert recording["controls"][2]["values"] == ["no", "yes"] and recording["controls"][3]["values"] == ["abc"]
    assert recording["frames"]["2,3,1,0"]["words"] == "0.5 3 True abc"
    assert len(recording["frames"]) == 1 + 3 + 9 + 1
    for key in recording["frames"]:
        assert sum(int(i) != start for i, start in zip(key.split(","), (2, 3, 1, 0))) <= 1


def test_an_explorer_without_recorded_works_in_the_kernel_and_is_not_recorded():
    panel = Explorer(lambda x: f"x is {x}", {"x": (0, 9, 1, 3)}, title="Alone")
    panel.controls["x"].value = 4
    assert "x is 4" in panel.words.value
    with pytest.raises(ValueError, match=r"'Alone' needs recorded=\{control: values\}"):
        record(panel)


def test_a_recording_has_the_values_that_the_question_needs_together():
    controls = {"x": (0.0, 2.0, 0.05, 1.0), "n": (1, 200, 1, 200), "kind": ["up", "down"], "name": widgets.Text("abc")}
    panel = Explorer(
        lambda **v: f"{v['x']} {v['n']} {v['kind']} {v['name']}", controls,
        recorded={"x": [0.5, 1.0, 1.5], "kind": ["up", "down"], "name": ["abc", "xyz"]},
    )  # fmt: skip
    recording = record(panel)
    x, n, kind, name = recording["controls"]
    assert x == {"name": "x", "label": "x", "values": ["0.5", "1", "1.5"], "start": 1} and n["values"] == ["200"]
    assert len(recording["frames"]) == 12 and recording["frames"]["2,0,1,1"]["words"] == "1.5 200 down xyz"
    assert (kind["start"], name["values"]) == (0, ["abc", "xyz"])


@pytest.mark.parametrize("recorded", [{"z": [1]}, {"x": [0.5, 1.5]}])
def test_a_recording_that_cannot_be_is_refused(recorded):
    with pytest.raises(ValueError, match="recorded"):
        Explorer(lambda x: "", {"x": (0.0, 2.0, 0.5, 1.0)}, recorded=recorded)


def test_a_recording_of_too_many_pictures_is_refused():
    panel = Explorer(lambda x: "", {"x": (0.0, 2.0, 0.5, 1.0)}, recorded={"x": [1.0] * 61})
    with pytest.raises(ValueError, match="more than 60 pictures"):
        record(panel)


def test_what_the_kernel_publishes_is_what_was_shown(line, monkeypatch):
    shown = []
    monkeypatch.setattr("tools.recording.display", lambda data, raw: shown.append(data[FRAMES]))
    publish()
    assert line.model_id not in shown[0]
    line._repr_mimebundle_()
    publish()
    assert len(shown[1][line.model_id]["frames"]) == 6
    line.close()
    publish()
    assert not shown[2]


def test_a_control_of_numpys_whole_numbers_has_whole_steps():
    panel = Explorer(lambda n, x: f"{type(n).__name__}", {"n": (0, np.int64(9), 1, 0), "x": (0, np.float32(1), 0.5, 0)})
    assert isinstance(panel.controls["n"], widgets.IntSlider) and panel.words.value.count("int<") == 1
    assert isinstance(panel.controls["x"], widgets.FloatSlider)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "draw returned nothing: end it with return fig"),
        ((None, "words"), "draw returned nothing"),
        (np.zeros((2, 2)), "a figure, PNG bytes or HTML, not ndarray"),
        (b"GIF89a", "a figure, PNG bytes or HTML, not bytes"),
        (("a", "b", {}, "c"), "or also a mapping"),
        (("a", 3), r"or also words \(HTML\)"),
        (("a", "b", 0.5), "mapping from names to numbers"),
    ],
    ids=["nothing", "no picture", "an array", "another format", "too much", "no words", "no names"],
)
def test_a_draw_that_returns_something_else_is_told_what_to_return(result, message):
    with pytest.raises(TypeError, match=message):
        Explorer(lambda a: result, {"a": True})


def test_a_claim_can_read_the_numbers_that_are_drawn():
    panel = Explorer(lambda a, b: ("", f"{a + b}", {"sum": a + b}), {"a": (0, 3, 1, 1), "b": (0, 9, 1, 2)})
    before, answers = panel.words.value, len(panel.milliseconds)
    assert panel.drawn() == {"sum": 3} and panel.drawn(b=9) == {"sum": 10}
    assert panel.words.value == before and len(panel.milliseconds) == answers and panel.values == {"a": 1, "b": 2}
    with pytest.raises(TypeError, match="no control c; there are a, b"):
        panel.drawn(c=1)
    with pytest.raises(ValueError, match="draw publishes no numbers"):
        Explorer(lambda a: "words", {"a": True}).drawn()


def draws():
    import torch

    return random.random(), np.random.random(), torch.rand(1).item()


ACTS = {
    "move": lambda panel: panel.controls["a"].set_trait("value", 3),
    "record": record,
    "drawn": Explorer.drawn,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_an_explorer_draws_at_random_changes_no_random_number_after_it(act):
    import torch

    def draw(a):
        random.seed(0), np.random.seed(0), torch.manual_seed(0)
        draws()
        return "", "", {"a": a}

    panel = Explorer(draw, {"a": (0, 3, 1, 1)}, recorded={"a": [0, 1]})
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    undisturbed = [draws(), draws()]
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    first = draws()
    act(panel)
    assert [first, draws()] == undisturbed


def test_a_draw_that_fails_changes_no_random_number_either():
    def draw(a):
        np.random.seed(0)
        return "fine" if a == 1 else 1 / 0

    panel = Explorer(draw, {"a": (0, 3, 1, 1)})
    np.random.seed(5)
    undisturbed = np.random.random()
    np.random.seed(5)
    panel.controls["a"].value = 2
    assert "ZeroDivisionError" in panel.words.value and np.random.random() == undisturbed


def made(title, **options):
    """An explorer, and weak references to what must not outlive it."""
    fig, ax = plt.subplots(figsize=(1, 1))
    data = np.zeros(4)

    def draw(a):
        ax.set_title(f"{a}{data[0]}")
        return fig

    panel = Explorer(draw, {"a": (0, 3, 1, 1)}, title=title, **options)
    return panel, [weakref.ref(fig), weakref.ref(data)]


def test_a_cell_run_again_lets_go_of_the_figure_and_the_data_of_the_run_before():
    before = len(widgets.Widget.get_manager_state()["state"])
    kept, old = made("Again")  # kept, as IPython keeps a cell's last value
    kept._repr_mimebundle_()
    one = len(widgets.Widget.get_manager_state()["state"])
    panel, new = made("Again")
    gc.collect()
    assert [ref() for ref in old] == [None, None] and all(ref() is not None for ref in new)
    assert len(widgets.Widget.get_manager_state()["state"]) == one > before
    kept.answer()  # a late timer does no harm
    panel.close()
    assert len(widgets.Widget.get_manager_state()["state"]) == before


def test_explorers_of_other_titles_and_those_without_one_live_side_by_side():
    panels = [made(title)[0] for title in ("One", "Other", "", "")]
    for panel in panels:
        panel.controls["a"].value = 2
        assert len(panel.milliseconds) == 2 and panel.comm is not None


def test_a_widget_of_the_lesson_outlives_the_explorer():
    slider = widgets.IntSlider(description="mine")
    panel = Explorer(lambda n: f"{n}", {"n": slider}, title="Mine")
    panel.close()
    slider.value = 5
    assert slider.comm is not None and len(panel.milliseconds) == 1


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An IPython shell in this process, whose cells fire its events."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.user_ns["Explorer"] = Explorer
    yield shell
    shell.run_cell("pass")  # gives the turn back, whatever a test left
    InteractiveShell.clear_instance()


def aside(act):
    """Run a function in another thread, as JupyterLab's messages do, and give it a moment."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(0.3)
    return thread


MADE = 'panel = Explorer(lambda a: f"a is {a}", {"a": (0, 9, 1, 1)})'


@pytest.mark.parametrize("first", [True, False], ids=["the cell that makes it", "a later cell"])
def test_an_answer_in_another_thread_waits_until_the_cell_is_done(shell, first):
    def moved():
        for value in (2, 3, 4):
            shell.user_ns["panel"].controls["a"].value = value

    seen = []
    shell.user_ns.update(aside=lambda: aside(moved), seen=seen)
    if not first:
        shell.run_cell(MADE)
    source = "aside(); seen.append(len(panel.milliseconds))"
    shell.run_cell(f"{MADE}\n{source}" if first else source)
    panel = shell.user_ns["panel"]
    assert seen == [1]  # none came while the cell ran
    assert "a is 4" in panel.words.value and len(panel.milliseconds) == 2  # one for the three moves
    assert not aside(lambda: setattr(panel.controls["a"], "value", 7)).is_alive()
    assert "a is 7" in panel.words.value  # nothing runs: at once


@pytest.mark.parametrize("ends", ["1 / 0", "raise KeyboardInterrupt", "1 +", "get_ipython().run_cell('pass')"])
def test_however_a_cell_ends_the_next_answer_comes(shell, ends):
    shell.run_cell(MADE)
    shell.run_cell(ends)
    panel = shell.user_ns["panel"]
    assert not aside(lambda: setattr(panel.controls["a"], "value", 7)).is_alive()
    assert "a is 7" in panel.words.value


def test_a_lost_end_of_a_cell_is_made_up_for_by_the_next(shell):
    shell.run_cell(MADE)
    shell.events.trigger("pre_run_cell", None)
    shell.run_cell("pass")
    panel = shell.user_ns["panel"]
    assert not aside(lambda: setattr(panel.controls["a"], "value", 7)).is_alive()
    assert "a is 7" in panel.words.value


def test_a_cell_may_move_its_explorer_itself(shell):
    result = shell.run_cell(f"{MADE}\npanel.controls['a'].value = 5\npanel.words.value")
    assert "a is 5" in result.result


def test_a_cell_waits_for_an_answer_that_is_being_drawn(shell):
    drawing, go_on = threading.Event(), threading.Event()

    def draw(a):
        if a == 2:
            drawing.set()
            go_on.wait(10)
        return f"a is {a}"

    shell.user_ns["draw"] = draw
    shell.run_cell('panel = Explorer(draw, {"a": (0, 9, 1, 1)})')
    panel = shell.user_ns["panel"]
    thread = threading.Thread(target=lambda: setattr(panel.controls["a"], "value", 2))
    thread.start()
    assert drawing.wait(10)
    threading.Timer(0.2, go_on.set).start()
    result = shell.run_cell("panel.words.value")
    thread.join()
    assert "a is 2" in result.result


def test_the_shell_is_watched_once(shell):
    for _ in range(3):
        shell.run_cell(MADE)
    assert sum(f.__module__ == "course_lib.explorer" for fs in shell.events.callbacks.values() for f in fs) == 2


RACE_SETUP = """
import io, matplotlib.pyplot as plt, numpy as np, torch
torch.set_num_threads(1)
from course_lib.explorer import Explorer
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Dropout(0.5), torch.nn.Linear(16, 1))
start = {name: value.clone() for name, value in net.state_dict().items()}
x, y = torch.randn(64, 6), torch.randn(64, 1)
board, ax = plt.subplots(figsize=(3, 2))
(curve,) = ax.plot(np.zeros(64))
def draw(w):
    training = net.training
    net.eval()
    torch.manual_seed(w)
    with torch.no_grad():
        curve.set_ydata(w * net(x).numpy().ravel())
    net.train(training)
    return board
panel = Explorer(draw, {"w": (0, 99, 1, 0)})
print(panel.controls["w"].model_id)
"""
# A sleep gives the other thread its chance, as a training's longer steps do.
RACE = """
import time
net.load_state_dict(start)
torch.manual_seed(1)
adam = torch.optim.Adam(net.parameters(), 0.01)
pictures, losses, open_still = [], [], 0
for step in range(20):
    fig, axes = plt.subplots(figsize=(2, 1.5))
    axes.plot([0, 1])
    net.train()
    time.sleep(0.01)
    adam.zero_grad()
    loss = ((net(x) - y) ** 2).mean()
    loss.backward()
    adam.step()
    open_still += plt.fignum_exists(fig.number)  # a message's end shows and closes what is open
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    plt.close(fig)
    pictures.append(buffer.getvalue())
    losses.append(f"{loss.item():.6f}")
print(len(set(pictures)), open_still, *losses)
"""


@pytest.fixture(scope="module")
def kernel():
    environment = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    manager, client = start_new_kernel(startup_timeout=60, env=environment)
    client.slider = printed(client, RACE_SETUP)[-1]
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def printed(client, source, meanwhile=lambda: None):
    """What a cell prints; ``meanwhile`` is called again and again while it runs."""
    request, text = client.execute(source), ""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        meanwhile()
        try:
            message = client.get_iopub_msg(timeout=0.02)
        except Exception:  # nothing yet
            continue
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "stream":
            text += message["content"]["text"]
        assert message["msg_type"] != "error", message["content"]["evalue"]
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return text.split()
    raise AssertionError("the cell did not end")


@pytest.mark.parametrize("subshell", [True, False], ids=["in another thread", "in the kernel's thread"])
def test_a_slider_moved_while_a_cell_runs_changes_no_figure_and_no_loss(kernel, subshell):
    def message(kind, content, channel="shell", header=None):
        sent = kernel.session.msg(kind, content)
        sent["header"].update(header or {})
        getattr(kernel, f"{channel}_channel").send(sent)
        return sent

    header = None
    if subshell:
        message("create_subshell_request", {}, "control")
        header = {"subshell_id": kernel.get_control_msg(timeout=30)["content"]["subshell_id"]}
    value, before = 0, int(printed(kernel, "print(len(panel.milliseconds))")[0])

    def move():
        nonlocal value
        value = value % 99 + 1
        data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        message("comm_msg", {"comm_id": kernel.slider, "data": data}, header=header)

    alone = printed(kernel, RACE)
    assert alone[:2] == ["1", "20"]
    assert printed(kernel, RACE, move) == alone
    last, deadline = value, time.monotonic() + 120  # 11 s were seen at a load of 15 on 2 cores, 1 s at a load of 2
    while time.monotonic() < deadline:
        after = printed(kernel, "print(len(panel.milliseconds), panel.values['w'])")
        if after[1] == str(last) and int(after[0]) > before:
            break
        time.sleep(0.1)
    assert after[1] == str(last) and before < int(after[0]) < before + 20  # answered, and not once for each move


# --- the pad --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pad():
    return Pad({"one": np.eye(28), "none": np.zeros((28, 28))})


def test_a_pad_gives_its_example_or_what_is_drawn_and_an_empty_drawing_changes_nothing(pad):
    panel = Explorer(lambda drawn: f"{drawn.shape} {drawn.sum():.1f}", {"drawn": pad})
    assert pad.description == "drawn" and "(28, 28) 28.0" in panel.words.value and pad.value is pad.options["one"]
    pad.set_state({"chosen": -1, "drawing": memoryview(bytes(783) + b"\xff")})
    assert "(28, 28) 1.0" in panel.words.value and pad.value[27, 27] == 1
    pad.set_state({"chosen": 1})
    assert "(28, 28) 0.0" in panel.words.value
    pad.set_state({"chosen": -1, "drawing": bytes(784)})
    assert pad.value is pad.options["none"]
    with pytest.raises(ValueError, match="read-only"):
        pad.value[0, 0] = 1


def test_a_pads_examples_stand_for_drawings_on_pages_without_a_kernel(pad):
    every = {"drawn": list(pad.options.values()), "a": [1, 2]}
    panel = Explorer(lambda drawn, a: f"{a * drawn.sum():g}", {"drawn": pad, "a": (0, 3, 1, 2)}, recorded=every)
    pad.set_state({"chosen": -1, "drawing": b"\xff" * 784})
    recording = record(panel)
    assert recording["controls"][0] == {"name": "drawn", "label": "drawn", "values": ["one", "none"], "start": 0}
    assert recording["frames"]["0,1"]["words"] == "56" and recording["frames"]["1,0"]["words"] == "0"
    with pytest.raises(ValueError, match="recorded: 'drawn'"):
        Explorer(lambda drawn: "", {"drawn": pad}, recorded={"drawn": [np.eye(28)]})


@pytest.mark.parametrize(
    "examples", [{}, {"a": np.zeros(784)}, {"a": np.full((28, 28), 2)}, {"a": np.full((28, 28), np.nan)}]
)
def test_a_pad_refuses_what_is_no_picture(examples):
    with pytest.raises(ValueError, match="at least one example|'a' needs shape"):
        Pad(examples)


def test_pages_and_notebooks_have_one_source_of_the_pad():
    live = (lesson.ROOT / "tools" / "live" / "live.js").read_text(encoding="utf-8")
    source = (lesson.ROOT / "course_lib" / "pad.js").read_text(encoding="utf-8")
    assert str(Pad._esm).startswith(source)
    for name in ("digitPad", "asDigit", "drawPicture"):
        assert f"function {name}(" in source and f"function {name}(" not in live
