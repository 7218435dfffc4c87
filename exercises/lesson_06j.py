"""Exercises of lesson 06j: what a code costs, a price nobody can reach, a code for rounding, a masked error."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _symbols():
    """Training symbols, new symbols, and how many there are; the last symbol is never seen in training."""
    rng = np.random.default_rng(17)
    for n, p in ((200, (0.6, 0.2, 0.15, 0.05)), (90, (0.1, 0.5, 0.4))):
        symbols = len(p) + 1
        k_new = rng.choice(len(p), size=n // 2, p=p[::-1])
        k_new[0] = symbols - 1
        yield rng.choice(len(p), size=n, p=p), k_new, symbols


def _others():
    """Small digits (1000, 196) from the end of the training set."""
    from course_lib import data

    images = data.mnist().train_images[-1000:] / np.float32(255)
    return images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)


def _measure_rounded(answer):
    """Whether the rounded code of a network is cheap, and its picture near the digit."""
    import torch

    if not isinstance(answer, torch.nn.Sequential) or len(answer) != 2:
        raise ValueError("hand in nn.Sequential(encoder, decoder): two parts, the encoder first")
    encoder, decoder = answer.cpu().float().eval()
    x = torch.from_numpy(_others())
    with torch.no_grad():
        try:
            k = torch.round(encoder(x))
            x_hat = decoder(k)
        except (RuntimeError, TypeError, ValueError):
            raise ValueError("the encoder must take digits (n, 196), the decoder the encoder's codes") from None
        if x_hat.shape != x.shape:
            raise ValueError("the decoder must return digits of the shape (n, 196)")
    bits = 0.0
    for column in k.numpy().T:
        p = np.unique(column, return_counts=True)[1] / len(column)
        bits -= float((p * np.log2(p)).sum())
    error = float(((x_hat - x) ** 2).mean())
    return {"at most 45 bits": bits <= 45, "error at most 0.0125": error <= 0.0125}


def _masked_inputs():
    """Guesses, ratings with 7 in the holes, and masks."""
    rng = np.random.default_rng(8)
    for shape in ((6, 9), (4, 3)):
        r, mask = rng.integers(1, 6, shape).astype(float), (rng.random(shape) < 0.4).astype(float)
        mask[0, 0] = 1.0
        yield rng.normal(3, 1, shape), np.where(mask == 1, r, 7.0), mask


EXERCISES = [
    Exercise(
        name="06j.costs",
        rtol=1e-9,
        wrong=[
            Changed(
                lambda solution: solution | {"code": 20.0},
                "That is two bits for each number: are the four equally likely?",
            ),
            Changed(lambda solution: solution | {"code": 1.75}, "That is the price of one number."),
            Changed(lambda solution: solution | {"decoder": solution["decoder"] // 8}, "A byte has more than one bit."),
            Changed(lambda solution: solution | {"decoder": 8 * (10 * 128 + 128 * 196)}, "Each layer has biases, too."),
            Changed(
                lambda solution: solution | {"images": solution["decoder"] // 60 + 1},
                "The network pays for its codes as well: what does it save on each image?",
            ),
            Changed(
                lambda solution: solution | {"images": solution["images"] - 1},
                "With so many images the rival is still cheaper, if only just.",
            ),
        ],
        hint="Add the prices, weighed with the probabilities; count matrix and biases; divide by what an image saves.",
    ),
    Exercise(
        name="06j.fair_bits",
        inputs=list(_symbols()),
        wrong=[
            Edit(
                "np.bincount(k_train",
                "np.bincount(k_new",
                "Which symbols has the receiver seen, when the first arrives?",
            ),
            Edit("np.log2(p)", "np.log(p)", "The probabilities are right now; in which unit is the price?"),
            Edit(
                "minlength=symbols) + 1",
                "minlength=symbols) + 1e-6",
                "A symbol that training never showed costs a fortune here: one count more for every symbol.",
            ),
            Edit(".mean())", ".sum())", "That is the price of all symbols together."),
            Edit(
                "np.log2(p)[k_new].mean())",
                "(p * np.log2(p)).sum())",
                "That is what the training symbols cost. The new ones have to be sent.",
            ),
        ],
        hint="Who knows what when the first symbol arrives? And what is the price of a symbol with p = 1/2?",
    ),
    Exercise(
        name="06j.rounded",
        measure=_measure_rounded,
        wrong=[
            Edit(
                "noise = torch.rand_like(z) - 0.5",
                "noise = 0 * z",
                "Cheap enough, but the picture suffers: did the network feel any rounding in training, and did it train long enough?",
            ),
            Edit(
                "price=1e-3",
                "price=0.0",
                "The picture is good, and the code too dear: what keeps it from growing until the noise is nothing?",
            ),
        ],
        hint="Price and error pull against each other: how many numbers, how large a price, how much training?",
    ),
    Exercise(
        name="06j.masked_error",
        inputs=list(_masked_inputs()),
        wrong=[
            Edit(
                "(where * (guess - truth) ** 2)",
                "((guess - truth) ** 2)",
                "Holes add to the sum here as if they were ratings.",
            ),
            Edit("/ where.sum()", "/ where.size", "The holes add nothing, and are still counted."),
            Edit(" / where.sum()", "", "A mean, not a sum."),
            Wrong(
                lambda g, r, m: float(((m * g - r) ** 2).sum() / m.sum()),
                "What stands in r at the holes must not matter. Mask the difference, not the guess alone.",
            ),
            Wrong(
                lambda g, r, m: float(np.mean(((m * (g - r) ** 2).sum(axis=1)) / np.maximum(m.sum(axis=1), 1))),
                "That is a mean over people; here every known rating counts the same.",
            ),
        ],
        hint="Which entries add to the sum, and how many are they?",
    ),
]
