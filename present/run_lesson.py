"""Run a lesson from top to bottom and store what it says: ``make run N=01b``.

A lesson is only ever stored whole. If a cell raises, the traceback is printed and the file stays as it was.
The wall time, the processor seconds and the peak memory of the run are stored with the lesson, under
``course`` in the notebook's metadata; the table of lessons in README.md is made of the last two.

    python present/run_lesson.py 01b                    run notebooks/01b_*.ipynb
    python present/run_lesson.py 01b --from draft.py    make it from a py:percent text first
    python present/run_lesson.py --table                print the table of lessons
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from present.notebook import FRAMES, NOTEBOOKS, WIDGET, find

TABLE_BEGIN, TABLE_END = "<!-- lessons -->", "<!-- /lessons -->"
CELL_TIMEOUT = 600

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


def kernel_environment():
    """The environment a lesson's kernel gets, when it is stored and when it is tested.

    The stored outputs belong to the default profile, to the inline figures of Jupyter and to Python's
    default warnings, whatever the calling shell has set.
    """
    ours = ("COURSE_PROFILE", "COURSE_THREADS", "MPLBACKEND", "PYTHONWARNINGS")
    return {name: value for name, value in os.environ.items() if name not in ours}


def write_atomically(path, text):
    """Replace the file in one step, so that an interrupted run leaves the old one whole."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


class Meter(threading.Thread):
    """Watches one process and its children: processor seconds and peak resident memory."""

    def __init__(self, pid, every=0.05):
        super().__init__(daemon=True)
        import psutil

        self.psutil, self.process, self.every = psutil, psutil.Process(pid), every
        self.cpu_s, self.peak_bytes, self.finished = 0.0, 0, threading.Event()

    def sample(self):
        cpu, memory = 0.0, 0
        for process in [self.process, *self.process.children(recursive=True)]:
            try:
                times = process.cpu_times()
                memory += process.memory_info().rss
            except self.psutil.NoSuchProcess:
                continue
            # children_* counts those that have ended; the living ones are in the loop themselves
            cpu += times.user + times.system
            cpu += getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
        self.cpu_s, self.peak_bytes = max(self.cpu_s, cpu), max(self.peak_bytes, memory)

    def run(self):
        try:
            while not self.finished.wait(self.every):
                self.sample()
        except self.psutil.NoSuchProcess:
            return  # the kernel died; what was measured until then stands

    def stop(self):
        self.finished.set()
        self.join()


def tidy(notebook):
    """Drop what differs from run to run or from machine to machine and means nothing."""
    course = notebook.metadata.get("course", {})
    notebook.metadata = nbformat.from_dict({**NOTEBOOK_METADATA, "course": course})
    for cell in notebook.cells:
        for key in list(cell.metadata):
            if key not in ("tags", "slideshow", "jupyter"):
                del cell.metadata[key]
    return notebook


def execute(notebook, folder):
    """Run every cell of ``notebook`` in a fresh kernel whose working directory is ``folder``.

    Returns
    -------
    dict
        ``wall_s``, ``cpu_s`` (seconds) and ``peak_mb`` (MB, 10^6 bytes) of the kernel and its children.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        if a cell raises and is not tagged ``raises-exception``
    nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError
        if the kernel dies, or a cell takes longer than ``CELL_TIMEOUT`` seconds
    """
    from jupyter_client import AsyncKernelManager
    from nbclient import NotebookClient
    from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

    # the interpreter that runs this script, not a kernel of the same name somewhere else
    manager = AsyncKernelManager(kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager())
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=CELL_TIMEOUT,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
    )
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    begin = time.perf_counter()
    with client.setup_kernel(cleanup_kc=True, cwd=str(folder), env=kernel_environment()):
        meter = Meter(manager.provisioner.pid)
        meter.start()
        try:
            count = 0
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type == "code" and cell.source.strip():
                    count += 1
                    client.execute_cell(cell, index, execution_count=count)
            wall = time.perf_counter() - begin
        finally:
            meter.stop()
        record_explorers(client, notebook)
    return {
        "wall_s": round(wall, 1),
        "cpu_s": round(meter.cpu_s, 1),
        "peak_mb": round(meter.peak_bytes / 1e7) * 10,
    }


def record_explorers(client, notebook):
    """Put beside each explorer the pictures that a page without a kernel moves (``Explorer.record``).

    Done when the whole lesson has run, as a reader meets the explorer, and not measured: the lesson itself draws none.
    """
    shown = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if WIDGET in output.get("data", {}):
                shown[output.data[WIDGET]["model_id"]] = output
    if not shown:
        return
    cell = nbformat.v4.new_code_cell("from course_lib.explorer import publish\npublish()")
    notebook.cells.append(cell)  # nbclient puts the cell it has run at its index
    try:
        client.execute_cell(cell, len(notebook.cells) - 1, store_history=False)
    finally:
        notebook.cells.pop()
    for output in cell.outputs:
        for model_id, recording in output.get("data", {}).get(FRAMES, {}).items():
            if model_id in shown:
                shown[model_id].data[FRAMES] = recording


def from_draft(draft, stored=None):
    """A notebook made of a py:percent text.

    A cell whose source is that of a cell in ``stored`` keeps its id; any other gets one made of its source,
    so that the same text always gives the same notebook.
    """
    import jupytext

    notebook = jupytext.read(draft, fmt="py:percent")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    known = {}
    for cell in stored.cells if stored else []:
        known.setdefault((cell.cell_type, cell.source), []).append(cell.id)
    used = {cell.id for cell in stored.cells} if stored else set()
    for cell in notebook.cells:
        ids = known.get((cell.cell_type, cell.source))
        if ids:
            cell.id = ids.pop(0)
            continue
        salt = 0
        while True:
            digest = hashlib.sha256(f"{salt}{cell.cell_type}{cell.source}".encode()).hexdigest()[:8]
            if digest not in used:
                break
            salt += 1
        used.add(digest)
        cell.id = digest
    if stored:
        notebook.metadata["course"] = stored.metadata.get("course", {})
    return notebook


def find_lesson(name, folder, draft=None):
    """The path of lesson ``name`` ("01b", "01b_from_sums_to_series", or a path); may be new with a draft."""
    try:
        return find(name, folder)
    except LookupError as error:
        stem = Path(name).name.removesuffix(".ipynb")
        if draft is None or any(path.stem.startswith(stem + "_") for path in folder.glob("*.ipynb")):
            raise SystemExit(str(error)) from None
    new = stem if "_" in stem else Path(draft).stem
    if new == stem or new.startswith(stem + "_"):
        return folder / f"{new}.ipynb"
    raise SystemExit(f"Say the whole name of the new lesson, such as {stem}_its_topic.")


def run(path, draft=None):
    """Make (from ``draft``, if given), run and store the lesson at ``path``; return the measurements."""
    stored = nbformat.read(path, as_version=4) if path.exists() else None
    notebook = from_draft(draft, stored) if draft else stored
    measured = execute(notebook, path.parent)
    notebook.metadata["course"] = {**notebook.metadata.get("course", {}), **measured}
    tidy(notebook)
    nbformat.validate(notebook)
    write_atomically(path, nbformat.writes(notebook) + "\n")
    return measured


def table(folder):
    """The rows of README's table of lessons, in Markdown, from what the notebooks say."""
    rows = [
        "| Lesson | What it is about | Minutes | CPU seconds | Peak memory |",
        "|---|---|--:|--:|--:|",
    ]
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        first = notebook.cells[0].source
        title = re.search(r"^#\s+(.+)$", first, re.MULTILINE)
        minutes = re.search(r"(\d+(?:\s*[-–]\s*\d+)?)\s*min", first)
        course = notebook.metadata.get("course", {})
        if not (title and minutes and {"wall_s", "cpu_s", "peak_mb"} <= set(course)):
            raise SystemExit(
                f"{path.name}: the first cell must hold a title and the minutes (“45 min”), "
                "and the lesson must have been stored by `make run`."
            )
        number, _, _ = path.stem.partition("_")
        rows.append(
            f"| [{number}](notebooks/{path.name}) | {title[1].strip()} | {minutes[1]} | "
            f"{course['cpu_s']:.0f} | {course['peak_mb'] / 1000:.1f} GB |"
        )
    return "\n".join(rows)


def update_readme(readme, folder):
    """Put the table between the two marks in README.md; a README without them is left alone."""
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    before, begin, rest = text.partition(TABLE_BEGIN)
    _, end, after = rest.partition(TABLE_END)
    if not (begin and end):
        return False
    write_atomically(readme, f"{before}{begin}\n{table(folder)}\n{end}{after}")
    return True


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", help="01b, or the name of the lesson")
    parser.add_argument("--from", dest="draft", metavar="DRAFT.py", help="make it from this text first")
    parser.add_argument("--table", action="store_true", help="print the table of lessons")
    parser.add_argument("--folder", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.table:
        print(table(options.folder))
        return 0
    if not options.lesson:
        parser.error("say which lesson, for example 01b")

    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    path = find_lesson(options.lesson, options.folder, options.draft)
    print(f"{path.name}: running …", flush=True)
    try:
        measured = run(path, options.draft)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        print(f"{error}\n{path.name}: nothing was stored.", file=sys.stderr)
        return 1
    print(
        f"{path.name}: stored. {measured['wall_s']:.1f} s wall, {measured['cpu_s']:.1f} CPU s, "
        f"peak {measured['peak_mb']:.0f} MB, {path.stat().st_size / 1e6:.2f} MB on disk"
    )
    update_readme(options.folder.parent / "README.md", options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
