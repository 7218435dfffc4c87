"""Exercises of lesson 03c: parameter count, standardising, the learning rate of one cycle, two directions, confusion."""

import numpy as np

from . import Edit, Exercise, Wrong


def _standardise_inputs():
    rng = np.random.default_rng(2)
    yield rng.integers(0, 200, (12, 5, 4)).astype("uint8"), rng.integers(50, 256, (6, 5, 4)).astype("uint8")


def _straight(step, total, peak):
    return np.interp(step, [0, 0.3 * total - 1, total - 1], [peak / 25, peak, peak / 25e4])


def _worst_row_and_column(counts):
    slips = counts - np.diag(np.diag(counts))
    return int(slips.sum(axis=1).argmax()), int(slips.sum(axis=0).argmax())


_CONFUSED = np.array(
    [[90, 3, 9, 0, 0], [1, 95, 0, 2, 6], [0, 4, 88, 5, 3], [7, 2, 6, 80, 1], [0, 5, 2, 0, 91]],
)

EXERCISES = [
    Exercise(
        name="03c.count",
        inputs=[(28, 128, 10, False), (28, 128, 10, True), (3, 5, 2, True), (1, 1, 1, False)],
        wrong=[
            Edit(
                "directions * 4 * h", "directions * h", "That is a plain recurrent layer. How many blocks has an LSTM?"
            ),
            Edit(
                "directions * 4 * h",
                "directions * 3 * h",
                "That is a GRU's number of blocks; an LSTM has one more.",
            ),
            Edit("(d + h + 1)", "(d + h + 2)", "One bias for each block, as in Keras or after parity.one_bias."),
            Edit("(d + h + 1)", "(d + h)", "The biases of the LSTM are missing."),
            Edit(" + q * (directions * h + 1)", "", "The read-out layer is missing."),
            Edit("q * (directions * h + 1)", "q * (h + 1)", "With two directions the read-out sees both last states."),
            Edit("directions * 4", "4", "The backward direction has weights of its own."),
            Edit("2 if bidirectional else 1", "1", "Right for one direction. What does the second one add?"),
        ],
        hint="Each block has h rows that see x_t, h_{t-1} and a bias; the read-out has q rows and q biases.",
    ),
    Exercise(
        name="03c.standardise",
        inputs=list(_standardise_inputs()),
        wrong=[
            Edit(
                "(new - centre) / width",
                "(new - new.mean()) / new.std()",
                "The new images are scaled by themselves. Which part may be asked?",
            ),
            Edit(
                "centre, width =",
                "both = np.concatenate([train, new])\n    centre, width = both.mean(), both.std()\n    _ =",
                "The new images have entered the mean: they must not.",
            ),
            Edit(
                "train.mean(), train.std()",
                "train.mean(axis=0), train.std(axis=0)",
                "One mean and one deviation for all pixels together.",
            ),
            Edit("train.std()", "train.var()", "Divide by the standard deviation, not by its square."),
            Edit("train.std()", "1.0", "The mean is right; the spread must become 1 as well."),
            Wrong(
                lambda train, new: (train / 255.0, new / 255.0),
                "That brings pixels to [0, 1]; standardising uses mean and deviation.",
            ),
        ],
        hint="Two numbers, measured on the training images; the same two numbers for both parts.",
    ),
    Exercise(
        name="03c.one_cycle",
        inputs=[(0, 100, 0.01), (10, 100, 0.01), (29, 100, 0.01), (60, 100, 0.01), (99, 100, 0.01), (400, 1290, 5e-3)],
        rtol=1e-5,
        atol=1e-10,
        wrong=[
            Edit(
                "low, turn = peak / 25, 0.3 * total - 1",
                "total, low, turn = total + 1, peak / 25, 0.3 * total",
                "Steps count from 0: the last one is S − 1, the turn 0.3 S − 1.",
            ),
            Wrong(_straight, "Start, peak and end are right; between them it is a cosine."),
            Edit("peak / 25", "0.0", "The cycle does not start at zero."),
            Edit(
                "    share =",
                "    low = peak\n    share =",
                "The way up is right; the end is a small part of the *start*.",
            ),
            Edit(
                "    if step <= turn:",
                "    step = min(step, turn)\n    if step <= turn:",
                "The way up is right. After the peak it comes down again.",
            ),
        ],
        hint="Half a cosine from start to peak until K = 0.3 S − 1, then half a cosine from peak to end at S − 1.",
    ),
    Exercise(
        name="03c.last_states",
        inputs=[(np.random.default_rng(5).normal(size=(3, 6, 8)),), (np.random.default_rng(6).normal(size=(1, 2, 2)),)],
        wrong=[
            Wrong(lambda states: states[:, -1], "One of the two directions has read a single step there."),
            Wrong(lambda states: states[:, 0], "Now it is the forward direction that has read one step."),
            Edit(
                "states[:, -1, :half], states[:, 0, half:]",
                "states[:, 0, :half], states[:, -1, half:]",
                "Each half is taken where its direction begins, not where it ends.",
            ),
            Edit(
                "states[:, -1, :half], states[:, 0, half:]",
                "states[:, 0, half:], states[:, -1, :half]",
                "Right states; the forward half comes first.",
            ),
            Edit("np.concatenate", "np.stack", "Right states; join them to one vector of 2h numbers."),
        ],
        hint="Forward is done at the last position. Where is backward done? Then join the two, forward first.",
    ),
    Exercise(
        name="03c.most_confused",
        inputs=[(_CONFUSED,)],
        wrong=[
            Edit("np.triu(counts + counts.T, k=1)", "counts + counts.T", "The diagonal holds what was read right."),
            Edit("counts + counts.T", "counts", "Both directions count: a called b, and b called a."),
            Edit(
                "np.triu(counts + counts.T, k=1)",
                "np.eye(len(counts)) * -1e9 - counts - counts.T",
                "That is the pair confused least.",
            ),
            Wrong(_worst_row_and_column, "The worst row and the worst column need not be one pair."),
        ],
        hint="Add the matrix to its transpose, leave the diagonal out, find the largest entry, return (smaller, larger).",
    ),
]
