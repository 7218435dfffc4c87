"""Lessons under nbval: numbers within a tolerance, pictures, widgets, cells that never ran, dead kernels.

nbval runs each code cell of a notebook and compares its outputs with the stored ones, character by
character; pictures and widgets it leaves out. Here its classes are extended, and a hook puts the extended
ones in the place of its own. What counts as equal is decided in ``compare.py``.

Tags of a cell that matter here: ``rtol-0.05`` (any number) where training is in play, ``parity``, and
nbval's own ``nbval-ignore-output``, ``nbval-skip``, ``raises-exception``.
"""

import base64
import copy
import os
import time
from queue import Empty

import pytest
from nbval import plugin as nbval
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel, start_new_kernel

from present.notebook import FRAMES, WIDGET
from present.run_lesson import kernel_environment
from tests.lessons.compare import Tolerance, html_text, picture_difference, text_difference

PICTURES = ("image/png", "image/jpeg")


class KernelDied(Exception):
    """The kernel's process ended while a cell was running."""


class LessonKernel(RunningKernel):
    """nbval's kernel, in the environment lessons are stored in; it notices when its process ends."""

    def __init__(self, cwd, startup_timeout):
        with open(os.devnull, "w") as nowhere:
            self.km, self.kc = start_new_kernel(
                startup_timeout=startup_timeout,
                kernel_name=CURRENT_ENV_KERNEL_NAME,
                stderr=nowhere,
                cwd=cwd,
                env=kernel_environment(),
            )
        self._ensure_iopub_up()

    def await_reply(self, msg_id, timeout=None):
        """As nbval's, which would wait for a dead kernel until the timeout of the cell."""
        end = time.monotonic() + timeout if timeout else float("inf")
        while True:
            try:
                return super().await_reply(msg_id, timeout=min(1.0, max(0.0, end - time.monotonic())))
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
                if time.monotonic() >= end:
                    raise


class LessonFile(nbval.IPyNbFile):
    """A notebook. Its kernel is the Python that runs pytest, started in the notebook's folder."""

    def setup(self):
        self.kernel = LessonKernel(
            cwd=str(self.path.parent), startup_timeout=self.config.option.nbval_kernel_startup_timeout
        )
        self.setup_sanitize_files()

    def collect(self):
        for cell in super().collect():
            yield LessonCell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )


class LessonText(str):
    """A text that equals another if ``compare.text_difference`` finds nothing. nbval compares by ``!=``."""

    tolerance = Tolerance()

    def __eq__(self, other):
        return text_difference(str(self), str(other), self.tolerance) is None

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


class LessonCell(nbval.IPyNbCell):
    """A code cell of a lesson."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tolerance = Tolerance.of_tags(self.cell.metadata.get("tags", []))

    def runtest(self):
        ran = self.cell.execution_count is not None or not self.cell.source.strip()
        if not ran and not self.options["skip"]:
            self.raise_cell_error("This cell was never run: store the lesson again with `make run`.")
        try:
            super().runtest()
        except KernelDied:
            self.parent.kernel.stop()
            self.raise_cell_error("The kernel died while this cell ran (out of memory, or a crash).")

    def sanitize(self, s):
        s = super().sanitize(s)
        if not isinstance(s, str):
            return s
        text = LessonText(s)
        text.tolerance = self.tolerance
        return text

    def compare_outputs(self, test, ref, skip_compare=None):
        without_tags = [markup_as_text(outputs) for outputs in (test, ref)]
        if not super().compare_outputs(*without_tags, skip_compare):
            return False
        return self.compare_widgets(test, ref) and self.compare_pictures(test, ref)

    def format_output_compare(self, key, left, right):
        difference = text_difference(left, right, self.tolerance)
        self.comparison_traceback.append(
            f"{key}: {difference}\n\n--- stored\n{str(left).rstrip()}\n--- now\n{str(right).rstrip()}\n---"
        )

    def compare_widgets(self, test, ref):
        stored, now = (sum(WIDGET in output.get("data", {}) for output in outputs) for outputs in (ref, test))
        if stored != now:
            self.comparison_traceback.append(f"widgets: {stored} stored, {now} now")
        return stored == now

    def compare_pictures(self, test, ref):
        expected, actual = pictures(ref), pictures(test)
        if len(expected) != len(actual):
            self.comparison_traceback.append(f"pictures: {len(expected)} stored, {len(actual)} now")
            return False
        alike = True
        for index, (one, other) in enumerate(zip(expected, actual)):
            difference = picture_difference(one, other, self.tolerance)
            if difference:
                alike = False
                kept = self.keep_pictures(index, one, other)
                self.comparison_traceback.append(f"picture {index + 1}: {difference}\nsee {kept}")
        return alike

    def keep_pictures(self, index, expected, actual):
        """Write both pictures where a person can look at them."""
        folder = self.config.rootpath / "build" / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        start = f"{self.path.stem}-cell{self.cell_num}-{index + 1}"
        for name, data in (("stored", expected), ("now", actual)):
            (folder / f"{start}-{name}.png").write_bytes(data)
        return f"{folder.relative_to(self.config.rootpath)}/{start}-*.png"


def markup_as_text(outputs):
    """The outputs with the tags of their HTML dropped, without recordings; nbval groups what it compares by type."""
    outputs = copy.deepcopy(outputs)
    for output in outputs:
        data = output.get("data", {})
        data.pop(FRAMES, None)
        if "text/html" in data:
            data["text/html"] = html_text("".join(data["text/html"]))
    return outputs


def pictures(outputs):
    """The pictures among the outputs of a cell, in order, as bytes."""
    data = [output.get("data", {}) for output in outputs]
    return [base64.b64decode(found[kind]) for found in data for kind in PICTURES if kind in found]


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    found = yield
    return [LessonFile.from_parent(parent, path=file_path) if type(node) is nbval.IPyNbFile else node for node in found]
