"""Record what the solutions of a lesson give, and its usual wrong answers, for ``check`` to compare with.

``record("notebooks/01a_rnn_cell.ipynb")`` runs the lesson's solution cells, each in a namespace of its own that holds
what the cell names: the lesson's imports, functions, classes and constants, found by reading the lesson, not by
running it. It needs ``tools``, which students do not have.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
from pathlib import Path

import numpy as np

from tools import fingerprint
from tools.kernel import write_atomically
from tools.lesson import Lesson

from . import _RECORDS, RECORDED, Changed, Edit, Exercise, Wrong, lessons, of_lesson
from .values import decoded, difference, encoded

__all__ = ["MADE_OF", "Solutions", "is_recorded", "made_of", "record", "recorded", "wrong_answer"]

MADE_OF = "made of"  # in a record, beside the exercises: what it was made of
NUMBER = re.compile(r"(?<![\w.^*])-?\d+(?:[.,]\d+)?(?![\w^*]|\.\d)")


class _Handed(BaseException):
    """Carries what a solution cell hands to ``check``; what the cell does afterwards is of no interest."""


class Solutions:
    """The cells of a lesson that hand in solutions, and what they need of it.

    Parameters
    ----------
    lesson : Lesson
    tag : str, optional
        ``"check"`` gives what the student's cells hand in as they stand, the stubs.
    """

    def __init__(self, lesson: Lesson, tag: str = "solution"):
        self.cells: dict[str, tuple[int, str]] = {}
        self._defined: dict[str, list[tuple[int, int, ast.stmt]]] = {}
        handing = {cell.id for cell in lesson.tagged(tag)}
        for number, cell in enumerate(lesson.code):
            tree = ast.parse(_python(cell.source))
            for position, statement in enumerate(tree.body):
                for name in _names_defined(statement):
                    self._defined.setdefault(name, []).append((number, position, statement))
            if cell.id in handing:
                for name in _names_checked(tree):
                    self.cells[name] = number, _python(cell.source)

    def answer(self, name: str, edit: Edit | None = None):
        """Run the solution cell of an exercise, with one edit of its text if wanted, and return what it hands in.

        Raises
        ------
        ValueError
            If the lesson has no such cell, the edit's text does not stand exactly once in it, or the cell raises.
        """
        if name not in self.cells:
            raise ValueError(f"{name}: no cell tagged 'solution' calls check({name!r}, …)")
        number, source = self.cells[name]
        if edit is not None:
            count = source.count(edit.text)
            if count != 1:
                raise ValueError(f"{name}: the text {edit.text!r} stands {count} times in the solution, not once")
            source = source.replace(edit.text, edit.instead)
        source = _until_handed_in(source, name)
        what = f"the solution with {edit.instead!r} for {edit.text!r}" if edit else "the solution"

        def check(asked, answer=None):
            if asked == name:
                raise _Handed(answer)

        try:
            namespace = {"__name__": f"solution of {name}", "check": check}
            for statement in self._needed(source, number):
                exec(compile(ast.Module([statement], []), f"<lesson of {name}>", "exec"), namespace)
            exec(compile(source, f"<solution of {name}>", "exec"), namespace)
        except _Handed as handed:
            return handed.args[0]
        except NameError as error:
            raise ValueError(
                f"{name}: {what} raised NameError: {error}. It may use the lesson's imports, functions, classes and "
                "constants, and what it computes itself; not what other cells compute"
            ) from error
        except Exception as error:
            raise ValueError(f"{name}: {what} raised {type(error).__name__}: {error}") from error
        raise ValueError(f"{name}: {what} does not reach check({name!r}, …)")

    def sources(self) -> list[str]:
        """Each solution, with what it needs of the lesson."""
        return [
            "\n".join([*map(ast.unparse, self._needed(source, number)), source])
            for number, source in self.cells.values()
        ]

    def _needed(self, source: str, cell: int) -> list[ast.stmt]:
        """The statements of the lesson that the names in a piece of source stand for, in the lesson's order."""
        found, waiting = {}, [(name, cell) for name in _names_used(source)]
        while waiting:
            name, before = waiting.pop()
            places = self._defined.get(name, [])
            earlier = [place for place in places if place[0] < before]
            if not earlier or earlier[-1][:2] in found:
                continue
            number, position, statement = earlier[-1]
            found[number, position] = statement
            waiting += [(used, number + 1) for used in _names_used(ast.unparse(statement)) if used != name]
        return [found[place] for place in sorted(found)]


def _until_handed_in(source: str, name: str) -> str:
    """The source of a cell up to the statement that hands in the answer: what follows may use what other cells compute."""
    for statement in ast.parse(source).body:
        if name in _names_checked(statement):
            return "\n".join(source.split("\n")[: statement.end_lineno])
    return source


def _python(source: str) -> str:
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))


def _names_defined(statement: ast.stmt) -> list[str]:
    """Names that a statement gives without computing: imports, functions, classes, constants."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in statement.names]
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        targets = [node for target in statement.targets for node in ast.walk(target)]
        names = [node.id for node in targets if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        computed = any(isinstance(node, (ast.Call, ast.Name)) for node in ast.walk(statement.value))
        return [] if computed else names
    return []


def _names_checked(tree: ast.AST) -> list[str]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check")
    return [call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)]


def _names_used(source: str) -> set[str]:
    """Names that a piece of source takes from outside itself."""
    top = symtable.symtable(source, "<lesson>", "exec")
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (s.is_global() or table is top)}
    return used - own - {"check"} - set(dir(builtins))


def wrong_answer(exercise: Exercise, wrong: Wrong | Edit | Changed, solutions: Solutions, solution):
    """Return a usual wrong answer as the student who gives it would hand it in."""
    if isinstance(wrong, Edit):
        return solutions.answer(exercise.name, wrong)
    if not isinstance(wrong, Changed):
        return wrong.answer
    if exercise.inputs is None:
        return wrong.change(solution)
    return lambda *arguments: wrong.change(solution, *arguments)


def _gives_away(hint: str, right) -> bool:
    """Whether a hint holds every number and word of an answer."""
    if isinstance(right, str):
        return re.search(rf"\b{re.escape(right)}\b", hint, re.IGNORECASE) is not None
    if isinstance(right, dict):
        return all(_gives_away(hint, part) for part in right.values())
    if isinstance(right, list):
        return all(_gives_away(hint, part) for part in right)
    said = [float(number.replace(",", ".")) for number in NUMBER.findall(hint)]
    return right.size > 0 and all(any(np.isclose(n, value, rtol=1e-3) for n in said) for value in right.ravel())


def recorded(lesson: Lesson, solutions: Solutions | None = None) -> dict:
    """Return the record of a lesson: for each exercise what the right and the wrong answers give, ready for JSON.

    Its solutions may be given, where they have been run already.

    Raises
    ------
    ValueError
        If a solution cell is missing or raises; an edit's text does not stand once in it; a wrong answer gives what
        the right one gives, or what a wrong one with another hint gives; or a hint gives the answer away.
    """
    solutions, made = solutions or Solutions(lesson), {}
    # An exercise may be measured by the answers of an earlier one.
    _RECORDS[lesson.number] = made
    try:
        for exercise in of_lesson(lesson.number):
            made[exercise.name] = _record_of(exercise, solutions)
    finally:
        del _RECORDS[lesson.number]
    return made


def _record_of(exercise: Exercise, solutions: Solutions) -> dict:
    name, tolerances = exercise.name, (exercise.rtol, exercise.atol)

    def stored(answer, what):
        try:
            return encoded(exercise.values(answer))
        except Exception as error:
            raise ValueError(f"{name}: {what} cannot be recorded: {type(error).__name__}: {error}") from error

    solution = solutions.answer(name)
    entry = {"right": stored(solution, "the solution"), "wrong": []}
    right = decoded(entry["right"])
    if exercise.inputs is None and exercise.measure is None:
        for hint in (exercise.hint, *(wrong.hint for wrong in exercise.wrong)):
            if _gives_away(hint, right):
                raise ValueError(f"{name}: the hint {hint!r} holds the answer")
    for wrong in exercise.wrong:
        what = f"the wrong answer with the hint {wrong.hint!r}"
        values = stored(wrong_answer(exercise, wrong, solutions, solution), what)
        if difference(decoded(values), right, *tolerances) is None:
            raise ValueError(f"{name}: {what} is right")
        for other in entry["wrong"]:
            if (
                other["hint"] != wrong.hint
                and difference(decoded(values), decoded(other["values"]), *tolerances) is None
            ):
                raise ValueError(f"{name}: {what} gives the same as the one with {other['hint']!r}, which hides it")
        entry["wrong"].append({"hint": wrong.hint, "values": values})
    return entry


def made_of(lesson: Lesson) -> str:
    """What a lesson's record is made of, as a checksum: its solutions, its exercises, and what both use of the course.

    The Python that takes it stands in front: another one writes syntax trees otherwise.
    """
    here = Path(__file__).parent
    files = [here / f"lesson_{lesson.number}.py", here / "__init__.py", here / "values.py", here / "record.py"]
    texts = [file.read_text(encoding="utf-8") for file in files if file.exists()]
    return f"{fingerprint.python()}: {fingerprint.of_code([*Solutions(lesson).sources(), *texts])}"


def is_recorded(lesson: Lesson, file: Path) -> bool:
    """Whether ``file`` is the lesson's record, made of what stands there now."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))[MADE_OF] == made_of(lesson)
    except (OSError, ValueError, KeyError, TypeError):  # none, damaged, or of an older form
        return False


def record(path: str | Path, folder: Path = RECORDED) -> Path | None:
    """Record the exercises of one lesson; the old file stays whole until the new one is complete.

    Parameters
    ----------
    path : str or Path
        The lesson's notebook.
    folder : Path, optional

    Returns
    -------
    Path or None
        The file written, or found to hold the same already; None for a lesson without exercises.

    Raises
    ------
    ValueError
        As ``recorded``.
    """
    lesson = Lesson(path)
    if lesson.number not in lessons():
        return None
    entries = [f" {_json(MADE_OF)}: {_json(made_of(lesson))}"]
    for name, entry in recorded(lesson).items():
        wrong = ",\n".join(f"   {_json(one)}" for one in entry["wrong"])
        entries.append(f' {_json(name)}: {{\n  "right": {_json(entry["right"])},\n  "wrong": [\n{wrong}\n  ]\n }}')
    text = "{\n" + ",\n".join(entries) + "\n}\n"
    file = Path(folder) / f"{lesson.number}.json"
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return file
    write_atomically(file, text)
    return file


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False)
