"""A lesson whose cells are all run twice, one after the other, as a student may: no state breaks them.

A cell that trains trains on, so that a claim after it may fail and say so; what must not happen is that a name is gone, a
set cannot be opened again, or an object of the first run is in the way. It takes twice a lesson's time, so it is run on
request: ``COURSE_TWICE=1 pytest tests/test_twice.py``, or ``COURSE_TWICE="00 01a"`` for these lessons.
"""

import copy
import os

import pytest

from tools.kernel import Runner
from tools.lesson import lessons, tags

ASKED = os.environ.get("COURSE_TWICE", "")
MAY_FAIL = ("ClaimFailed", "ParityError")


@pytest.mark.skipif(not ASKED, reason="slow: COURSE_TWICE=1 runs it")
@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.number)
def test_cells_may_be_run_twice(lesson):
    if ASKED not in ("1", "all") and lesson.number not in ASKED.split():
        pytest.skip(f"COURSE_TWICE asks for {ASKED}")
    notebook = copy.deepcopy(lesson.notebook)
    found = []
    with Runner(notebook, lesson.path.parent) as runner:
        for cell in notebook.cells:
            if cell.cell_type != "code" or "raises-exception" in tags(cell):
                continue
            for time in ("first", "second"):
                said = runner.run(cell)
                if said and not said.startswith(MAY_FAIL):
                    found.append(f"{lesson.name(cell)}, the {time} time: {said}")
    assert not found, "\n".join(found)
