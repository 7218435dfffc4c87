"""Exercises of lesson 04b: schedule, early stopping, running averages, weight decay, choosing and reporting."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong

_CURVES = [
    ([5.0, 4.0, 3.0, 3.5, 3.2, 3.1, 2.0, 1.0], 3),
    ([5.0, 4.0, 3.0, 3.5, 3.2, 3.1, 2.0, 1.0], 4),
    ([3.0, 2.0, 2.5, 2.4, 2.6, 1.0], 2),
    ([3.0, 2.0, 1.0], 2),
    ([1.0, 2.0, 3.0, 4.0], 2),
]
_ERRORS = [
    (np.array([0.010, 0.020, 0.015]), np.array([0.030, 0.024, 0.022]), np.array([0.029, 0.021, 0.026])),
    (np.array([0.40, 0.30, 0.20, 0.10]), np.array([0.41, 0.35, 0.38, 0.50]), np.array([0.42, 0.37, 0.36, 0.52])),
]


def _since_last_fall(validation, patience):
    kept, waited = 1, 0
    for epoch in range(2, len(validation) + 1):
        waited = 0 if validation[epoch - 1] < validation[epoch - 2] else waited + 1
        kept = epoch if validation[epoch - 1] < validation[kept - 1] else kept
        if waited == patience:
            break
    return kept, epoch


EXERCISES = [
    Exercise(
        name="04b.rate",
        inputs=[(t, 0.01, 20, 100) for t in (0, 7, 19, 20, 40, 60, 99)] + [(3, 1.0, 2, 10)],
        wrong=[
            Changed(
                lambda solution, t, peak, warmup, total: solution(t, peak, 0, total),
                "The warm-up is missing: below warmup the rate rises in a straight line.",
            ),
            Edit("(t + 1)", "t", "Your warm-up begins at 0, a lost step. Look at the numerator again."),
            Edit(
                "(t - warmup) / (total - warmup)",
                "t / total",
                "Your cosine has begun before the warm-up ended: where must it equal the peak?",
            ),
            Edit(
                "/ (total - warmup)",
                "/ total",
                "Your cosine does not arrive at 0 at t = total: how many steps are left for it?",
            ),
            Edit(
                "peak / 2 * (1 + np.cos(np.pi * (t - warmup) / (total - warmup)))",
                "peak * np.cos(np.pi * (t - warmup) / (total - warmup))",
                "That rate becomes negative. Half a cosine runs from the peak to 0, not to minus the peak.",
            ),
            Edit(
                "peak / 2 * (1 + np.cos(np.pi * (t - warmup) / (total - warmup)))",
                "peak * (1 - (t - warmup) / (total - warmup))",
                "That falls in a straight line; a cosine is asked for.",
            ),
            Edit("np.pi *", "np.pi / 180 *", "np.cos takes radians."),
        ],
        hint="Two cases. In the second, which fraction of the remaining steps has passed? It goes into (1 + cos π…)/2.",
    ),
    Exercise(
        name="04b.early_stop",
        inputs=_CURVES,
        wrong=[
            Edit(
                "return kept, epoch",
                "return epoch, epoch",
                "You keep the last epoch. Patience has just waited for nothing: which weights were the best?",
            ),
            Edit("return kept, epoch", "return kept - 1, epoch", "Count the epochs from 1."),
            Edit("return kept, epoch", "return epoch, kept", "The order is (kept, trained)."),
            Wrong(_since_last_fall, "A fall from one epoch to the next is not enough: compare with the best so far."),
            Edit(
                "== patience",
                "== patience + 1",
                "You wait one epoch too long (that is the rule of PyTorch's plateau schedule).",
            ),
            Edit("            break", "            pass", "You have looked at epochs that were never trained."),
        ],
        hint="Keep the best value and its epoch; compare each new epoch with it and count from there.",
    ),
    Exercise(
        name="04b.running",
        atol=2e-3,
        wrong=[
            Changed(
                lambda solution: [solution[i] for i in (0, 3, 2, 1)],
                "The two variances are exchanged: which framework divides by n - 1?",
            ),
            Changed(
                lambda solution: [solution[i] for i in (0, 3, 2, 3)],
                "One of the two frameworks divides the squared deviations by n - 1 for the running average.",
            ),
            Changed(
                lambda solution: [solution[i] for i in (0, 1, 2, 1)],
                "One of the two frameworks divides the squared deviations by n.",
            ),
            Changed(
                lambda solution: [*solution[:2], 0.2, solution[3]], "Keras's momentum is the share of the *old* value."
            ),
            Changed(lambda solution: [4.0, 9.8, *solution[2:]], "PyTorch's momentum is the share of the *new* value."),
            Wrong(
                [5.0, 12.0, 0.8, 9.0],
                "These are the batch's own mean and variance; the running averages take only a share of them.",
            ),
        ],
        hint="Mean and squared deviations of the batch first; then the shares 0.8 of the old and 0.2 of the new.",
    ),
    Exercise(
        name="04b.decay",
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
        hint="(a) Adam's first step has the size η, whatever the gradient. (b) The factor is 1 - ηλ. (c) Compare gradients.",
    ),
    Exercise(
        name="04b.report",
        inputs=_ERRORS,
        wrong=[
            Edit(
                "np.argmin(validation)",
                "np.argmin(test)",
                "You chose on the test set. Then its error is too small to be reported.",
            ),
            Edit(
                "np.argmin(validation)",
                "np.argmin(train)",
                "You chose on the training set: that rewards learning by heart.",
            ),
            Edit(
                "test[best_setting], test[best_setting]",
                "validation[best_setting], validation[best_setting]",
                "The validation error of the winner was used to choose it: report another.",
            ),
            Edit("- train[best_setting]", "- validation[best_setting]", "The gap is counted from the training error."),
        ],
        hint="One of the three sets chooses, one is reported, and one is subtracted for the gap.",
    ),
]
