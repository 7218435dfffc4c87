"""Exercises of lesson 06e: larger images, is the code used, a network that stays blank, training for shifts."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _cases():
    """A plain autoencoder, one whose code is empty, and a mixture: encode, decode, x."""
    rng = np.random.default_rng(61)
    x, W = rng.normal(size=(5, 6)), rng.normal(size=(6, 6))

    def plain(x):
        return x @ W, np.zeros_like(x)

    def around(x):
        return np.ones((len(x), 2)), x

    def half(x):
        return x[:, :3], x[:, 3:]

    return [
        (plain, lambda z, rest: z @ np.linalg.inv(W) + 0.1 + rest, x),
        (around, lambda z, rest: rest + z.mean() - 0.9, x),
        (half, lambda z, rest: np.concatenate([z * (1 + 0.3 * rest), rest], axis=1), x),
    ]


def _digits(n=300):
    """Digits from the middle of MNIST's training part, (n, 1, 16, 16)."""
    from course_lib import data

    images = data.mnist().train_images[30_000 : 30_000 + n] / np.float32(255)
    wide = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    return wide.reshape(-1, 1, 16, 2, 16, 2).mean(axis=(3, 5))


def _answer(net, x):
    """What a network gives for images, or an empty array if it cannot take them."""
    from course_lib import training

    try:
        return training.predict(net, x)
    except (RuntimeError, TypeError, ValueError):
        return np.zeros(0)


def _measure_grey(net):
    """Whether the network's answers follow the digits."""
    import torch

    if not isinstance(net, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself")
    x = _digits()
    x_hat = _answer(net, x)
    if x_hat.shape != x.shape:
        raise ValueError(f"images {x.shape} must come back in their shape, and come back as {x_hat.shape}")
    return {
        "answers differ": bool(x_hat.std(axis=0).mean() > 0.02),
        "better than grey": bool(np.mean((x_hat - x) ** 2) < 0.5 * x.var()),
    }


def _measure_shifts(net):
    """Whether the errors for three shifts are below 0.02, and the code has 16 numbers."""
    import torch

    if not (isinstance(net, torch.nn.Sequential) and len(net) == 2):
        raise ValueError("give the trained PyTorch network, a pair nn.Sequential(encoder, decoder)")
    x = _digits()
    wide = np.pad(x, ((0, 0), (0, 0), (0, 0), (3, 3)))
    found = {"code of 16": _answer(net[0], x).shape[1:] == (16,)}
    for by, name in ((-3, "left"), (0, "middle"), (3, "right")):
        moved = np.ascontiguousarray(wide[..., 3 - by : 19 - by])
        x_hat = _answer(net, moved)
        if x_hat.shape != x.shape:
            raise ValueError(f"images {x.shape} must come back in their shape, and come back as {x_hat.shape}")
        found[name] = bool(np.mean((x_hat - moved) ** 2) < 0.02)
    return found


EXERCISES = [
    Exercise(
        name="06e.larger",
        wrong=[
            Changed(
                lambda solution: solution | {"kernels": 4 * solution["kernels"]},
                "A kernel is used at more positions then. Does it get more weights?",
            ),
            Changed(
                lambda solution: solution | {"dense": 2832 + 2992},
                "The maps in front of the code are larger than 4 × 4 now.",
            ),
            Changed(
                lambda solution: solution | {"dense": 2 * (2832 + 2992)}, "Twice as high, and twice as wide as well."
            ),
            Changed(
                lambda solution: solution | {"dense": 4 * (2832 + 2992)},
                "Nearly. The biases of the code do not become more.",
            ),
            Changed(lambda solution: solution | {"dense": 704 * 16 * 2}, "The biases are missing."),
            Changed(lambda solution: solution | {"factor of products": 2}, "Positions are counted along both axes."),
            Changed(
                lambda solution: solution | {"factor of products": 1},
                "The weights stay as they are; how often is each one used?",
            ),
        ],
        hint="Go through the picture of section 1 with 32 pixels: which sizes change? Then count layer by layer.",
    ),
    Exercise(
        name="06e.code_used",
        inputs=_cases(),
        wrong=[
            Edit(
                "np.roll(z, -1, axis=0), rest)",
                "np.zeros_like(z), rest)",
                "Zero may be a code that the decoder has never met. Give it the code of another image.",
            ),
            Edit(
                "np.roll(z, -1, axis=0), rest)",
                "np.roll(z, -1, axis=0), np.roll(rest, -1, axis=0))",
                "Then the whole image is exchanged. Only the code may be another's.",
            ),
            Edit(
                "np.roll(z, -1, axis=0)",
                "np.roll(z, 1, axis=0)",
                "Every image gets the code of the next one; yours gets that of the one before.",
            ),
            Edit(
                "np.roll(z, -1, axis=0)",
                "np.roll(z, -1)",
                "Without an axis the numbers move within and across the codes.",
            ),
            Edit(
                "np.mean((exchanged - x) ** 2)",
                "np.mean((exchanged - np.roll(x, -1, axis=0)) ** 2)",
                "The question is whether the image itself still comes back: compare with x.",
            ),
            Edit(
                "np.mean((as_it_is - x) ** 2), np.mean((exchanged - x) ** 2)",
                "np.sum((as_it_is - x) ** 2), np.sum((exchanged - x) ** 2)",
                "Means are asked for.",
            ),
            Wrong(lambda encode, decode, x: (0.0, 0.0), "Decode, and compare with x."),
        ],
        hint="Two calls of decode: they differ in the codes alone. Both results are compared with x.",
    ),
    Exercise(
        name="06e.grey",
        measure=_measure_grey,
        wrong=[
            Edit(
                "nn.init.constant_(with_weights(cured)[-1].bias, -2) ",
                "pass ",
                "It still gives the same answer, whatever the digit.",
            ),
            Edit(
                "scheduler=cure_cycle, epochs=30",
                "scheduler=cure_cycle, epochs=9",
                "The start is right; now train as long as the stub does.",
            ),
        ],
        hint="All answers are nearly 0. Which sum leads to it, and how large is the slope of the last function there?",
    ),
    Exercise(
        name="06e.shifts",
        measure=_measure_shifts,
        wrong=[
            Edit(
                "(-3, -2, -1, 0, 1, 2, 3)",
                "(0, 0, 0, 0, 0, 0, 0)",
                "Digits in the middle come back, and moved ones do not: what has the network seen?",
            ),
            Edit("epochs=2", "epochs=0", "It has not been trained."),
        ],
        hint="Train on copies at all shifts, from −3 to 3, with enough steps; and the code has 16 numbers.",
    ),
]
