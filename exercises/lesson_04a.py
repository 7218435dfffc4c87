"""Exercises of lesson 04a: output activations, the floor of the BCE, PSNR, counted bits, the encoder's gradient."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _gradient_inputs():
    rng = np.random.default_rng(7)
    for d, m in ((4, 2), (5, 5)):  # the square case accepts every order of the factors, and only one is right
        yield rng.standard_normal(d), rng.standard_normal((m, d)), rng.standard_normal((d, m))


EXERCISES = [
    Exercise(
        name="04a.outputs",
        wrong=[
            Changed(
                lambda solution: solution | {"audio": "sigmoid"},
                "Which of your outputs can become negative? One of the data sets does.",
            ),
            Changed(
                lambda solution: solution | {"grey": "tanh"},
                "The BCE takes the logarithm of the output and of one minus it.",
            ),
            Changed(
                lambda solution: solution | {"grey": "identity"},
                "The BCE takes the logarithm of the output and of one minus it.",
            ),
            Changed(
                lambda solution: solution | {"grey": "relu"},
                "The BCE takes the logarithm of one minus the output, too.",
            ),
            Changed(
                lambda solution: solution | {"temperature": "tanh"},
                "A standardised value is not bounded: 2 and -3 do occur.",
            ),
            Changed(
                lambda solution: solution | {"temperature": "relu"}, "Half of all values with mean 0 are negative."
            ),
            Changed(lambda solution: solution | {"photons": "sigmoid"}, "A count does not end at one."),
            Changed(
                lambda solution: solution | {"photons": "identity"},
                "It would do, but one range is exactly that of a count.",
            ),
            Changed(
                lambda solution: solution | {"audio": "identity"},
                "It would do, but one range is exactly that of the samples.",
            ),
        ],
        hint="Write the range of each data set beside the range of each activation.",
    ),
    Exercise(
        name="04a.floor",
        atol=6e-4,
        wrong=[
            Wrong(0.0, "Put the grey value in as the network's answer: the logarithms are not zero."),
            Changed(lambda solution: solution / np.log(2), "That is in bits; a nat uses the natural logarithm."),
            Edit(" - (1 - p) * np.log(1 - p)", "", "That is the first term alone; paper costs something, too."),
            Changed(lambda solution: -solution, "Mind the sign: a cross-entropy is not negative."),
            Wrong(-np.log(0.7), "The answer need not be 0: which one makes the BCE smallest?"),
            Wrong(np.log(2), "That is the floor of a pixel halfway between black and white."),
        ],
        hint="Find the answer that makes the BCE smallest, then put it into the BCE.",
    ),
    Exercise(
        name="04a.psnr",
        inputs=[(0.01, 1.0), (0.0088, 1.0), (65.0, 255.0)],
        wrong=[
            Changed(lambda solution, *a: 2 * solution(*a), "A factor of two: 20 goes with amplitudes, not squares."),
            Edit("20 *", "10 *", "Both must be squares: the peak is an amplitude."),
            Changed(lambda solution, *a: np.log(10) * solution(*a), "A decibel needs the logarithm to base ten."),
            Changed(lambda solution, *a: -solution(*a), "A better picture must have the larger PSNR."),
            Edit("20 * np.log10(largest) ", "", "Try it with bytes: the peak is 255 there."),
        ],
        hint="It is ten times the decimal logarithm of a ratio of squares.",
    ),
    Exercise(
        name="04a.ratio",
        inputs=[(10_000, 784, 32, 8, 111_000), (1, 100, 5, 16, 10), (60_000, 784, 16, 32, 0)],
        wrong=[
            Wrong(
                lambda n, d, m, bits, weights: d / m, "That compares counts; a pixel and a code number differ in bits."
            ),
            Edit(" + 32 * decoder", "", "The receiver cannot decode yet: what is missing?"),
            Changed(lambda solution, n, *rest: solution(1, *rest), "The decoder is sent once, not with every image."),
            Edit("32 * decoder", "decoder", "A weight of the decoder is a number of 32 bits."),
            Changed(lambda solution, *a: 1 / solution(*a), "A ratio above 1 should mean that you saved something."),
            Edit("8 * images", "images", "Count the pixels in bits as well."),
        ],
        hint="Write down all bits of the pixels, then all bits of the codes and of the decoder.",
    ),
    Exercise(
        name="04a.gradient",
        inputs=list(_gradient_inputs()),
        wrong=[
            Changed(lambda solution, *a: solution(*a).T, "Right numbers, but in the shape of W_d: transpose."),
            Edit("2 / vector.size", "1 / vector.size", "The derivative of a square has a factor."),
            Edit("2 / vector.size", "2", "The loss is a mean over d entries."),
            Changed(lambda solution, *a: -solution(*a), "The sign: the error is output minus input."),
            Edit(
                "np.outer(decode.T @ error, vector)",
                "np.outer(encode @ vector, error)",
                "That is the decoder's gradient: the error must still be carried back by W_d.",
            ),
            Edit(
                "decode.T @ error",
                "encode @ error",
                "The error goes back through the decoder's weights, not through the encoder's.",
            ),
        ],
        hint="Send the error back by W_d, transposed; then the outer product with what came into the encoder.",
    ),
]
