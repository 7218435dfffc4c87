"""Exercises of lesson 01f: a memory of five digits, beam search, a network taught longer strings, a wrong attention."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong

_TABLE = {
    (): [0.5, 0.4, 0.1],
    (0,): [0.3, 0.3, 0.4],
    (1,): [0.05, 0.05, 0.9],
}
_LONG = {
    (): [0.45, 0.55, 0.0],
    (0,): [0.9, 0.1, 0.0],
    (1,): [0.36, 0.34, 0.3],
    (0, 0): [0.0, 0.0, 1.0],
    (1, 0): [0.6, 0.0, 0.4],
}


def _table(written):
    """The decoder of the lesson's table: a, b and the end are 0, 1 and 2."""
    return np.array(_TABLE.get(tuple(written), [0.0, 0.0, 1.0]))


def _longer(written):
    """A decoder whose best answer has three symbols."""
    return np.array(_LONG.get(tuple(written), [0.2, 0.2, 0.6]))


def _strings(count, n, seed):
    """Sources (count, 8) of n digits each, padded in front, and the right answers (count, 9)."""
    digits = np.random.default_rng(seed).integers(3, 13, size=(count, n))
    source, y = np.zeros((count, 8), "int64"), np.zeros((count, 9), "int64")
    source[:, 8 - n :], y[:, :n], y[:, n] = digits, digits[:, ::-1], 2
    return source, y


def _right_alone(model, n):
    """The exact match of a model on 300 strings of n digits when it reads what it wrote."""
    import torch

    source, y = _strings(300, n, seed=31 + n)
    x = np.concatenate([source, np.ones((300, 1), "int64"), np.zeros((300, 8), "int64")], axis=1)
    device = next(model.parameters()).device
    written = np.zeros_like(y)
    for u in range(9):
        with torch.no_grad():
            scores = model(torch.tensor(x, device=device))
        if tuple(scores.shape) != (300, 9, 13):
            raise ValueError(f"the network must give scores (300, 9, 13) here; yours gives {tuple(scores.shape)}")
        written[:, u] = scores[:, u].argmax(-1).cpu().numpy()
        if u < 8:
            x[:, 9 + u] = written[:, u]
    return float(((written == y) | (y == 0)).all(axis=1).mean())


def _measure_seven(answer):
    """Whether a network reverses seven digits alone, and still the shorter strings."""
    import torch

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself, for example grown = copy.deepcopy(torch_model)")
    return {
        "half of seven digits": _right_alone(answer, 7) >= 0.5,
        "nine of ten of four to six": np.mean([_right_alone(answer, n) for n in (4, 5, 6)]) >= 0.9,
    }


_RNG = np.random.default_rng(5)
_STATES, _ENCODED = _RNG.normal(size=(2, 3, 4)), _RNG.normal(size=(2, 5, 4))
_SOURCE = np.array([[0, 0, 3, 7, 4], [5, 9, 3, 12, 8]])


def _masked_afterwards(states, encoded, source):
    """The attention as the exercise has it."""
    products = states @ encoded.swapaxes(1, 2)
    powers = np.exp(products - products.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True) * (source != 0)[:, None]


EXERCISES = [
    Exercise(
        name="01f.memory",
        wrong=[
            Wrong([0.5**3, 6.3 / 9], "Each of the guesses has ten equal chances, not two."),
            Wrong([0.3, 6.3 / 9], "For the exact match all guesses must be right at once."),
            Wrong([0.001, 5.3 / 8], "There are nine symbols: the end symbol counts, too."),
            Wrong([0.001, 6 / 9], "A guess is sometimes right: add its share."),
            Wrong([0.0, 6.3 / 9], "Rarely is not never: how probable are the right guesses together?"),
        ],
        rtol=1e-3,
        hint="Exact match: all guesses right at once. Share: add the expected number of right symbols, over nine.",
    ),
    Exercise(
        name="01f.beam",
        inputs=[(_table, 2, 5, 1), (_table, 2, 5, 2), (_longer, 2, 5, 1), (_longer, 2, 5, 2), (_longer, 2, 2, 3)],
        wrong=[
            Changed(
                lambda solution, step, end, limit, width: solution(step, end, limit, 1),
                "It is greedy: more than one beginning must be kept.",
            ),
            Changed(
                lambda solution, step, end, limit, width: solution(step, end, limit, 1000),
                "It keeps all beginnings: cut the list to the width after each step.",
            ),
            Changed(
                lambda solution, *a: (solution(*a)[0][:-1], solution(*a)[1]), "The end symbol belongs to the answer."
            ),
            Edit("-beam[1]", "beam[1]", "It keeps the least probable ones."),
            Edit(
                "probability * float(share)",
                "float(share)",
                "The probability of an answer is a product of all its steps.",
            ),
        ],
        hint="Lengthen each unfinished beginning by every symbol, keep finished ones, sort by probability, cut to width.",
    ),
    Exercise(
        name="01f.seven",
        measure=_measure_seven,
        wrong=[
            Edit(
                "lengths=(4, 5, 6, 7)",
                "lengths=(4, 5, 6)",
                "It does not yet reverse half of the strings of seven digits.",
            ),
            Edit(
                "lengths=(4, 5, 6, 7)",
                "lengths=(7,)",
                "Seven digits are learnt, and shorter strings are not: what else must it see?",
            ),
        ],
        hint="Look at x_val, seven digits and the shorter ones apart: which of the two is missing?",
    ),
    Exercise(
        name="01f.attend",
        inputs=[(_STATES, _ENCODED, _SOURCE), (_STATES[:1], 300 * _ENCODED[:1], _SOURCE[:1])],
        wrong=[
            Edit(
                "    products = np.where((source != 0)[:, None], products, -np.inf)      # before the softmax: the rest adds up to one\n",
                "",
                "Now the padded places have weight.",
            ),
            Wrong(_masked_afterwards, "The padded places have no weight, but what do those of one step add up to?"),
            Edit(
                "powers.sum(axis=-1, keepdims=True)",
                "powers.sum()",
                "The weights of one step add up to one, not those of all steps together.",
            ),
            Edit(
                "products, -np.inf)",
                "products, 0.0)",
                "A product of 0 is a product like others: its place still has weight.",
            ),
        ],
        hint="Add up the weights of one step, with padding and without.",
    ),
]
