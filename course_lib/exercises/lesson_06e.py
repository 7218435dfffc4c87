"""Exercises of lesson 06e: parameters of a deep net, memory of a training, a chain of layers, combined gradients."""

import numpy as np

from . import Exercise, Wrong

_SIZES = (784, 1000, 500, 250, 30, 250, 500, 1000, 784)
_WEIGHTS = sum(a * b for a, b in zip(_SIZES, _SIZES[1:]))


def _memory(parameters, kept, batch):
    return 16 * parameters + 4 * batch * kept


def _chain(weights, residual):
    return float(np.prod(np.asarray(weights) + (1.0 if residual else 0.0)))


def _combine(gradients, counts):
    return np.average(np.asarray(gradients), axis=0, weights=np.asarray(counts))


def _combine_inputs():
    rng = np.random.default_rng(6)
    for counts in ([96, 32], [64, 64], [10, 20, 70]):
        yield [rng.standard_normal((3, 2)) for _ in counts], counts


EXERCISES = [
    Exercise(
        name="06e.parameters",
        solution=_WEIGHTS + sum(_SIZES[1:]),
        rtol=1e-9,
        wrong=[
            Wrong(_WEIGHTS, "Those are the weights alone: what else does a layer add?"),
            Wrong(_WEIGHTS // 2, "That is the encoder alone, and without its biases."),
            Wrong(_WEIGHTS // 2 + sum(_SIZES[1:5]), "That is the encoder. The decoder has parameters as well."),
            Wrong(
                2 * (_WEIGHTS // 2 + sum(_SIZES[1:5])),
                "Nearly: the weights mirror, the biases do not. A layer has one for each of its outputs.",
            ),
            Wrong(_WEIGHTS + sum(_SIZES), "Nearly: the input is no layer, it has no biases."),
        ],
        hint="For each layer: inputs times outputs, and one bias for each output.",
    ),
    Exercise(
        name="06e.memory",
        solution=_memory,
        inputs=[(1000, 50, 1), (210_000, 2132, 64), (7, 3, 512)],
        rtol=1e-9,
        wrong=[
            Wrong(lambda p, a, b: 4 * p + 4 * b * a, "To train takes more than the weights: what does a step compute?"),
            Wrong(lambda p, a, b: 8 * p + 4 * b * a, "Weights and gradients; and what does Adam remember?"),
            Wrong(lambda p, a, b: 12 * p + 4 * b * a, "Count again what is as large as the weights: there are four."),
            Wrong(lambda p, a, b: 16 * p, "The activations are missing."),
            Wrong(lambda p, a, b: 16 * p + 4 * a, "The activations of how many images are kept?"),
            Wrong(lambda p, a, b: 4 * p + b * a, "Those are numbers; a float32 has some bytes."),
            Wrong(lambda p, a, b: 16 * p + b * a, "The activations are numbers of some bytes as well."),
            Wrong(lambda p, a, b: 16 * b * p + 4 * b * a, "The weights are there once, for the whole batch."),
        ],
        hint="Add up the rows of the table in section 9, and mind the bytes of a number.",
    ),
    Exercise(
        name="06e.chain",
        solution=_chain,
        inputs=[([0.4] * 8, False), ([0.4] * 8, True), ([0.5, -0.2, 2.0], True), ([0.5, -0.2, 2.0], False)],
        wrong=[
            Wrong(
                lambda weights, residual: float(np.prod(weights)),
                "The flag changes nothing in your answer: what does a residual layer do with its input?",
            ),
            Wrong(
                lambda weights, residual: float(np.prod(np.asarray(weights) + 1)),
                "Right for residual layers; a plain one does not add its input.",
            ),
            Wrong(
                lambda weights, residual: float(np.prod(weights)) + (1.0 if residual else 0.0),
                "Every single layer adds its input, not only the whole chain.",
            ),
            Wrong(
                lambda weights, residual: float(np.sum(weights)) + (1.0 if residual else 0.0),
                "The chain rule multiplies.",
            ),
            Wrong(
                lambda weights, residual: float((weights[0] + (1.0 if residual else 0.0)) ** len(weights)),
                "The layers need not have the same weight.",
            ),
        ],
        hint="Write the derivative of one layer, for both kinds; then use the chain rule.",
    ),
    Exercise(
        name="06e.combine",
        solution=_combine,
        inputs=list(_combine_inputs()),
        wrong=[
            Wrong(lambda g, n: np.mean(g, axis=0), "Try it with 96 and 32: does every image count as much?"),
            Wrong(lambda g, n: np.sum(g, axis=0), "A sum of means grows with the number of processes."),
            Wrong(
                lambda g, n: sum(k * a for a, k in zip(g, n)),
                "That is the sum over all images; their mean is asked for.",
            ),
            Wrong(
                lambda g, n: sum(a / k for a, k in zip(g, n)) / sum(1 / k for k in n),
                "The larger part must have the larger weight.",
            ),
            Wrong(
                lambda g, n: sum(k * a for a, k in zip(g, n)) / len(n),
                "Divide by the number of images, not by the number of processes.",
            ),
        ],
        hint="Turn each mean back into a sum over its images, add, and divide by all images.",
    ),
]
