"""Parts that share no row, and a test part that nothing reads before the lesson opens it."""

import linecache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import data
from course_lib.data import Batches, Scaler, SealedError, seal, split

quick = settings(max_examples=80, deadline=None)


@pytest.fixture
def sealed():
    return seal(np.arange(12.0, dtype="float32").reshape(6, 2), np.arange(6))


def cell(source, name, **names):
    """Run a text as a notebook's cell is run: with a file name of its own, from which its text can be had."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), names)
    return names


# --- sealed ------------------------------------------------------------------------------------

READERS = {
    "np.asarray": np.asarray,
    "np.array with a type": lambda s: np.array(s, dtype="float32"),
    "np.mean": np.mean,
    "an index": lambda s: s[0],
    "a slice": lambda s: s[:2],
    "a mask": lambda s: s[np.ones(6, bool)],
    "a loop": lambda s: [row for row in s],
    "list": list,
    "unpacking": lambda s: dict(zip("xy", s)),
    "in": lambda s: 1.0 in s,
    "a method of arrays": lambda s: s.mean(axis=0),
    "arithmetic": lambda s: np.zeros((6, 2)) + s,
    "comparison": lambda s: np.zeros((6, 2)) < s,
    "Batches": lambda s: Batches(s, batch_size=2),
    "Batches beside an array": lambda s: Batches(np.zeros(6), s, batch_size=2),
    "Scaler.fit": Scaler.fit,
    "windows": lambda s: data.windows(s, 2),
    "split": lambda s: split(s, validation=0, test=2),
    "seal": seal,
    "a comparison with a sealed part": lambda s: seal(np.ones((3, 2)), apart_from=s),
}


@pytest.mark.parametrize("reader", READERS)
def test_nothing_reads_a_sealed_part(reader, sealed):
    with pytest.raises(SealedError, match=r"(?s)sealed.*Choose on the validation part.*\.open\(\) once"):
        READERS[reader](sealed)


def test_frameworks_cannot_read_a_sealed_part(sealed):
    import keras
    import tensorflow as tf
    import torch

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    readers = [
        torch.as_tensor,
        torch.tensor,
        torch.from_dlpack,
        tf.convert_to_tensor,
        tf.constant,
        lambda s: tf.zeros((6, 2)) + s,
        tf.data.Dataset.from_tensor_slices,
        keras.ops.convert_to_tensor,
        keras.ops.mean,
        model,
        lambda s: model.predict(s, verbose=0),
        lambda s: model.fit(s, np.zeros(6), verbose=0),
        lambda s: model.fit(np.zeros((6, 2)), np.zeros((6, 1)), validation_data=(s, s), verbose=0),
    ]
    for read in readers:
        with pytest.raises(SealedError):
            read(sealed)
    for read in (torch.nn.Linear(2, 1), lambda s: torch.zeros(6, 2) + s):  # PyTorch's own word for "no tensor"
        with pytest.raises(TypeError):
            read(sealed)


def test_size_of_a_sealed_part_is_no_secret(sealed):
    assert (len(sealed), sealed.shape, repr(sealed)) == (6, (6, 2), "Sealed((6, 2), (6,))")
    assert not hasattr(sealed, "__array_interface__")


def test_open_gives_the_arrays(sealed):
    x, y = sealed.open()
    assert x.tolist() == np.arange(12.0).reshape(6, 2).tolist()
    assert y.tolist() == list(range(6))


def test_the_same_cell_may_open_again_and_another_cell_may_not(sealed):
    source = "x, y = sealed.open()\nscore = y.sum()\n"
    assert cell(source, "cell-1", sealed=sealed)["score"] == 15
    cell(source, "cell-1", sealed=sealed)
    cell(source, "cell-7", sealed=sealed)  # IPython outside a notebook counts its cells: same text, another name
    with pytest.raises(SealedError, match="opened by another cell.*use what that cell measured"):
        cell("best = max(sealed.open()[1])\n", "cell-2", sealed=sealed)
    with pytest.raises(SealedError):
        sealed.open()
    cell(source, "cell-1", sealed=sealed)  # a refused call changes nothing


def test_cells_whose_text_is_unknown_are_told_apart_by_their_name(sealed):
    code = "sealed.open()"
    exec(compile(code, "<one>", "exec"), {"sealed": sealed})
    exec(compile(code, "<one>", "exec"), {"sealed": sealed})
    with pytest.raises(SealedError):
        exec(compile(code, "<two>", "exec"), {"sealed": sealed})


def test_a_new_split_can_be_opened_anew():
    for name in ("first run", "second run"):
        parts = split(np.arange(20), validation=2, test=3)
        assert len(cell("(x,) = part.open()\n" + f"# {name}\n", name, part=parts.test)["x"]) == 3


def test_seal_refuses_rows_that_were_trained_on():
    x = np.arange(20.0).reshape(10, 2)
    assert len(seal(x[8:], x[8:, 0], apart_from=x[:8])) == 2
    for kind in ("f8", "f4", ">f8", "i8"):
        with pytest.raises(ValueError, match=r"2 of the rows stand in two parts, for example row 0 \(.* part: row 7\)"):
            seal(x[7:], apart_from=x[:9].astype(kind))
    with pytest.raises(ValueError, match=r"rows of shape \(\), the test part of \(2,\)"):
        seal(x[8:], apart_from=x[:8, 0])
    with pytest.raises(ValueError, match="2, 3 examples"):
        seal(x[:2], x[:3])


# --- split -------------------------------------------------------------------------------------


@quick
@given(
    n=st.integers(10, 80),
    validation=st.sampled_from([0, 0.0, 0.2, 2]),
    test=st.sampled_from([0.1, 0.3, 3]),
    seed=st.integers(0, 5),
    shuffle=st.booleans(),
)
def test_every_row_is_in_exactly_one_part_with_its_partner(n, validation, test, seed, shuffle):
    x = np.arange(2 * n).reshape(n, 2)
    parts = split(x, x[:, 0] // 2, validation=validation, test=test, seed=seed, shuffle=shuffle)
    opened = parts.test.open()
    held = [part[0][:, 0] // 2 for part in (parts.train, parts.validation, opened)]
    assert sorted(np.concatenate(held)) == list(range(n))
    for (a, b), rows in zip((parts.train, parts.validation, opened), held, strict=True):
        assert np.array_equal(b, rows)
        assert np.array_equal(a, x[rows])
    sizes = [validation if isinstance(validation, int) else round(validation * n)]
    sizes += [test if isinstance(test, int) else round(test * n)]
    assert [len(rows) for rows in held[1:]] == sizes
    if not shuffle:
        assert np.concatenate(held).tolist() == list(range(n))
    again = split(x, validation=validation, test=test, seed=seed, shuffle=shuffle)
    assert np.array_equal(again.train[0], parts.train[0])


@quick
@given(groups=st.lists(st.integers(0, 8), min_size=30, max_size=60), seed=st.integers(0, 5))
def test_a_group_stays_in_one_part(groups, seed):
    names = np.array([f"patient {g}" for g in groups])
    x = np.arange(len(names))
    try:
        parts = split(x, names, validation=0.2, test=0.2, seed=seed, groups=names)
    except ValueError as error:
        assert "one is empty" in str(error)  # few groups, or one that holds nearly all rows
        return
    held = [parts.train, parts.validation, parts.test.open()]
    assert sorted(np.concatenate([part[0] for part in held])) == x.tolist()
    kinds = [set(part[1].tolist()) for part in held]
    assert not kinds[0] & kinds[1] and not kinds[0] & kinds[2] and not kinds[1] & kinds[2]
    largest = max(np.bincount(groups))
    assert abs(len(held[2][0]) - 0.2 * len(x)) <= largest / 2 + 1


def test_another_seed_draws_other_rows():
    x = np.arange(100)
    first, other = (split(x, validation=10, test=10, seed=seed).train[0] for seed in (0, 1))
    assert set(first) != set(other)


def test_shared_rows_are_refused_by_number_and_example():
    x = np.arange(20.0)
    x[18] = x[3]
    with pytest.raises(
        ValueError, match=r"1 of the rows .* row 18 \(in an earlier part: row 3\).*leave the repeated.*groups="
    ):
        split(x, validation=2, test=3, shuffle=False)
    x[18], x[0], x[19] = 18, 0.0, -0.0
    with pytest.raises(ValueError, match="row 19 .in an earlier part: row 0"):
        split(x, validation=2, test=3, shuffle=False)
    with pytest.raises(ValueError, match="stand in two parts"):
        split(np.arange(20), validation=2, test=3, shuffle=False, groups=np.arange(20) % 4)
    words = np.array(["anna", "otto", "eva", "jan", "anna"])
    with pytest.raises(ValueError, match="row 4 .in an earlier part: row 0"):
        split(words, validation=1, test=1, shuffle=False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: split(x, validation=0.5, test=0.5), "parts of 0, 10, 10: one is empty"),
        (lambda x: split(x, validation=0.1, test=0), "one is empty"),
        (lambda x: split(x, validation=0.01, test=0.2), "parts of 16, 0, 4: one is empty"),
        (lambda x: split(x, validation=-1, test=2), "validation is -1; give a whole number of 0"),
        (lambda x: split(x, validation=0, test=1.5), "test is 1.5"),
        (lambda x: split(x, validation=0, test=float("nan")), "test is nan"),
        (lambda x: split(x, validation=0, test=30), "one is empty"),
        (lambda x: split(x, x[:3], validation=2, test=2), "20, 3 examples"),
        (lambda x: split(x, validation=2, test=2, groups=[1, 2]), "20, 2 examples"),
        (lambda x: split(x.astype(object), validation=2, test=2), "Python objects, whose rows cannot be compared"),
        (lambda x: split(x, validation=2, test=2, seed=-1), "seed is -1"),
        (lambda x: split(validation=2, test=2), "at least one array"),
    ],
)
def test_split_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.arange(20))


def test_helpers_have_no_default_data_and_the_sizes_must_be_said():
    with pytest.raises(TypeError, match="validation"):
        split(np.arange(9), test=2)
    with pytest.raises(TypeError, match="test"):
        split(np.arange(9), validation=2)
