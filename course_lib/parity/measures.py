"""Ask both models for the same quantity: outputs, gradients, first losses; and prove that a pair is one."""

import copy
import inspect
import itertools
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from math import isclose

import numpy as np

from . import layers, models
from .table import ParityError, compare, require

PYTORCH, KERAS = "PyTorch", "Keras"


def prove(
    torch_model, keras_model, batches, *, torch_loss=None, keras_loss=None, extra=None, tolerance=None, **training
) -> None:
    """Compare what two models compute, their gradients and their first losses; print one table.
    Outputs are those of the first batch in evaluation, gradients those of its loss in training, losses those of the
    first steps. What was not given is left out: without a loss there are no gradients, without an optimizer no losses.
    Afterwards everything is as it was.
    ``batches`` are Batches or a list of ``(x, y)``, or ``(x,)`` where the input is the target; used again if they are
    too few. A tuple as x is several inputs, such as noise that both models then share. Images are (n, channels, height,
    width). The losses are ``torch_loss(prediction, y)`` and ``keras_loss(y, prediction)``; of several outputs the
    prediction is all. Without ``keras_loss`` Keras computes what it was compiled with, or its own ``compute_loss``,
    penalties included. ``extra`` is as for ``copy_weights``, ``tolerance`` as for ``compare``; ``training`` as for
    ``first_losses`` (``torch_optimizer``, ``torch_scheduler``, ``steps``, ``clip_norm``), with a new
    ``keras_optimizer`` if Keras is to be compiled with it first, and not to train as it was compiled before.
    Raises ParityError if the pair differs, with the place, both values and what usually explains it; if models or
    optimizers cannot be equal, with what to set; for dropout, whose random numbers differ."""
    (x, y), optimizer = _batches(batches, 1)[0], training.get("torch_optimizer")
    enough = torch_loss or not (optimizer or keras_loss)
    require(enough, "give torch_loss= and keras_loss=: gradients and losses need both.")
    if keras_optimizer := training.pop("keras_optimizer", None):
        keras_model.compile(keras_optimizer, keras_loss)
    found = {"outputs": outputs(torch_model, keras_model, x)}
    if torch_loss:
        losses = {"torch_loss": torch_loss, "keras_loss": keras_loss}
        found["gradients"] = gradients(torch_model, keras_model, x, y, **losses, extra=extra)
    if optimizer:
        found["losses"] = first_losses(torch_model, keras_model, batches, torch_loss=torch_loss, **training)
    try:
        compare(tolerance=tolerance, **found)
    except ParityError as error:
        hints = _hints(str(error).split()[0], torch_model, keras_model, optimizer)
        raise ParityError(" ".join([str(error), *hints])) from None


def outputs(torch_model, keras_model, x) -> dict:
    """What both models compute for ``x``, as in evaluation (no dropout, running statistics). ``x`` is one batch; a
    tuple is several inputs. Images are moved for Keras. Returns ``{"PyTorch": array, "Keras": array}``; for a model
    with several outputs arrays by name, ``{"0": array, "1": array}``."""
    import torch

    with _unchanged(torch_model, keras_model), torch.no_grad():
        torch_model.eval()
        mine = _call_torch(torch_model, _torch_tensor(x, torch_model))
        theirs = _call_keras(keras_model, _keras_tensor(x, keras_model), training=False)
    return {PYTORCH: _named(mine), KERAS: _named(theirs, channels_last=True)}


def gradients(torch_model, keras_model, x, y, *, torch_loss, keras_loss=None, extra=None) -> dict:
    """The gradient of the loss for every weight, in training, under PyTorch's names and in its layout. Where PyTorch
    adds two biases (RNN, LSTM) both have the gradient of their sum, which is that of Keras's one: it is listed once, as
    ``bias_ih_…``. ``x`` and ``y`` are one batch, the other parameters as for ``prove``. Returns ``{"PyTorch": {name:
    array}, "Keras": {name: array}}``."""
    import tensorflow as tf
    import torch

    entries = [e for e in models.pair(torch_model, keras_model, extra) if isinstance(e.tensors[0], torch.nn.Parameter)]
    # What is frozen has no gradient: compare names a weight that is frozen in one model only.
    wanted = {n: t for e in entries for n, t in list(zip(e.names, e.tensors))[: e.shown] if t.requires_grad}
    entries = [e for e in entries if e.variable.trainable]
    variables = [e.variable.value for e in entries]
    with _unchanged(torch_model, keras_model):
        torch_model.train()
        value = _torch_loss(torch_model, x, y, torch_loss)
        found = torch.autograd.grad(value, list(wanted.values()), allow_unused=True)
        _refuse_random(PYTORCH, value.item(), _torch_loss(torch_model, x, y, torch_loss).item())
        with tf.GradientTape() as tape:
            value = _keras_loss(keras_model, x, y, keras_loss)
        slopes = tape.gradient(value, variables)
        _refuse_random(KERAS, float(value), float(_keras_loss(keras_model, x, y, keras_loss)))
    # A weight that the loss does not use has no gradient in either framework, and an embedding a sparse one.
    dense = [torch.zeros_like(t) if g is None else g.to_dense() for t, g in zip(wanted.values(), found)]
    theirs = {}
    for e, variable, g in zip(entries, variables, slopes):
        g = tf.zeros_like(variable) if g is None else tf.convert_to_tensor(g)
        theirs |= dict(list(zip(e.names, e.to_torch(models.array(g))))[: e.shown])
    return {PYTORCH: dict(zip(wanted, map(models.array, dense))), KERAS: theirs}


def first_losses(
    torch_model, keras_model, batches, *, torch_loss, torch_optimizer, torch_scheduler=None, steps=10, clip_norm=None
) -> dict:
    """Train both for a few steps on the same batches; then put everything back as it was.

    Keras is trained as it was compiled, by ``train_on_batch``. ``torch_scheduler`` steps after every batch; in Keras
    the schedule is inside the optimizer. ``clip_norm`` limits the norm of all gradients together, in Keras
    ``global_clipnorm``. Returns each batch's loss before its step, ``{"PyTorch": (steps,) array, "Keras": …}``.

    Two differences remain, which small rates hide: PyTorch's two added biases (RNN, LSTM) both learn, so that their sum
    takes twice the step of Keras's one (``one_bias`` makes the training equal); and where a symbol is repeated in a
    batch, Adam in Keras adds the squares of its embedding's gradients, and in PyTorch squares their sum."""
    import torch

    batches, keras_optimizer = _batches(batches, steps), getattr(keras_model, "optimizer", None)
    require(keras_optimizer, "compile the Keras model first: keras_model.compile(optimizer, loss).")
    _check_optimizers(torch_optimizer, keras_optimizer, clip_norm)
    trained = {id(p) for group in torch_optimizer.param_groups for p in group["params"]}
    own = any(id(p) in trained for p in torch_model.parameters())
    require(own, "the PyTorch optimizer was made for another model's parameters: make it anew after the model.")
    mine, theirs = [], []
    with _unchanged(torch_model, keras_model, torch_optimizer, keras_optimizer, torch_scheduler):
        torch_model.train()
        with torch.no_grad():
            _refuse_random(PYTORCH, *(_torch_loss(torch_model, *batches[0], torch_loss).item() for _ in range(2)))
        x = _keras_tensor(batches[0][0], keras_model)
        _refuse_random(KERAS, *(_named(_call_keras(keras_model, x, training=True)) for _ in range(2)))
        for x, y in batches:
            torch_optimizer.zero_grad()
            value = _torch_loss(torch_model, x, y, torch_loss)
            value.backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(torch_model.parameters(), clip_norm)
            torch_optimizer.step()
            if torch_scheduler is not None:
                torch_scheduler.step()
            mine.append(value.item())
        for x, y in batches:
            # Some versions of Keras report the mean over all batches since the last reset.
            keras_model.reset_metrics()
            batch = _keras_tensor(x, keras_model), _keras_tensor(y, keras_model)
            theirs.append(keras_model.train_on_batch(*batch, return_dict=True)["loss"])
    dtype = models.array(next(torch_model.parameters())).dtype
    return {PYTORCH: np.array(mine, dtype), KERAS: np.array(theirs, dtype)}


def nudged_gradient(loss: Callable, weights: dict, eps: float = 1e-5) -> dict:
    """The gradient by central differences, two evaluations of ``loss(weights)``, one number, for each weight.
    ``weights`` are float64 arrays by name, changed in place and put back, also if ``loss`` raises; others raise
    TypeError, as float32 would leave two or three digits. Returns an array of the same shape for each name. The error
    is of the order eps² plus rounding divided by eps: about 1e-10 of the loss at the default ``eps``."""
    found = {}
    for name, array in weights.items():
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(f"'{name}' is no float64 array: nudges of {eps:g} need float64; use .astype(np.float64).")
        found[name] = np.zeros_like(array)
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


def _batches(batches, steps: int) -> list[tuple]:
    """As many (x, y) as there are steps, the same ones again if there are fewer."""
    found = list(map(tuple, batches.first(steps) if hasattr(batches, "first") else itertools.islice(batches, steps)))
    require(found, "batches is empty: give at least one (x, y).")
    fits = all(len(batch) in (1, 2) for batch in found)
    require(fits, "a batch is (x, y), or (x,) where the input is the target; several inputs are one tuple x.")
    return [(batch[0], batch[-1]) for batch in itertools.islice(itertools.cycle(found), steps)]


def _torch_tensor(x, model):
    import torch

    if isinstance(x, tuple | list):
        return tuple(_torch_tensor(part, model) for part in x)
    x, first = np.asarray(x), next(model.parameters())
    if x.dtype.kind == "f":
        return torch.tensor(x, dtype=first.dtype, device=first.device)
    # PyTorch takes indices and classes as int64 only.
    return torch.tensor(x if x.dtype == bool else x.astype(np.int64), device=first.device)


def _keras_tensor(x, model):
    import keras

    if isinstance(x, tuple | list):
        return [_keras_tensor(part, model) for part in x]
    x = np.asarray(x)
    if x.dtype.kind == "f" and model.weights:
        x = x.astype(str(model.weights[0].dtype))
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
    asked = inspect.signature(model.call).parameters.values()
    several = sum(p.default is p.empty and p.kind < p.VAR_POSITIONAL for p in asked) > 1
    x = x if isinstance(x, list) and several else [x]
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


def _torch_loss(model, x, y, loss: Callable):
    return _one(PYTORCH, loss(_call_torch(model, _torch_tensor(x, model)), _torch_tensor(y, model)))


def _keras_loss(model, x, y, loss: Callable | None):
    known = loss or getattr(model, "optimizer", None)
    require(known, "give keras_loss=, or compile the Keras model with its loss: keras_model.compile(…).")
    x, y = _keras_tensor(x, model), _keras_tensor(y, model)
    prediction = _call_keras(model, x, training=True)
    return _one(KERAS, loss(y, prediction) if loss else model.compute_loss(x=x, y=y, y_pred=prediction))


def _one(framework: str, loss):
    shape = tuple(loss.shape)
    require(not shape, f"{framework}'s loss gives {shape} numbers; it must reduce them to one.")
    return loss


def _refuse_random(framework: str, first, again) -> None:
    """What differs between two calls on one batch is drawn at random."""
    first, again = ([*r.values()] if isinstance(r, dict) else [r] for r in (first, again))
    same = all(np.allclose(a, b, rtol=1e-4, atol=1e-6 * np.abs(a).max()) for a, b in zip(first, again))
    why = "it drops out or draws noise, and the frameworks draw different random numbers"
    mend = "Set the rate of dropout to 0, and hand noise in as an input"
    require(same, f"{framework}'s model gives two answers to one batch in training: {why}. {mend}.")


@contextmanager
def _unchanged(torch_model, keras_model, torch_optimizer=None, keras_optimizer=None, scheduler=None):
    """Afterwards, whatever happened inside, models, optimizers and random numbers as they were."""
    import torch

    kinds = {str(p.dtype).removeprefix("torch.") for p in torch_model.parameters()}
    kinds |= {layer.compute_dtype for layer in models.every_layer(keras_model)}
    half = ", ".join(sorted(kinds & {"float16", "bfloat16"}))
    require(not half, f"a model computes in {half}, too coarse to prove anything: compare float32 models.")
    modes = {module: module.training for module in torch_model.modules()}
    grads = {p: None if p.grad is None else p.grad.clone() for p in torch_model.parameters()}
    held = [part for part in (torch_model, torch_optimizer, scheduler) if part is not None]
    states, random = [copy.deepcopy(part.state_dict()) for part in held], torch.get_rng_state()
    variables = list(keras_model.variables)
    stateful = [layer for layer in models.every_layer(keras_model) if getattr(layer, "stateful", False)]
    variables += [state for layer in stateful for state in layer.states or () if state is not None]
    if keras_optimizer is not None:
        if not keras_optimizer.built:
            keras_optimizer.build(keras_model.trainable_variables)
        variables += keras_optimizer.variables
    values = [(v, v.numpy().copy()) for v in variables]
    try:
        # Without cuDNN recurrent layers also have gradients in evaluation.
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        torch.set_rng_state(random)
        for module, mode in modes.items():
            module.training = mode
        with torch.no_grad():
            for part, state in zip(held, states):
                part.load_state_dict(state)
        for p, grad in grads.items():
            p.grad = grad
        if keras_optimizer is not None:
            keras_model.reset_metrics()
        for v, value in values:
            v.assign(value)


def _check_optimizers(torch_optimizer, keras_optimizer, clip_norm) -> None:
    """Refuse optimizers of different kinds or with different settings."""
    mine, theirs = type(torch_optimizer).__name__, type(keras_optimizer).__name__
    require(mine == theirs, f"the optimizers are different: PyTorch's {mine}, Keras's {theirs}.")
    for group in torch_optimizer.param_groups:
        decay = mine != "AdamW" and (group["weight_decay"] or keras_optimizer.weight_decay)
        differs = f"weight_decay in {mine} is added to the gradient in PyTorch and taken from the weights in Keras"
        require(not decay, f"{differs}; use AdamW in both, or weight_decay=0.")
        wanted = {"learning_rate": group["lr"], "weight_decay": group["weight_decay"]}
        if "betas" in group:
            wanted |= {"beta_1": group["betas"][0], "beta_2": group["betas"][1], "epsilon": group["eps"]}
        wanted |= {name: group[name] for name in ("momentum", "nesterov") if name in group}
        for name, want in wanted.items():
            have = getattr(keras_optimizer, name)
            have = float(have.numpy() if hasattr(have, "numpy") else have or 0)
            values = f"{name} is {want:g} in torch.optim.{mine} and {have:g} in keras.optimizers.{mine}"
            require(isclose(have, want, rel_tol=1e-6), f"{values}; set {name}={want:g} in Keras's.")
    for name, want in {"clipnorm": None, "clipvalue": None, "global_clipnorm": clip_norm}.items():
        have = getattr(keras_optimizer, name)
        mend = "clip_norm= clips as Keras's global_clipnorm does"
        require(have == want, f"{name} is {have} in keras.optimizers.{theirs} and would be {want} here; {mend}.")


def _hints(row: str, torch_model, keras_model, torch_optimizer) -> list[str]:
    """What usually explains a difference in this row of a pair like this one."""
    pairs = models.pair_units(torch_model, keras_model)
    kinds = {torch.kind for torch, _ in pairs}
    masked = any(getattr(layer, "mask_zero", False) for layer in models.every_layer(keras_model))
    unseen = {layers.DENSE, layers.CONV} <= kinds and all(keras.in_channels == 1 for _, keras in pairs)
    two = any(vector.requires_grad for _, _, vector in models.second_biases(torch_model))
    repeated = layers.EMBEDDING in kinds and "Adam" in type(torch_optimizer).__name__
    hints = (
        ("outputs", masked, "Keras skips steps that mask_zero=True masks: give PyTorch's layer packed sequences."),
        ("outputs", unseen, "Flatten an image by keras.layers.Flatten: the order of its numbers is then seen."),
        ("losses", two, "PyTorch trains two bias vectors where Keras has one: parity.one_bias(model) makes it one."),
        ("losses", repeated, "Adam treats an embedding's repeated symbols otherwise in Keras; compare with SGD."),
    )
    return [hint for place, explains, hint in hints if place == row and explains]
