"""The training loop: what it learns, what it records, what it refuses; Keras fed in the same order; one rate for both."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import gc
import signal
import threading
import weakref

import keras
import numpy as np
import pytest
import torch
from torch import nn

from course_lib import data, training


def line(n=70, noise=0.0):
    """y = 2x − 1 as float32 arrays of shape (n, 1)."""
    x = np.linspace(-1, 1, n, dtype="float32")[:, None]
    return x, 2 * x - 1 + noise * np.random.default_rng(0).standard_normal((n, 1)).astype("float32")


def batches_of_line(**changes):
    x, y = line()
    return data.Batches(x, y, **{"batch_size": 16, "seed": 0, **changes})


def linear():
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


def fit(model=None, lr=0.1, **options):
    model = model or linear()
    settings = {"epochs": 3, "batches": batches_of_line(), **options}
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    return model, training.fit(model, settings.pop("batches"), nn.MSELoss(), optimizer, **settings)


def with_nan():
    x, y = line()
    y[3] = np.nan
    return data.Batches(x, y, batch_size=16, seed=0)


# --- PyTorch


def test_a_line_is_learnt_and_the_history_is_complete():
    model, history = fit(epochs=60, validation=line(11), metrics={"absolute": nn.L1Loss()})
    assert abs(model.weight.item() - 2) < 0.02 and abs(model.bias.item() + 1) < 0.02
    assert len(history.loss) == len(history.val_loss) == len(history.metrics["absolute"]) == 60
    assert history.loss[-1] < 1e-3 * history.loss[0] and history.cpu_s > 0 and not model.training


def test_the_loop_is_gradient_descent_on_the_batches_in_their_order():
    """Replay in NumPy: same order, the last batch smaller, mean over each batch."""
    x, y = line()
    w = b = 0.0
    losses = []
    for epoch in range(3):
        total = 0.0
        for index in batches_of_line().indices(epoch):
            error = w * x[index] + b - y[index]
            total += float((error**2).sum())
            w, b = w - 0.1 * float((2 * error * x[index]).mean()), b - 0.1 * float((2 * error).mean())
        losses.append(total / len(x))
    model, history = fit()
    assert np.allclose(history.loss, losses, rtol=1e-5)
    assert np.allclose([model.weight.item(), model.bias.item()], [w, b], rtol=1e-5)


def test_clipping_is_by_the_global_norm_and_the_scheduler_moves_each_step():
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    batches = batches_of_line(batch_size=70)
    training.fit(model, batches, nn.MSELoss(), optimizer, epochs=1, clip_norm=0.01, scheduler=scheduler)
    assert np.hypot(model.weight.item(), model.bias.item()) == pytest.approx(0.01, rel=1e-3)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_a_loss_of_the_model_itself():
    x, _ = line()
    model = linear()
    history = training.fit(
        model,
        data.Batches(x, batch_size=16, seed=0),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        objective=lambda model, x: (model(x) - 3).square().mean(),
        epochs=40,
        validation=(x,),
    )
    assert model.bias.item() == pytest.approx(3, abs=0.05) and history.val_loss[-1] < 0.01


def test_a_loss_that_becomes_nan_is_stopped_with_its_place():
    with pytest.raises(training.TrainingDiverged, match=r"nan in epoch 1.*Lower the learning rate") as stopped:
        fit(batches=with_nan())
    assert stopped.value.history is not None
    with pytest.raises(training.TrainingDiverged, match=r"(inf|nan) in epoch \d+"):
        fit(lr=1e12, epochs=20)


def test_nan_in_the_validation_data_is_said():
    x, y = line(11)
    y[0] = np.nan
    with pytest.raises(training.TrainingDiverged, match="validation loss is nan after epoch 1") as stopped:
        fit(validation=(x, y))
    assert len(stopped.value.history.loss) == 1


def test_an_interrupted_training_leaves_evaluation_mode():
    class Interrupting(nn.Linear):
        def forward(self, x):
            raise KeyboardInterrupt

    model = Interrupting(1, 1)
    with pytest.raises(KeyboardInterrupt):
        fit(model)
    assert not model.training


@pytest.mark.parametrize(
    ("error", "words", "options"),
    [
        (ValueError, "validation", {"metrics": {"a": nn.L1Loss()}}),
        (ValueError, "not both", {"objective": lambda m, x, y: 0}),
        (TypeError, r"arrays \(x, y\), not Batches", {"validation": batches_of_line()}),
        (TypeError, r"course_lib.data.Batches\(.*, not DataLoader", {"batches": torch.utils.data.DataLoader([1])}),
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(error, words, options):
    with pytest.raises(error, match=words):
        fit(**options)


def test_without_loss_or_optimizer():
    with pytest.raises(ValueError, match="loss"):
        training.fit(linear(), batches_of_line(), epochs=1)
    with pytest.raises(ValueError, match="optimizer"):
        training.fit(linear(), batches_of_line(), nn.MSELoss(), epochs=1)


def test_an_optimizer_of_another_model_is_refused_and_one_of_a_part_is_not():
    old, model = linear(), nn.Sequential(linear(), linear())
    for parameters in (old.parameters(), [*old.parameters(), *model.parameters()]):
        with pytest.raises(ValueError, match="another model's parameters"):
            training.fit(model, batches_of_line(), nn.MSELoss(), torch.optim.SGD(parameters, 0.1), epochs=1)
    part = torch.optim.SGD(model[1].parameters(), 0.1)
    training.fit(model, batches_of_line(), nn.MSELoss(), part, epochs=1)
    assert model[0].bias.item() == 0 and model[1].bias.item() != 0


def test_targets_of_another_shape_than_the_predictions_are_refused():
    x, y = line()
    with pytest.raises(ValueError, match=r"y\[:, None\].*torch.Size\(\[16\]\)"):
        fit(batches=data.Batches(x, y[:, 0], batch_size=16, seed=0))
    with pytest.raises(ValueError, match=r"y\[:, None\]"):
        training.evaluate(linear(), (x, y[:, 0]), {"m": nn.MSELoss()})


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", ">i4"])
def test_labels_may_be_whole_numbers_of_any_size(kind):
    x, y = line()
    labels = (y[:, 0] > 0).astype(kind)
    torch.manual_seed(0)
    model = nn.Linear(1, 2)
    batches = data.Batches(x, labels, batch_size=16, seed=0)
    history = training.fit(
        model,
        batches,
        nn.CrossEntropyLoss(),
        torch.optim.Adam(model.parameters(), 0.1),
        epochs=3,
        validation=(x, labels),
    )
    assert history.loss[-1] < history.loss[0] and history.val_loss[-1] < history.val_loss[0]


def test_a_schedule_at_its_end_says_so():
    for make in (
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=15),
        training.one_cycle(0.1, 15).torch,
    ):
        model = linear()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        settings = {"epochs": 3, "scheduler": make(optimizer)}
        training.fit(model, batches_of_line(), nn.MSELoss(), optimizer, **settings)
        with pytest.raises(ValueError, match=r"at its end: make optimizer and schedule anew.*15"):
            training.fit(model, batches_of_line(), nn.MSELoss(), optimizer, **settings)


def test_prediction_and_evaluation_do_not_depend_on_their_pieces(monkeypatch):
    x, y = line()
    model = nn.Sequential(nn.Linear(1, 4), nn.Dropout(0.5), nn.Linear(4, 1)).train()
    whole = training.predict(model, x), training.evaluate(model, (x, y), {"m": nn.MSELoss()})["m"]
    monkeypatch.setattr(training, "_ROWS", 7)
    assert np.allclose(training.predict(model, x), whole[0], atol=1e-6) and model.training
    assert training.evaluate(model, (x, y), {"m": nn.MSELoss()})["m"] == pytest.approx(whole[1], rel=1e-5)
    with pytest.raises(ValueError, match="targets"):
        training.evaluate(model, (x, y[:3]), {"m": nn.MSELoss()})


def test_what_cannot_be_predicted_is_refused_in_a_sentence():
    with pytest.raises(TypeError, match="one tensor, and this one returns a tuple"):
        training.predict(nn.LSTM(1, 2), np.ones((3, 4, 1), "float32"))
    with pytest.raises(ValueError, match="no rows"):
        training.predict(linear(), line()[0][:0])
    assert training.predict(nn.Tanh(), line()[0]).shape == (70, 1)  # a model without parameters


def test_read_only_arrays_become_tensors_without_a_warning(recwarn):
    array = np.ones(3, "float32")
    array.flags.writeable = False
    assert training.to_tensor(array).sum() == 3 and not recwarn.list
    assert training.to_tensor(array).data_ptr() == array.ctypes.data


def test_the_foreign_byte_order_keeps_its_numbers():
    assert training.to_tensor(np.array([1, 2, 3], ">f4")).tolist() == [1, 2, 3]
    x, y = line()
    foreign = data.Batches(x.astype(">f4"), y.astype(">f4"), batch_size=16, seed=0)
    assert fit(batches=foreign)[1].loss == fit()[1].loss
    seen = [keras_line().fit(**training.keras_feed(b, 2)).history["loss"] for b in (foreign, batches_of_line())]
    assert seen[0] == seen[1]


# --- Keras


def keras_line(steps_per_execution=1, lr=0.1, **options):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(lr), "mse", steps_per_execution=steps_per_execution, **options)
    return model


@pytest.mark.parametrize("steps", [1, 2, 5, 7])
def test_keras_trains_to_the_same_weights(steps, recwarn):
    keras_model = keras_line(steps)
    seen = keras_model.fit(**training.keras_feed(batches_of_line(), 3)).history["loss"]
    torch_model, history = fit()
    w, b = keras_model.get_weights()
    assert np.allclose([w.item(), b.item()], [torch_model.weight.item(), torch_model.bias.item()], rtol=1e-4)
    assert np.allclose(seen, history.loss, rtol=1e-4)
    assert not [w for w in recwarn.list if "keras" in str(w.filename)]


class Recorder(keras.Model):
    """Only records: the sum over x · (step number) depends on order, sizes and number of batches."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1, kernel_initializer="zeros")
        self.step = self.add_weight(shape=(), initializer="zeros", trainable=False, name="step")
        self.sum = self.add_weight(shape=(), initializer="zeros", trainable=False, name="sum")

    def call(self, x, training=False):
        if training:
            self.step.assign_add(1.0)
            self.sum.assign_add(self.step * keras.ops.sum(x) / 1000)
        return self.dense(x)


@pytest.mark.parametrize("steps", [1, 3, 100])
@pytest.mark.parametrize("size", [7, 16, 70])
def test_keras_sees_each_batch_of_the_order_once(size, steps):
    x = np.arange(70, dtype="float32")[:, None]
    batches = data.Batches(x, x, batch_size=size, seed=4)
    model = Recorder()
    model.compile(keras.optimizers.SGD(0.0), "mse", steps_per_execution=steps)
    model.fit(**training.keras_feed(batches, 2, first_epoch=3))
    expected = [batch[0].sum() for epoch in (3, 4) for batch in batches.epoch(epoch)]
    assert float(model.step.numpy()) == len(expected)
    assert float(model.sum.numpy()) == pytest.approx(sum(k * s for k, s in enumerate(expected, 1)) / 1000, rel=1e-5)


def test_keras_counts_real_epochs_and_real_batches():
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch),
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["val_loss"])),
    )
    history = keras_line().fit(
        **training.keras_feed(batches_of_line(), 2, callbacks=[callback]), validation_data=line(11)
    )
    first, second = history.history["val_loss"]
    assert seen == [0, 1, 2, 3, 4, (0, first), 0, 1, 2, 3, 4, (1, second)]


def test_eager_mode_trains_the_same():
    results = []
    for eager in (False, True):
        model = keras_line(run_eagerly=eager)
        model.fit(**training.keras_feed(batches_of_line(), 2))
        results.append(model.get_weights()[0])
    assert np.allclose(*results, rtol=1e-5)


class Interrupting(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


@pytest.mark.parametrize("ended", ["well", "by the stop button", "by a loss of NaN"])
def test_keras_own_fit_trains_after_the_feed(ended):
    x, y = line()
    model, batches, callbacks = keras_line(), batches_of_line(), []
    if ended == "well":
        model.fit(**training.keras_feed(batches, 1))
    else:
        error = KeyboardInterrupt if ended == "by the stop button" else training.TrainingDiverged
        callbacks = [Interrupting()] if error is KeyboardInterrupt else []
        with pytest.raises(error):
            model.fit(**training.keras_feed(batches if callbacks else with_nan(), 3, callbacks=callbacks))
        model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    wide = np.tile(x, (3, 1)), np.tile(y, (3, 1))
    losses = model.fit(*wide, batch_size=35, epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="no signals")
def test_the_stop_button_acts_within_an_epoch():
    x = np.zeros((200_000, 1), "float32")
    batches = data.Batches(x, x, batch_size=1, seed=0)  # an epoch takes minutes
    model, epochs = keras_line(), []
    started = threading.Event()
    callbacks = [
        keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: started.set(), on_epoch_end=lambda epoch, logs: epochs.append(epoch)
        )
    ]

    def press():
        started.wait(60)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest-xdist's workers ignore it
    threading.Thread(target=press).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(**training.keras_feed(batches, 1, callbacks=callbacks))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not epochs and 0 < int(model.optimizer.iterations.numpy()) < len(batches)


def test_keras_stops_at_nan_with_its_place():
    for steps, first in ((5, 0), (1, 6)):
        with pytest.raises(training.TrainingDiverged, match=f"nan in epoch {first + 1}"):
            keras_line(steps).fit(**training.keras_feed(with_nan(), 2, first_epoch=first))


def test_no_epoch_trains_nothing():
    model = keras_line()
    model.fit(**training.keras_feed(batches_of_line(), 0))
    assert model.get_weights()[0] == 0


def test_class_weights_and_sample_weights_count():
    x, y = line()
    labels = (y[:, 0] > 0).astype("int32")
    weights = np.where(labels == 1, 3.0, 1.0).astype("float32")
    found = []
    for arrays, more in (
        ((x, labels), {"class_weight": {0: 1.0, 1: 3.0}}),
        ((x, labels, weights), {}),
        ((x, labels), {}),
    ):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, kernel_initializer="zeros")])
        model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(**training.keras_feed(data.Batches(*arrays, batch_size=16, seed=0), 2), **more)
        found.append(model.get_weights()[0])
    assert np.allclose(found[0], found[1], rtol=1e-5) and not np.allclose(found[0], found[2], rtol=1e-2)
    with pytest.raises(ValueError, match="sample_weight"):
        keras_line().fit(**training.keras_feed(batches_of_line(), 1), sample_weight=weights)


def test_a_second_feed_takes_no_second_copy_and_batches_are_let_go():
    batches = batches_of_line()
    training.keras_feed(batches, 1)
    held = training._HELD[batches]
    training.keras_feed(batches, 2)
    assert training._HELD[batches] is held and len(held) == 2
    x, _ = line()
    twice = data.Batches(x, x, batch_size=16)
    training.keras_feed(twice, 1)
    assert len(training._HELD[twice]) == 1  # an autoencoder's target is its input
    larger = data.Batches(x, batch_size=32)
    training.keras_feed(larger, 1)
    (first,), (second,) = training._HELD[twice].values(), training._HELD[larger].values()
    assert first is second  # other batches of the same array
    x += 1
    changed = data.Batches(x, batch_size=32)
    training.keras_feed(changed, 1)
    (tensor,) = training._HELD[changed].values()
    assert np.array_equal(tensor, x)  # it was changed in place
    gone = weakref.ref(twice)
    del twice, first, second
    gc.collect()
    assert gone() is None


def test_large_data_of_earlier_feeds_are_let_go_before_new_ones_are_loaded(monkeypatch):
    monkeypatch.setattr(training, "_LARGE", 0)
    model = keras_line()
    gc.disable()  # else Python may look for cycles by itself
    try:
        batches = batches_of_line()
        model.fit(**training.keras_feed(batches, 1))
        first = [weakref.ref(tensor) for tensor in training._HELD[batches].values()]
        batches = batches_of_line()
        model.fit(**training.keras_feed(batches, 1))
        assert [ref() for ref in first] == [None] * len(first)
    finally:
        gc.enable()


def test_many_arrays_reach_tensorflow_unchanged_and_without_a_warning(monkeypatch):
    """TensorFlow counts the calls of new functions, and complains of retracing after a few."""
    import tensorflow as tf

    said = []
    monkeypatch.setattr(tf.get_logger(), "warning", lambda message, *args: said.append(message))
    for k in range(8):
        array = np.arange(3.0 + k, dtype=np.float32)
        batches = data.Batches(array, batch_size=1)
        training.keras_feed(batches, 1)
        (held,) = training._HELD[batches].values()
        assert np.array_equal(held, array)
    assert not said


def test_the_two_predict_alike():
    x, _ = line()
    model = keras_line()
    model.fit(**training.keras_feed(batches_of_line(), 1))
    assert np.allclose(training.keras_predict(model, x), keras.ops.convert_to_numpy(model(x)), atol=1e-6)
    assert training.keras_predict(model, x).shape == training.predict(linear(), x).shape


# --- one rate for both


def torch_rates(make, steps, peak):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=peak)
    schedule, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(rates)


def linear_then_cosine(optimizer, steps, warm, start):
    """As lessons 06b, 07a and 07b write it."""

    def factor(t):
        if t < warm:
            return start + (1 - start) * t / warm
        return 0.5 * (1 + np.cos(np.pi * (t - warm) / (steps - warm)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


STEPS = 131
known = torch.optim.lr_scheduler
SCHEDULES = {
    "one cycle": (
        training.one_cycle(5e-3, STEPS),
        lambda o: known.OneCycleLR(o, 5e-3, STEPS, cycle_momentum=False),
    ),
    "one cycle, short rise": (
        training.one_cycle(5e-3, STEPS, warmup=0.1),
        lambda o: known.OneCycleLR(o, 5e-3, STEPS, pct_start=0.1, cycle_momentum=False),
    ),
    "cosine": (training.cosine(5e-3, STEPS), lambda o: known.CosineAnnealingLR(o, STEPS)),
    "cosine, warm-up": (
        training.cosine(5e-3, STEPS, warmup=0.2, start=0.04),
        lambda o: linear_then_cosine(o, STEPS, STEPS // 5, 0.04),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_is_one_in_both_frameworks_and_the_one_of_pytorch(name):
    schedule, theirs = SCHEDULES[name]
    steps = np.arange(STEPS)
    rates = schedule.at(steps)
    assert np.allclose(rates, torch_rates(theirs, STEPS, 5e-3), rtol=1e-9, atol=0)
    assert np.array_equal(rates, torch_rates(schedule.torch, STEPS, peak=7.0))  # whatever the optimizer began with
    in_keras = [float(schedule.keras()(k)) for k in steps]
    assert np.allclose(in_keras, rates, rtol=1e-7, atol=0)
    assert schedule.at(3) == rates[3] and rates.max() <= 5e-3 and schedule.at(STEPS + 9) == schedule.at(STEPS)


def test_the_cosine_is_that_of_keras():
    theirs = keras.optimizers.schedules.CosineDecay(2e-4, STEPS - 26, warmup_target=5e-3, warmup_steps=26)
    mine = training.cosine(5e-3, STEPS, warmup=0.2, start=0.04)
    assert np.allclose([float(theirs(k)) for k in range(STEPS)], mine.at(np.arange(STEPS)), rtol=1e-4, atol=1e-9)


def test_both_frameworks_train_alike_on_one_schedule_and_keras_keeps_it_in_a_file(tmp_path):
    schedule = training.one_cycle(0.2, 15)
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scheduler = schedule.torch(optimizer)
    losses = training.fit(model, batches_of_line(), nn.MSELoss(), optimizer, epochs=3, scheduler=scheduler).loss
    twin = keras_line(lr=schedule.keras())
    assert np.allclose(twin.fit(**training.keras_feed(batches_of_line(), 3)).history["loss"], losses, rtol=1e-4)
    twin.save(tmp_path / "twin.keras")
    again = keras.saving.load_model(tmp_path / "twin.keras")
    assert float(again.optimizer.learning_rate) == pytest.approx(schedule.at(15), rel=1e-6)
    torch.save(scheduler.state_dict(), tmp_path / "scheduler.pt")
    fresh = schedule.torch(torch.optim.SGD(model.parameters(), 0.1))
    fresh.load_state_dict(torch.load(tmp_path / "scheduler.pt", weights_only=True))
    assert fresh.last_epoch == 15


@pytest.mark.parametrize(
    "make",
    [
        lambda: training.one_cycle(0.0, 10),
        lambda: training.one_cycle(0.1, 2),
        lambda: training.one_cycle(0.1, 10, warmup=1.0),
        lambda: training.cosine(0.1, 0),
        lambda: training.cosine(0.1, 10, warmup=1.0),
    ],
)
def test_a_schedule_without_room_is_refused(make):
    with pytest.raises(ValueError, match="steps to rise and to fall in"):
        make()
