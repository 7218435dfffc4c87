"""The training loop that lesson 04a writes out, Keras fed in the same order, and one learning rate for both. Data lie
on the device once and each batch is gathered by index: loading sample by sample costs up to 8.8 times."""

from __future__ import annotations

import gc
import math
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field

import keras
import numpy as np
import torch

from course_lib.data import Batches

__all__ = [
    "History", "Schedule", "TrainingDiverged", "cosine", "evaluate", "fit",
    "keras_feed", "keras_predict", "one_cycle", "predict", "to_tensor",
]  # fmt: skip

_CHECK_EVERY = 50  # steps between looks at the loss: each look waits for a GPU, so not every step
_LARGE = 1 << 25  # bytes for which it pays to look for unused memory first, some tenths of a second
_ROWS = 1024  # examples at once where nothing is trained


class TrainingDiverged(FloatingPointError):
    """A loss became NaN or infinite. ``history`` holds what was measured before, for PyTorch."""

    def __init__(self, message: str, history: History | None = None):
        super().__init__(message)
        self.history = history


@dataclass
class History:
    """What one training measured, by the names of Keras's ``History.history``."""

    loss: list[float] = field(default_factory=list)  # each epoch's mean, in training mode, while the weights move
    val_loss: list[float] = field(default_factory=list)  # as ``metrics``, on the validation data after each epoch
    metrics: dict[str, list[float]] = field(default_factory=dict)
    cpu_s: float = 0.0  # CPU seconds of it all


def to_tensor(array, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return an array as a tensor on ``device``; on the CPU without a copy, unless its byte order is foreign."""
    with warnings.catch_warnings():  # the course's arrays are read-only: PyTorch cannot know that nobody writes
        warnings.filterwarnings("ignore", message=".*not writable.*")
        if isinstance(array, np.ndarray):
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
        return torch.as_tensor(array).to(device)


def _target(tensor: torch.Tensor) -> torch.Tensor:
    """Labels as PyTorch's losses want them: int64, where Keras takes any whole numbers."""
    return tensor.long() if tensor.dtype in (torch.int8, torch.int16, torch.int32) else tensor


@contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[torch.device]:
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield next((p.device for p in model.parameters()), torch.device("cpu"))
    finally:
        model.train(was_training)


@contextmanager
def _no_broadcast() -> Iterator[None]:
    """Refuse targets (n,) beside predictions (n, 1): PyTorch would compare each with each, Keras does not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Using a target size", category=UserWarning)
        try:
            yield
        except UserWarning as warning:
            if "target size" not in str(warning):
                raise
            advice = "give targets and predictions one shape, for example y[:, None]"
            raise ValueError(f"{advice}. {str(warning).split('. ')[0]}.") from warning


def fit(
    model: torch.nn.Module, batches: Batches, loss: Callable | None = None,
    optimizer: torch.optim.Optimizer | None = None, *, epochs: int, objective: Callable | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None, clip_norm: float | None = None,
    validation: tuple | None = None, metrics: Mapping[str, Callable] | None = None, first_epoch: int = 0,
) -> History:  # fmt: skip
    """Train a module where its parameters are, as ``keras.Model.fit`` does; it is left in evaluation mode, in any case.

    Parameters
    ----------
    batches : arrays ``(x, y)``, or any number of arrays if ``objective`` is given.
    loss : (prediction, target) -> scalar tensor, the mean of the batch: for example ``torch.nn.CrossEntropyLoss()``.
    epochs, first_epoch : epochs ``first_epoch … first_epoch + epochs − 1`` of the batches' order.
    objective : (model, *batch) -> scalar tensor, instead of ``loss`` where it takes more than prediction and target.
    scheduler, clip_norm : stepped after every batch; largest global gradient norm (Keras: ``global_clipnorm``).
    validation : arrays (x, y), measured after each epoch; with ``objective``, what it takes after the model.
    metrics : names to (prediction, target) -> scalar, measured on ``validation``, in evaluation mode.

    Raises ``TrainingDiverged`` if the loss becomes NaN or infinite, or the validation loss NaN; ``ValueError`` if
    arguments do not fit together, the optimizer is another model's, or the scheduler is at its end."""
    if (loss is None) == (objective is None):
        raise ValueError("give either loss=… (prediction, target) or objective=… (model, *batch), and not both")
    if optimizer is None:
        raise ValueError("give an optimizer, for example torch.optim.Adam(model.parameters(), lr=1e-3)")
    if metrics and (validation is None or loss is None):
        raise ValueError("metrics=… needs validation=(x, y) and loss=…")
    if not isinstance(batches, Batches):
        raise TypeError(f"batches must be course_lib.data.Batches(x, y, batch_size=…), not {type(batches).__name__}")
    if validation is not None and not isinstance(validation, (tuple, list)):
        raise TypeError(f"validation takes arrays (x, y), not {type(validation).__name__}; Batches have .arrays")
    own = {id(p) for part in (model, loss) if isinstance(part, torch.nn.Module) for p in part.parameters()}
    foreign = [id(p) not in own for group in optimizer.param_groups for p in group["params"]]
    if all(foreign) or (objective is None and any(foreign)):
        raise ValueError("the optimizer was made for another model's parameters: make it anew after the model")
    if objective is None:
        objective = lambda model, x, y: loss(model(x), _target(y))  # noqa: E731
    device = next(model.parameters()).device
    held = {id(array): to_tensor(array, device) for array in batches.arrays}  # an autoencoder's target is its input
    history, cpu = History(metrics={name: [] for name in metrics or {}}), time.process_time()
    try:
        for epoch in range(first_epoch, first_epoch + epochs):
            model.train()
            order = torch.from_numpy(batches.order(epoch)).to(device)
            total, seen = torch.zeros((), device=device), 0
            for step in range(len(batches)):
                index = order[step * batches.batch_size : (step + 1) * batches.batch_size]
                optimizer.zero_grad(set_to_none=True)
                parts = {key: array[index] for key, array in held.items()}
                with _no_broadcast() if (epoch, step) == (first_epoch, 0) else nullcontext():
                    value = objective(model, *(parts[id(array)] for array in batches.arrays))
                value.backward()
                if clip_norm is not None:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
                optimizer.step()
                if scheduler is not None:
                    _move(scheduler)
                total += value.detach() * len(index)
                seen += len(index)
                if step % _CHECK_EVERY == 0 or step == len(batches) - 1:
                    _refuse_nan(float(total), f"epoch {epoch + 1}, at or before step {step + 1}", history)
            history.loss.append(float(total) / seen)
            if validation is None:
                continue
            if loss is None:
                with _evaluating(model):
                    values = {"loss": float(objective(model, *(to_tensor(a, device) for a in validation)))}
            else:
                values = evaluate(model, validation, {"loss": loss, **(metrics or {})})
            history.val_loss.append(values.pop("loss"))
            for name, value in values.items():
                history.metrics[name].append(value)
            if math.isnan(history.val_loss[-1]):
                where = f"the validation loss is nan after epoch {epoch + 1}, the training loss is not"
                raise TrainingDiverged(f"{where}: look for NaN in the validation data.", history)
    finally:
        model.eval()
        history.cpu_s = time.process_time() - cpu
    return history


def _move(scheduler) -> None:
    try:
        scheduler.step()
    except ValueError as error:
        advice = "the learning-rate schedule is at its end: make optimizer and schedule anew to train again"
        raise ValueError(f"{advice}. {error}") from error


def _refuse_nan(value: float, place: str, history: History | None = None) -> None:
    if not math.isfinite(value):
        advice = "Lower the learning rate, clip the gradients, or look for a logarithm or division of zero"
        raise TrainingDiverged(f"the training loss is {value} in {place}. {advice}; the weights are spoilt.", history)


def predict(model: torch.nn.Module, x) -> np.ndarray:
    """Return the model's outputs for all of ``x``, in evaluation mode, as one NumPy array of shape (n, …)."""
    if not len(x):
        raise ValueError("x has no rows: there is nothing to predict")
    parts = []
    with _evaluating(model) as device:
        for i in range(0, len(x), _ROWS):
            parts.append(model(to_tensor(x[i : i + _ROWS], device)))
            if not isinstance(parts[-1], torch.Tensor):
                kind = type(parts[-1]).__name__
                raise TypeError(f"predict needs a model that returns one tensor, and this one returns a {kind}")
    return torch.cat(parts).cpu().numpy()


def keras_predict(model: keras.Model, x) -> np.ndarray:
    """Return a Keras model's outputs for all of ``x``, as ``predict`` does for PyTorch: one array of shape (n, …)."""
    return model.predict(x, batch_size=_ROWS, verbose=0)


def evaluate(model: torch.nn.Module, data: tuple, metrics: Mapping[str, Callable]) -> dict[str, float]:
    """Return the means over ``data = (x, y)``, in evaluation mode, of metrics (prediction, target) -> their mean."""
    x, y = data
    if len(x) != len(y) or not len(x):
        raise ValueError(f"data needs as many targets as inputs, and at least one; got {len(x)} and {len(y)}")
    sums = dict.fromkeys(metrics, 0.0)
    with _evaluating(model) as device, _no_broadcast():
        for i in range(0, len(x), _ROWS):
            prediction = model(to_tensor(x[i : i + _ROWS], device))
            target = _target(to_tensor(y[i : i + _ROWS], device))
            for name, metric in metrics.items():
                sums[name] += float(metric(prediction, target)) * len(target)
    return {name: value / len(x) for name, value in sums.items()}


_HELD = weakref.WeakKeyDictionary()  # batches -> its arrays as tensors, for all models that train on them


def keras_feed(batches: Batches, epochs: int, *, first_epoch: int = 0, callbacks=()) -> dict:
    """Return the arguments with which Keras trains on the batches of ``fit``: ``model.fit(**keras_feed(batches, 5))``.
    ``batches`` hold arrays ``(x, y)``, ``(x, y, sample_weight)``, or whatever the model's own ``train_step`` takes;
    ``epochs`` and ``first_epoch`` are those of ``fit``. ``validation_data=(x, y)`` or ``class_weight`` may stand beside
    the feed. Keras then raises ``TrainingDiverged`` when an epoch's loss is NaN or infinite. Small networks become up
    to three times quicker with ``model.compile(…, steps_per_execution=32)``, any number of batches in one call of the
    graph."""
    import tensorflow as tf

    def load(array: np.ndarray):
        # tf.convert_to_tensor takes twice the memory at first; calls of ever new functions warn of retracing.
        read = tf.function(lambda: tf.numpy_function(lambda: array, [], array.dtype), autograph=False)
        return read.get_concrete_function()()

    with tf.device("/CPU:0"):
        if batches not in _HELD:  # by identity: a target may be the input, and other batches hold the same array
            arrays = {id(array): array for array in batches.arrays}
            if sum(array.nbytes for array in arrays.values()) > _LARGE:
                gc.collect()  # the graphs of earlier feeds lie in cycles, and each holds its data till Python looks
            known = {key: tensor for tensors in _HELD.values() for key, tensor in tensors.items()}
            shared = {key for key, a in arrays.items() if key in known and np.array_equal(known[key], a)}
            _HELD[batches] = {key: known[key] if key in shared else load(a) for key, a in arrays.items()}
        order = tf.Variable(np.zeros(batches.n, np.int32), trainable=False)
    held, keys, size = _HELD[batches], [id(array) for array in batches.arrays], batches.batch_size
    length = None if batches.n % size else size  # the graph's steps are quicker if all are alike

    def gather(k):
        index = order[k * size : (k + 1) * size]
        index.set_shape([length])
        parts = {key: tf.gather(array, index) for key, array in held.items()}
        return tuple(parts[key] for key in keys)

    # Keras goes through the data anew in each epoch: the callback lays out its order. TerminateOnNaN ends in silence.
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: order.assign(batches.order(first_epoch + epoch).astype(np.int32)),
        on_epoch_end=lambda epoch, logs: _refuse_nan(logs.get("loss", 0.0), f"epoch {first_epoch + epoch + 1}"),
    )
    rows = tf.data.Dataset.range(len(batches)).map(gather)
    return {"x": rows, "epochs": epochs, "shuffle": False, "verbose": 0, "callbacks": [watch, *callbacks]}


@dataclass(frozen=True)
class Schedule:
    """A learning rate over all training steps, made by ``one_cycle`` or ``cosine``; it falls along half a cosine."""

    peak: float
    steps: int
    top: float  # the step of the peak
    last: float  # the step of the end
    start: float
    end: float
    straight: bool  # else it rises along half a cosine

    def __post_init__(self):
        if not (self.peak > 0 and 0 <= self.top < self.last):
            found = f"peak {self.peak}, {self.steps} steps, the peak at step {self.top:g}"
            raise ValueError(f"a rate needs a peak above 0 and steps to rise and to fall in: {found}")

    def at(self, k):
        """Return the rate of step k, from 0: a float, or an array of k's shape. After the last step it stays."""
        k = np.asarray(k, dtype=float)
        part = np.clip(k / max(self.top, 1e-9), 0, 1)
        rise = part if self.straight else (1 - np.cos(np.pi * part)) / 2
        fall = (1 + np.cos(np.pi * np.clip((k - self.top) / (self.last - self.top), 0, 1))) / 2
        up, down = self.start + (self.peak - self.start) * rise, self.end + (self.peak - self.end) * fall
        return np.where(k < self.top, up, down)[()]

    def torch(self, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        """Set the rate of all the optimizer's parameters; step the result after every batch, as ``fit`` does."""

        def rate(k: int) -> float:
            if k > self.steps:
                raise ValueError(f"It was made for {self.steps} steps.")
            return float(self.at(k))

        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] = 1.0  # LambdaLR multiplies it by the rate
        return torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def keras(self) -> keras.optimizers.schedules.LearningRateSchedule:
        """Return what a Keras optimizer takes as ``learning_rate``."""
        return _KerasSchedule(**asdict(self))


@keras.saving.register_keras_serializable("course_lib")
class _KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The rates of a ``Schedule``, looked up: computed in float32 they would be a thousandth off where they are small."""

    def __init__(self, **config):
        self._config = config
        self._rates = Schedule(**config).at(np.arange(config["steps"] + 1)).astype("float32")

    def __call__(self, step):
        step = keras.ops.minimum(keras.ops.cast(step, "int32"), len(self._rates) - 1)
        return keras.ops.take(keras.ops.convert_to_tensor(self._rates), step)

    def get_config(self) -> dict:
        return self._config


def one_cycle(peak: float, steps: int, *, warmup: float = 0.3) -> Schedule:
    """Half a cosine up from ``peak`` / 25 in the share ``warmup`` of the steps, half a cosine down to ``peak`` / 25e4.
    ``steps``: epochs · batches. The rates are those of PyTorch's ``OneCycleLR(optimizer, peak, steps, pct_start=warmup,
    cycle_momentum=False)``. Source: Smith (2018), arXiv:1803.09820, section 4."""
    return Schedule(float(peak), int(steps), warmup * steps - 1, steps - 1.0, peak / 25, peak / 25e4, straight=False)


def cosine(peak: float, steps: int, *, warmup: float = 0.0, start: float = 0.0) -> Schedule:
    """A line up from ``start`` · ``peak`` in the share ``warmup`` of the steps, then half a cosine down to 0.
    ``steps``: epochs · batches. Without warm-up the rates are those of PyTorch's
    ``CosineAnnealingLR(optimizer, steps)``, with it those of Keras's ``CosineDecay``. Source: Loshchilov and Hutter
    (2017), arXiv:1608.03983, equation 5."""
    top = int(warmup * steps + 1e-9)  # a whole step: 0.29 · 100 is 28.999…
    return Schedule(float(peak), int(steps), float(top), float(steps), float(start * peak), 0.0, straight=True)
