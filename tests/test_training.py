"""The training loop: what it learns, what it records, what it refuses; and Keras fed in the same order."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

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


def linear():
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


def fit(model=None, lr=0.1, **options):
    x, y = line()
    model = model or linear()
    settings = {"epochs": 3, **options}
    batches = settings.pop("batches", data.Batches(x, y, batch_size=16, seed=0))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    return model, training.fit(model, batches, nn.MSELoss(), optimizer, **settings)


def test_a_line_is_learnt_and_the_history_is_complete():
    model, history = fit(epochs=60, validation=line(11), metrics={"absolute": nn.L1Loss()})
    assert abs(model.weight.item() - 2) < 0.02 and abs(model.bias.item() + 1) < 0.02
    assert len(history.loss) == len(history.val_loss) == len(history.metrics["absolute"]) == 60
    assert history.loss[-1] < 1e-3 * history.loss[0] and history.cpu_s > 0 and not model.training


def test_the_loop_is_gradient_descent_on_the_batches_in_their_order():
    """Replay in NumPy: same order, the last batch smaller, mean over each batch."""
    x, y = line()
    batches = data.Batches(x, y, batch_size=16, seed=0)
    w = b = 0.0
    losses = []
    for epoch in range(3):
        total = 0.0
        for index in batches.indices(epoch):
            error = w * x[index] + b - y[index]
            total += float((error**2).sum())
            w, b = w - 0.1 * float((2 * error * x[index]).mean()), b - 0.1 * float((2 * error).mean())
        losses.append(total / len(x))
    model, history = fit()
    assert np.allclose(history.loss, losses, rtol=1e-5)
    assert np.allclose([model.weight.item(), model.bias.item()], [w, b], rtol=1e-5)


def test_clipping_is_by_the_global_norm_and_the_scheduler_moves_each_step():
    model = linear()
    x, y = line(16)
    batches = data.Batches(x, y, batch_size=16, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    training.fit(model, batches, nn.MSELoss(), optimizer, epochs=1, clip_norm=0.01, scheduler=scheduler)
    moved = np.hypot(model.weight.item(), model.bias.item())
    assert moved == pytest.approx(0.01, rel=1e-3)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_early_stopping_restores_the_best_weights():
    x, y = line()
    bad = (x, -y)  # validation that gets worse as the training gets better
    model, history = fit(epochs=20, validation=bad, patience=2)
    assert len(history.val_loss) == 3 and history.best_epoch == 1
    best = training.evaluate(model, bad, {"loss": nn.MSELoss()})["loss"]
    assert best == pytest.approx(history.val_loss[0], rel=1e-5)


def test_a_loss_of_the_model_itself():
    x, _ = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = training.fit(
        model,
        data.Batches(x, batch_size=16, seed=0),
        optimizer=optimizer,
        objective=lambda model, x: (model(x) - 3).square().mean(),
        epochs=40,
        validation=(x,),
    )
    assert model.bias.item() == pytest.approx(3, abs=0.05) and history.val_loss[-1] < 0.01


def test_a_loss_that_becomes_nan_is_stopped_with_its_place():
    x, y = line()
    y = y.copy()
    y[3] = np.nan
    with pytest.raises(training.TrainingDiverged, match=r"nan in epoch 1.*Lower the learning rate") as stopped:
        fit(batches=data.Batches(x, y, batch_size=16, seed=0))
    assert stopped.value.history is not None
    with pytest.raises(training.TrainingDiverged, match=r"(inf|nan) in epoch \d+"):
        fit(lr=1e12, epochs=20)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patience": 3}, "validation"),
        ({"metrics": {"a": nn.L1Loss()}}, "validation"),
        ({"objective": lambda m, x, y: 0}, "not both"),
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        fit(**options)


def test_without_loss_or_optimizer():
    x, y = line()
    with pytest.raises(ValueError, match="loss"):
        training.fit(linear(), data.Batches(x, y, batch_size=16), epochs=1)
    with pytest.raises(ValueError, match="optimizer"):
        training.fit(linear(), data.Batches(x, y, batch_size=16), nn.MSELoss(), epochs=1)


def test_progress_prints_a_line_for_each_epoch(capsys):
    fit(epochs=2, progress=True, validation=line(11))
    assert capsys.readouterr().out.count("validation") == 2


def test_prediction_and_evaluation_do_not_depend_on_the_batch_size():
    x, y = line()
    model = nn.Sequential(nn.Linear(1, 4), nn.Dropout(0.5), nn.Linear(4, 1)).train()
    assert np.allclose(training.predict(model, x), training.predict(model, x, batch_size=7), atol=1e-6)
    whole, parts = (training.evaluate(model, (x, y), {"m": nn.MSELoss()}, batch_size=size)["m"] for size in (100, 7))
    assert whole == pytest.approx(parts, rel=1e-5) and model.training
    with pytest.raises(ValueError, match="targets"):
        training.evaluate(model, (x, y[:3]), {"m": nn.MSELoss()})


def test_read_only_arrays_become_tensors_without_a_warning(recwarn):
    array = np.ones(3, "float32")
    array.flags.writeable = False
    assert training.to_tensor(array).sum() == 3 and not recwarn.list


def keras_line(steps_per_execution=1, lr=0.1):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(lr), "mse", steps_per_execution=steps_per_execution)
    return model


@pytest.mark.parametrize("steps", [1, 5])
def test_keras_trains_to_the_same_weights(steps, recwarn):
    x, y = line()
    batches = data.Batches(x, y, batch_size=16, seed=0)
    keras_model = keras_line(steps)
    seen = keras_model.fit(**training.keras_feed(batches, 3)).history["loss"]
    torch_model, history = fit()
    w, b = keras_model.get_weights()
    assert np.allclose([w.item(), b.item()], [torch_model.weight.item(), torch_model.bias.item()], rtol=1e-4)
    assert np.allclose(seen, history.loss, rtol=1e-4)
    assert not [w for w in recwarn.list if "keras" in str(w.filename)]


@pytest.mark.parametrize(("size", "drop_last"), [(16, True), (70, False), (7, False), (64, True)])
def test_keras_sees_each_batch_of_the_order_once(size, drop_last):
    """A model that only records: the sum over x · (step number) depends on order, sizes and number of batches."""

    class Recorder(keras.Model):
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

    x = np.arange(70, dtype="float32")[:, None]
    batches = data.Batches(x, x, batch_size=size, seed=4, drop_last=drop_last)
    model = Recorder()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(**training.keras_feed(batches, 2, first_epoch=3))
    expected = [batch[0].sum() for epoch in (3, 4) for batch in batches.epoch(epoch)]
    assert float(model.step.numpy()) == len(expected)
    assert float(model.sum.numpy()) == pytest.approx(sum(k * s for k, s in enumerate(expected, 1)) / 1000, rel=1e-5)


def test_validation_callbacks_eager_mode_and_a_later_plain_fit():
    x, y = line()
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["val_loss"]))
    model = keras_line()
    batches = data.Batches(x, y, batch_size=16, seed=0)
    history = model.fit(**training.keras_feed(batches, 2, callbacks=[callback]), validation_data=line(11))
    assert seen == history.history["val_loss"] and len(seen) == 2
    eager = keras_line()
    eager.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    eager.fit(**training.keras_feed(batches, 2))
    assert np.allclose(eager.get_weights()[0], model.get_weights()[0], rtol=1e-5)
    before = model.get_weights()[0].item()
    model.fit(x, y, batch_size=35, epochs=1, verbose=0)  # Keras's own feeding still works afterwards
    assert model.get_weights()[0].item() != before


def test_keras_stops_at_nan_with_its_place():
    x, y = line()
    y = y.copy()
    y[3] = np.nan
    with pytest.raises(training.TrainingDiverged, match="nan in epoch 1"):
        keras_line(5).fit(**training.keras_feed(data.Batches(x, y, batch_size=16, seed=0), 2))


def test_many_arrays_reach_tensorflow_unchanged_and_without_a_warning(monkeypatch):
    """TensorFlow counts the calls of new functions, and complains of retracing after a few."""
    from tensorflow.python.platform import tf_logging

    said = []
    monkeypatch.setattr(tf_logging, "warning", lambda message, *args: said.append(message))
    for k in range(8):
        array = np.arange(3.0 + k, dtype=np.float32)
        assert np.array_equal(training._tensor(array), array)
    assert not said
