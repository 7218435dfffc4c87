"""Exercises of lesson 06e: sizes down and up, counting a layer, Keras's padding, overlaps, doubling without a pattern."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


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
    if net is None or net is Ellipsis:
        return net
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


_LAYERS = [(1, 8, 3, 14), (16, 32, 5, 7), (3, 3, 1, 10)]
_PADDED = [(28, 3, 2), (7, 3, 2), (14, 4, 2), (10, 5, 3), (9, 2, 3), (6, 3, 1)]
_TRANSPOSED = [(4, 3, 2), (4, 4, 2), (3, 2, 3), (5, 5, 1)]


def _emptied(net):
    net.load_state_dict({name: 0 * array for name, array in net.state_dict().items()})
    return net


EXERCISES = [
    Exercise(
        name="06e.sizes",
        wrong=[
            Changed(
                lambda solution: solution | {"down": 10},
                "Windows are one more than steps between them: look at the end of the formula.",
            ),
            Changed(lambda solution: solution | {"down": 12}, "Round down: a window that does not fit is not used."),
            Changed(
                lambda solution: solution | {"down": 10, "up": 28}, "Windows are one more than steps between them."
            ),
            Changed(lambda solution: solution | {"down": 9}, "The padding is on both sides."),
            Changed(lambda solution: solution | {"up": 35}, "The transposed layer cuts its padding off, at both ends."),
            Changed(lambda solution: solution | {"up": 33}, "The transposed layer cuts its padding off, at both ends."),
            Changed(
                lambda solution: solution | {"up": 34},
                "The first input writes a whole kernel, each further one moves on by a stride.",
            ),
            Changed(
                lambda solution: solution | {"up": 32, "output_padding": 0},
                "Compute the size without output_padding before you mend it.",
            ),
            Changed(
                lambda solution: solution | {"output_padding": 0},
                "Then the decoder ends at another size than the image has.",
            ),
            Changed(
                lambda solution: solution | {"output_padding": 2}, "One row for each that is missing, at one end only."
            ),
        ],
        hint="Down: the formula with the floor. Up: the formula with (n - 1) s. Then what is missing to 32?",
    ),
    Exercise(
        name="06e.cost",
        inputs=_LAYERS,
        wrong=[
            Edit("weights + c_out", "weights", "There is one bias for each output channel."),
            Edit(" * n_out**2", "", "Every weight works again at each position of the output."),
            Edit("k**2", "k", "The kernel is a square: k by k weights for each pair of channels."),
            Edit("c_in * c_out", "c_out", "Each output channel looks at all input channels."),
            Edit("weights + c_out", "weights + c_in", "One bias for each channel that comes out, not in."),
            Edit(
                "weights * n_out**2",
                "weights * n_out**2 + c_out * n_out**2",
                "Count the products only; adding the bias is none.",
            ),
            Changed(
                lambda solution, *a: solution(*a)[::-1],
                "The other way round: first the parameters, then the multiplications.",
            ),
        ],
        hint="One kernel is k by k for each pair of input and output channel. Then: how often is it used for one image?",
    ),
    Exercise(
        name="06e.same",
        inputs=_PADDED,
        wrong=[
            Changed(lambda solution, *a: solution(*a)[::-1], "Right numbers, wrong ends: where does the odd one go?"),
            Wrong(lambda n, k, s: (k // 2, k // 2), "That is the usual setting in PyTorch, whatever the size is."),
            Wrong(
                lambda n, k, s: ((k - 1) // 2, (k - 1) // 2), "That is the usual setting in PyTorch, for odd kernels."
            ),
            Edit(
                "max((outputs - 1) * s + k - n, 0)",
                "k - 1",
                "Right at stride 1. A larger stride can leave pixels over.",
            ),
            Edit("int(np.ceil(n / s))", "n // s", "Keras keeps ceil(n / s) outputs; yours rounds down."),
            Edit(
                "max((outputs - 1) * s + k - n, 0)",
                "(outputs - 1) * s + k - n",
                "No padding can be negative: pixels at the end may go unread.",
            ),
        ],
        hint="How far do ceil(n / s) windows reach, and how much of that is missing? Half before, the rest after.",
    ),
    Exercise(
        name="06e.overlap",
        inputs=_TRANSPOSED,
        wrong=[
            Changed(lambda solution, n, k, s: solution(n, s, k), "Stride and kernel are exchanged."),
            Changed(
                lambda solution, n, k, s: solution(n, k, s)[: n * s],
                "Nothing is cut off here: the last input writes a kernel, too.",
            ),
            Changed(lambda solution, n, k, s: solution(n, k, 1), "Neighbouring inputs write a stride apart."),
            Wrong(_windows, "That is how often a convolution reads each input. Here inputs write into outputs."),
            Changed(
                lambda solution, *a: np.minimum(solution(*a), 1),
                "Add one for every input that writes, do not set to one.",
            ),
        ],
        hint="Start from zeros of length (n - 1) s + k. Input i adds one to k neighbouring places; where do they begin?",
    ),
    Exercise(
        name="06e.double",
        measure=_measure_double,
        wrong=[
            Edit(
                "nn.Sequential(nn.UpsamplingNearest2d(scale_factor=2), nn.Conv2d(c_in, c_out, 5, padding=2))",
                "nn.ConvTranspose2d(c_in, c_out, 3, stride=2, padding=1, output_padding=1)",
                "A constant comes out with a pattern: see the counts of section 9.",
            ),
            Edit(
                "nn.Sequential(nn.UpsamplingNearest2d(scale_factor=2), nn.Conv2d(c_in, c_out, 5, padding=2))",
                "nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1)",
                "A constant comes out with a pattern: see the counts of section 9.",
            ),
            Changed(
                lambda solution: lambda *channels: _emptied(solution(*channels)),
                "Its answer does not depend on the input.",
            ),
            Changed(
                lambda solution: lambda *channels: solution(*channels).requires_grad_(False),
                "It has nothing to learn: no parameter takes a gradient.",
            ),
        ],
        hint="Repeat the pixels first; then let a convolution of stride 1 look at them.",
    ),
]
