"""What is known about each layer: its class names, the layout of its numbers, settings that must agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isclose
from typing import Any, NamedTuple

import numpy as np

# --- layouts: one Keras array from PyTorch's arrays, and back -----------------------------------


class Layout(NamedTuple):
    to_keras: Callable[..., np.ndarray]  # PyTorch's arrays -> Keras's array
    to_torch: Callable[[np.ndarray], tuple]  # Keras's array -> PyTorch's arrays


def _moved(*axes: int) -> Layout:
    back = np.argsort(axes)
    return Layout(lambda a: a.transpose(axes), lambda a: (a.transpose(back),))


def _blocks(array, order):
    """Put the equal blocks (gates) along the first axis into another order."""
    blocks = np.split(array, len(order))
    return np.concatenate([blocks[i] for i in order])


_GRU = (1, 0, 2)  # its own inverse, so that it serves in both directions


def _gates(order) -> Layout:
    return Layout(lambda a: _blocks(a, order).T, lambda a: (_blocks(a.T, order),))


SAME = Layout(lambda a: a, lambda a: (a,))
_ADDED = Layout(lambda b_ih, b_hh: b_ih + b_hh, lambda b: (b, np.zeros_like(b)))
_TWO_BIASES = Layout(
    lambda b_ih, b_hh: np.stack([_blocks(b_ih, _GRU), _blocks(b_hh, _GRU)]),
    lambda b: (_blocks(b[0], _GRU), _blocks(b[1], _GRU)),
)


def _regroup(array, axis, groups):
    """Exchange slow and fast along ``axis``: ``groups`` blocks of k become k of ``groups``."""
    shape = array.shape
    split = array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    return split.swapaxes(axis, axis + 1).reshape(shape)


def flattened(layout: Layout, axis: int, channels: int) -> Layout:
    """``layout`` for a weight whose PyTorch ``axis`` runs over a flattened image."""
    if channels == 1:
        return layout

    def back(array):
        return tuple(_regroup(a, axis, a.shape[axis] // channels) for a in layout.to_torch(array))

    return Layout(lambda *arrays: layout.to_keras(*(_regroup(a, axis, channels) for a in arrays)), back)


# --- one unit of a model: a layer, or one layer and direction of a recurrent module ---------------

NONE = ((0, 0), (0, 0))  # (before, after) of each axis of an image


@dataclass
class Unit:
    """A layer with weights, as found in a model."""

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


class Part(NamedTuple):
    """One Keras weight and the PyTorch tensors that correspond to it."""

    torch: tuple[str, ...]
    keras: str
    layout: Layout
    switch: str = ""  # the Keras setting that decides whether the weight exists
    # With two biases that are added, both have the gradient of their sum: the first one is shown.
    added: bool = False


# --- settings that must agree: each check yields what to change -----------------------------------


def _expect(keras: Unit, **settings) -> Iterator[str]:
    for name, want in settings.items():
        have = getattr(keras.layer, name)
        have = getattr(have, "__name__", have)  # activations are functions
        same = isclose(have, want, rel_tol=1e-9) if isinstance(want, float) else have == want
        if not same:
            yield f"{name} is {have!r}; set {name}={want!r} in keras.layers.{keras.type}"


def _check_batch_norm(torch: Unit, keras: Unit):
    momentum = round(1 - (torch.layer.momentum or 0.0), 12)
    yield from _expect(keras, epsilon=torch.layer.eps, momentum=momentum)


def _check_embedding(torch: Unit, keras: Unit):
    if torch.layer.padding_idx is not None:
        yield (
            "padding_idx in PyTorch only keeps a row from training, mask_zero=True in Keras makes recurrent layers skip "
            "the steps; leave padding_idx out, and where Keras masks give PyTorch's recurrent layer packed sequences"
        )


def _sum(*paddings) -> tuple:
    return tuple((sum(a for a, _ in axis), sum(b for _, b in axis)) for axis in zip(*paddings))


def _halves(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2


def _check_conv(torch: Unit, keras: Unit):
    t, k = torch.layer, keras.layer
    yield from _expect(keras, strides=t.stride, dilation_rate=t.dilation)
    spans = [d * (size - 1) for d, size in zip(t.dilation, t.kernel_size)]
    by_name = {"same": tuple(map(_halves, spans)), "valid": NONE}
    mine = by_name[t.padding] if isinstance(t.padding, str) else tuple((p, p) for p in t.padding)
    theirs = by_name[k.padding]
    if k.padding == "same" and max(k.strides) > 1:
        # TensorFlow pads just enough for ceil(size / stride) outputs, and the odd one at the end.
        if keras.size is None or None in keras.size:
            yield "padding='same' depends on the input's size: build the Keras model from keras.Input with a fixed size"
            return
        needs = [(-(-n // s) - 1) * s + span + 1 - n for n, s, span in zip(keras.size, k.strides, spans)]
        theirs = tuple(_halves(max(n, 0)) for n in needs)
    theirs = _sum(theirs, keras.padding)
    if mine != theirs:
        yield (
            f"padding (before, after) is {mine} in PyTorch and {theirs} in Keras; put "
            f"keras.layers.ZeroPadding2D({mine}) before it and set padding='valid'"
        )


def _check_transposed(torch: Unit, keras: Unit):
    t, k = torch.layer, keras.layer
    yield from _expect(keras, strides=t.stride, dilation_rate=t.dilation, output_padding=None)
    # Both compute (size − 1)·stride + kernel outputs and cut some off at either end.
    mine, theirs = tuple((p, p - more) for p, more in zip(t.padding, t.output_padding)), ()
    for size, dilation, stride in zip(t.kernel_size, t.dilation, t.stride):
        over = dilation * (size - 1) + 1 - stride
        before = max(over, 0) // 2 if k.padding == "same" else 0
        theirs += ((before, over - before if k.padding == "same" else min(over, 0)),)
    theirs = _sum(theirs, keras.cropping)
    if mine != theirs:
        mend = f"set padding='valid' and put keras.layers.Cropping2D({mine}) after it"
        if min(after for _, after in mine) < 0:
            mend = f"Keras cannot add rows: take output_padding <= padding in torch.nn.{torch.type}"
        yield f"it cuts (before, after) {mine} off in PyTorch and {theirs} in Keras; {mend}"


# --- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A layer that both frameworks have: class names, weights, and the check of its settings."""

    torch: tuple[str, ...]
    keras: str
    parts: tuple[Part, ...]
    check: Callable[[Unit, Unit], Iterator[str]] = lambda torch, keras: iter(())


def _weight(layout: Layout) -> tuple[Part, ...]:
    return Part(("weight",), "kernel", layout), Part(("bias",), "bias", SAME, "use_bias")


def _recurrent(order, bias: Layout, added: bool, **settings) -> tuple:
    """Weights and check of a recurrent layer; Keras's must have these settings, or PyTorch's nonlinearity."""

    def check(torch: Unit, keras: Unit):
        yield from _expect(keras, **(settings or {"activation": torch.layer.nonlinearity}))

    return (
        Part(("weight_ih",), "kernel", _gates(order)),
        Part(("weight_hh",), "recurrent_kernel", _gates(order)),
        Part(("bias_ih", "bias_hh"), "bias", bias, "use_bias", added),
    ), check


_NORMALISATION = (
    Part(("weight",), "gamma", SAME, "scale"),
    Part(("bias",), "beta", SAME, "center"),
    Part(("running_mean",), "moving_mean", SAME),
    Part(("running_var",), "moving_variance", SAME),
)
_USUAL = {"activation": "tanh", "recurrent_activation": "sigmoid"}

DENSE = Kind(("Linear",), "Dense", _weight(_moved(1, 0)))
CONV = Kind(("Conv2d",), "Conv2D", _weight(_moved(2, 3, 1, 0)), _check_conv)
TRANSPOSED = Kind(("ConvTranspose2d",), "Conv2DTranspose", _weight(_moved(2, 3, 1, 0)), _check_transposed)
BATCH_NORM = Kind(("BatchNorm1d", "BatchNorm2d"), "BatchNormalization", _NORMALISATION, _check_batch_norm)
EMBEDDING = Kind(("Embedding",), "Embedding", (Part(("weight",), "embeddings", SAME),), _check_embedding)
# A Keras recurrent layer is a wrapper round its cell, and the cell holds the weights.
RNN = Kind(("RNN",), "SimpleRNNCell", *_recurrent((0,), _ADDED, True))
LSTM = Kind(("LSTM",), "LSTMCell", *_recurrent((0, 1, 2, 3), _ADDED, True, **_USUAL))
GRU = Kind(("GRU",), "GRUCell", *_recurrent(_GRU, _TWO_BIASES, False, reset_after=True, **_USUAL))
KINDS = (DENSE, CONV, TRANSPOSED, BATCH_NORM, EMBEDDING, RNN, LSTM, GRU)


def torch_kind(module) -> Kind | None:
    """The kind of a PyTorch module; None for what is not in the table."""
    from torch import nn

    return next((k for k in KINDS if isinstance(module, tuple(getattr(nn, name) for name in k.torch))), None)


def keras_kind(layer) -> Kind | None:
    """The kind of a Keras layer; None for what is not in the table."""
    from keras import layers

    return next((k for k in KINDS if isinstance(layer, getattr(layers, k.keras))), None)
