"""Ask both models for the same quantity: outputs, gradients, first losses; and prove that a pair is one."""

import copy
import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from math import isclose
from typing import Any, NamedTuple

import numpy as np

from . import layers, models
from .table import ParityError, compare

PYTORCH, KERAS = "PyTorch", "Keras"


def prove(
    torch_model,
    keras_model,
    batches: Iterable,
    *,
    torch_loss: Callable | None = None,
    keras_loss: Callable | None = None,
    torch_optimizer=None,
    keras_optimizer=None,
    steps: int = 10,
    scheduler=None,
    clip_norm: float | None = None,
    inputs: int = 1,
    objective: tuple[Callable, Callable | None] = (None, None),
    extra: Mapping | None = None,
    tolerance: Mapping[str, float] | None = None,
) -> None:
    """Compare what two models compute, their gradients and their first losses; print one table.

    Outputs are those of the first batch in evaluation, gradients those of its loss in training,
    losses those of ``steps`` steps.  Afterwards everything is as it was.  What was not given is
    left out: without a loss there are no gradients, without an optimizer no losses.

    Parameters
    ----------
    torch_model, keras_model
        The pair, with equal weights (``copy_weights``).
    batches : Batches or iterable of tuples of arrays
        The first ``inputs`` arrays of a batch go into the models, the next one is the target;
        without a target the first array is.  Noise is an input like others, so that both get the
        same: batches ``(x, noise, x)`` and ``inputs=2``.  Images are (n, channels, height, width).
        Too few batches are used again.
    torch_loss, keras_loss : callable, optional
        ``torch_loss(prediction, y)`` and ``keras_loss(y, prediction)``; of a model with several
        outputs the prediction is all of them.  Without ``keras_loss`` Keras computes what it was
        compiled with, or its own ``compute_loss``, penalties of its layers included.
    torch_optimizer, keras_optimizer : optional
        Made for the PyTorch model's parameters, and a new one for Keras.  Without
        ``keras_optimizer`` Keras is trained as it was compiled, by ``train_on_batch``.
    scheduler : torch.optim.lr_scheduler.LRScheduler, optional
        Stepped after every batch; Keras's optimizer has the schedule inside it.
    clip_norm : float, optional
        Limit of the norm of all gradients together, in Keras ``global_clipnorm``.
    objective : (callable, callable), optional
        In place of the losses, where these are no functions of prediction and target:
        ``torch_objective(model, *batch)``, as ``training.fit`` takes it, and
        ``keras_objective(model, *batch)``, or None for what Keras was compiled with.
    extra, tolerance
        As for ``copy_weights`` and ``compare``.

    Raises
    ------
    ParityError
        If the pair differs, with the place, both values and what usually explains it; if models or
        optimizers cannot be equal, with what to set; for dropout, whose random numbers differ.
    """
    batches, loss = _batches(batches, steps, inputs), _Loss(torch_loss, keras_loss, *objective)
    found = {"outputs": outputs(torch_model, keras_model, batches[0].x)}
    if loss.torch or loss.torch_objective:
        found["gradients"] = _gradients(torch_model, keras_model, batches[0], loss, extra)
    elif torch_optimizer or keras_loss:
        raise ParityError("give torch_loss= and keras_loss=, or objective=: gradients and losses need both.")
    if torch_optimizer:
        how = torch_optimizer, keras_optimizer, scheduler, clip_norm
        found["losses"] = _first_losses(torch_model, keras_model, batches, loss, *how)
    try:
        compare(tolerance=tolerance, **found)
    except ParityError as error:
        hints = _hints(str(error).split()[0], torch_model, keras_model, torch_optimizer)
        raise ParityError(" ".join([str(error), *hints])) from None


def outputs(torch_model, keras_model, x) -> dict:
    """What both models compute for ``x``, as in evaluation (no dropout, running statistics).

    Parameters
    ----------
    torch_model, keras_model
        The models; they are left exactly as they were.
    x : array or tuple of arrays
        One batch; a tuple is several inputs.  Images are moved for Keras.

    Returns
    -------
    dict
        ``{"PyTorch": array, "Keras": array}``; for a model with several outputs arrays by name,
        ``{"0": array, "1": array}``.
    """
    import torch

    with _unchanged(torch_model, keras_model), torch.no_grad():
        torch_model.eval()
        mine = _call_torch(torch_model, _torch_tensor(x, torch_model))
        theirs = _call_keras(keras_model, _keras_tensor(x, keras_model), training=False)
    return {PYTORCH: _named(mine), KERAS: _named(theirs, channels_last=True)}


def gradients(torch_model, keras_model, x, y, *, torch_loss, keras_loss=None, extra=None) -> dict:
    """The gradient of the loss for every weight, in training, under PyTorch's names and in its layout.

    Where PyTorch adds two biases (RNN, LSTM) both have the gradient of their sum, which is the
    gradient of Keras's one bias: it is listed once, as ``bias_ih_…``.

    ``x`` and ``y`` are one batch, the other parameters as for ``prove``.  Returns
    ``{"PyTorch": {name: array}, "Keras": {name: array}}``.
    """
    return _gradients(torch_model, keras_model, _Batch(x, y, (x, y)), _Loss(torch_loss, keras_loss), extra)


def first_losses(
    torch_model, keras_model, batches, *, torch_loss, torch_optimizer, torch_scheduler=None, steps=10, clip_norm=None
) -> dict:
    """Train both for a few steps on the same batches; then put everything back as it was.

    Two differences remain, which small learning rates hide and large ones show:

    - PyTorch's two added biases (RNN, LSTM) both learn, so that their sum takes twice the step of
      Keras's one bias.  ``one_bias`` makes the training equal.
    - Where a symbol is repeated in a batch, Adam in Keras adds the squares of the gradients of its
      embedding, and in PyTorch squares their sum.  With SGD, or one-hot vectors and a dense layer
      instead of the embedding, both are equal.

    Keras is compiled; the parameters are as for ``prove``.  Returns
    ``{"PyTorch": (steps,) array, "Keras": (steps,) array}``: each batch's loss before its step.
    """
    batches, how = _batches(batches, steps), (torch_optimizer, None, torch_scheduler, clip_norm)
    return _first_losses(torch_model, keras_model, batches, _Loss(torch_loss), *how)


def nudged_gradient(loss: Callable, weights: dict, eps: float = 1e-5) -> dict:
    """The gradient by central differences, two evaluations of the loss for each number.

    ``loss(weights)`` returns one number; ``weights`` are float64 arrays by name, changed in place
    and put back, also if ``loss`` raises.  Returns an array of the same shape for each name.
    The error is of the order eps² plus rounding divided by eps: about 1e-10 of the loss at the
    default ``eps``.  Other arrays raise TypeError: float32 would leave two or three digits.
    """
    for name, array in weights.items():
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(f"'{name}' is no float64 array: nudges of {eps:g} need float64; use .astype(np.float64).")
    found = {name: np.zeros_like(array) for name, array in weights.items()}
    for name, array in weights.items():
        for i in np.ndindex(array.shape):
            old, ends = array[i], []
            try:
                for nudged in (old + eps, old - eps):
                    array[i] = nudged
                    ends.append(float(loss(weights)))
            finally:
                array[i] = old
            found[name][i] = (ends[0] - ends[1]) / (2 * eps)
    return found


# --- batches, inputs and results -----------------------------------------------------------------


class _Batch(NamedTuple):
    x: Any  # an array, or a tuple of several inputs
    y: Any
    arrays: tuple


def _batches(batches, steps: int, inputs: int = 1) -> list[_Batch]:
    first = batches.first(steps) if hasattr(batches, "first") else itertools.islice(batches, steps)
    found = [tuple(batch) for batch in first]
    if not found:
        raise ParityError("batches is empty: give at least one (x, y).")
    for arrays in found:
        if not inputs <= len(arrays) <= inputs + 1:
            raise ParityError(
                f"a batch has {len(arrays)} arrays, and the models get inputs={inputs} of them; at most one more, "
                "the target, is used: set inputs=."
            )
    made = [_Batch(a[0] if inputs == 1 else a[:inputs], a[-1] if len(a) > inputs else a[0], a) for a in found]
    return list(itertools.islice(itertools.cycle(made), steps))


def _finite(x) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        where = [int(i) for i in np.argwhere(~np.isfinite(x))[0]]
        raise ParityError(f"the batch holds NaN or infinity at {where}.")
    return x


def _torch_tensor(x, model):
    import torch

    if isinstance(x, tuple | list):
        return tuple(_torch_tensor(part, model) for part in x)
    x, first = _finite(x), next(model.parameters())
    if x.dtype.kind == "f":
        return torch.tensor(x, dtype=first.dtype, device=first.device)
    # PyTorch takes indices and classes as int64 only.
    return torch.tensor(x if x.dtype == bool else x.astype(np.int64), device=first.device)


def _keras_tensor(x, model):
    import keras

    if isinstance(x, tuple | list):
        return [_keras_tensor(part, model) for part in x]
    x = _finite(x)
    if x.dtype.kind == "f":
        x = x.astype(str(model.weights[0].dtype)) if model.weights else x
    return keras.ops.convert_to_tensor(np.moveaxis(x, 1, -1) if x.ndim == 4 else x)


def _call_torch(model, x):
    from torch import nn

    result = model(*x) if isinstance(x, tuple) else model(x)
    # A bare nn.LSTM, compiled or not, also returns its last state, which Keras gives only when asked.
    leaves = [module for module in model.modules() if not list(module.children())]
    bare = type(model).__module__.startswith("torch.") and isinstance(leaves[-1], nn.RNN | nn.LSTM | nn.GRU)
    return result[0] if bare and isinstance(result, tuple) else result


def _call_keras(model, x, training: bool):
    # Keras hands several inputs over as one list, unless `call` of a class of your own asks for each.
    needed = [
        p
        for p in inspect.signature(model.call).parameters.values()
        if p.default is p.empty and p.kind < p.VAR_POSITIONAL
    ]
    x = x if isinstance(x, list) and len(needed) > 1 else [x]
    try:
        return model(*x, training=training)
    except TypeError as error:
        if "training" not in str(error):
            raise
        return model(*x)  # a plain layer such as Dense knows no training


def _named(result, channels_last=False):
    """The arrays of a result; those of several outputs by name or number."""
    import keras

    if isinstance(result, tuple | list):
        result = {str(i): part for i, part in enumerate(keras.tree.flatten(result))}
    if isinstance(result, Mapping):
        return {str(name): _named(part, channels_last) for name, part in result.items()}
    result = models.array(result)
    return np.moveaxis(result, -1, 1) if channels_last and result.ndim == 4 else result


# --- losses ---------------------------------------------------------------------------------------


class _Loss(NamedTuple):
    """How a model's loss on a batch is computed in both frameworks."""

    torch: Callable | None
    keras: Callable | None = None
    torch_objective: Callable | None = None
    keras_objective: Callable | None = None

    def in_torch(self, model, batch: _Batch):
        if self.torch_objective:
            loss = self.torch_objective(model, *_torch_tensor(batch.arrays, model))
        else:
            loss = self.torch(_call_torch(model, _torch_tensor(batch.x, model)), _torch_tensor(batch.y, model))
        return _one_number(loss, PYTORCH)

    def in_keras(self, model, batch: _Batch):
        x, y = _keras_tensor(batch.x, model), _keras_tensor(batch.y, model)
        if self.keras_objective:
            loss = self.keras_objective(model, *_keras_tensor(batch.arrays, model))
        elif self.keras:
            loss = self.keras(y, _call_keras(model, x, training=True))
        elif getattr(model, "optimizer", None):
            loss = model.compute_loss(x=x, y=y, y_pred=_call_keras(model, x, training=True))
        else:
            raise ParityError("give keras_loss=, or compile the Keras model with its loss: keras_model.compile(…).")
        return _one_number(loss, KERAS)


def _one_number(loss, framework: str):
    if tuple(loss.shape) != ():
        raise ParityError(f"{framework}'s loss gives {tuple(loss.shape)} numbers; it must reduce them to one.")
    return loss


def _refuse_random(framework: str, first, again) -> None:
    """What differs between two calls on one batch is drawn at random."""
    first, again = ([*r.values()] if isinstance(r, dict) else [r] for r in (first, again))
    for one, other in zip(first, again):
        if not np.allclose(one, other, rtol=1e-4, atol=1e-6 * np.abs(one).max()):
            raise ParityError(
                f"{framework}'s model gives two answers to one batch in training: it drops out or draws noise, and the "
                "frameworks draw different random numbers. Set the rate of dropout to 0, and hand noise in as an input."
            )


def _gradients(torch_model, keras_model, batch: _Batch, loss: _Loss, extra) -> dict:
    import tensorflow as tf
    import torch

    entries = [e for e in models.pair(torch_model, keras_model, extra) if isinstance(e.tensors[0], torch.nn.Parameter)]
    for e in entries:
        if e.tensors[0].requires_grad != e.variable.trainable:
            raise ParityError(
                f"PyTorch '{e.names[0]}' has requires_grad={e.tensors[0].requires_grad} and Keras "
                f"'{e.keras_name}' trainable={e.variable.trainable}: freeze both or neither."
            )
    entries = [e for e in entries if e.variable.trainable]
    if not entries:
        raise ParityError("no weight of the models is trainable, so there are no gradients.")
    precision = str(entries[0].variable.dtype)
    computed = loss.keras or (None if loss.keras_objective else getattr(keras_model, "loss", None))
    if getattr(computed, "dtype", precision) != precision:
        raise ParityError(
            f"the Keras model is {precision} and its loss {computed.dtype}: "
            f"set dtype='{precision}' in keras.losses.{type(computed).__name__}."
        )

    mine, theirs = {}, {}
    with _unchanged(torch_model, keras_model):
        torch_model.train()
        value = loss.in_torch(torch_model, batch)
        wanted = {n: t for e in entries for n, t in list(zip(e.names, e.tensors))[: e.shown]}
        found = torch.autograd.grad(value, list(wanted.values()), allow_unused=True)
        for (name, tensor), g in zip(wanted.items(), found):
            mine[name] = models.array(torch.zeros_like(tensor) if g is None else g.to_dense())
        _refuse_random(PYTORCH, value.item(), loss.in_torch(torch_model, batch).item())

        variables = [e.variable.value for e in entries]
        with tf.GradientTape() as tape:
            value = loss.in_keras(keras_model, batch)
        for e, variable, g in zip(entries, variables, tape.gradient(value, variables)):
            g = tf.zeros_like(variable) if g is None else tf.convert_to_tensor(g)
            theirs |= dict(list(zip(e.names, e.to_torch(models.array(g))))[: e.shown])
        _refuse_random(KERAS, float(value), float(loss.in_keras(keras_model, batch)))
    return {PYTORCH: mine, KERAS: theirs}


def _first_losses(
    torch_model, keras_model, batches, loss, torch_optimizer, keras_optimizer, scheduler, clip_norm
) -> dict:
    import tensorflow as tf
    import torch

    compiled = keras_optimizer is None
    keras_optimizer = getattr(keras_model, "optimizer", None) if compiled else keras_optimizer
    if keras_optimizer is None:
        raise ParityError("compile the Keras model first: keras_model.compile(optimizer, loss).")
    known = {id(p) for p in torch_model.parameters()}
    if any(id(p) not in known for group in torch_optimizer.param_groups for p in group["params"]):
        raise ParityError("torch_optimizer was made for another model's parameters.")
    _check_optimizers(torch_optimizer, keras_optimizer, clip_norm)
    mine, theirs = [], []
    with _unchanged(torch_model, keras_model, torch_optimizer, keras_optimizer, scheduler):
        torch_model.train()
        with torch.no_grad():
            _refuse_random(PYTORCH, *(loss.in_torch(torch_model, batches[0]).item() for _ in range(2)))
        x = _keras_tensor(batches[0].x, keras_model)
        _refuse_random(KERAS, *(_named(_call_keras(keras_model, x, training=True)) for _ in range(2)))
        for batch in batches:
            torch_optimizer.zero_grad()
            value = loss.in_torch(torch_model, batch)
            value.backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(torch_model.parameters(), clip_norm)
            torch_optimizer.step()
            if scheduler is not None:
                scheduler.step()
            mine.append(value.item())
        for batch in batches:
            if compiled:
                # Some versions of Keras report the mean over all batches since the last reset.
                keras_model.reset_metrics()
                x, y = _keras_tensor(batch.x, keras_model), _keras_tensor(batch.y, keras_model)
                theirs.append(keras_model.train_on_batch(x, y, return_dict=True)["loss"])
                continue
            with tf.GradientTape() as tape:
                value = loss.in_keras(keras_model, batch)
            weights = keras_model.trainable_variables
            keras_optimizer.apply(tape.gradient(value, [w.value for w in weights]), weights)
            theirs.append(float(value))
    dtype = models.array(next(torch_model.parameters())).dtype
    return {PYTORCH: np.array(mine, dtype), KERAS: np.array(theirs, dtype)}


# --- conditions of a fair comparison --------------------------------------------------------------


@contextmanager
def _unchanged(torch_model, keras_model, torch_optimizer=None, keras_optimizer=None, scheduler=None):
    """Full precision inside; afterwards, whatever happened, models, optimizers and random numbers as they were."""
    import tensorflow as tf
    import torch

    modes = {module: module.training for module in torch_model.modules()}
    grads = {p: None if p.grad is None else p.grad.clone() for p in torch_model.parameters()}
    held = [part for part in (torch_model, torch_optimizer, scheduler) if part is not None]
    states, random = [copy.deepcopy(part.state_dict()) for part in held], torch.get_rng_state()
    variables = list(keras_model.variables)
    for layer in models.every_layer(keras_model):
        if getattr(layer, "stateful", False):
            variables += [state for state in layer.states or () if state is not None]
    if keras_optimizer is not None:
        if not keras_optimizer.built:
            keras_optimizer.build(keras_model.trainable_variables)
        variables += keras_optimizer.variables
    values = [(v, v.numpy().copy()) for v in variables]
    # GPUs would round products to TF32, whose steps of 1e-3 hide every difference.
    rounding = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        # Without cuDNN recurrent layers also have gradients in evaluation.
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(rounding)
        torch.set_rng_state(random)
        for module, mode in modes.items():
            module.training = mode
        with torch.no_grad():
            for part, state in zip(held, states):
                part.load_state_dict(state)
        for p, grad in grads.items():
            p.grad = grad
        if keras_optimizer is not None and getattr(keras_model, "optimizer", None) is not None:
            keras_model.reset_metrics()
        for v, value in values:
            v.assign(value)


def _check_optimizers(torch_optimizer, keras_optimizer, clip_norm) -> None:
    """Refuse optimizers of different kinds or with different settings."""
    mine, theirs = type(torch_optimizer).__name__, type(keras_optimizer).__name__
    if mine != theirs:
        raise ParityError(f"the optimizers are different: PyTorch's {mine}, Keras's {theirs}.")
    for group in torch_optimizer.param_groups:
        if mine != "AdamW" and (group["weight_decay"] or keras_optimizer.weight_decay):
            raise ParityError(
                f"weight_decay in {mine} is added to the gradient in PyTorch and taken from the "
                "weights in Keras; use AdamW in both, or weight_decay=0."
            )
        wanted = {"learning_rate": group["lr"], "weight_decay": group["weight_decay"]}
        if "betas" in group:
            wanted |= {"beta_1": group["betas"][0], "beta_2": group["betas"][1], "epsilon": group["eps"]}
        wanted |= {name: group[name] for name in ("momentum", "nesterov") if name in group}
        for name, want in wanted.items():
            have = getattr(keras_optimizer, name)
            have = float(have.numpy() if hasattr(have, "numpy") else have or 0)
            if not isclose(have, want, rel_tol=1e-6):
                raise ParityError(
                    f"{name} is {want:g} in torch.optim.{mine} and {have:g} in "
                    f"keras.optimizers.{mine}; set {name}={want:g} in Keras's."
                )
    for name, want in {"clipnorm": None, "clipvalue": None, "global_clipnorm": clip_norm}.items():
        if getattr(keras_optimizer, name) != want:
            raise ParityError(
                f"{name} is {getattr(keras_optimizer, name)} in keras.optimizers.{theirs} and "
                f"would be {want} here; clip_norm= clips as Keras's global_clipnorm does."
            )


def _hints(row: str, torch_model, keras_model, torch_optimizer) -> list[str]:
    """What usually explains a difference in this row of a pair like this one."""
    hints, pairs = [], models.pair_units(torch_model, keras_model)
    kinds = {torch.kind for torch, _ in pairs}
    if row == "outputs" and any(getattr(layer, "mask_zero", False) for layer in models.every_layer(keras_model)):
        hints.append("Keras skips steps that mask_zero=True masks: give PyTorch's recurrent layer packed sequences.")
    if row == "outputs" and {layers.DENSE, layers.CONV} <= kinds and all(k.in_channels == 1 for _, k in pairs):
        hints.append("If an image is flattened, use keras.layers.Flatten: the order of its numbers is then seen.")
    if row == "losses" and any(vector.requires_grad for _, _, vector in models.second_biases(torch_model)):
        hints.append(
            "PyTorch trains two bias vectors where Keras has one: parity.one_bias(model) before the optimizer."
        )
    if row == "losses" and layers.EMBEDDING in kinds and "Adam" in type(torch_optimizer).__name__:
        hints.append("Adam treats an embedding's repeated symbols differently in Keras; compare with SGD.")
    return hints
