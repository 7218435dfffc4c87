"""nbgrader itself makes a release of a lesson: no solution is left, every check is."""

import os
import shutil
import subprocess
import sys

import nbformat

from tools import assets
from tools.lesson import lessons, tags


def test_nbgrader_takes_a_lesson_as_it_is(tmp_path):
    nbgrader = assets.nbgrader()
    lesson = lessons("01a")[0]
    source = tmp_path / "source" / "rnn"
    source.mkdir(parents=True)
    shutil.copy(lesson.path, source)
    shutil.copy(assets.TOOLS / "nbgrader_config.py", tmp_path)
    paths = {
        "PYTHONPATH": os.pathsep.join([str(nbgrader), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PATH": f"{nbgrader / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
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
