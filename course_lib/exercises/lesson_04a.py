"""Exercises of lesson 04a: output activations, the floor of the BCE, PSNR, counted bits, the encoder's gradient."""

import numpy as np

from . import Exercise, Wrong

_OUTPUTS = {"grey": "sigmoid", "audio": "tanh", "temperature": "identity", "photons": "relu"}


def _psnr(mse, peak):
    return 10 * np.log10(peak**2 / mse)


def _ratio(n, d, m, bits, weights):
    return 8 * n * d / (n * m * bits + 32 * weights)


def _gradient(x, W_e, W_d):
    return 2 / x.size * np.outer(W_d.T @ (W_d @ W_e @ x - x), x)


def _gradient_inputs():
    rng = np.random.default_rng(7)
    for d, m in ((4, 2), (5, 5)):  # the square case accepts every order of the factors, and only one is right
        yield rng.standard_normal(d), rng.standard_normal((m, d)), rng.standard_normal((d, m))


EXERCISES = [
    Exercise(
        name="04a.outputs",
        solution=_OUTPUTS,
        wrong=[
            Wrong(
                _OUTPUTS | {"audio": "sigmoid"}, "Which of your outputs can become negative? One of the data sets does."
            ),
            Wrong(_OUTPUTS | {"grey": "tanh"}, "The BCE takes the logarithm of the output and of one minus it."),
            Wrong(_OUTPUTS | {"grey": "identity"}, "The BCE takes the logarithm of the output and of one minus it."),
            Wrong(_OUTPUTS | {"grey": "relu"}, "The BCE takes the logarithm of one minus the output, too."),
            Wrong(_OUTPUTS | {"temperature": "tanh"}, "A standardised value is not bounded: 2 and -3 do occur."),
            Wrong(_OUTPUTS | {"temperature": "relu"}, "Half of all values with mean 0 are negative."),
            Wrong(_OUTPUTS | {"photons": "sigmoid"}, "A count does not end at one."),
            Wrong(_OUTPUTS | {"photons": "identity"}, "It would do, but one range is exactly that of a count."),
            Wrong(_OUTPUTS | {"audio": "identity"}, "It would do, but one range is exactly that of the samples."),
        ],
        hint="Write the range of each data set beside the range of each activation.",
    ),
    Exercise(
        name="04a.floor",
        solution=-0.3 * np.log(0.3) - 0.7 * np.log(0.7),
        atol=6e-4,
        wrong=[
            Wrong(0.0, "Put the grey value in as the network's answer: the logarithms are not zero."),
            Wrong(-0.3 * np.log2(0.3) - 0.7 * np.log2(0.7), "That is in bits; a nat uses the natural logarithm."),
            Wrong(-0.3 * np.log(0.3), "That is the first term alone; paper costs something, too."),
            Wrong(0.3 * np.log(0.3) + 0.7 * np.log(0.7), "Mind the sign: a cross-entropy is not negative."),
            Wrong(-np.log(0.7), "The answer need not be 0: which one makes the BCE smallest?"),
            Wrong(np.log(2), "That is the floor of a pixel halfway between black and white."),
        ],
        hint="Find the answer that makes the BCE smallest, then put it into the BCE.",
    ),
    Exercise(
        name="04a.psnr",
        solution=_psnr,
        inputs=[(0.01, 1.0), (0.0088, 1.0), (65.0, 255.0)],
        wrong=[
            Wrong(
                lambda mse, peak: 20 * np.log10(peak**2 / mse), "A factor of two: 20 goes with amplitudes, not squares."
            ),
            Wrong(lambda mse, peak: 10 * np.log10(peak / mse), "Both must be squares: the peak is an amplitude."),
            Wrong(lambda mse, peak: 10 * np.log(peak**2 / mse), "A decibel needs the logarithm to base ten."),
            Wrong(lambda mse, peak: 10 * np.log10(mse / peak**2), "A better picture must have the larger PSNR."),
            Wrong(lambda mse, peak: 10 * np.log10(1 / mse), "Try it with bytes: the peak is 255 there."),
        ],
        hint="It is ten times the decimal logarithm of a ratio of squares.",
    ),
    Exercise(
        name="04a.ratio",
        solution=_ratio,
        inputs=[(10_000, 784, 32, 8, 111_000), (1, 100, 5, 16, 10), (60_000, 784, 16, 32, 0)],
        wrong=[
            Wrong(
                lambda n, d, m, bits, weights: d / m, "That compares counts; a pixel and a code number differ in bits."
            ),
            Wrong(
                lambda n, d, m, bits, weights: 8 * d / (m * bits), "The receiver cannot decode yet: what is missing?"
            ),
            Wrong(
                lambda n, d, m, bits, weights: 8 * d / (m * bits + 32 * weights),
                "The decoder is sent once, not with every image.",
            ),
            Wrong(
                lambda n, d, m, bits, weights: 8 * n * d / (n * m * bits + weights),
                "A weight of the decoder is a number of 32 bits.",
            ),
            Wrong(
                lambda n, d, m, bits, weights: (n * m * bits + 32 * weights) / (8 * n * d),
                "A ratio above 1 should mean that you saved something.",
            ),
            Wrong(
                lambda n, d, m, bits, weights: n * d / (n * m * bits + 32 * weights),
                "Count the pixels in bits as well.",
            ),
        ],
        hint="Write down all bits of the pixels, then all bits of the codes and of the decoder.",
    ),
    Exercise(
        name="04a.gradient",
        solution=_gradient,
        inputs=list(_gradient_inputs()),
        wrong=[
            Wrong(lambda x, W_e, W_d: _gradient(x, W_e, W_d).T, "Right numbers, but in the shape of W_d: transpose."),
            Wrong(lambda x, W_e, W_d: _gradient(x, W_e, W_d) / 2, "The derivative of a square has a factor."),
            Wrong(lambda x, W_e, W_d: _gradient(x, W_e, W_d) * x.size, "The loss is a mean over d entries."),
            Wrong(lambda x, W_e, W_d: -_gradient(x, W_e, W_d), "The sign: the error is output minus input."),
            Wrong(
                lambda x, W_e, W_d: 2 / x.size * np.outer(W_d @ W_e @ x - x, W_e @ x).T,
                "That is the decoder's gradient: the error must still be carried back by W_d.",
            ),
            Wrong(
                lambda x, W_e, W_d: 2 / x.size * np.outer(W_e @ (W_d @ W_e @ x - x), x),
                "The error goes back through the decoder's weights, not through the encoder's.",
            ),
        ],
        hint="Send the error back by W_d, transposed; then the outer product with what came into the encoder.",
    ),
]
