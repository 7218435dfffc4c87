"""Exercises of lesson 02b: how many steps, one unit, a broken measurement, and thirty steps to train over."""

import numpy as np

from . import Edit, Exercise, Wrong
from .lesson_02a import recall


def _measure_thirty(answer):
    """How much of new sequences of lag 30 a trained PyTorch network recalls."""
    import torch

    if not isinstance(answer, torch.nn.Module):
        raise ValueError(
            "give the trained PyTorch network itself, for example thirty_net = Recaller(4, 32, 4), trained"
        )
    device = next(answer.parameters()).device
    x, y = recall(2000, 30, seed=31)
    try:
        with torch.no_grad():
            scores = answer(torch.from_numpy(x.astype("float32")).to(device))
    except RuntimeError as error:
        raise ValueError(f"it cannot read sequences (B, 31, 4): {error}") from None
    if scores.shape != (len(x), 4):
        raise ValueError(f"four scores for each sequence, (B, 4), are expected; yours has {tuple(scores.shape)}")
    right = float((scores.cpu().numpy().argmax(axis=1) == y).mean())
    return {"better than guessing": right > 0.35, "recalls most": right > 0.7, "recalls more than 0.9": right > 0.9}


def _matrix(n, seed):
    return np.random.default_rng(seed).normal(size=(n, n)) / np.sqrt(n)


def _noise(T, n, seed):
    return np.random.default_rng(seed).normal(size=(T, n))


EXERCISES = [
    Exercise(
        name="02b.steps",
        wrong=[
            Wrong([43, 458, 8], "One step too few: you have rounded down, and more than a hundredth is left."),
            Wrong([44, 459, 10000], "For the last: it is no orthogonal matrix. Which radius has a new nn.RNN?"),
            Wrong([44, 459, 5], "For the last: 1/3 is the variance of h entries. The radius is its root."),
            Wrong([22, 230, 5], "That is a tenth, not a hundredth."),
            Wrong([44, 44, 9], "0.99 is much nearer to 1 than 0.9: it needs about ten times as many."),
        ],
        hint="c to the power k is below 0.01: take the logarithm on both sides, and mind the sign of log c.",
    ),
    Exercise(
        name="02b.unit",
        atol=0.015,
        wrong=[
            Wrong(
                [0.69, 0.69],
                "The second state does not stay near zero. Where does it go, and what is tanh's slope there?",
            ),
            Wrong([0.69, 0.0], "It settles in a stable fixed point, where a small change dies out. How fast?"),
            Wrong([2.0, 0.17], "These are the factors per step; their logarithms are asked for."),
            Wrong([0.69, -2.49], "You have the slope of tanh alone. What else does each step multiply by?"),
            Wrong([0.69, 1.79], "A factor below 1 has a negative logarithm."),
        ],
        hint="The factor per step is 2 (1 − h²), at the h where the unit stays.",
    ),
    Exercise(
        name="02b.norms",
        inputs=[
            (_matrix(4, 1), _noise(6, 4, 2), _noise(1, 4, 3)[0]),
            (1.5 * _matrix(3, 4), _noise(9, 3, 5), _noise(1, 3, 6)[0]),
        ],
        wrong=[
            Edit(
                "W.T @ delta",
                "W @ delta",
                "The order of the states is right now. Which way does W send the error back?",
            ),
            Edit(
                "reversed(states)",
                "states",
                "The matrix is right now. At lag 0, which state's slope has the gradient passed?",
            ),
            Edit(
                "(1 - h_t**2) * arriving",
                "arriving",
                "The slopes of tanh are lost: this is what an unsaturated network would give.",
            ),
            Edit(
                "found.append(np.linalg.norm(delta))", "found.append(np.linalg.norm(delta) ** 2)", "That is the square."
            ),
        ],
        hint="Write one step of section 1 on paper, for the last state, and compare the loop with it line by line.",
    ),
    Exercise(
        name="02b.thirty",
        measure=_measure_thirty,
        wrong=[
            Edit(
                "nn.init.orthogonal_(my_net.rnn.weight_hh_l0)",
                "",
                "It has begun to learn. With which spectral radius does it start, and what is that to the power 30?",
            ),
            Edit(
                "lag_of_mine, rate_of_mine = 30, 0.003",
                "lag_of_mine, rate_of_mine = 30, 0.0005",
                "It is nearly there and has not finished. Was each of the 200 updates large enough?",
            ),
        ],
        hint="It does not recall enough yet: look at the start of W_hh and at the rate.",
    ),
]
