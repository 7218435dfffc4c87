"""Windows, split, scaler and batches: the laws that they obey and the input that they refuse."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib import data
from course_lib.data import Batches, Scaler, windows

quick = settings(max_examples=60, deadline=None)
sizes = st.integers(1, 12)


# --- windows -----------------------------------------------------------------------------------


@quick
@given(n=st.integers(2, 60), features=st.integers(0, 3), length=sizes, horizon=sizes, stride=sizes)
def test_windows_are_the_slices_of_the_series_and_none_is_missing(n, features, length, horizon, stride):
    shape = (n, features) if features else (n,)
    series = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    if n < length + horizon:
        with pytest.raises(ValueError, match="Give a longer series or a shorter window"):
            windows(series, length, horizon, stride)
        return
    inputs, targets = windows(series, length, horizon, stride)
    table = series.reshape(n, -1)
    starts = range(0, n - length - horizon + 1, stride)
    assert inputs.shape == (len(starts), length, table.shape[1])
    assert targets.shape == (len(starts), horizon, table.shape[1])
    assert inputs.dtype == targets.dtype == np.float32
    for i, start in enumerate(starts):
        middle = start + length
        assert np.array_equal(inputs[i], table[start:middle])
        assert np.array_equal(targets[i], table[middle : middle + horizon])


def test_windows_are_views_that_cannot_be_written():
    series = np.arange(1000.0)
    inputs, targets = windows(series, 20)
    assert np.shares_memory(inputs, series)
    assert np.shares_memory(targets, series)
    with pytest.raises(ValueError, match="read-only"):
        inputs[0, 0] = 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.arange(5.0), 5), "has 5 values; a window of 5 and a target of 1 need 6"),
        ((np.arange(5.0), 0), "length is 0; give a whole number of 1 or more"),
        ((np.arange(5.0), 2.0), "length is 2.0; give a whole number"),
        ((np.arange(5.0), 2, -1), "horizon is -1"),
        ((np.arange(5.0), 2, 1, 0), "stride is 0"),
        ((np.zeros((9, 2, 2)), 2), r"shape \(9, 2, 2\); give an array of shape \(n,\) or"),
        ((3.0, 2), r"shape \(\); give an array"),
        (([1, 2, np.nan, 4, np.inf], 2), "2 NaN or infinite value.*first at index 2.*Fill or cut"),
        ((["a", "b", "c"], 1), "entries; give numbers"),
        (([[1, 2], [3]], 1), "rows of different length"),
        ((data.sine(50), 5), "is a whole Series; give its numbers: series.values"),
    ],
)
def test_windows_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        windows(*arguments)


# --- scaler ------------------------------------------------------------------------------------

tables = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=8),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda v: round(v, 3)),
)


@quick
@given(x=tables, kind=st.sampled_from(["standard", "minmax"]))
def test_scaler_there_and_back_is_identity(x, kind):
    scaler = Scaler.fit(x, kind)
    there = scaler.transform(x)
    assert (there.shape, there.dtype) == (x.shape, x.dtype)
    assert np.allclose(scaler.inverse(there), x, rtol=1e-12, atol=1e-9)
    if kind == "minmax":
        assert there.min() >= 0
        assert there.max() <= 1


def test_scaler_standardises_each_feature_by_the_training_part():
    rng = np.random.default_rng(0)
    x = rng.normal([5, -100, 0.1], [1, 20, 0.01], size=(500, 3))
    scaler = Scaler.fit(x[:400])
    assert scaler.offset == pytest.approx(x[:400].mean(axis=0))
    assert scaler.scale == pytest.approx(x[:400].std(axis=0))
    inside, outside = scaler.transform(x[:400]), scaler.transform(x[400:])
    assert inside.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert inside.std(axis=0) == pytest.approx(1)
    assert np.abs(outside.mean(axis=0)).max() > 1e-3  # not fitted on these


def test_scaler_takes_windows_of_the_series_it_was_fitted_on():
    series = np.arange(40, dtype=np.float32)
    scaler = Scaler.fit(series, kind="minmax")
    inputs, _ = windows(series, 5)
    scaled = scaler.transform(inputs)
    assert (scaled.shape, scaled.dtype) == (inputs.shape, np.float32)
    assert np.array_equal(scaled, windows(scaler.transform(series), 5)[0])


@pytest.mark.parametrize("kind", ["standard", "minmax"])
def test_constant_feature_becomes_zero_and_comes_back(kind):
    x = np.stack([np.full(7, 0.1), np.arange(7.0)], axis=1)  # the mean of seven times 0.1 is not 0.1
    scaler = Scaler.fit(x, kind)
    assert (scaler.transform(x)[:, 0] == 0).all()
    assert scaler.transform([[1.1, 0.0]])[0, 0] == pytest.approx(1.0)
    assert (scaler.inverse(scaler.transform(x))[:, 0] == 0.1).all()


def test_scaler_inverse_lets_the_nan_of_a_failed_model_through():
    scaler = Scaler.fit(np.arange(5.0))
    assert np.isnan(scaler.inverse(np.array([np.nan, 1.0]))).tolist() == [True, False]


def test_integers_are_scaled_as_float64():
    assert Scaler.fit(np.arange(5)).transform(np.arange(5)).dtype == np.float64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Scaler.fit([1, np.nan]), "train holds 1 NaN or infinite value.*index 1"),
        (lambda: Scaler.fit(np.zeros((0, 2))), "train is empty"),
        (lambda: Scaler.fit(3.0), r"train has the shape \(\)"),
        (lambda: Scaler.fit([1, 2], kind="robust"), "kind is 'robust'; use \"standard\" or"),
        (lambda: Scaler.fit([1, 2]).transform([np.inf]), "x holds 1 NaN or infinite"),
        (lambda: Scaler.fit([1, 2]).transform(np.zeros((4, 2))), r"\(4, 2\); .* fitted on 1 feat"),
        (lambda: Scaler.fit(np.zeros((4, 2))).inverse(np.zeros(2)), "fitted on 2 features"),
        (lambda: Scaler.fit(data.sine(9)), "train.values"),
    ],
)
def test_scaler_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- batches -----------------------------------------------------------------------------------


@quick
@given(
    n=st.integers(1, 200),
    share=st.floats(0, 1),
    seed=st.integers(0, 10),
    epoch=st.integers(0, 5),
)
def test_every_epoch_is_a_permutation_cut_into_batches(n, share, seed, epoch):
    size = max(1, round(share * n))
    x = np.arange(n) * 10
    batches = Batches(x, x + 1, batch_size=size, seed=seed)
    order = batches.order(epoch)
    assert sorted(order) == list(range(n))
    indices = list(batches.indices(epoch))
    assert len(indices) == len(batches)
    assert all(len(index) == size for index in indices[:-1])
    joined = np.concatenate(indices)
    assert joined.dtype == np.int64
    assert np.array_equal(joined, order)
    for index, (a, b) in zip(indices, batches.epoch(epoch), strict=True):
        assert np.array_equal(a, x[index])
        assert np.array_equal(b, a + 1)
    again = Batches(x, batch_size=1, seed=seed)
    assert np.array_equal(again.order(epoch), order)


def test_order_depends_on_seed_and_epoch_and_on_nothing_else():
    x = np.arange(100)
    one, two = Batches(x, batch_size=10, seed=3), Batches(x, batch_size=7, seed=3)
    later = one.order(5)
    np.random.default_rng(0).random(10)
    assert np.array_equal(one.order(0), two.order(0))
    assert np.array_equal(two.order(5), later)  # epochs may be asked for in any order
    assert not np.array_equal(one.order(0), one.order(1))
    assert not np.array_equal(one.order(0), Batches(x, batch_size=10, seed=4).order(0))
    # (seed 0, epoch 1) and (seed 1, epoch 0) are different orders
    swapped = Batches(x, batch_size=5, seed=0).order(1), Batches(x, batch_size=5, seed=1).order(0)
    assert not np.array_equal(*swapped)


def test_data_are_not_copied():
    x, y = np.zeros((50, 4), np.float32), np.zeros(50, np.int64)
    batches = Batches(x, y, batch_size=8)
    assert batches.arrays[0] is x
    assert batches.arrays[1] is y
    order_of = {id(index.base) for index in batches.indices(0)}
    assert len(order_of) == 1  # all are views of one order


@pytest.mark.parametrize("kind", [">f4", "<f4", ">i8", ">U3"])
def test_numbers_of_another_byte_order_arrive_as_the_same_numbers(kind):
    x = np.array([1, 2, 3, 400]).astype(kind)
    batches = Batches(x, x, batch_size=4)
    assert batches.arrays[0].dtype.isnative
    assert batches.arrays[0].tolist() == x.tolist()
    assert batches.arrays[0] is batches.arrays[1]  # training holds an autoencoder's target once


def test_preparation_brings_numbers_into_the_byte_order_of_the_machine():
    x = np.arange(20).astype(">f4")
    assert windows(x, 3)[0].dtype == np.dtype("f4")
    scaled = Scaler.fit(x).transform(x)
    assert (scaled.dtype, scaled.tolist()) == (
        np.dtype("f4"),
        Scaler.fit(x).transform(np.arange(20.0, dtype="f4")).tolist(),
    )
    assert Scaler.fit(x).inverse(scaled.astype(">f4")).dtype == np.dtype("f4")


def test_changed_data_are_seen_by_the_next_batch():
    x = np.zeros(4)
    batches = Batches(x, batch_size=4)
    x[:] = 7
    assert batches.first()[0][0].tolist() == [7, 7, 7, 7]


def test_first_goes_on_into_the_next_epochs():
    x = np.arange(10)
    batches = Batches(x, batch_size=4, seed=1)
    assert (len(batches), batches.n, batches.batch_size) == (3, 10, 4)
    expected = itertools.chain(batches.epoch(0), batches.epoch(1), batches.epoch(2))
    for found, wanted in zip(batches.first(8), expected, strict=False):
        assert np.array_equal(found[0], wanted[0])
    assert len(batches.first(8)) == 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Batches(batch_size=2), "Give at least one array"),
        (lambda: Batches(np.float32(1), batch_size=1), "Array 0 is a single number"),
        (lambda: Batches([1, 2], [1, 2, 3], batch_size=1), "have 2, 3 examples.*as many in each"),
        (lambda: Batches([], batch_size=1), "are empty; give at least one example"),
        (lambda: Batches([1, 2], batch_size=3), "batch_size is 3, but there are 2 examples; use"),
        (lambda: Batches([1, 2], batch_size=0), "batch_size is 0; give a whole number of 1"),
        (lambda: Batches([1, 2], batch_size=1.0), "batch_size is 1.0; give a whole number"),
        (lambda: Batches([1, 2], batch_size=1, seed=-1), "seed is -1; give a whole number of 0"),
        (lambda: Batches([1, 2], batch_size=1).order(-1), "epoch is -1"),
        (lambda: Batches([1, 2], batch_size=1).first(0), "k is 0"),
    ],
)
def test_batches_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()
