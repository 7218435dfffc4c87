"""Find the layers of two models, pair them, and copy their weights."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from . import layers
from .layers import Unit
from .table import require


def torch_units(model) -> list[Unit]:
    """The layers with weights of a PyTorch module; one for each layer and direction of nn.LSTM."""
    from torch import nn

    units = []
    for name, module in model.named_modules():
        if (kind := layers.kind_of(module, nn, "torch")) is not None:
            fits = module is not model or getattr(module, "batch_first", True)
            require(fits, f"set batch_first=True in torch.nn.{type(module).__name__}.")
            ways = ["", "_reverse"] if getattr(module, "bidirectional", False) else [""]
            suffixes = [f"_l{i}{way}" for i in range(getattr(module, "num_layers", 0)) for way in ways]
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
        kind = layers.kind_of(layer, kl, "keras")
        shape = tuple(getattr(getattr(layer, "input", None), "shape", ()))[1:]  # known if built from keras.Input
        if kind is not None:
            require(layer.built, f"Keras '{name}' has no weights yet: build the model first (call it on a batch).")
            unit = Unit(kind, name, layer, padding=before or layers.NONE, size=shape[:-1] or None)
            dense = kind is layers.DENSE
            require(dense or not (flat and fresh), f"Keras {unit}: put keras.layers.Dense directly after Flatten.")
            if flat and dense:
                # A second head may start from the same image; what another dense layer made is none.
                chained = not fresh and getattr(units[-1].layer, "units", None) == flat[0]
                unit.in_channels = flat[1] if layer.kernel.shape[0] == flat[0] and not chained else 1
            fresh = False
            units.append(unit)
        elif isinstance(layer, kl.ZeroPadding2D):
            padding = layer.padding
        elif isinstance(layer, kl.Cropping2D) and units:
            units[-1].cropping = layer.cropping
        elif isinstance(layer, kl.Flatten):
            flat, fresh = (int(np.prod(shape)), shape[-1]) if len(shape) == 3 else None, True
        elif isinstance(layer, kl.Reshape):
            if units and units[-1].kind is layers.DENSE and len(layer.target_shape) == 3:
                units[-1].out_channels = layer.target_shape[-1]
        elif isinstance(layer, kl.Bidirectional):
            for way in (layer.forward_layer, layer.backward_layer):
                walk(way, f"{name}/{way.name}")
        elif isinstance(layer, kl.RNN):
            walk(layer.cell, name)
        else:
            top = layer is model and isinstance(layer, keras.Model)
            for part in parts(layer):
                walk(part, part.name if top else f"{name}/{part.name}")

    walk(model, model.name)
    return units


class Entry(NamedTuple):
    """One Keras weight beside the PyTorch tensors that correspond to it."""

    names: tuple[str, ...]
    tensors: tuple
    keras_name: str
    variable: Any
    to_keras: Callable
    to_torch: Callable
    shown: int = 1  # how many of the names have a gradient of their own in Keras


def _given_name(unit: Unit) -> str:
    """The last part of a layer's name, in small letters without dashes; nothing if no person gave it."""
    name = unit.name.replace("/", ".").rpartition(".")[2].replace("_", "").lower()
    by_itself = name.rstrip("0123456789") == unit.type.lower().rstrip("0123456789")
    return "" if by_itself or name.isdigit() else name


def pair_units(torch_model, keras_model) -> list[tuple[Unit, Unit]]:
    """The layers of both models side by side: by name where both models' names tell, else by place."""
    mine, theirs = torch_units(torch_model), keras_units(keras_model)
    counts = f"PyTorch has {len(mine)} layers with weights and Keras {len(theirs)}."
    listed = [", ".join(map(str, units)) or "none" for units in (mine, theirs)]
    require(len(mine) == len(theirs), f"{counts}\n  PyTorch: {listed[0]}\n  Keras:   {listed[1]}")
    # A functional Keras model lists its layers by depth, so that two heads may have changed places.
    names = [[_given_name(unit) for unit in units] for units in (mine, theirs)]
    common = {n for n in names[0] if n and names[0].count(n) == names[1].count(n) == 1}
    named = {n: unit for n, unit in zip(names[1], theirs) if n in common}
    rest = iter([unit for n, unit in zip(names[1], theirs) if n not in common])
    by_name = [(unit, named[n] if n in common else next(rest)) for n, unit in zip(names[0], mine)]
    return by_name if all(a.kind is b.kind for a, b in by_name) else list(zip(mine, theirs))


def pair(torch_model, keras_model, extra: Mapping | None = None) -> list[Entry]:
    """Pair the weights of two models, or say by name why they cannot be equal."""
    entries, known = [], dict(torch_model.named_parameters())
    for torch, keras in pair_units(torch_model, keras_model):
        both = f"PyTorch {torch} and Keras {keras}"
        require(torch.kind is keras.kind, f"{both} are different layers, at the same place in the two models.")
        reasons = "; ".join(layers.what_to_change(torch, keras))
        require(not reasons, f"{both} cannot be equal: {reasons}.")
        entries += _entries(torch, keras)
    for name, variable in (extra or {}).items():
        require(name in known, f"extra: the PyTorch model has no parameter '{name}'.")
        entries.append(Entry((name,), (known[name],), variable.path, variable, *layers.SAME))
    tensors = [(name, tensor) for e in entries for name, tensor in zip(e.names, e.tensors)]
    _check_complete("PyTorch", tensors, known.items())
    variables = [(e.keras_name, e.variable) for e in entries]
    _check_complete("Keras", variables, [(weight.path, weight) for weight in keras_model.weights])
    for e in entries:
        mine, theirs = f"PyTorch '{e.names[0]}'", f"Keras '{e.keras_name}'"
        empty = [np.broadcast_to(np.float32(0), t.shape) for t in e.tensors]
        want, have = e.to_keras(*empty).shape, tuple(e.variable.shape)
        require(want == have, f"{mine} {tuple(e.tensors[0].shape)} needs {theirs} {want}, and it is {have}.")
    return entries


def _entries(torch: Unit, keras: Unit) -> Iterator[Entry]:
    for part in torch.kind.parts:
        tensors = tuple(getattr(torch.layer, n + torch.suffix, None) for n in part.torch)
        variable = getattr(keras.layer, part.keras, None)
        if variable is None and tensors[0] is None:
            continue
        has, wanted = ("Keras", False) if tensors[0] is None else ("PyTorch", True)
        mend = f"; set {part.switch}={wanted} in keras.layers.{keras.type}" if part.switch else ""
        both = variable is not None and tensors[0] is not None
        require(both, f"PyTorch {torch} and Keras {keras} cannot be equal: only {has} has '{part.torch[0]}'{mend}.")
        layout = layers.flattened(part.layout, 0, keras.out_channels)
        if part.keras == "kernel":
            layout = layers.flattened(layout, 1, keras.in_channels)
        names = tuple(f"{torch.name}.{n}{torch.suffix}".removeprefix(".") for n in part.torch)
        yield Entry(names, tensors, f"{keras.name}/{part.keras}", variable, *layout, part.shown)


def _check_complete(framework: str, paired: list, weights: Iterable) -> None:
    """Every weight of a model is in exactly one entry."""
    owner = {}
    for name, weight in paired:
        other = owner.setdefault(id(weight), name)
        require(other == name, f"{framework} uses one weight in '{other}' and '{name}': tied weights are not paired.")
    for name, weight in weights:
        place = f"{framework}'s '{name}' {tuple(weight.shape)} is in no layer that is known here"
        require(id(weight) in owner, f"{place}; pair it by hand: extra={{'name in PyTorch': Keras variable}}.")


def array(weight) -> np.ndarray:
    """A copy of a tensor or Keras variable, on the CPU."""
    return (weight.detach().cpu() if hasattr(weight, "detach") else weight).numpy().copy()


def copy_weights(source, target, *, extra: Mapping | None = None) -> int:
    """Copy every weight, running statistics included, into the same model in the other framework.

    ``source`` and ``target`` are one PyTorch module and one built Keras model or layer, in either order; float32 or
    float64. Layers are paired by name where a name that you gave stands once in both (attributes of a PyTorch module,
    ``name=`` in Keras), and otherwise in the order in which they are defined. ``extra`` pairs weights outside any
    layer, ``{"name of a PyTorch parameter": Keras variable}``, of one shape. Where PyTorch adds two bias vectors and
    Keras has one (RNN, LSTM), Keras gets the sum; on the way back ``bias_ih`` gets Keras's and ``bias_hh`` zeros.

    Returns how many numbers were written. Raises ParityError, by name and with what to set, for layers, shapes or
    settings that cannot be equal: everything is checked before anything is written."""
    import keras
    import torch

    to_keras = isinstance(source, torch.nn.Module)
    mine, theirs = (source, target) if to_keras else (target, source)
    fits = isinstance(mine, torch.nn.Module) and isinstance(theirs, keras.layers.Layer)
    given = f"{type(source).__name__} and {type(target).__name__}"
    require(fits, f"give one PyTorch module and one Keras model or layer, not {given}.")
    entries = pair(mine, theirs, extra)
    if to_keras:
        writes = [(e.variable, e.to_keras(*map(array, e.tensors))) for e in entries]
    else:
        writes = [write for e in entries for write in zip(e.tensors, e.to_torch(array(e.variable)))]
    require(all(np.isfinite(numbers).all() for _, numbers in writes), "the source's weights hold NaN or infinity.")
    with torch.no_grad():
        for weight, numbers in writes:
            if to_keras:
                weight.assign(numbers)
            else:
                weight.copy_(torch.from_numpy(np.ascontiguousarray(numbers)))
    return sum(numbers.size for _, numbers in writes)


def second_biases(module) -> list[tuple]:
    """(layer, name, vector) of every second bias of an ``nn.RNN`` or ``nn.LSTM``."""
    from torch import nn

    recurrent = [layer for layer in module.modules() if isinstance(layer, nn.RNN | nn.LSTM)]
    return [(layer, n, p) for layer in recurrent for n, p in layer.named_parameters() if n.startswith("bias_hh")]


def one_bias(module) -> int:
    """Keep one trained bias in every ``nn.RNN`` and ``nn.LSTM`` of ``module``, as Keras has it. The layers add b_ih and
    b_hh, so their sum is put into b_ih, and b_hh is set to zero and no longer trained. The network's outputs stay the
    same; its training does not: with two trained vectors every step moves the sum twice as far. ``nn.GRU`` is left
    alone: its two vectors are different things, and Keras (``reset_after=True``) has both. Changes ``module`` in place,
    before the optimiser is made; returns how many numbers it froze."""
    found = second_biases(module)
    for layer, name, second in found:
        getattr(layer, name.replace("bias_hh", "bias_ih")).data.add_(second.data)
        second.data.zero_()
        second.requires_grad_(False)
    return sum(second.numel() for _, _, second in found)
