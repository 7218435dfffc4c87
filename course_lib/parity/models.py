"""Find the layers of two models, pair them, and copy their weights."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import layers
from .layers import Unit
from .table import ParityError

# --- the layers of one model, in the order in which they were defined -----------------------------


def torch_units(model) -> list[Unit]:
    """The layers with weights of a PyTorch module; one for each layer and direction of nn.LSTM."""
    units = []
    for name, module in model.named_modules():
        kind = layers.torch_kind(module)
        if kind is not None:
            if module is model and not getattr(module, "batch_first", True):
                raise ParityError(f"set batch_first=True in torch.nn.{type(module).__name__}.")
            directions = ["", "_reverse"] if getattr(module, "bidirectional", False) else [""]
            suffixes = [f"_l{i}{d}" for i in range(getattr(module, "num_layers", 0)) for d in directions]
            units += [Unit(kind, name, module, suffix) for suffix in suffixes or [""]]
    return units


def parts(layer) -> list:
    """The layers that a Keras layer consists of: ``model.layers``, or the attributes of a layer of your own."""
    import keras

    if isinstance(layer, keras.Model):
        return list(layer.layers)
    own = [value for name, value in vars(layer).items() if not name.startswith("_")]
    inside = [item for value in own for item in (value if isinstance(value, list | tuple) else [value])]
    return [part for part in inside if isinstance(part, keras.layers.Layer)]


def every_layer(model) -> list:
    """A Keras layer and all layers inside it, each once."""
    found = [model]
    for layer in found:  # grows while it is read
        found += [part for part in parts(layer) if all(part is not other for other in found)]
    return found


def _input_shape(layer) -> tuple | None:
    """Shape of one input without its batch; None where the model was not built from keras.Input."""
    try:
        return tuple(layer.input.shape)[1:]
    except (AttributeError, ValueError):
        return None


def keras_units(model) -> list[Unit]:
    """The layers with weights of a Keras model or layer, in the order of ``model.layers``."""
    import keras
    from keras import layers as kl

    units, seen = [], set()
    padding = flat = None  # by a padding layer just before; (numbers, channels) of the last flattened image
    fresh = False  # it was flattened just before

    def walk(layer, name):
        nonlocal padding, flat, fresh
        if id(layer) in seen:
            return
        seen.add(id(layer))
        before, padding = padding, None
        kind, shape = layers.keras_kind(layer), _input_shape(layer)
        if kind is not None:
            if not layer.built:
                raise ParityError(
                    f"Keras '{name}' has no weights yet: build the model first "
                    "(call it once on a batch, or give it keras.Input(shape))."
                )
            unit = Unit(kind, name, layer, padding=before or layers.NONE, size=shape and shape[:-1])
            if flat and kind is layers.DENSE:
                # A second head may start from the same image; what another dense layer made is none.
                chained = not fresh and getattr(units[-1].layer, "units", None) == flat[0]
                unit.in_channels = flat[1] if layer.kernel.shape[0] == flat[0] and not chained else 1
            elif flat and fresh:
                raise ParityError(f"Keras '{name}' ({unit.type}): put keras.layers.Dense directly after Flatten.")
            fresh = False
            units.append(unit)
        elif isinstance(layer, kl.ZeroPadding2D):
            padding = layer.padding
        elif isinstance(layer, kl.Cropping2D) and units:
            units[-1].cropping = layer.cropping
        elif isinstance(layer, kl.Flatten):
            if shape is None:
                raise ParityError(
                    f"Keras '{name}': how many channels it flattens is seen only in a keras.Sequential or functional "
                    "model that is built from keras.Input."
                )
            flat, fresh = (int(np.prod(shape)), shape[-1]) if len(shape) == 3 else None, True
        elif isinstance(layer, kl.Reshape) and units and len(layer.target_shape) == 3:
            if units[-1].kind is layers.BATCH_NORM:
                raise ParityError(f"Keras '{name}' (Reshape): put it directly after keras.layers.Dense.")
            if units[-1].kind is layers.DENSE:
                units[-1].out_channels = layer.target_shape[-1]
        elif isinstance(layer, kl.Bidirectional):
            walk(layer.forward_layer, f"{name}/{layer.forward_layer.name}")
            walk(layer.backward_layer, f"{name}/{layer.backward_layer.name}")
        elif isinstance(layer, kl.RNN):
            walk(layer.cell, name)
        else:
            top = layer is model and isinstance(layer, keras.Model)
            for part in parts(layer):
                walk(part, part.name if top else f"{name}/{part.name}")

    walk(model, model.name)
    return units


# --- two models together --------------------------------------------------------------------------


@dataclass
class Entry:
    """One Keras weight beside the PyTorch tensors that correspond to it."""

    names: tuple[str, ...]
    tensors: tuple
    keras_name: str
    variable: Any
    to_keras: Callable
    to_torch: Callable
    shown: int = 1  # how many of the names have a gradient of their own in Keras


def _sort(first, second):
    """Return (PyTorch module, Keras model), in whichever order they came."""
    import keras
    import torch

    for mine, theirs in ((first, second), (second, first)):
        if isinstance(mine, torch.nn.Module) and isinstance(theirs, keras.layers.Layer):
            return mine, theirs
    raise ParityError(
        f"give one PyTorch module and one Keras model or layer, not {type(first).__name__} and {type(second).__name__}."
    )


def _given_name(unit: Unit) -> str:
    """The last part of a layer's name, in small letters without dashes; nothing if no person gave it."""
    name = unit.name.replace("/", ".").rpartition(".")[2].replace("_", "").lower()
    by_itself = name.rstrip("0123456789") == unit.type.lower().rstrip("0123456789")
    return "" if by_itself or name.isdigit() else name


def pair_units(torch_model, keras_model) -> list[tuple[Unit, Unit]]:
    """The layers of both models side by side: by name where both models' names tell, else by place."""
    mine, theirs = torch_units(torch_model), keras_units(keras_model)
    if len(mine) != len(theirs):
        raise ParityError(
            f"PyTorch has {len(mine)} layers with weights and Keras {len(theirs)}.\n"
            f"  PyTorch: {', '.join(map(str, mine)) or 'none'}\n"
            f"  Keras:   {', '.join(map(str, theirs)) or 'none'}"
        )
    # A functional Keras model lists its layers by depth, so that two heads may have changed places.
    names = [[_given_name(unit) for unit in units] for units in (mine, theirs)]
    common = {n for n in names[0] if n and names[0].count(n) == names[1].count(n) == 1}
    named = {n: unit for n, unit in zip(names[1], theirs) if n in common}
    rest = iter([unit for n, unit in zip(names[1], theirs) if n not in common])
    by_name = [(unit, named[n] if n in common else next(rest)) for n, unit in zip(names[0], mine)]
    return by_name if all(a.kind is b.kind for a, b in by_name) else list(zip(mine, theirs))


def pair(torch_model, keras_model, extra: Mapping | None = None) -> list[Entry]:
    """Pair the weights of two models, or say by name why they cannot be equal."""
    pairs = pair_units(torch_model, keras_model)
    for torch, keras in pairs:
        both = f"PyTorch {torch} and Keras {keras}"
        if torch.kind is not keras.kind:
            raise ParityError(f"{both} are different layers, at the same place in the two models.")
        reasons = list(torch.kind.check(torch, keras))
        if reasons:
            raise ParityError(f"{both} cannot be equal: {'; '.join(reasons)}.")
    entries = [entry for torch, keras in pairs for entry in _entries(torch, keras)]
    for name, variable in (extra or {}).items():
        tensor = dict(torch_model.named_parameters()).get(name)
        if tensor is None:
            raise ParityError(f"extra: the PyTorch model has no parameter '{name}'.")
        entries.append(Entry((name,), (tensor,), variable.path, variable, *layers.SAME))
    _check_complete(torch_model, keras_model, entries)
    _check_shapes(entries)
    return entries


def _entries(torch: Unit, keras: Unit) -> Iterator[Entry]:
    for part in torch.kind.parts:
        tensors = tuple(getattr(torch.layer, n + torch.suffix, None) for n in part.torch)
        variable = getattr(keras.layer, part.keras, None)
        if variable is None and tensors[0] is None:
            continue
        if variable is None or tensors[0] is None:
            has, wanted = ("Keras", False) if tensors[0] is None else ("PyTorch", True)
            raise ParityError(
                f"PyTorch {torch} and Keras {keras} cannot be equal: only {has} has '{part.torch[0]}'"
                + (f"; set {part.switch}={wanted} in keras.layers.{keras.type}." if part.switch else ".")
            )
        layout = layers.flattened(part.layout, 0, keras.out_channels)
        if part.keras == "kernel":
            layout = layers.flattened(layout, 1, keras.in_channels)
        names = tuple(f"{torch.name}.{n}{torch.suffix}".removeprefix(".") for n in part.torch)
        shown = 1 if part.added else len(names)
        yield Entry(names, tensors, f"{keras.name}/{part.keras}", variable, *layout, shown)


def _check_complete(torch_model, keras_model, entries):
    """Every parameter of either model is in exactly one entry."""
    mine = [(name, tensor) for e in entries for name, tensor in zip(e.names, e.tensors)]
    theirs = [(e.keras_name, e.variable) for e in entries]
    all_theirs = [(weight.path, weight) for weight in keras_model.weights]
    for framework, paired, everything in (
        ("PyTorch", mine, torch_model.named_parameters()),
        ("Keras", theirs, all_theirs),
    ):
        owner = {}
        for name, weight in paired:
            if owner.setdefault(id(weight), name) != name:
                raise ParityError(
                    f"{framework} uses one weight in two layers, '{owner[id(weight)]}' and '{name}': tied weights "
                    "cannot be paired."
                )
        for name, weight in everything:
            if id(weight) not in owner:
                raise ParityError(
                    f"{framework}'s '{name}' {tuple(weight.shape)} is in no layer that is known "
                    "here; pair it by hand: extra={'name in PyTorch': Keras variable}."
                )


def _check_shapes(entries):
    for e in entries:
        pair = f"PyTorch '{e.names[0]}' {tuple(e.tensors[0].shape)} needs Keras '{e.keras_name}'"
        empty = [np.broadcast_to(np.zeros((), np.float32), t.shape) for t in e.tensors]
        want, have = e.to_keras(*empty).shape, tuple(e.variable.shape)
        if want != have:
            raise ParityError(f"{pair} {want}, and it is {have}.")
        mine, theirs = str(e.tensors[0].dtype).removeprefix("torch."), str(e.variable.dtype)
        if mine != theirs:
            raise ParityError(
                f"PyTorch '{e.names[0]}' is {mine} and Keras '{e.keras_name}' {theirs}: use one "
                "precision (module.double(), keras.layers.…(dtype='float64'))."
            )


def array(weight) -> np.ndarray:
    """A copy of a tensor or Keras variable, on the CPU."""
    if "bfloat16" in str(weight.dtype):
        raise ParityError("bfloat16 keeps two or three digits, too few to compare: use float32 (module.float()).")
    on_cpu = weight.detach().cpu() if hasattr(weight, "detach") else weight
    return on_cpu.numpy().copy()


def copy_weights(source, target, *, extra: Mapping | None = None) -> int:
    """Copy every weight of one model into the same model in the other framework.

    Layers are paired by name where a name that you gave stands once in both models (attributes of a
    PyTorch module, ``name=`` in Keras), and otherwise in the order in which they are defined:
    attributes and list entries of a PyTorch module, ``model.layers`` in Keras.  Everything is
    checked before anything is written, so that a refused copy leaves ``target`` as it was.  Running
    statistics are copied too.

    Where PyTorch adds two bias vectors and Keras has one (RNN, LSTM), Keras gets the sum; on the
    way back PyTorch's ``bias_ih`` gets Keras's bias and ``bias_hh`` zeros.

    Parameters
    ----------
    source, target
        One PyTorch module and one built Keras model or layer, in either order; float32 or float64.
    extra : dict, optional
        ``{"name of a PyTorch parameter": Keras variable}`` for weights outside any layer, of the
        same shape in both.

    Returns
    -------
    int
        How many numbers were written into ``target``.

    Raises
    ------
    ParityError
        For layers, shapes or settings that cannot be equal, by name and with what to set.
    """
    torch_model, keras_model = _sort(source, target)
    writes = []
    for e in pair(torch_model, keras_model, extra):
        if target is keras_model:
            writes.append((e.keras_name, e.variable, e.to_keras(*map(array, e.tensors))))
        else:
            writes.extend(zip(e.names, e.tensors, e.to_torch(array(e.variable))))
    for name, _, numbers in writes:
        if not np.isfinite(numbers).all():
            raise ParityError(f"the source holds NaN or infinity in what is to become '{name}'.")
    import torch

    with torch.no_grad():
        for _, weight, numbers in writes:
            if target is keras_model:
                weight.assign(numbers)
            else:
                weight.copy_(torch.from_numpy(np.ascontiguousarray(numbers)))
    return sum(numbers.size for _, _, numbers in writes)


# --- the second bias vector of PyTorch's recurrent layers ------------------------------------------


def second_biases(module) -> list[tuple]:
    """(layer, name, vector) of every second bias of an ``nn.RNN`` or ``nn.LSTM``."""
    from torch import nn

    recurrent = [layer for layer in module.modules() if isinstance(layer, nn.RNN | nn.LSTM)]
    return [(layer, n, p) for layer in recurrent for n, p in layer.named_parameters() if n.startswith("bias_hh")]


def one_bias(module) -> int:
    """Keep one trained bias in every ``nn.RNN`` and ``nn.LSTM`` of ``module``, as Keras has it.

    The layers add b_ih and b_hh, so their sum is put into b_ih, and b_hh is set to zero and no
    longer trained. What the network computes stays the same; its training does not. With two
    trained vectors every optimiser step moves the sum twice as far as a single vector would go.
    ``nn.GRU`` is left alone: its two vectors are different things, and Keras (``reset_after=True``)
    has both.  ``module`` is changed in place, before the optimiser is made.  Returns how many
    numbers are no longer trained.
    """
    found = second_biases(module)
    for layer, name, second in found:
        getattr(layer, name.replace("bias_hh", "bias_ih")).data.add_(second.data)
        second.data.zero_()
        second.requires_grad_(False)
    return sum(second.numel() for _, _, second in found)
