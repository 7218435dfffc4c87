"""Exercises of lesson 07c: the β-VAE's objective, active units, the linear optimum, free bits, the MIG."""

import numpy as np

from . import Changed, Edit, Exercise


def _objective_inputs():
    rng = np.random.default_rng(3)
    for n, m, beta in ((4, 3, 1.0), (6, 2, 0.25), (5, 5, 4.0)):
        yield rng.uniform(5, 20, n), rng.standard_normal((n, m)), rng.standard_normal((n, m)), beta


def _active_inputs():
    rng = np.random.default_rng(4)
    quiet, middle, loud = (rng.normal(0, sd, 400) for sd in (0.003, 0.05, 0.3))
    constant = np.full(400, 0.7)
    yield (np.stack([quiet, middle, loud, constant], axis=1),)
    yield (np.stack([loud, loud + 1, 0.2 * loud, constant, -constant, quiet], axis=1),)


def _free_inputs():
    rng = np.random.default_rng(5)
    for n, m, floor in ((4, 3, 0.5), (6, 4, 0.2), (5, 5, 8.0)):
        kl = rng.exponential(1.0, (n, m)) * np.linspace(0.1, 2.0, m)
        yield rng.uniform(5, 20, n), kl, floor


def _gap_inputs():
    rng = np.random.default_rng(6)
    for f, m in ((3, 6), (4, 4), (2, 5)):
        yield rng.uniform(0, 1.2, (f, m)), rng.uniform(1.3, 2.5, f)


EXERCISES = [
    Exercise(
        name="07c.objective",
        inputs=list(_objective_inputs()),
        wrong=[
            Edit("-0.5", "0.5", "The sign: a divergence is never negative. Is yours?"),
            Edit("-0.5 * ", "-", "A factor: compare with the closed form of lesson 7a."),
            Edit(
                ".sum(axis=1)",
                ".mean(axis=1)",
                "D is a sum over the pixels. How must the units be put together to be on the same scale?",
            ),
            Edit(
                "np.mean(distortion + price * divergence)",
                "distortion.mean() + price * divergence.sum()",
                "Rate and distortion must both be per image: what do you do with the batch?",
            ),
            Changed(
                lambda solution, D, mu, logvar, beta: solution(D, mu, np.log(logvar**2), beta),
                "logvar can be negative, and a standard deviation cannot: what is it the logarithm of?",
            ),
            Changed(
                lambda solution, D, mu, logvar, beta: solution(D, mu, 2 * logvar, beta),
                "You take logvar for the logarithm of the standard deviation.",
            ),
            Edit(
                "distortion + price * divergence",
                "price * distortion + divergence",
                "Which of the two terms has the price?",
            ),
            Edit("price * divergence", "divergence", "Your answer does not depend on beta."),
        ],
        hint="Sum over the units, add to D with the price, then one mean over the batch.",
    ),
    Exercise(
        name="07c.active",
        inputs=list(_active_inputs()),
        wrong=[
            Edit("axis=0", "axis=1", "You count images. Over which axis does a unit's mean have to vary?"),
            Edit("np.var", "np.std", "The threshold is for the variance, not for its square root."),
            Edit(
                "np.var(means, axis=0)",
                "(means**2).mean(axis=0)",
                "A unit that always says the same says nothing, however large the number.",
            ),
            Changed(lambda solution, mu: solution(mu) / mu.shape[1], "Asked for is a count, not a share."),
            Edit("> 0.01", "<= 0.01", "Those are the units that are not active."),
        ],
        hint="One variance for each unit, over the data; then count.",
    ),
    Exercise(
        name="07c.optimum",
        inputs=[
            (np.array([8.0, 4.0, 2.0, 1.0, 0.5, 0.25]), 1.5),
            (np.array([5.0, 3.0, 0.7, 0.2]), 0.5),
            (np.ones(3), 2.0),
        ],
        wrong=[
            Edit(
                "np.log(above / price).sum() / 2",
                "np.log(above / price).sum()",
                "The rate of one unit for variance 4 at the price 1 is log 2: check yours.",
            ),
            Edit("np.log(", "np.log2(", "Your rate is in bits, not in nats."),
            Edit(
                "np.log(above",
                "np.log(variances",
                "A rate is a divergence: which units of yours contribute a negative one?",
            ),
            Edit(
                "np.minimum(variances, price).sum()",
                "price * len(above)",
                "A unit that is off is not free of distortion: what does it lose?",
            ),
            Edit(
                "np.minimum(variances, price).sum() / 2",
                "np.minimum(variances, price).sum()",
                "The log-likelihood of a Gaussian has a factor before the square.",
            ),
            Edit("np.minimum", "np.maximum", "Can the distortion exceed that of a model without code?"),
            Edit("len(above)", "int((variances > 1).sum())", "The water level is the price, not 1."),
            Edit("len(above)", "int((variances <= price).sum())", "You count the units under water."),
        ],
        hint="Split the eigenvalues at the water level, and treat the two parts apart.",
    ),
    Exercise(
        name="07c.free_bits",
        inputs=list(_free_inputs()),
        wrong=[
            Edit(
                "np.where(per_unit < allowance, allowance, per_unit).sum()",
                "np.maximum(divergence, allowance).sum(axis=1).mean()",
                "Which comes first, the mean over the batch or the floor?",
            ),
            Edit(
                "per_unit < allowance",
                "per_unit > allowance",
                "That makes everything above the floor free. Below it should be.",
            ),
            Edit(
                "np.where(per_unit < allowance, allowance, per_unit).sum()",
                "max(per_unit.sum(), allowance)",
                "The floor holds for each unit, not for their sum.",
            ),
            Edit("per_unit).sum()", "per_unit).mean()", "Sum over the units, as ever."),
            Edit("axis=0", "axis=1", "The mean is taken over the batch: which axis is it?"),
            Edit(
                "np.where(per_unit < allowance, allowance, per_unit).sum()",
                "per_unit.sum()",
                "Your answer does not depend on the floor.",
            ),
            Edit(
                "np.where(per_unit < allowance, allowance, per_unit).sum()",
                "np.maximum(per_unit - allowance, 0).sum()",
                "Same gradient, another value: section 5 keeps the floor in the loss.",
            ),
        ],
        hint="First the batch, then the floor, then the units.",
    ),
    Exercise(
        name="07c.gap",
        inputs=list(_gap_inputs()),
        wrong=[
            Edit(
                "(ordered[:, -1] - ordered[:, -2]) / entropies",
                "ordered[:, -1] - ordered[:, -2]",
                "A factor with more values has more to know: what makes the gaps comparable?",
            ),
            Edit(
                "ordered[:, -1] - ordered[:, -2]",
                "ordered[:, -1]",
                "Two units that know the same would score as well as one: what is subtracted?",
            ),
            Edit("ordered[:, -2]", "shared.mean(axis=1)", "The gap is to one other unit, not to the average."),
            Edit("ordered[:, -2]", "ordered[:, 0]", "The gap is to the runner-up, not to the last."),
            Edit(
                "((ordered[:, -1] - ordered[:, -2]) / entropies).mean()",
                "np.mean(np.diff(np.sort(shared, axis=0), axis=0)[-1]) / entropies.mean()",
                "Look along the other axis: each factor asks which units know it.",
            ),
            Edit(".mean()", ".sum()", "A mean over the factors."),
        ],
        hint="Per factor: best unit minus second best, over the factor's entropy.",
    ),
]
