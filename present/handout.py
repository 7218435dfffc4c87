"""Make student copies of the lessons: ``make handout``, ``make handout N=03a``.

A copy has every cell but the solutions, and no outputs; the checks stay and answer "not started". The copies lie in
``build/handout`` and run wherever ``course_lib`` is installed. The solutions stand between nbgrader's markers, so that
graders can work from the lessons themselves.
"""

import argparse
import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor, TagRemovePreprocessor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from present import cells
from present.notebook import ROOT
from present.run_lesson import write_atomically


def student_copy(notebook):
    """A copy of a lesson without its solutions and without its outputs.

    Raises
    ------
    ValueError
        if a marker of a solution is left outside the cells tagged ``solution``
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="03a, or nothing for all")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "handout", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    chosen = cells.lessons(" ".join(options.lessons))
    options.folder.mkdir(parents=True, exist_ok=True)
    for lesson in chosen:
        path = options.folder / lesson.path.name
        write_atomically(path, nbformat.writes(student_copy(lesson.notebook)) + "\n")
    print(f"{len(chosen)} student copies in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
