"""parity: weights go both ways and change nothing, and what cannot be equal is refused by name."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers as kl
from torch import nn

from course_lib import parity
from course_lib.parity import ParityError

SMALL = st.integers(1, 5)
few = settings(max_examples=2, deadline=None, derandomize=True)
KERAS_NAME = {"RNN": "SimpleRNN", "LSTM": "LSTM", "GRU": "GRU"}


@pytest.fixture(autouse=True)
def _same_start():
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)


def normal(*shape, dtype="float32"):
    return np.random.default_rng(1).normal(size=shape).astype(dtype)


def built(*layers, shape=(4, 3)):
    return keras.Sequential([keras.Input(shape), *layers])


def numbers(model):
    weights = model.state_dict().values() if isinstance(model, nn.Module) else model.weights
    return [w.numpy().copy() for w in weights]


def assert_same(before, after):
    assert len(before) == len(after)
    for a, b in zip(before, after):
        np.testing.assert_array_equal(a, b)


def randomize(module):
    """Give normalisations values that are not all 0 or 1, so that a mistake would show."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            m.running_mean.uniform_(-1, 1)
            m.running_var.uniform_(0.5, 2)
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias)


def assert_pair(mine, theirs, x, y=None, extra=None):
    """Copy there and back is the identity; outputs and gradients are equal after either copy."""
    randomize(mine)
    if not theirs.built:
        theirs(x)
    assert parity.copy_weights(mine, theirs, extra=extra) == sum(w.size for w in numbers(theirs))
    y = parity.outputs(mine, theirs, x)["PyTorch"] + 1 if y is None else y
    loss = keras.losses.MeanSquaredError(dtype=theirs.weights[0].dtype)
    parity.prove(mine, theirs, [(x, y)], torch_loss=nn.MSELoss(), keras_loss=loss, extra=extra)

    there = numbers(theirs)
    parity.copy_weights(theirs, mine, extra=extra)
    parity.prove(mine, theirs, [(x, y)])
    for w in theirs.weights:
        w.assign(np.zeros(w.shape))
    parity.copy_weights(mine, theirs, extra=extra)
    assert_same(there, numbers(theirs))
    back = numbers(mine)
    parity.copy_weights(theirs, mine, extra=extra)
    assert_same(back, numbers(mine))


def torch_rnn(kind, *sizes, dtype="float32", **how):
    return getattr(nn, kind)(*sizes, batch_first=True, dtype=getattr(torch, dtype), **how)


def keras_rnn(kind, *sizes, sequences=True, dtype="float32", **how):
    return getattr(kl, KERAS_NAME[kind])(*sizes, return_sequences=sequences, dtype=dtype, **how)


def batch_norm():
    return kl.BatchNormalization(momentum=0.9, epsilon=1e-5)


# --- every layer, both ways ----------------------------------------------------------------------


@few
@given(SMALL, SMALL, st.booleans(), st.sampled_from(["float32", "float64"]))
def test_dense(inputs, units, bias, dtype):
    mine = nn.Linear(inputs, units, bias, dtype=getattr(torch, dtype))
    assert_pair(mine, kl.Dense(units, use_bias=bias, dtype=dtype), normal(7, inputs, dtype=dtype))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@settings(max_examples=2, deadline=None, derandomize=True)
@given(SMALL, st.integers(2, 5), st.booleans(), st.sampled_from(["float32", "float64"]))
def test_recurrent(kind, inputs, units, bias, dtype):
    mine = torch_rnn(kind, inputs, units, bias=bias, dtype=dtype)
    theirs = keras_rnn(kind, units, use_bias=bias, dtype=dtype)
    assert_pair(mine, theirs, normal(4, 3, inputs, dtype=dtype))


def test_stacked_in_both_directions():
    mine = torch_rnn("LSTM", 2, 3, num_layers=2, bidirectional=True)
    assert_pair(mine, built(*(kl.Bidirectional(keras_rnn("LSTM", 3)) for _ in range(2)), shape=(3, 2)), normal(4, 3, 2))


def test_relu_rnn():
    mine = torch_rnn("RNN", 2, 3, nonlinearity="relu")
    assert_pair(mine, kl.SimpleRNN(3, "relu", return_sequences=True), normal(4, 3, 2))


@few
@given(SMALL, SMALL, st.integers(1, 3), st.integers(1, 3))
def test_convolutions(channels, filters, kernel, stride):
    x = normal(2, channels, 6, 6)
    theirs = built(kl.Conv2D(filters, kernel, stride), shape=(6, 6, channels))
    assert_pair(nn.Conv2d(channels, filters, kernel, stride), theirs, x)
    theirs = built(kl.Conv2DTranspose(filters, kernel, stride), shape=(6, 6, channels))
    more = max(stride - kernel, 0)
    assert_pair(nn.ConvTranspose2d(channels, filters, kernel, stride, output_padding=more), theirs, x)


@pytest.mark.parametrize("size, kernel, stride, padding", [(7, 3, 2, 1), (6, 4, 2, 1), (5, 3, 1, 1), (5, 3, 1, "same")])
def test_same_padding_where_it_is_the_same(size, kernel, stride, padding):
    theirs = built(kl.Conv2D(2, kernel, stride, padding="same"), shape=(size, size, 1))
    assert_pair(nn.Conv2d(1, 2, kernel, stride, padding), theirs, normal(2, 1, size, size))


def test_normalisation_and_embedding():
    assert_pair(nn.BatchNorm1d(3), batch_norm(), normal(9, 3))
    assert_pair(nn.Embedding(7, 3), kl.Embedding(7, 3), np.random.default_rng(0).integers(0, 7, (4, 5)))


# --- whole models --------------------------------------------------------------------------------


def test_autoencoder_with_flattened_images():
    mine = nn.Sequential(
        *[nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3, 2, 1), nn.Flatten()],
        *[nn.Linear(24, 5), nn.Tanh(), nn.Linear(5, 24), nn.ReLU(), nn.Unflatten(1, (6, 2, 2))],
        *[nn.ConvTranspose2d(6, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1)],
    )
    down = [
        kl.ZeroPadding2D(1),
        kl.Conv2D(4, 3, 2, use_bias=False),
        batch_norm(),
        kl.ReLU(),
        kl.ZeroPadding2D(1),
        kl.Conv2D(6, 3, 2),
    ]
    code = [kl.Flatten(), kl.Dense(5, "tanh"), kl.Dense(24), kl.ReLU(), kl.Reshape((2, 2, 6))]
    up = [kl.Conv2DTranspose(4, 4, 2, padding="same"), kl.ReLU(), kl.Conv2DTranspose(3, 3, 2)]
    theirs = built(*down, *code, *up, kl.Cropping2D(((1, 0), (1, 0))), shape=(8, 8, 3))
    assert_pair(mine, theirs, normal(32, 3, 8, 8))


class TwoHeads(nn.Module):
    """A variational encoder: two dense layers start from the same flattened image."""

    def __init__(self):
        super().__init__()
        self.conv, self.mu, self.log_var = nn.Conv2d(1, 4, 3, padding="same"), nn.Linear(36, 3), nn.Linear(36, 3)

    def forward(self, x):
        h = self.conv(x).relu().flatten(1)
        return self.mu(h), self.log_var(h)


def test_two_heads_on_one_flattened_image():
    x = keras.Input((3, 3, 1))
    h = kl.Flatten()(kl.Conv2D(4, 3, padding="same", activation="relu")(x))
    mine, theirs = TwoHeads(), keras.Model(x, [kl.Dense(3)(h), kl.Dense(3)(h)])
    parity.copy_weights(mine, theirs)
    found = parity.outputs(mine, theirs, normal(4, 1, 3, 3))
    assert set(found["PyTorch"]) == set(found["Keras"]) == {"0", "1"}
    parity.compare(outputs=found)


class TwoHeadsKeras(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = kl.Conv2D(4, 3, padding="same", activation="relu")
        self.mu, self.log_var = kl.Dense(3), kl.Dense(3)

    def call(self, x):
        h = keras.ops.reshape(self.conv(x), (-1, 36))
        return self.mu(h), self.log_var(h)


def test_an_image_that_is_flattened_unseen_is_found_and_explained():
    mine, theirs, x = TwoHeads(), TwoHeadsKeras(), normal(4, 1, 3, 3)
    with pytest.raises(ParityError, match="build the model first"):
        parity.copy_weights(mine, theirs)
    theirs(np.zeros((1, 3, 3, 1), "float32"))
    parity.copy_weights(mine, theirs)
    with pytest.raises(ParityError, match="outputs '0' .* by keras.layers.Flatten"):
        parity.prove(mine, theirs, [(x,)])


class FunctionalVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.h, self.mu, self.log_var, self.dec = nn.Linear(6, 8), nn.Linear(8, 2), nn.Linear(8, 2), nn.Linear(2, 6)

    def forward(self, x):
        h = self.h(x).relu()
        return self.dec(self.mu(h)), self.mu(h), self.log_var(h)


@pytest.mark.parametrize("names", [("h", "mu", "log_var", "dec"), (None, "mu", "logvar", None)])
def test_heads_that_keras_lists_in_another_order_are_paired_by_name(names):
    h_name, mu_name, log_var_name, dec_name = names
    x = keras.Input((6,))
    h = kl.Dense(8, "relu", name=h_name)(x)
    mu, log_var = kl.Dense(2, name=mu_name)(h), kl.Dense(2, name=log_var_name)(h)
    z = mu + keras.ops.exp(0.5 * log_var) * 0
    mine, theirs = FunctionalVAE(), keras.Model(x, [kl.Dense(6, name=dec_name)(z), mu, log_var])
    order = [layer.name for layer in theirs.layers if isinstance(layer, kl.Dense)]
    assert order.index(log_var_name) < order.index("mu")  # otherwise this test shows nothing
    parity.copy_weights(mine, theirs)
    parity.prove(mine, theirs, [(normal(5, 6),)])


def test_names_that_keras_gives_by_itself_do_not_pair():
    mine = nn.ModuleDict({"dense_1": nn.Linear(3, 3), "dense": nn.Linear(3, 3)})
    theirs = built(kl.Dense(3, name="dense"), kl.Dense(3, name="dense_1"), shape=(3,))
    parity.copy_weights(mine, theirs)
    assert_same([theirs.layers[0].kernel.numpy().T], [mine["dense_1"].weight.detach().numpy()])


class OwnLayer(kl.Layer):
    """A layer of one's own that holds others, in an attribute and in a list."""

    def __init__(self):
        super().__init__()
        self.first, self.more = kl.Dense(4), [kl.Dense(3)]

    def call(self, x):
        return self.more[0](self.first(x))


def test_layers_inside_a_layer_of_ones_own():
    assert_pair(nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 3)), OwnLayer(), normal(5, 2))


class LearnedStart(nn.Module):
    def __init__(self):
        super().__init__()
        self.start, self.fc = nn.Parameter(torch.randn(3)), nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x + self.start)


class LearnedStartKeras(keras.Model):
    def __init__(self):
        super().__init__()
        self.start, self.fc = self.add_weight(shape=(3,), name="start"), kl.Dense(2)

    def call(self, x):
        return self.fc(x + self.start)


def test_weights_outside_layers_are_named_by_hand():
    mine, theirs = LearnedStart(), LearnedStartKeras()
    theirs(normal(4, 3))
    with pytest.raises(ParityError, match="'start' .* is in no layer .* extra="):
        parity.copy_weights(mine, theirs)
    with pytest.raises(ParityError, match="no parameter 'begin'"):
        parity.copy_weights(mine, theirs, extra={"begin": theirs.start})
    assert_pair(mine, theirs, normal(4, 3), extra={"start": theirs.start})


# --- what is refused, by name, and leaves the target alone ---------------------------------------


def conv(*how, size=6, **settings):
    return lambda: built(kl.Conv2D(*how, **settings), shape=(size, size, 1))


def norm(**settings):
    return lambda: built(kl.BatchNormalization(**settings), shape=(3,))


LSTM, LINEAR, RNN = torch_rnn("LSTM", 3, 2), nn.Linear(3, 2), torch_rnn("RNN", 3, 2)
UP = nn.ConvTranspose2d(1, 2, 3, 2, 1, output_padding=1)
REFUSED = {
    "size": (LINEAR, lambda: built(kl.Dense(4)), r"\(2, 3\) needs Keras 'dense.*kernel' \(3, 2\)"),
    "number": (LINEAR, lambda: built(kl.Dense(3), kl.Dense(2)), "1 layers with weights and Keras 2"),
    "kind": (LSTM, lambda: built(kl.GRU(2)), "LSTM.*GRU.*are different layers"),
    "bias": (LINEAR, lambda: built(kl.Dense(2, use_bias=False)), "set use_bias=True in keras.layers.Dense"),
    "reset": (torch_rnn("GRU", 3, 2), lambda: built(kl.GRU(2, reset_after=False)), "set reset_after=True"),
    "activation": (RNN, lambda: built(kl.SimpleRNN(2, "relu")), "set activation='tanh'"),
    "gate": (LSTM, lambda: built(kl.LSTM(2, recurrent_activation="relu")), "set recurrent_activation='sigmoid'"),
    "merged": (LSTM, lambda: built(kl.Bidirectional(kl.LSTM(2), "sum")), "1 layers with weights and Keras 2"),
    "time first": (nn.LSTM(3, 2), lambda: built(kl.LSTM(2)), "set batch_first=True in torch.nn.LSTM"),
    "projection": (torch_rnn("LSTM", 3, 2, proj_size=1), lambda: built(kl.LSTM(2)), "weight_hr_l0"),
    "epsilon": (nn.BatchNorm1d(3), norm(momentum=0.9), "set epsilon=1e-05 in keras.layers.BatchNormalization"),
    "momentum": (nn.BatchNorm1d(3), norm(epsilon=1e-5), "set momentum=0.9 in keras.layers.BatchNormalization"),
    "scale": (nn.BatchNorm1d(3), norm(epsilon=1e-5, momentum=0.9, scale=False), "set scale=True"),
    "same at stride 2": (
        nn.Conv2d(1, 2, 3, 2, 1),
        conv(2, 3, 2, padding="same"),
        r"ZeroPadding2D\(\(\(1, 1\), \(1, 1\)\)\) before it and set padding='valid'",
    ),
    "unknown size": (nn.Conv2d(1, 2, 3, 2, 1), conv(2, 3, 2, padding="same", size=None), "with a fixed size"),
    "transposed same": (
        UP,
        lambda: built(kl.Conv2DTranspose(2, 3, 2, padding="same"), shape=(6, 6, 1)),
        r"Cropping2D\(\(\(1, 0\), \(1, 0\)\)\) after it",
    ),
    "stride": (nn.Conv2d(1, 2, 3, 2), conv(2, 3), r"set strides=\(2, 2\)"),
    "norm after flatten": (
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm1d(32)),
        lambda: built(kl.Conv2D(2, 3), kl.Flatten(), batch_norm(), shape=(6, 6, 1)),
        "put keras.layers.Dense directly after Flatten",
    ),
    "unknown layer": (
        nn.Sequential(nn.Linear(3, 2), nn.PReLU()),
        lambda: built(kl.Dense(2)),
        "PyTorch's '1.weight' .* is in no layer that is known",
    ),
    "unknown in Keras": (LINEAR, lambda: built(kl.Dense(2), kl.PReLU()), "Keras's '.*p_re_lu.*' .* is in no layer"),
    "same twice": (LINEAR, lambda: nn.Linear(3, 2), "give one PyTorch module and one Keras model"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_name_and_nothing_written(case):
    mine, make, message = REFUSED[case]
    theirs = make()
    for source, target in ((mine, theirs), (theirs, mine)):
        before = numbers(mine) + numbers(theirs)
        with pytest.raises(ParityError, match=message):
            parity.copy_weights(source, target)
        assert_same(before, numbers(mine) + numbers(theirs))


def test_nothing_is_written_before_everything_is_checked():
    mine, theirs = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), built(kl.Dense(4), kl.Dense(3))
    before = numbers(theirs)
    with pytest.raises(ParityError, match=r"'1.weight' \(2, 4\)"):
        parity.copy_weights(mine, theirs)
    assert_same(before, numbers(theirs))
    nn.init.constant_(mine[1].bias, float("nan"))
    theirs = built(kl.Dense(4), kl.Dense(2))
    before = numbers(theirs)
    with pytest.raises(ParityError, match="NaN or infinity"):
        parity.copy_weights(mine, theirs)
    assert_same(before, numbers(theirs))


def test_tied_weights_are_refused():
    mine = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    mine[1].weight = mine[0].weight
    with pytest.raises(ParityError, match="'0.weight' and '1.weight': tied"):
        parity.copy_weights(mine, built(kl.Dense(3), kl.Dense(3)))


def test_one_bias_keeps_the_outputs_and_trains_half():
    mine = torch_rnn("LSTM", 3, 2, num_layers=2)
    x = torch.tensor(normal(4, 5, 3))
    before = mine(x)[0]
    assert parity.one_bias(mine) == 16
    torch.testing.assert_close(mine(x)[0], before)
    assert [n for n, p in mine.named_parameters() if not p.requires_grad] == ["bias_hh_l0", "bias_hh_l1"]
    assert parity.one_bias(torch_rnn("GRU", 3, 2)) == 0
