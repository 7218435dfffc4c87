"""Exercises of lesson 05c: a closed circle, PCA's numbers, a broken comparison, a torn curve, an oblique projection."""

import numpy as np

from . import Edit, Exercise, Wrong


def _needed_inputs():
    rng = np.random.default_rng(11)
    for n, d, error in ((60, 6, 0.4), (200, 5, 0.05), (12, 8, 0.3), (9, 8, 0.1), (80, 4, 0.8)):
        turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
        spread = np.linspace(2.0, 0.2, d)
        x, x_new = (rng.normal(size=(k, d)) * s @ turn.T + np.arange(d) for k, s in ((n, spread), (2 * n, spread**0.5)))
        yield x, x_new, error


def _ratio_inputs():
    rng = np.random.default_rng(12)
    for n, d, m in ((40, 5, 2), (90, 3, 1)):
        turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
        x, x_new = (rng.normal(size=(k, d)) * np.linspace(2, 0.3, d) @ turn.T + 3 * np.arange(d) for k in (n, n // 2))
        yield x, x_new, x_new + 0.2 * rng.normal(size=x_new.shape), m


def _measure_circle(answer):
    """Whether a trained network has one number and follows new points of the circle."""
    import torch

    if not isinstance(answer, torch.nn.Module) or not hasattr(answer, "encode"):
        raise ValueError("give the trained PyTorch network itself: a Curved")
    rng = np.random.default_rng(13)
    angle = rng.uniform(0, 2 * np.pi, 2000)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.05 * rng.normal(size=(2000, 2))
    x = torch.from_numpy(points.astype(np.float32)).to(next(answer.parameters()).device)
    with torch.no_grad():
        code, rebuilt = answer.encode(x), answer(x)
    if rebuilt.shape != x.shape:
        raise ValueError(f"points of the plane, (n, 2), go in and come out; yours gives {tuple(rebuilt.shape)}")
    error = float(((rebuilt - x) ** 2).sum(dim=1).mean())
    return {"one number": tuple(code.shape) == (2000, 1), "below 0.1": error < 0.1}


EXERCISES = [
    Exercise(
        name="05c.circle",
        wrong=[
            Wrong([0.5, 0.0, 0.0], "Two points share each score. Which answer is best for both of them?"),
            Wrong([0.5, 0.25, 0.0], "Average over the two points that share a score: does the decoder gain anything?"),
            Wrong([1.0, 1.0, 0.0], "One number is kept. What variance does the other direction have?"),
            Wrong([0.5, 0.5, 0.5], "How many dimensions has the plane?"),
        ],
        hint="The variances of cos and sin over the whole circle are equal. Then ask which points share one score.",
    ),
    Exercise(
        name="05c.numbers_needed",
        inputs=list(_needed_inputs()),
        wrong=[
            Edit("(x_new - mean) @ S", "(x - mean) @ S", "On which rows is the error asked for?"),
            Edit("pca_of(x)", "pca_of(x_new)", "PCA must not see the rows it is judged on."),
            Edit(" / x.shape[1] for m", " for m", "An error per entry is asked for, yours is per row."),
            Edit("<= error)[0]", "> error)[-1]", "That is the last size that fails."),
        ],
        hint="The error with m numbers is what the other directions hold of the new rows, per entry.",
    ),
    Exercise(
        name="05c.error_ratio",
        inputs=list(_ratio_inputs()),
        wrong=[
            Edit("known = x_train ", "known = x_new ", "PCA still knows the rows on which it is judged."),
            Edit(
                "mean = x_train.mean(axis=0)", "mean = 0 * x_train[0]", "PCA is a plane through the mean of the data."
            ),
            Edit(
                "np.mean((by_pca - x_new) ** 2)",
                "np.mean(np.sum((by_pca - x_new) ** 2, axis=1))",
                "Are both errors in the same unit?",
            ),
            Edit("known - mean", "known", "The mean is subtracted in one place and not in the other."),
        ],
        hint="Ask three things: which rows is PCA fitted to, is it centred, and are both errors in one unit?",
    ),
    Exercise(
        name="05c.circle_net",
        measure=_measure_circle,
        wrong=[
            Edit(
                "torn_epochs = 120",
                "torn_epochs = 1",
                "It has one number, and does not follow the circle yet: train longer.",
            ),
            Edit("Curved(2, 1, 64)", "Curved(2, 2, 64)", "It follows the circle; how many numbers does its code have?"),
        ],
        hint="It has one number and is not there yet: more epochs, more hidden units, another rate or another start.",
    ),
    Exercise(
        name="05c.oblique",
        wrong=[
            Wrong(
                [1, 1, 1], "It projects, but not at a right angle: how long is the image of its third axis, at least?"
            ),
            Wrong([1, 26, 1], "That is an eigenvalue of P Pᵀ; which function of it is asked for?"),
            Wrong([1, 5, 1], "The third axis is mapped to length 5. Is there a unit vector whose image is longer?"),
            Wrong([26**0.5, 26**0.5, 1], "P is triangular: where do its eigenvalues stand?"),
        ],
        hint="Eigenvalues stand on the diagonal of a triangular matrix; singular values come from P Pᵀ.",
    ),
]
