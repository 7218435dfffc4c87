"""What the browser tests share: one Chromium and one JupyterLab for each worker, and a summary of the answer times.

``COURSE_BROWSERS=chromium`` leaves out the tests in Firefox, and says so at the end.
"""

import contextlib
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.rotation import browsers_of, lessons_now, turn_now
from tools.browser import browser as started_browser

ROOT = Path(__file__).resolve().parents[2]
LOCAL = re.compile(r"(file|data|blob|about|chrome):|(https?|wss?)://(127\.0\.0\.1|localhost)[:/]")
GOAL_MS = 100
PLAYED = "label:not([hidden]) :is(input, select)"  # the controls of a recorded explorer


class Watch:
    """A page, and what went wrong on it: errors of the console and of scripts, requests that leave the machine."""

    def __init__(self, context, **options):
        self.page = context.new_page(**options)
        self.errors, self.outside = [], []
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text[:300]))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)[:300]))
        self.page.on("request", lambda request: LOCAL.match(request.url) or self.outside.append(request.url[:200]))

    def assert_quiet(self):
        assert not self.outside, f"requests that leave this machine: {self.outside[:5]}"
        assert not self.errors, f"errors in the browser's console: {self.errors[:5]}"


def pytest_configure(config):
    browsers_of(os.environ.get("COURSE_BROWSERS"))  # a wrong name is said at once


def pytest_collection_modifyitems(config, items):
    wanted = browsers_of(os.environ.get("COURSE_BROWSERS"))
    left_out = [item for item in items if item.path.name == "test_firefox.py" and "firefox" not in wanted]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def chromium():
    with started_browser() as chromium:
        yield chromium


@pytest.fixture
def watch(chromium):
    """Open pages that are watched; all are closed after the test."""
    watched = []

    def opened(**options):
        watched.append(Watch(chromium, **options))
        return watched[-1]

    yield opened
    for one in watched:
        one.page.close()


def step(control):
    """Move a control of a recorded explorer by keyboard: one step on, or back from the end."""
    a_list = control.evaluate("node => node.matches('select')")
    at_end = control.evaluate("node => Number(node.value) === Number(node.max ?? node.options.length - 1)")
    control.press(("ArrowUp" if at_end else "ArrowDown") if a_list else ("ArrowLeft" if at_end else "ArrowRight"))


def free_port():
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab with the course's settings on a copy of the lessons; gives ``url(path)``.

    A copy, because a notebook that is run in JupyterLab may be saved.
    """
    home = tmp_path_factory.mktemp("lab")
    course = home / "course"
    shutil.copytree(ROOT / "notebooks", course / "notebooks")
    shutil.copytree(ROOT / "tools" / "jupyter", course / "tools" / "jupyter")
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    environment = {**os.environ, **{name: str(home / name.lower()) for name in (*folders, "JUPYTER_RUNTIME_DIR")}}
    environment.pop("COURSE_PROFILE", None)
    # Whoever knows the token may run code: another one each time, and in the environment, which others cannot read.
    token = environment["JUPYTER_TOKEN"] = secrets.token_hex(24)
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # What some readers have in their own settings; the course's must hold all the same.
    Path(environment["JUPYTER_CONFIG_DIR"]).mkdir()
    empty = '{"IdentityProvider": {"token": ""}, "ServerApp": {"token": ""}}'
    (Path(environment["JUPYTER_CONFIG_DIR"]) / "jupyter_lab_config.json").write_text(empty, encoding="utf-8")
    port, log = free_port(), home / "log"
    command = [
        sys.executable, "-m", "jupyterlab", f"--config={course}/tools/jupyter/jupyter_lab_config.py", "--no-browser",
        *root, "--ip=127.0.0.1", f"--port={port}", "--expose-app-in-browser", "--ServerApp.port_retries=0", "notebooks/00_start_here.ipynb",
    ]  # fmt: skip
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=course, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(120):
            assert process.poll() is None, f"JupyterLab ended at once:\n{log.read_text()[-3000:]}"
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api?token={token}", timeout=2)
                break
            time.sleep(0.5)
        else:
            pytest.fail(f"JupyterLab did not answer:\n{log.read_text()[-3000:]}")
        yield lambda path: f"{address}/lab/tree/{path}?token={token}&reset"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def pytest_terminal_summary(terminalreporter):
    """Print which lessons had their turn, how long explorers took to answer, and the 95th percentile of all."""
    if "firefox" not in browsers_of(os.environ.get("COURSE_BROWSERS")):
        terminalreporter.write_line("Firefox was left out, as COURSE_BROWSERS says: nothing was tested in it.")
    opened = ", ".join(lesson.number for lesson in lessons_now())
    terminalreporter.write_line(
        f"The turn of JupyterLab, and of decks in Firefox, is {turn_now()}: {opened} "
        "(COURSE_ROTATION=all opens all lessons, a number another turn)"
    )
    times = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "answers_ms" and value:
                times[report.nodeid.partition("[")[2].rstrip("]")] = value
    if not times:
        return
    terminalreporter.section("answer times of the explorers")
    for lesson, values in sorted(times.items()):
        terminalreporter.write_line(
            f"{lesson:32} median {statistics.median(values):4.0f} ms, largest {max(values):4.0f} ms"
        )
    every = sorted(value for values in times.values() for value in values)
    p95 = every[min(len(every) - 1, int(0.95 * len(every)))]
    verdict = "within" if p95 <= GOAL_MS else "above"
    terminalreporter.write_line(f"p95 of {len(every)} answers: {p95:.0f} ms, {verdict} the goal of {GOAL_MS} ms")
