"""Exercises of lesson 06a: dropout in numbers, the loss, the best denoiser, the score from a denoiser."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _model(x):
    return 0.5 * np.tanh(x) + 0.1 * x[:, ::-1]


def _loss_inputs():
    rng = np.random.default_rng(61)
    for shape in ((4, 3), (2, 7)):
        yield _model, rng.random(shape), 0.8 * rng.standard_normal(shape)


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
        atol=1e-3,
        wrong=[
            Wrong({"mean": 0.64, "variance": 0.1024}, "That is masking: here the pixels that stay are scaled."),
            Changed(lambda solution: solution | {"mean": 0.64}, "The mean: what does the scaling do to it?"),
            Changed(
                lambda solution: solution | {"variance": 0.1024},
                "The variance is still that of masking, without the scaling.",
            ),
            Changed(lambda solution: solution | {"variance": 0.4}, "That is the standard deviation."),
            Changed(
                lambda solution: solution | {"mean": 1.0}, "That is the value of a pixel that stays; some do not stay."
            ),
            Changed(lambda solution: solution | {"variance": 0.8}, "The mean of the squares is not yet the variance."),
        ],
        hint="Two values are possible. Write both with their probabilities.",
    ),
    Exercise(
        name="06a.loss",
        inputs=list(_loss_inputs()),
        wrong=[
            Edit(") - clean)", ") - (clean + n))", "Your target is spoilt: the network would learn to keep the noise."),
            Edit("network(clean + n)", "network(clean)", "That is a plain autoencoder: the noise is not used."),
            Edit("network(clean + n) - clean", "network(clean) - (clean + n)", "Input and target have changed places."),
            Edit("network(clean + n)", "network(n)", "The input is noise alone: the picture is gone."),
            Edit(
                "network(clean + n)",
                "network(np.clip(clean + n, 0, 1))",
                "Do not clip: nobody said what range these data have.",
            ),
            Edit("np.mean", "np.sum", "A mean is asked for, not a sum."),
        ],
        hint="Write down which array the model sees, and with which array its answer is compared.",
    ),
    Exercise(
        name="06a.best",
        inputs=list(_best_inputs()),
        wrong=[
            Edit(
                "weight @ centres / weight.sum()",
                "centres[exponent.argmax()]",
                "That is the likeliest point; the squared error wants an average.",
            ),
            Wrong(
                lambda arrived, centres, deviation: centres.mean(0),
                "Near points are likelier than far ones: weigh them.",
            ),
            Edit(
                "(2 * deviation**2)",
                "deviation**2",
                "Look at the exponent of the normal density again: a factor is missing.",
            ),
            Edit(
                "((centres - arrived) ** 2).sum(1)",
                "np.linalg.norm(centres - arrived, axis=1)",
                "The exponent holds the square of the distance.",
            ),
            Edit("weight @ centres / weight.sum()", "np.exp(exponent) @ centres", "The weights must add up to one."),
            Edit("weight.sum()", "weight.sum() - arrived", "That is the correction; the denoised point is asked for."),
        ],
        hint="Bayes: the weight of a point is proportional to the density of the noise that leads from it to x_tilde.",
    ),
    Exercise(
        name="06a.score",
        inputs=list(_score_inputs()),
        wrong=[
            Edit(" / deviation**2", "", "That is the correction: mind the factor between them."),
            Changed(lambda solution, *a: -solution(*a), "The sign: the score points to where data are denser."),
            Edit("/ deviation**2", "/ deviation", "The factor is the variance of the noise."),
            Edit("/ deviation**2", "* deviation**2", "The formula has the factor on the other side."),
            Edit("(denoise(arrived) - arrived)", "denoise(arrived)", "The denoised point itself is not a direction."),
        ],
        hint="Solve the formula of section 1 for the score.",
    ),
]
