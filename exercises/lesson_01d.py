"""Exercises of lesson 01d: what padding changes, balanced accuracy, a network that reads from both sides, a leak."""

import numpy as np

from . import Edit, Exercise, Wrong

_ALPHABET = "\0^$ '-abcdefghijklmnopqrstuvwxyz"


def _rows(strings, width):
    """The lesson's encoding: numbers of '^' + string + '$', padded at the end with 0, (n, width)."""
    x = np.zeros((len(strings), width), dtype="int64")
    for row, string in zip(x, strings):
        symbols = [_ALPHABET.index(symbol) for symbol in f"^{string}$"][:width]
        row[: len(symbols)] = symbols
    return x


def _answers():
    yield np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1, 0, 0])
    yield np.array([2, 1, 0, 2, 2, 2, 1, 0]), np.array([2, 2, 0, 2, 2, 1, 1, 2])
    yield np.repeat([0, 1], [900, 100]), np.zeros(1000, int)


def _mean_precision(true, predicted):
    right = true == predicted
    return np.mean([right[predicted == c].mean() if np.any(predicted == c) else 0.0 for c in np.unique(true)])


def _measure_both_sides(answer):
    """Whether a trained network reads both ways, ignores padding, and has learnt something."""
    import torch

    from course_lib import data

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself")
    recurrent = [layer for layer in answer.modules() if isinstance(layer, torch.nn.RNNBase)]
    if not recurrent:
        raise ValueError("there is no recurrent layer in it")
    some = data.names().select(languages=12, cap=50, seed=77)
    device = next(answer.parameters()).device
    answer.eval()
    with torch.no_grad():
        narrow, wide = (
            answer(torch.from_numpy(_rows(some.names, width)).to(device)).cpu().numpy() for width in (20, 30)
        )
        alone = answer(torch.from_numpy(_rows(["li"], 4)).to(device)).cpu().numpy()
        padded = answer(torch.from_numpy(_rows(["li"], 20)).to(device)).cpu().numpy()
    if narrow.shape != (600, 12):
        raise ValueError(f"the network must give scores (B, 12); for 600 names yours gives {narrow.shape}")
    return {
        "reads both ways": any(layer.bidirectional for layer in recurrent),
        "padding changes nothing": bool(np.abs(alone - padded).max() < 1e-4),
        "has learnt": bool(np.mean(narrow.argmax(1) == some.languages) >= 0.45),
    }


def _rows_dealt(answer):
    """Whether a split of lines keeps equal strings together, uses every line, and is drawn at random."""
    if not callable(answer):
        raise ValueError("give the function itself, mended = deal_out, without calling it")
    rng = np.random.default_rng(31)
    strings = np.array([f"name{k}" for k in range(100)])[rng.integers(100, size=600)]
    splits = []
    for seed in (0, 1):
        parts = answer(strings.copy(), seed)
        if not (isinstance(parts, tuple | list) and len(parts) == 2):
            raise ValueError("two arrays of row numbers are expected: training rows, test rows")
        splits.append([np.asarray(part) for part in parts])
    (train, test), (_, other) = splits
    return {
        "no string in both": not set(strings[train]) & set(strings[test]),
        "every line once": sorted([*train.tolist(), *test.tolist()]) == list(range(600)),
        "about a fifth for the test": 0.1 < len(test) / 600 < 0.3,
        "drawn with the seed": set(test.tolist()) != set(other.tolist()),
    }


def _by_line(strings, seed):
    order = np.random.default_rng(seed).permutation(len(strings))
    return order[len(order) // 5 :], order[: len(order) // 5]


def _without_repeats(strings, seed):
    first = np.random.default_rng(seed).permutation(np.unique(strings, return_index=True)[1])
    return first[len(first) // 5 :], first[: len(first) // 5]


EXERCISES = [
    Exercise(
        name="01d.changes",
        wrong=[
            Wrong(
                [True, False, True, False, False, False],
                "Look at the fourth again: what is relu(evidence(0)), and how often is it added?",
            ),
            Wrong(
                [True, True, True, True, False, False],
                "Look at the second again: does a state know of what comes after it?",
            ),
            Wrong(
                [True, False, False, True, False, False],
                "Look at the third again: by how many columns is it divided, and what is in them?",
            ),
            Wrong(
                [True, False, True, True, False, True],
                "Look at the last again: the evidence is never negative. What can a zero do to its maximum?",
            ),
        ],
        hint="For each: what stands in a padding column when it is combined, and does it count?",
    ),
    Exercise(
        name="01d.balanced",
        inputs=list(_answers()),
        wrong=[
            Wrong(
                lambda true, predicted: np.mean(true == predicted),
                "That is the plain accuracy: large classes weigh more.",
            ),
            Wrong(_mean_precision, "You divide by how often a class was *called*. Divide by how often it is *there*."),
            Edit(
                "sum(hits[true == c].mean() for c in set(true.tolist())) / len(set(true.tolist()))",
                "np.array([hits[true == c].mean() for c in np.unique(true)])",
                "These are the shares per class: now average.",
            ),
            Edit(" / len(set(true.tolist()))", "", "You added the shares of the classes; average them."),
        ],
        hint="For each class: among its true members, the share that is called right. Then the mean over the classes.",
    ),
    Exercise(
        name="01d.both_sides",
        measure=_measure_both_sides,
        wrong=[
            Edit(
                "self.embed(x), lengths, batch_first",
                "self.embed(x), torch.full_like(lengths, x.shape[1]), batch_first",
                "More padding changes its scores: where does the backward direction begin?",
            ),
            Edit("bidirectional=True", "bidirectional=False", "It reads in one direction only."),
            Edit("epochs=5", "epochs=0", "It reads both ways and ignores the padding, but it has not learnt yet."),
        ],
        hint="Pack the rows with their lengths, and read the last state of each direction.",
    ),
    Exercise(
        name="01d.leak",
        measure=_rows_dealt,
        wrong=[
            Wrong(_by_line, "A name that stands in several lines still lands in both parts."),
            Wrong(_without_repeats, "No name is in both parts, but lines were thrown away: use every one."),
            Edit(
                "np.random.default_rng(seed).permutation(different)",
                "different",
                "No name is in both parts, but the seed does nothing: the test part is always the same.",
            ),
        ],
        hint="Deal out the different strings; then each row goes where its string went.",
    ),
]
