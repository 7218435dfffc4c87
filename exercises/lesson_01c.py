"""Exercises of lesson 01c: encode names, the last state, a masked mean, balanced accuracy."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong

_ALPHABET = "\0^$ '-abcdefghijklmnopqrstuvwxyz"


def _states():
    rng = np.random.default_rng(21)
    for batch, steps, h, lengths in ((3, 5, 2, (5, 1, 3)), (2, 4, 3, (2, 4))):
        yield rng.standard_normal((batch, steps, h)), np.array(lengths)


def _masked():
    for states, lengths in _states():
        yield states, np.arange(states.shape[1]) < lengths[:, None]


def _answers():
    yield np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1, 0, 0])
    yield np.array([2, 1, 0, 2, 2, 2, 1, 0]), np.array([2, 2, 0, 2, 2, 1, 1, 2])


def _mean_precision(true, predicted):
    right = true == predicted
    return np.mean([right[predicted == c].mean() if np.any(predicted == c) else 0.0 for c in np.unique(true)])


EXERCISES = [
    Exercise(
        name="01c.encode",
        inputs=[(["li", "o'neill"], _ALPHABET), (["van dam", "x", "yu"], _ALPHABET)],
        wrong=[
            Edit('f"^{string}$"', "string", "The symbols ^ and $ of beginning and end are missing."),
            Edit(
                "row + [0] * (longest - len(row))",
                "[0] * (longest - len(row)) + row",
                "You pad at the front; the lesson's padding comes at the end.",
            ),
            Edit(
                "alphabet.index(symbol)",
                "alphabet.index(symbol) + 1",
                "Every number is one too large: alphabet[0] is the padding already.",
            ),
            Changed(
                lambda solution, names, alphabet: solution(names, alphabet)[:, :-2],
                "The end of the longest name is cut off: how long is it with its two marks?",
            ),
            Edit(
                "max(len(row) for row in rows)", "20", "The array shall be as wide as the longest name of *this* list."
            ),
        ],
        hint="For each name the numbers of '^' + name + '$' in the alphabet, then zeros up to the longest.",
    ),
    Exercise(
        name="01c.last_state",
        inputs=list(_states()),
        wrong=[
            Edit("row[length - 1]", "row[-1]", "That is the state at the array's last column: after the padding."),
            Edit(
                "row[length - 1]",
                "row[min(length, len(row) - 1)]",
                "One step too late. A name of one symbol has its last state in column 0.",
            ),
            Edit("row[length - 1]", "row[0]", "That is the state after the first symbol."),
            Wrong(
                lambda states, lengths: states[:, lengths - 1],
                "You took all rows for every length: (B, B, h). Pair row i with length i.",
            ),
        ],
        hint="Row i needs column lengths[i] − 1: index with two arrays of the same length.",
    ),
    Exercise(
        name="01c.masked_mean",
        inputs=list(_masked()),
        wrong=[
            Wrong(lambda states, mask: states.mean(1), "The padding is in the mean: apply the mask."),
            Edit(
                "mask.sum(axis=1, keepdims=True)",
                "mask.shape[1]",
                "The padding adds nothing any more, but you still divide by its steps too.",
            ),
            Edit("mask / mask.sum(axis=1, keepdims=True)", "mask", "That is the masked sum: divide it by the steps."),
            Edit(
                "mask.sum(axis=1, keepdims=True)",
                "mask.sum()",
                "You divide by the symbols of the whole batch; each row has its own number of them.",
            ),
        ],
        hint="Multiply by the mask (give it a third axis), sum over time, divide by each row's number of symbols.",
    ),
    Exercise(
        name="01c.balanced_accuracy",
        inputs=list(_answers()),
        wrong=[
            Wrong(
                lambda true, predicted: np.mean(true == predicted),
                "That is the plain accuracy: large classes weigh more.",
            ),
            Wrong(_mean_precision, "You divide by how often a class was *called*. Divide by how often it is *there*."),
            Edit(
                "sum(right[true == c].mean() for c in set(true.tolist())) / len(set(true.tolist()))",
                "np.array([right[true == c].mean() for c in np.unique(true)])",
                "These are the shares per class: now average.",
            ),
            Edit(" / len(set(true.tolist()))", "", "You added the shares of the classes; average them."),
        ],
        hint="For each class: among its true members, the share that is called right. Then the mean over the classes.",
    ),
]
