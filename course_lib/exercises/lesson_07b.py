"""Exercises of lesson 07b: the β-VAE's objective, active units, the linear optimum, free bits, the MIG."""

import numpy as np

from . import Exercise, Wrong


def _kl(mu, logvar):
    return (mu**2 + np.exp(logvar) - 1 - logvar) / 2


def _objective(D, mu, logvar, beta):
    return np.mean(D + beta * _kl(mu, logvar).sum(1))


def _with(divergence):
    """The objective with another divergence of each unit in place of the KL."""
    return lambda D, mu, logvar, beta: np.mean(D + beta * divergence(mu, logvar).sum(1))


def _objective_inputs():
    rng = np.random.default_rng(3)
    for n, m, beta in ((4, 3, 1.0), (6, 2, 0.25), (5, 5, 4.0)):
        yield rng.uniform(5, 20, n), rng.standard_normal((n, m)), rng.standard_normal((n, m)), beta


def _active(mu):
    return int((mu.var(0) > 0.01).sum())


def _active_inputs():
    rng = np.random.default_rng(4)
    quiet, middle, loud = (rng.normal(0, sd, 400) for sd in (0.003, 0.05, 0.3))
    constant = np.full(400, 0.7)
    yield (np.stack([quiet, middle, loud, constant], axis=1),)
    yield (np.stack([loud, loud + 1, 0.2 * loud, constant, -constant, quiet], axis=1),)


def _optimum(eigenvalues, beta):
    used = eigenvalues[eigenvalues > beta]
    return np.log(used / beta).sum() / 2, np.minimum(eigenvalues, beta).sum() / 2, len(used)


def _optimum_with(rate=None, distortion=None, units=None):
    """The optimum with one of its three entries replaced by a function of (eigenvalues, beta)."""

    def answer(eigenvalues, beta):
        right = _optimum(eigenvalues, beta)
        return tuple(r if f is None else f(eigenvalues, beta) for r, f in zip(right, (rate, distortion, units)))

    return answer


def _free(D, kl, floor):
    return D.mean() + np.maximum(kl.mean(0), floor).sum()


def _free_inputs():
    rng = np.random.default_rng(5)
    for n, m, floor in ((4, 3, 0.5), (6, 4, 0.2), (5, 5, 8.0)):
        kl = rng.exponential(1.0, (n, m)) * np.linspace(0.1, 2.0, m)
        yield rng.uniform(5, 20, n), kl, floor


def _gap(I, H):  # noqa: E741
    known = np.sort(I, axis=1)[:, ::-1]
    return np.mean((known[:, 0] - known[:, 1]) / H)


def _gap_inputs():
    rng = np.random.default_rng(6)
    for f, m in ((3, 6), (4, 4), (2, 5)):
        yield rng.uniform(0, 1.2, (f, m)), rng.uniform(1.3, 2.5, f)


EXERCISES = [
    Exercise(
        name="07b.objective",
        solution=_objective,
        inputs=list(_objective_inputs()),
        wrong=[
            Wrong(_with(lambda mu, lv: -_kl(mu, lv)), "The sign: a divergence is never negative. Is yours?"),
            Wrong(_with(lambda mu, lv: 2 * _kl(mu, lv)), "A factor: compare with the closed form of lesson 7a."),
            Wrong(
                lambda D, mu, lv, beta: np.mean(D + beta * _kl(mu, lv).mean(1)),
                "D is a sum over the pixels. How must the units be put together to be on the same scale?",
            ),
            Wrong(
                lambda D, mu, lv, beta: np.mean(D) + beta * _kl(mu, lv).sum(),
                "Rate and distortion must both be per image: what do you do with the batch?",
            ),
            Wrong(
                _with(lambda mu, lv: (mu**2 + lv**2 - 1 - np.log(lv**2)) / 2),
                "logvar can be negative, and a standard deviation cannot: what is it the logarithm of?",
            ),
            Wrong(
                _with(lambda mu, lv: (mu**2 + np.exp(2 * lv) - 1 - 2 * lv) / 2),
                "You take logvar for the logarithm of the standard deviation.",
            ),
            Wrong(
                lambda D, mu, lv, beta: np.mean(beta * D + _kl(mu, lv).sum(1)), "Which of the two terms has the price?"
            ),
            Wrong(lambda D, mu, lv, beta: np.mean(D + _kl(mu, lv).sum(1)), "Your answer does not depend on beta."),
        ],
        hint="Sum over the units, add to D with the price, then one mean over the batch.",
    ),
    Exercise(
        name="07b.active",
        solution=_active,
        inputs=list(_active_inputs()),
        wrong=[
            Wrong(
                lambda mu: int((mu.var(1) > 0.01).sum()),
                "You count images. Over which axis does a unit's mean have to vary?",
            ),
            Wrong(
                lambda mu: int((mu.std(0) > 0.01).sum()), "The threshold is for the variance, not for its square root."
            ),
            Wrong(
                lambda mu: int(((mu**2).mean(0) > 0.01).sum()),
                "A unit that always says the same says nothing, however large the number.",
            ),
            Wrong(lambda mu: float((mu.var(0) > 0.01).mean()), "Asked for is a count, not a share."),
            Wrong(lambda mu: int((mu.var(0) <= 0.01).sum()), "Those are the units that are not active."),
        ],
        hint="One variance for each unit, over the data; then count.",
    ),
    Exercise(
        name="07b.optimum",
        solution=_optimum,
        inputs=[
            (np.array([8.0, 4.0, 2.0, 1.0, 0.5, 0.25]), 1.5),
            (np.array([5.0, 3.0, 0.7, 0.2]), 0.5),
            (np.ones(3), 2.0),
        ],
        wrong=[
            Wrong(
                _optimum_with(rate=lambda e, b: np.log(e[e > b] / b).sum()),
                "The rate of one unit for variance 4 at the price 1 is log 2: check yours.",
            ),
            Wrong(
                _optimum_with(rate=lambda e, b: np.log2(e[e > b] / b).sum() / 2), "Your rate is in bits, not in nats."
            ),
            Wrong(
                _optimum_with(rate=lambda e, b: np.log(e / b).sum() / 2),
                "A rate is a divergence: which units of yours contribute a negative one?",
            ),
            Wrong(
                _optimum_with(distortion=lambda e, b: b * (e > b).sum() / 2),
                "A unit that is off is not free of distortion: what does it lose?",
            ),
            Wrong(
                _optimum_with(distortion=lambda e, b: np.minimum(e, b).sum()),
                "The log-likelihood of a Gaussian has a factor before the square.",
            ),
            Wrong(
                _optimum_with(distortion=lambda e, b: np.maximum(e, b).sum() / 2),
                "Can the distortion exceed that of a model without code?",
            ),
            Wrong(_optimum_with(units=lambda e, b: int((e > 1).sum())), "The water level is the price, not 1."),
            Wrong(_optimum_with(units=lambda e, b: int((e <= b).sum())), "You count the units under water."),
        ],
        hint="Split the eigenvalues at the water level, and treat the two parts apart.",
    ),
    Exercise(
        name="07b.free_bits",
        solution=_free,
        inputs=list(_free_inputs()),
        wrong=[
            Wrong(
                lambda D, kl, floor: D.mean() + np.maximum(kl, floor).sum(1).mean(),
                "Which comes first, the mean over the batch or the floor?",
            ),
            Wrong(
                lambda D, kl, floor: D.mean() + np.minimum(kl.mean(0), floor).sum(),
                "That makes everything above the floor free. Below it should be.",
            ),
            Wrong(
                lambda D, kl, floor: D.mean() + max(kl.mean(0).sum(), floor),
                "The floor holds for each unit, not for their sum.",
            ),
            Wrong(lambda D, kl, floor: D.mean() + np.maximum(kl.mean(0), floor).mean(), "Sum over the units, as ever."),
            Wrong(
                lambda D, kl, floor: D.mean() + np.maximum(kl.mean(1), floor).sum(),
                "The mean is taken over the batch: which axis is it?",
            ),
            Wrong(lambda D, kl, floor: D.mean() + kl.sum(1).mean(), "Your answer does not depend on the floor."),
            Wrong(
                lambda D, kl, floor: D.mean() + np.maximum(kl.mean(0) - floor, 0).sum(),
                "Same gradient, another value: section 5 keeps the floor in the loss.",
            ),
        ],
        hint="First the batch, then the floor, then the units.",
    ),
    Exercise(
        name="07b.gap",
        solution=_gap,
        inputs=list(_gap_inputs()),
        wrong=[
            Wrong(
                lambda I, H: np.mean(np.diff(np.sort(I, axis=1), axis=1)[:, -1]),  # noqa: E741
                "A factor with more values has more to know: what makes the gaps comparable?",
            ),
            Wrong(
                lambda I, H: np.mean(I.max(1) / H),  # noqa: E741
                "Two units that know the same would score as well as one: what is subtracted?",
            ),
            Wrong(
                lambda I, H: np.mean((I.max(1) - I.mean(1)) / H),  # noqa: E741
                "The gap is to one other unit, not to the average.",
            ),
            Wrong(
                lambda I, H: np.mean((I.max(1) - I.min(1)) / H),  # noqa: E741
                "The gap is to the runner-up, not to the last.",
            ),
            Wrong(
                lambda I, H: np.mean(np.diff(np.sort(I, axis=0), axis=0)[-1]) / H.mean(),  # noqa: E741
                "Look along the other axis: each factor asks which units know it.",
            ),
            Wrong(lambda I, H: np.sum(np.diff(np.sort(I, axis=1), axis=1)[:, -1] / H), "A mean over the factors."),  # noqa: E741
        ],
        hint="Per factor: best unit minus second best, over the factor's entropy.",
    ),
]
