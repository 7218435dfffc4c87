"""``check(name, answer)``: right, not started, or not yet with a hint that does not give the answer away.

Each lesson's exercises lie in ``lesson_<number>.py`` beside this file, as a list ``EXERCISES``. An exercise knows
its solution *and* the usual wrong answers, each written out as the mistake that it is, so that a student who makes
it gets the hint for it. The tests hold every solution to be accepted and every listed wrong answer to be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["Exercise", "Result", "Wrong", "check", "grade", "lessons", "of_lesson"]

_NOTHING = object()


@dataclass(frozen=True)
class Wrong:
    """A usual wrong answer.

    Attributes
    ----------
    answer : value or function
        Of the same form as the solution.
    hint : str
        What to look at; it must not contain the answer.
    """

    answer: Any
    hint: str


@dataclass(frozen=True)
class Exercise:
    """What ``check`` knows about one exercise.

    Attributes
    ----------
    name : str
        ``"<lesson>.<word>"``, for example ``"01a.step"``.
    solution : value or function
        A number, string, array, or a tuple or dict of them; or a function, if ``inputs`` is given.
    wrong : sequence of Wrong
    inputs : sequence of tuples, optional
        Arguments with which a function is called; what it returns is compared. Arrays, and lists of them, are copied
        for each call.
    measure : callable, optional
        Turns an answer (for example a model) into the values to compare; called as ``measure(answer)``.
        The ``solution`` is measured too. It raises ``ValueError`` with a hint if the answer is of the wrong kind.
    rtol, atol : float
        Tolerances, relative and absolute, of ``numpy.allclose``.
    hint : str
        For a wrong answer that is none of the usual ones.
    """

    name: str
    solution: Any
    wrong: Sequence[Wrong] = ()
    inputs: Sequence[tuple] | None = None
    measure: Callable | None = None
    rtol: float = 1e-4
    atol: float = 1e-6
    hint: str = "Compare your answer with the equation of the section, symbol by symbol."
    _cache: dict = field(default_factory=dict, repr=False, compare=False)

    def expected(self):
        """Return the values that a right answer has."""
        if "expected" not in self._cache:
            self._cache["expected"] = self.values(self.solution)
        return self._cache["expected"]

    def values(self, answer):
        """Return what is compared: the answer itself, its measures, or what the function returns for the inputs."""
        if self.measure is not None:
            return self.measure(answer)
        if self.inputs is None:
            return answer
        return [answer(*_fresh(args)) for args in self.inputs]


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
    from pathlib import Path

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


def _plain(value):
    """Return a value as plain NumPy, whichever framework it comes from, without importing one."""
    if hasattr(value, "detach"):  # PyTorch
        value = value.detach().cpu()
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        if value and all(isinstance(entry, (int, float, np.number)) for entry in value):
            return np.asarray(value)
        return [_plain(entry) for entry in value]
    if value is None or value is Ellipsis or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float, complex, np.ndarray, np.generic)) or hasattr(value, "__array__"):
        return np.asarray(value)
    return value


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


def _difference(got, expected, rtol: float, atol: float, what: str = "the answer") -> str | None:
    """Return None if equal within tolerance, else a sentence on the *form* of the difference, never the values."""
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping) or set(got) != set(expected):
            return f"{what} must be a dict with the keys {', '.join(map(str, expected))}"
        pairs = [(got[key], expected[key], f"{key!r}") for key in expected]
    elif isinstance(expected, list):
        if not isinstance(got, (list, np.ndarray)) or len(got) != len(expected):
            return f"{what} must have {len(expected)} parts"
        pairs = [(g, e, what if len(expected) == 1 else f"part {i + 1}") for i, (g, e) in enumerate(zip(got, expected))]
    elif isinstance(expected, (str, bool)):
        if type(got) is not type(expected):
            return f"{what} must be a {type(expected).__name__}, not {type(got).__name__}"
        same = got.strip().lower() == expected.strip().lower() if isinstance(expected, str) else got == expected
        return None if same else ""
    else:
        if not isinstance(got, np.ndarray) or got.dtype.kind not in "biufc":
            return f"{what} must be made of numbers, not {type(got).__name__}"
        expected = np.asarray(expected)
        if got.shape != expected.shape:
            return f"{what} has shape {got.shape}, and {expected.shape} is expected"
        if not np.all(np.isfinite(got)):
            return f"{what} contains NaN or infinity"
        return None if np.allclose(got, expected, rtol=rtol, atol=atol) else ""
    for one, other, name in pairs:
        difference = _difference(one, other, rtol, atol, name)
        if difference is not None:
            return difference
    return None


def grade(name: str, answer=_NOTHING) -> Result:
    """Grade an answer without printing; see ``check``.

    Raises
    ------
    KeyError
        If there is no exercise of this name.
    """
    exercise = _find(name)
    if _unstarted(answer) or (isinstance(answer, str) and not answer.strip()):
        return Result(name, "not started", "not started")
    if exercise.inputs is not None and not callable(answer):
        return Result(name, "not yet", f"give the function itself, without calling it; this is {_kind(answer)}")
    if exercise.inputs is None and exercise.measure is None and callable(answer):
        return Result(name, "not yet", "give the value, not a function: call it first")
    try:
        got = exercise.values(answer)
    except ValueError as error:
        if exercise.measure is not None:
            return Result(name, "not yet", str(error))
        return Result(name, "not yet", f"your function raised ValueError: {error}")
    except Exception as error:
        return Result(name, "not yet", f"your answer raised {type(error).__name__}: {error}")
    if _unstarted(got):
        return Result(name, "not started", "not started")
    got = _plain(got)
    difference = _difference(got, _plain(exercise.expected()), exercise.rtol, exercise.atol)
    if difference is None:
        return Result(name, "right", "right")
    for wrong in exercise.wrong:
        if _difference(got, _plain(exercise.values(wrong.answer)), exercise.rtol, exercise.atol) is None:
            return Result(name, "not yet", f"not yet. {wrong.hint}")
    return Result(
        name, "not yet", f"not yet: {difference}. {exercise.hint}" if difference else f"not yet. {exercise.hint}"
    )


def _kind(answer) -> str:
    return "text" if isinstance(answer, str) else f"of type {type(answer).__name__}"


def check(name: str, answer=_NOTHING) -> None:
    """Say whether an answer is right, not started, or not yet right (with a hint).

    Parameters
    ----------
    name : str
        The exercise, for example ``"01a.step"``.
    answer : value, function or model
        What the exercise asks for. ``...`` and ``None``, alone or anywhere inside, count as not started.

    Raises
    ------
    KeyError
        If there is no exercise of this name.
    """
    print(grade(name, answer))
