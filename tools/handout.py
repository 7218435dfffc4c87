"""Student copies of the lessons: ``course handout``, ``course handout 03a``.

A copy has every cell but the solutions, and no outputs; the checks stay and answer "not started". The copies lie in
``build/handout`` and run wherever the course is installed. The solutions stand between nbgrader's markers, so that
graders can work from the lessons themselves.
"""

import argparse
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor, TagRemovePreprocessor

from tools.folders import replaced
from tools.kernel import write_atomically
from tools.lesson import ROOT, lessons


def student_copy(notebook):
    """A copy of a lesson without its solutions and without its outputs.

    Raises
    ------
    ValueError
        If a marker of a solution is left outside the cells tagged ``solution``
    """
    copy = nbformat.from_dict(notebook.copy())
    copy, _ = TagRemovePreprocessor(remove_cell_tags={"solution"}).preprocess(copy, {})
    copy, _ = ClearOutputPreprocessor().preprocess(copy, {})
    left = [cell.source for cell in copy.cells if "BEGIN SOLUTION" in cell.source or "END SOLUTION" in cell.source]
    if left:
        raise ValueError(f"a solution stands in a cell without the tag `solution`: {left[0][:60]!r}")
    copy.metadata.pop("course", None)  # the measurements belong to the run that stored the lesson
    return copy


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="course handout", description="Make student copies without solutions.")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="03a, or nothing for all")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "handout", help="where to write")
    options = parser.parse_args(arguments)
    chosen = lessons(" ".join(options.lessons))
    with replaced(options.folder, keep=bool(options.lessons)) as new:
        for lesson in chosen:
            write_atomically(new / lesson.path.name, nbformat.writes(student_copy(lesson.notebook)) + "\n")
    print(f"{len(chosen)} student copies in {options.folder}")
    return 0
