"""``check(name, answer)``: right, not started, or not yet with a hint that does not give the answer away.

Each lesson's exercises lie in ``lesson_<number>.py`` beside this file, as a list ``EXERCISES``. A solution is written
in one place alone, the lesson's cell tagged ``solution``. ``exercises.record`` runs it, and the usual wrong answers,
and writes what they give to ``recorded/<number>.json``; ``check`` compares with those values and runs neither.

The recorded values lie open beside the lessons, and who looks for them finds them: ``check`` is there to learn with.
It is no means of grading.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .values import Unreadable, decoded, difference, kind, plain

__all__ = [
    "Changed",
    "Edit",
    "Exercise",
    "Result",
    "Wrong",
    "check",
    "expected",
    "grade",
    "lessons",
    "of_lesson",
    "plain",
]

RECORDED = Path(__file__).parent / "recorded"

_NOTHING = object()
_RECORDS: dict[str, dict] = {}


@dataclass(frozen=True)
class Wrong:
    """A usual wrong answer, written out: a value, or a function that makes the mistake.

    Attributes
    ----------
    answer : value, function or model
        Of the same form as a right answer.
    hint : str
        What to look at; it must not contain the answer.
    """

    answer: Any
    hint: str


@dataclass(frozen=True)
class Edit:
    """A usual wrong answer that is the lesson's solution with one piece of its text exchanged.

    Attributes
    ----------
    text : str
        Stands exactly once in the solution cell.
    instead : str
    hint : str
        What to look at; it must not contain the answer.
    """

    text: str
    instead: str
    hint: str


@dataclass(frozen=True)
class Changed:
    """A usual wrong answer that does something to the solution: turns its sign, its order, its arguments.

    Attributes
    ----------
    change : callable
        Called as ``change(solution, *arguments)`` for each of the exercise's ``inputs``; without ``inputs`` as
        ``change(solution)``, and it returns the wrong answer.
    hint : str
        What to look at; it must not contain the answer.
    """

    change: Callable
    hint: str


@dataclass(frozen=True)
class Exercise:
    """What is asked, and what people usually answer instead. The right answer is the lesson's solution cell.

    Attributes
    ----------
    name : str
        ``"<lesson>.<word>"``, for example ``"01a.step"``; the solution cell calls ``check`` with this name.
    wrong : sequence of Wrong, Edit or Changed
    inputs : sequence of tuples, optional
        Arguments with which a function is called; what it returns is compared. Arrays, and lists of them, are copied
        for each call.
    measure : callable, optional
        Turns an answer (for example a model) into the values to compare; called as ``measure(answer)``.
        It raises ``ValueError`` with a hint if the answer is of the wrong kind.
    rtol, atol : float
        Tolerances, relative and absolute, of ``numpy.allclose``.
    hint : str
        For a wrong answer that is none of the usual ones.

    Examples
    --------
    The solution cell holds ``def mse(y, t): return np.mean((y - t) ** 2)`` and ``check("99a.mse", mse)``:

    >>> exercise = Exercise(
    ...     name="99a.mse",
    ...     inputs=[(np.array([1.0, 2.0]), np.array([1.5, 4.0]))],
    ...     wrong=[
    ...         Edit("np.mean", "np.sum", "A mean is asked for."),
    ...         Changed(lambda solution, y, t: solution(y, t) ** 0.5, "That is the root of it."),
    ...         Wrong(lambda y, t: np.mean(np.abs(y - t)), "That is the mean absolute error."),
    ...     ],
    ...     hint="First the error, then its square, then the mean.",
    ... )

    After ``course run 99a``, or ``exercises.record.record("notebooks/99a_squares.ipynb")``, ``check`` knows it.
    """

    name: str
    wrong: Sequence[Wrong | Edit | Changed] = ()
    inputs: Sequence[tuple] | None = None
    measure: Callable | None = None
    rtol: float = 1e-4
    atol: float = 1e-6
    hint: str = "Compare your answer with the equation of the section, symbol by symbol."

    def values(self, answer):
        """Return what is compared, as plain NumPy: the answer, its measures, or what it returns for each input."""
        if self.measure is not None:
            return plain(self.measure(answer))
        if self.inputs is None:
            return plain(answer)
        return [plain(answer(*_fresh(arguments))) for arguments in self.inputs]


@dataclass(frozen=True)
class Result:
    """What ``grade`` found: ``status`` is ``"right"``, ``"not started"`` or ``"not yet"``."""

    name: str
    status: str
    message: str

    def __str__(self) -> str:
        sign = {"right": "✓", "not started": "○", "not yet": "✗"}[self.status]
        return f"{sign} {self.name}: {self.message}"


def lessons() -> list[str]:
    """Return the numbers of the lessons that have exercises, in order."""
    return sorted(path.stem.removeprefix("lesson_") for path in Path(__file__).parent.glob("lesson_*.py"))


def of_lesson(lesson: str) -> list[Exercise]:
    """Return the exercises of one lesson, in order.

    Raises
    ------
    KeyError
        If no lesson of this number has exercises.
    """
    if lesson not in lessons():
        raise KeyError(f"no exercises for lesson {lesson!r}; there are some for {', '.join(lessons())}")
    return list(import_module(f".lesson_{lesson}", __package__).EXERCISES)


def _find(name) -> Exercise:
    if not isinstance(name, str) or "." not in name:
        raise KeyError(f"check() needs the exercise's name first, such as check('01a.step', answer); got {name!r}")
    known = of_lesson(name.split(".", 1)[0])
    for exercise in known:
        if exercise.name == name:
            return exercise
    raise KeyError(f"no exercise {name!r}; this lesson has {', '.join(e.name for e in known)}")


def _recorded(name: str) -> dict:
    """The record of one exercise: ``right``, and ``wrong``, a list of dicts with ``hint`` and ``values``."""
    lesson = name.split(".", 1)[0]
    path = RECORDED / f"{lesson}.json"
    if lesson not in _RECORDS:
        try:
            _RECORDS[lesson] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise FileNotFoundError(
                f"check() cannot read the recorded answers of lesson {lesson}, exercises/recorded/{path.name}: it is "
                f"missing or damaged. Fetch the file again from the course's repository, or run: course run {lesson}"
            ) from None
    if name not in _RECORDS[lesson]:
        raise FileNotFoundError(f"there is no recorded answer of {name!r} yet; run: course run {lesson}")
    return _RECORDS[lesson][name]


def expected(name: str):
    """Return the values that a right answer has: for an exercise with ``inputs`` a list, one entry per call."""
    return decoded(_recorded(name)["right"])


def _fresh(value):
    """Return a copy of arrays, also of those in lists: an answer may write into its arguments."""
    if isinstance(value, np.ndarray):
        return np.copy(value)
    if type(value) in (list, tuple):
        return type(value)(_fresh(entry) for entry in value)
    return value


def _unstarted(value) -> bool:
    if value is None or value is Ellipsis or value is _NOTHING:
        return True
    if isinstance(value, Mapping):
        return any(_unstarted(entry) for entry in value.values())
    if isinstance(value, (tuple, list)):
        return any(_unstarted(entry) for entry in value)
    return isinstance(value, np.ndarray) and value.dtype == object and any(_unstarted(e) for e in value.ravel())


def grade(name: str, answer=_NOTHING) -> Result:
    """Grade an answer without printing; see ``check``.

    Raises
    ------
    KeyError
        If there is no exercise of this name.
    FileNotFoundError
        If the file with the lesson's recorded answers is missing or damaged.
    """
    exercise = _find(name)
    if _unstarted(answer) or (isinstance(answer, str) and not answer.strip()):
        return Result(name, "not started", "not started")
    if exercise.inputs is not None and not callable(answer):
        return Result(name, "not yet", f"give the function itself, without calling it; this is {kind(answer)}")
    if exercise.inputs is None and exercise.measure is None and _function(answer):
        return Result(name, "not yet", "give the value, not a function: call it first")
    record = _recorded(name)
    try:
        got = exercise.values(answer)
    except Unreadable as error:
        return Result(name, "not yet", f"not yet: {error}. {exercise.hint}")
    except ValueError as error:
        if exercise.measure is not None:
            return Result(name, "not yet", str(error))
        return Result(name, "not yet", f"your function raised ValueError: {error}")
    except Exception as error:
        return Result(name, "not yet", f"your answer raised {type(error).__name__}: {error}")
    if _unstarted(got):
        return Result(name, "not started", "not started")
    tolerances = exercise.rtol, exercise.atol
    form = difference(got, decoded(record["right"]), *tolerances)
    if form is None:
        return Result(name, "right", "right")
    for wrong in record["wrong"]:
        if difference(got, decoded(wrong["values"]), *tolerances) is None:
            return Result(name, "not yet", f"not yet. {wrong['hint']}")
    return Result(name, "not yet", f"not yet: {form}. {exercise.hint}" if form else f"not yet. {exercise.hint}")


def _function(answer) -> bool:
    """Whether something can be called; tensors of some frameworks can, or say that they can."""
    return callable(answer) and not hasattr(answer, "__array__")


def check(name: str, answer=_NOTHING) -> None:
    """Say whether an answer is right, not started, or not yet right (with a hint).

    Parameters
    ----------
    name : str
        The exercise, for example ``"01a.step"``.
    answer : value, function or model
        What the exercise asks for. Numbers and arrays may be Python's, NumPy's, PyTorch's or TensorFlow's.
        ``...`` and ``None``, alone or anywhere inside, count as not started.

    Raises
    ------
    KeyError
        If there is no exercise of this name.
    FileNotFoundError
        If the file with the lesson's recorded answers is missing or damaged.
    """
    print(grade(name, answer))
