"""Exercises of lesson 06a: dropout in numbers, the loss, the best denoiser, the score from a denoiser."""

import numpy as np

from . import Exercise, Wrong


def _model(x):
    return 0.5 * np.tanh(x) + 0.1 * x[:, ::-1]


def _loss(model, x, noise):
    return np.mean((model(x + noise) - x) ** 2)


def _loss_inputs():
    rng = np.random.default_rng(61)
    for shape in ((4, 3), (2, 7)):
        yield _model, rng.random(shape), 0.8 * rng.standard_normal(shape)


def _best(x_tilde, points, sigma, *, width=2.0, power=2):
    distance = np.sqrt(((points - x_tilde) ** 2).sum(1))
    exponent = -(distance**power) / (width * sigma**2)
    weights = np.exp(exponent - exponent.max())
    return weights @ points / weights.sum()


def _not_normalised(x_tilde, points, sigma):
    return np.exp(-((points - x_tilde) ** 2).sum(1) / (2 * sigma**2)) @ points


def _nearest(x_tilde, points, sigma):
    return points[((points - x_tilde) ** 2).sum(1).argmin()]


def _best_inputs():
    rng = np.random.default_rng(62)
    for k, d, sigma in ((5, 2, 0.7), (8, 3, 0.5)):
        points = rng.standard_normal((k, d))
        yield points[0] + 0.4 * rng.standard_normal(d), points, sigma


def _shrink(x):
    return 0.8 * x + 0.1 * np.sin(x)


def _score_inputs():
    rng = np.random.default_rng(63)
    for sigma in (0.5, 0.2):
        yield _shrink, rng.standard_normal((3, 2)), sigma


EXERCISES = [
    Exercise(
        name="06a.dropout",
        solution={"mean": 0.8, "variance": 0.16},
        atol=1e-3,
        wrong=[
            Wrong({"mean": 0.64, "variance": 0.1024}, "That is masking: here the pixels that stay are scaled."),
            Wrong({"mean": 0.64, "variance": 0.16}, "The mean: what does the scaling do to it?"),
            Wrong({"mean": 0.8, "variance": 0.1024}, "The variance is still that of masking, without the scaling."),
            Wrong({"mean": 0.8, "variance": 0.4}, "That is the standard deviation."),
            Wrong({"mean": 1.0, "variance": 0.16}, "That is the value of a pixel that stays; some do not stay."),
            Wrong({"mean": 0.8, "variance": 0.8}, "The mean of the squares is not yet the variance."),
        ],
        hint="Two values are possible. Write both with their probabilities.",
    ),
    Exercise(
        name="06a.loss",
        solution=_loss,
        inputs=list(_loss_inputs()),
        wrong=[
            Wrong(
                lambda model, x, noise: np.mean((model(x + noise) - (x + noise)) ** 2),
                "Your target is spoilt: the network would learn to keep the noise.",
            ),
            Wrong(
                lambda model, x, noise: np.mean((model(x) - x) ** 2),
                "That is a plain autoencoder: the noise is not used.",
            ),
            Wrong(
                lambda model, x, noise: np.mean((model(x) - (x + noise)) ** 2),
                "Input and target have changed places.",
            ),
            Wrong(
                lambda model, x, noise: np.mean((model(noise) - x) ** 2),
                "The input is noise alone: the picture is gone.",
            ),
            Wrong(
                lambda model, x, noise: np.mean((model(np.clip(x + noise, 0, 1)) - x) ** 2),
                "Do not clip: nobody said what range these data have.",
            ),
            Wrong(lambda model, x, noise: np.sum((model(x + noise) - x) ** 2), "A mean is asked for, not a sum."),
        ],
        hint="Write down which array the model sees, and with which array its answer is compared.",
    ),
    Exercise(
        name="06a.best",
        solution=_best,
        inputs=list(_best_inputs()),
        wrong=[
            Wrong(_nearest, "That is the likeliest point; the squared error wants an average."),
            Wrong(lambda x_tilde, points, sigma: points.mean(0), "Near points are likelier than far ones: weigh them."),
            Wrong(
                lambda x_tilde, points, sigma: _best(x_tilde, points, sigma, width=1.0),
                "Look at the exponent of the normal density again: a factor is missing.",
            ),
            Wrong(
                lambda x_tilde, points, sigma: _best(x_tilde, points, sigma, power=1),
                "The exponent holds the square of the distance.",
            ),
            Wrong(_not_normalised, "The weights must add up to one."),
            Wrong(
                lambda x_tilde, points, sigma: _best(x_tilde, points, sigma) - x_tilde,
                "That is the correction; the denoised point is asked for.",
            ),
        ],
        hint="Bayes: the weight of a point is proportional to the density of the noise that leads from it to x_tilde.",
    ),
    Exercise(
        name="06a.score",
        solution=lambda r, x_tilde, sigma: (r(x_tilde) - x_tilde) / sigma**2,
        inputs=list(_score_inputs()),
        wrong=[
            Wrong(
                lambda r, x_tilde, sigma: r(x_tilde) - x_tilde, "That is the correction: mind the factor between them."
            ),
            Wrong(
                lambda r, x_tilde, sigma: (x_tilde - r(x_tilde)) / sigma**2,
                "The sign: the score points to where data are denser.",
            ),
            Wrong(lambda r, x_tilde, sigma: (r(x_tilde) - x_tilde) / sigma, "The factor is the variance of the noise."),
            Wrong(
                lambda r, x_tilde, sigma: sigma**2 * (r(x_tilde) - x_tilde),
                "The formula has the factor on the other side.",
            ),
            Wrong(lambda r, x_tilde, sigma: r(x_tilde) / sigma**2, "The denoised point itself is not a direction."),
        ],
        hint="Solve the formula of section 1 for the score.",
    ),
]
