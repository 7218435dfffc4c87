"""Every solution is accepted; nothing, the stub, wrong types and shapes, and each usual wrong answer are refused."""

import numpy as np
import pytest

from course_lib import exercises
from course_lib.exercises import Exercise, Wrong

ALL = [exercise for lesson in exercises.lessons() for exercise in exercises.of_lesson(lesson)]
USUAL = [(exercise, wrong) for exercise in ALL for wrong in exercise.wrong]


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_the_solution_is_right_and_nothing_is_not_started(exercise):
    assert exercises.grade(exercise.name, exercise.solution).status == "right"
    for nothing in (..., None, [...], {"a": None}, "", "  "):
        assert exercises.grade(exercise.name, nothing).status == "not started"
    for stub in (lambda *a: None, lambda *a: ...):
        status = exercises.grade(exercise.name, stub).status
        # Where a value or a model is asked for, a function is of the wrong kind; measured, it may be a stub.
        assert status == "not started" if exercise.inputs is not None else status in ("not yet", "not started")
    assert exercises.grade(exercise.name).status == "not started"


@pytest.mark.parametrize(("exercise", "wrong"), USUAL, ids=lambda v: v.name if isinstance(v, Exercise) else "")
def test_a_usual_wrong_answer_gets_its_own_hint(exercise, wrong):
    result = exercises.grade(exercise.name, wrong.answer)
    assert result.status == "not yet" and wrong.hint in result.message


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_wrong_types_and_shapes_are_refused_without_an_exception(exercise):
    for answer in ("word", 12345.678, np.zeros((3, 1, 2)), object(), float("nan"), [1, "a"], {"x": 1}, set(), int):
        result = exercises.grade(exercise.name, answer)
        assert result.status == "not yet" and len(result.message) > 10, answer


@pytest.mark.parametrize("exercise", [e for e in ALL if e.inputs is not None], ids=lambda e: e.name)
def test_a_function_that_raises_or_returns_rubbish_is_told_so(exercise):
    def raises(*arguments):
        raise ZeroDivisionError("division by zero")

    assert "ZeroDivisionError" in exercises.grade(exercise.name, raises).message
    for rubbish in (lambda *a: "word", lambda *a: np.full((2, 2, 2, 2), np.nan), lambda: 1):
        assert exercises.grade(exercise.name, rubbish).status == "not yet"


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_every_exercise_knows_usual_wrong_answers_and_has_hints(exercise):
    assert len(exercise.wrong) >= 2 and exercise.hint
    assert len({wrong.hint for wrong in exercise.wrong}) >= 2 and exercise.hint not in {w.hint for w in exercise.wrong}


@pytest.mark.parametrize(
    ("name", "words"), [("01a.nothing", "01a.step"), ("99z.x", "no exercises"), (3.0, "name first")]
)
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(name, words):
    with pytest.raises(KeyError, match=words):
        exercises.check(name, 1)


def test_check_prints_one_line(capsys):
    exercises.check("00.halving", 10)
    exercises.check("00.halving")
    assert capsys.readouterr().out.splitlines() == ["✓ 00.halving: right", "○ 00.halving: not started"]


@pytest.fixture
def register(monkeypatch):
    """Put exercises in the place of lesson 00's."""
    from course_lib.exercises import lesson_00

    def put(*made):
        monkeypatch.setattr(lesson_00, "EXERCISES", list(made))

    return put


def test_answers_of_both_frameworks_and_plain_numbers_are_compared_alike(register):
    import torch

    register(Exercise("00.vector", solution=np.array([1.0, 2.0]), wrong=[Wrong([2.0, 1.0], "order")]))
    for answer in ([1, 2], (1.0, 2.0), np.array([1, 2]), torch.tensor([1.0, 2.0], requires_grad=True)):
        assert exercises.grade("00.vector", answer).status == "right"
    assert "(2, 1)" in exercises.grade("00.vector", np.ones((2, 1))).message
    assert "not a function" in exercises.grade("00.vector", lambda: [1, 2]).message
    assert "NaN" in exercises.grade("00.vector", [1.0, float("nan")]).message


def test_an_answer_cannot_change_the_inputs_of_the_next_call(register):
    data = np.ones(3)

    def changes(x):
        x += 1
        return x

    register(Exercise("00.f", solution=lambda x: x + 1, inputs=[(data,), (data,)]))
    assert exercises.grade("00.f", changes).status == "right" and np.all(data == 1)


def test_tolerance_text_and_parts(register):
    register(
        Exercise("00.number", solution=3.14159, rtol=1e-3, atol=0),
        Exercise("00.word", solution="Tanh"),
        Exercise("00.parts", solution={"a": 1.0, "b": [1.0, 2.0]}),
    )
    assert exercises.grade("00.number", 3.142).status == "right"
    assert exercises.grade("00.number", 3.15).status == "not yet"
    assert exercises.grade("00.word", " tanh ").status == "right"
    assert "keys a, b" in exercises.grade("00.parts", {"a": 1.0}).message
    assert exercises.grade("00.parts", {"a": 1.0, "b": (1, 2)}).status == "right"


def test_an_answer_that_writes_into_its_arguments_spoils_nothing():
    def in_place(gradients, limit):
        norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
        for g in gradients:
            g *= min(1.0, limit / norm)
        return gradients

    for _ in range(2):
        assert exercises.grade("02.clip", in_place).status == "right"
    assert exercises.grade("02.clip", lambda gradients, limit: gradients).status == "not yet"
