"""Lessons as tests: ``pytest --nbval`` runs every code cell of a notebook and compares what it says with what is stored.

What counts as the same is measured: see ``tools.ranges``. The option ``--nbval`` is nbval's, and it is the door; its
collector is taken out, because it compares no pictures, has no ranges and waits for a dead kernel until the timeout.

A test is called by its place, ``notebooks/01a_rnn_cell.ipynb::§3 The flip-flop: claim 2``. Asking for one cell runs
those before it. After a cell has raised, the rest of the lesson is skipped.
"""

from __future__ import annotations

import copy
import re

import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from tools import ranges
from tools.compare import parts
from tools.kernel import CELL_TIMEOUT, Runner
from tools.lesson import Lesson, tags

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def pytest_configure(config):
    nbval = config.pluginmanager.get_plugin("nbval")
    if nbval is not None:
        config.pluginmanager.unregister(nbval)


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".ipynb" and parent.config.getoption("nbval", default=False):
        return LessonFile.from_parent(parent, path=file_path)
    return None


class LessonFile(pytest.File):
    """A notebook. Its kernel is the Python that runs pytest, started in the notebook's folder at the first cell."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._runner = self.broken = None
        self._ran = 0

    def collect(self):
        self.lesson = Lesson(self.path)
        # a notebook that was never run with other seeds is compared exactly
        self.ranges = ranges.of(self.lesson) or ranges.Ranges(self.lesson, ranges.nothing())
        for place, cell in enumerate(self.lesson.code):
            yield LessonCell.from_parent(self, name=self.lesson.name(cell), place=place)

    def outputs(self, place: int) -> list:
        """The outputs of one code cell, run after those before it."""
        if self._runner is None:
            self._running = copy.deepcopy(self.lesson.notebook)
            self._code = [cell for cell in self._running.cells if cell.cell_type == "code"]
            self._runner = Runner(self._running, self.path.parent, timeout=CELL_TIMEOUT).__enter__()
        while self._ran <= place:
            cell = self._code[self._ran]
            self._ran += 1
            raised = self._runner.run(cell)
            if raised and "raises-exception" not in tags(cell):
                self.broken = self.lesson.name(self.lesson.code[self._ran - 1])
                break
        return self._code[min(place, self._ran - 1)].outputs

    def teardown(self):
        if self._runner is not None:
            self._runner.__exit__(None, None, None)
            self._runner = None


class LessonCell(pytest.Item):
    """A code cell of a lesson."""

    def __init__(self, *, place, **kwargs):
        super().__init__(**kwargs)
        self.place = place
        self.cell = self.parent.lesson.code[place]

    def runtest(self):
        lesson, file = self.parent.lesson, self.parent
        if file.broken:
            pytest.skip(f"{lesson.number}: not run, because “{file.broken}” raised")
        if self.cell.source.strip() and self.cell.execution_count is None:
            self._fail(f"it was never run. Store the lesson again: course run {lesson.number}")
        try:
            outputs = file.outputs(self.place)
        except DeadKernelError:
            file.broken = self.name
            self._fail("the kernel died while this cell ran (out of memory, or a crash)")
        except CellTimeoutError:
            file.broken = self.name
            self._fail(f"it took longer than {CELL_TIMEOUT} seconds")
        if file.broken and file.broken != self.name:
            pytest.skip(f"{lesson.number}: not run, because “{file.broken}” raised")
        if file.broken:
            self._fail(*told(outputs))
        if "nbval-ignore-output" in tags(self.cell):
            return
        difference = file.ranges.difference(self.cell, self.cell.outputs, outputs)
        if difference:
            self._fail(difference, *self._both(outputs), *self._kept(outputs))

    def _fail(self, cause: str, *more: str):
        pytest.fail(COLOURS.sub("", "\n".join([cause, *more])), pytrace=False)

    def _both(self, outputs):
        for title, found in (("stored", self.cell.outputs), ("now", outputs)):
            text = "\n".join(part.text.rstrip() for part in parts(found).values() if part.kind in ("text", "claim"))
            if text:
                yield f"--- {title}\n{text}"

    def _kept(self, outputs):
        """Write the pictures that differ where a person can look at them, if there is such a place."""
        folder = self.config.rootpath / "build" / "pictures"
        start = re.sub(r"\W+", "-", f"{self.parent.lesson.number} {self.name}")
        kept = False
        for title, found in (("stored", self.cell.outputs), ("now", outputs)):
            for key, part in parts(found).items():
                if part.kind != "picture":
                    continue
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / f"{start}-{key.replace(' ', '')}-{title}.png").write_bytes(part.data)
                    kept = True
                except OSError:
                    return
        if kept:
            yield f"--- pictures: build/pictures/{start}-*"

    def reportinfo(self):
        return self.path, None, f"{self.parent.lesson.number} {self.name}"


def told(outputs) -> list[str]:
    """What a cell that raised says: the error in a line, what it had printed, its traceback."""
    found = parts(outputs)
    error = next(part.text for part in found.values() if part.kind == "error")
    printed = [part.text.rstrip() for part in found.values() if part.kind in ("text", "claim")]
    trace = next("\n".join(output["traceback"]) for output in outputs if output["output_type"] == "error")
    return [error, *(["--- printed before", *printed] if printed else []), "--- traceback", trace]
