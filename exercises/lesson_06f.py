"""Exercises of lesson 06f: parameters of a deep net, memory of a training, a chain of layers, combined gradients."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _combine_inputs():
    rng = np.random.default_rng(6)
    for counts in ([96, 32], [64, 64], [10, 20, 70]):
        yield [rng.standard_normal((3, 2)) for _ in counts], counts


EXERCISES = [
    Exercise(
        name="06f.parameters",
        rtol=1e-9,
        wrong=[
            Edit("(n + 1) * k", "n * k", "Those are the weights alone: what else does a layer add?"),
            Edit(
                "(n + 1) * k for n, k in zip(layers_2006, layers_2006[1:])",
                "n * k for n, k in zip(layers_2006[:4], layers_2006[1:5])",
                "That is the encoder alone, and without its biases.",
            ),
            Edit(
                "zip(layers_2006, layers_2006[1:])",
                "zip(layers_2006[:4], layers_2006[1:5])",
                "That is the encoder. The decoder has parameters as well.",
            ),
            Edit(
                "sum((n + 1) * k for n, k in zip(layers_2006, layers_2006[1:])",
                "2 * sum((n + 1) * k for n, k in zip(layers_2006[:4], layers_2006[1:5])",
                "Nearly: the weights mirror, the biases do not. A layer has one for each of its outputs.",
            ),
            Changed(lambda solution: solution + 784, "Nearly: the input is no layer, it has no biases."),
        ],
        hint="For each layer: inputs times outputs, and one bias for each output.",
    ),
    Exercise(
        name="06f.memory",
        inputs=[(1000, 50, 1), (210_000, 2132, 64), (7, 3, 512)],
        rtol=1e-9,
        wrong=[
            Edit("4 * count", "count", "To train takes more than the weights: what does a step compute?"),
            Edit("4 * count", "2 * count", "Weights and gradients; and what does Adam remember?"),
            Edit("4 * count", "3 * count", "Count again what is as large as the weights: there are four."),
            Edit(" + images * per_image", "", "The activations are missing."),
            Edit("images * per_image", "per_image", "The activations of how many images are kept?"),
            Edit("4 * (4", "(4", "Those are numbers; a float32 has some bytes."),
            Wrong(lambda p, a, b: 16 * p + b * a, "The activations are numbers of some bytes as well."),
            Edit("4 * count", "4 * images * count", "The weights are there once, for the whole batch."),
        ],
        hint="Add up the rows of the table in section 9, and mind the bytes of a number.",
    ),
    Exercise(
        name="06f.chain",
        inputs=[([0.4] * 8, False), ([0.4] * 8, True), ([0.5, -0.2, 2.0], True), ([0.5, -0.2, 2.0], False)],
        wrong=[
            Edit(
                "1 + w if skip else w",
                "w",
                "The flag changes nothing in your answer: what does a residual layer do with its input?",
            ),
            Edit("1 + w if skip else w", "1 + w", "Right for residual layers; a plain one does not add its input."),
            Changed(
                lambda solution, weights, residual: solution(weights, False) + residual,
                "Every single layer adds its input, not only the whole chain.",
            ),
            Wrong(lambda weights, residual: sum(weights) + residual, "The chain rule multiplies."),
            Changed(
                lambda solution, weights, residual: solution(weights[:1] * len(weights), residual),
                "The layers need not have the same weight.",
            ),
        ],
        hint="Write the derivative of one layer, for both kinds; then use the chain rule.",
    ),
    Exercise(
        name="06f.combine",
        inputs=list(_combine_inputs()),
        wrong=[
            Wrong(lambda g, n: np.mean(g, axis=0), "Try it with 96 and 32: does every image count as much?"),
            Wrong(lambda g, n: np.sum(g, axis=0), "A sum of means grows with the number of processes."),
            Edit(" / sum(sizes)", "", "That is the sum over all images; their mean is asked for."),
            Changed(
                lambda solution, g, n: solution(g, [1 / k for k in n]), "The larger part must have the larger weight."
            ),
            Edit("/ sum(sizes)", "/ len(sizes)", "Divide by the number of images, not by the number of processes."),
        ],
        hint="Turn each mean back into a sum over its images, add, and divide by all images.",
    ),
]
