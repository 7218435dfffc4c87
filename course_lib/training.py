"""The training loop that lesson 04a writes out, and the feeding of Keras in exactly the same order.

Data lie on the device once; each batch is gathered by index. For steps of a few milliseconds that costs about a tenth
more than the bare training step, for the smallest networks up to half (``make bench``); loading sample by sample costs
up to 8.8 times.
"""

from __future__ import annotations

import copy
import math
import time
import warnings
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import keras
import numpy as np
import torch

__all__ = [
    "History", "StopOnNaN", "TrainingDiverged", "evaluate", "fit", "keras_feed", "predict", "to_tensor",
]  # fmt: skip

_CHECK_EVERY = 50  # steps between looks at the loss: each look waits for a GPU, so not every step


class TrainingDiverged(FloatingPointError):
    """The loss became NaN or infinite. ``history`` holds what was measured before."""

    def __init__(self, message: str, history: History | None = None):
        super().__init__(message)
        self.history = history


@dataclass
class History:
    """What one training measured; the names are those of Keras's ``History.history``.

    Attributes
    ----------
    loss : list of float
        Mean training loss of each epoch, weighted by batch size (model in training mode, weights still moving).
    val_loss : list of float
        Validation loss after each epoch; empty without validation data.
    metrics : dict of str to list of float
        Each metric on the validation data after each epoch.
    cpu_s, wall_s : float
        Seconds that the training took, evaluation included.
    best_epoch : int or None
        The epoch, from 1, whose weights were restored (with ``patience`` only).
    """

    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    cpu_s: float = 0.0
    wall_s: float = 0.0
    best_epoch: int | None = None


def to_tensor(array, device="cpu") -> torch.Tensor:
    """Return an array as a tensor on ``device``; on the CPU without a copy.

    The arrays of ``course_lib.data`` are read-only. PyTorch warns about that, because it cannot know that nobody
    writes; here nobody does.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")
        return torch.as_tensor(array).to(device)


def fit(
    model: torch.nn.Module,
    batches,
    loss: Callable | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    epochs: int,
    objective: Callable | None = None,
    scheduler=None,
    clip_norm: float | None = None,
    validation=None,
    metrics: Mapping[str, Callable] | None = None,
    patience: int | None = None,
    device=None,
    progress: bool = False,
    first_epoch: int = 0,
) -> History:
    """Train a PyTorch module on ``batches``; the counterpart of ``keras.Model.fit``.

    Parameters
    ----------
    model : torch.nn.Module
        Moved to ``device`` and left in evaluation mode.
    batches : course_lib.data.Batches
        Arrays ``(x, y)``, or any number of arrays if ``objective`` is given.
    loss : callable (prediction, target) -> scalar tensor
        For example ``torch.nn.CrossEntropyLoss()``; averaged over the batch.
    optimizer : torch.optim.Optimizer
    epochs : int
    objective : callable (model, *batch) -> scalar tensor, optional
        Instead of ``loss``, for models whose loss is not a function of prediction and target alone.
    scheduler : torch.optim.lr_scheduler.LRScheduler, optional
        Stepped after every batch.
    clip_norm : float, optional
        Largest global gradient norm (Keras: ``global_clipnorm``).
    validation : tuple of arrays (x, y), optional
        Measured after each epoch; with ``objective``, the arrays that it takes after the model.
    metrics : mapping from name to callable (prediction, target) -> scalar, optional
        Measured on ``validation``, in evaluation mode.
    patience : int, optional
        Stop after so many epochs without a smaller validation loss, and restore the best weights.
    device : torch.device, optional
        Default: where the model's parameters are.
    progress : bool
        Print one line per epoch.
    first_epoch : int
        Number of the first epoch in the batches' order, for training that goes on where it stopped.

    Returns
    -------
    History

    Raises
    ------
    TrainingDiverged
        If the loss becomes NaN or infinite; the message names epoch and step.
    ValueError
        If the arguments do not fit together.
    """
    if (loss is None) == (objective is None):
        raise ValueError("give either loss=… (prediction, target) or objective=… (model, *batch), and not both")
    if optimizer is None:
        raise ValueError("give an optimizer, for example torch.optim.Adam(model.parameters(), lr=1e-3)")
    if patience is not None and validation is None:
        raise ValueError("patience=… needs validation=(x, y): early stopping looks at the validation loss")
    if metrics and validation is None:
        raise ValueError("metrics=… needs validation=(x, y)")
    if objective is None:
        objective = lambda model, x, y: loss(model(x), y)  # noqa: E731
    device = device or next(model.parameters()).device
    model.to(device)
    held = {id(array): to_tensor(array, device) for array in batches.arrays}  # an autoencoder's target is its input
    history, best, best_weights = History(metrics={name: [] for name in metrics or {}}), math.inf, None
    cpu, wall = time.process_time(), time.perf_counter()

    for epoch in range(first_epoch, first_epoch + epochs):
        model.train()
        order = torch.from_numpy(batches.order(epoch)).to(device)
        total, seen = torch.zeros((), device=device), 0
        for step in range(len(batches)):
            index = order[step * batches.batch_size : (step + 1) * batches.batch_size]
            optimizer.zero_grad(set_to_none=True)
            parts = {key: array[index] for key, array in held.items()}
            value = objective(model, *(parts[id(array)] for array in batches.arrays))
            value.backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            total += value.detach() * len(index)
            seen += len(index)
            if step % _CHECK_EVERY == 0 or step == len(batches) - 1:
                _refuse_nan(float(total), epoch, step, history)
        history.loss.append(float(total) / seen)
        if validation is not None:
            model.eval()
            if loss is None:
                with torch.no_grad():
                    value = float(objective(model, *(to_tensor(a, device) for a in validation)))
                history.val_loss.append(value)
            else:
                values = evaluate(model, validation, {"loss": loss, **(metrics or {})}, device=device)
                history.val_loss.append(values.pop("loss"))
                for name, value in values.items():
                    history.metrics[name].append(value)
        if progress:
            tail = f"  validation {history.val_loss[-1]:.4f}" if validation is not None else ""
            print(f"epoch {epoch + 1:3d}  loss {history.loss[-1]:.4f}{tail}")
        if patience is not None:
            if history.val_loss[-1] < best:
                best, history.best_epoch = history.val_loss[-1], epoch + 1
                best_weights = copy.deepcopy(model.state_dict())
            elif epoch + 1 - (history.best_epoch or first_epoch) >= patience:
                break
    if best_weights is not None:
        model.load_state_dict(best_weights)
    model.eval()
    history.cpu_s, history.wall_s = time.process_time() - cpu, time.perf_counter() - wall
    return history


def _refuse_nan(value: float, epoch: int, step: int | None, history: History | None) -> None:
    if not math.isfinite(value):
        place = f"epoch {epoch + 1}" if step is None else f"epoch {epoch + 1}, at or before step {step + 1}"
        raise TrainingDiverged(
            f"the training loss is {value} in {place}. Lower the learning "
            "rate, clip the gradients, or look for a logarithm or division of zero; the weights are no longer usable.",
            history,
        )


@torch.no_grad()
def predict(model: torch.nn.Module, x, *, batch_size: int = 1024, device=None) -> np.ndarray:
    """Return the model's outputs for all of ``x``, in evaluation mode, as one NumPy array of shape (n, …)."""
    device = device or next(model.parameters()).device
    was_training = model.training
    model.eval()
    parts = [model(to_tensor(x[i : i + batch_size], device)).cpu().numpy() for i in range(0, len(x), batch_size)]
    model.train(was_training)
    return np.concatenate(parts)


@torch.no_grad()
def evaluate(model, data, metrics: Mapping[str, Callable], *, batch_size: int = 1024, device=None) -> dict[str, float]:
    """Return each metric's mean over ``data = (x, y)``, in evaluation mode; metrics average over their batch."""
    x, y = data
    if len(x) != len(y) or not len(x):
        raise ValueError(f"data needs as many targets as inputs, and at least one; got {len(x)} and {len(y)}")
    device = device or next(model.parameters()).device
    was_training = model.training
    model.eval()
    sums = dict.fromkeys(metrics, 0.0)
    for i in range(0, len(x), batch_size):
        prediction = model(to_tensor(x[i : i + batch_size], device))
        target = to_tensor(y[i : i + batch_size], device)
        for name, metric in metrics.items():
            sums[name] += float(metric(prediction, target)) * len(target)
    model.train(was_training)
    return {name: value / len(x) for name, value in sums.items()}


def keras_feed(batches, epochs: int, *, first_epoch: int = 0, callbacks=()) -> dict:
    """Return the arguments with which Keras trains on the batches of ``fit``: ``model.fit(**keras_feed(batches, 5))``.

    Each epoch is one call of one graph: it takes the epoch's order, gathers batch after batch from arrays that lie on
    the device, and runs the model's own ``train_step`` on each. That costs 1.0 to 1.2 times the bare step, for the
    smallest networks up to 1.5 (``make bench``), where ``fit`` on arrays costs up to 2.8 times. A loss that becomes NaN stops the training.

    Parameters
    ----------
    batches : course_lib.data.Batches
    epochs, first_epoch : int
        Epochs ``first_epoch … first_epoch + epochs − 1`` of the batches' order.
    callbacks : sequence of keras.callbacks.Callback
        Further callbacks. Keras counts an epoch as one batch here: use those that act at the end of an epoch.

    Returns
    -------
    dict
        Keyword arguments of ``keras.Model.fit``; add ``validation_data=(x, y)`` beside them where it is wanted.
    """
    import tensorflow as tf

    orders = np.stack([batches.order(epoch) for epoch in range(first_epoch, first_epoch + epochs)]).astype(np.int32)
    return {
        # Repeated, because Keras begins a finite data set anew if the model has a steps_per_execution above one.
        "x": tf.data.Dataset.from_tensor_slices(orders).repeat(),
        "epochs": epochs,
        "steps_per_epoch": 1,
        "shuffle": False,
        "verbose": 0,
        "callbacks": [_EpochInOneGraph(batches), StopOnNaN(), *callbacks],
    }


def _tensor(array):
    """Return a NumPy array as a TensorFlow tensor that holds its numbers once.

    ``tf.convert_to_tensor`` keeps a second copy for as long as the tensor lives, and uses two more while a graph that
    reads it is made: 0.4 GB for the digits of MNIST.
    """
    import tensorflow as tf

    def value():
        return array

    def read():
        tensor = tf.numpy_function(value, [], array.dtype)
        tensor.set_shape(array.shape)
        return tensor

    with tf.device("/CPU:0"):
        # As a concrete function: calls of ever new functions make TensorFlow warn of retracing.
        tensor = tf.function(read, autograph=False).get_concrete_function()()
    return tf.identity(tensor)  # on the GPU, where there is one


_EPOCHS = weakref.WeakKeyDictionary()  # model -> (what its function was made for, the function)
_HELD = weakref.WeakKeyDictionary()  # batches -> its arrays as tensors, for all models that train on them


class _EpochInOneGraph(keras.callbacks.Callback):
    """Let the model's ``train_function`` take the order of an epoch and run all its batches."""

    def __init__(self, batches):
        super().__init__()
        self._batches = batches

    def on_train_begin(self, logs=None):
        model = self.model
        # Tracing a recurrent network takes a second: once for each model, batches and compilation is enough.
        key = (self._batches, model.optimizer, model._compile_loss, model.run_eagerly)
        known, function = _EPOCHS.get(model, (None, None))
        if known is None or any(a is not b for a, b in zip(known, key)):
            function = self._make(model)
            _EPOCHS[model] = (key, function)
        model.train_function = function

    def _make(self, model):
        import tensorflow as tf

        model = weakref.proxy(model)
        size = self._batches.batch_size
        arrays = self._batches.arrays
        if self._batches not in _HELD:
            _HELD[self._batches] = {id(array): _tensor(array) for array in arrays}  # once, if the target is the input
        held = _HELD[self._batches]
        n = len(arrays[0])
        whole = n // size
        rest = n - whole * size if len(self._batches) > whole else 0

        def step(*batch):
            return model.train_step(batch)

        if not model.run_eagerly:
            step = tf.function(step, jit_compile=model.jit_compile, reduce_retracing=False)

        def one_batch(order, begin, length):
            # tf.slice, and not order[begin:…]: the shape is then known to the graph, and its step is quicker.
            index = tf.slice(order, [begin], [length])
            parts = {key: tf.gather(array, index) for key, array in held.items()}
            return step(*(parts[id(array)] for array in arrays))

        def one_epoch(iterator):
            order = next(iterator)
            if whole:
                logs = one_batch(order, 0, size)
                for k in tf.range(1, whole):
                    logs = one_batch(order, k * size, size)
            if rest:
                logs = one_batch(order, whole * size, rest)
            return logs

        return one_epoch if model.run_eagerly else tf.function(one_epoch, reduce_retracing=True)

    def on_train_end(self, logs=None):
        self.model.train_function = None  # a later fit on other data makes Keras's own again


class StopOnNaN(keras.callbacks.Callback):
    """Raise ``TrainingDiverged`` when the loss is NaN or infinite; Keras's own ``TerminateOnNaN`` ends in silence."""

    def on_epoch_end(self, epoch, logs=None):
        if logs and "loss" in logs:
            _refuse_nan(float(logs["loss"]), epoch, None, None)
