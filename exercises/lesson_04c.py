"""Exercises of lesson 04c: a row of the map, one step of decay, a broken comparison, a cosine with a floor."""

import numpy as np

from . import Changed, Edit, Exercise


def _measure_row(answer):
    """Whether a trained PyTorch net has the lesson's shape, and its error on digits that the lesson never used."""
    import torch

    from course_lib import data, training

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained net itself; train returns it first, and the losses second")
    linear = [tuple(layer.weight.shape) for layer in answer.modules() if isinstance(layer, torch.nn.Linear)]
    if linear != [(64, 196), (16, 64), (64, 16), (196, 64)]:
        raise ValueError("the net must stay 196–64–16–64–196: the recipe changes the training")
    digits = data.mnist().train_images[50_000:52_000] / np.float32(255)
    x = digits.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(-1, 196)
    found = float(np.mean((training.predict(answer, x) - x) ** 2))
    return {"below 0.0132": found < 0.0132, "below 0.016, as PCA": found < 0.016, "learnt something": found < 0.05}


def _untrained(solution):
    """A net of the lesson's shape with random weights."""
    import torch

    nn = torch.nn
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(196, 64), nn.ReLU(), nn.Linear(64, 16), nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 196), nn.Sigmoid()
    )


def _change_of_inputs():
    rng = np.random.default_rng(41)
    for rates, seeds in ((5, 3), (4, 6), (3, 2)):
        val_new, val_old = (0.02 * (1 + 0.3 * rng.random((rates, seeds))) for _ in range(2))
        yield (
            val_new,
            val_new * (1 + 0.3 * rng.random((rates, seeds))),
            val_old,
            val_old * (1 + 0.3 * rng.random((rates, seeds))),
        )


EXERCISES = [
    Exercise(
        name="04c.row",
        measure=_measure_row,
        wrong=[
            Changed(_untrained, "This net has not been trained."),
            Edit(
                '"norm": True, "schedule": "one-cycle", "batch": 32',
                "",
                "This is no better than PCA. Which rows of the map help?",
            ),
            Edit(
                '"norm": True, "schedule": "one-cycle", "batch": 32',
                '"norm": True',
                "One row alone is not enough: combine.",
            ),
        ],
        hint="Combine a row that helps at its best with one that makes a larger rate safe, and choose the rate anew.",
    ),
    Exercise(
        name="04c.decay",
        rtol=1e-6,
        atol=1e-9,
        wrong=[
            Changed(
                lambda solution: [solution[i] for i in (1, 1, 2)],
                "(a) and (b) are not the same algorithm: Adam divides the gradient λw by its own size.",
            ),
            Changed(lambda solution: [solution[i] for i in (1, 0, 2)], "(a) and (b) are exchanged."),
            Changed(
                lambda solution: [solution[i] for i in (0, 0, 2)],
                "Keras's weight_decay is decoupled: it never meets Adam's division.",
            ),
            Edit(
                "strength / 2",
                "strength",
                "(a) and (b) are right. Keras's L2(l) adds l·w² without a half: what is its gradient?",
            ),
            Edit("strength / 2", "2 * strength", "(a) and (b) are right. The gradient of l·w² must equal λw."),
            Edit("eta * strength", "strength", "The decoupled decay is multiplied by the learning rate."),
        ],
        hint="(a) Adam's first step has one size, whatever the gradient. (b) A fraction of w. (c) Compare gradients.",
    ),
    Exercise(
        name="04c.change_of",
        inputs=list(_change_of_inputs()),
        wrong=[
            Edit("val_new.mean(1)", "test_new.mean(1)", "The new side chooses its rate on the test errors."),
            Edit("val_old.mean(1).argmin()", "0", "The old side does not choose its rate at all."),
            Edit("val_old.mean(1)", "test_old.mean(1)", "Now the old side chooses its rate on the test errors."),
            Edit(
                "np.mean(new / old - 1)",
                "new.min() / old.mean() - 1",
                "Both rates are chosen well. Whose seeds are compared with whose?",
            ),
            Edit(
                "np.mean(new / old - 1)",
                "new.min() / old.min() - 1",
                "Two lucky seeds are compared. Use all of them, paired.",
            ),
            Edit(
                "np.mean(new / old - 1)",
                "new.mean() / old.mean() - 1",
                "Nearly: the seeds are paired, so take the change seed by seed.",
            ),
            Edit("np.mean(new / old - 1)", "np.mean(old / new - 1)", "Negative is to mean that the new one is better."),
        ],
        hint="Who chooses, on which errors, and which numbers enter the mean? Do the same on both sides.",
    ),
    Exercise(
        name="04c.rate_at",
        inputs=[(t, 0.01, 20, 100, 0.001) for t in (0, 7, 19, 20, 40, 60, 99, 100)] + [(3, 1.0, 2, 10, 0.0)],
        wrong=[
            Edit("(t + 1)", "t", "Your warm-up begins at 0, a lost step. Look at the numerator again."),
            Edit(
                "(t - warm) / (steps - warm)",
                "t / steps",
                "Where must the cosine equal the peak? Yours has begun before.",
            ),
            Edit(
                "(t - warm) / (steps - warm)",
                "(t - warm) / steps",
                "How many steps are left for the fall after the warm-up?",
            ),
            Edit("floor + (peak - floor) *", "peak *", "That falls to 0. It is to end at the floor."),
            Edit("floor + (peak - floor) *", "floor + peak *", "At t = warm that lies above the peak."),
            Edit(
                "(1 + np.cos(np.pi * part)) / 2", "(1 - part)", "That falls in a straight line; a cosine is asked for."
            ),
            Edit("np.pi * part", "180 * part", "np.cos takes radians."),
        ],
        hint="Two cases. In the second, which fraction of the remaining steps has passed? It goes into (1 + cos π…)/2.",
    ),
]
