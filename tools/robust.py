"""Run lessons again with other seeds and on other instruction sets, and store how far everything moves.

    course robust 03b                       one lesson: 6 other seeds, every instruction set that this processor can try
    course robust 01a 03b --seeds 2         two lessons, 2 other seeds
    course robust all --isa sse             all lessons; "native" always runs besides

A run that was done is kept in ``build/robust`` and not done again, as long as the lesson's code, and what it uses of
``course_lib``, is the same; so an interrupted measurement goes on where it stopped. When code changes and the run with
the lesson's own seeds still says the same to the last digit, the other runs are kept as well: what did not change
one run did not change the others. On a machine where they were not done the ranges that were committed with the lesson
are kept in the same way. ``tests/ranges/<lesson>.json`` is written when all runs of a lesson are done, in one step.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tools import fingerprint, ranges, seeds
from tools.compare import parts, picture_distance, split
from tools.kernel import INSTRUCTION_SETS, Runner, instruction_sets, own_instruction_set, write_atomically
from tools.lesson import ROOT, Lesson, lessons, tags

CACHE = ROOT / "build" / "robust"
SEEDS = 6  # other seeds, if none are asked for


@dataclass(frozen=True)
class Run:
    """One run: how many times the seeds are shifted (0: the lesson's own), and on which instruction set."""

    shift: int
    isa: str

    def __str__(self) -> str:
        return f"{self.shift}-{self.isa}"

    @property
    def words(self) -> str:
        seeds = "the lesson's own seeds" if not self.shift else f"seeds shifted {self.shift} times"
        return f"{seeds}, {self.isa}"


def wanted(shifts: list[int], isas: list[str]) -> list[Run]:
    """The runs to do: the stored one first, then other instruction sets, then other seeds on this processor."""
    return [Run(0, isa) for isa in dict.fromkeys(["native", *isas])] + [Run(shift, "native") for shift in shifts]


def folder_of(lesson: Lesson, cache: Path = CACHE) -> Path:
    marks = fingerprint.of_lesson(lesson)
    return cache / lesson.number / f"{marks['lesson']}-{marks['library']}"


def execute(lesson: Lesson, run: Run, target: Path) -> None:
    """Run every cell of a lesson, whatever raises, and write the notebook with its outputs to ``target``."""
    notebook = copy.deepcopy(lesson.notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sources = [cell.source for cell in code]
    for cell, source in zip(code, seeds.shifted(sources, run.shift)):
        cell.source = source
    begin = time.perf_counter()
    with Runner(notebook, lesson.path.parent, isa=run.isa, timeout=3000) as runner:
        for cell in code:
            runner.run(cell)
    for cell, source in zip(code, sources):
        cell.source = source
    keep(
        notebook,
        run,
        target,
        wall_s=round(time.perf_counter() - begin, 1),
        cpu_s=round(runner.meter.cpu_s, 1),
        peak_mb=round(runner.meter.peak_bytes / 1e7) * 10,
    )


def keep(notebook, run: Run, target: Path, **measured) -> None:
    """Write a notebook as it ran to ``target``, with what is to be known about the run."""
    own = own_instruction_set()
    about = {"shift": run.shift, "isa": own if run.isa == "native" else run.isa, "processor": processor()}
    kept = copy.deepcopy(notebook)
    kept.metadata["run"] = {**about, **measured, "versions": ranges.versions()}
    write_atomically(target, nbformat.writes(kept) + "\n")


def keep_stored(lesson: Lesson, measured: dict, cache: Path = CACHE) -> None:
    """Let the run that ``course run`` has just stored be run 0, so that it is not done twice."""
    run = Run(0, "native")
    keep(lesson.notebook, run, folder_of(lesson, cache) / f"{run}.ipynb", **measured)


def processor() -> str:
    """The processor's name and the best instruction set it has: "AMD EPYC, avx2"."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{name}, {own_instruction_set()}"


def says_the_same(one: Lesson, other: Lesson) -> bool:
    """Whether two runs show the same numbers, words and pictures; measurements of time and memory apart."""
    cells = {cell.id: cell for cell in other.code}
    for cell in one.code:
        if cell.id not in cells:
            return False
        first, second = parts(cell.outputs), parts(cells[cell.id].outputs)
        if list(first) != list(second) or not all(_same(part, second[key]) for key, part in first.items()):
            return False
    return True


def _same(one, other) -> bool:
    """Whether two parts of outputs say the same."""
    if one.kind != other.kind:
        return False
    if one.kind == "picture":
        distance = picture_distance(one.data, other.data)
        return distance is not None and max(distance) <= 1e-3
    if one.kind == "widget":
        return True
    (words, numbers), (new_words, new_numbers) = split(one.text), split(other.text)
    timeless = [[digits for digits, unit in each if not unit] for each in (numbers, new_numbers)]
    return words == new_words and timeless[0] == timeless[1]


def adopt(lesson: Lesson, folder: Path) -> int:
    """Take over the runs of earlier states of the code whose own runs say the same as now; return how many."""
    now, taken = folder / "0-native.ipynb", 0
    for other in sorted(folder.parent.iterdir()):
        before = other / "0-native.ipynb"
        if other == folder or not before.exists() or not says_the_same(Lesson(before), Lesson(now)):
            continue
        for path in sorted(other.glob("*.ipynb")):
            # What raised may be what the new code mends, and without its later cells it says little.
            if not (folder / path.name).exists() and not errors(Lesson(path)):
                shutil.copy(path, folder / path.name)
                taken += 1
    return taken


def committed(lesson: Lesson) -> tuple[Lesson, dict] | None:
    """The lesson and its ranges as they were committed last; None if there are none, or they do not fit each other."""
    root, texts = lesson.path.resolve().parent.parent, []
    for path in (lesson.path.resolve(), ranges.path_of(lesson)):
        command = ["git", "show", f"HEAD:./{path.relative_to(root).as_posix()}"]
        try:
            done = subprocess.run(command, cwd=root, capture_output=True)
        except FileNotFoundError:  # no git here
            return None
        if done.returncode:
            return None
        texts.append(done.stdout.decode("utf-8"))
    before, recorded = Lesson(lesson.path, nbformat.reads(texts[0], as_version=4)), json.loads(texts[1])
    was = recorded["fingerprint"]
    fit = was["python"] == fingerprint.python() and was["lesson"] == fingerprint.of_lesson(before)["lesson"]
    return (before, recorded) if fit else None


def new_places(before: Lesson, now: Lesson) -> dict[tuple[str, str], tuple[str, str]] | None:
    """Where each part of the outputs stands now, (cell's id, key) for (cell's id, key); None if they say other things.

    A cell may have been cut in two: what is said, and in which order, counts, not in which cell.
    """
    old, new = (
        [(cell.id, key, part) for cell in each.code for key, part in parts(cell.outputs).items()]
        for each in (before, now)
    )
    if len(old) != len(new) or not all(_same(one[2], other[2]) for one, other in zip(old, new)):
        return None
    return {one[:2]: other[:2] for one, other in zip(old, new)}


def keep_committed(lesson: Lesson, folder: Path, runs: list[Run]) -> dict | None:
    """The committed ranges for the lesson's new code, if its own run says what it said and they hold all of ``runs``."""
    found = committed(lesson)
    if found is None:
        return None
    before, recorded = found
    now = Lesson(folder / f"{runs[0]}.ipynb")
    own = own_instruction_set()
    done = {(about["shift"], about["isa"]) for about in recorded["runs"]}
    asked = {(run.shift, own if run.isa == "native" else run.isa) for run in runs}
    if not asked <= done or any(about["errors"] for about in recorded["runs"]) or errors(now):
        return None
    places = new_places(before, now)
    return None if places is None else ranges.moved_to(lesson, recorded, now, places)


class Progress:
    """One line for each run that ends, with how many are left."""

    def __init__(self, total: int):
        self.total, self.done, self._lock, self._begin = total, 0, threading.Lock(), time.monotonic()

    def say(self, text: str) -> None:
        with self._lock:
            minutes = (time.monotonic() - self._begin) / 60
            print(f"[{self.done}/{self.total}, {minutes:.0f} min] {text}", flush=True)

    def count(self, text: str) -> None:
        with self._lock:
            self.done += 1
        self.say(text)


def measure(chosen: list[Lesson], shifts: list[int], isas: list[str], jobs: int, cache: Path = CACHE) -> bool:
    """Do the missing runs of the lessons, store the ranges, print what was found; True if every claim held."""
    runs = wanted(shifts, isas)
    progress = Progress(len(runs) * len(chosen))
    failed: list[str] = []

    def one(lesson: Lesson, run: Run) -> None:
        target = folder_of(lesson, cache) / f"{run}.ipynb"
        if target.exists():
            progress.count(f"{lesson.number}: {run.words}: done before")
            return
        command = [
            sys.executable,
            "-m",
            "tools.robust",
            "--one",
            str(lesson.path),
            str(run.shift),
            run.isa,
            str(target),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", errors="replace")
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            failed.append(f"{lesson.number}: {run.words}: the run did not end: {last}")
            progress.count(failed[-1])
            return
        raised = errors(Lesson(target))
        progress.count(f"{lesson.number}: {run.words}: {'every cell ran' if not raised else '; '.join(raised[:3])}")

    held = True
    with ThreadPoolExecutor(jobs) as pool:
        first = {lesson.number: pool.submit(one, lesson, runs[0]) for lesson in chosen}
        rest: dict[str, list] = {}
        for lesson in chosen:
            first[lesson.number].result()
            folder = folder_of(lesson, cache)
            if not (folder / f"{runs[0]}.ipynb").exists():
                continue
            if taken := adopt(lesson, folder):
                progress.say(
                    f"{lesson.number}: says what it said before its code changed: {taken} run{'s' * (taken != 1)} kept"
                )
            whole = all((folder / f"{run}.ipynb").exists() for run in runs)
            if not whole and (kept := keep_committed(lesson, folder, runs)):
                progress.done += len(runs) - 1
                progress.say(f"{lesson.number}: says what it said before its code changed: its committed runs are kept")
                held &= write(lesson, kept)  # now: whoever interrupts the others shall not lose it
                continue
            rest[lesson.number] = [pool.submit(one, lesson, run) for run in runs[1:]]
        for lesson in chosen:
            for future in rest.get(lesson.number, []):
                future.result()
            if lesson.number in rest:
                held &= store(lesson, folder_of(lesson, cache))
    for line in failed:
        print(f"✗ {line}")
    return held and not failed


def errors(lesson: Lesson) -> list[str]:
    """What the cells of a run raised, by section and claim."""
    return [
        f"{lesson.name(cell)}: {part.text.splitlines()[0][:160]}"
        for cell in lesson.code
        for part in parts(cell.outputs).values()
        if part.kind == "error" and "raises-exception" not in tags(cell)
    ]


def store(lesson: Lesson, folder: Path) -> bool:
    """Write the ranges of a lesson from all of its runs in ``folder``, and report; True if every claim held."""
    paths = sorted(folder.glob("*.ipynb"), key=lambda path: _order(path.stem))
    runs = [(dict(each.notebook.metadata["run"]), each) for each in map(Lesson, paths)]
    return write(lesson, ranges.measured(lesson, runs))


def write(lesson: Lesson, recorded: dict) -> bool:
    write_atomically(ranges.path_of(lesson), ranges.written(recorded))
    print(report(lesson.number, recorded), flush=True)
    return holds(recorded)


def _order(name: str) -> tuple:
    shift, _, isa = name.partition("-")
    return (int(shift), isa != "native", isa)


def holds(recorded: dict) -> bool:
    """Whether no cell raised and every claim held in every run."""
    return not any(about["errors"] for about in recorded["runs"])


def report(number: str, recorded: dict) -> str:
    """What a reader of the measurement needs: claims that did not hold, smallest margins, outputs whose words change."""
    runs = recorded["runs"]
    lines = [
        f"{number}: {len(runs)} runs ({len({about['shift'] for about in runs})} seeds; "
        f"{', '.join(sorted({about['isa'] for about in runs}))}), {recorded['moved']} numbers moved"
    ]
    raised: dict[str, list[str]] = {}
    for about in runs:
        for error in about["errors"]:
            raised.setdefault(error["place"], []).append(f"{about['shift']}-{about['isa']}: {error['raised'][:120]}")
    for place, where in raised.items():
        lines.append(f"  ✗ {place}: raised in {len(where)} of {len(runs)} runs ({where[0]})")
    margins = []
    for keys in recorded["claims"].values():
        for claim in keys.values():
            found = [(run["margin"], run["margin_in"]) for run in claim["runs"] if run and run["margin"] is not None]
            if found:
                margins.append((*min(found), claim["place"], claim["sentence"]))
    count = sum(len(keys) for keys in recorded["claims"].values())
    if count and not raised:
        lines.append(f"  ✓ all {count} claims hold in all {len(runs)} runs")
    for margin, unit, place, sentence in sorted(margins)[:5]:
        lines.append(f"    smallest margin {margin:.2g} {unit}: {place}: {sentence}")
    for cell, keys in recorded["words"].items():
        for key, where in keys.items():
            lines.append(f"  ~ words change: cell {cell}, {key}, in {len(where)} of {len(runs)} runs")
    return "\n".join(lines)


def _shifts(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise SystemExit(
            f"--seeds takes a number of other seeds, or their shifts, such as 1,2,5; not {text!r}"
        ) from None
    shifts = list(range(1, numbers[0] + 1)) if len(numbers) == 1 else numbers
    if not numbers or min(numbers) < 0 or (len(numbers) > 1 and 0 in numbers):
        raise SystemExit(f"--seeds takes shifts of at least 1 (0 alone: no other seeds); not {text!r}")
    return list(dict.fromkeys(shifts))


def _isas(text: str | None) -> list[str]:
    if text is None:
        return instruction_sets()
    asked = text.replace(",", " ").split()
    for name in asked:
        if name not in INSTRUCTION_SETS:
            raise SystemExit(f"--isa knows {', '.join(INSTRUCTION_SETS)}, not {name!r}")
    return asked


def main(arguments=None) -> int:
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["--one"]:
        path, shift, isa, target = arguments[1:]
        execute(Lesson(path), Run(int(shift), isa), Path(target))
        return 0
    parser = argparse.ArgumentParser(prog="course robust", description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="+", help="03b, a list, or all")
    parser.add_argument(
        "--seeds", default=str(SEEDS), help=f"how many other seeds, or their shifts: 1,2,5 (default {SEEDS})"
    )
    parser.add_argument("--isa", help="instruction sets: sse,avx2 (default: all that this processor can try)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time (default: one for each core)"
    )
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs takes a number of at least 1")
    chosen = lessons(" ".join(options.lessons))
    try:
        held = measure(chosen, _shifts(options.seeds), _isas(options.isa), options.jobs)
    except KeyboardInterrupt:
        print("\nInterrupted. What was done is kept; the same command goes on from here.")
        return 130
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
