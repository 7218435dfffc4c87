"""Exercises of lesson 04b: constants and a floor, a broken PSNR, counted bits, L1 on signed digits."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _psnr_inputs():
    rng = np.random.default_rng(5)
    x = rng.integers(0, 256, (28, 28)).astype(np.uint8)
    noisy = np.clip(x.astype(int) + rng.integers(-30, 31, x.shape), 0, 255).astype(np.uint8)
    flat = np.full((28, 28), 100, np.uint8)
    return [(flat + np.uint8(1), flat), (flat - np.uint8(1), flat), (noisy, x), (x, noisy)]


def _measure_signed(answer):
    """Whether a network copies new small digits in [-1, 1]: its error, its range, and whether the copies differ."""
    import torch

    from course_lib import data, training

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself")
    digits = data.mnist().split(train=1, validation=500).validation[0]
    x = 2 * digits.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) - 1
    x_hat = training.predict(answer, x.astype("float32"))
    if x_hat.shape != x.shape:
        raise ValueError(f"copies of the shape {x.shape} are expected; yours have {x_hat.shape}")
    return {
        "in range": bool(np.abs(x_hat).max() <= 1),
        "the copies differ": bool(x_hat.std(axis=0).max() > 0.3),
        "can be below zero": bool(x_hat.min() < -0.5),
        "below 0.15": bool(np.abs(x_hat - x).mean() < 0.15),
    }


EXERCISES = [
    Exercise(
        name="04b.stroke",
        atol=6e-4,
        wrong=[
            Wrong(
                [0.3, 0.3, 0.3, 3 * 0.2 / 7, 0.6108643],
                "One of the first three counts pixels, whatever their distance.",
            ),
            Wrong(
                [0.3, 0.0, 0.0, 3 * 0.2 / 7, 0.6108643], "Set the slope of the BCE to zero: its denominator is common."
            ),
            Wrong(
                [0.3, 0.0, 0.3, 0.15, 0.6108643],
                "Huber: add up the clipped errors of all ten pixels, and set the sum to zero.",
            ),
            Wrong([0.3, 0.0, 0.3, 0.3, 0.6108643], "Huber: three of the errors are clipped."),
            Wrong([0.3, 0.0, 0.3, 0.0, 0.6108643], "Huber: the seven pixels pull as weakly as their errors are small."),
            Wrong(
                [0.3, 0.0, 0.3, 3 * 0.2 / 7, 0.0],
                "Each of these pixels is pure, but one answer serves all ten: put it in.",
            ),
            Wrong(
                [0.3, 0.0, 0.3, 3 * 0.2 / 7, 0.8812909], "The last one is in bits; a nat uses the natural logarithm."
            ),
            Wrong(
                [0.3, 0.0, 0.3, 3 * 0.2 / 7, 0.3611918],
                "The last one is its first term alone; white pixels cost something, too.",
            ),
        ],
        hint="For each loss add up the slopes of the ten pixels, and set the sum to zero.",
    ),
    Exercise(
        name="04b.psnr",
        inputs=_psnr_inputs(),
        wrong=[
            Edit("255.0**2", "1.0", "The difference is right now. What is the largest possible value of a byte?"),
            Edit("255.0**2", "255.0", "The peak is an amplitude, and the error is a square."),
            Edit('x_hat.astype("float64") - x  ', "(x_hat - x)  ", "The peak is right. What is 99 − 100 in bytes?"),
            Edit(
                'x_hat.astype("float64") - x  ',
                '(x_hat - x).astype("float64")  ',
                "You convert too late: the difference has wrapped round.",
            ),
            Changed(
                lambda solution, *a: 2 * solution(*a), "A factor of two: 20 goes with amplitudes, not with squares."
            ),
            Changed(lambda solution, *a: -solution(*a), "A better picture must have the larger PSNR."),
        ],
        hint="Print x_hat - x for 99 and 100 as bytes, and its square for 116 and 100. And what is the peak?",
    ),
    Exercise(
        name="04b.images",
        inputs=[
            (6272, 32, 8, 105_360),
            (1_232, 32, 8, 105_360),
            (256, 32, 8, 1_000),
            (100, 2, 25, 25),
            (200, 32, 8, 10),
        ],
        wrong=[
            Edit(
                "32 * weights // saved + 1",
                "-(-32 * weights // saved)",
                "Look at a case where both need exactly as many bits.",
            ),
            Edit("32 * weights", "weights", "A weight of the decoder is a number of 32 bits."),
            Edit("rival - m * bits ", "rival - m ", "How many bits does a code of m numbers take?"),
            Edit(
                "32 * weights // saved",
                "32 * weights // rival",
                "The decoder is paid back by what each image saves, and it saves less than all.",
            ),
            Edit("return 0", "return 1", "There are rivals that no number of images beats."),
        ],
        hint="Write both numbers of bits as functions of n, and ask for which n the first is smaller.",
    ),
    Exercise(
        name="04b.signed",
        measure=_measure_signed,
        wrong=[
            Edit("nn.Tanh()", "nn.Sigmoid()", "The paper of these digits is −1. Can your output reach it?"),
            Edit("nn.Tanh()", "nn.Identity()", "Some of its values lie outside [−1, 1]: which output forbids that?"),
            Edit(
                "0.01, practice", "0.2, practice", "All its copies are one picture: see section 4 for what does that."
            ),
            Edit(
                "0.01, practice",
                "0.0003, practice",
                "It lives, and has not learnt enough: another rate, or more epochs.",
            ),
        ],
        hint="It lives, and has not learnt enough: try other rates, and choose on validation digits.",
    ),
]
