"""Exercises of lesson 06b: what a price leaves, scaling a penalty, a broken evaluation, a start that finds the dictionary."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong

_RNG = np.random.default_rng(11)
_ACTIVATIONS = [
    (_RNG.normal(size=(20, 6)), _RNG.normal(size=(7, 6)), 0.2),
    (_RNG.normal(size=(30, 4)), _RNG.normal(size=(5, 4)), 0.1),
]


def _measure_finder(answer):
    """Whether a trained PyTorch network finds the directions of planted(77) with 64 units, at most 4 of them active."""
    import torch

    if not isinstance(answer, torch.nn.Module) or not hasattr(answer, "code") or not hasattr(answer, "decoder"):
        raise ValueError("give the trained PyTorch network itself: a SparseNet")
    rng = np.random.default_rng(77)
    directions = rng.normal(size=(64, 32))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    amounts = (rng.random((6400, 64)) < 0.04) * rng.uniform(0.5, 1.5, size=(6400, 64))
    x = torch.from_numpy((amounts @ directions).astype("float32")).to(next(answer.parameters()).device)
    with torch.no_grad():
        active = int((answer.code(x) != 0).sum(-1).max())
        columns = answer.decoder.weight.detach().cpu().numpy().T
    if columns.shape != (64, 32):
        raise ValueError(
            f"64 units for samples of 32 numbers are expected; your decoder has columns of the shape {columns.shape}"
        )
    columns = columns / np.linalg.norm(columns, axis=1, keepdims=True)
    return {
        "at most 4 active": active <= 4,
        "finds at least 45": int(((directions @ columns.T).max(axis=1) > 0.9).sum()) >= 45,
    }


EXERCISES = [
    Exercise(
        name="06b.price",
        wrong=[
            Edit(
                "half_price = 0.4 / 2",
                "half_price = 0.4",
                "Differentiate the square: which factor stands before the error?",
            ),
            Edit("max(0.15 - half_price, 0)", "0.15 - half_price", "(b) An amount is never negative."),
            Edit(
                "2 * (2 * 1.0 - half_price) / 2**2",
                "(2 * 1.0 - half_price) / 2**2",
                "(c) That is the amount. What does it draw?",
            ),
            Edit(
                "2 * (2 * 1.0 - half_price) / 2**2",
                "1.0 - half_price",
                "(c) A column of length 2 needs half of the amount. What is charged?",
            ),
            Wrong((1.0, 0.15, 1.0), "The charge changes all three."),
        ],
        hint="Set the derivative by z to zero; the column's length stands in it twice.",
    ),
    Exercise(
        name="06b.lambda",
        rtol=2e-3,
        wrong=[
            Wrong(1e-3, "A mean over 784 pixels and a mean over 64 units hide different factors."),
            Edit(
                "pixels / units", "units / pixels", "Upside down: which factor turns the mean over pixels into the sum?"
            ),
            Edit("pixels / units", "pixels", "That makes a sum of the pixels; the units still stand as a mean."),
            Edit(
                "* pixels / units",
                "/ units",
                "That makes a sum of the units; then the other term must be brought to a sum as well.",
            ),
            Edit("pixels / units", "units", "A mean over units is their sum divided by something, not multiplied."),
            Changed(lambda solution: solution / 100, "Both terms are averaged over the batch in both programs."),
            Changed(lambda solution: solution * 100, "Both terms are averaged over the batch in both programs."),
        ],
        hint="Multiply the whole loss by the number that turns its first term into the sum, then read off the second.",
    ),
    Exercise(
        name="06b.winners",
        inputs=_ACTIVATIONS,
        wrong=[
            Edit(
                "np.sort(a_train, axis=0)",
                "np.sort(a_test, axis=0)[-len(a_train):]",
                "The axis is right. May a test image meet the others?",
            ),
            Wrong(
                lambda a_train, a_test, share: np.where(
                    a_test >= np.sort(a_test, axis=1)[:, [-round(share * a_test.shape[1])]], a_test, 0
                ),
                "That is still the broken function: who competes with whom?",
            ),
            Changed(
                lambda solution, a_train, a_test, share: solution(a_test, a_test, 0.3),
                "The thresholds must come from other images than those of the test.",
            ),
            Edit("[-count]", "[-count - 1]", "The threshold is the smallest value that is kept: count again."),
            Edit(
                "a_test >= threshold, a_test, 0",
                "a_test >= threshold, a_test - threshold, 0",
                "Winners are kept as they are.",
            ),
        ],
        hint="One threshold for each unit, of shape (m,), from the training set alone.",
    ),
    Exercise(
        name="06b.finder",
        measure=_measure_finder,
        wrong=[
            Edit(
                "tied=True",
                "tied=False",
                "At most 4 are active, but it finds too few. What do section 3 and section 6 change at the start?",
            ),
            Edit("TopK(4)", "TopK(12)", "More than 4 units are active for some samples."),
            Edit(
                "epochs=12",
                "epochs=1",
                "At most 4 are active, but it finds too few. What do section 3 and section 6 change at the start?",
            ),
        ],
        hint="Look at both: the number of active units, and the start of the decoder.",
    ),
]
