"""What every lesson has, read from its file without running it: ``course check 01a``.

``problems(path)`` lists, in words, all that is not as it must be: one generator per rule.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import nbformat

from tools.lesson import FRAMES, NOTEBOOKS, WIDGET, Lesson, find, folded, lessons, shown, tags

__all__ = ["main", "problems"]

SLIDE_TYPES = {"slide", "subslide", "fragment", "notes", "skip", "-"}
TAGS = {
    *("setup", "pytorch", "keras", "parity", "claim", "trap", "explorer", "exercise", "check", "solution"),
    "gridwidth-1-2",
}
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip", "raises-exception"}
FACTS = {
    "lecture": int,
    "lecture_title": str,
    "minutes": int,
    "budget_cpu_s": int | float,
    "budget_mb": int | float,
    "needs": list,
    "leads_to": str | None,
}
MEASURED = {"cpu_s", "wall_s", "peak_mb"}
PAIR_WIDTH = 58
LARGEST_FILE = 2_500_000
NAME = re.compile(r"\d\d[a-z]?_[a-z0-9_]+")
MACHINE_PATH = re.compile(
    r"(?<![\w.:/-])/(?:root|home|tmp|usr|var|opt|mnt|Users)(?=/|\b)|site-packages|\b[A-Z]:\\(?:Users|Windows|Program)"
)
FEWEST_FRAMES = 6
PANELS = Path(__file__).parent / "live" / "stored"
# What a lesson may cost: its own budget, and no budget above these. A lesson is written for 1800 MB; the same one takes a
# tenth more on a processor with AVX-512, where the frameworks keep wider buffers.
MOST_CELLS, MOST_LINES, MOST_MINUTES, MOST_CPU_S, MOST_MB = 85, 40, 45, 120, 2000
FIRST = "00"  # the lesson that teaches how lessons work: no trap, fewer exercises, shorter


def where(lesson: Lesson, cell) -> str:
    """A cell by its place and first line."""
    first = next(iter(cell.source.splitlines()), "")
    place = lesson.name(cell) if cell.cell_type == "code" else f"{lesson.section(cell) or 'beginning'}: text"
    return f"{place} ({first[:40]!r})"


def texts(cell) -> Iterator[str]:
    """All the text that a code cell shows, its HTML included; of a picture its alternative text."""
    for one in shown(cell.get("outputs", [])):
        yield one.text
    for output in cell.get("outputs", []):
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/") or kind == "image/svg+xml":
                yield re.sub(r"data:image/[^\"']*", "", "".join(data))


def pictures(cell) -> Iterator[str]:
    """The alternative text of each picture of a cell."""
    return (one.text for one in shown(cell.get("outputs", [])) if one.kind == "picture")


def parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # plain_python names it
        return ast.parse("")


# --- the rules: each yields sentences --------------------------------------------------------------------------------


def the_file(lesson):
    raw = json.loads(lesson.path.read_text(encoding="utf-8"))
    again = f"run `course run {lesson.number}`, which writes it anew"
    if (raw.get("nbformat"), raw.get("nbformat_minor")) != (4, 5):
        yield f"saved as nbformat {raw.get('nbformat')}.{raw.get('nbformat_minor')}, not 4.5: {again}"
    try:
        nbformat.validate(lesson.notebook)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {str(error).splitlines()[0]}"
    # nbformat mends these while reading, so they are looked for in the file
    ids = [cell["id"] for cell in raw["cells"] if "id" in cell]
    if len(set(ids)) != len(ids):
        yield f"two cells have the same id: {again}"
    if not NAME.fullmatch(lesson.stem):
        yield "a lesson is called like 01a_rnn_cell.ipynb"
    if lesson.path.stat().st_size >= LARGEST_FILE:
        yield f"{lesson.path.stat().st_size / 1e6:.1f} MB: make the pictures smaller"
    if "widgets" in lesson.notebook.metadata:
        yield f"metadata.widgets is stored: {again}"
    if lesson.notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield f"the kernel is not called python3: {again}"


def the_facts(lesson):
    facts = lesson.facts
    missing = [name for name in FACTS if name not in facts]
    if missing:
        yield f"the notebook's metadata `course` does not say {', '.join(missing)}"
    for name, kind in FACTS.items():
        if name in facts and not isinstance(facts[name], kind):
            yield f"metadata `course`: {name} is {facts[name]!r}"
    if "minutes" in facts and lesson.minutes != str(facts["minutes"]):
        yield f"the first cell promises {lesson.minutes} minutes, the metadata `course` {facts['minutes']}"
    if lesson.numbered:
        try:
            ends, minutes = zip(*facts.get("plan", []))
            planned = (
                [*ends] == sorted(set(ends)) and ends[-1] == lesson.numbered[-1] and sum(minutes) == facts["minutes"]
            )
        except (LookupError, TypeError, ValueError):
            planned = False
        if not planned:
            yield (
                f"metadata `course`: plan is {facts.get('plan')!r}; it must be pairs of a section and the minutes that the "
                f"sections up to it take: the last section {lesson.numbered[-1]}, all together {facts.get('minutes')} minutes"
            )
    if not MEASURED <= set(facts):
        yield f"not measured: run `course run {lesson.number}`"


def the_neighbours(lesson):
    """What a lesson needs and leads to are lessons that are there, and the text links to them."""
    following = lesson.facts.get("leads_to")
    last = "\n".join(cell.source for cell in lesson.markdown[-4:])
    after = last.rpartition("Next")[2] if "Next" in last else last.rpartition("next")[2]
    for number in dict.fromkeys([*lesson.facts.get("needs", []), *([following] if following else [])]):
        try:
            path = find(number, lesson.path.parent)
        except LookupError:
            yield f"the metadata `course` names lesson {number!r}, which is not there"
            continue
        title = Lesson(path).title
        if number == following and f"]({path.name})" not in after and f"**{title}**" not in after:
            yield f"the last cell must lead to lesson {number}: a link, [{title}]({path.name})"
        needed = number in lesson.facts.get("needs", [])
        if needed and f"]({path.name}" not in lesson.cells[0].source:
            yield f"the first cell must link to lesson {number}, which is needed first: [{number}]({path.name})"


def the_measure(lesson):
    """Minutes, cells and their lines, seconds and memory."""
    facts = lesson.facts
    if len(lesson.cells) > MOST_CELLS:
        yield f"{len(lesson.cells)} cells; at most about 80: cut it in two, by idea"
    for cell in lesson.code:
        if (lines := len(cell.source.splitlines())) > MOST_LINES:
            yield f"{where(lesson, cell)}: {lines} lines; at most {MOST_LINES}: cut it in two, by idea"
    if facts.get("minutes", 0) > MOST_MINUTES:
        yield f"{facts['minutes']} minutes; at most {MOST_MINUTES}: cut it in two, by idea"
    for name, unit, most in (("cpu_s", "CPU s", MOST_CPU_S), ("peak_mb", "MB", MOST_MB)):
        budget = facts.get({"cpu_s": "budget_cpu_s", "peak_mb": "budget_mb"}[name], most)
        if budget > most:
            yield f"a budget of {budget:.0f} {unit}; at most {most} {unit}"
        if facts.get(name, 0) > budget:
            yield f"took {facts[name]:.0f} {unit} when it was stored; its budget is {budget:.0f} {unit}"


def tags_and_slides(lesson):
    for cell in lesson.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind not in SLIDE_TYPES:
            yield f"{where(lesson, cell)}: slide type {kind!r}, not one of {', '.join(sorted(SLIDE_TYPES))}"
        for tag in tags(cell):
            if tag.startswith("rtol-"):
                yield f"{where(lesson, cell)}: remove the tag {tag}; how far numbers may move is measured by `course robust`"
            elif tag not in TAGS | NOT_COMPARED:
                yield f"{where(lesson, cell)}: unknown tag {tag!r}"
        if NOT_COMPARED & set(tags(cell)) and "# not compared: " not in cell.source:
            yield f"{where(lesson, cell)}: say why in a comment, `# not compared: …`"


def order_of_execution(lesson):
    for count, cell in enumerate(lesson.code, start=1):
        if not cell.source.strip():
            yield f"{where(lesson, cell)}: an empty cell"
        if cell.execution_count != count:
            yield (
                f"{where(lesson, cell)}: executed as {cell.execution_count}, not {count}: "
                f"run `course run {lesson.number}`"
            )


def outputs(lesson):
    for cell in lesson.code:
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                yield f"{where(lesson, cell)}: a stored error, {output.ename}"
            if output.output_type == "stream" and output.name == "stderr":
                yield f"{where(lesson, cell)}: something on stderr: {output.text[:60]!r}"
            if {"image/png", "image/jpeg"} & set(output.get("data", {})):
                yield f"{where(lesson, cell)}: a bare picture, whose alt text no page shows: plotting.show(fig, alt=…)"
        if not all(alt.strip() for alt in pictures(cell)):
            yield f"{where(lesson, cell)}: a picture without alt text: plotting.show(fig, alt=…)"
        if any(re.search(r"Warning\b|\bWARNING\b", text) for text in texts(cell)):
            yield f"{where(lesson, cell)}: a warning is shown"


def nothing_of_this_machine(lesson):
    for cell in lesson.cells:
        for text in (cell.source, *texts(cell)):
            found = MACHINE_PATH.search(text)
            if found:
                yield f"{where(lesson, cell)}: a path of a machine, {text[found.start() :][:40]!r}"
                break


def plain_python(lesson):
    """No magics, nothing from the network or the working directory, no question whether this is a test."""
    refused = {
        r"(?m)^\s*[%!]": "a magic or a shell command",
        r"https?://": "an address in code",
        r"(?i)pytest|nbval(?!-)": "it asks whether it is under test",
        r"(?<![\w.])open\(|\bPath\(|\bchdir\(|\bsys\.path\b|[\"']\.\.?/": "a file or path; data come from course_lib",
    }
    for cell in lesson.code:
        for pattern, what in refused.items():
            if re.search(pattern, cell.source):
                yield f"{where(lesson, cell)}: {what}"
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield f"{where(lesson, cell)}: not Python: {error.msg}"


def code_to_copy(lesson):
    """What a learner may copy."""
    for cell in lesson.code:
        for node in ast.walk(parsed(cell.source)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("exec", "eval"):
                yield f"{where(lesson, cell)}: {node.func.id}(); write the code out"
            elif isinstance(node, ast.Delete):
                yield f"{where(lesson, cell)}: del; let a function return what is needed, and its rest is gone"
            elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Lambda):
                yield f"{where(lesson, cell)}: a lambda with a name; write def"


def beginning_and_end(lesson):
    first = lesson.cells[0] if lesson.cells else None
    if first is None or first.cell_type != "markdown" or not re.match(r"# \S", first.source):
        yield "the first cell is not a title (`# …`)"
    elif not re.search(r"\d\s*min", first.source):
        yield "the first cell does not say how many minutes the lesson takes"
    last = "\n".join(cell.source for cell in lesson.markdown[-4:])
    for heading in ("What you now know", "Read", "Next"):
        if not re.search(rf"(?im)^\s*(?:#|\*\*).*\b{heading}\b", last):
            yield f"the last cells have no heading with “{heading}”"


def set_up(lesson):
    if not lesson.code or "setup" not in tags(lesson.code[0]) or len(lesson.tagged("setup")) != 1:
        yield "the first code cell, and no other, is tagged setup"
        return
    cell = lesson.code[0]
    if not folded(cell):
        yield "the set-up cell is not folded"
    start = re.search(r"\baccelerator\.start\(", cell.source)
    frameworks = re.search(r"(?m)^\s*(?:import|from) (?:torch|keras|tensorflow)\b", cell.source)
    if not start:
        yield "the set-up cell does not call accelerator.start(seed=…)"
    elif frameworks and frameworks.start() < start.start():
        yield "the set-up cell imports a framework before accelerator.start()"


def pairs(lesson):
    for index, cell in enumerate(lesson.cells):
        after = lesson.cells[index + 1] if index + 1 < len(lesson.cells) else None
        before = lesson.cells[index - 1] if index else None
        if "pytorch" in tags(cell) and (after is None or "keras" not in tags(after)):
            yield f"{where(lesson, cell)}: a PyTorch half with no Keras half right after it"
        if "keras" in tags(cell) and (before is None or "pytorch" not in tags(before)):
            yield f"{where(lesson, cell)}: a Keras half with no PyTorch half right before it"
        for tag, title in (("pytorch", "# PyTorch"), ("keras", "# Keras")):
            if tag not in tags(cell):
                continue
            if "gridwidth-1-2" not in tags(cell):
                yield f"{where(lesson, cell)}: half of a pair without the tag gridwidth-1-2"
            if not cell.source.startswith(title):
                yield f"{where(lesson, cell)}: half of a pair that does not begin with {title!r}"
            widest = max(map(len, cell.source.splitlines()), default=0)
            if widest > PAIR_WIDTH:
                yield f"{where(lesson, cell)}: a line of {widest} characters in a pair; at most {PAIR_WIDTH}"
            if padded(cell.source):
                yield f"{where(lesson, cell)}: empty lines that only align the halves; pages align them"


def padded(source: str) -> bool:
    """Whether there are empty lines that Python's custom does not ask for: two stand around functions and classes."""
    if source != source.rstrip():
        return True
    for gap in re.finditer(r"\n(\n{2,})", source):
        before, after = source[: gap.start()].rpartition("\n")[2], source[gap.end() :]
        around = re.match(r"(?:def|class|async def|@)\b|@", after) or before.startswith((" ", "\t"))
        if len(gap[1]) > 2 or not around:
            return True
    return False


def parts(lesson):
    for tag in ("pytorch", "keras", "parity", "claim", "explorer", "trap"):
        if not lesson.tagged(tag) and (tag, lesson.number) != ("trap", FIRST):
            yield f"no cell tagged {tag}"
    for cell in lesson.tagged("parity"):
        if "parity." not in cell.source:
            yield f"{where(lesson, cell)}: tagged parity, and does not call course_lib.parity"
    for cell in lesson.tagged("claim"):
        if not calls(cell.source, "claim"):
            yield f"{where(lesson, cell)}: tagged claim, and does not call claim(sentence, measured, …)"
        if not cell.outputs:
            yield f"{where(lesson, cell)}: tagged claim, and shows no measured number"
    for cell in lesson.tagged("explorer"):
        if not any(WIDGET in output.get("data", {}) for output in cell.outputs):
            yield f"{where(lesson, cell)}: tagged explorer, and shows no widget"
        recorded = [output.data[FRAMES]["frames"] for output in cell.outputs if FRAMES in output.get("data", {})]
        if not recorded or min(map(len, recorded)) < FEWEST_FRAMES:
            yield (
                f"{where(lesson, cell)}: fewer than {FEWEST_FRAMES} pictures for pages without a kernel: "
                f"run `course run {lesson.number}`"
            )


def calls(source: str, name: str) -> bool:
    """Whether a cell calls ``name(…)`` or ``something.name(…)``."""
    return any(
        isinstance(node, ast.Call) and name in (getattr(node.func, "id", None), getattr(node.func, "attr", None))
        for node in ast.walk(parsed(source))
    )


def explorers(lesson):
    """An explorer answers long after its cell has run, so what it draws with must still be the same at the end."""
    functions = {}
    for index, cell in enumerate(lesson.code):
        for node in parsed(cell.source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                functions[node.name] = inner_names(ast.unparse(node))
        if "explorer" not in tags(cell):
            continue
        used = reached(inner_names(cell.source), functions)
        for later in lesson.code[index + 1 :]:
            rebound = used & bound_names(later.source)
            if rebound:
                yield (
                    f"{where(lesson, later)}: binds {', '.join(sorted(rebound))} anew, "
                    "which the explorer before it draws with"
                )
        for output in cell.outputs:
            frames = output.get("data", {}).get(FRAMES, {}).get("frames", {})
            images = [frame["image"] for frame in frames.values()]
            if any(images) and len(set(images)) < FEWEST_FRAMES:
                yield (
                    f"{where(lesson, cell)}: {len(set(images))} different pictures among {len(images)} "
                    "for pages without a kernel"
                )


def reached(names: set[str], functions: dict[str, set[str]]) -> set[str]:
    """The names, and those that the lesson's own functions among them read, and so on."""
    found, new = set(), set(names)
    while new:
        name = new.pop()
        if name not in found:
            found.add(name)
            new |= functions.get(name, set()) - found
    return found


def inner_names(source: str) -> set[str]:
    """The names that the functions of a cell read and do not bind themselves."""
    read, own = set(), set()
    for function in ast.walk(parsed(source)):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.Name):
                    (read if isinstance(node.ctx, ast.Load) else own).add(node.id)
                elif isinstance(node, ast.arg):
                    own.add(node.arg)
    return read - own


def bound_names(source: str) -> set[str]:
    """The names that a cell binds or deletes at its top level, loops and with-blocks included."""
    found = set()

    def visit(node):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            return
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(parsed(source))
    return found


def exercises(lesson):
    import exercises as room

    stubs = lesson.tagged("exercise")
    fewest = 1 if lesson.number == FIRST else 4
    if not fewest <= len(stubs) <= 5:
        yield f"{len(stubs)} exercises; there are {fewest} to 5"
    for tag in ("check", "solution"):
        if len(lesson.tagged(tag)) != len(stubs):
            yield f"{len(stubs)} cells tagged exercise, {len(lesson.tagged(tag))} tagged {tag}"
    checked = []
    for stub in stubs:
        position = lesson.code.index(stub)
        following = lesson.code[position + 1 : position + 3]
        if [tag for cell in following for tag in tags(cell) if tag in ("check", "solution")] != ["check", "solution"]:
            yield f"{where(lesson, stub)}: an exercise is followed by its check and its solution"
            continue
        check, solution = following
        name = re.search(r"\bcheck\(\s*[\"']([^\"']+)[\"']", check.source)
        if not name:
            yield f"{where(lesson, check)}: calls no check('…', answer)"
            continue
        checked.append(name[1])
        if "..." not in stub.source:
            yield f"{where(lesson, stub)}: nothing left out (`...`) for the student"
        if "not started" not in "".join(texts(check)):
            yield f"{where(lesson, check)}: stored without “not started”"
        if not re.search(r"(?s)### BEGIN SOLUTION\n.*### END SOLUTION", textwrap.dedent(solution.source)):
            yield f"{where(lesson, solution)}: no ### BEGIN SOLUTION … ### END SOLUTION"
        if not folded(solution):
            yield f"{where(lesson, solution)}: a solution that is not folded"
        if name[1] not in solution.source or "✓" not in "".join(texts(solution)):
            yield f"{where(lesson, solution)}: a solution that does not pass check({name[1]!r})"
    known = [exercise.name for exercise in room.of_lesson(lesson.number)] if lesson.number in room.lessons() else []
    if checked != known:
        yield f"the lesson checks {checked}, exercises/lesson_{lesson.number}.py knows {known}"


def the_ranges(lesson):
    """A draft is measured last, when its cells no longer change: it says ``"draft": true`` until then."""
    if lesson.facts.get("draft"):
        return
    from tools import ranges

    said = ranges.stale(lesson)
    if said:
        yield said


def the_panels(lesson):
    """What the pages compute with is the lesson's model: stored again when its code has changed."""
    if lesson.facts.get("draft") or not any(PANELS.glob(f"{lesson.number}-*.json")):
        return
    from tools import live  # loads what runs kernels, and most lessons have no panel

    try:
        panels = live.stored(lesson)
    except SystemExit as damaged:
        yield str(damaged)
        return
    yield from sorted({said for panel in panels.values() if (said := live.stale(lesson, panel))})


RULES = [
    *(the_file, the_facts, the_neighbours, the_measure, tags_and_slides, order_of_execution, outputs),
    *(nothing_of_this_machine, plain_python, code_to_copy, beginning_and_end, set_up, pairs, parts, explorers),
    *(exercises, the_ranges, the_panels),
]


def problems(lesson: Lesson | str | Path) -> list[str]:
    """Everything about a lesson that is not as it must be, one sentence each; [] for a lesson that is whole."""
    lesson = lesson if isinstance(lesson, Lesson) else Lesson(lesson)
    return [f"{lesson.path.name}: {found}" for rule in RULES for found in rule(lesson)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course check", description="Say what lessons lack, without running them.")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="01a, or nothing for all")
    parser.add_argument("--folder", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    wrong = 0
    for lesson in lessons(" ".join(options.lessons), options.folder):
        found = problems(lesson)
        wrong += bool(found)
        for line in found:
            print(line)
        if not found:
            print(f"{lesson.path.name}: ✓ all that can be seen without running it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
