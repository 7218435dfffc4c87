"""Solutions are accepted in every form that numbers have; stubs and usual wrong answers are not; recording is careful."""

import ast
import functools
import inspect
import itertools
import json
import sys
import traceback

import nbformat
import numpy as np
import pytest

import exercises
from exercises import Changed, Edit, Exercise, Wrong, record
from tests.rotation import chosen, turn_now
from tools import fingerprint
from tools import lesson as lesson_room
from tools.lesson import Lesson

NUMBERS = exercises.lessons()
IN_TURN = chosen(NUMBERS, turn_now(), at_least=len(NUMBERS) // 3)
ALL = [exercise for number in NUMBERS for exercise in exercises.of_lesson(number)]
MEASURED = [exercise for exercise in ALL if exercise.measure is not None]
COMPARED = [exercise for exercise in ALL if exercise.measure is None]


def named(exercises_):
    return pytest.mark.parametrize("exercise", exercises_, ids=lambda exercise: exercise.name)


@pytest.fixture(scope="module")
def stored():
    """The lessons, each read once."""
    return {number: Lesson(lesson_room.find(number)) for number in NUMBERS}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As a lesson has: the threads of two workers on two cores wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class SolvedOnce(record.Solutions):
    """Solutions whose cells run once for all tests: many of them train."""

    def __init__(self, lesson):
        super().__init__(lesson)
        self.answer = functools.cache(super().answer)


@pytest.fixture(scope="module")
def solved(stored):
    return functools.cache(lambda number: SolvedOnce(stored[number]))


def handed_in(exercise, parts, form=lambda part: part):
    """An answer of the exercise's kind that gives the recorded parts, each in a form of its own."""
    if exercise.inputs is None:
        return form(parts)
    given = itertools.cycle(parts)
    return lambda *arguments: form(next(given))


# Each lesson: what its cells give now is what is recorded. Many solutions and wrong answers train, so a run takes a
# third of the lessons; of all it sees whether the record was made of what stands there. (The lessons' own tests run
# every solution, and see that its check says "right".)


def assert_same(found, kept, exercise, where):
    difference = exercises.values.difference(found, kept, max(exercise.rtol, 1e-6), max(exercise.atol, 1e-9))
    assert difference is None, f"{where} is recorded otherwise; run: course run {exercise.name.split('.')[0]}"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_record_was_made_of_what_stands_there(number, stored):
    kept = json.loads((exercises.RECORDED / f"{number}.json").read_text(encoding="utf-8"))[record.MADE_OF]
    if kept.partition(":")[0] == fingerprint.python():
        assert kept == record.made_of(stored[number]), f"a solution has changed; run: course run {number}"


@pytest.mark.parametrize("number", IN_TURN)
def test_the_recorded_values_are_those_that_the_lesson_s_solutions_give(number, stored, solved):
    found = record.recorded(stored[number], solved(number))
    kept = json.loads((exercises.RECORDED / f"{number}.json").read_text(encoding="utf-8"))
    assert [record.MADE_OF, *found] == list(kept)
    for exercise in exercises.of_lesson(number):
        one, other = found[exercise.name], kept[exercise.name]
        read = exercises.values.decoded
        assert_same(read(one["right"]), read(other["right"]), exercise, exercise.name)
        assert [wrong["hint"] for wrong in one["wrong"]] == [wrong["hint"] for wrong in other["wrong"]]
        for now, then in zip(one["wrong"], other["wrong"]):
            assert_same(read(now["values"]), read(then["values"]), exercise, f"{exercise.name}: {now['hint']}")


@pytest.mark.parametrize("number", IN_TURN)
def test_the_solution_is_right_and_each_usual_wrong_answer_gets_its_own_hint(number, solved):
    solutions = solved(number)
    for exercise in exercises.of_lesson(number):
        solution = solutions.answer(exercise.name)
        assert exercises.grade(exercise.name, solution).status == "right", exercise.name
        for wrong in exercise.wrong:
            answer = record.wrong_answer(exercise, wrong, solutions, solution)
            result = exercises.grade(exercise.name, answer)
            assert result.status == "not yet" and wrong.hint in result.message, (exercise.name, wrong.hint)


@pytest.mark.parametrize("number", NUMBERS)
def test_what_a_usual_wrong_answer_changes_stands_once_in_the_solution(number, stored):
    solutions = record.Solutions(stored[number])
    for exercise in exercises.of_lesson(number):
        for edit in (wrong for wrong in exercise.wrong if isinstance(wrong, Edit)):
            assert solutions.cells[exercise.name][1].count(edit.text) == 1, (exercise.name, edit.text)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_lesson_s_stubs_are_not_started(number, stored):
    stubs = record.Solutions(stored[number], "check")
    for exercise in exercises.of_lesson(number):
        assert exercises.grade(exercise.name, stubs.answer(exercise.name)).status == "not started", exercise.name


# Each exercise


@named(ALL)
def test_nothing_is_not_started(exercise):
    for nothing in (..., None, [...], {"a": None}, "", "  "):
        assert exercises.grade(exercise.name, nothing).status == "not started"
    assert exercises.grade(exercise.name).status == "not started"
    if exercise.inputs is not None:
        for stub in (lambda *a: None, lambda *a: ..., lambda *a: (1, ...)):
            assert exercises.grade(exercise.name, stub).status == "not started"


@named(ALL)
def test_wrong_types_and_shapes_are_refused_without_an_exception(exercise):
    for answer in ("word", 12345.678, np.zeros((3, 1, 2)), object(), float("nan"), [1, "a"], {"x": 1}, set(), int):
        result = exercises.grade(exercise.name, answer)
        assert result.status == "not yet" and len(result.message) > 10, answer


@named([exercise for exercise in ALL if exercise.inputs is not None])
def test_a_function_that_raises_or_returns_rubbish_is_told_so(exercise):
    def raises(*arguments):
        raise ZeroDivisionError("division by zero")

    assert "ZeroDivisionError" in exercises.grade(exercise.name, raises).message
    for rubbish in (lambda *a: "word", lambda *a: np.full((2, 2, 2, 2), np.nan), lambda: 1, lambda *a: [[1, 2], [3]]):
        assert exercises.grade(exercise.name, rubbish).status == "not yet"


@named(ALL)
def test_every_exercise_knows_usual_wrong_answers_and_has_hints(exercise):
    assert len(exercise.wrong) >= 2 and exercise.hint
    assert len({wrong.hint for wrong in exercise.wrong}) >= 2 and exercise.hint not in {w.hint for w in exercise.wrong}


# Numbers are numbers, whoever made them.


def _listed(array):
    return array.tolist()


def _tupled(array):
    return tuple(_tupled(part) for part in array) if np.ndim(array) else array.item()


def _parts(make):
    """A list of what ``make`` makes of the rows; for one number, what it makes of it."""
    return lambda array: [make(row) for row in array] if array.ndim else make(array)


def _torch(array, dtype=None):
    import torch

    return torch.tensor(array.tolist(), dtype=dtype or torch.float64)


def _tf(array, dtype="float64"):
    import tensorflow as tf

    return tf.constant(array.tolist(), dtype=dtype, shape=array.shape)


def _forms():
    import keras
    import tensorflow as tf
    import torch

    return {
        "lists of Python's numbers": _listed,
        "tuples of Python's numbers": _tupled,
        "NumPy's float32": lambda array: array.astype("float32"),
        "NumPy's big-endian float64": lambda array: array.astype(">f8"),
        "NumPy's array of objects": lambda array: array.astype(object),
        "list of NumPy's scalars or rows": _parts(lambda row: row[()]),
        "list of NumPy's 0-d arrays or rows": _parts(np.asarray),
        "np.where of it": lambda array: np.where(True, array, 0),
        "every other entry of an array": lambda array: np.repeat(array, 2, -1)[..., ::2] if array.ndim else array,
        "PyTorch": _torch,
        "PyTorch's float32": lambda array: _torch(array, torch.float32),
        "PyTorch with a gradient": lambda array: _torch(array).requires_grad_() * 1,
        "PyTorch's parameter": lambda array: torch.nn.Parameter(_torch(array)),
        "list of PyTorch's tensors": _parts(_torch),
        "TensorFlow": _tf,
        "TensorFlow's variable": lambda array: tf.Variable(_tf(array)),
        "list of TensorFlow's tensors": _parts(_tf),
        "keras.ops": lambda array: keras.ops.mean(keras.ops.stack([_tf(array), _tf(array)]), axis=0),
        "Keras's variable": lambda array: keras.Variable(array.astype("float64"), dtype="float64"),
    }


FORMS = (
    "lists of Python's numbers", "tuples of Python's numbers", "NumPy's float32", "NumPy's big-endian float64",
    "NumPy's array of objects", "list of NumPy's scalars or rows", "list of NumPy's 0-d arrays or rows", "np.where of it",
    "every other entry of an array", "PyTorch", "PyTorch's float32", "PyTorch with a gradient", "PyTorch's parameter",
    "list of PyTorch's tensors", "TensorFlow", "TensorFlow's variable", "list of TensorFlow's tensors", "keras.ops",
    "Keras's variable",
)  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_right_answer_is_right_in_every_form_that_numbers_have(name):
    form = _forms()[name]

    def formed(value):
        if isinstance(value, dict):
            return {key: formed(part) for key, part in value.items()}
        if isinstance(value, list):
            return tuple(formed(part) for part in value)
        return value if np.asarray(value).dtype.kind in "Ub" else form(value)  # words and truths are no numbers

    refused = {}
    for exercise in COMPARED:
        result = exercises.grade(exercise.name, handed_in(exercise, exercises.expected(exercise.name), formed))
        if result.status != "right":
            refused[exercise.name] = result.message
    assert not refused


def test_all_forms_are_tried():
    assert FORMS == tuple(_forms())


@pytest.fixture
def lesson_99a(monkeypatch, tmp_path):
    """Make, and record, a lesson 99a of solution cells and exercises; gives the path of its record."""

    def put(cells, *made, recorded=True):
        cells = [cells] if isinstance(cells, str) else cells
        notebook = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell(source, metadata={"tags": ["solution"] if "check(" in source else []})
                for source in cells
            ]
        )
        path = tmp_path / "99a_numbers.ipynb"
        nbformat.write(notebook, path)
        for room in (exercises, record):
            monkeypatch.setattr(room, "of_lesson", lambda number: list(made))
            monkeypatch.setattr(room, "lessons", lambda: ["99a"])
        monkeypatch.setattr(exercises, "RECORDED", tmp_path)
        exercises._RECORDS.pop("99a", None)
        return record.record(path, tmp_path) if recorded else path

    yield put
    exercises._RECORDS.pop("99a", None)


def test_low_precision_and_whole_numbers_are_read(lesson_99a):
    from fractions import Fraction

    import ml_dtypes
    import tensorflow as tf
    import torch

    lesson_99a("check('99a.ten', 10)", Exercise("99a.ten"))
    ten = (
        10, 10.0, np.int8(10), np.float16(10), np.uint64(10), Fraction(20, 2), ml_dtypes.bfloat16(10),
        torch.tensor(10), torch.tensor(10.0).bfloat16(), torch.tensor(10.0).half(), torch.tensor(10.0).bfloat16().requires_grad_(),
        tf.constant(10), tf.constant(10.0, tf.bfloat16), tf.Variable(10, dtype="int64"),
    )  # fmt: skip
    for answer in ten:
        assert exercises.grade("99a.ten", answer).status == "right", repr(answer)
    for answer in (10**40, True, np.True_, [10], np.array([10]), "10", 10 + 1j):
        assert exercises.grade("99a.ten", answer).status == "not yet", repr(answer)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
def test_what_cannot_be_read_as_numbers_is_said_to_be_so(lesson_99a):
    import keras
    import scipy.sparse
    import tensorflow as tf
    import torch

    cells = ["check('99a.value', [1.0, 2.0])", "def f(x): return [x, 2.0]\ncheck('99a.call', f)"]
    lesson_99a(cells, Exercise("99a.value"), Exercise("99a.call", inputs=[(1.0,)]))
    unreadable = (
        keras.Input((2,)),
        torch.eye(2).to_sparse(),
        torch.eye(2).to_sparse_csr(),
        torch.ones(2, device="meta"),
        tf.sparse.from_dense([[1.0, 0.0]]),
        scipy.sparse.eye(2),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        b"12",
        {1, 2},
        object(),
        (value for value in (1, 2)),
    )
    for answer in unreadable:
        for name, handed in (
            ("99a.value", answer),
            ("99a.value", [answer, 2.0]),
            ("99a.call", lambda x, answer=answer: answer),
            ("99a.call", lambda x, answer=answer: [answer, 2.0]),
        ):
            result = exercises.grade(name, handed)
            assert result.status == "not yet", repr(answer)
            assert result.message.startswith("not yet: ") and "cannot be read as numbers" in result.message, (
                result.message
            )


def test_text_and_truth_are_no_numbers_and_numbers_are_no_text(lesson_99a):
    cells = ["check('99a.word', 'Tanh')", "check('99a.yes', True)", "check('99a.both', {'a': 1.0, 'b': [1.0, 2.0]})"]
    lesson_99a(cells, Exercise("99a.word"), Exercise("99a.yes"), Exercise("99a.both"))
    for answer in (" tanh ", np.str_("tanh"), np.array("tanh")):
        assert exercises.grade("99a.word", answer).status == "right"
    assert "must be text" in exercises.grade("99a.word", 3).message
    assert exercises.grade("99a.yes", np.bool_(True)).status == "right"
    assert "True or False" in exercises.grade("99a.yes", 1).message
    assert "keys a, b" in exercises.grade("99a.both", {"a": 1.0}).message
    assert exercises.grade("99a.both", {"a": 1, "b": (1, 2)}).status == "right"
    assert "several shapes" in exercises.grade("99a.both", {"a": 1, "b": [1, [2]]}).message


def test_the_form_of_a_difference_is_told_and_the_values_are_not(lesson_99a):
    lesson_99a("check('99a.pi', [3.14159, 0.0])", Exercise("99a.pi", rtol=1e-3, atol=0))
    assert exercises.grade("99a.pi", [3.142, 0]).status == "right"
    assert exercises.grade("99a.pi", [3.15, 0]).message == f"not yet. {Exercise('99a.pi').hint}"
    assert "(2, 1)" in exercises.grade("99a.pi", np.ones((2, 1))).message
    assert "not a function" in exercises.grade("99a.pi", lambda: [1, 2]).message
    assert "NaN" in exercises.grade("99a.pi", [1.0, float("nan")]).message


def test_an_answer_cannot_change_the_inputs_of_the_next_call(lesson_99a):
    data = np.ones(3)

    def changes(x):
        x += 1
        return x

    exercise = Exercise("99a.f", inputs=[(data,), ([data],), (data,)])
    lesson_99a("def f(x): return np.asarray(x) + 1\nimport numpy as np\ncheck('99a.f', f)", exercise)
    assert (
        exercises.grade("99a.f", lambda x: changes(x if isinstance(x, np.ndarray) else x[0])[None][0]).status
        == "not yet"
    )
    assert exercises.grade("99a.f", lambda x: [changes(x[0])] if isinstance(x, list) else changes(x)).status == "right"
    assert np.all(data == 1)


# Hints of measures


def _onnx_bytes(n_in, n_out):
    """An ONNX file of one product: (batch, n_in) -> (batch, n_out), for any batch."""
    from onnx import TensorProto, helper, numpy_helper

    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
        for name, width in (("x", n_in), ("y", n_out))
    )
    weight = numpy_helper.from_array(np.zeros((n_in, n_out), dtype="float32"), "W")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "W"], ["y"])], "product", [x], [y], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return model.SerializeToString()


def _net(*layers):
    import torch

    return torch.nn.Sequential(*layers)


def _measured_wrongly():
    """For each measured exercise: answers of the wrong kind, each for one of its sentences."""
    from torch import nn

    from course_lib import data

    class AllScores(nn.Module):
        def __init__(self, h):
            super().__init__()
            self.read = nn.Linear(1, 2)

        def forward(self, x):
            return self.read(x)

    class RecurrentScores(AllScores):
        def __init__(self):
            super().__init__(4)
            self.rnn = nn.RNN(1, 4, batch_first=True)

    class IntScores(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.RNN(1, 1)

        def forward(self, x):
            return x.float()

    class TwoAnswers(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(2, 1, batch_first=True)

        def forward(self, x):
            return x

    class StripStates(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.lstm, self.d = nn.LSTM(56, 1, batch_first=True), d

        def forward(self, x):
            return self.lstm(x.float().reshape(len(x), -1, self.d))[0]

    class OneOutput(IntScores):
        def forward(self, x, state):
            return x

    class LineCode(nn.Linear):
        def encode(self, x):
            return self(x)

    class PlaneCode(nn.Linear):
        def code(self, x):
            return self(x)

        decode = code

    class SparseCode(nn.Module):
        def __init__(self, m):
            super().__init__()
            self.encoder, self.decoder = nn.Linear(32, m), nn.Linear(m, 32)

        def code(self, x):
            return self.encoder(x)

    class NoSample(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.d = d

        def forward(self, x):
            return x[:, : self.d], x[:, :2], x[:, :2]

    class Speed(nn.Linear):
        def velocity(self, x, phi):
            return self(x)

    scaler = data.Scaler.fit(np.random.default_rng(0).normal(size=(10, 3)))
    shapes = {"W_xh": (5, 4), "W_hh": (5, 5), "b_h": 5, "W_hy": (3, 5), "b_y": 3}
    leaky = {name: np.ones(shape) for name, shape in shapes.items()} | {"r": 0.5}
    six = dict(zip(("W_xh", "W_hh", "b_h", "W_hy", "b_y", "h_0"), np.ones(6)))
    backward = [lambda *a: six] * 3
    return {
        "01a.memory": [3, {"w_xh": 1}, {"w_xh": [1, 2], "w_hh": 1, "b": 0}, {"w_xh": "a", "w_hh": 1, "b": 0}],
        "01a.smallest": [3, _net(nn.Linear(1, 2)), RecurrentScores()],
        "01a.leak": [AllScores(8), AllScores],
        "01b.told": [3, _net(nn.Linear(1, 2)), _net(nn.Linear(2, 2))],
        "01c.feedforward": [3, _net(nn.Linear(3, 3)), [_net(nn.Linear(3, 2)), scaler]],
        "01d.both_sides": [3, _net(nn.Linear(1, 2)), IntScores()],
        "01d.leak": [3, lambda strings, seed: 1],
        "01e.told": [3, IntScores()],
        "01f.seven": [3, IntScores()],
        "02a.broken": [{"a": 1}, 3, backward[:2], [3, 4, 5], [lambda *a: 1] * 3, [lambda *a: {"W_xh": 1}] * 3, backward],
        "02a.train": [3, {"r": 1}, leaky, {**leaky, "r": [1, 2]}],
        "02b.thirty": [3, _net(nn.Linear(1, 2)), IntScores()],
        "02c.longer": [3, AllScores(4), RecurrentScores(), OneOutput()],
        "03a.one_unit": [3, TwoAnswers()],
        "03b.subtract": [3, _net(nn.Linear(1, 2)), _net(nn.Linear(2, 2))],
        "03c.strips": [3, _net(nn.Linear(1, 2)), StripStates(28), StripStates(56)],
        "03d.modulo": [3, IntScores(), _net(nn.Linear(3, 2)), _net(nn.Linear(2, 2))],
        "04a.eight": [3, _net(nn.Linear(784, 8), nn.Linear(8, 5))],
        "04b.signed": [3, _net(nn.Linear(196, 5))],
        "04c.row": [3, _net(nn.Linear(1, 2))],
        "04d.grey": [3, _net(nn.Linear(196, 5))],
        "05a.wide": [3, lambda X, m: 1, lambda X, m: (np.ones(99), np.ones(99))],
        "05b.prices": [3, lambda X: np.ones(3)],
        "05c.circle_net": [3, LineCode(2, 3)],
        "06a.lines": [3, _net(nn.Linear(196, 5))],
        "06b.finder": [3, _net(nn.Linear(32, 64)), SparseCode(32)],
        "06c.mended": [3.0, lambda encoder, x, v: 3.0, lambda encoder, x, v: x],
        "06c.both": [3, PlaneCode(2, 3)],
        "06d.field": [3],
        "06d.blind": [3, lambda: 3, lambda: nn.Conv2d(1, 1, 3)],
        "06e.grey": [3, _net(nn.Linear(16, 5))],
        "06e.shifts": [3, _net(nn.Linear(16, 16), nn.Linear(16, 5))],
        "06f.logistic": [3, _net(nn.Linear(1, 2)), _net(nn.Linear(196, 5))],
        "06g.train": [3, lambda *a: 1, lambda *a: [np.ones(3), np.ones(3)]],
        "06h.held_out": [3, lambda x, y: "0.5"],
        "06h.head": [3, lambda encoder, x, y: nn.Linear(6, 3)],
        "06i.wearer": [
            3,
            {"net": 3, "tau": 1.0},
            {"net": _net(nn.Linear(66, 66)), "tau": [1.0, 2.0]},
            {"net": _net(nn.Linear(66, 5)), "tau": 1.0},
        ],
        "06j.rounded": [
            3,
            _net(nn.Linear(196, 196)),
            _net(nn.Linear(196, 5), nn.Linear(6, 196)),
            _net(nn.Linear(196, 5), nn.Linear(5, 7)),
        ],
        "06k.ship": [3, b"no file", _onnx_bytes(5, 784), _onnx_bytes(784, 5)],
        "07a.encoder": [3, _net(nn.Linear(2, 3))],
        "07b.train": [3, _net(nn.Linear(196, 5)), NoSample(5), NoSample(196)],
        "07c.coins": [3, _net(nn.Linear(3, 2))],
        "07d.train": [3, _net(nn.Linear(64, 5)), NoSample(5)],
        "07e.ring": [3, Speed(5, 2), Speed(2, 5)],
    }  # fmt: skip


@named(MEASURED)
def test_each_sentence_of_a_measure_is_reached(exercise):
    function = exercise.measure
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse("".join(lines))
    sentences = {
        first - 1 + node.lineno: ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.func.id == "ValueError"
    }
    reached = set()
    for answer in _measured_wrongly()[exercise.name]:
        try:
            function(answer)
        except ValueError as error:
            frames = traceback.extract_tb(error.__traceback__)
            reached |= {frame.lineno for frame in frames if frame.filename == sys.modules[function.__module__].__file__}
            result = exercises.grade(exercise.name, answer)
            assert result.status == "not yet" and result.message == str(error)
    missing = [sentence for line, sentence in sentences.items() if line not in reached]
    assert sentences and not missing


@named(MEASURED)
def test_the_hint_for_a_measured_answer_is_reached(exercise, monkeypatch):
    right = exercises.expected(exercise.name)
    other = {name: 77 for name in right} if isinstance(right, dict) else [77 for part in right]
    measured = Exercise(exercise.name, exercise.wrong, measure=lambda answer: other, hint=exercise.hint)
    monkeypatch.setattr(exercises, "of_lesson", lambda lesson: [measured])
    result = exercises.grade(exercise.name, 1)
    assert result.status == "not yet" and exercise.hint in result.message


@named(COMPARED)
def test_the_hint_for_any_other_wrong_answer_is_reached(exercise):
    answer = "word" if exercise.inputs is None else lambda *arguments: "word"
    assert exercise.hint in exercises.grade(exercise.name, answer).message


# Names and files


@pytest.mark.parametrize(
    ("name", "words"),
    [("01b.nothing", "01b.wave"), ("99z.x", "no exercises"), (3.0, "name first"), ("word", "name first")],
)
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(name, words):
    with pytest.raises(KeyError, match=words):
        exercises.check(name, 1)


def test_check_prints_one_line(lesson_99a, capsys):
    lesson_99a("check('99a.ten', 10)", Exercise("99a.ten", wrong=[Wrong(9, "One more.")]))
    for answer in (10, ..., 9):
        exercises.check("99a.ten", answer)
    lines = ["✓ 99a.ten: right", "○ 99a.ten: not started", "✗ 99a.ten: not yet. One more."]
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize("content", [None, "{damaged", "{}"])
def test_a_missing_or_damaged_record_is_said_to_be_so_with_the_command_that_mends_it(lesson_99a, content):
    file = lesson_99a("check('99a.ten', 10)", Exercise("99a.ten"))
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(FileNotFoundError, match="course run 99a"):
        exercises.check("99a.ten", 10)


def test_students_need_no_tools():
    import subprocess

    code = "import sys, exercises; exercises.grade('01b.wave', max); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tools", "nbformat", "torch", "tensorflow", "keras", "course_lib"} & set(loaded)


# Recording

MEAN = "def mean(x):\n    return half * np.sum(x)\n\ncheck('99a.mean', mean)\nraise SystemExit"
AROUND = ["import numpy as np, math\nhalf = 0.5", "half = np.zeros(3)\ndef unused(): return missing", MEAN]
PAIR = [(np.array([2.0, 4.0]),)]


def test_a_solution_gets_what_it_needs_of_the_lesson_and_no_cell_is_run(lesson_99a):
    file = lesson_99a(
        AROUND,
        Exercise(
            "99a.mean",
            inputs=PAIR,
            wrong=[
                Edit("half *", "1 *", "That is the sum."),
                Changed(lambda solution, x: -solution(x), "The sign."),
                Wrong(np.prod, "Add, do not multiply."),
            ],
        ),
    )
    kept = json.loads(file.read_text(encoding="utf-8"))["99a.mean"]
    assert kept["right"] == [3.0] and [wrong["values"] for wrong in kept["wrong"]] == [[6.0], [-3.0], [8.0]]
    assert exercises.grade("99a.mean", np.mean).status == "right"
    assert "The sign." in exercises.grade("99a.mean", lambda x: -3).message


def test_what_follows_the_answer_may_use_what_other_cells_compute(lesson_99a):
    around = ["grid = list(range(3))", "def stretched(x, step=grid[1]):\n    return x * step"]
    file = lesson_99a([*around, "check('99a.ten', 10)\nstretched(2)"], Exercise("99a.ten"))
    assert json.loads(file.read_text(encoding="utf-8"))["99a.ten"]["right"] == 10


@pytest.mark.parametrize(
    ("cells", "exercise", "words"),
    [
        (AROUND, Exercise("99a.mean", [Edit("average", "sum", "x")], PAIR), "'average' stands 0 times"),
        (AROUND, Exercise("99a.mean", [Edit("mean", "sum", "x")], PAIR), "stands 3 times"),
        (AROUND, Exercise("99a.mean", [Edit("np.sum(x)", "x.sum()", "Sum.")], PAIR), "'Sum.' is right"),
        (AROUND, Exercise("99a.mean", [Wrong(np.mean, "Mean.")], PAIR), "'Mean.' is right"),
        (AROUND, Exercise("99a.mean", [Wrong(np.sum, "A."), Wrong(sum, "B.")], PAIR), "'A.', which hides it"),
        (AROUND, Exercise("99a.mean", [Wrong(lambda x: np.nan, "A.")], PAIR), "NaN, infinity"),
        (AROUND, Exercise("99a.mean", [Wrong(lambda x: 1 / 0, "A.")], PAIR), "'A.' cannot be recorded: ZeroDivision"),
        (AROUND, Exercise("99a.mean", [Edit("half", "whole", "A.")], PAIR), "'A.' cannot be recorded: NameError"),
        (AROUND, Exercise("99a.other"), "no cell tagged 'solution' calls check"),
        ("check('99a.ten', 1 / 0)", Exercise("99a.ten"), "the solution raised ZeroDivisionError"),
        ("if False: check('99a.ten', 10)", Exercise("99a.ten"), "does not reach check"),
        ("check('99a.ten', 10)", Exercise("99a.ten", [Wrong(9, "One less than 10.")]), "holds the answer"),
        ("check('99a.ten', 10)", Exercise("99a.ten", hint="It is 10, not 9"), "holds the answer"),
        ("check('99a.ten', 'tanh')", Exercise("99a.ten", hint="What about Tanh?"), "holds the answer"),
        ("check('99a.ten', [2, 0.5])", Exercise("99a.ten", hint="Halve: 2, then 0.5."), "holds the answer"),
        ("x = keep()\ncheck('99a.ten', x)", Exercise("99a.ten"), "name 'keep' is not defined.*not what other cells"),
    ],
)  # fmt: skip
def test_a_record_that_would_mislead_is_refused_in_words(lesson_99a, cells, exercise, words):
    file = lesson_99a("check('99a.old', 1)", Exercise("99a.old"))
    before = file.read_text()
    with pytest.raises(ValueError, match=f"99a.*{words}"):
        lesson_99a(cells, exercise)
    assert file.read_text() == before and [path.name for path in file.parent.glob("*.json")] == ["99a.json"]


def test_a_hint_may_name_numbers_that_are_not_the_answer(lesson_99a):
    lesson_99a(
        ["check('99a.ten', 10)", "check('99a.two', [2, 0.5])"],
        Exercise("99a.ten", hint="2**10 = 1024, 110 and 10.5 are too many; see x_10 and 2^10."),
        Exercise("99a.two", hint="Begin with 2."),
    )


def test_the_same_record_is_not_written_again(lesson_99a):
    file = lesson_99a("check('99a.ten', 10)", Exercise("99a.ten"))
    before = file.stat().st_mtime_ns, file.stat().st_ino
    lesson_99a("check('99a.ten', 10)", Exercise("99a.ten"))
    assert before == (file.stat().st_mtime_ns, file.stat().st_ino)


def test_it_is_known_whether_a_record_is_made_of_what_stands_there_now(lesson_99a):
    cells = ["import numpy as np\nhalf = 0.5", "other = 1", MEAN]
    file = lesson_99a(cells, Exercise("99a.mean", inputs=PAIR))

    def known(*cells):
        path = lesson_99a(list(cells), Exercise("99a.mean", inputs=PAIR), recorded=False)
        return record.is_recorded(Lesson(path), file)

    assert known(*cells) and known(cells[0], "other = 2  # not needed", MEAN) and known(cells[0], MEAN + "  # so")
    assert not known(cells[0].replace("0.5", "0.25"), MEAN) and not known(cells[0], MEAN.replace("sum", "mean"))
    for content in ("{damaged", "{}", "[]"):
        file.write_text(content)
        assert not known(*cells)
    file.unlink()
    assert not known(*cells)


def test_an_interrupted_recording_leaves_the_old_file(lesson_99a, monkeypatch):
    file = lesson_99a("check('99a.ten', 10)", Exercise("99a.ten"))
    before = file.read_text()

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lesson_99a("check('99a.ten', 11)", Exercise("99a.ten"))
    assert file.read_text() == before and len(list(file.parent.glob("*.json"))) + len(list(file.parent.glob(".*"))) == 1


def test_a_lesson_without_exercises_is_not_recorded(tmp_path):
    path = tmp_path / "98z_nothing.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    assert record.record(path, tmp_path) is None and not list(tmp_path.glob("*.json"))


def test_what_is_recorded_comes_back():
    for value in (
        3,
        2.5,
        True,
        "tanh",
        [1.0, 2.0],
        [[1, 2, 3]],
        np.zeros((0, 3)),
        {"a": [True, False], "b": "x"},
        [[1], [1, 2]],
    ):
        there = exercises.plain(value)
        back = exercises.values.decoded(json.loads(json.dumps(exercises.values.encoded(there))))
        assert (
            exercises.values.difference(back, there, 0, 0) is None
            and exercises.values.difference(there, back, 0, 0) is None
        )
