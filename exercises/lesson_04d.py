"""Exercises of lesson 04d: three losses by hand, three charts, a split of an error, a patient with pixels to 255."""

import numpy as np

from . import Changed, Edit, Exercise


def _split_inputs():
    rng = np.random.default_rng(41)
    for K, shift in ((2, 0.0), (4, 0.5)):
        x = rng.random((30, 3))
        yield x + shift + 0.3 * rng.standard_normal((K, 30, 3)), x


def _plain_split(solution, outputs, x):
    middle = outputs.mean(axis=0)
    return ((middle - x) ** 2).mean(), ((outputs - middle) ** 2).mean()


def _variance_only(solution, outputs, x):
    return ((outputs.mean(axis=0) - x) ** 2).mean(), outputs.var(axis=0, ddof=1).mean()


def _measure_grey(answer):
    """Whether a trained PyTorch network copies digits of 14×14 pixels from 0 to 255."""
    import torch

    from course_lib import data

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself")
    pictures = data.mnist().split(train=2000, validation=1000, test=10)
    x_train, x = (
        part[0].reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(-1, 196) * np.float32(255)
        for part in (pictures.train, pictures.validation)
    )
    device = next(answer.parameters()).device
    answer.eval()
    with torch.no_grad():
        made = answer(torch.from_numpy(x).to(device)).cpu().numpy()
    if made.shape != x.shape:
        raise ValueError(f"copies (n, 196) are expected; yours have {made.shape}")
    error = ((made - x) ** 2).mean() / ((x - x_train.mean(0)) ** 2).mean()
    return {"its copies run to more than 2": bool(made.max() > 2), "relative error below 0.6": bool(error < 0.6)}


EXERCISES = [
    Exercise(
        name="04d.start",
        rtol=0.01,
        wrong=[
            Edit("0.15, 0.6931", "0.2, 0.6931", "Check (b): the square is averaged, not the pixel."),
            Edit("0.15, 0.6931", "0.2, 0.5", "Check (b) and (c): which logarithm of which output?"),
            Edit("0.6931", "0.5", "Two are right. In (c), write the cross-entropy of one pixel for an output of ½."),
            Edit("0.15 - 0.2 + 0.25", "0.15 - 0.2", "Expand the square in (a): it has three terms."),
        ],
        hint="What does each output say at the start? Put that number into the loss and take the mean.",
    ),
    Exercise(
        name="04d.charts",
        wrong=[
            Edit(
                '"wrong pairs"',
                '"learnt by heart"',
                "A: compare its two errors with each other. How far apart are they?",
            ),
            Edit('"wrong pairs"', '"empty code"', "A: what does its code do from digit to digit?"),
            Edit('"wrong pairs"', '"faint start"', "A: compare its first gradient with that of a healthy patient."),
            Edit(
                '"flat ends", "empty code"', '"empty code", "flat ends"', "B and C: read the slope and the code again."
            ),
            Edit('"flat ends"', '"overflow"', "B: is any of its numbers infinite?"),
            Edit('"empty code"', '"wrong pairs"', "C: what does its code say about the digit?"),
        ],
        hint="Go through the questions of `diagnosis` in their order, for one chart after the other.",
    ),
    Exercise(
        name="04d.split",
        inputs=list(_split_inputs()),
        wrong=[
            Changed(_plain_split, "That is the function as it was."),
            Changed(_variance_only, "The variance is right. The mean of K copies varies too: by how much?"),
            Edit(" * K / (K - 1)", "", "The bias is corrected. How is a variance estimated from K numbers?"),
            Edit("- variance / K", "- variance", "How much does the mean of K independent copies vary?"),
        ],
        hint="Middle and variance come from the same K networks. What does that do to each of the two?",
    ),
    Exercise(
        name="04d.grey",
        measure=_measure_grey,
        wrong=[
            Edit(
                "255 * self.net(x / 255)", "self.net(x / 255)", "It sees good inputs. Which numbers can it answer with?"
            ),
            Edit(
                "epochs=9",
                "epochs=1",
                "The range is right; the error is not yet below 0.6. How long did you train, at which rate?",
            ),
        ],
        hint="Look at the range of its outputs first, then at its error on validation digits.",
    ),
]
