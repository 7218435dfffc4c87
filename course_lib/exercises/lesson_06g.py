"""Exercises of lesson 06g: levels of a quantiser, ideal code length, int8 by rows, a masked error."""

import numpy as np

from . import Exercise, Wrong


def _step_number(z, a, b, q):
    top = 2**q - 1
    return int(np.clip(np.round((z - a) / (b - a) * top), 0, top))


def _step_inputs():
    for z in (-1.9, -0.3, 0.2, 0.77, 1.4, 2.0, 5.0, -7.0):
        for q in (1, 3, 8):
            yield z, -2.0, 2.0, q


def _bits_inputs():
    rng = np.random.default_rng(3)
    for n, symbols in ((20, 4), (50, 3)):
        p = rng.dirichlet(np.ones(symbols))
        yield rng.integers(0, symbols, n), p


def _int8_rows(W):
    scale = np.abs(W).max(axis=1) / 127
    return np.round(W / scale[:, None]).astype("int8"), scale


def _matrices():
    rng = np.random.default_rng(5)
    yield rng.standard_normal((3, 5)) * np.array([[1.0], [10.0], [0.1]])
    yield -np.abs(rng.standard_normal((4, 2)))


def _measure_rows(function):
    """Levels, scales, and the type of the levels, which NumPy's comparison of values would let pass."""
    answers = [function(W) for W in _matrices()]
    if any(answer is ... or answer is None or answer[0] is ... for answer in answers):
        return ...
    return [[np.asarray(levels), np.asarray(scale), str(np.asarray(levels).dtype)] for levels, scale in answers]


def _masked(r_hat, r, mask):
    seen = mask.astype(bool)
    return float(((r_hat[seen] - r[seen]) ** 2).mean())


def _masked_inputs():
    rng = np.random.default_rng(8)
    for shape in ((6, 9), (4, 3)):
        r, mask = rng.integers(1, 6, shape).astype(float), (rng.random(shape) < 0.4).astype(float)
        mask[0, 0] = 1.0
        yield rng.normal(3, 1, shape), np.where(mask == 1, r, 7.0), mask


def _wrong_rows_one_scale(W):
    scale = np.full(len(W), np.abs(W).max() / 127)
    return np.round(W / scale[:, None]).astype("int8"), scale


def _wrong_rows_columns(W):
    scale = np.abs(W).max(axis=0) / 127
    return np.round(W / scale).astype("int8"), scale


def _wrong_rows_signed(W):
    scale = W.max(axis=1) / 127
    return np.clip(np.round(W / scale[:, None]), -127, 127).astype("int8"), scale


def _wrong_rows_float(W):
    levels, scale = _int8_rows(W)
    return levels.astype(float), scale


def _wrong_rows_128(W):
    scale = np.abs(W).max(axis=1) / 128
    return np.clip(np.round(W / scale[:, None]), -128, 127).astype("int8"), scale


EXERCISES = [
    Exercise(
        name="06g.step_number",
        solution=_step_number,
        inputs=list(_step_inputs()),
        wrong=[
            Wrong(
                lambda z, a, b, q: int(np.clip(np.round((z - a) / (b - a) * 2**q), 0, 2**q)),
                "How many levels are there if they run from 0 to 2^q? One too many for q bits.",
            ),
            Wrong(
                lambda z, a, b, q: int(np.round((z - a) / (b - a) * (2**q - 1))),
                "Try a number below a, and one above b.",
            ),
            Wrong(
                lambda z, a, b, q: int(np.clip(np.floor((z - a) / (b - a) * (2**q - 1)), 0, 2**q - 1)),
                "Cutting off takes the level below; which one is nearest?",
            ),
            Wrong(
                lambda z, a, b, q: a + _step_number(z, a, b, q) * (b - a) / (2**q - 1),
                "That is the quantised value. Only the number of its level is stored.",
            ),
        ],
        hint="Where does z lie between a and b, as a fraction? How many steps are that?",
    ),
    Exercise(
        name="06g.ideal_bits",
        solution=lambda k, p: float(-np.log2(p[k]).sum()),
        inputs=list(_bits_inputs()),
        wrong=[
            Wrong(lambda k, p: float(-np.log(p[k]).sum()), "That is in nats. A bit is a factor of two."),
            Wrong(
                lambda k, p: float(-np.log2(p[k]).mean()), "That is the price of one symbol on average. All together?"
            ),
            Wrong(
                lambda k, p: float(np.log2(p[k]).sum()), "A negative number of bits? The logarithm of a probability is."
            ),
            Wrong(
                lambda k, p: float(-len(k) * (p * np.log2(p)).sum()),
                "That is what symbols drawn from p cost on average. These symbols are here: count theirs.",
            ),
        ],
        hint="A symbol of probability 1/2 costs one bit, one of probability 1/8 three.",
    ),
    Exercise(
        name="06g.int8_rows",
        solution=_int8_rows,
        measure=_measure_rows,
        wrong=[
            Wrong(
                _wrong_rows_one_scale,
                "One row here is a hundred times larger than another: how many levels has the small one?",
            ),
            Wrong(
                _wrong_rows_signed,
                "What is the largest entry of a row of negative numbers? Size, not sign, sets the scale.",
            ),
            Wrong(_wrong_rows_float, "The levels are right. Store them in one byte each."),
            Wrong(_wrong_rows_128, "An int8 ends at 127: where does the largest positive entry go?"),
            Wrong(_wrong_rows_columns, "A row is one output. Along which axis is the maximum taken?"),
        ],
        hint="Divide each row by its scale, and the largest number must be 127 or -127.",
    ),
    Exercise(
        name="06g.masked_error",
        solution=_masked,
        inputs=list(_masked_inputs()),
        wrong=[
            Wrong(lambda g, r, m: float(((g - r) ** 2).mean()), "Holes count here as if they were ratings."),
            Wrong(
                lambda g, r, m: float((m * (g - r) ** 2).mean()),
                "The holes add nothing, and are still counted. Divide by how many there are to look at.",
            ),
            Wrong(
                lambda g, r, m: float((m * (g - r) ** 2).sum()),
                "A mean, not a sum: people with many ratings would count more.",
            ),
            Wrong(
                lambda g, r, m: float(((m * g - r) ** 2).sum() / m.sum()),
                "What stands in r at the holes must not matter. Mask the difference, not the guess alone.",
            ),
        ],
        hint="Which entries add to the sum, and how many are they?",
    ),
]
