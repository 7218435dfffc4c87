"""Exercises of lesson 06b: the soft threshold, scaling a penalty, top-k, the charge for a rate, counted bits."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong

_RNG = np.random.default_rng(11)
_VALUES = [(np.array([2.0, 0.3, -1.5, 0.8, 0.0, -0.2]), 0.5), (_RNG.normal(0, 1, (3, 4)), 0.7)]
_CODES = [(_RNG.uniform(0.02, 0.6, (6, 4)), 0.05), (_RNG.uniform(0.1, 0.9, (4, 7)), 0.2)]
_ACTIVATIONS = [(_RNG.normal(0, 1, (5, 8)), 3), (_RNG.normal(-2, 1, (3, 5)), 3)]

EXERCISES = [
    Exercise(
        name="06b.soft",
        inputs=_VALUES,
        wrong=[
            Wrong(
                lambda a, theta: np.where(np.abs(a) > theta, a, 0),
                "That is the hard threshold: it leaves the survivors as they are. What does L1 charge them?",
            ),
            Edit(" + np.minimum(values + limit, 0)", "", "What becomes of a large negative value? Section 2 has one."),
            Changed(lambda solution, *a: np.abs(solution(*a)), "The sign got lost."),
            Wrong(lambda a, theta: np.sign(a) * (np.abs(a) - theta), "Small values must end at zero, not change sign."),
            Wrong(lambda a, theta: a - theta, "It should bring values closer to zero, from both sides."),
        ],
        hint="Three cases: above theta, below minus theta, between. Section 2 derives each.",
    ),
    Exercise(
        name="06b.lambda",
        rtol=2e-3,
        wrong=[
            Wrong(1e-3, "A mean over 784 pixels and a mean over 64 units hide different factors."),
            Edit(
                "pixels / units", "units / pixels", "Upside down: which factor turns the mean over pixels into the sum?"
            ),
            Edit("pixels / units", "pixels", "That makes a sum of the pixels; the units still stand as a mean."),
            Edit(
                "* pixels / units",
                "/ units",
                "That makes a sum of the units; then the other term must be brought to a sum as well.",
            ),
            Edit("pixels / units", "units", "A mean over units is their sum divided by something, not multiplied."),
            Changed(lambda solution: solution / 100, "Both terms are averaged over the batch in both programs."),
            Changed(lambda solution: solution * 100, "Both terms are averaged over the batch in both programs."),
        ],
        hint="Multiply the whole loss by the number that turns its first term into the sum, then read off the second.",
    ),
    Exercise(
        name="06b.topk",
        inputs=_ACTIVATIONS,
        wrong=[
            Edit(
                "np.argsort(np.argsort(-values, axis=1), axis=1)",
                "np.argsort(np.argsort(-values, axis=0), axis=0)",
                "That lets the images compete for each unit: winner-take-all.",
            ),
            Edit("-values", "-np.abs(values)", "The largest values are asked for, not the largest sizes."),
            Edit("-values", "values", "Those are the smallest."),
            Edit("rank < keep", "rank < keep - 1", "Count the winners: one is missing."),
            Changed(
                lambda solution, *a: np.maximum(solution(*a), 0),
                "A winner may be negative, if the others are more so: it is kept as it is.",
            ),
            Wrong(lambda a, k: np.sort(a, axis=1)[:, -k:], "The shape must stay: a winner keeps its place."),
        ],
        hint="Find each row's k-th largest value, and compare the row with it.",
    ),
    Exercise(
        name="06b.kl",
        inputs=_CODES,
        wrong=[
            Edit("code.mean(axis=0)", "code", "The mean over the images comes first; KL is of the means."),
            Changed(
                lambda solution, z, rho: np.mean([solution(row[None], rho) for row in z]),
                "The mean over the images comes first; KL is of the means.",
            ),
            Edit("np.sum(cross", "np.mean(cross", "Sum over the units, as the formula does."),
            Edit(
                "    entropy =",
                "    mean, target = target, mean\n    entropy =",
                "KL is not symmetric: the target stands in front.",
            ),
            Edit("axis=0", "axis=1", "A rate belongs to a unit: average over the images."),
            Edit("code.mean(axis=0)", "code.mean()", "Each unit has a rate of its own."),
            Wrong(
                lambda z, rho: (rho * np.log(rho / z.mean(axis=0))).sum(), "A coin has two sides: a term is missing."
            ),
            Changed(lambda solution, *a: -solution(*a), "Mind the sign: a divergence is never negative."),
            Changed(
                lambda solution, z, rho: solution(1 / (1 + np.exp(-z)), rho),
                "The code has been through its sigmoid already.",
            ),
        ],
        hint="First the mean of every column, then section 2's charge of each, then the sum.",
    ),
    Exercise(
        name="06b.bits",
        inputs=[(128, 12, 8), (256, 5, 16), (64, 32, 4)],
        wrong=[
            Edit(
                " + math.log2(math.comb(units, active)) / bits_each",
                "",
                "The sparse code's addresses cost bits, too: PCA may spend them on numbers.",
            ),
            Edit(
                "active + math.log2(math.comb(units, active)) / bits_each",
                "active * bits_each + math.log2(math.comb(units, active))",
                "Those are bits. How many numbers is that?",
            ),
            Edit(" / bits_each", "", "A number has b bits, an address bit has one."),
            Edit(
                "math.log2(math.comb(units, active))",
                "active * math.log2(units)",
                "That sends the units in some order; the order says nothing, so fewer bits will do.",
            ),
            Edit("math.log2", "math.log", "Bits need the logarithm to base two."),
            Edit(
                "math.log2(math.comb(units, active))",
                "units",
                "One bit for each unit works, and is more than the question's count.",
            ),
            Wrong(lambda m, k, b: m * k / b, "Count the bits of the sparse code first, then divide."),
        ],
        hint="All bits of the sparse code, divided by the bits of one number.",
    ),
]
