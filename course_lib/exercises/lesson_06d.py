"""Exercises of lesson 06d: sizes down and up, counting a layer, Keras's padding, overlaps, doubling without a pattern."""

import numpy as np

from . import Exercise, Wrong


def _cost(c_in, c_out, k, n_out, *, bias=True, positions=True, square=True):
    window = k * k if square else k
    products = n_out**2 * c_out * c_in * window if positions else c_out * c_in * window
    return np.array([c_out * c_in * window + (c_out if bias else 0), products])


def _same(n, k, s, *, early=False, always=False, stride_one=False):
    out = n // s if early else -(-n // s)
    total = k - 1 if stride_one else (out - 1) * s + k - n
    total = total if always else max(total, 0)
    return total // 2, total - total // 2


def _overlap(n, k, s):
    count = np.zeros((n - 1) * s + k)
    for i in range(n):
        count[i * s : i * s + k] += 1
    return count


def _windows(n, k, s):
    """How often a convolution of kernel k and stride s reads each of its n inputs."""
    count = np.zeros(n)
    for i in range((n - k) // s + 1):
        count[i * s : i * s + k] += 1
    return count


def _measure_double(answer):
    """Build the student's module for 3 channels in and 4 out; look at its shape, its answer to a constant, its weights."""
    import torch

    if not callable(answer):
        raise ValueError("give the function double itself, without calling it")
    torch.manual_seed(0)
    try:
        net = answer(3, 4)
    except TypeError as error:
        raise ValueError(f"double must be called as double(c_in, c_out): {error}") from None
    if not isinstance(net, torch.nn.Module):
        raise ValueError("double(c_in, c_out) must return a module, for example an nn.Sequential")
    net = net.float().eval()
    with torch.no_grad():
        constant, noise = net(torch.ones(1, 3, 8, 8)), net(torch.randn(1, 3, 8, 8))
    if tuple(constant.shape) != (1, 4, 16, 16):
        raise ValueError(
            f"(1, 3, 8, 8) must become (1, 4, 16, 16), and becomes {tuple(constant.shape)}: the formulas of section 2 say why"
        )
    inside = constant[:, :, 4:-4, 4:-4]
    pattern = (inside - inside.mean((2, 3), keepdim=True)).abs().max() / inside.abs().max().clamp(min=1e-12)
    return {
        "no pattern": bool(pattern < 1e-4),
        "depends on the input": bool(noise[:, :, 4:-4, 4:-4].std((2, 3)).max() > 1e-6),
        "has weights": any(p.requires_grad for p in net.parameters()),
    }


def _double(c_in, c_out, kind="right"):
    import torch
    from torch import nn

    if kind == "three":
        return nn.ConvTranspose2d(c_in, c_out, 3, stride=2, padding=1, output_padding=1)
    if kind == "four":
        return nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1)
    net = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(c_in, c_out, 3, padding=1))
    if kind == "dead":
        torch.nn.init.zeros_(net[1].weight)
    return net.requires_grad_(kind != "frozen")


_SIZES = {"down": 11, "up": 31, "output_padding": 1}
_LAYERS = [(1, 8, 3, 14), (16, 32, 5, 7), (3, 3, 1, 10)]
_PADDED = [(28, 3, 2), (7, 3, 2), (14, 4, 2), (10, 5, 3), (9, 2, 3), (6, 3, 1)]
_TRANSPOSED = [(4, 3, 2), (4, 4, 2), (3, 2, 3), (5, 5, 1)]

EXERCISES = [
    Exercise(
        name="06d.sizes",
        solution=_SIZES,
        wrong=[
            Wrong(
                _SIZES | {"down": 10}, "Windows are one more than steps between them: look at the end of the formula."
            ),
            Wrong(_SIZES | {"down": 12}, "Round down: a window that does not fit is not used."),
            Wrong(_SIZES | {"down": 10, "up": 28}, "Windows are one more than steps between them."),
            Wrong(_SIZES | {"down": 9}, "The padding is on both sides."),
            Wrong(_SIZES | {"up": 35}, "The transposed layer cuts its padding off, at both ends."),
            Wrong(_SIZES | {"up": 33}, "The transposed layer cuts its padding off, at both ends."),
            Wrong(_SIZES | {"up": 34}, "The first input writes a whole kernel, each further one moves on by a stride."),
            Wrong(
                _SIZES | {"up": 32, "output_padding": 0}, "Compute the size without output_padding before you mend it."
            ),
            Wrong(_SIZES | {"output_padding": 0}, "Then the decoder ends at another size than the image has."),
            Wrong(_SIZES | {"output_padding": 2}, "One row for each that is missing, at one end only."),
        ],
        hint="Down: the formula with the floor. Up: the formula with (n - 1) s. Then what is missing to 32?",
    ),
    Exercise(
        name="06d.cost",
        solution=_cost,
        inputs=_LAYERS,
        wrong=[
            Wrong(lambda *a: _cost(*a, bias=False), "There is one bias for each output channel."),
            Wrong(lambda *a: _cost(*a, positions=False), "Every weight works again at each position of the output."),
            Wrong(
                lambda *a: _cost(*a, square=False), "The kernel is a square: k by k weights for each pair of channels."
            ),
            Wrong(lambda c, q, k, n: _cost(1, q, k, n), "Each output channel looks at all input channels."),
            Wrong(
                lambda c, q, k, n: _cost(c, q, k, n) + [c - q, 0], "One bias for each channel that comes out, not in."
            ),
            Wrong(
                lambda c, q, k, n: _cost(c, q, k, n) + [0, n * n * q],
                "Count the products only; adding the bias is none.",
            ),
            Wrong(lambda *a: _cost(*a)[::-1], "The other way round: first the parameters, then the multiplications."),
        ],
        hint="One kernel is k by k for each pair of input and output channel. Then: how often is it used for one image?",
    ),
    Exercise(
        name="06d.same",
        solution=_same,
        inputs=_PADDED,
        wrong=[
            Wrong(lambda n, k, s: _same(n, k, s)[::-1], "Right numbers, wrong ends: where does the odd one go?"),
            Wrong(lambda n, k, s: (k // 2, k // 2), "That is the usual setting in PyTorch, whatever the size is."),
            Wrong(
                lambda n, k, s: ((k - 1) // 2, (k - 1) // 2), "That is the usual setting in PyTorch, for odd kernels."
            ),
            Wrong(lambda *a: _same(*a, stride_one=True), "Right at stride 1. A larger stride can leave pixels over."),
            Wrong(lambda *a: _same(*a, early=True), "Keras keeps ceil(n / s) outputs; yours rounds down."),
            Wrong(lambda *a: _same(*a, always=True), "No padding can be negative: pixels at the end may go unread."),
        ],
        hint="How far do ceil(n / s) windows reach, and how much of that is missing? Half before, the rest after.",
    ),
    Exercise(
        name="06d.overlap",
        solution=_overlap,
        inputs=_TRANSPOSED,
        wrong=[
            Wrong(lambda n, k, s: _overlap(n, s, k), "Stride and kernel are exchanged."),
            Wrong(
                lambda n, k, s: _overlap(n, k, s)[: n * s],
                "Nothing is cut off here: the last input writes a kernel, too.",
            ),
            Wrong(lambda n, k, s: _overlap(n, k, 1), "Neighbouring inputs write a stride apart."),
            Wrong(_windows, "That is how often a convolution reads each input. Here inputs write into outputs."),
            Wrong(
                lambda n, k, s: np.minimum(_overlap(n, k, s), 1),
                "Add one for every input that writes, do not set to one.",
            ),
        ],
        hint="Start from zeros of length (n - 1) s + k. Input i adds one to k neighbouring places; where do they begin?",
    ),
    Exercise(
        name="06d.double",
        solution=_double,
        measure=_measure_double,
        wrong=[
            Wrong(
                lambda a, b: _double(a, b, "three"), "A constant comes out with a pattern: see the counts of section 9."
            ),
            Wrong(
                lambda a, b: _double(a, b, "four"), "A constant comes out with a pattern: see the counts of section 9."
            ),
            Wrong(lambda a, b: _double(a, b, "dead"), "Its answer does not depend on the input."),
            Wrong(lambda a, b: _double(a, b, "frozen"), "It has nothing to learn: no parameter takes a gradient."),
        ],
        hint="Repeat the pixels first; then let a convolution of stride 1 look at them.",
    ),
]
