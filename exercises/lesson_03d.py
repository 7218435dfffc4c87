"""Exercises of lesson 03d: shares of a weighted mean, what is carried, a broken read-out, counting modulo 3."""

import numpy as np

from . import Edit, Exercise, Wrong


def _memories():
    rng = np.random.default_rng(29)
    for batch, h, level in ((4, 3, 2.0), (3, 5, -1.0)):
        C, n, q = rng.standard_normal((batch, h, h)), rng.standard_normal((batch, h)), rng.standard_normal((batch, h))
        yield C, n, level + rng.standard_normal((batch, 1)), q


def _measure_modulo(answer):
    """How often a trained PyTorch network knows the number of ones modulo 3."""
    import torch

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself, a Reader with stack=()")
    bits = np.random.default_rng(41).integers(0, 2, size=(2000, 12))
    x = torch.from_numpy(np.eye(2, dtype="float32")[bits]).to(next(answer.parameters()).device)
    try:
        with torch.no_grad():
            scores = answer(x)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"it cannot read bits as (B, T, 2): {error}") from None
    if scores.shape != (2000, 12, 3):
        raise ValueError(f"three scores at each step, (B, T, 3), are expected; yours has {tuple(scores.shape)}")
    right = float((scores.argmax(-1).cpu().numpy() == bits.cumsum(axis=1) % 3).mean())
    units = int(getattr(getattr(answer, "cell", None), "h", 0))
    return {
        "at most 12 units": units <= 12,
        "better than guessing": right > 0.6,
        "right in 99 % of all cases": right > 0.99,
    }


EXERCISES = [
    Exercise(
        name="03d.shares",
        atol=0.0011,
        wrong=[
            Wrong(
                [0.143, 0.286, 0.571],
                "These are the shares if nothing is forgotten. How often has the first been halved?",
            ),
            Wrong(
                [0.042, 0.114, 0.844], "The gates are given themselves, not their logarithms: no exponential is needed."
            ),
            Wrong([0.059, 0.235, 0.941], "Divide by the sum of all three, so that they add up to 1."),
            Wrong(
                [0.077, 0.308, 0.615],
                "Each step halves what stands before it; the last candidate has been halved by no step.",
            ),
        ],
        hint="Write c after each step, with the three candidates as letters; n is the same sum without them.",
    ),
    Exercise(
        name="03d.carried",
        wrong=[
            Wrong([16, 757, 2], "The first carries four vectors, not one."),
            Wrong([48, 757, 2], "Count the level too: it is a vector in the sLSTM."),
            Wrong(
                [64, 729, 2], "Beside the matrix the second carries a normaliser and a level. Which shapes have they?"
            ),
            Wrong([64, 783, 2], "In the mLSTM the level is one number for the whole matrix."),
            Wrong([64, 757, 1], "The power: double h, and how many entries has the matrix?"),
        ],
        hint="Look at what `step` returns in either class, and at the shape of each.",
    ),
    Exercise(
        name="03d.read_out",
        inputs=list(_memories()),
        wrong=[
            Edit("np.exp(-m)", "1", "The sign is right now. The memory is divided by e to the m; what about the 1?"),
            Edit("np.exp(-m)", "np.exp(m)", "Everything is carried divided by e to the m, not multiplied."),
            Edit(
                "np.abs((n * q).sum(axis=1, keepdims=True))",
                "(n * q).sum(axis=1, keepdims=True)",
                "The scale is right now. What if the query meets something negative?",
            ),  # fmt: skip
            Edit(
                "np.abs((n * q).sum(axis=1, keepdims=True))",
                "np.abs(n * q).sum(axis=1, keepdims=True)",
                "Take the absolute value of the sum, not of each part.",
            ),  # fmt: skip
        ],
        hint="Multiply C and n by e to the m, and read with the equation of section 4: what cancels?",
    ),
    Exercise(
        name="03d.modulo",
        measure=_measure_modulo,
        wrong=[
            Edit(
                "= SLSTM, 8, 200",
                "= AtOnce, 8, 200",
                "It does not count at all. Which of the cells learnt parity, and which did not?",
            ),
            Edit("= SLSTM, 8, 200", "= SLSTM, 40, 200", "It counts; with how many units?"),
            Edit("= SLSTM, 8, 200", "= SLSTM, 8, 36", "It has begun to count: train longer."),
        ],
        hint="It does not reach 99 %: train longer, try several starts, or another rate.",
    ),
]
