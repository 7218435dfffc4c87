"""parity: outputs, gradients and first losses prove a pair, and a mistake in it shows with a hint."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import pytest
import torch
from keras import layers as kl
from torch import nn

from course_lib import data, parity
from course_lib.parity import ParityError

SGD, ADAM = torch.optim.SGD, torch.optim.Adam
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


class Reader(nn.Module):
    def __init__(self, kind="LSTM"):
        super().__init__()
        self.rnn, self.head = getattr(nn, kind)(2, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


def readers(kind="LSTM"):
    """An equal pair that reads series (n, 4, 2) and gives three scores."""
    layer = {"RNN": kl.SimpleRNN, "LSTM": kl.LSTM, "GRU": kl.GRU}[kind](5)
    mine, theirs = Reader(kind), keras.Sequential([keras.Input((4, 2)), layer, kl.Dense(3)])
    parity.copy_weights(mine, theirs)
    return mine, theirs


SERIES = [(normal(8, 4, 2), np.arange(8) % 3), (normal(5, 4, 2), np.arange(5) % 3)]


def dense_pair(*more):
    """An equal pair of one dense layer, and what else is given to Keras."""
    mine, theirs = nn.Linear(3, 2), keras.Sequential([keras.Input((3,)), kl.Dense(2), *more])
    parity.copy_weights(mine, theirs)
    return mine, theirs


BATCH = (normal(4, 3), normal(4, 2) + 5)


def state(mine, theirs, *optimizers):
    """Every number of a pair and of its optimizers."""
    found = [*mine.state_dict().values(), *theirs.variables]
    for optimizer in optimizers:
        if isinstance(optimizer, torch.optim.Optimizer):
            found += [v for inner in optimizer.state_dict()["state"].values() for v in inner.values()]
        else:
            found += optimizer.variables
    return [np.array(v.numpy()) for v in found]


def assert_same(before, after):
    assert len(before) == len(after)
    for a, b in zip(before, after):
        np.testing.assert_array_equal(a, b)


# --- prove ---------------------------------------------------------------------------------------


def rows(capsys):
    return [(line.split()[0], line.split()[-1]) for line in capsys.readouterr().out.splitlines()[1:]]


def test_what_was_not_given_is_left_out(capsys):
    mine, theirs = dense_pair()
    parity.prove(mine, theirs, [BATCH])
    assert rows(capsys) == [("outputs", "equal")]
    parity.prove(mine, theirs, [BATCH], **MSE)
    assert rows(capsys) == [("outputs", "equal"), ("gradients", "equal")]
    adam = ADAM(mine.parameters(), 0.01, eps=1e-7)
    how = MSE | {"torch_optimizer": adam, "keras_optimizer": keras.optimizers.Adam(0.01)}
    parity.prove(mine, theirs, [BATCH], steps=3, **how)
    assert rows(capsys) == [("outputs", "equal"), ("gradients", "equal"), ("losses", "equal")]
    for given in ({"torch_optimizer": adam}, {"keras_loss": MSE["keras_loss"]}):
        with pytest.raises(ParityError, match="give torch_loss= and keras_loss="):
            parity.prove(mine, theirs, [BATCH], **given)
    with pytest.raises(ParityError, match="give keras_loss=, or compile"):
        parity.prove(*dense_pair(), [BATCH], torch_loss=nn.MSELoss())


def test_a_compiled_model_is_proved_as_it_was_compiled_and_left_as_it_was(capsys):
    mine, theirs = readers()
    assert parity.one_bias(mine) == 20
    theirs.compile(keras.optimizers.Adam(0.01, epsilon=1e-8), CLASSES["keras_loss"])
    adam = ADAM([p for p in mine.parameters() if p.requires_grad], 0.01)
    how = {"torch_loss": nn.CrossEntropyLoss(), "torch_optimizer": adam, "steps": 4}
    parity.prove(mine, theirs, SERIES, **how, tolerance={"losses": 1e-4})
    assert [name for name, _ in rows(capsys)] == ["outputs", "gradients", "losses"]
    assert theirs.optimizer.iterations.numpy() == 0 and not adam.state and mine.training

    # In the middle of a training, and with a batch that fails.
    x, y = SERIES[0]
    theirs.train_on_batch(x, y)
    nn.CrossEntropyLoss()(mine(torch.tensor(x)), torch.tensor(y)).backward()
    adam.step()
    mine.eval()
    grad, drawn = mine.head.weight.grad.clone(), torch.get_rng_state()
    before = state(mine, theirs, adam, theirs.optimizer)
    losses = parity.first_losses(mine, theirs, SERIES, **how)
    assert losses["PyTorch"].shape == losses["Keras"].shape == (4,) and losses["PyTorch"][2] < losses["PyTorch"][0]
    with pytest.raises(Exception):  # noqa: B017 (each framework has its own)
        parity.first_losses(mine, theirs, [(x, y), (x, y + 100)], **how)
    assert_same(before, state(mine, theirs, adam, theirs.optimizer))
    assert not mine.training and torch.equal(grad, mine.head.weight.grad)
    assert torch.equal(drawn, torch.get_rng_state())


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
def test_two_trained_biases_show_in_the_losses_alone_with_a_hint(kind, capsys):
    mine, theirs = readers(kind)
    how = {"torch_optimizer": SGD(mine.parameters(), 0.5), "keras_optimizer": keras.optimizers.SGD(0.5), "steps": 4}
    with pytest.raises(ParityError, match=r"losses at \[\d\]: .*two bias vectors .*parity.one_bias"):
        parity.prove(mine, theirs, SERIES, **CLASSES, **how)
    assert rows(capsys) == [("outputs", "equal"), ("gradients", "equal"), ("losses", "different")]


def test_schedule_and_clipping_run_along_and_are_put_back():
    mine, theirs = dense_pair()
    decay = keras.optimizers.schedules.ExponentialDecay(0.5, decay_steps=1, decay_rate=0.7)
    sgd = SGD(mine.parameters(), 0.5)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(sgd, 0.7)
    theirs.compile(keras.optimizers.SGD(decay, global_clipnorm=0.1), "mse")
    before = sgd.state_dict(), scheduler.state_dict()
    how = MSE | {"torch_optimizer": sgd, "clip_norm": 0.1, "tolerance": {"losses": 1e-6}}
    batches = data.Batches(normal(10, 3), normal(10, 2) + 5, batch_size=4)
    parity.prove(mine, theirs, batches, torch_scheduler=scheduler, **how)
    assert (sgd.state_dict(), scheduler.state_dict()) == before
    with pytest.raises(ParityError, match="losses at"):
        parity.prove(mine, theirs, batches, **how)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(6, 4), nn.Linear(2, 6)

    def forward(self, x, eps):
        mu, log_var = self.encoder(x).chunk(2, 1)
        error = ((self.decoder(mu + (log_var / 2).exp() * eps) - x) ** 2).sum(1)
        return error, (mu**2 + log_var.exp() - 1 - log_var) / 2


class KerasVAE(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = kl.Dense(4), kl.Dense(6)

    def call(self, inputs):
        x, eps = inputs
        mu, log_var = keras.ops.split(self.encoder(x), 2, 1)
        error = keras.ops.sum((self.decoder(mu + keras.ops.exp(log_var / 2) * eps) - x) ** 2, 1)
        return error, (mu**2 + keras.ops.exp(log_var) - 1 - log_var) / 2

    def compute_loss(self, x, y, y_pred, *args, **kwargs):
        return keras_elbo(y, y_pred)


def torch_elbo(parts, _):
    return (parts[0] + parts[1].sum(1)).mean()


def keras_elbo(_, parts):
    return keras.ops.mean(parts[0] + keras.ops.sum(parts[1], 1))


def vaes():
    mine, theirs = VAE(), KerasVAE()
    theirs([normal(1, 6), normal(1, 2)])
    parity.copy_weights(mine, theirs)
    return mine, theirs, [((x, normal(len(x), 2)), x) for (x,) in data.Batches(normal(12, 6), batch_size=4).first(4)]


def test_noise_is_an_input_and_a_loss_may_take_all_outputs(capsys):
    mine, theirs, batches = vaes()
    theirs.compile(keras.optimizers.Adam(0.01, epsilon=1e-8))
    how = {"torch_optimizer": ADAM(mine.parameters(), 0.01), "steps": 4, "torch_loss": torch_elbo}
    before = state(mine, theirs)
    parity.prove(mine, theirs, batches, keras_loss=keras_elbo, **how)
    assert rows(capsys) == [("outputs", "equal"), ("gradients", "equal"), ("losses", "equal")]
    assert_same(before, state(mine, theirs))

    def doubled(_, parts):  # the KL term twice
        return keras.ops.mean(parts[0] + 2 * keras.ops.sum(parts[1], 1))

    with pytest.raises(ParityError, match="gradients 'encoder.weight'"):
        parity.prove(mine, theirs, batches, keras_loss=doubled, **how)
    with pytest.raises(ParityError, match="several inputs are one tuple x"):
        parity.prove(mine, theirs, [(*batches[0][0], batches[0][1])])


class Shifted(nn.Linear):
    def forward(self, x, shift):
        return super().forward(x + shift)


class KerasShifted(kl.Dense):
    def call(self, x, shift):
        return super().call(x + shift)


def test_several_inputs_are_handed_over_one_by_one_where_call_asks_for_each():
    mine, theirs = Shifted(3, 2), KerasShifted(2)
    theirs.build((None, 3))
    parity.copy_weights(mine, theirs)
    x, y = BATCH
    parity.prove(mine, theirs, [((x, 2 * x), y)], **MSE)


def test_a_loss_that_draws_its_noise_is_refused():
    mine, theirs, batches = vaes()
    with pytest.raises(ParityError, match="PyTorch's model gives two answers .* hand noise in as an input"):
        drawn = lambda parts, x: torch_elbo(parts, x) * torch.rand(())  # noqa: E731
        parity.prove(mine, theirs, batches, torch_loss=drawn, keras_loss=keras_elbo)


class Penalised(keras.Model):
    """A model whose loss is its own."""

    def __init__(self):
        super().__init__()
        self.dense = kl.Dense(2)

    def call(self, x):
        return self.dense(x)

    def compute_loss(self, x, y, y_pred, *args, **kwargs):
        return keras.ops.mean((y_pred - y) ** 2) + 0.1 * keras.ops.sum(self.dense.kernel**2)


def test_a_loss_of_keras_s_own_and_penalties_of_its_layers_count():
    mine, own = nn.Linear(3, 2), Penalised()
    own(BATCH[0])
    kernel = kl.Dense(2, kernel_regularizer=keras.regularizers.L2(0.1))
    regularised = keras.Sequential([keras.Input((3,)), kernel])

    def penalised(prediction, y):
        return ((prediction - y) ** 2).mean() + 0.1 * (mine.weight**2).sum()

    for theirs in (own, regularised):
        parity.copy_weights(mine, theirs)
        theirs.compile(keras.optimizers.SGD(0.1), "mse")
        parity.prove(mine, theirs, [BATCH], torch_loss=penalised)
        with pytest.raises(ParityError, match="gradients 'weight'"):
            parity.prove(mine, theirs, [BATCH], torch_loss=nn.MSELoss())


# --- conditions of a fair comparison --------------------------------------------------------------

UNEQUAL = {
    "epsilon": (lambda p: ADAM(p, 1e-3), lambda: keras.optimizers.Adam(1e-3), "set epsilon=1e-08"),
    "rate": (lambda p: SGD(p, 1e-3), lambda: keras.optimizers.SGD(1e-2), "set learning_rate=0.001"),
    "kind": (lambda p: SGD(p, 1e-3), lambda: keras.optimizers.Adam(1e-3), "PyTorch's SGD, Keras's Adam"),
    "momentum": (lambda p: SGD(p, 0.1, 0.9), lambda: keras.optimizers.SGD(0.1), "set momentum=0.9"),
    "clipping": (lambda p: SGD(p, 0.1), lambda: keras.optimizers.SGD(0.1, clipnorm=1.0), "clipnorm is 1.0"),
    "decay": (lambda p: ADAM(p, 0.1, weight_decay=1.0), lambda: keras.optimizers.Adam(0.1, epsilon=1e-8), "AdamW"),
    "not compiled": (lambda p: SGD(p, 0.1), lambda: None, "compile the Keras model first"),
}


@pytest.mark.parametrize("case", UNEQUAL)
def test_unequal_optimizers_are_refused(case):
    torch_optimizer, keras_optimizer, message = UNEQUAL[case]
    mine, theirs = dense_pair()
    how = {"torch_optimizer": torch_optimizer(mine.parameters()), "keras_optimizer": keras_optimizer()}
    with pytest.raises(ParityError, match=message):
        parity.prove(mine, theirs, [BATCH], **MSE, **how)


class OwnDropout(kl.Layer):
    """Random, and nothing in its name or attributes says so."""

    def __init__(self):
        super().__init__()
        self.source = keras.random.SeedGenerator(0)

    def call(self, x, training=False):
        return x * keras.random.uniform(keras.ops.shape(x), seed=self.source) if training else x


@pytest.mark.parametrize("layer", [kl.Dropout(0.5), kl.GaussianNoise(0.5), OwnDropout()])
def test_keras_layers_that_draw_are_found_by_calling_twice(layer):
    mine, theirs = dense_pair(layer)
    with pytest.raises(ParityError, match="Keras's model gives two answers .* rate of dropout to 0"):
        parity.gradients(mine, theirs, *BATCH, **MSE)
    theirs.compile(keras.optimizers.SGD(0.1), "mse")
    with pytest.raises(ParityError, match="Keras's model gives two answers"):
        parity.first_losses(mine, theirs, [BATCH], torch_loss=nn.MSELoss(), torch_optimizer=SGD(mine.parameters(), 0.1))
    parity.prove(mine, theirs, [BATCH])  # outputs are compared without dropout


def test_pytorch_s_dropout_is_found_and_refused():
    theirs = dense_pair()[1]
    mine = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    parity.copy_weights(theirs, mine)
    with pytest.raises(ParityError, match="PyTorch's model gives two answers"):
        parity.gradients(mine, theirs, *BATCH, **MSE)
    mine[1].p = 0.0
    parity.prove(mine, theirs, [BATCH], **MSE)


def test_batches_losses_and_frozen_weights_that_cannot_be_compared_are_refused():
    mine, theirs = dense_pair()
    x, y = BATCH
    with pytest.raises(ParityError, match="batches is empty"):
        parity.prove(mine, theirs, [])
    with pytest.raises(ParityError, match=r"PyTorch holds NaN or infinity at \[0, 0\]"):
        parity.prove(mine, theirs, [(x * np.nan, y)])
    with pytest.raises(ParityError, match="PyTorch's loss gives .* numbers"):
        parity.gradients(mine, theirs, x, y, **MSE | {"torch_loss": nn.MSELoss(reduction="none")})
    mine.weight.requires_grad_(False)
    with pytest.raises(ParityError, match="only Keras has 'weight'"):
        parity.prove(mine, theirs, [BATCH], **MSE)


def test_a_state_that_is_carried_is_no_weight_and_stays():
    mine, layer = nn.GRU(3, 2, batch_first=True), kl.GRU(2, return_sequences=True, stateful=True)
    theirs = keras.Sequential([keras.Input(batch_shape=(4, 5, 3)), layer])
    parity.copy_weights(mine, theirs)
    for _ in range(2):
        parity.prove(mine, theirs, [(normal(4, 5, 3),)])
        assert not layer.states[0].numpy().any()


def test_a_bare_lstm_also_when_it_is_compiled():
    mine, theirs = nn.LSTM(2, 3, batch_first=True), kl.LSTM(3, return_sequences=True)
    theirs.build((None, 4, 2))
    parity.copy_weights(mine, theirs)
    parity.prove(torch.compile(mine, backend="eager"), theirs, [(normal(4, 4, 2),)])


# --- mistakes must show --------------------------------------------------------------------------


@pytest.mark.parametrize("kind, order", [("LSTM", (1, 0, 2, 3)), ("GRU", (1, 0, 2))])
def test_swapped_gates_and_a_missing_bias_show(kind, order):
    mine, theirs = readers(kind)
    cell = theirs.layers[0].cell
    if kind == "GRU":  # a new GRU of Keras has no bias yet
        cell.bias.assign(normal(2, 15))
        parity.copy_weights(theirs, mine)
    right = [w.numpy().copy() for w in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    for wrong in range(3):
        changed = list(right)
        if wrong < 2:
            blocks = np.split(right[wrong], len(order), axis=-1)
            changed[wrong] = np.concatenate([blocks[i] for i in order], axis=-1)
        else:
            changed[2] = mine.rnn.bias_ih_l0.detach().numpy() if kind == "LSTM" else right[2] * [[1], [0]]
        for weight, value in zip((cell.kernel, cell.recurrent_kernel, cell.bias), changed):
            weight.assign(value)
        with pytest.raises(ParityError, match="outputs at"):
            parity.prove(mine, theirs, SERIES)
        with pytest.raises(ParityError, match="gradients '"):
            parity.compare(gradients=parity.gradients(mine, theirs, *SERIES[0], **CLASSES))


def test_transposed_weights_and_another_padding_show():
    mine, theirs = nn.Linear(4, 4), keras.Sequential([keras.Input((4,)), kl.Dense(4)])
    theirs.layers[0].kernel.assign(mine.weight.detach().numpy())
    with pytest.raises(ParityError, match=r"outputs at \[0, 0\]: .* in PyTorch, .* in Keras; difference .* allowed"):
        parity.prove(mine, theirs, [(normal(5, 4),)])
    mine = nn.Conv2d(1, 2, 3, 2, padding=1)
    theirs = keras.Sequential([keras.Input((6, 6, 1)), kl.Conv2D(2, 3, 2, padding="same")])
    theirs.set_weights([mine.weight.detach().numpy().transpose(2, 3, 1, 0), mine.bias.detach().numpy()])
    with pytest.raises(ParityError, match="padding .before, after. is"):
        parity.prove(mine, theirs, [(normal(2, 1, 6, 6),)], **MSE)


def test_a_mean_for_a_sum_shows_in_the_gradients():
    mine, theirs = dense_pair()
    with pytest.raises(ParityError, match="factor 0.125: is one a mean and the other a sum"):
        parity.prove(mine, theirs, [BATCH], torch_loss=nn.MSELoss(reduction="sum"), keras_loss=MSE["keras_loss"])


def test_symbols_that_keras_alone_skips_show_with_a_hint():
    class Symbols(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn = nn.Embedding(6, 4), nn.RNN(4, 5, batch_first=True)

        def forward(self, x):
            return self.rnn(self.embed(x))[0][:, -1]

    mine = Symbols()
    theirs = keras.Sequential([keras.Input((4,)), kl.Embedding(6, 4, mask_zero=True), kl.SimpleRNN(5)])
    parity.copy_weights(mine, theirs)
    full, padded = np.array([[1, 2, 3, 4]]), np.array([[1, 2, 0, 0]])
    parity.prove(mine, theirs, [(full,)])
    with pytest.raises(ParityError, match="mask_zero=True masks: give .* packed sequences"):
        parity.prove(mine, theirs, [(padded,)])


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "mixed"])
def test_numbers_too_coarse_to_prove_anything_are_refused_by_name(kind):
    x = normal(8, 3)
    mine = nn.Linear(3, 2)
    policy = "mixed_bfloat16" if kind == "mixed" else kind
    theirs = keras.Sequential([keras.Input((3,)), kl.Dense(2, dtype=policy)])
    if kind != "mixed":
        mine = mine.to(getattr(torch, kind))
    named = "bfloat16" if kind == "mixed" else kind
    with pytest.raises(ParityError, match=f"computes in {named}.*float32"):
        parity.prove(mine, theirs, [(x, normal(8, 2))], **MSE)


def test_the_optimizer_of_another_model_is_refused():
    mine, theirs = dense_pair()
    other = SGD(nn.Linear(3, 2).parameters(), lr=0.1)
    theirs.compile(keras.optimizers.SGD(0.1), MSE["keras_loss"])
    with pytest.raises(ParityError, match="another model's parameters"):
        parity.first_losses(
            mine, theirs, [(normal(8, 3), normal(8, 2))], torch_loss=MSE["torch_loss"], torch_optimizer=other
        )


def test_a_padding_symbol_that_keras_does_not_mask_is_no_difference_and_one_that_it_masks_shows_with_a_hint():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.rnn = nn.Embedding(5, 3, padding_idx=0), nn.GRU(3, 4, batch_first=True)

        def forward(self, x):
            return self.rnn(self.embedding(x))[0][:, -1]

    x = np.array([[1, 2, 0, 0], [3, 4, 1, 2]])
    mine = Words()
    with torch.no_grad():
        mine.embedding.weight[0] = 0.5  # what a padding row is must not matter to whether the pair is equal
    for masks in (False, True):
        theirs = keras.Sequential([keras.Input((4,)), kl.Embedding(5, 3, mask_zero=masks), kl.GRU(4)])
        parity.copy_weights(mine, theirs)
        if masks:
            with pytest.raises(ParityError, match="packed sequences"):
                parity.prove(mine, theirs, [(x, x)])
        else:
            parity.prove(mine, theirs, [(x, x)])
