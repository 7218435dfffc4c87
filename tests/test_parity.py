"""parity: weights go both ways and change nothing, and nothing unequal passes for equal."""

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

from course_lib import data, parity
from course_lib.parity import ParityError

SMALL = st.integers(1, 5)
few = settings(max_examples=4, deadline=None, derandomize=True)
MSE = {"torch_loss": nn.MSELoss(), "keras_loss": keras.losses.MeanSquaredError()}
CLASSES = {
    "torch_loss": nn.CrossEntropyLoss(),
    "keras_loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
}


@pytest.fixture(autouse=True)
def _same_start():
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)


def normal(*shape, dtype="float32"):
    return np.random.default_rng(1).normal(size=shape).astype(dtype)


def randomize(module):
    """Give normalisations values that are not all 0 or 1, so that a mistake would show."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            m.running_mean.uniform_(-1, 1)
            m.running_var.uniform_(0.5, 2)
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias)


def numbers(model):
    weights = model.state_dict().values() if isinstance(model, nn.Module) else model.weights
    return [w.numpy().copy() for w in weights]


def assert_same(before, after):
    assert len(before) == len(after)
    for a, b in zip(before, after):
        np.testing.assert_array_equal(a, b)


def assert_pair(mine, theirs, x, y=None, losses=MSE, **how):
    """Copy there and back is the identity; outputs and gradients are equal after either copy."""
    randomize(mine)
    if not theirs.built:
        theirs(x)
    assert parity.copy_weights(mine, theirs, **how) == sum(w.size for w in numbers(theirs))
    computed = parity.outputs(mine, theirs, x)
    y = computed["PyTorch"] + 1 if y is None else y
    if losses is MSE:
        losses = MSE | {"keras_loss": keras.losses.MeanSquaredError(dtype=theirs.weights[0].dtype)}
    found = parity.gradients(mine, theirs, x, y, **losses, **how)
    parity.compare(outputs=computed, gradients=found)

    there = numbers(theirs)
    parity.copy_weights(theirs, mine, **how)
    parity.compare(outputs=parity.outputs(mine, theirs, x))
    for w in theirs.weights:
        w.assign(np.zeros(w.shape))
    parity.copy_weights(mine, theirs, **how)
    assert_same(there, numbers(theirs))
    back = numbers(mine)
    parity.copy_weights(theirs, mine, **how)
    assert_same(back, numbers(mine))


def torch_rnn(kind, *sizes, dtype="float32", **how):
    return getattr(nn, kind)(*sizes, batch_first=True, dtype=getattr(torch, dtype), **how)


KERAS_NAME = {"RNN": "SimpleRNN", "LSTM": "LSTM", "GRU": "GRU"}


def keras_rnn(kind, *sizes, sequences=True, dtype="float32", **how):
    layer = getattr(kl, KERAS_NAME[kind])
    return layer(*sizes, return_sequences=sequences, dtype=dtype, **how)


def batch_norm():
    return kl.BatchNormalization(momentum=0.9, epsilon=1e-5)


# --- every layer, both ways ----------------------------------------------------------------------


@few
@given(SMALL, SMALL, st.booleans(), st.sampled_from(["float32", "float64"]))
def test_dense(inputs, units, bias, dtype):
    mine = nn.Linear(inputs, units, bias, dtype=getattr(torch, dtype))
    theirs = kl.Dense(units, use_bias=bias, dtype=dtype)
    assert_pair(mine, theirs, normal(7, inputs, dtype=dtype))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@settings(max_examples=3, deadline=None, derandomize=True)
@given(SMALL, SMALL, st.booleans(), st.sampled_from(["float32", "float64"]))
def test_recurrent(kind, inputs, units, bias, dtype):
    mine = torch_rnn(kind, inputs, units, bias=bias, dtype=dtype)
    theirs = keras_rnn(kind, units, use_bias=bias, dtype=dtype)
    assert_pair(mine, theirs, normal(4, 3, inputs, dtype=dtype))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_stacked_in_both_directions(kind):
    mine = torch_rnn(kind, 2, 3, num_layers=2, bidirectional=True)
    theirs = keras.Sequential([kl.Bidirectional(keras_rnn(kind, 3)) for _ in range(2)])
    assert_pair(mine, theirs, normal(4, 3, 2))


def test_relu_rnn_and_single_cell():
    mine, theirs = (
        torch_rnn("RNN", 2, 3, nonlinearity="relu"),
        kl.SimpleRNN(3, "relu", return_sequences=True),
    )
    assert_pair(mine, theirs, normal(4, 3, 2))
    cell, cell_keras = nn.LSTMCell(2, 3), kl.LSTMCell(3)
    cell_keras.build((None, 2))
    assert parity.copy_weights(cell, cell_keras) == 2 * 12 + 3 * 12 + 12


@few
@given(SMALL, SMALL, st.integers(1, 3), st.integers(1, 3))
def test_convolutions(channels, filters, kernel, stride):
    x = normal(2, channels, 6, 6)
    theirs = keras.Sequential([keras.Input((6, 6, channels)), kl.Conv2D(filters, kernel, stride)])
    assert_pair(nn.Conv2d(channels, filters, kernel, stride), theirs, x)
    theirs = keras.Sequential([keras.Input((6, 6, channels)), kl.Conv2DTranspose(filters, kernel, stride)])
    more = max(stride - kernel, 0)
    mine = nn.ConvTranspose2d(channels, filters, kernel, stride, output_padding=more)
    assert_pair(mine, theirs, x)


def test_one_dimensional_convolution_as_it_is_given():
    mine, theirs = nn.Conv1d(2, 3, 3, padding=1), kl.Conv1D(3, 3, padding="same")
    x = normal(4, 2, 5)
    theirs(x.swapaxes(1, 2))
    parity.copy_weights(mine, theirs)
    computed = parity.outputs(mine, theirs, {"PyTorch": x, "Keras": x.swapaxes(1, 2)})
    computed["Keras"] = computed["Keras"].swapaxes(1, 2)
    parity.compare(outputs=computed)


def test_norms_and_embedding():
    assert_pair(nn.BatchNorm1d(3), batch_norm(), normal(9, 3))
    assert_pair(nn.LayerNorm(4), kl.LayerNormalization(epsilon=1e-5), normal(5, 4))
    symbols = np.random.default_rng(0).integers(0, 7, (4, 5))
    assert_pair(nn.Embedding(7, 3), kl.Embedding(7, 3), symbols)


@pytest.mark.parametrize("size, kernel, stride, padding", [(7, 3, 2, 1), (6, 4, 2, 1), (5, 3, 1, 1)])
def test_same_padding_where_it_is_the_same(size, kernel, stride, padding):
    layers = [keras.Input((size, size, 1)), kl.Conv2D(2, kernel, stride, padding="same")]
    assert_pair(nn.Conv2d(1, 2, kernel, stride, padding), keras.Sequential(layers), normal(2, 1, size, size))


# --- whole models --------------------------------------------------------------------------------


def autoencoder():
    """Convolutions, flattened, normalised, and back to an image; three channels."""
    mine = nn.Sequential(
        *[nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3, 2, 1)],
        *[nn.Flatten(), nn.BatchNorm1d(24), nn.Linear(24, 5), nn.Tanh(), nn.Linear(5, 24)],
        *[
            nn.LayerNorm(24),
            nn.ReLU(),
            nn.Unflatten(1, (6, 2, 2)),
            nn.ConvTranspose2d(6, 4, 4, 2, 1),
        ],
        *[nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1)],
    )
    layers = [kl.ZeroPadding2D(1), kl.Conv2D(4, 3, 2), batch_norm(), kl.ReLU(), kl.ZeroPadding2D(1)]
    layers += [kl.Conv2D(6, 3, 2), kl.Flatten(), batch_norm(), kl.Dense(5, "tanh"), kl.Dense(24)]
    layers += [kl.LayerNormalization(epsilon=1e-5), kl.ReLU(), kl.Reshape((2, 2, 6))]
    layers += [
        kl.Conv2DTranspose(4, 4, 2, padding="same"),
        batch_norm(),
        kl.Conv2DTranspose(3, 3, 2),
    ]
    return mine, keras.Sequential([keras.Input((8, 8, 3)), *layers, kl.Cropping2D(((1, 0), (1, 0)))])


def test_autoencoder_with_flattened_images():
    mine, theirs = autoencoder()
    assert_pair(mine, theirs, normal(32, 3, 8, 8))
    theirs.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    optimizer = torch.optim.SGD(mine.parameters(), 0.1, momentum=0.9)
    before = numbers(mine) + numbers(theirs)
    parity.compare(
        losses=parity.first_losses(
            mine,
            theirs,
            [(normal(32, 3, 8, 8),)],
            torch_loss=nn.MSELoss(),
            torch_optimizer=optimizer,
            steps=4,
        )
    )
    assert_same(before, numbers(mine) + numbers(theirs))


class TwoHeads(nn.Module):
    """A variational encoder: two dense layers start from the same flattened image."""

    def __init__(self, code=3):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding="same")
        self.mean, self.log_variance = nn.Linear(36, code), nn.Linear(36, code)

    def forward(self, x):
        h = self.conv(x).relu().flatten(1)
        return self.mean(h), self.log_variance(h)


class TwoHeadsKeras(keras.Model):
    def __init__(self, code=3):
        super().__init__()
        self.conv = kl.Conv2D(4, 3, padding="same", activation="relu")
        self.mean, self.log_variance = kl.Dense(code), kl.Dense(code)

    def call(self, x):
        h = keras.ops.reshape(self.conv(x), (-1, 36))
        return self.mean(h), self.log_variance(h)


def test_subclassed_models_with_two_outputs():
    mine, theirs, x = TwoHeads(), TwoHeadsKeras(), normal(4, 1, 3, 3)
    with pytest.raises(ParityError, match="build the model first"):
        parity.copy_weights(mine, theirs)
    theirs(np.zeros((1, 3, 3, 1), "float32"))
    parity.copy_weights(mine, theirs)
    computed = parity.outputs(mine, theirs, x)
    assert set(computed["PyTorch"]) == set(computed["Keras"]) == {"0", "1"}
    parity.compare(outputs=computed)


def test_a_dense_layer_of_unclear_origin_is_asked_about():
    mine, theirs = TwoHeads(36), TwoHeadsKeras(36)
    theirs(np.zeros((1, 3, 3, 1), "float32"))
    with pytest.raises(ParityError, match="log_variance.*cannot tell.*channels="):
        parity.copy_weights(mine, theirs)
    parity.copy_weights(mine, theirs, channels={"log_variance.inputs": 4})
    parity.compare(outputs=parity.outputs(mine, theirs, normal(4, 1, 3, 3)))
    with pytest.raises(ParityError, match="no dense layer has 'nothing.inputs'"):
        parity.copy_weights(mine, theirs, channels={"log_variance.inputs": 4, "nothing.inputs": 2})


class Classifier(nn.Module):
    def __init__(self, kind="LSTM"):
        super().__init__()
        self.embed, self.rnn = nn.Embedding(6, 4), torch_rnn(kind, 4, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.rnn(self.embed(x))[0][:, -1])


def classifier(kind="LSTM"):
    inputs = keras.Input((4,), dtype="int64")
    hidden = keras_rnn(kind, 5, sequences=False)(kl.Embedding(6, 4)(inputs))
    return Classifier(kind), keras.Model(inputs, kl.Dense(3)(hidden))


def symbols(n=8):
    rng = np.random.default_rng(3)
    return rng.integers(0, 6, (n, 4)), rng.integers(0, 3, n)


def test_functional_model_of_symbols():
    mine, theirs = classifier()
    assert_pair(mine, theirs, *symbols(), losses=CLASSES)


def test_a_state_that_is_carried_is_no_weight_and_stays():
    mine = torch_rnn("GRU", 3, 2)
    theirs = built_on_batch(kl.GRU(2, return_sequences=True, stateful=True), normal(4, 5, 3))
    parity.copy_weights(mine, theirs)
    for _ in range(2):
        theirs.layers[0].reset_state()
        parity.compare(outputs=parity.outputs(mine, theirs, normal(4, 5, 3)))
        assert not theirs.layers[0].states[0].numpy().any()


def built_on_batch(layer, x):
    return keras.Sequential([keras.Input(batch_shape=x.shape), layer])


class SeriesClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = torch_rnn("LSTM", 2, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


def classifier_of_series():
    layers = [keras_rnn("LSTM", 5, sequences=False), kl.Dense(3)]
    return SeriesClassifier(), keras.Sequential([keras.Input((4, 2)), *layers])


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


def built(*layers, shape=(4, 3)):
    return keras.Sequential([keras.Input(shape), *layers])


LSTM = torch_rnn("LSTM", 3, 2)
GRU_BEFORE = {"reset_after": False}
REFUSED = {
    "size": (
        nn.Linear(3, 2),
        lambda: built(kl.Dense(4)),
        r"\(2, 3\) needs Keras 'dense.*kernel' \(3, 2\)",
    ),
    "number": (
        nn.Linear(3, 2),
        lambda: built(kl.Dense(3), kl.Dense(2)),
        "1 layers with weights and Keras 2",
    ),
    "kind": (LSTM, lambda: built(kl.GRU(2)), "LSTM.*GRU.*are different layers"),
    "bias": (
        nn.Linear(3, 2),
        lambda: built(kl.Dense(2, use_bias=False)),
        "set use_bias=True in keras.layers.Dense",
    ),
    "precision": (
        nn.Linear(3, 2).double(),
        lambda: built(kl.Dense(2)),
        "is float64 and Keras.*float32",
    ),
    "reset": (
        torch_rnn("GRU", 3, 2),
        lambda: built(kl.GRU(2, **GRU_BEFORE)),
        "set reset_after=True",
    ),
    "activation": (
        torch_rnn("RNN", 3, 2),
        lambda: built(kl.SimpleRNN(2, "relu")),
        "set activation='tanh'",
    ),
    "gate": (
        LSTM,
        lambda: built(kl.LSTM(2, recurrent_activation="relu")),
        "set recurrent_activation='sigmoid'",
    ),
    "backwards": (LSTM, lambda: built(kl.LSTM(2, go_backwards=True)), "set go_backwards=False"),
    "merged": (LSTM, lambda: built(kl.Bidirectional(kl.LSTM(2), "sum")), "set merge_mode='concat'"),
    "direction": (
        torch_rnn("LSTM", 2, 1, bidirectional=True),
        lambda: built(kl.LSTM(1, return_sequences=True), kl.LSTM(1), shape=(4, 2)),
        "different directions: use keras.layers.Bidirectional",
    ),
    "time first": (
        nn.LSTM(3, 2),
        lambda: built(kl.LSTM(2)),
        "set batch_first=True in torch.nn.LSTM",
    ),
    "projection": (torch_rnn("LSTM", 3, 2, proj_size=1), lambda: built(kl.LSTM(2)), "weight_hr_l0"),
    "epsilon": (
        nn.BatchNorm1d(3),
        lambda: built(kl.BatchNormalization(momentum=0.9), shape=(3,)),
        "set epsilon=1e-05 in keras.layers.BatchNormalization",
    ),
    "momentum": (
        nn.BatchNorm1d(3),
        lambda: built(kl.BatchNormalization(epsilon=1e-5), shape=(3,)),
        "set momentum=0.9 in keras.layers.BatchNormalization",
    ),
    "scale": (
        nn.LayerNorm(3),
        lambda: built(kl.LayerNormalization(epsilon=1e-5, scale=False)),
        "set scale=True in keras.layers.LayerNormalization",
    ),
    "axis": (
        nn.BatchNorm1d(4),
        lambda: built(kl.BatchNormalization(1, momentum=0.9, epsilon=1e-5), shape=(4, 3)),
        "set axis=-1",
    ),
    "padding index": (
        nn.Embedding(5, 2, 0),
        lambda: built(kl.Embedding(5, 2), shape=(4,)),
        "set mask_zero=True",
    ),
    "same at stride 2": (
        nn.Conv2d(1, 2, 3, 2, 1),
        lambda: built(kl.Conv2D(2, 3, 2, padding="same"), shape=(6, 6, 1)),
        r"ZeroPadding2D\(\(\(1, 1\), \(1, 1\)\)\) before it and set padding='valid'",
    ),
    "unknown size": (
        nn.Conv2d(1, 2, 3, 2, 1),
        lambda: built(kl.Conv2D(2, 3, 2, padding="same"), shape=(None, None, 1)),
        "give the Keras model a fixed size",
    ),
    "transposed same": (
        nn.ConvTranspose2d(1, 2, 3, 2, 1, output_padding=1),
        lambda: built(kl.Conv2DTranspose(2, 3, 2, padding="same"), shape=(6, 6, 1)),
        r"Cropping2D\(\(\(1, 0\), \(1, 0\)\)\) after it",
    ),
    "stride": (
        nn.Conv2d(1, 2, 3, 2),
        lambda: built(kl.Conv2D(2, 3), shape=(6, 6, 1)),
        r"set strides=\(2, 2\)",
    ),
    "unknown layer": (
        nn.Sequential(nn.Linear(3, 2), nn.PReLU()),
        lambda: built(kl.Dense(2)),
        "PyTorch's '1.weight' .* is in no layer that is known",
    ),
    "unknown in Keras": (
        nn.Linear(3, 2),
        lambda: built(kl.Dense(2), kl.PReLU()),
        "Keras's '.*p_re_lu.*' .* is in no layer that is known",
    ),
    "lazy": (nn.LazyLinear(2), lambda: built(kl.Dense(2)), "call the model once first"),
    "same twice": (
        nn.Linear(3, 2),
        lambda: nn.Linear(3, 2),
        "give one PyTorch module and one Keras model",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_name(case):
    mine, make, message = REFUSED[case]
    theirs = make()
    for source, target in ((mine, theirs), (theirs, mine)):
        before = None if case == "lazy" else numbers(mine) + numbers(theirs)
        with pytest.raises(ParityError, match=message):
            parity.copy_weights(source, target)
        if before is not None:
            assert_same(before, numbers(mine) + numbers(theirs))


def test_nothing_is_written_before_everything_is_checked():
    mine = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    theirs = built(kl.Dense(4), kl.Dense(3))
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


# --- first losses --------------------------------------------------------------------------------


def test_ten_first_losses_of_an_lstm_and_everything_as_before():
    # No embedding: Adam treats repeated symbols differently (see first_losses).
    mine, theirs = classifier_of_series()
    parity.copy_weights(mine, theirs)
    assert parity.one_bias(mine) == mine.rnn.bias_hh_l0.numel()
    parity.compare(outputs=parity.outputs(mine, theirs, normal(8, 4, 2)))
    theirs.compile(keras.optimizers.Adam(0.01, epsilon=1e-8), CLASSES["keras_loss"])
    optimizer = torch.optim.Adam(mine.parameters(), 0.01)
    batches = [(normal(8, 4, 2), symbols(8)[1]), (normal(5, 4, 2), symbols(5)[1])]

    def state():
        inside = [v.numpy().copy() for s in optimizer.state_dict()["state"].values() for v in s.values()]
        return numbers(mine) + numbers(theirs) + inside + [v.numpy().copy() for v in theirs.optimizer.variables]

    how = {"torch_loss": CLASSES["torch_loss"], "torch_optimizer": optimizer}
    first = parity.first_losses(mine, theirs, batches, **how)
    assert first["PyTorch"].shape == (10,) and first["PyTorch"][-2] < first["PyTorch"][0]
    parity.compare(losses=first, tolerance={"losses": 1e-4})
    before, training = state(), theirs.optimizer.iterations.numpy()
    assert training == 0 and not optimizer.state and mine.training
    again = parity.first_losses(mine, theirs, batches, **how)
    assert_same(list(first.values()), list(again.values()))
    assert_same(before, state())

    # In the middle of a training, and with a batch that fails.
    x, y = batches[0]
    theirs.train_on_batch(x, y)
    CLASSES["torch_loss"](mine(torch.tensor(x)), torch.tensor(y)).backward()
    optimizer.step()
    mine.eval()
    grad = mine.head.weight.grad.clone()
    before = state()
    with pytest.raises(Exception):  # noqa: B017 (each framework has its own)
        parity.first_losses(mine, theirs, [(x, y), (x, y + 100)], **how)
    assert_same(before, state())
    parity.first_losses(mine, theirs, [(x, y)], steps=1, **how)
    assert_same(before, state())
    assert not mine.training and torch.equal(grad, mine.head.weight.grad)


@pytest.mark.parametrize(
    "torch_optimizer, keras_optimizer, message",
    [
        (lambda p: torch.optim.Adam(p, 1e-3), keras.optimizers.Adam(1e-3), "set epsilon=1e-08"),
        (
            lambda p: torch.optim.Adam(p, 1e-3),
            keras.optimizers.Adam(1e-2, epsilon=1e-8),
            "set learning_rate=0.001",
        ),
        (
            lambda p: torch.optim.SGD(p, 1e-3),
            keras.optimizers.Adam(1e-3),
            "PyTorch's SGD, Keras's Adam",
        ),
        (
            lambda p: torch.optim.SGD(p, 0.1),
            keras.optimizers.SGD(0.1, clipnorm=1.0),
            "clipnorm is 1.0",
        ),
        (
            lambda p: torch.optim.Adam(p, 0.1, weight_decay=1.0),
            keras.optimizers.Adam(0.1, epsilon=1e-8),
            "AdamW",
        ),
        (
            lambda p: torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1),
            keras.optimizers.SGD(0.1),
            "another",
        ),
        (lambda p: torch.optim.SGD(p, 0.1), None, "compile the Keras model first"),
    ],
)
def test_unequal_optimizers_are_refused(torch_optimizer, keras_optimizer, message):
    mine, theirs = nn.Linear(3, 2), built(kl.Dense(2), shape=(3,))
    if keras_optimizer is not None:
        theirs.compile(keras_optimizer, "mse")
    how = {"torch_loss": nn.MSELoss(), "torch_optimizer": torch_optimizer(mine.parameters())}
    with pytest.raises(ParityError, match=message):
        parity.first_losses(mine, theirs, [(normal(4, 3), normal(4, 2))], **how)


def test_clipped_together_by_the_same_norm():
    mine, theirs = nn.Linear(3, 2), built(kl.Dense(2), shape=(3,))
    parity.copy_weights(mine, theirs)
    theirs.compile(keras.optimizers.SGD(0.5, global_clipnorm=0.1), "mse")
    how = {"torch_loss": nn.MSELoss(), "torch_optimizer": torch.optim.SGD(mine.parameters(), 0.5)}
    batches = data.Batches(normal(10, 3), normal(10, 2) + 5, batch_size=4)
    losses = parity.first_losses(mine, theirs, batches, clip_norm=0.1, **how)
    parity.compare(losses=losses, tolerance={"losses": 1e-6})


def test_a_schedule_runs_along_and_is_put_back():
    mine, theirs = nn.Linear(3, 2), built(kl.Dense(2), shape=(3,))
    parity.copy_weights(mine, theirs)
    decay = keras.optimizers.schedules.ExponentialDecay(0.5, decay_steps=1, decay_rate=0.7)
    theirs.compile(keras.optimizers.SGD(decay), "mse")
    optimizer = torch.optim.SGD(mine.parameters(), 0.5)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.7)
    before = (optimizer.state_dict(), scheduler.state_dict())
    how = {"torch_loss": nn.MSELoss(), "torch_optimizer": optimizer}
    batches = data.Batches(normal(10, 3), normal(10, 2) + 5, batch_size=4)
    losses = parity.first_losses(mine, theirs, batches, torch_scheduler=scheduler, **how)
    parity.compare(losses=losses, tolerance={"losses": 1e-6})
    assert (optimizer.state_dict(), scheduler.state_dict()) == before
    assert theirs.optimizer.iterations.numpy() == 0
    with pytest.raises(ParityError):
        parity.compare(losses=parity.first_losses(mine, theirs, batches, **how))


def test_empty_batches_dropout_and_frozen_weights_are_refused():
    mine, theirs = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), built(kl.Dense(2), shape=(3,))
    theirs.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = normal(4, 3), normal(4, 2)
    how = {"torch_loss": nn.MSELoss(), "torch_optimizer": torch.optim.SGD(mine.parameters(), 0.1)}
    with pytest.raises(ParityError, match="PyTorch '1' drops out"):
        parity.first_losses(mine, theirs, [(x, y)], **how)
    with pytest.raises(ParityError, match="PyTorch '1' drops out"):
        parity.gradients(mine, theirs, x, y, **MSE)
    parity.gradients(mine, theirs, x, y, training=False, **MSE)
    mine[1].p = 0.0
    with pytest.raises(ParityError, match="batches is empty"):
        parity.first_losses(mine, theirs, [], **how)
    with pytest.raises(ParityError, match="batch holds NaN"):
        parity.first_losses(mine, theirs, [(x * np.nan, y)], **how)
    double = keras.losses.MeanSquaredError(dtype="float64")
    with pytest.raises(ParityError, match="set dtype='float32' in keras.losses.MeanSquaredError"):
        parity.gradients(mine, theirs, x, y, torch_loss=nn.MSELoss(), keras_loss=double)
    with pytest.raises(ParityError, match="torch_loss gives .* numbers"):
        parity.gradients(
            mine,
            theirs,
            x,
            y,
            torch_loss=nn.MSELoss(reduction="none"),
            keras_loss=MSE["keras_loss"],
        )
    mine[0].weight.requires_grad_(False)
    with pytest.raises(ParityError, match="freeze both or neither"):
        parity.gradients(mine, theirs, x, y, **MSE)
    with pytest.raises(ParityError, match="Keras 'dropout.*' drops out"):
        parity.gradients(nn.Linear(3, 2), built(kl.Dense(2), kl.Dropout(0.1), shape=(3,)), x, y, **MSE)


# --- mistakes must show --------------------------------------------------------------------------


def test_transposed_weights_show():
    mine, theirs = nn.Linear(4, 4), built(kl.Dense(4), shape=(4,))
    parity.copy_weights(mine, theirs)
    theirs.layers[0].kernel.assign(mine.weight.detach().numpy())
    with pytest.raises(ParityError, match=r"outputs at \[0, 0\]: .* in PyTorch, .* in Keras; difference .* allowed"):
        parity.compare(outputs=parity.outputs(mine, theirs, normal(5, 4)))
    with pytest.raises(ParityError, match="equal after transposing"):
        parity.compare(weights={"PyTorch": mine.weight.detach(), "Keras": mine.weight.detach().T})


@pytest.mark.parametrize("kind, order", [("LSTM", (1, 0, 2, 3)), ("GRU", (1, 0, 2))])
def test_swapped_gates_and_missing_bias_show(kind, order, capsys):
    mine, theirs = classifier(kind)
    x, y = symbols()
    parity.copy_weights(mine, theirs)
    cell = theirs.layers[2].cell
    right = [w.numpy().copy() for w in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    for wrong in range(3):
        changed = list(right)
        if wrong < 2:
            blocks = np.split(right[wrong], len(order), axis=-1)
            changed[wrong] = np.concatenate([blocks[i] for i in order], axis=-1)
        elif kind == "LSTM":
            changed[2] = mine.rnn.bias_ih_l0.detach().numpy()
        else:
            changed[2] = right[2] * [[1], [0]]
        for weight, value in zip((cell.kernel, cell.recurrent_kernel, cell.bias), changed):
            weight.assign(value)
        with pytest.raises(ParityError, match="outputs at"):
            parity.compare(outputs=parity.outputs(mine, theirs, x))
        with pytest.raises(ParityError, match="gradients '"):
            parity.compare(gradients=parity.gradients(mine, theirs, x, y, **CLASSES))
    assert "different" in capsys.readouterr().out


# --- the table -----------------------------------------------------------------------------------


def test_the_table(capsys):
    a = np.array([1.0, -2.0], np.float32)
    parity.compare(
        outputs={"NumPy": a.astype(float), "PyTorch": a, "Keras": a * np.float32(1 + 4e-7)},
        gradients={"PyTorch": {"fc.weight": a}, "Keras": {"fc.weight": a}},
    )
    assert capsys.readouterr().out.splitlines() == [
        "           compared               largest difference  allowed",
        "outputs    NumPy, PyTorch, Keras  3.6e-07             1e-06    equal",
        "gradients  PyTorch, Keras         0.0e+00             1e-05    equal",
    ]


ONE = np.ones(3, np.float32)


@pytest.mark.parametrize(
    "quantity, message",
    [
        ({"PyTorch": ONE, "Keras": ONE * np.nan}, r"row: Keras holds NaN or infinity at \[0\]"),
        (
            {"PyTorch": {"w": ONE}, "Keras": {"w": ONE * np.inf}},
            r"row 'w': Keras holds NaN or infinity at \[0\]",
        ),
        ({"PyTorch": ONE, "Keras": np.ones(2)}, r"shape \(3,\) in PyTorch, \(2,\) in Keras"),
        ({"PyTorch": {"w": ONE}, "Keras": {"v": ONE}}, "only Keras has 'v'"),
        ({"PyTorch": ONE}, "at least two frameworks"),
        ({"PyTorch": {}, "Keras": {}}, "PyTorch holds no numbers"),
        (
            {"PyTorch": ONE, "Keras": ONE + [0, 0, 2e-6]},
            r"row at \[2\]: 1 in PyTorch, 1.000002 in Keras",
        ),
        ({"PyTorch": ONE, "Keras": 32 * ONE}, "factor 32: is one a mean"),
        ({"NumPy": ONE * 1.0, "PyTorch": ONE, "Keras": -ONE}, "1 in NumPy, -1 in Keras"),
        ({"PyTorch": np.zeros(3), "Keras": np.full(3, 1e-9)}, "0 in PyTorch, 1e-09 in Keras"),
    ],
)
def test_what_compare_refuses(quantity, message):
    with pytest.raises(ParityError, match=message):
        parity.compare(row=quantity)


def test_tolerances():
    near = {"PyTorch": np.ones(2), "Keras": np.ones(2) + 1e-9}
    with pytest.raises(ParityError, match="allowed 1e-10"):
        parity.compare(outputs=near)
    parity.compare(outputs=near, tolerance={"outputs": 1e-8})
    with pytest.raises(ParityError, match="names no row"):
        parity.compare(outputs=near, tolerance={"output": 1e-8})
    with pytest.raises(ParityError, match="nothing to compare"):
        parity.compare()
