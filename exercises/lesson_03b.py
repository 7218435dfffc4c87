"""Exercises of lesson 03b: trivial answers, the half-life of a bias, an unfair comparison, and a network that subtracts."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _differences(n, T, seed):
    """Sequences (n, T, 2) with a mark in each half, and the first marked value minus the second (n,)."""
    rng = np.random.default_rng(seed)
    rows, values, marks = np.arange(n), rng.uniform(size=(n, T)), np.zeros((n, T))
    marks[rows, rng.integers(0, T // 2, n)] = 1
    marks[rows, rng.integers(T // 2, T, n)] = 1
    products = values * marks
    x = np.stack([values, marks], axis=2).astype("float32")
    return x, products[:, : T // 2].sum(axis=1) - products[:, T // 2 :].sum(axis=1)


def _measure_subtracter(answer):
    """Whether a trained PyTorch network tells the sign of a large difference, and is near new differences."""
    import torch

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself, for example subtracter = net")
    x, difference = _differences(1000, 20, seed=77)
    device = next(answer.parameters()).device
    try:
        with torch.no_grad():
            found = answer(torch.from_numpy(x).to(device))
    except RuntimeError as error:
        raise ValueError(f"it cannot read sequences (B, 20, 2), values and marks: {error}") from None
    if found.shape not in ((len(x), 1), (len(x),)):
        raise ValueError(f"one number for each sequence, (B, 1), is expected; yours has {tuple(found.shape)}")
    error = found.cpu().numpy().reshape(-1) - difference
    return {
        "better than always 0": bool((error**2).mean() < 0.12),
        "below 0.03": bool((error**2).mean() < 0.03),
    }


_TUNING = {"A": {0.01: [300, 320, 310], 0.1: [100, 110, 120]}, "B": {0.01: [200, 210, 190], 0.1: [400, 400, 150]}}
_RACING = {"A": {0.01: [250, 260, 90], 0.1: [400, 230, 240]}, "B": {0.01: [400, 210, 400], 0.1: [150, 400, 160]}}

EXERCISES = [
    Exercise(
        name="03b.trivial",
        atol=0.002,
        wrong=[
            Wrong([0.083, 0.25, 0.167, 1.167], "(a): twice the first number is wrong by the difference of the two."),
            Wrong([0.167, 0.167, 0.167, 1.167], "(b): how many independent numbers are in that sum?"),
            Wrong([0.167, 0.25, 0.0, 1.167], "(c): do variances subtract if the numbers do?"),
            Wrong([0.167, 0.25, 0.167, 0.167], "(d): that is the variance. The mean is not where the answer is."),
            Wrong([0.167, 0.25, 0.167, 1.0], "(d): that is the square of the mean. The sum also varies around it."),
        ],
        hint="Write the error as a sum or difference of independent numbers: variance, plus the square of its mean.",
    ),
    Exercise(
        name="03b.half_life",
        inputs=[(0.5,), (2.0,), (3.0,)],
        wrong=[
            Edit("np.log(0.5) / np.log(f)", "1 / (1 - f)", "That is the time scale. After it, is exactly half left?"),
            Edit("1 / (1 + np.exp(-b_f))", "b_f", "A bias is not a gate yet."),
            Edit("np.log(0.5) / np.log(f)", "np.log(f) / np.log(0.5)", "More forgetting must give fewer steps."),
            Edit("np.log(0.5) / np.log(f)", "-1 / np.log(f)", "After that many steps 1/e is left."),
            Changed(lambda solution, b_f: -solution(b_f), "A number of steps is not negative."),
        ],
        hint="Which power of the forget gate is one half?",
    ),
    Exercise(
        name="03b.compare",
        inputs=[(_TUNING, _RACING, 400), (_RACING, _TUNING, 400)],
        wrong=[
            Edit(
                "np.mean(tuning[name][rate])",
                "np.mean(racing[name][rate])",
                "Failures count now. But which runs choose the rate, and which are then reported?",
            ),
            Edit(
                "np.mean(by_rate[best])",
                "np.mean([u for u in by_rate[best] if u < cap])",
                "The rate is chosen well now. What happens to the starts that did not arrive?",
            ),
            Edit(
                "np.mean(by_rate[best])",
                "np.mean(tuning[name][best])",
                "The rate is right, but you report the very runs that it was chosen on.",
            ),
            Edit(
                "np.mean(by_rate[best])", "np.min(by_rate[best])", "A mean over starts is asked for, not the best one."
            ),
        ],
        hint="Ask of each line: which runs may it look at, and does it leave any out?",
    ),
    Exercise(
        name="03b.subtract",
        measure=_measure_subtracter,
        wrong=[
            Edit(
                "2 * x_two[:, :10].prod(axis=2).sum(axis=1, keepdims=True) - y_sum",
                "y_sum",
                "On new sequences it is not better than always answering 0. Which target was it trained with?",
            ),
            Edit(
                "2 * x_two[:, :10].prod(axis=2).sum(axis=1, keepdims=True) - y_sum",
                "x_two[:, :10].prod(axis=2).sum(axis=1, keepdims=True) - y_sum / 2",
                "It tells which value is larger. Does its answer also have the right size?",
            ),
        ],
        hint="It has begun to subtract, but is not near enough: train longer, at a larger rate, or on more sequences.",
    ),
]
