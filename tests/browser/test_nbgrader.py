"""nbgrader itself makes a release of a lesson: no solution is left, every check is."""

import os
import shutil
import subprocess
import sys

import nbformat

from present import cells
from present.notebook import tags
from tests.browser.conftest import ROOT

NBGRADER = ROOT / "build" / "nbgrader"  # installed by make, apart from the course: its JupyterLab extension stays out


def test_nbgrader_takes_a_lesson_as_it_is(tmp_path):
    lesson = cells.lessons("01a")[0]
    source = tmp_path / "source" / "rnn"
    source.mkdir(parents=True)
    shutil.copy(lesson.path, source)
    shutil.copy(ROOT / "present" / "nbgrader_config.py", tmp_path)
    paths = {"PYTHONPATH": str(NBGRADER), "PATH": f"{NBGRADER / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", "rnn", "--create"],
        cwd=tmp_path, env={**os.environ, **paths}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    release = nbformat.read(tmp_path / "release" / "rnn" / lesson.path.name, as_version=4)
    assert len(release.cells) == len(lesson.cells)
    for before, after in zip(lesson.cells, release.cells):
        if "solution" in tags(before):
            assert after.source == "..." and not after.outputs
        else:
            assert after.source == before.source
