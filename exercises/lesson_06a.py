"""Exercises of lesson 06a: normal data, noisy targets, a broken judgement, lines that are lost."""

import numpy as np

from . import Edit, Exercise, Wrong


def _shrink(x):
    return 0.8 * x + 0.15


def _gain_inputs():
    rng = np.random.default_rng(61)
    for n, d, scale in ((6, 5, 0.5), (9, 4, 0.2)):
        x = rng.random((n, d)) * rng.uniform(0.3, 1, (n, 1))
        yield _shrink, x, scale * rng.uniform(0.3, 2, (n, 1)) * rng.standard_normal((n, d))


def _measure_lines(answer):
    """Whether a trained PyTorch network restores digits of 14 by 14 pixels that have lost lines."""
    import torch

    from course_lib import data

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself")
    images = data.mnist().split(train=1, validation=600, flat=False).validation[0]
    x = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196).astype("float32")
    kept = np.repeat(np.random.default_rng(62).random((600, 14)) >= 0.3, 14, axis=1)
    given = (x * kept).astype("float32")
    with torch.no_grad():
        found = answer(torch.from_numpy(given).to(next(answer.parameters()).device)).cpu().numpy()
    if found.shape != x.shape:
        raise ValueError(f"pictures (n, 196) go in and come out; yours gives {tuple(found.shape)}")

    lost = float(np.mean((given - x) ** 2))
    return {
        "more than a copy": float(np.mean((found - given) ** 2)) > 0.6 * lost,
        "half of the error": float(np.mean((found - x) ** 2)) < 0.5 * lost,
    }


EXERCISES = [
    Exercise(
        name="06a.normal",
        wrong=[
            Wrong([5.0, 0.0, -0.5], "Noise is likely to have pushed it away from the mean: which way back?"),
            Wrong([1.0, -4.0, -0.5], "That is the mean of all clean values, whatever arrives."),
            Edit("(4 + 4)", "4", "What is the variance of what *arrives*?"),
            Edit("(4 + 4)", "(4 + 2)", "Variances add, not a variance and a deviation."),
            Edit("moved, score_of_normal", "moved, moved", "Correction and score differ by a factor."),
            Edit("2**2 *", "2 *", "The factor between score and correction is the variance of the noise."),
        ],
        hint="What is the distribution of what arrives? Differentiate the logarithm of its density.",
    ),
    Exercise(
        name="06a.targets",
        wrong=[
            Wrong([0.8, 0.8, 0.8, 0.8], "For which corruptions is the mean of the target the clean value?"),
            Edit("0.2 / 2, 0.75 * 0.8, 0.8]", "0.2 / 2, 0.75 * 0.8, 0.6]", "Dropout is scaled: what is its mean?"),
            Edit("0.8 * 0.8 + 0.2 / 2", "0.8 * 0.8", "Half of the dots are white, the others are not."),
            Edit("0.8 * 0.8 + 0.2 / 2", "0.8", "The dots have a mean of their own: which?"),
            Edit("0.75 * 0.8", "0.25 * 0.8", "p is the probability to be lost, not to stay."),
        ],
        hint="With squared error the best answer is a mean: of what?",
    ),
    Exercise(
        name="06a.gain",
        inputs=list(_gain_inputs()),
        wrong=[
            Edit(
                "x_tilde = x + noise ",
                "x_tilde = np.clip(x + noise, 0, 1) ",
                "The input is still clipped: half of the noise on a white ground is gone.",
            ),
            Edit("model(x_tilde)", "model(x)", "Which pictures does the model get?"),
            Edit(
                "np.mean(10 * np.log10(before / after))",
                "10 * np.log10(before.mean() / after.mean())",
                "A mean over the images of their PSNR is asked for, not the PSNR of a mean.",
            ),
            Edit("(before / after)", "(after / before)", "A gain has a sign."),
            Edit("0, 1) - x) ** 2", "0, 1) - x_tilde) ** 2", "With what should the answer be compared?"),
        ],
        hint="Follow the arrays: what goes in, what is compared with what, and over what is each mean taken?",
    ),
    Exercise(
        name="06a.lines",
        measure=_measure_lines,
        wrong=[
            Edit("restorer)", "denoiser())", "It does not restore yet: is it trained?"),
            Edit(
                ">= 0.3).expand(-1, -1, 14)",
                ">= 0.0).expand(-1, -1, 14)",
                "What does the network see of the picture in your training?",
            ),
        ],
        hint="It is not there yet: check that whole rows are lost in training, that the target is clean, and train longer.",
    ),
]
