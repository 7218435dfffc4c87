"""What every lesson has, read from its file without running it.

``problems(path)`` lists, in words, all that is not as it must be: one generator per rule below.
"""

import ast
import json
import re
import textwrap
from pathlib import Path

import nbformat

from present.notebook import FRAMES, WIDGET, folded, tags

SLIDE_TYPES = {"slide", "subslide", "fragment", "notes", "skip", "-"}
TAGS = {
    *("setup", "pytorch", "keras", "parity", "claim", "trap", "explorer", "exercise", "check", "solution"),
    "gridwidth-1-2",
}
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip", "raises-exception"}
LARGEST_RTOL = 0.5
PAIR_WIDTH = 58
LARGEST_FILE = 2_500_000
NAME = re.compile(r"\d\d[a-z]?_[a-z0-9_]+")
# Lessons that compare many trainings may take longer.
LONG = {"03a", "03b", "04b", "06e", "06f", "07b"}
MACHINE_PATH = re.compile(
    r"(?<![\w.:/-])/(?:root|home|tmp|usr|var|opt|mnt|Users)(?=/|\b)|site-packages|\b[A-Z]:\\(?:Users|Windows|Program)"
)
FEWEST_FRAMES = 6


class Lesson:
    """A lesson's notebook, with its code cells numbered as nbval numbers them: from 0."""

    def __init__(self, path):
        self.path = Path(path)
        self.number = self.path.stem.partition("_")[0]
        self.notebook = nbformat.read(self.path, as_version=nbformat.NO_CONVERT)
        self.cells = self.notebook.cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.markdown = [cell for cell in self.cells if cell.cell_type == "markdown"]

    def tagged(self, tag):
        return [cell for cell in self.code if tag in tags(cell)]

    def where(self, cell):
        first = next(iter(cell.source.splitlines()), "")
        kind = f"code cell {self.code.index(cell)}" if cell in self.code else f"cell {self.cells.index(cell)}"
        return f"{kind} ({first[:40]!r})"


def texts(cell):
    """All the text that a code cell shows."""
    for output in cell.get("outputs", []):
        yield "".join(output.get("text", ""))
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/") or kind == "image/svg+xml":
                yield "".join(data)


def the_file(lesson):
    if lesson.notebook.nbformat != 4 or lesson.notebook.nbformat_minor != 5:
        yield f"nbformat {lesson.notebook.nbformat}.{lesson.notebook.nbformat_minor}, not 4.5"
        return
    try:
        nbformat.validate(lesson.notebook)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {str(error).splitlines()[0]}"
    # nbformat mends these while reading, so they are looked for in the file
    ids = [cell.get("id") for cell in json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]]
    if len(set(ids)) != len(ids):
        yield "two cells have the same id"
    if not NAME.fullmatch(lesson.path.stem):
        yield "a lesson is called like 01a_rnn_cell.ipynb"
    if lesson.path.stat().st_size >= LARGEST_FILE:
        yield f"{lesson.path.stat().st_size / 1e6:.1f} MB: make the pictures smaller"
    if "widgets" in lesson.notebook.metadata:
        yield "metadata.widgets is stored: run it with `make run`"
    if lesson.notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not called python3: run it with `make run`"


def the_measurements(lesson):
    course = lesson.notebook.metadata.get("course", {})
    if not {"wall_s", "cpu_s", "peak_mb"} <= set(course):
        yield "not measured: run it with `make run`"
        return
    longest = 240 if lesson.number in LONG else 90
    # CPU seconds: the frameworks run on one thread, so they are the wall time of a machine that does nothing else.
    if course["cpu_s"] > longest:
        yield f"took {course['cpu_s']:.0f} CPU s when it was stored; at most {longest} CPU s"
    if course["peak_mb"] > 2000:
        yield f"took {course['peak_mb']:.0f} MB when it was stored; at most 2000 MB"


def tags_and_slides(lesson):
    for cell in lesson.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind not in SLIDE_TYPES:
            yield f"{lesson.where(cell)}: slide type {kind!r}, not one of {', '.join(sorted(SLIDE_TYPES))}"
        for tag in tags(cell):
            loose = re.fullmatch(r"rtol-(\d*\.?\d+)", tag)
            if loose and float(loose[1]) > LARGEST_RTOL:
                yield f"{lesson.where(cell)}: {tag} compares nothing; at most rtol-{LARGEST_RTOL}"
            elif not loose and tag not in TAGS | NOT_COMPARED:
                yield f"{lesson.where(cell)}: unknown tag {tag!r}"
        if NOT_COMPARED & set(tags(cell)) and "# not compared: " not in cell.source:
            yield f"{lesson.where(cell)}: say why in a comment, `# not compared: …`"


def order_of_execution(lesson):
    for count, cell in enumerate(lesson.code, start=1):
        if not cell.source.strip():
            yield f"{lesson.where(cell)}: an empty cell"
        if cell.execution_count != count:
            yield f"{lesson.where(cell)}: executed as {cell.execution_count}, not {count}: run it with `make run`"


def outputs(lesson):
    for cell in lesson.code:
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                yield f"{lesson.where(cell)}: a stored error, {output.ename}"
            if output.output_type == "stream" and output.name == "stderr":
                yield f"{lesson.where(cell)}: something on stderr: {output.text[:60]!r}"
            for kind in output.get("data", {}):
                alt = output.metadata.get(kind, {}).get("alt", "")
                if kind.startswith("image/") and not alt.strip():
                    yield f"{lesson.where(cell)}: a picture without alt text: plotting.show(fig, alt=…)"
        for text in texts(cell):
            if re.search(r"Warning\b|\bWARNING\b", text):
                yield f"{lesson.where(cell)}: a warning is shown"


def nothing_of_this_machine(lesson):
    for cell in lesson.cells:
        for text in (cell.source, *texts(cell)):
            found = MACHINE_PATH.search(text)
            if found:
                yield f"{lesson.where(cell)}: a path of a machine, {text[found.start() :][:40]!r}"


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
                yield f"{lesson.where(cell)}: {what}"
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield f"{lesson.where(cell)}: not Python: {error.msg}"


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
            yield f"{lesson.where(cell)}: a PyTorch half with no Keras half right after it"
        if "keras" in tags(cell) and (before is None or "pytorch" not in tags(before)):
            yield f"{lesson.where(cell)}: a Keras half with no PyTorch half right before it"
        for tag, title in (("pytorch", "# PyTorch"), ("keras", "# Keras")):
            if tag not in tags(cell):
                continue
            if "gridwidth-1-2" not in tags(cell):
                yield f"{lesson.where(cell)}: half of a pair without the tag gridwidth-1-2"
            if not cell.source.startswith(title):
                yield f"{lesson.where(cell)}: half of a pair that does not begin with {title!r}"
            widest = max(map(len, cell.source.splitlines()), default=0)
            if widest > PAIR_WIDTH:
                yield f"{lesson.where(cell)}: a line of {widest} characters in a pair; at most {PAIR_WIDTH}"


def parts(lesson):
    for tag in ("pytorch", "keras", "parity", "claim", "explorer", "trap"):
        if not lesson.tagged(tag) and (tag, lesson.number) != ("trap", "00"):
            yield f"no cell tagged {tag}"
    for cell in lesson.tagged("parity"):
        if "parity." not in cell.source:
            yield f"{lesson.where(cell)}: tagged parity, and does not call course_lib.parity"
    for cell in lesson.tagged("claim"):
        if not claims_something(cell.source):
            yield f"{lesson.where(cell)}: tagged claim, and asserts nothing that could fail"
        if not cell.outputs:
            yield f"{lesson.where(cell)}: tagged claim, and shows no measured number"
    for cell in lesson.tagged("explorer"):
        if not any(WIDGET in output.get("data", {}) for output in cell.outputs):
            yield f"{lesson.where(cell)}: tagged explorer, and shows no widget"
        recorded = [output.data[FRAMES]["frames"] for output in cell.outputs if FRAMES in output.get("data", {})]
        if not recorded or min(map(len, recorded)) < FEWEST_FRAMES:
            yield f"{lesson.where(cell)}: fewer than {FEWEST_FRAMES} pictures for pages without a kernel: run it with `make run`"


def explorers(lesson):
    """An explorer answers long after its cell has run, so what it draws with must still be the same at the end."""
    for cell in lesson.tagged("explorer"):
        index = lesson.code.index(cell)
        used = inner_names(cell.source)
        for later in lesson.code[index + 1 :]:
            rebound = used & bound_names(later.source)
            if rebound:
                yield f"{lesson.where(later)}: binds {', '.join(sorted(rebound))} anew, which the explorer before it draws with"
        for output in cell.outputs:
            pictures = [frame["image"] for frame in output.get("data", {}).get(FRAMES, {}).get("frames", {}).values()]
            if any(pictures) and len(set(pictures)) < FEWEST_FRAMES:
                yield f"{lesson.where(cell)}: {len(set(pictures))} different pictures among {len(pictures)} for pages without a kernel"


def parsed(source):
    try:
        return ast.parse(source)
    except SyntaxError:  # plain_python names it
        return ast.parse("")


def inner_names(source):
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


def bound_names(source):
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


def claims_something(source):
    """Whether there is an assert on something computed, or a call of parity.compare, which raises."""
    return any(
        (isinstance(node, ast.Assert) and any(isinstance(part, ast.Name) for part in ast.walk(node.test)))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "compare")
        for node in ast.walk(parsed(source))
    )


def exercises(lesson):
    from course_lib import exercises as room

    stubs = lesson.tagged("exercise")
    fewest = 1 if lesson.number == "00" else 3
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
            yield f"{lesson.where(stub)}: an exercise is followed by its check and its solution"
            continue
        check, solution = following
        name = re.search(r"\bcheck\(\s*[\"']([^\"']+)[\"']", check.source)
        if not name:
            yield f"{lesson.where(check)}: calls no check('…', answer)"
            continue
        checked.append(name[1])
        if "..." not in stub.source:
            yield f"{lesson.where(stub)}: nothing left out (`...`) for the student"
        if "not started" not in "".join(texts(check)):
            yield f"{lesson.where(check)}: stored without “not started”"
        if not re.search(r"(?s)### BEGIN SOLUTION\n.*### END SOLUTION", textwrap.dedent(solution.source)):
            yield f"{lesson.where(solution)}: no ### BEGIN SOLUTION … ### END SOLUTION"
        if not folded(solution):
            yield f"{lesson.where(solution)}: a solution that is not folded"
        if name[1] not in solution.source or "✓" not in "".join(texts(solution)):
            yield f"{lesson.where(solution)}: a solution that does not pass check({name[1]!r})"
    known = [exercise.name for exercise in room.of_lesson(lesson.number)] if lesson.number in room.lessons() else []
    if checked != known:
        yield f"the lesson checks {checked}, course_lib.exercises knows {known}"


RULES = [
    *(the_file, the_measurements, tags_and_slides, order_of_execution, outputs, nothing_of_this_machine),
    *(plain_python, beginning_and_end, set_up, pairs, parts, explorers, exercises),
]


def problems(path):
    """Everything about a lesson that is not as it must be, one sentence each."""
    lesson = Lesson(path)
    return [f"{lesson.path.name}: {found}" for rule in RULES for found in rule(lesson)]
