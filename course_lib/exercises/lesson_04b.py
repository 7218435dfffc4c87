"""Exercises of lesson 04b: schedule, early stopping, running averages, weight decay, choosing and reporting."""

import numpy as np

from . import Exercise, Wrong


def _rate(t, peak, warmup, total, kind="right"):
    if t < warmup and kind != "no warm-up":
        return peak * (t + (kind != "from zero")) / warmup
    part = {
        "from the start": t / total,
        "no warm-up": t / total,
        "too long": (t - warmup) / total,
        "degrees": (t - warmup) / (total - warmup) / 180,
        "linear": None,
    }.get(kind, (t - warmup) / (total - warmup))
    if kind == "linear":
        return peak * (1 - (t - warmup) / (total - warmup))
    if kind == "negative":
        return peak * np.cos(np.pi * part)
    return peak / 2 * (1 + np.cos(np.pi * part))


def _wrong_rate(kind):
    return lambda t, peak, warmup, total: _rate(t, peak, warmup, total, kind)


def _early_stop(validation, patience, kind="right"):
    kept, bad, epoch = 1, 0, 0
    for epoch, value in enumerate(validation, start=1):
        better = value < validation[kept - 1] or epoch == 1
        if kind == "since last fall" and epoch > 1:
            bad = 0 if value < validation[epoch - 2] else bad + 1
        else:
            bad = 0 if better else bad + 1
        if better:
            kept = epoch
        if bad == patience + (kind == "more than"):
            break
    return {"last": (epoch, epoch), "zero": (kept - 1, epoch), "swapped": (epoch, kept)}.get(kind, (kept, epoch))


def _everything(validation, patience):
    return int(np.argmin(validation)) + 1, len(validation)


def _wrong_stop(kind):
    return lambda validation, patience: _early_stop(validation, patience, kind)


_CURVES = [
    ([5.0, 4.0, 3.0, 3.5, 3.2, 3.1, 2.0, 1.0], 3),
    ([5.0, 4.0, 3.0, 3.5, 3.2, 3.1, 2.0, 1.0], 4),
    ([3.0, 2.0, 2.5, 2.4, 2.6, 1.0], 2),
    ([3.0, 2.0, 1.0], 2),
    ([1.0, 2.0, 3.0, 4.0], 2),
]


def _report(train, validation, test, choose="validation", say="test", minus="train"):
    errors = {"train": train, "validation": validation, "test": test}
    i = int(np.argmin(errors[choose]))
    return i, errors[say][i], errors[say][i] - errors[minus][i]


def _wrong_report(**kind):
    return lambda train, validation, test: _report(train, validation, test, **kind)


_ERRORS = [
    (np.array([0.010, 0.020, 0.015]), np.array([0.030, 0.024, 0.022]), np.array([0.029, 0.021, 0.026])),
    (np.array([0.40, 0.30, 0.20, 0.10]), np.array([0.41, 0.35, 0.38, 0.50]), np.array([0.42, 0.37, 0.36, 0.52])),
]

# the batch 2, 4, 4, 10: mean 5, squared deviations 9 + 1 + 1 + 25 = 36
_N1, _N = 0.8 + 0.2 * 12, 0.8 + 0.2 * 9

EXERCISES = [
    Exercise(
        name="04b.rate",
        solution=_rate,
        inputs=[(t, 0.01, 20, 100) for t in (0, 7, 19, 20, 40, 60, 99)] + [(3, 1.0, 2, 10)],
        wrong=[
            Wrong(_wrong_rate("no warm-up"), "The warm-up is missing: below warmup the rate rises in a straight line."),
            Wrong(_wrong_rate("from zero"), "Your warm-up begins at 0, a lost step. Look at the numerator again."),
            Wrong(
                _wrong_rate("from the start"),
                "Your cosine has begun before the warm-up ended: where must it equal the peak?",
            ),
            Wrong(
                _wrong_rate("too long"),
                "Your cosine does not arrive at 0 at t = total: how many steps are left for it?",
            ),
            Wrong(
                _wrong_rate("negative"),
                "That rate becomes negative. Half a cosine runs from the peak to 0, not to minus the peak.",
            ),
            Wrong(_wrong_rate("linear"), "That falls in a straight line; a cosine is asked for."),
            Wrong(_wrong_rate("degrees"), "np.cos takes radians."),
        ],
        hint="Two cases. In the second, which fraction of the remaining steps has passed? It goes into (1 + cos π…)/2.",
    ),
    Exercise(
        name="04b.early_stop",
        solution=_early_stop,
        inputs=_CURVES,
        wrong=[
            Wrong(
                _wrong_stop("last"),
                "You keep the last epoch. Patience has just waited for nothing: which weights were the best?",
            ),
            Wrong(_wrong_stop("zero"), "Count the epochs from 1."),
            Wrong(_wrong_stop("swapped"), "The order is (kept, trained)."),
            Wrong(
                _wrong_stop("since last fall"),
                "A fall from one epoch to the next is not enough: compare with the best so far.",
            ),
            Wrong(
                _wrong_stop("more than"),
                "You wait one epoch too long (that is the rule of PyTorch's plateau schedule).",
            ),
            Wrong(_everything, "You have looked at epochs that were never trained."),
        ],
        hint="Keep the best value and its epoch; compare each new epoch with it and count from there.",
    ),
    Exercise(
        name="04b.running",
        solution=[1.0, _N1, 0.8, _N],
        atol=2e-3,
        wrong=[
            Wrong([1.0, _N, 0.8, _N1], "The two variances are exchanged: which framework divides by n - 1?"),
            Wrong(
                [1.0, _N, 0.8, _N],
                "One of the two frameworks divides the squared deviations by n - 1 for the running average.",
            ),
            Wrong([1.0, _N1, 0.8, _N1], "One of the two frameworks divides the squared deviations by n."),
            Wrong([1.0, _N1, 0.2, _N], "Keras's momentum is the share of the *old* value."),
            Wrong([4.0, 0.2 + 0.8 * 12, 0.8, _N], "PyTorch's momentum is the share of the *new* value."),
            Wrong(
                [5.0, 12.0, 0.8, 9.0],
                "These are the batch's own mean and variance; the running averages take only a share of them.",
            ),
        ],
        hint="Mean and squared deviations of the batch first; then the shares 0.8 of the old and 0.2 of the new.",
    ),
    Exercise(
        name="04b.decay",
        solution=[0.019, 0.02 * (1 - 1e-4), 0.05],
        rtol=1e-6,
        atol=1e-9,
        wrong=[
            Wrong(
                [0.02 * (1 - 1e-4), 0.02 * (1 - 1e-4), 0.05],
                "(a) and (b) are not the same algorithm: Adam divides the gradient λw by its own size.",
            ),
            Wrong([0.02 * (1 - 1e-4), 0.019, 0.05], "(a) and (b) are exchanged."),
            Wrong([0.019, 0.019, 0.05], "Keras's weight_decay is decoupled: it never meets Adam's division."),
            Wrong(
                [0.019, 0.02 * (1 - 1e-4), 0.1],
                "(a) and (b) are right. Keras's L2(l) adds l·w² without a half: what is its gradient?",
            ),
            Wrong([0.019, 0.02 * (1 - 1e-4), 0.2], "(a) and (b) are right. The gradient of l·w² must equal λw."),
            Wrong([0.019, 0.02 * (1 - 0.1), 0.05], "The decoupled decay is multiplied by the learning rate."),
        ],
        hint="(a) Adam's first step has the size η, whatever the gradient. (b) The factor is 1 - ηλ. (c) Compare gradients.",
    ),
    Exercise(
        name="04b.report",
        solution=_report,
        inputs=_ERRORS,
        wrong=[
            Wrong(
                _wrong_report(choose="test"), "You chose on the test set. Then its error is too small to be reported."
            ),
            Wrong(_wrong_report(choose="train"), "You chose on the training set: that rewards learning by heart."),
            Wrong(
                _wrong_report(say="validation"),
                "The validation error of the winner was used to choose it: report another.",
            ),
            Wrong(_wrong_report(minus="validation"), "The gap is counted from the training error."),
        ],
        hint="One of the three sets chooses, one is reported, and one is subtracted for the gap.",
    ),
]
