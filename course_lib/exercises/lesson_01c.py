"""Exercises of lesson 01c: encode names, the last state, a masked mean, balanced accuracy."""

import numpy as np

from . import Exercise, Wrong

_ALPHABET = "\0^$ '-abcdefghijklmnopqrstuvwxyz"


def _encode(strings, alphabet, *, marks=True, front=False, shift=0, width=None):
    numbers = [[alphabet.index(s) + shift for s in (f"^{name}$" if marks else name)] for name in strings]
    width = width or max(map(len, numbers))
    x = np.zeros((len(numbers), width), dtype="int64")
    for row, symbols in zip(x, numbers):
        symbols = symbols[:width]
        if front:
            row[width - len(symbols) :] = symbols
        else:
            row[: len(symbols)] = symbols
    return x


def _states():
    rng = np.random.default_rng(21)
    for batch, steps, h, lengths in ((3, 5, 2, (5, 1, 3)), (2, 4, 3, (2, 4))):
        yield rng.standard_normal((batch, steps, h)), np.array(lengths)


def _masked():
    for states, lengths in _states():
        yield states, np.arange(states.shape[1]) < lengths[:, None]


def _masked_mean(states, mask):
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)


def _answers():
    yield np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1, 0, 0])
    yield np.array([2, 1, 0, 2, 2, 2, 1, 0]), np.array([2, 2, 0, 2, 2, 1, 1, 2])


def _recalls(true, predicted):
    return [np.mean(predicted[true == c] == c) for c in np.unique(true)]


def _precisions(true, predicted):
    return [np.mean(true[predicted == c] == c) if np.any(predicted == c) else 0.0 for c in np.unique(true)]


EXERCISES = [
    Exercise(
        name="01c.encode",
        solution=_encode,
        inputs=[(["li", "o'neill"], _ALPHABET), (["van dam", "x", "yu"], _ALPHABET)],
        wrong=[
            Wrong(lambda s, a: _encode(s, a, marks=False), "The symbols ^ and $ of beginning and end are missing."),
            Wrong(
                lambda s, a: _encode(s, a, front=True), "You pad at the front; the lesson's padding comes at the end."
            ),
            Wrong(
                lambda s, a: _encode(s, a, shift=1),
                "Every number is one too large: alphabet[0] is the padding already.",
            ),
            Wrong(
                lambda s, a: _encode(s, a, width=max(map(len, s))),
                "The end of the longest name is cut off: how long is it with its two marks?",
            ),
            Wrong(
                lambda s, a: _encode(s, a, width=20), "The array shall be as wide as the longest name of *this* list."
            ),
        ],
        hint="For each name the numbers of '^' + name + '$' in the alphabet, then zeros up to the longest.",
    ),
    Exercise(
        name="01c.last_state",
        solution=lambda states, lengths: states[np.arange(len(states)), lengths - 1],
        inputs=list(_states()),
        wrong=[
            Wrong(
                lambda states, lengths: states[:, -1],
                "That is the state at the array's last column: after the padding.",
            ),
            Wrong(
                lambda states, lengths: states[np.arange(len(states)), np.minimum(lengths, states.shape[1] - 1)],
                "One step too late. A name of one symbol has its last state in column 0.",
            ),
            Wrong(lambda states, lengths: states[:, 0], "That is the state after the first symbol."),
            Wrong(
                lambda states, lengths: states[:, lengths - 1],
                "You took all rows for every length: (B, B, h). Pair row i with length i.",
            ),
        ],
        hint="Row i needs column lengths[i] − 1: index with two arrays of the same length.",
    ),
    Exercise(
        name="01c.masked_mean",
        solution=_masked_mean,
        inputs=list(_masked()),
        wrong=[
            Wrong(lambda states, mask: states.mean(1), "The padding is in the mean: apply the mask."),
            Wrong(
                lambda states, mask: (states * mask[..., None]).mean(1),
                "The padding adds nothing any more, but you still divide by its steps too.",
            ),
            Wrong(
                lambda states, mask: (states * mask[..., None]).sum(1),
                "That is the masked sum: divide it by the steps.",
            ),
            Wrong(
                lambda states, mask: (states * mask[..., None]).sum(1) / mask.sum(),
                "You divide by the symbols of the whole batch; each row has its own number of them.",
            ),
        ],
        hint="Multiply by the mask (give it a third axis), sum over time, divide by each row's number of symbols.",
    ),
    Exercise(
        name="01c.balanced_accuracy",
        solution=lambda true, predicted: np.mean(_recalls(true, predicted)),
        inputs=list(_answers()),
        wrong=[
            Wrong(
                lambda true, predicted: np.mean(true == predicted),
                "That is the plain accuracy: large classes weigh more.",
            ),
            Wrong(
                lambda true, predicted: np.mean(_precisions(true, predicted)),
                "You divide by how often a class was *called*. Divide by how often it is *there*.",
            ),
            Wrong(
                lambda true, predicted: np.array(_recalls(true, predicted)),
                "These are the shares per class: now average.",
            ),
            Wrong(
                lambda true, predicted: np.sum(_recalls(true, predicted)),
                "You added the shares of the classes; average them.",
            ),
        ],
        hint="For each class: among its true members, the share that is called right. Then the mean over the classes.",
    ),
]
