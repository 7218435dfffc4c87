"""A hand on a slider while a cell runs, in JupyterLab: no figure comes out blank, and no training otherwise."""

import json
import urllib.parse
import urllib.request

import nbformat
import pytest

from tests.browser.test_lab import OPENED, SCROLL

SETUP = """\
import io

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from course_lib import explorer

torch.set_num_threads(1)
torch.manual_seed(0)"""
EXPLORER = """\
net = nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.5), nn.Linear(16, 1))
start = {name: value.clone() for name, value in net.state_dict().items()}
x, y = torch.randn(64, 6), torch.randn(64, 1)
board, ax = plt.subplots(figsize=(4, 2))
(curve,) = ax.plot(np.zeros(64))


def draw(w):
    net.eval()
    torch.manual_seed(w)
    with torch.no_grad():
        curve.set_ydata(w * net(x).numpy().ravel())
    net.train()
    return board, f"w is {w}"


panel = explorer.Explorer(draw, {"w": (0, 99, 1, 50)}, title="Race", alt="A curve.")
panel"""
# One and the same figure each time, and a training with dropout; both take their time, as a lesson's do.
RUN = """\
net.load_state_dict(start)
torch.manual_seed(1)
adam = torch.optim.Adam(net.parameters(), 0.01)
pictures, losses = [], []
for step in range(25):
    fig, (left, right) = plt.subplots(1, 2, figsize=(5, 2))
    left.plot(np.sin(np.arange(2000) / 50))
    right.imshow(np.arange(100).reshape(10, 10))
    adam.zero_grad()
    loss = ((net(x) - y) ** 2).mean()
    loss.backward()
    adam.step()
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    plt.close(fig)
    pictures.append(buffer.getvalue())
    losses.append(f"{loss.item():.6f}")
print(len(set(pictures)), len(pictures[0]) > 5000, *losses)"""

CELL = """(i) => {
  const cell = window.jupyterapp.shell.currentWidget.content.model.cells.get(i);
  return { count: cell.executionCount, outputs: cell.outputs.toJSON() };
}"""
START = """(last) => {
  const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
  content.deselectAll();
  content.activeCellIndex = last;
  window.ran = '';
  window.jupyterapp.commands.execute('notebook:run-cell').then(() => { window.ran = 'done'; });
}"""
SUBSHELLS = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.commsOverSubshells"
SETTING = "@jupyterlab/apputils-extension:kernels-settings"


def put(url, path, body):
    """Send something to the server of a page whose address, with its token, is ``url``."""
    address = urllib.parse.urlsplit(url)
    token = urllib.parse.parse_qs(address.query)["token"][0]
    request = urllib.request.Request(
        f"{address.scheme}://{address.netloc}/{path}",
        json.dumps(body).encode(),
        {"Authorization": f"token {token}"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=30):
        pass


@pytest.fixture
def opened(lab, watch):
    """Open the notebook of this file, with the course's settings or some of the reader's own."""
    url = lab("notebooks/race.ipynb")

    def opened(own):
        cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, EXPLORER, RUN, RUN)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        put(url, "api/contents/notebooks/race.ipynb", {"type": "notebook", "format": "json", "content": notebook})
        put(url, f"lab/api/settings/{SETTING}", {"raw": json.dumps(own)})
        watched = watch(viewport={"width": 1440, "height": 1000})
        watched.page.goto(url)
        watched.page.wait_for_function("() => window.jupyterapp", timeout=120_000)
        watched.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
        assert watched.page.evaluate(OPENED) == "connected"
        return watched

    yield opened
    put(url, f"lab/api/settings/{SETTING}", {"raw": "{}"})


def run(page, cell, meanwhile=lambda: None):
    """Run a cell, doing something again and again while it runs; return its outputs."""
    page.evaluate(START, cell)
    while page.evaluate("window.ran") != "done":
        meanwhile()
        page.wait_for_timeout(20)
    outputs = page.evaluate(CELL, cell)["outputs"]
    assert not [output for output in outputs if output["output_type"] == "error"], outputs
    return outputs


@pytest.mark.parametrize(
    ("own", "subshells"),
    [({}, "disabled"), ({"commsOverSubshells": "perCommTarget"}, "perCommTarget")],
    ids=["as the course starts it", "with messages in another thread"],
)
def test_a_slider_moved_while_a_cell_runs_changes_no_figure_and_no_loss(own, subshells, opened):
    watched = opened(own)
    page = watched.page
    assert page.evaluate(SUBSHELLS) == subshells
    run(page, 0)
    shown = run(page, 1)[-1]["data"]
    assert shown["text/html"].startswith("<img alt=")
    page.evaluate(SCROLL, 1)
    handle = page.wait_for_selector(".course-explorer .noUi-handle")  # the widget, and not the picture of other pages
    assert page.query_selector(".course-explorer img[alt='A curve.']")
    alone = run(page, 2)[0]["text"].split()
    assert alone[:2] == ["1", "True"]

    before = int(page.get_attribute(".course-explorer [data-answer]", "data-answer"))
    moves = 0

    def move():
        nonlocal moves
        handle.focus()
        page.keyboard.press("ArrowLeft" if moves % 20 < 10 else "ArrowRight")
        moves += 1

    moved = run(page, 3, move)[0]["text"].split()
    assert moves > 10
    assert moved == alone
    page.wait_for_function(
        "(n) => Number(document.querySelector('.course-explorer [data-answer]').dataset.answer) > n", arg=before
    )
    watched.assert_quiet()
    page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")
