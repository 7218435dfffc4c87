"""Exercises of lesson 03b: parameter count, standardising, the learning rate of one cycle, two directions, confusion."""

import math

import numpy as np

from . import Exercise, Wrong


def _count(d, h, q, bidirectional, *, gates=4, biases=1, wide=True, readout=True, double=True):
    directions = 2 if bidirectional and double else 1
    cell = gates * h * (d + h) + gates * h * biases
    width = h * (2 if bidirectional and wide else 1)
    return directions * cell + (q * (width + 1) if readout else 0)


def _standardise(train, new, *, own=False, joint=False, per_pixel=False, variance=False, centre_only=False):
    train, new = np.asarray(train, dtype=float), np.asarray(new, dtype=float)

    def numbers(of):
        axis = 0 if per_pixel else None
        spread = of.var(axis=axis) if variance else of.std(axis=axis)
        return of.mean(axis=axis), 1.0 if centre_only else spread

    source = np.concatenate([train, new]) if joint else train
    (mean, spread), (new_mean, new_spread) = numbers(source), numbers(new if own else source)
    return [(train - mean) / spread, (new - new_mean) / new_spread]


def _standardise_inputs():
    rng = np.random.default_rng(2)
    yield rng.integers(0, 200, (12, 5, 4)).astype("uint8"), rng.integers(50, 256, (6, 5, 4)).astype("uint8")


def _one_cycle(step, total, peak, *, kind="right"):
    start = 0.0 if kind == "zero" else peak / 25
    end = peak / 1e4 if kind == "end" else start / 1e4
    turn = 0.3 * total if kind == "turn" else 0.3 * total - 1
    last = total if kind == "turn" else total - 1
    if kind == "up only":
        step = min(step, turn)
    up = step <= turn
    share = step / turn if up else (step - turn) / (last - turn)
    if kind != "straight":
        share = (1 - math.cos(math.pi * share)) / 2
    return start + (peak - start) * share if up else peak + (end - peak) * share


def _last_states(states, *, kind="right"):
    h = states.shape[-1] // 2
    forward, backward = states[..., :h], states[..., h:]
    if kind == "same place":
        return states[:, -1]
    if kind == "first place":
        return states[:, 0]
    if kind == "swapped":
        return np.concatenate([forward[:, 0], backward[:, -1]], axis=-1)
    if kind == "order":
        return np.concatenate([backward[:, 0], forward[:, -1]], axis=-1)
    if kind == "stack":
        return np.stack([forward[:, -1], backward[:, 0]], axis=1)
    return np.concatenate([forward[:, -1], backward[:, 0]], axis=-1)


def _most_confused(counts, *, kind="right"):
    counts = np.array(counts, dtype=float)
    if kind == "smallest":
        counts = counts + counts.T
        np.fill_diagonal(counts, np.inf)
        a, b = np.unravel_index(counts.argmin(), counts.shape)
        return [int(min(a, b)), int(max(a, b))]
    if kind != "diagonal":
        np.fill_diagonal(counts, 0)
    if kind == "row by column":
        return [int(counts.sum(axis=1).argmax()), int(counts.sum(axis=0).argmax())]
    if kind in ("right", "diagonal"):
        counts = counts + counts.T
    a, b = np.unravel_index(counts.argmax(), counts.shape)
    return [int(min(a, b)), int(max(a, b))]


_CONFUSED = np.array(
    [[90, 3, 9, 0, 0], [1, 95, 0, 2, 6], [0, 4, 88, 5, 3], [7, 2, 6, 80, 1], [0, 5, 2, 0, 91]],
)

EXERCISES = [
    Exercise(
        name="03b.count",
        solution=_count,
        inputs=[(28, 128, 10, False), (28, 128, 10, True), (3, 5, 2, True), (1, 1, 1, False)],
        wrong=[
            Wrong(lambda *a: _count(*a, gates=1), "That is a plain recurrent layer. How many blocks has an LSTM?"),
            Wrong(lambda *a: _count(*a, gates=3), "That is a GRU's number of blocks; an LSTM has one more."),
            Wrong(lambda *a: _count(*a, biases=2), "One bias for each block, as in Keras or after parity.one_bias."),
            Wrong(lambda *a: _count(*a, biases=0), "The biases of the LSTM are missing."),
            Wrong(lambda *a: _count(*a, readout=False), "The read-out layer is missing."),
            Wrong(lambda *a: _count(*a, wide=False), "With two directions the read-out sees both last states."),
            Wrong(lambda *a: _count(*a, double=False), "The backward direction has weights of its own."),
            Wrong(
                lambda d, h, q, two: _count(d, h, q, False), "Right for one direction. What does the second one add?"
            ),
        ],
        hint="Each block has h rows that see x_t, h_{t-1} and a bias; the read-out has q rows and q biases.",
    ),
    Exercise(
        name="03b.standardise",
        solution=_standardise,
        inputs=list(_standardise_inputs()),
        wrong=[
            Wrong(
                lambda a, b: _standardise(a, b, own=True),
                "The new images are scaled by themselves. Which part may be asked?",
            ),
            Wrong(lambda a, b: _standardise(a, b, joint=True), "The new images have entered the mean: they must not."),
            Wrong(
                lambda a, b: _standardise(a, b, per_pixel=True), "One mean and one deviation for all pixels together."
            ),
            Wrong(
                lambda a, b: _standardise(a, b, variance=True), "Divide by the standard deviation, not by its square."
            ),
            Wrong(
                lambda a, b: _standardise(a, b, centre_only=True),
                "The mean is right; the spread must become 1 as well.",
            ),
            Wrong(
                lambda a, b: [a / 255.0, b / 255.0],
                "That brings pixels to [0, 1]; standardising uses mean and deviation.",
            ),
        ],
        hint="Two numbers, measured on the training images; the same two numbers for both parts.",
    ),
    Exercise(
        name="03b.one_cycle",
        solution=_one_cycle,
        inputs=[(0, 100, 0.01), (10, 100, 0.01), (29, 100, 0.01), (60, 100, 0.01), (99, 100, 0.01), (400, 1290, 5e-3)],
        rtol=1e-5,
        atol=1e-10,
        wrong=[
            Wrong(
                lambda *a: _one_cycle(*a, kind="turn"), "Steps count from 0: the last one is S − 1, the turn 0.3 S − 1."
            ),
            Wrong(
                lambda *a: _one_cycle(*a, kind="straight"),
                "Start, peak and end are right; between them it is a cosine.",
            ),
            Wrong(lambda *a: _one_cycle(*a, kind="zero"), "The cycle does not start at zero."),
            Wrong(
                lambda *a: _one_cycle(*a, kind="end"), "The way up is right; the end is a small part of the *start*."
            ),
            Wrong(
                lambda *a: _one_cycle(*a, kind="up only"), "The way up is right. After the peak it comes down again."
            ),
        ],
        hint="Half a cosine from start to peak until K = 0.3 S − 1, then half a cosine from peak to end at S − 1.",
    ),
    Exercise(
        name="03b.last_states",
        solution=_last_states,
        inputs=[(np.random.default_rng(5).normal(size=(3, 6, 8)),), (np.random.default_rng(6).normal(size=(1, 2, 2)),)],
        wrong=[
            Wrong(
                lambda s: _last_states(s, kind="same place"), "One of the two directions has read a single step there."
            ),
            Wrong(
                lambda s: _last_states(s, kind="first place"), "Now it is the forward direction that has read one step."
            ),
            Wrong(
                lambda s: _last_states(s, kind="swapped"),
                "Each half is taken where its direction begins, not where it ends.",
            ),
            Wrong(lambda s: _last_states(s, kind="order"), "Right states; the forward half comes first."),
            Wrong(lambda s: _last_states(s, kind="stack"), "Right states; join them to one vector of 2h numbers."),
        ],
        hint="Forward is done at the last position. Where is backward done? Then join the two, forward first.",
    ),
    Exercise(
        name="03b.most_confused",
        solution=_most_confused,
        inputs=[(_CONFUSED,)],
        wrong=[
            Wrong(lambda c: _most_confused(c, kind="diagonal"), "The diagonal holds what was read right."),
            Wrong(lambda c: _most_confused(c, kind="one way"), "Both directions count: a called b, and b called a."),
            Wrong(lambda c: _most_confused(c, kind="smallest"), "That is the pair confused least."),
            Wrong(
                lambda c: _most_confused(c, kind="row by column"),
                "The worst row and the worst column need not be one pair.",
            ),
        ],
        hint="Add the matrix to its transpose, leave the diagonal out, find the largest entry, return (smaller, larger).",
    ),
]
