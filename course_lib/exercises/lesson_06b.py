"""Exercises of lesson 06b: the soft threshold, scaling a penalty, top-k, the charge for a rate, counted bits."""

import math

import numpy as np

from . import Exercise, Wrong


def _soft(a, theta):
    return np.sign(a) * np.maximum(np.abs(a) - theta, 0)


def _top_k(a, k):
    return np.where(a >= np.sort(a, axis=1)[:, [-k]], a, 0)


def _kl(rho, rho_hat):
    return rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))


def _rate(z, rho):
    return _kl(rho, z.mean(axis=0)).sum()


def _axes(m, k, b):
    return k + math.log2(math.comb(m, k)) / b


_RNG = np.random.default_rng(11)
_VALUES = [(np.array([2.0, 0.3, -1.5, 0.8, 0.0, -0.2]), 0.5), (_RNG.normal(0, 1, (3, 4)), 0.7)]
_CODES = [(_RNG.uniform(0.02, 0.6, (6, 4)), 0.05), (_RNG.uniform(0.1, 0.9, (4, 7)), 0.2)]
# The second has hardly a positive value: some of its winners are negative.
_ACTIVATIONS = [(_RNG.normal(0, 1, (5, 8)), 3), (_RNG.normal(-2, 1, (3, 5)), 3)]

EXERCISES = [
    Exercise(
        name="06b.soft",
        solution=_soft,
        inputs=_VALUES,
        wrong=[
            Wrong(
                lambda a, theta: np.where(np.abs(a) > theta, a, 0),
                "That is the hard threshold: it leaves the survivors as they are. What does L1 charge them?",
            ),
            Wrong(
                lambda a, theta: np.maximum(a - theta, 0), "What becomes of a large negative value? Section 2 has one."
            ),
            Wrong(lambda a, theta: np.maximum(np.abs(a) - theta, 0), "The sign got lost."),
            Wrong(lambda a, theta: np.sign(a) * (np.abs(a) - theta), "Small values must end at zero, not change sign."),
            Wrong(lambda a, theta: a - theta, "It should bring values closer to zero, from both sides."),
        ],
        hint="Three cases: above theta, below minus theta, between. Section 2 derives each.",
    ),
    Exercise(
        name="06b.lambda",
        solution=1e-3 * 784 / 64,
        rtol=2e-3,
        wrong=[
            Wrong(1e-3, "A mean over 784 pixels and a mean over 64 units hide different factors."),
            Wrong(1e-3 * 64 / 784, "Upside down: which factor turns the mean over pixels into the sum?"),
            Wrong(1e-3 * 784, "That makes a sum of the pixels; the units still stand as a mean."),
            Wrong(1e-3 / 64, "That makes a sum of the units; then the other term must be brought to a sum as well."),
            Wrong(1e-3 * 64, "A mean over units is their sum divided by something, not multiplied."),
            Wrong(1e-3 * 784 / 64 / 100, "Both terms are averaged over the batch in both programs."),
            Wrong(1e-3 * 784 / 64 * 100, "Both terms are averaged over the batch in both programs."),
        ],
        hint="Multiply the whole loss by the number that turns its first term into the sum, then read off the second.",
    ),
    Exercise(
        name="06b.topk",
        solution=_top_k,
        inputs=_ACTIVATIONS,
        wrong=[
            Wrong(
                lambda a, k: np.where(a >= np.sort(a, axis=0)[[-k]], a, 0),
                "That lets the images compete for each unit: winner-take-all.",
            ),
            Wrong(
                lambda a, k: np.where(np.abs(a) >= np.sort(np.abs(a), axis=1)[:, [-k]], a, 0),
                "The largest values are asked for, not the largest sizes.",
            ),
            Wrong(lambda a, k: np.where(a <= np.sort(a, axis=1)[:, [k - 1]], a, 0), "Those are the smallest."),
            Wrong(lambda a, k: np.where(a > np.sort(a, axis=1)[:, [-k]], a, 0), "Count the winners: one is missing."),
            Wrong(
                lambda a, k: np.maximum(np.where(a >= np.sort(a, axis=1)[:, [-k]], a, 0), 0),
                "A winner may be negative, if the others are more so: it is kept as it is.",
            ),
            Wrong(lambda a, k: np.sort(a, axis=1)[:, -k:], "The shape must stay: a winner keeps its place."),
        ],
        hint="Find each row's k-th largest value, and compare the row with it.",
    ),
    Exercise(
        name="06b.kl",
        solution=_rate,
        inputs=_CODES,
        wrong=[
            Wrong(lambda z, rho: _kl(rho, z).sum(), "The mean over the images comes first; KL is of the means."),
            Wrong(
                lambda z, rho: _kl(rho, z).mean(0).sum(), "The mean over the images comes first; KL is of the means."
            ),
            Wrong(lambda z, rho: _kl(rho, z.mean(axis=0)).mean(), "Sum over the units, as the formula does."),
            Wrong(lambda z, rho: _kl(z.mean(axis=0), rho).sum(), "KL is not symmetric: the target stands in front."),
            Wrong(lambda z, rho: _kl(rho, z.mean(axis=1)).sum(), "A rate belongs to a unit: average over the images."),
            Wrong(lambda z, rho: _kl(rho, z.mean()), "Each unit has a rate of its own."),
            Wrong(
                lambda z, rho: (rho * np.log(rho / z.mean(axis=0))).sum(), "A coin has two sides: a term is missing."
            ),
            Wrong(lambda z, rho: -_rate(z, rho), "Mind the sign: a divergence is never negative."),
            Wrong(
                lambda z, rho: _kl(rho, (1 / (1 + np.exp(-z))).mean(axis=0)).sum(),
                "The code has been through its sigmoid already.",
            ),
        ],
        hint="First the mean of every column, then section 2's charge of each, then the sum.",
    ),
    Exercise(
        name="06b.bits",
        solution=_axes,
        inputs=[(128, 12, 8), (256, 5, 16), (64, 32, 4)],
        wrong=[
            Wrong(lambda m, k, b: k, "The sparse code's addresses cost bits, too: PCA may spend them on numbers."),
            Wrong(lambda m, k, b: k * b + math.log2(math.comb(m, k)), "Those are bits. How many numbers is that?"),
            Wrong(lambda m, k, b: k + math.log2(math.comb(m, k)), "A number has b bits, an address bit has one."),
            Wrong(
                lambda m, k, b: k + k * math.log2(m) / b,
                "That sends the units in some order; the order says nothing, so fewer bits will do.",
            ),
            Wrong(lambda m, k, b: k + math.log(math.comb(m, k)) / b, "Bits need the logarithm to base two."),
            Wrong(lambda m, k, b: k + m / b, "One bit for each unit works, and is more than the question's count."),
            Wrong(lambda m, k, b: m * k / b, "Count the bits of the sparse code first, then divide."),
        ],
        hint="All bits of the sparse code, divided by the bits of one number.",
    ),
]
