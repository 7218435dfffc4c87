"""Exercises of lesson 07b: hidden weights β, which picture it was, a broken bound, a small network."""

import numpy as np

from . import Changed, Edit, Exercise


def _samples():
    """Arguments of minus_bound: log_p (K, n), mu and log_var (n, m), eps (K, n, m); the second as small as digits'."""
    rng = np.random.default_rng(23)
    cases = []
    for K, n, m, level in ((4, 3, 2, -3.0), (6, 2, 5, -1000.0)):
        log_p = rng.normal(level, 2.0, (K, n))
        cases.append((log_p, rng.normal(size=(n, m)), rng.normal(-1.0, 0.5, (n, m)), rng.standard_normal((K, n, m))))
    return cases


def _others():
    """Halved digits (500, 196) from the end of the training set."""
    from course_lib import data

    images = data.mnist().train_images[-500:] / np.float32(255)
    return images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)


def _measure_small(answer):
    """Whether a network bounds −log p of other digits by less than 46 nats, with five active units or more."""
    import torch
    import torch.nn.functional as F

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("hand in the trained network itself, a PyTorch module")
    net = answer.cpu().float().eval()
    x = torch.from_numpy(_others())
    with torch.no_grad():
        try:
            logits, mu, log_var = net(x)
            again = net(x)[0]
        except (RuntimeError, TypeError, ValueError):
            raise ValueError("called with pictures (n, 196) it must return three: logits, mu and log_var") from None
        if logits.shape != x.shape or mu.shape != log_var.shape or mu.shape[:1] != x.shape[:1]:
            raise ValueError("logits must have the shape (n, 196), mu and log_var one shape (n, m)")
        if torch.equal(logits, again):
            raise ValueError("two calls give the same logits: a bound needs a new sample z each time")
        found = []
        for each in (logits, again):
            pixels = F.binary_cross_entropy_with_logits(each, x, reduction="none").sum(1)
            found.append(pixels - 0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1))
    bound = float(torch.stack(found).mean())
    return {"below 46 nats": bound < 46, "five active units": int((mu.var(0) > 0.01).sum()) >= 5}


EXERCISES = [
    Exercise(
        name="07b.betas",
        wrong=[
            Changed(
                lambda solution: solution | {"a": 1.0}, "In a both are means, but over different numbers of dimensions."
            ),
            Changed(
                lambda solution: solution | {"a": 1 / 64},
                "In a the ratio is upside down: which term was divided by more?",
            ),
            Changed(lambda solution: solution | {"a": 1024.0}, "In a the rate is divided as well."),
            Changed(lambda solution: solution | {"a": 1 / 16}, "In a the pixels are divided as well."),
            Changed(
                lambda solution: solution | {"b": 1.0}, "In b one of the two terms is not averaged over the batch."
            ),
            Changed(
                lambda solution: solution | {"b": 1 / 128},
                "In b the term that is summed over the batch weighs more, not less.",
            ),
            Changed(lambda solution: solution | {"c": 1024.0}, "In c the normal decoder has a factor in its D."),
            Changed(
                lambda solution: solution | {"c": 2048.0}, "In c the factor of the normal decoder goes the other way."
            ),
            Changed(lambda solution: solution | {"c": 65536.0}, "In c both terms are averaged over the batch."),
        ],
        hint="Write each loss as a factor times (D + beta R), both summed, then read beta.",
    ),
    Exercise(
        name="07b.which",
        atol=0.01,
        wrong=[
            Changed(
                lambda solution: [4.0, *solution[1:]], "In nats: how many pictures is not yet how much information."
            ),
            Changed(lambda solution: [2.0, 1.0, *solution[2:]], "Those are bits: the logarithms here are natural."),
            Changed(
                lambda solution: [solution[0], solution[0], *solution[2:]],
                "Look at the second set again: can the code tell the first picture from the second?",
            ),
            Changed(
                lambda solution: [solution[0], 0.0, *solution[2:]],
                "In the second set the code tells something: left or right.",
            ),
            Changed(
                lambda solution: [*solution[:2], 9.81, solution[3]],
                "That is the whole rate: which part of it says something about the picture?",
            ),
            Changed(
                lambda solution: [*solution[:2], 9.81 - np.log(4), solution[3]],
                "Take the information of the same set: these codes cannot tell all four apart.",
            ),
            Changed(
                lambda solution: [*solution[:3], solution[0]],
                "Draw the four wide clouds of the last question on one axis, with the means between −6 and 6.",
            ),
        ],
        hint="How many groups of pictures can the code tell apart? And the two parts add up to R.",
    ),
    Exercise(
        name="07b.bound",
        inputs=_samples(),
        wrong=[
            Edit(
                "np.exp(0.5 * log_var)",
                "np.exp(log_var)",
                "Noise is stretched by a deviation: what is the exponential of log_var?",
            ),
            Edit(
                ".sum(axis=2)",
                ".mean(axis=2)",
                "Densities of independent code numbers multiply: which reduction is that for their logarithms?",
            ),
            Edit(
                "np.log(len(log_p)) - logsumexp(log_p + log_ratio, axis=0)",
                "-np.mean(log_p + log_ratio, axis=0)",
                "The mean of logarithms is the bound for one sample. Where does the mean belong?",
            ),
            Edit(
                "np.log(len(log_p)) - logsumexp",
                "-logsumexp",
                "A logarithm of a sum: with more samples it would grow without end.",
            ),
            Changed(lambda solution, *a: -solution(*a), "That is the bound itself: the sign is asked for in front."),
        ],
        hint="Follow one sample of one picture by hand: z, then the three densities, then the mean over k.",
    ),
    Exercise(
        name="07b.train",
        measure=_measure_small,
        wrong=[
            Edit(
                "epochs=6",
                "epochs=0",
                "It has not been trained, or hardly: how far is its bound from the floor?",
            ),
            Edit(
                "m=10",
                "m=2",
                "Count the units: two code numbers cannot do it.",
            ),
        ],
        hint="Print the bound on digits that it has not seen and the variances of its means: which of the two is short?",
    ),
]
