"""Run lessons from top to bottom and store what they say: ``course run 01a``.

A lesson is only ever stored whole: if a cell raises, the error is printed and the file stays as it was. The wall time,
the processor seconds and the peak memory of the run are stored with the lesson, in the notebook's metadata ``course``;
the table of lessons in README.md is made of them.

    course run 01a                      run notebooks/01a_*.ipynb
    course run 01a 01b                  run several, one after the other
    course run 08a_topic --from x.py    make it from a py:percent text first
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat

from tools.lesson import FRAMES, NOTEBOOKS, ROOT, WIDGET, Lesson, cell_id, find, lessons, upgraded

__all__ = ["LessonRaised", "main", "print_table", "run", "table", "tidy", "update_readme"]

TABLE_BEGIN, TABLE_END = "<!-- lessons -->", "<!-- /lessons -->"
MEASURED = ("cpu_s", "wall_s", "peak_mb")

# What a notebook says about its language, without the version of the Python that happened to run it.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


class LessonRaised(Exception):
    """A cell of a lesson raised, or its kernel died; the message says which cell, and what."""


def tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Drop what differs from run to run or from machine to machine and means nothing."""
    course = notebook.metadata.get("course", {})
    notebook.metadata = nbformat.from_dict({**NOTEBOOK_METADATA, "course": course})
    for cell in notebook.cells:
        for key in list(cell.metadata):
            if key not in ("tags", "slideshow", "jupyter"):
                del cell.metadata[key]
    return notebook


def execute(notebook: nbformat.NotebookNode, path: Path) -> dict[str, float]:
    """Run every cell of ``notebook``, to be stored at ``path``, in a fresh kernel that works in that folder.

    Returns
    -------
    dict
        ``wall_s``, ``cpu_s`` (seconds) and ``peak_mb`` (MB, 10^6 bytes) of the kernel and its children.

    Raises
    ------
    LessonRaised
        If a cell raises and is not tagged ``raises-exception``, takes too long, or the kernel dies.
    """
    from tools import live
    from tools.kernel import Runner

    lesson = Lesson(path.name, notebook)
    begin = time.perf_counter()
    with Runner(notebook, path.parent) as runner:
        run_cells(runner, lesson)
        wall = time.perf_counter() - begin
        # Recording is not measured: the lesson itself draws none of these pictures.
        runner.meter.stop()
        record_explorers(runner, notebook)
        if path.resolve().parent == NOTEBOOKS:
            try:
                live.record(runner, lesson)
            except ValueError as error:
                raise LessonRaised(str(error)) from None
        meter = runner.meter
    return {
        "wall_s": round(wall, 1),
        "cpu_s": round(meter.cpu_s, 1),
        "peak_mb": round(meter.peak_bytes / 1e7) * 10,
    }


def run_cells(runner, lesson: Lesson) -> None:
    """Run every code cell of ``lesson`` in ``runner``.

    Raises
    ------
    LessonRaised
        If a cell raises and is not tagged ``raises-exception``, takes too long, or the kernel dies.
    """
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    for cell in lesson.code:
        try:
            error = runner.run(cell)
        except DeadKernelError:
            raise LessonRaised(f"{lesson.name(cell)}: the kernel died (perhaps there was too little memory)") from None
        except CellTimeoutError as late:
            raise LessonRaised(f"{lesson.name(cell)}: {str(late).splitlines()[0]}") from None
        if error and "raises-exception" not in cell.metadata.get("tags", []):
            raise LessonRaised(f"{lesson.name(cell)}: {error}\n\n{_traceback(cell)}")


def _traceback(cell) -> str:
    """What a cell printed before it raised, and the traceback, without colours."""
    import re

    said = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    trace = "\n".join(line for output in cell.outputs for line in output.get("traceback", []))
    return said + re.sub(r"\x1b\[[0-9;]*m", "", trace)


def record_explorers(runner, notebook) -> None:
    """Put beside each explorer the pictures that a page without a kernel moves (``tools.recording``).

    Done when the whole lesson has run, as a reader meets the explorer.
    """
    shown = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if WIDGET in output.get("data", {}):
                shown[output.data[WIDGET]["model_id"]] = output
    if not shown:
        return
    outputs = runner.ask("from tools.recording import publish\npublish()")
    for output in outputs:
        if output.output_type == "error":
            raise LessonRaised(f"an explorer could not be recorded: {output.ename}: {output.evalue}")
        for model_id, recording in output.get("data", {}).get(FRAMES, {}).items():
            if model_id in shown:
                shown[model_id].data[FRAMES] = recording


def from_draft(draft: str | Path, stored: nbformat.NotebookNode | None = None) -> nbformat.NotebookNode:
    """A notebook made of a py:percent text.

    A cell whose source is that of a cell in ``stored`` keeps its id; any other gets one made of its source.
    """
    import jupytext

    notebook = jupytext.read(draft, fmt="py:percent")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    known: dict[tuple[str, str], list[str]] = {}
    for cell in stored.cells if stored else []:
        known.setdefault((cell.cell_type, cell.source), []).append(cell.id)
    used = {cell.id for cell in stored.cells} if stored else set()
    for cell in notebook.cells:
        ids = known.get((cell.cell_type, cell.source))
        cell.id = ids.pop(0) if ids else cell_id(cell.source, cell.cell_type, used)
    if stored:
        notebook.metadata["course"] = stored.metadata.get("course", {})
    return notebook


def path_of(name: str, folder: Path, draft: str | Path | None = None) -> Path:
    """The path of lesson ``name`` ("01b", "01b_from_sums_to_series", or a path); may be new with a draft."""
    try:
        return find(name, folder)
    except LookupError as error:
        stem = Path(name).name.removesuffix(".ipynb")
        if draft is None or any(path.stem.startswith(stem + "_") for path in Path(folder).glob("*.ipynb")):
            raise SystemExit(str(error)) from None
    new = stem if "_" in stem else Path(draft).stem
    if new == stem or new.startswith(stem + "_"):
        return Path(folder) / f"{new}.ipynb"
    raise SystemExit(f"Say the whole name of the new lesson, such as {stem}_its_topic.")


RECORD = "import sys; from exercises.record import record; record(sys.argv[1])"


@contextlib.contextmanager
def recorded_answers(lesson: Lesson) -> Iterator[None]:
    """Record what the lesson's solutions give, for its checks to compare with; if the block fails, as it was before.

    What is recorded already, of the same solutions and exercises, is not recorded again: many of them train.

    Raises
    ------
    LessonRaised
        If a solution cannot be recorded.
    """
    from exercises import RECORDED
    from exercises import lessons as with_exercises
    from exercises.record import is_recorded
    from tools.kernel import kernel_environment, write_atomically

    file = RECORDED / f"{lesson.number}.json"
    if lesson.number not in with_exercises():
        yield
        return
    before = file.read_bytes() if file.exists() else None
    if is_recorded(lesson, file):
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{lesson.number}_draft.ipynb"
        nbformat.write(lesson.notebook, path)
        # In a process of its own: solutions load the frameworks, which would stay beside the lesson's kernel. With one
        # thread, as a lesson's: two wait for each other wherever anything else runs (40 minutes instead of 3, at worst).
        done = subprocess.run(
            [sys.executable, "-c", RECORD, str(path)],
            env={**kernel_environment(), "OMP_NUM_THREADS": "1"}, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no word"]
        raise LessonRaised(f"the exercises could not be recorded: {said[-1].removeprefix('ValueError: ')}")
    try:
        yield
    except BaseException:
        if before is not None:
            write_atomically(file, before)
        else:
            file.unlink(missing_ok=True)
        raise


def run(path: Path, draft: str | Path | None = None) -> dict[str, float]:
    """Make (from ``draft``, if given), run and store the lesson at ``path``; return the measurements.

    Raises
    ------
    LessonRaised
        If a cell raises; nothing is stored then.
    """
    from tools.kernel import write_atomically

    path = Path(path)
    stored = upgraded(nbformat.read(path, as_version=4)) if path.exists() else None
    notebook = from_draft(draft, stored) if draft else stored
    with recorded_answers(Lesson(path, notebook)):
        measured = execute(notebook, path)
        notebook.metadata["course"] = {**notebook.metadata.get("course", {}), **measured}
        tidy(notebook)
        nbformat.validate(notebook)
        write_atomically(path, nbformat.writes(notebook) + "\n")
    if path.resolve().parent == NOTEBOOKS:
        from tools.robust import keep_stored

        keep_stored(Lesson(path, notebook), measured)
    return measured


def table(folder: Path = NOTEBOOKS) -> str:
    """The rows of README's table of lessons, in Markdown, from what the notebooks say.

    Raises
    ------
    SystemExit
        If a lesson does not say its title or minutes, or was never stored.
    """
    rows = [
        "| Lesson | What it is about | Minutes | CPU seconds | Peak memory |",
        "|---|---|--:|--:|--:|",
    ]
    for lesson in lessons(folder=folder):
        facts = lesson.facts
        if not (lesson.title != lesson.stem and lesson.minutes and set(MEASURED) <= set(facts)):
            raise SystemExit(
                f"{lesson.path.name}: the first cell must hold a title and the minutes (“45 min”), "
                f"and the lesson must have been stored by `course run {lesson.number}`."
            )
        rows.append(
            f"| [{lesson.number}](notebooks/{lesson.path.name}) | {lesson.title} | {lesson.minutes} | "
            f"{facts['cpu_s']:.0f} | {facts['peak_mb'] / 1000:.1f} GB |"
        )
    return "\n".join(rows)


def update_readme(readme: Path, folder: Path) -> bool:
    """Put the table between the two marks in README.md; a README without them is left alone."""
    from tools.kernel import write_atomically

    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    before, begin, rest = text.partition(TABLE_BEGIN)
    _, end, after = rest.partition(TABLE_END)
    if not (begin and end):
        return False
    write_atomically(readme, f"{before}{begin}\n{table(folder)}\n{end}{after}")
    return True


def print_table(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="course table", description="Print the table of lessons.")
    parser.add_argument("--folder", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    print(table(parser.parse_args(arguments).folder))
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course run", description="Run lessons and store their outputs.")
    parser.add_argument("lessons", nargs="+", metavar="LESSON", help="01a, or the name of the lesson; all for all")
    parser.add_argument("--from", dest="draft", metavar="DRAFT.py", help="make it from this text first")
    parser.add_argument("--folder", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.draft and len(options.lessons) > 1:
        parser.error("a draft makes one lesson: name one")
    if options.draft and not Path(options.draft).is_file():
        parser.error(f"there is no file {options.draft}")
    if options.lessons == ["all"]:
        paths = [lesson.path for lesson in lessons(folder=options.folder)]
    else:
        paths = [path_of(name, options.folder, options.draft) for name in options.lessons]
    failed = 0
    for path in paths:
        print(f"{path.name}: running …", flush=True)
        try:
            measured = run(path, options.draft)
        except LessonRaised as error:
            print(f"{path.name}, {error}\n{path.name}: nothing was stored.", file=sys.stderr)
            failed += 1
            continue
        print(
            f"{path.name}: stored. {measured['wall_s']:.1f} s wall, {measured['cpu_s']:.1f} CPU s, "
            f"peak {measured['peak_mb']:.0f} MB, {path.stat().st_size / 1e6:.2f} MB on disk",
            flush=True,
        )
    if failed < len(paths):
        update_readme(options.folder.parent / "README.md", options.folder)
    return 1 if failed else 0
