"""Exercises of lesson 06k: levels of a quantiser, ideal code length, int8 by rows, a masked error."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong, plain


def _step_inputs():
    for z in (-1.9, -0.3, 0.2, 0.77, 1.4, 2.0, 5.0, -7.0):
        for q in (1, 3, 8):
            yield z, -2.0, 2.0, q


def _bits_inputs():
    rng = np.random.default_rng(3)
    for n, symbols in ((20, 4), (50, 3)):
        p = rng.dirichlet(np.ones(symbols))
        yield rng.integers(0, symbols, n), p


def _matrices():
    rng = np.random.default_rng(5)
    yield rng.standard_normal((3, 5)) * np.array([[1.0], [10.0], [0.1]])
    yield -np.abs(rng.standard_normal((4, 2)))


def _measure_rows(function):
    """Levels, scales, and the type of the levels, which NumPy's comparison of values would let pass."""
    if not callable(function):
        raise ValueError("give the function itself, without calling it")
    answers = [function(W) for W in _matrices()]
    if any(answer is ... or answer is None for answer in answers):
        return ...
    if not all(isinstance(answer, (tuple, list)) and len(answer) == 2 for answer in answers):
        raise ValueError("return two arrays: the levels of all entries, and one scale for each row")
    if any(part is ... or part is None for answer in answers for part in answer):
        return ...
    read = [[plain(part) for part in answer] for answer in answers]
    return [[levels, scale, str(getattr(levels, "dtype", "none"))] for levels, scale in read]


def _masked_inputs():
    rng = np.random.default_rng(8)
    for shape in ((6, 9), (4, 3)):
        r, mask = rng.integers(1, 6, shape).astype(float), (rng.random(shape) < 0.4).astype(float)
        mask[0, 0] = 1.0
        yield rng.normal(3, 1, shape), np.where(mask == 1, r, 7.0), mask


EXERCISES = [
    Exercise(
        name="06k.step_number",
        inputs=list(_step_inputs()),
        wrong=[
            Edit(
                "2**bits - 1",
                "2**bits",
                "How many levels are there if they run from 0 to 2^q? One too many for q bits.",
            ),
            Edit(
                "int(np.clip(np.round((value - lowest) / (highest - lowest) * levels), 0, levels))",
                "int(np.round((value - lowest) / (highest - lowest) * levels))",
                "Try a number below a, and one above b.",
            ),
            Edit("np.round", "np.floor", "Cutting off takes the level below; which one is nearest?"),
            Changed(
                lambda solution, z, a, b, q: a + solution(z, a, b, q) * (b - a) / (2**q - 1),
                "That is the quantised value. Only the number of its level is stored.",
            ),
        ],
        hint="Where does z lie between a and b, as a fraction? How many steps are that?",
    ),
    Exercise(
        name="06k.ideal_bits",
        inputs=list(_bits_inputs()),
        wrong=[
            Edit("np.log2", "np.log", "That is in nats. A bit is a factor of two."),
            Edit(".sum()", ".mean()", "That is the price of one symbol on average. All together?"),
            Edit("-np.log2", "np.log2", "A negative number of bits? The logarithm of a probability is."),
            Wrong(
                lambda k, p: float(-len(k) * (p * np.log2(p)).sum()),
                "That is what symbols drawn from p cost on average. These symbols are here: count theirs.",
            ),
        ],
        hint="A symbol of probability 1/2 costs one bit, one of probability 1/8 three.",
    ),
    Exercise(
        name="06k.int8_rows",
        measure=_measure_rows,
        wrong=[
            Edit(
                "np.abs(matrix).max(axis=1) / 127",
                "np.full(len(matrix), np.abs(matrix).max() / 127)",
                "One row here is a hundred times larger than another: how many levels has the small one?",
            ),
            Edit(
                "scale = np.abs(matrix).max(axis=1) / 127",
                "scale = matrix.max(axis=1) / 127\n    matrix = np.clip(matrix / scale[:, None], -127, 127) * scale[:, None]",
                "What is the largest entry of a row of negative numbers? Size, not sign, sets the scale.",
            ),
            Edit('.astype("int8")', "", "The levels are right. Store them in one byte each."),
            Edit(
                "scale = np.abs(matrix).max(axis=1) / 127",
                "scale = np.abs(matrix).max(axis=1) / 128\n    matrix = np.clip(matrix / scale[:, None], -128, 127) * scale[:, None]",
                "An int8 ends at 127: where does the largest positive entry go?",
            ),
            Changed(
                lambda solution: lambda W: (solution(W.T)[0].T, solution(W.T)[1]),
                "A row is one output. Along which axis is the maximum taken?",
            ),
        ],
        hint="Divide each row by its scale, and the largest number must be 127 or -127.",
    ),
    Exercise(
        name="06k.masked_error",
        inputs=list(_masked_inputs()),
        wrong=[
            Edit("(guess[seen] - truth[seen])", "(guess - truth)", "Holes count here as if they were ratings."),
            Edit(
                "((guess[seen] - truth[seen]) ** 2).mean()",
                "(where * (guess - truth) ** 2).mean()",
                "The holes add nothing, and are still counted. Divide by how many there are to look at.",
            ),
            Edit(".mean()", ".sum()", "A mean, not a sum: people with many ratings would count more."),
            Wrong(
                lambda g, r, m: float(((m * g - r) ** 2).sum() / m.sum()),
                "What stands in r at the holes must not matter. Mask the difference, not the guess alone.",
            ),
        ],
        hint="Which entries add to the sum, and how many are they?",
    ),
]
