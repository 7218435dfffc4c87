"""Exercises of lesson 06d: sizes, the order behind a Flatten, a broken field, a decoder without a pattern."""

import numpy as np

from . import Changed, Edit, Exercise


def _dense_cases():
    """Weights (m, c · n · n) of a dense layer behind flattened maps, with c and n."""
    rng = np.random.default_rng(41)
    return [(rng.normal(size=(m, c * n * n)), c, n) for m, c, n in ((3, 2, 4), (4, 5, 3), (2, 1, 3))]


def _stacks():
    """Stacks of convolutions with weights of both signs: settings (kernel, stride, dilation, sign)."""
    import torch

    for seed, layers in enumerate(
        (
            [(3, 2, 1), (3, 2, 1), (3, 2, 1)],
            [(3, 1, 1), (3, 1, 2), (3, 1, 4)],
            [(5, 1, 1), (3, 3, 1)],
        )
    ):
        torch.manual_seed(seed)
        convolutions = [
            torch.nn.Conv1d(1, 1, k, stride=s, dilation=r, padding=r * (k // 2), bias=False) for k, s, r in layers
        ]
        with torch.no_grad():
            for convolution in convolutions:
                convolution.weight.uniform_(0.5, 1.5)
            convolutions[0].weight[..., 0] *= -1  # weights of both signs; at both ends of the field nothing can cancel
        yield torch.nn.Sequential(*convolutions)


def _fields(answer):
    """What the student's function finds for three stacks, all of them with a field inside 101 pixels."""
    if not callable(answer):
        raise ValueError("give the mended function itself, without calling it")
    return [answer(net, 101) for net in _stacks()]


def _measure_blind(answer):
    """Call the student's function; look at the trained decoder's shape, its block means, and its pattern."""
    import torch

    if not callable(answer):
        raise ValueError("give the function train_blind itself, without calling it")
    net = answer()
    if net is None or net is Ellipsis:
        return ...
    if not isinstance(net, torch.nn.Module):
        raise ValueError("train_blind() must return the trained network, a PyTorch module")
    net = net.cpu().float().eval()
    greys = torch.linspace(0.2, 0.8, 5).reshape(5, 1, 1, 1).expand(5, 1, 8, 8)
    with torch.no_grad():
        out = net(greys)
    if tuple(out.shape) != (5, 1, 16, 16):
        raise ValueError(f"(5, 1, 8, 8) must become (5, 1, 16, 16), and becomes {tuple(out.shape)}")
    inside = out[..., 4:-4, 4:-4]
    four = torch.stack([inside[..., i::2, j::2].mean(dim=(1, 2, 3)) for i in (0, 1) for j in (0, 1)])
    return {
        "no pattern": bool((four.std(dim=0) / four.pow(2).mean(dim=0).sqrt().clamp(min=1e-9)).max() < 1e-3),
        "block means learnt": bool((four.mean(dim=0) - greys[:, 0, 0, 0]).abs().max() < 0.08),
    }


EXERCISES = [
    Exercise(
        name="06d.sizes",
        wrong=[
            Changed(lambda solution: solution | {"down": 10}, "Windows are one more than steps between them."),
            Changed(lambda solution: solution | {"down": 12}, "Round down: a window that does not fit is not used."),
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
            Changed(
                lambda solution: solution | {"same, before": 2, "same, after": 2},
                "Keras's same puts only as many zeros as its windows need. How far do they reach?",
            ),
            Changed(
                lambda solution: solution | {"same, before": 2, "same, after": 1},
                "Right in sum; at which end does Keras put the odd zero?",
            ),
        ],
        hint="Write the formula of each layer with its numbers; for same, first the windows, then how far they reach.",
    ),
    Exercise(
        name="06d.flatten",
        inputs=_dense_cases(),
        wrong=[
            Edit(
                "W.reshape(m, c, n, n).transpose(2, 3, 1, 0)",
                "W.reshape(m, n, n, c).transpose(1, 2, 3, 0)",
                "That is W transposed: its rows are still in PyTorch's order, channels first.",
            ),
            Edit("transpose(2, 3, 1, 0)", "transpose(3, 2, 1, 0)", "Height and width are exchanged."),
            Edit(
                ".transpose(2, 3, 1, 0).reshape(n * n * c, m)",
                ".transpose(0, 2, 3, 1).reshape(m, n * n * c)",
                "The order is right; Keras wants the outputs as columns.",
            ),
        ],
        hint="Give the columns their three axes, move the axes, and flatten again.",
    ),
    Exercise(
        name="06d.field",
        measure=_fields,
        wrong=[
            Edit("a.shape[2] // 2", "0", "One of the two is mended. Which output is in the middle?"),
            Edit("!= 0", "> 0", "One of the two is mended. Must a derivative be positive to matter?"),
            Edit("seen[-1] - seen[0] + 1", "seen[-1] - seen[0]", "Both ends count."),
        ],
        hint="Try it on one layer with k = 3 whose weights are −1, where you know the answer.",
    ),
    Exercise(
        name="06d.blind",
        measure=_measure_blind,
        wrong=[
            Edit(
                '"sub-pixel, ICNR"',
                '"sub-pixel"',
                "There is a pattern: nothing in this loss removes what the start has.",
            ),
            Edit(
                '"sub-pixel, ICNR"',
                '"transposed, k = 4"',
                "There is a pattern: nothing in this loss removes what the start has.",
            ),
            Edit("epochs=12", "epochs=0", "No pattern, and not trained: a constant does not come back."),
        ],
        hint="Show it a constant image: is the mean right, and are the four pixels of a block equal?",
    ),
]
