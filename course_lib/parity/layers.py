"""What is known about each layer: its class names, the layout of its numbers, settings that must agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isclose
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np


class Layout(NamedTuple):
    to_keras: Callable[..., np.ndarray]  # PyTorch's arrays -> Keras's array
    to_torch: Callable[[np.ndarray], tuple]  # Keras's array -> PyTorch's arrays


def _blocks(array, order):
    """Put the equal blocks (gates) along the first axis into another order."""
    blocks = np.split(array, len(order))
    return np.concatenate([blocks[i] for i in order])


def _regroup(array, axis, groups):
    """Exchange slow and fast along ``axis``: ``groups`` blocks of k become k of ``groups``."""
    shape = array.shape
    split = array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    return split.swapaxes(axis, axis + 1).reshape(shape)


def flattened(layout: Layout, axis: int, channels: int) -> Layout:
    """``layout`` for a weight whose PyTorch ``axis`` runs over a flattened image."""
    return Layout(
        lambda *arrays: layout.to_keras(*(_regroup(a, axis, channels) for a in arrays)),
        lambda array: tuple(_regroup(a, axis, a.shape[axis] // channels) for a in layout.to_torch(array)),
    )


class Part(NamedTuple):
    """One Keras weight and the PyTorch tensors that correspond to it."""

    torch: tuple[str, ...]
    keras: str
    layout: Layout
    switch: str = ""  # the Keras setting that decides whether the weight exists
    shown: int = 1  # how many of the tensors have a gradient of their own in Keras


SAME = Layout(lambda a: a, lambda a: (a,))
_ADDED = Layout(lambda b_ih, b_hh: b_ih + b_hh, lambda b: (b, np.zeros_like(b)))
_GRU = (1, 0, 2)  # its own inverse, so that it serves in both directions
_TWO_BIASES = Layout(
    lambda b_ih, b_hh: np.stack([_blocks(b_ih, _GRU), _blocks(b_hh, _GRU)]),
    lambda b: (_blocks(b[0], _GRU), _blocks(b[1], _GRU)),
)


def _weight(*axes: int) -> tuple[Part, ...]:
    moved = Layout(lambda a: a.transpose(axes), lambda a: (a.transpose(np.argsort(axes)),))
    return Part(("weight",), "kernel", moved), Part(("bias",), "bias", SAME, "use_bias")


def _recurrent(order: tuple, bias: Layout, shown: int) -> tuple[Part, ...]:
    gates = Layout(lambda a: _blocks(a, order).T, lambda a: (_blocks(a.T, order),))
    weights = Part(("weight_ih",), "kernel", gates), Part(("weight_hh",), "recurrent_kernel", gates)
    return *weights, Part(("bias_ih", "bias_hh"), "bias", bias, "use_bias", shown)


_NORMALISATION = (
    Part(("weight",), "gamma", SAME, "scale"),
    Part(("bias",), "beta", SAME, "center"),
    Part(("running_mean",), "moving_mean", SAME),
    Part(("running_var",), "moving_variance", SAME),
)
NONE = ((0, 0), (0, 0))  # (before, after) of each axis of an image


@dataclass
class Unit:
    """A layer with weights, as found in a model; of a recurrent module one layer and direction."""

    kind: "Kind"
    name: str
    layer: Any  # the PyTorch module or Keras layer (of a recurrent layer: its cell) that holds the weights
    suffix: str = ""  # PyTorch's recurrent modules: "_l0", "_l0_reverse"
    # Of Keras's layers only:
    padding: tuple = NONE  # by a padding layer directly before it
    cropping: tuple = NONE  # by a cropping layer directly after it
    size: tuple | None = None  # height and width of the input, where the model is built from keras.Input
    in_channels: int = 1  # inputs are a flattened image with so many channels
    out_channels: int = 1  # outputs become an image with so many channels

    @property
    def type(self) -> str:
        return type(self.layer).__name__.removesuffix("Cell")

    def __str__(self) -> str:
        place = ", layer " + self.suffix.removeprefix("_l").replace("_", " ") if self.suffix else ""
        return f"'{self.name}' ({self.type}{place})" if self.name else f"{self.type}{place}"


def _sum(one, other) -> tuple:
    return tuple((a + c, b + d) for (a, b), (c, d) in zip(one, other))


def _halves(totals) -> tuple:
    return tuple((n // 2, n - n // 2) for n in totals)


def _check_padding(torch: Unit, keras: Unit) -> Iterator[str]:
    t, k = torch.layer, keras.layer
    spans = [d * (size - 1) for d, size in zip(t.dilation, t.kernel_size)]
    by_name = {"same": _halves(spans), "valid": NONE}
    mine = by_name[t.padding] if isinstance(t.padding, str) else tuple((p, p) for p in t.padding)
    theirs = by_name[k.padding]
    if k.padding == "same" and max(k.strides) > 1:
        # TensorFlow pads just enough for ceil(size / stride) outputs, and the odd one at the end.
        if keras.size is None or None in keras.size:
            yield "padding='same' depends on the input's size: build the Keras model from keras.Input with a fixed size"
            return
        needs = [(-(-n // s) - 1) * s + span + 1 - n for n, s, span in zip(keras.size, k.strides, spans)]
        theirs = _halves(max(n, 0) for n in needs)
    if mine != (theirs := _sum(theirs, keras.padding)):
        mend = f"put keras.layers.ZeroPadding2D({mine}) before it and set padding='valid'"
        yield f"padding (before, after) is {mine} in PyTorch and {theirs} in Keras; {mend}"


def _check_cropping(torch: Unit, keras: Unit) -> Iterator[str]:
    # Both compute (size − 1)·stride + kernel outputs and cut some off at either end.
    t, same = torch.layer, keras.layer.padding == "same"
    mine = tuple((p, p - more) for p, more in zip(t.padding, t.output_padding))
    over = [d * (size - 1) + 1 - stride for size, d, stride in zip(t.kernel_size, t.dilation, t.stride)]
    theirs = tuple((max(n, 0) // 2, n - max(n, 0) // 2) if same else (0, min(n, 0)) for n in over)
    if mine != (theirs := _sum(theirs, keras.cropping)):
        mend = f"set padding='valid' and put keras.layers.Cropping2D({mine}) after it"
        yield f"it cuts (before, after) {mine} off in PyTorch and {theirs} in Keras; {mend}"


@dataclass(eq=False)
class Kind:
    """A layer that both frameworks have: class names, weights, Keras settings that must agree, a check of borders."""

    torch: str
    keras: str
    parts: tuple[Part, ...]
    settings: dict[str, Any] = field(default_factory=dict)  # values, or what they are for a PyTorch module
    check: Callable[[Unit, Unit], Iterator[str]] = lambda torch, keras: iter(())


_STRIDES = {"strides": attrgetter("stride"), "dilation_rate": attrgetter("dilation")}
_NORMALISING = {"epsilon": attrgetter("eps"), "momentum": lambda module: round(1 - (module.momentum or 0.0), 12)}
_GATED = {"activation": "tanh", "recurrent_activation": "sigmoid"}
DENSE = Kind("Linear", "Dense", _weight(1, 0))
CONV = Kind("Conv2d", "Conv2D", _weight(2, 3, 1, 0), _STRIDES, _check_padding)
TRANSPOSED = Kind("ConvTranspose2d", "Conv2DTranspose", _weight(2, 3, 1, 0), _STRIDES, _check_cropping)
BATCH_NORM = Kind("BatchNorm1d BatchNorm2d", "BatchNormalization", _NORMALISATION, _NORMALISING)
EMBEDDING = Kind("Embedding", "Embedding", (Part(("weight",), "embeddings", SAME),))
# A Keras recurrent layer is a wrapper round its cell, and the cell holds the weights.
RNN = Kind("RNN", "SimpleRNNCell", _recurrent((0,), _ADDED, 1), {"activation": attrgetter("nonlinearity")})
LSTM = Kind("LSTM", "LSTMCell", _recurrent((0, 1, 2, 3), _ADDED, 1), _GATED)
GRU = Kind("GRU", "GRUCell", _recurrent(_GRU, _TWO_BIASES, 2), {"reset_after": True, **_GATED})
KINDS = (DENSE, CONV, TRANSPOSED, BATCH_NORM, EMBEDDING, RNN, LSTM, GRU)


def kind_of(layer, library, framework: str) -> Kind | None:
    """The kind of a layer, ``library`` being torch.nn or keras.layers; None for what is not in the table."""
    return next(
        (k for k in KINDS for n in getattr(k, framework).split() if isinstance(layer, getattr(library, n))), None
    )


def what_to_change(torch: Unit, keras: Unit) -> Iterator[str]:
    """Settings of a Keras layer that make it another function than PyTorch's, with what to set."""
    for name, want in torch.kind.settings.items():
        want, have = want(torch.layer) if callable(want) else want, getattr(keras.layer, name)
        have = getattr(have, "__name__", have)  # activations are functions
        if not (isclose(have, want, rel_tol=1e-9) if isinstance(want, float) else have == want):
            yield f"{name} is {have!r}; set {name}={want!r} in keras.layers.{keras.type}"
    yield from torch.kind.check(torch, keras)
