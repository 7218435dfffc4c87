"""Find the layers of two models, pair them in order, and copy their weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import layers
from .errors import ParityError
from .layers import Unit


def label(unit: Unit) -> str:
    direction = ""
    if unit.suffix:
        direction = ", layer " + unit.suffix.removeprefix("_l").replace("_", " ")
    elif unit.reverse:
        direction = ", backward"
    return f"'{unit.name}' ({unit.type}{direction})" if unit.name else f"{unit.type}{direction}"


# --- the layers of one model, in the order in which they were defined -----------------------------


def torch_units(model) -> list[Unit]:
    """The layers with weights of a PyTorch module; one for each layer and direction of nn.LSTM."""
    from torch import nn

    units, seen, padding = [], set(), ()

    def walk(module, name):
        nonlocal padding
        if id(module) in seen:
            return
        seen.add(id(module))
        before, padding = padding, ()
        kind = layers.kind_of(module, "PyTorch")
        if kind is not None:
            if any(isinstance(p, nn.parameter.UninitializedParameter) for p in module.parameters()):
                raise ParityError(f"PyTorch '{name}' has no shape yet: call the model once first.")
            if module is model and not getattr(module, "batch_first", True):
                raise ParityError(f"set batch_first=True in torch.nn.{type(module).__name__}.")
            for suffix in _suffixes(module):
                units.append(Unit(kind, name, module, suffix, "reverse" in suffix, before))
        elif isinstance(module, nn.ZeroPad1d | nn.ZeroPad2d):
            sides = module.padding  # PyTorch lists the last axis first
            padding = tuple(zip(sides[::2], sides[1::2]))[::-1]
        else:
            for child, part in module.named_children():
                walk(part, f"{name}.{child}" if name else child)

    walk(model, "")
    return units


def _suffixes(module) -> list[str]:
    if not hasattr(module, "num_layers"):
        return [""]
    directions = ["", "_reverse"] if module.bidirectional else [""]
    return [f"_l{i}{d}" for i in range(module.num_layers) for d in directions]


def keras_units(model) -> list[Unit]:
    """The layers with weights of a Keras model or layer, in the order of ``model.layers``."""
    import keras
    from keras import layers as kl

    units, seen, padding, flatten = [], set(), (), ()

    def walk(layer, name, reverse=False):
        nonlocal padding, flatten
        if id(layer) in seen:
            return
        seen.add(id(layer))
        before, padding = padding, ()
        kind = layers.kind_of(layer, "Keras")
        if kind is not None:
            if not layer.built:
                raise ParityError(
                    f"Keras '{name}' has no weights yet: build the model first "
                    "(call it once on a batch, or give it keras.Input(shape))."
                )
            units.append(Unit(kind, name, layer, "", reverse, before, flatten=flatten))
            flatten = ()
        elif isinstance(layer, kl.ZeroPadding1D):
            padding = (tuple(layer.padding),)
        elif isinstance(layer, kl.ZeroPadding2D):
            padding = layer.padding
        elif isinstance(layer, kl.Cropping2D) and units:
            units[-1].cropping = layer.cropping
        elif isinstance(layer, kl.Flatten):
            flatten = tuple((layer.get_build_config() or {}).get("input_shape", ()))[1:]
        elif isinstance(layer, kl.Reshape) and units:
            units[-1].reshape = tuple(layer.target_shape)
        elif isinstance(layer, kl.Bidirectional):
            if layer.merge_mode != "concat":
                raise ParityError(f"Keras '{name}': set merge_mode='concat' in keras.layers.Bidirectional.")
            walk(layer.forward_layer, f"{name}/{layer.forward_layer.name}")
            walk(layer.backward_layer, f"{name}/{layer.backward_layer.name}", True)
        elif isinstance(layer, kl.RNN):
            if layer.go_backwards != reverse:
                raise ParityError(
                    f"Keras '{name}': set go_backwards={reverse} in keras.layers."
                    f"{type(layer).__name__} (for both directions: keras.layers.Bidirectional)."
                )
            walk(layer.cell, name, reverse)
        elif isinstance(layer, keras.Model):
            for part in layer.layers:
                walk(part, part.name if layer is model else f"{name}/{part.name}")
        else:
            for part in layer._flatten_layers(include_self=False, recursive=False):
                walk(part, f"{name}/{part.name}", reverse)

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


def sort(first, second):
    """Return (PyTorch module, Keras model), in whichever order they came."""
    import keras
    import torch

    for mine, theirs in ((first, second), (second, first)):
        if isinstance(mine, torch.nn.Module) and isinstance(theirs, keras.layers.Layer):
            return mine, theirs
    raise ParityError(
        f"give one PyTorch module and one Keras model or layer, not {type(first).__name__} and {type(second).__name__}."
    )


def pair(torch_model, keras_model, extra=None, channels=None) -> list[Entry]:
    """Pair the weights of two models, or say by name why they cannot be equal."""
    mine, theirs = torch_units(torch_model), keras_units(keras_model)
    if len(mine) != len(theirs):
        raise ParityError(
            f"PyTorch has {len(mine)} layers with weights and Keras {len(theirs)}.\n"
            f"  PyTorch: {', '.join(map(label, mine)) or 'none'}\n"
            f"  Keras:   {', '.join(map(label, theirs)) or 'none'}"
        )
    pairs = list(zip(mine, theirs))
    for torch, keras in pairs:
        both = f"PyTorch {label(torch)} and Keras {label(keras)}"
        if torch.kind is not keras.kind:
            raise ParityError(f"{both} are different layers, at the same place in the two models.")
        if torch.reverse != keras.reverse:
            raise ParityError(f"{both} run in different directions: use keras.layers.Bidirectional.")
        reasons = list(torch.kind.check(torch, keras))
        if reasons:
            raise ParityError(f"{both} cannot be equal: {'; '.join(reasons)}.")
    _find_flattened(pairs, dict(channels or {}))
    entries = [entry for torch, keras in pairs for entry in _entries(torch, keras)]
    for name, variable in (extra or {}).items():
        tensor = dict(torch_model.named_parameters()).get(name)
        if tensor is None:
            raise ParityError(f"extra: the PyTorch model has no parameter '{name}'.")
        same = layers.SAME
        entries.append(Entry((name,), (tensor,), variable.path, variable, *same))
    _check_complete(torch_model, keras_model, entries)
    _check_shapes(entries)
    return entries


def _entries(torch: Unit, keras: Unit):
    for part in torch.kind.parts:
        tensors = tuple(getattr(torch.layer, n + torch.suffix, None) for n in part.torch)
        variable = getattr(keras.layer, part.keras, None)
        if variable is None and all(t is None for t in tensors):
            continue
        prefix = f"{torch.name}." if torch.name else ""
        names = tuple(f"{prefix}{n}{torch.suffix}" for n in part.torch)
        if variable is None or any(t is None for t in tensors):
            has, wanted = ("Keras", False) if tensors[0] is None else ("PyTorch", True)
            raise ParityError(
                f"PyTorch {label(torch)} and Keras {label(keras)} cannot be equal: only {has} has "
                f"'{part.torch[0]}'; set {part.switch}={wanted} in keras.layers.{keras.type}."
            )
        layout = layers.flattened(part.layout, 0, torch.out_channels)
        if part.torch[0] in ("weight", "weight_ih") and torch.kind is not layers.BATCH_NORM:
            layout = layers.flattened(layout, 1, torch.in_channels)
        shown = 1 if part.added else len(names)
        where = f"{keras.name}/{part.keras}"
        yield Entry(names, tensors, where, variable, *layout, shown)


def _find_flattened(pairs, channels):
    """Find where images are flattened, and where flat numbers become images.

    Both frameworks flatten in the order in which the axes lie: PyTorch runs through one channel's
    pixels first, Keras through one pixel's channels.  A dense layer after a convolution has its
    inputs in that order, a dense layer before one its outputs; normalisations between share it.
    """

    def ask(unit, side):
        raise ParityError(
            f"PyTorch {label(unit)}: cannot tell whether its {side} are a flattened image. Say how "
            f"many channels that image has, 1 if it is none: channels={{'{unit.name}.{side}': 1}}."
        )

    norms = (layers.BATCH_NORM, layers.LAYER_NORM)
    image = None  # channels of the last image
    fresh = False  # it was made by the layer just before
    width, order = None, 1  # numbers that arrive, and channels of the image that they list
    flat = (None, 1)  # the same, for the last flattened image: a second layer may start from it
    for torch, keras in pairs:
        n, out = torch.widths
        if torch.is_image or (torch.kind in norms and fresh and n == image):
            image, fresh = out, True
            continue
        given = f"{torch.name}.inputs" in channels
        if given:
            found = channels.pop(f"{torch.name}.inputs")
        elif len(keras.flatten) == 3:
            found, given = keras.flatten[-1], True
        elif fresh:
            found = 1 if n in (None, image) else image
            if found > 1 and torch.kind in layers.RECURRENT:
                ask(torch, "inputs")
        elif torch.kind in norms:
            found = order
        elif torch.kind is not layers.DENSE or image is None or width is None:
            found = 1
        elif n == flat[0]:
            found = flat[1]
            if n == width and order != found:
                ask(torch, "inputs")
        elif n == width:
            found = 1
        else:
            ask(torch, "inputs")
        if found > 1 and (n is None or n % found):
            ask(torch, "inputs")
        if fresh or given:
            flat = (n, found)
        if torch.kind in norms:
            torch.out_channels, width, order = found, n, found
        else:
            torch.in_channels, width, order = found, out, 1
        fresh = False

    wanted = None  # channels of the image that the next layer takes
    for torch, keras in reversed(pairs):
        n, out = torch.widths
        if torch.is_image:
            wanted = n
            continue
        if f"{torch.name}.outputs" in channels:
            found = channels.pop(f"{torch.name}.outputs")
        elif len(keras.reshape) == 3 and keras.reshape[-1] > 0:
            found = keras.reshape[-1]
        else:
            found = 1 if wanted is None or out in (None, wanted) else wanted
        if found > 1:
            reorders = torch.kind is layers.DENSE or torch.kind in norms
            if not reorders or out % found or torch.out_channels not in (1, found):
                ask(torch, "outputs")
            torch.out_channels = found
        wanted = found if torch.kind in norms and found > 1 else None
    if channels:
        raise ParityError(f"channels: no dense layer has {', '.join(map(repr, channels))}.")


def _check_complete(torch_model, keras_model, entries):
    """Every parameter of either model is in exactly one entry."""
    sides = (
        ("PyTorch", [(n, t) for e in entries for n, t in zip(e.names, e.tensors)]),
        ("Keras", [(e.keras_name, e.variable) for e in entries]),
    )
    for framework, weights in sides:
        owner = {}
        for name, weight in weights:
            if id(weight) in owner:
                raise ParityError(
                    f"{framework} uses one weight in two layers, '{owner[id(weight)]}' and "
                    f"'{name}': tied weights cannot be paired."
                )
            owner[id(weight)] = name
        if framework == "PyTorch":
            everything = torch_model.named_parameters()
        else:
            everything = [(weight.path, weight) for weight in keras_model.weights]
        for name, weight in everything:
            if id(weight) not in owner:
                raise ParityError(
                    f"{framework}'s '{name}' {tuple(weight.shape)} is in no layer that is known "
                    "here; pair it by hand: extra={'name in PyTorch': Keras variable}."
                )


def _check_shapes(entries):
    for e in entries:
        empty = [np.broadcast_to(np.zeros((), np.float32), t.shape) for t in e.tensors]
        want, have = e.to_keras(*empty).shape, tuple(e.variable.shape)
        if want != have:
            raise ParityError(
                f"PyTorch '{e.names[0]}' {tuple(e.tensors[0].shape)} needs Keras '{e.keras_name}' "
                f"{want}, and it is {have}."
            )
        mine, theirs = str(e.tensors[0].dtype).removeprefix("torch."), str(e.variable.dtype)
        if mine != theirs:
            raise ParityError(
                f"PyTorch '{e.names[0]}' is {mine} and Keras '{e.keras_name}' {theirs}: use one "
                "precision (module.double(), keras.layers.…(dtype='float64'))."
            )


def array(weight) -> np.ndarray:
    """A copy of a tensor or Keras variable, on the CPU."""
    on_cpu = weight.detach().cpu() if hasattr(weight, "detach") else weight
    return on_cpu.numpy().copy()


def copy_weights(source, target, *, extra=None, channels=None) -> int:
    """Copy every weight of one model into the same model in the other framework.

    Layers are paired in the order in which they are defined: attributes and list entries of a
    PyTorch module, ``model.layers`` in Keras.  Everything is checked before anything is written, so
    that a refused copy leaves ``target`` as it was.  Running statistics are copied too.

    Where PyTorch adds two bias vectors and Keras has one (RNN, LSTM), Keras gets the sum; on the
    way back PyTorch's ``bias_ih`` gets Keras's bias and ``bias_hh`` zeros.

    Parameters
    ----------
    source, target
        One PyTorch module and one built Keras model or layer, in either order; float32 or float64,
        on any device.
    extra : dict, optional
        ``{"name of a PyTorch parameter": Keras variable}`` for weights outside any layer, such as a
        learned initial state; they have the same shape in both.
    channels : dict, optional
        ``{"fc.inputs": 16, "project.outputs": 32}``: the PyTorch layer's inputs (outputs) are a
        flattened image with so many channels, or 1 if they are not.  Needed only where that cannot
        be seen from the layers; the error says so.

    Returns
    -------
    int
        How many numbers were written into ``target``.

    Raises
    ------
    ParityError
        For layers, shapes or settings that cannot be equal, by name and with what to set.
    """
    torch_model, keras_model = sort(source, target)
    writes = []
    for e in pair(torch_model, keras_model, extra, channels):
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
