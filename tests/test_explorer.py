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

from course_lib.explorer import FRAMES, Explorer, publish
from tools import lesson


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


def test_pages_without_widgets_get_the_picture_with_its_words(line):
    data, _ = line._repr_mimebundle_()
    assert data["text/html"].startswith('<img alt="A line &lt;rises&gt;."') and "base64,iVBOR" in data["text/html"]
    assert data["text/plain"] == "Explorer: A line" and "application/vnd.jupyter.widget-view+json" in data
    assert "image/png" not in data  # JupyterLab and nbconvert would drop its alternative text
    same, _ = line._repr_mimebundle_()
    line.controls["slope"].value = 2.0
    assert same["text/html"] == data["text/html"] != line._repr_mimebundle_()[0]["text/html"]


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


def test_a_recording_has_the_type_that_the_tools_look_for():
    assert lesson.FRAMES == FRAMES


def test_a_recording_has_every_combination_of_the_values_and_says_where_it_starts(line):
    line.controls["slope"].value = 1.5  # a lesson may move it; the recording starts where the explorer started
    recording = line.record()
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
    recording = panel.record()
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
        panel.record()


def test_a_recording_has_the_values_that_the_question_needs_together():
    controls = {"x": (0.0, 2.0, 0.05, 1.0), "n": (1, 200, 1, 200), "kind": ["up", "down"], "name": widgets.Text("abc")}
    panel = Explorer(
        lambda **v: f"{v['x']} {v['n']} {v['kind']} {v['name']}", controls,
        recorded={"x": [0.5, 1.0, 1.5], "kind": ["up", "down"], "name": ["abc", "xyz"]},
    )  # fmt: skip
    recording = panel.record()
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
    monkeypatch.setattr("course_lib.explorer.display", lambda data, raw: shown.append(data[FRAMES]))
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


@pytest.mark.parametrize("act", ["move", "record", "drawn"])
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
    if act == "move":
        panel.controls["a"].value = 3
    else:
        getattr(panel, act)()
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
    last = value
    for _ in range(100):
        after = printed(kernel, "print(len(panel.milliseconds), panel.values['w'])")
        if after[1] == str(last) and int(after[0]) > before:
            break
        time.sleep(0.1)
    assert after[1] == str(last) and before < int(after[0]) < before + 20  # answered, and not once for each move
