"""Ask both models for the same quantity: outputs, gradients, first losses."""

import itertools
from contextlib import contextmanager
from math import isclose

import numpy as np

from . import models
from .errors import ParityError

PYTORCH, KERAS = "PyTorch", "Keras"


def outputs(torch_model, keras_model, x) -> dict:
    """What both models compute for ``x``, as in evaluation (no dropout, running statistics).

    Parameters
    ----------
    torch_model, keras_model
        The models; they are left exactly as they were.
    x : array, tuple of arrays, or ``{"PyTorch": x, "Keras": x}``
        One batch.  A tuple is several inputs.  Images are (n, channels, height, width) and are
        moved for Keras; with the last form each model gets what you give, as it is.

    Returns
    -------
    dict
        ``{"PyTorch": array, "Keras": array}``; for a model with several outputs arrays by name,
        ``{"0": array, "1": array}``.
    """
    import torch

    with _unchanged(torch_model, keras_model), _full_precision(), torch.no_grad():
        torch_model.eval()
        mine = _call_torch(torch_model, x)
        theirs = _call_keras(keras_model, x, training=False)
    return {
        PYTORCH: _named(mine, models.array),
        KERAS: _named(theirs, lambda t: _channels_first(models.array(t))),
    }


def gradients(
    torch_model,
    keras_model,
    x,
    y,
    *,
    torch_loss,
    keras_loss,
    training=True,
    extra=None,
    channels=None,
) -> dict:
    """The gradient of the loss for every weight, under PyTorch's names and in its layout.

    Where PyTorch adds two biases (RNN, LSTM) both have the gradient of their sum, which is the
    gradient of Keras's one bias: it is listed once, as ``bias_ih_…``.

    Parameters
    ----------
    x, y
        One batch; as for ``outputs``.
    torch_loss
        Called as ``torch_loss(prediction, y)``, for example ``torch.nn.CrossEntropyLoss()``.
    keras_loss
        Called as ``keras_loss(y, prediction)``, for example ``keras.losses.MeanSquaredError()``.
    training : bool
        Batch normalisation uses the batch's statistics, as in training; dropout is then refused.
    extra, channels
        As for ``copy_weights``.

    Returns
    -------
    dict
        ``{"PyTorch": {name: array}, "Keras": {name: array}}``.
    """
    import tensorflow as tf
    import torch

    entries = models.pair(torch_model, keras_model, extra, channels)
    entries = [e for e in entries if isinstance(e.tensors[0], torch.nn.Parameter)]
    for e in entries:
        if e.tensors[0].requires_grad != e.variable.trainable:
            raise ParityError(
                f"PyTorch '{e.names[0]}' has requires_grad={e.tensors[0].requires_grad} and Keras "
                f"'{e.keras_name}' trainable={e.variable.trainable}: freeze both or neither."
            )
    entries = [e for e in entries if e.variable.trainable]
    if not entries:
        raise ParityError("no weight of the models is trainable, so there are no gradients.")
    if training:
        _refuse_dropout(torch_model, keras_model)
    precision, loss_precision = entries[0].variable.dtype, getattr(keras_loss, "dtype", None)
    if loss_precision not in (None, precision):
        name = type(keras_loss).__name__
        raise ParityError(
            f"the Keras model is {precision} and its loss {loss_precision}: "
            f"set dtype='{precision}' in keras.losses.{name}."
        )

    with _unchanged(torch_model, keras_model), _full_precision():
        torch_model.train(training)
        prediction = _call_torch(torch_model, x)
        loss = _one_number(torch_loss(prediction, _torch_tensor(y, torch_model)), "torch_loss")
        wanted = [(n, t) for e in entries for n, t in list(zip(e.names, e.tensors))[: e.shown]]
        found = torch.autograd.grad(loss, [t for _, t in wanted], allow_unused=True)
        mine = {
            name: np.zeros(t.shape, dtype=models.array(t).dtype) if g is None else _dense(g)
            for (name, t), g in zip(wanted, found)
        }

        variables = [e.variable.value for e in entries]
        with tf.GradientTape() as tape:
            prediction = _call_keras(keras_model, x, training=training)
            target = _keras_tensor(y, keras_model)
            loss = _one_number(keras_loss(target, prediction), "keras_loss")
        theirs = {}
        for e, variable, g in zip(entries, variables, tape.gradient(loss, variables)):
            g = np.zeros(variable.shape, variable.dtype.as_numpy_dtype) if g is None else g
            g = models.array(tf.convert_to_tensor(g))
            theirs |= dict(list(zip(e.names, e.to_torch(g)))[: e.shown])
    return {PYTORCH: mine, KERAS: theirs}


def first_losses(
    torch_model,
    keras_model,
    batches,
    *,
    torch_loss,
    torch_optimizer,
    torch_scheduler=None,
    steps=10,
    clip_norm=None,
) -> dict:
    """Train both for a few steps on the same batches; then put everything back as it was.

    Models, optimizers and running statistics are exactly as before afterwards, also if training
    fails; Keras's metrics are reset.

    Two differences remain, which small learning rates hide and large ones show:

    - PyTorch's two added biases (RNN, LSTM) both learn, so that their sum takes twice the step of
      Keras's one bias.  ``one_bias`` makes the training equal.
    - Where a symbol is repeated in a batch, Adam in Keras adds the squares of the gradients of its
      embedding, and in PyTorch squares their sum.  With SGD, or one-hot vectors and a dense layer
      instead of the embedding, both are equal.

    Parameters
    ----------
    keras_model
        Compiled with the loss and optimizer that correspond to PyTorch's.
    batches : Batches or iterable of (x, y)
        NumPy batches as for ``outputs``; ``(x,)`` stands for ``(x, x)``.  Too few are used again.
    torch_loss
        Called as ``torch_loss(prediction, y)``; the batch's mean.
    torch_optimizer
        Made for ``torch_model``'s parameters.
    torch_scheduler : torch.optim.lr_scheduler.LRScheduler, optional
        Stepped after every batch, and put back; Keras's optimizer then has the schedule inside it.
    clip_norm : float, optional
        Limit of the norm of all gradients together; Keras's optimizer then has ``global_clipnorm``.

    Returns
    -------
    dict
        ``{"PyTorch": (steps,) array, "Keras": (steps,) array}``: each batch's loss before its step.
    """
    import torch

    if getattr(keras_model, "optimizer", None) is None:
        raise ParityError("compile the Keras model first: keras_model.compile(optimizer, loss).")
    known = {id(p) for p in torch_model.parameters()}
    if any(id(p) not in known for group in torch_optimizer.param_groups for p in group["params"]):
        raise ParityError("torch_optimizer was made for another model's parameters.")
    _check_optimizers(torch_optimizer, keras_model.optimizer, clip_norm)
    _refuse_dropout(torch_model, keras_model)
    batches = _first(batches, steps)
    mine, theirs = [], []
    with (
        _unchanged(torch_model, keras_model, torch_optimizer, torch_scheduler),
        _full_precision(),
    ):
        torch_model.train()
        for x, y in batches:
            torch_optimizer.zero_grad()
            prediction = _call_torch(torch_model, x)
            loss = _one_number(torch_loss(prediction, _torch_tensor(y, torch_model)), "torch_loss")
            loss.backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(torch_model.parameters(), clip_norm)
            torch_optimizer.step()
            if torch_scheduler is not None:
                torch_scheduler.step()
            mine.append(loss.item())
        for x, y in batches:
            # Some versions of Keras report the mean over all batches since the last reset.
            keras_model.reset_metrics()
            logs = keras_model.train_on_batch(
                _keras_tensor(x, keras_model), _keras_tensor(y, keras_model), return_dict=True
            )
            theirs.append(logs["loss"])
    dtype = models.array(next(torch_model.parameters())).dtype
    return {PYTORCH: np.array(mine, dtype), KERAS: np.array(theirs, dtype)}


# --- inputs and results --------------------------------------------------------------------------


def _side(x, framework):
    """``x`` for one framework, and whether it was given for this one alone."""
    if isinstance(x, dict) and framework in x:
        return x[framework], True
    return x, False


def _torch_tensor(x, model):
    import torch

    x, _ = _side(x, PYTORCH)
    if isinstance(x, tuple | list):
        return tuple(_torch_tensor(part, model) for part in x)
    x, first = np.asarray(x), next(model.parameters())
    _refuse_nan(x, "the batch")
    if np.issubdtype(x.dtype, np.floating):
        return torch.tensor(x, dtype=first.dtype, device=first.device)
    # PyTorch takes indices and classes as int64 only.
    return torch.tensor(x if x.dtype == bool else x.astype(np.int64), device=first.device)


def _keras_tensor(x, model):
    x, alone = _side(x, KERAS)
    if isinstance(x, tuple | list):
        return [_keras_tensor(part, model) for part in x]
    x = np.asarray(x)
    _refuse_nan(x, "the batch")
    if np.issubdtype(x.dtype, np.floating):
        x = x.astype(str(model.weights[0].dtype))
    return np.moveaxis(x, 1, -1) if x.ndim == 4 and not alone else x


def _channels_first(result):
    return np.moveaxis(result, -1, 1) if result.ndim == 4 else result


def _call_torch(model, x):
    from torch import nn

    x = _torch_tensor(x, model)
    result = model(*x) if isinstance(x, tuple) else model(x)
    # A bare nn.LSTM also returns its last state, which Keras gives only when asked.
    return result[0] if isinstance(model, nn.RNNBase) else result


def _call_keras(model, x, training):
    import keras

    x = keras.tree.map_structure(keras.ops.convert_to_tensor, _keras_tensor(x, model))
    try:
        return model(x, training=training)
    except TypeError as error:
        if "training" not in str(error):
            raise
        return model(x)  # a plain layer such as Dense knows no training


def _named(result, convert):
    if isinstance(result, dict):
        return {str(name): convert(part) for name, part in result.items()}
    if isinstance(result, tuple | list):
        return {str(i): convert(part) for i, part in enumerate(result)}
    return convert(result)


def _dense(gradient):
    return models.array(gradient.to_dense() if gradient.is_sparse else gradient)


def _one_number(loss, name):
    if tuple(loss.shape) != ():
        raise ParityError(f"{name} gives {tuple(loss.shape)} numbers; it must reduce them to one.")
    return loss


def _refuse_nan(x, what):
    if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
        where = [int(i) for i in np.argwhere(~np.isfinite(x))[0]]
        raise ParityError(f"{what} holds NaN or infinity at {where}.")


def _first(batches, steps):
    first = batches.first(steps) if hasattr(batches, "first") else itertools.islice(batches, steps)
    found = [tuple(batch) for batch in first]
    if not found:
        raise ParityError("batches is empty: give at least one (x, y).")
    found = [(batch[0], batch[-1]) for batch in found]
    return list(itertools.islice(itertools.cycle(found), steps))


# --- conditions of a fair comparison --------------------------------------------------------------


@contextmanager
def _full_precision():
    """Keep GPUs from rounding products to TF32, whose steps of 1e-3 would hide every difference."""
    import tensorflow as tf
    import torch

    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        # Without cuDNN recurrent layers also have gradients in evaluation.
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


@contextmanager
def _unchanged(torch_model, keras_model, torch_optimizer=None, torch_scheduler=None):
    """Whatever happens inside, leave models, optimizers, schedules and metrics as they were."""
    import copy

    import torch

    modes = {module: module.training for module in torch_model.modules()}
    state = copy.deepcopy(torch_model.state_dict())
    grads = {p: None if p.grad is None else p.grad.clone() for p in torch_model.parameters()}
    optimizer_state = torch_optimizer and copy.deepcopy(torch_optimizer.state_dict())
    scheduler_state = torch_scheduler and copy.deepcopy(torch_scheduler.state_dict())
    variables = list(keras_model.variables)
    for layer in keras_model._flatten_layers():
        if getattr(layer, "stateful", False):
            variables += [state for state in layer.states or () if state is not None]
    if torch_optimizer is not None:
        if not keras_model.optimizer.built:
            keras_model.optimizer.build(keras_model.trainable_variables)
        variables += keras_model.optimizer.variables
    values = [(v, models.array(v)) for v in variables]
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        with torch.no_grad():
            torch_model.load_state_dict(state)
        for p, grad in grads.items():
            p.grad = grad
        if torch_optimizer is not None:
            torch_optimizer.load_state_dict(optimizer_state)
            keras_model.reset_metrics()
        if torch_scheduler is not None:
            torch_scheduler.load_state_dict(scheduler_state)
        for v, value in values:
            v.assign(value)


def _refuse_dropout(torch_model, keras_model):
    for name, module in torch_model.named_modules():
        rate = getattr(module, "p", getattr(module, "dropout", 0))
        random = "Dropout" in type(module).__name__ or hasattr(module, "num_layers")
        if random and isinstance(rate, float) and rate > 0:
            raise ParityError(
                f"PyTorch '{name}' drops out, and the frameworks draw different random numbers: set its rate to 0."
            )
    for layer in keras_model._flatten_layers():
        is_dropout = any(word in type(layer).__name__ for word in ("Dropout", "Gaussian"))
        rates = [getattr(layer, "rate", 0), getattr(layer, "stddev", 0)] if is_dropout else []
        rates += [getattr(layer, name, 0) for name in ("dropout", "recurrent_dropout")]
        if any(isinstance(rate, float) and rate > 0 for rate in rates):
            raise ParityError(
                f"Keras '{layer.name}' drops out, and the frameworks draw different random numbers: set its rate to 0."
            )


def _check_optimizers(torch_optimizer, keras_optimizer, clip_norm):
    """Refuse optimizers of different kinds or with different settings."""
    mine, theirs = type(torch_optimizer).__name__, type(keras_optimizer).__name__
    if mine != theirs:
        raise ParityError(f"the optimizers are different: PyTorch's {mine}, Keras's {theirs}.")
    settings = {"learning_rate": "lr"}
    if mine in ("Adam", "AdamW", "NAdam", "Adamax"):
        settings |= {"beta_1": "betas", "beta_2": "betas", "epsilon": "eps"}
    if mine == "SGD":
        settings |= {"momentum": "momentum", "nesterov": "nesterov"}
    if mine == "RMSprop":
        settings |= {
            "rho": "alpha",
            "momentum": "momentum",
            "epsilon": "eps",
            "centered": "centered",
        }
    for group in torch_optimizer.param_groups:
        if group.get("dampening"):
            raise ParityError(f"Keras has no dampening; set dampening=0 in torch.optim.{mine}.")
        decay, keras_decay = group.get("weight_decay") or 0.0, keras_optimizer.weight_decay or 0.0
        if mine != "AdamW" and (decay or keras_decay):
            raise ParityError(
                f"weight_decay in {mine} is added to the gradient in PyTorch and taken from the "
                "weights in Keras; use AdamW in both, or weight_decay=0."
            )
        wanted = {name: group[torch_name] for name, torch_name in settings.items()}
        if "beta_1" in wanted:
            wanted["beta_1"], wanted["beta_2"] = group["betas"]
        if mine == "AdamW":
            wanted["weight_decay"] = decay
        for name, want in wanted.items():
            have = getattr(keras_optimizer, name)
            have = float(have.numpy() if hasattr(have, "numpy") else have or 0)
            if not isclose(have, want, rel_tol=1e-6):
                raise ParityError(
                    f"{name} is {want:g} in torch.optim.{mine} and {have:g} in "
                    f"keras.optimizers.{mine}; set {name}={want:g} in Keras's."
                )
    limits = {"clipnorm": None, "clipvalue": None, "global_clipnorm": clip_norm}
    for name, want in limits.items():
        if getattr(keras_optimizer, name) != want:
            raise ParityError(
                f"{name} is {getattr(keras_optimizer, name)} in keras.optimizers.{theirs} and "
                f"would be {want} here; clip_norm= clips as Keras's global_clipnorm does."
            )
