"""Run lessons in the full profile and keep what each claim measured: ``course full``.

    course full              every lesson that has a longer training to offer
    course full 04b 06f      two lessons

A run that was done is kept in ``build/full`` and not done again, as long as the lesson's code, and what it uses of
``course_lib``, is the same; so an interrupted measurement goes on where it stopped. What was measured lies in
``tests/full/<lesson>.json``, and ``docs/full.md`` is written from these files.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import re
import sys
import time
from pathlib import Path

import nbformat

from tools import fingerprint, papers, ranges
from tools.compare import parts
from tools.kernel import Runner, write_atomically
from tools.lesson import ROOT, Lesson, lessons
from tools.robust import errors, processor

CACHE = ROOT / "build" / "full"
PAGE = "docs/full.md"
TIMEOUT = 3 * 3600  # of one cell, on a slow machine


def longer(lesson: Lesson) -> bool:
    """Whether the full profile of a lesson differs from what students run: its code asks ``machine.pick``."""
    return any(".pick(" in cell.source for cell in lesson.code)


def path_of(lesson: Lesson) -> Path:
    """Where the record of a lesson lies: in ``tests/full`` beside the folder that holds the notebook."""
    return lesson.path.resolve().parent.parent / "tests" / "full" / f"{lesson.number}.json"


def device(notebook) -> str:
    """Where a run trained, as ``accelerator.start`` printed it: "CPU"."""
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    found = re.search(r"^PyTorch \S+ on ([^;\n]+)", said, re.MULTILINE)
    return found[1] if found else "unknown"


def execute(lesson: Lesson, target: Path) -> None:
    """Run every cell of a lesson in the full profile, whatever raises, and write the notebook to ``target``."""
    notebook = copy.deepcopy(lesson.notebook)
    begin = time.perf_counter()
    with Runner(notebook, lesson.path.parent, profile="full", timeout=TIMEOUT) as runner:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                runner.run(cell)
    notebook.metadata["run"] = {
        "processor": processor(),
        "device": device(notebook),
        "wall_s": round(time.perf_counter() - begin, 1),
        "cpu_s": round(runner.meter.cpu_s, 1),
        "peak_mb": round(runner.meter.peak_bytes / 1e7) * 10,
        "versions": ranges.versions(),
    }
    write_atomically(target, nbformat.writes(notebook) + "\n")


def _claims(lesson: Lesson) -> dict[tuple[str, str], tuple[str, dict]]:
    """The claims that a run published: (cell, key) -> (place, record)."""
    return {
        (cell.id, key): (lesson.name(cell), part.data)
        for cell in lesson.code
        for key, part in parts(cell.outputs).items()
        if part.kind == "claim"
    }


def record(lesson: Lesson, run: Lesson) -> dict:
    """What ``tests/full/<lesson>.json`` holds: how the run went, and each claim's value in both profiles."""
    stored = _claims(lesson)
    fields = ("value", "uncertainty", "bound", "holds")
    return {
        "fingerprint": fingerprint.of_lesson(lesson),
        "run": dict(run.notebook.metadata["run"]),
        "errors": errors(run),
        "claims": [
            {
                "place": place, "sentence": data["sentence"], **{name: data.get(name) for name in fields},
                "lecture": stored[key][1].get("value") if key in stored else None,
            }
            for key, (place, data) in _claims(run).items()
        ],
    }  # fmt: skip


def _shown(value) -> str:
    """A measured value as the page shows it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value) if value is None or len(str(value)) <= 40 else f"{str(value)[:39]}…"
    return f"{value:.4g}" if math.isfinite(value) else str(value)


def page(records: dict[str, tuple[Lesson, dict]], same: list[Lesson], figures: list[str]) -> str:
    """docs/full.md.

    Parameters
    ----------
    records : dict
        By lesson number: the lesson and what ``record`` returned.
    same : list of Lesson
        Those whose two profiles are one.
    figures : list of str
        The lines that ``papers.table`` made.
    """
    lines = [
        "# The full profile", "",
        "`COURSE_PROFILE=full` trains longer and on more data. `course full` runs the lessons so and writes this page:",
        "for each claim whose measured value is another one there, the value that a lecture shows and the full one.", "",
    ]  # fmt: skip
    if same:
        lines += [f"The same in both profiles: {', '.join(lesson.number for lesson in same)}.", ""]
    lines += ["| lesson | claims that hold | minutes | CPU minutes | memory |", "|---|--:|--:|--:|--:|"]
    for number, (_, found) in records.items():
        run, held = found["run"], sum(bool(claim["holds"]) for claim in found["claims"])
        total = len(found["claims"]) + len(found["errors"])
        lines.append(
            f"| {number} | {held} of {total} | {run['wall_s'] / 60:.1f} | {run['cpu_s'] / 60:.1f} | {run['peak_mb'] / 1000:.1f} GB |"
        )
    lines += figures
    for lesson, found in records.values():
        moved = [claim for claim in found["claims"] if _shown(claim["lecture"]) != _shown(claim["value"])]
        lines += ["", f"## {lesson.title}", "", f"{found['run']['processor']}; device: {found['run']['device']}.", ""]
        lines += [f"- **Does not hold:** {error}" for error in found["errors"]] + [""] * bool(found["errors"])
        if moved:
            lines += ["| claim | lecture | full | bound |", "|---|--:|--:|---|"]
        for claim in moved:
            cells = (claim["sentence"], _shown(claim["lecture"]), _shown(claim["value"]), claim["bound"] or "")
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines).rstrip() + "\n"


def write_page(course: list[Lesson]) -> Path:
    """Write ``docs/full.md`` from all records whose lesson has not changed since; return its path."""
    records = {}
    for lesson in filter(longer, course):
        path = path_of(lesson)
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        if found and found["fingerprint"] == fingerprint.of_lesson(lesson):
            records[lesson.number] = (lesson, found)
    root = course[0].path.resolve().parent.parent
    target = root / PAGE
    figures = papers.table(papers.known(root / "tests" / "full" / "papers.json"))
    write_atomically(target, page(records, [lesson for lesson in course if not longer(lesson)], figures))
    return target


def measure(chosen: list[Lesson], course: list[Lesson], cache: Path = CACHE) -> bool:
    """Do the missing runs, store what they measured, write the page; True if every claim held."""
    held = True
    for lesson in chosen:
        if not longer(lesson):
            print(f"{lesson.number}: the same in both profiles")
            continue
        marks = fingerprint.of_lesson(lesson)
        target = cache / lesson.number / f"{marks['lesson']}-{marks['library']}.ipynb"
        if not target.exists():
            print(f"{lesson.number}: running …", flush=True)
            execute(lesson, target)
        found = record(lesson, Lesson(target))
        write_atomically(path_of(lesson), json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        write_page(course)
        seconds = f"{found['run']['cpu_s']:.0f} CPU s, {found['run']['wall_s']:.0f} s"
        print(
            f"{lesson.number}: {len(found['claims'])} claims hold, {len(found['errors'])} do not; {seconds}", flush=True
        )
        for error in found["errors"]:
            print(f"  ✗ {error}")
        held &= not found["errors"]
    return held


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="course full", description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="06f, a list, or nothing for all")
    options = parser.parse_args(arguments)
    try:
        held = measure(lessons(" ".join(options.lessons)), lessons())
    except KeyboardInterrupt:
        print("\nInterrupted. What was done is kept; the same command goes on from here.")
        return 130
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
