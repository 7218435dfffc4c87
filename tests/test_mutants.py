"""A maintainer's mistakes, put into a lesson one at a time: each must stop at a claim, a parity table or a seal.

``tests/mutants/<lesson>.json`` lists them: what the mistake is, the cell (its id, or a text that stands in that cell
alone), and the text that is exchanged. A mistake that only changes a printed number is not caught.

Each runs in a process of its own, for up to a minute, so they are run on request: ``COURSE_MUTANTS=1 pytest
tests/test_mutants.py``, or ``COURSE_MUTANTS="00 01a"`` for the mistakes of those lessons. Of a lesson only those cells
run that the next claims after the mistake stand on.
"""

import ast
import builtins
import functools
import json
import os
import subprocess
import symtable
import sys
from pathlib import Path

import pytest

from tools.lesson import Lesson, find, tags

MUTANTS = Path(__file__).parent / "mutants"
ASKED = os.environ.get("COURSE_MUTANTS", "")
CAUGHT = ("ClaimFailed", "ParityError", "SealedError")
LEFT_OUT = {"exercise", "check", "solution"}


def all_mutants():
    for path in sorted(MUTANTS.glob("*.json")):
        for mutant in json.loads(path.read_text(encoding="utf-8")):
            yield pytest.param(path.stem, mutant, id=f"{path.stem}: {mutant['what']}")


def tables(source):
    """The tables of names of a source: its own first, then those of its functions, classes and comprehensions."""
    waiting = [symtable.symtable(source, "cell", "exec")]
    for table in waiting:
        waiting += table.get_children()
    return waiting


def run_by(body):
    """The statements that a cell itself runs: those of its loops and conditions too, not those of its functions."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.For | ast.While | ast.If | ast.With):
            yield from run_by(statement.body + getattr(statement, "orelse", []))


@functools.cache
def makes(source):
    """The names that a cell binds, those of which it binds an entry, and those that it hands to a call, which may change
    what they stand for.
    """
    found = {name.get_name() for name in tables(source)[0].get_symbols() if name.is_assigned() or name.is_imported()}
    for statement in run_by(ast.parse(source).body):
        for target in getattr(statement, "targets", ()):
            entries = (node.value for node in ast.walk(target) if isinstance(node, ast.Subscript))
            found |= {entry.id for entry in entries if isinstance(entry, ast.Name)}
        call = getattr(statement, "value", None)
        if not isinstance(call, ast.Call) or getattr(call.func, "id", "") in ("claim", "print", "check"):
            continue
        if isinstance(statement, ast.Expr) or ast.unparse(call.func).endswith((".fit", ".one_bias", ".copy_weights")):
            parts = [call.func, *call.args, *(keyword.value for keyword in call.keywords)]
            found |= {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}
    return frozenset(found)


@functools.cache
def reads(source):
    """The names that a cell takes from elsewhere."""
    own, *inner = tables(source)
    read = {name.get_name() for name in own.get_symbols() if name.is_referenced()}
    read |= {name.get_name() for table in inner for name in table.get_symbols() if name.is_global()}
    return frozenset(read - {name.get_name() for name in own.get_symbols() if name.is_assigned()})


def needed(sources, of, common):
    """The numbers of the cells that the cell number ``of`` stands on, itself among them, in order."""
    wanted, cells = reads(sources[of]), {of}
    for number in range(of - 1, -1, -1):
        if makes(sources[number]) & (wanted - common):
            cells.add(number)
            wanted |= reads(sources[number])
    return sorted(cells)


@functools.cache
def stored(number):
    """A lesson, read once for all its mistakes."""
    return Lesson(find(number))


def steps(lesson, mutant):
    """The sources to run, each once, the set-up first: for each claim after the mistake what it stands on."""
    code = [cell for cell in lesson.code if not LEFT_OUT & set(tags(cell))]
    place = [k for k, cell in enumerate(code) if mutant["cell"] == cell.id or mutant["cell"] in cell.source]
    assert len(place) == 1, f"{mutant['cell']!r} stands in {len(place)} cells, not one"
    assert code[place[0]].source.count(mutant["old"]) == 1, f"{mutant['old']!r} does not stand there exactly once"
    sources = [cell.source for cell in code]
    sources[place[0]] = sources[place[0]].replace(mutant["old"], mutant["new"])
    common = makes(sources[0]) - {"machine"} | set(dir(builtins))
    order = [0]
    for number, cell in enumerate(code):
        if number < place[0] or not {"claim", "parity", "trap"} & set(tags(cell)):
            continue
        stands_on = needed(sources, number, common)
        if place[0] in stands_on:
            order += [k for k in stands_on if k not in order]
    return [(k, sources[k]) for k in order]


RUN = """
import json, sys
import matplotlib
matplotlib.use("Agg")
space = {"__name__": "lesson"}
for number, source in json.load(sys.stdin):
    exec(compile(source, f"<cell {number}>", "exec"), space)
"""


@pytest.mark.skipif(not ASKED, reason="slow: COURSE_MUTANTS=1 runs it")
@pytest.mark.parametrize(("lesson", "mutant"), list(all_mutants()))
def test_a_mistake_is_caught(lesson, mutant):
    if ASKED not in ("1", "all") and lesson not in ASKED.split():
        pytest.skip(f"COURSE_MUTANTS asks for {ASKED}")
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(steps(stored(lesson), mutant)), text=True, timeout=600,
        capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    assert done.returncode, f"nothing noticed: {mutant['what']}"
    assert any(name in last.partition(":")[0] for name in CAUGHT), f"{mutant['what']}: {last}"
    print(f"{lesson}: {mutant['what']}: {last[:200]}")


@pytest.mark.parametrize(("lesson", "mutant"), list(all_mutants()))
def test_a_mistake_can_be_put_in(lesson, mutant):
    changed = dict(steps(stored(lesson), mutant))
    for source in changed.values():
        ast.parse(source)
    assert len(changed) > 1, "no claim stands on the cell that is changed"
