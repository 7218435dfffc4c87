"""What is known about each layer: names, layout of its numbers, settings that must agree."""

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


# Each order is its own inverse, so that it serves in both directions.
_RNN, _LSTM, _GRU = (0,), (0, 1, 2, 3), (1, 0, 2)


def _gates(order) -> Layout:
    return Layout(lambda a: _blocks(a, order).T, lambda a: (_blocks(a.T, order),))


def _added_biases(order) -> Layout:
    return Layout(
        lambda b_ih, b_hh: _blocks(b_ih + b_hh, order),
        lambda b: (_blocks(b, order), np.zeros_like(b)),
    )


SAME = Layout(lambda a: a, lambda a: (a,))
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


@dataclass
class Unit:
    """A layer with weights, as found in a model."""

    kind: "Kind"
    name: str
    layer: Any  # the PyTorch module or Keras layer that holds the weights
    suffix: str = ""  # PyTorch's recurrent modules: "_l0", "_l0_reverse"
    reverse: bool = False  # runs through time backwards
    padding: tuple = ()  # (before, after) of each axis, by a padding layer directly before it
    cropping: tuple = ()  # the same, by a cropping layer directly after it
    flatten: tuple = ()  # Keras: shape of the image that a Flatten layer before it receives
    reshape: tuple = ()  # Keras: shape that a Reshape layer after it makes
    in_channels: int = 1  # inputs are a flattened image with so many channels
    out_channels: int = 1  # outputs become an image with so many channels

    @property
    def type(self) -> str:
        return type(self.layer).__name__.removesuffix("Cell")

    @property
    def is_image(self) -> bool:
        """A PyTorch layer from images to images, (n, channels, …)."""
        return self.kind in SPATIAL or self.type == "BatchNorm2d"

    @property
    def widths(self) -> tuple:
        """Numbers (or channels) in and out of a PyTorch layer; None where they do not matter."""
        if self.kind is LAYER_NORM:
            return (self.layer.normalized_shape[0],) * 2
        return tuple(getattr(self.layer, name, None) for name in self.kind.widths)


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


def _check_rnn(torch: Unit, keras: Unit):
    yield from _expect(keras, activation=torch.layer.nonlinearity)


def _check_lstm(torch: Unit, keras: Unit):
    yield from _expect(keras, activation="tanh", recurrent_activation="sigmoid")


def _check_gru(torch: Unit, keras: Unit):
    yield from _expect(keras, reset_after=True, activation="tanh", recurrent_activation="sigmoid")


def _is_last_axis(layer) -> bool:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    last = len(layer.get_build_config()["input_shape"]) - 1
    return list(axes) in ([-1], [last])


def _check_batch_norm(torch: Unit, keras: Unit):
    yield from _expect(keras, epsilon=torch.layer.eps)
    if torch.layer.momentum is None or torch.layer.running_mean is None:
        yield f"set momentum=0.1, track_running_stats=True in torch.nn.{torch.type}"
    else:
        yield from _expect(keras, momentum=round(1 - torch.layer.momentum, 12))
    if not _is_last_axis(keras.layer):
        yield "axis is not the last; set axis=-1 in keras.layers.BatchNormalization"


def _check_layer_norm(torch: Unit, keras: Unit):
    yield from _expect(keras, epsilon=torch.layer.eps)
    if len(torch.layer.normalized_shape) > 1:
        yield "give torch.nn.LayerNorm one size: the frameworks order several axes differently"
    if not _is_last_axis(keras.layer):
        yield "axis is not the last; set axis=-1 in keras.layers.LayerNormalization"


def _check_embedding(torch: Unit, keras: Unit):
    if torch.layer.max_norm is not None or torch.layer.scale_grad_by_freq:
        yield "set max_norm=None, scale_grad_by_freq=False in torch.nn.Embedding"
    if torch.layer.padding_idx not in (None, 0):
        yield "Keras masks index 0 only; set padding_idx=0 in torch.nn.Embedding"
    elif torch.layer.padding_idx == 0:
        yield from _expect(keras, mask_zero=True)


def _pairs(values) -> tuple:
    return tuple((v, v) for v in values)


def _sum(*paddings) -> tuple:
    """Add (before, after) pairs; a missing padding layer is an empty tuple."""
    present = [p for p in paddings if p]
    return tuple((sum(a for a, _ in axis), sum(b for _, b in axis)) for axis in zip(*present))


def _halves(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2


def _check_any_conv(torch: Unit, keras: Unit):
    t = torch.layer
    yield from _expect(keras, strides=t.stride, dilation_rate=t.dilation, data_format="channels_last")
    if t.padding_mode != "zeros":
        yield f"Keras pads with zeros only; set padding_mode='zeros' in torch.nn.{torch.type}"


def _check_conv(torch: Unit, keras: Unit):
    yield from _check_any_conv(torch, keras)
    t, k = torch.layer, keras.layer
    yield from _expect(keras, groups=t.groups)
    spans = [d * (size - 1) for d, size in zip(t.dilation, t.kernel_size)]
    same = tuple(map(_halves, spans))
    nothing = _pairs([0] * len(spans))
    by_name = {"same": same, "valid": nothing}
    own = by_name[t.padding] if isinstance(t.padding, str) else _pairs(t.padding)
    torch_pads = _sum(own, torch.padding)

    sizes = k.get_build_config()["input_shape"][1:-1]
    if k.padding == "same" and any(s > 1 for s in k.strides):
        # TensorFlow pads just enough for ceil(size / stride) outputs, and the odd one at the end.
        if None in sizes:
            yield "padding='same' depends on the input's size: give the Keras model a fixed size"
            return
        outs = [-(-n // s) for n, s in zip(sizes, k.strides)]
        needs = [(o - 1) * s + span + 1 - n for n, s, o, span in zip(sizes, k.strides, outs, spans)]
        own = tuple(_halves(max(n, 0)) for n in needs)
    elif k.padding == "causal":
        own = tuple((span, 0) for span in spans)
    else:
        own = same if k.padding == "same" else nothing
    keras_pads = _sum(own, keras.padding)

    for i, (mine, theirs) in enumerate(zip(torch_pads, keras_pads)):
        if mine == theirs:
            continue
        if sizes[i] is not None and mine[0] == theirs[0]:
            # Zeros at the end that no window reaches make no difference.
            free = sizes[i] - sum(keras.padding[i] if keras.padding else (0, 0)) - spans[i] - 1
            if (free + sum(mine)) // k.strides[i] == (free + sum(theirs)) // k.strides[i]:
                continue
        pads = torch_pads if len(spans) > 1 else torch_pads[0]
        yield (
            f"padding (before, after) is {torch_pads} in PyTorch and {keras_pads} in Keras; put "
            f"keras.layers.ZeroPadding{len(spans)}D({pads}) before it and set padding='valid'"
        )
        return


def _check_transposed(torch: Unit, keras: Unit):
    yield from _check_any_conv(torch, keras)
    t, k = torch.layer, keras.layer
    if t.groups != 1:
        yield f"Keras has no groups here; set groups=1 in torch.nn.{torch.type}"
    if k.output_padding is not None:
        yield f"leave output_padding=None in keras.layers.{keras.type}"
    # Both compute (size − 1)·stride + kernel outputs and cut some off at either end.
    cut = tuple((p, p - more) for p, more in zip(t.padding, t.output_padding))
    keras_cut = ()
    for size, dilation, stride in zip(t.kernel_size, t.dilation, t.stride):
        over = dilation * (size - 1) + 1 - stride
        before = max(over, 0) // 2 if k.padding == "same" else 0
        after = over - before if k.padding == "same" else min(over, 0)
        keras_cut += ((before, after),)
    keras_cut = _sum(keras_cut, keras.cropping)
    if cut != keras_cut:
        possible = all(after >= 0 for _, after in cut)
        crop = cut if len(cut) > 1 else cut[0]
        yield f"it cuts (before, after) {cut} off in PyTorch and {keras_cut} in Keras; " + (
            f"set padding='valid' and put keras.layers.Cropping{len(cut)}D({crop}) after it"
            if possible
            else f"Keras cannot add rows: take output_padding <= padding in torch.nn.{torch.type}"
        )


# --- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A layer that both frameworks have: class names, weights, and the check of its settings."""

    name: str
    torch: tuple[str, ...]
    keras: tuple[str, ...]
    parts: tuple[Part, ...]
    check: Callable[[Unit, Unit], Iterator[str]] = lambda torch, keras: iter(())
    widths: tuple[str, str] = ("-", "-")  # PyTorch's names for the numbers of inputs and outputs

    def classes(self, framework: str) -> tuple:
        if framework == "PyTorch":
            from torch import nn

            return tuple(getattr(nn, name) for name in self.torch)
        from keras import layers

        return tuple(getattr(layers, name) for name in self.keras)


def _recurrent(order, biases: Part) -> tuple[Part, ...]:
    return (
        Part(("weight_ih",), "kernel", _gates(order)),
        Part(("weight_hh",), "recurrent_kernel", _gates(order)),
        biases,
    )


def _one_bias(order) -> Part:
    return Part(("bias_ih", "bias_hh"), "bias", _added_biases(order), "use_bias", added=True)


def _weight(layout: Layout) -> tuple[Part, ...]:
    return (Part(("weight",), "kernel", layout), _BIAS)


_BIAS = Part(("bias",), "bias", SAME, "use_bias")
_SCALE = (Part(("weight",), "gamma", SAME, "scale"), Part(("bias",), "beta", SAME, "center"))
_RUNNING = (
    Part(("running_mean",), "moving_mean", SAME),
    Part(("running_var",), "moving_variance", SAME),
)
_GRU_BIAS = Part(("bias_ih", "bias_hh"), "bias", _TWO_BIASES, "use_bias")
# What leaves a recurrent layer may be a sequence, a state, two directions: its width is left open.
_FEATURES, _SIZES = ("in_features", "out_features"), ("input_size", "-")
_CHANNELS, _NORMED = ("in_channels", "out_channels"), ("num_features", "num_features")

# A Keras recurrent layer is a wrapper round its cell, and the cell holds the weights.
DENSE = Kind("dense", ("Linear",), ("Dense",), _weight(_moved(1, 0)), widths=_FEATURES)
RECURRENT = (
    Kind(
        "RNN",
        ("RNN", "RNNCell"),
        ("SimpleRNNCell",),
        _recurrent(_RNN, _one_bias(_RNN)),
        _check_rnn,
        _SIZES,
    ),
    Kind(
        "LSTM",
        ("LSTM", "LSTMCell"),
        ("LSTMCell",),
        _recurrent(_LSTM, _one_bias(_LSTM)),
        _check_lstm,
        _SIZES,
    ),
    Kind("GRU", ("GRU", "GRUCell"), ("GRUCell",), _recurrent(_GRU, _GRU_BIAS), _check_gru, _SIZES),
)
SPATIAL = (
    Kind(
        "convolution 1-D",
        ("Conv1d",),
        ("Conv1D",),
        _weight(_moved(2, 1, 0)),
        _check_conv,
        _CHANNELS,
    ),
    Kind(
        "convolution 2-D",
        ("Conv2d",),
        ("Conv2D",),
        _weight(_moved(2, 3, 1, 0)),
        _check_conv,
        _CHANNELS,
    ),
    Kind(
        "transposed convolution 2-D",
        ("ConvTranspose2d",),
        ("Conv2DTranspose",),
        _weight(_moved(2, 3, 1, 0)),
        _check_transposed,
        _CHANNELS,
    ),
)
BATCH_NORM = Kind(
    "batch normalisation",
    ("BatchNorm1d", "BatchNorm2d"),
    ("BatchNormalization",),
    _SCALE + _RUNNING,
    _check_batch_norm,
    _NORMED,
)
LAYER_NORM = Kind("layer normalisation", ("LayerNorm",), ("LayerNormalization",), _SCALE, _check_layer_norm)
EMBEDDING = Kind(
    "embedding",
    ("Embedding",),
    ("Embedding",),
    (Part(("weight",), "embeddings", SAME),),
    _check_embedding,
)
KINDS = (DENSE, *RECURRENT, *SPATIAL, BATCH_NORM, LAYER_NORM, EMBEDDING)


def kind_of(layer, framework: str) -> Kind | None:
    """The kind of a PyTorch module or Keras layer; None for what is not in the table."""
    return next((kind for kind in KINDS if isinstance(layer, kind.classes(framework))), None)
