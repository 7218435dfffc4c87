"""Exercises of lesson 04a: halves of two patterns, tied weights, a broken epoch, a code of eight numbers."""

import numpy as np

from . import Changed, Edit, Exercise


def _tied_inputs():
    rng = np.random.default_rng(13)
    for n, m, d in ((5, 2, 4), (3, 3, 3)):
        yield rng.standard_normal((n, d)), rng.standard_normal((m, d))


def _one_epoch_inputs():
    rng = np.random.default_rng(19)
    for n, m, d, size in ((10, 2, 4, 4), (6, 1, 3, 3)):
        yield rng.standard_normal((n, d)), rng.standard_normal((m, d)), rng.standard_normal((d, m)), size, 0.1


def _measure_eight(answer):
    """Whether a PyTorch autoencoder has a code of eight numbers and copies new digits better than clipped PCA."""
    import torch

    from course_lib import data, training

    if not isinstance(answer, torch.nn.Sequential) or len(answer) != 2:
        raise ValueError("give the trained PyTorch network itself: an nn.Sequential of encoder and decoder")
    digits = data.mnist()
    images = digits.train_images[50_000:52_000].reshape(-1, 784) / np.float32(255)
    seen = digits.train_images[:5000].reshape(-1, 784) / np.float32(255)
    mean = seen.mean(axis=0)
    directions = np.linalg.eigh((seen - mean).T @ (seen - mean))[1][:, -8:]
    rival = ((images - mean) @ directions @ directions.T + mean).clip(0, 1)
    code, x_hat = training.predict(answer[0], images), training.predict(answer, images)
    if x_hat.shape != images.shape:
        raise ValueError(f"copies of shape {images.shape} are expected; yours have {x_hat.shape}")
    return {
        "eight numbers": code.shape == (2000, 8),
        "better than PCA": bool(((x_hat - images) ** 2).mean() < ((rival - images) ** 2).mean()),
    }


EXERCISES = [
    Exercise(
        name="04a.halves",
        atol=6e-4,
        wrong=[
            Edit(
                "sigmoid(4 * 2 - 8)",
                "sigmoid(4 * 3 - 8)",
                "That is the answer to a whole pattern. Half of the code comes from elsewhere.",
            ),
            Edit("sigmoid(4 * 2 - 8)", "0.5 * sigmoid(4 * 3 - 8)", "The encoder is linear; is the decoder?"),
            Edit("sigmoid(4 * 0 - 8)", "sigmoid(4 * 2 - 8)", "Add two opposite corners: which code is left?"),
            Changed(lambda solution: solution[::-1], "Which of the two codes lies nearer to the corner of i?"),
        ],
        hint="Write down the code first, the mean of two corners; then its scalar product with the corner of i.",
    ),
    Exercise(
        name="04a.tied",
        inputs=list(_tied_inputs()),
        wrong=[
            Edit("as_decoder + as_encoder", "as_decoder", "W is used twice. What does the encoder's use add?"),
            Edit("as_decoder + as_encoder", "as_encoder", "W is used twice. What does the decoder's use add?"),
            Edit("2 / X.size", "2 / len(X)", "The mean is over batch and entries."),
            Edit("2 / X.size", "1 / X.size", "A square has a factor in its derivative."),
            Edit("(Z @ W - X)", "(X - Z @ W)", "Check the sign: the derivative of the square of x̂ − x."),
        ],
        hint="Take the two gradients of section 3 without tanh and logistic function, with W_e = W and W_d its transpose.",
    ),
    Exercise(
        name="04a.one_epoch",
        inputs=list(_one_epoch_inputs()),
        wrong=[
            Edit(
                "np.mean(error**2) * len(x)",
                "np.mean(error**2) * batch_size",
                "How many examples are in the last batch?",
            ),
            Edit("np.mean(error**2) * len(x)", "np.sum(error**2)", "The loss is a mean over the entries too."),
            Edit(
                "W_e, W_d = W_e - rate * slope_e, W_d - rate * slope_d",
                "W_d = W_d - rate * slope_d\n        W_e = W_e - rate * 2 / x.size * (error @ W_d).T @ x",
                "Both steps start from the same weights; here one of them is new when the other needs it.",
            ),
            Edit(
                "W_e, W_d = W_e - rate * slope_e, W_d - rate * slope_d",
                "W_e, W_d = W_e + rate * slope_e, W_d + rate * slope_d",
                "In which direction does the loss fall?",
            ),
        ],
        hint="One mistake is in what a batch's gradient starts from, the other in how the batches' losses are averaged.",
    ),
    Exercise(
        name="04a.eight",
        measure=_measure_eight,
        wrong=[
            Edit(
                "numbers, eight_epochs = 8, 4",
                "numbers, eight_epochs = 32, 4",
                "It copies better than PCA; how many numbers does its code have?",
            ),
            Edit(
                "numbers, eight_epochs = 8, 4",
                "numbers, eight_epochs = 8, 1",
                "The code is right, and the copies are not good enough yet: train longer.",
            ),
        ],
        hint="Eight numbers, and copies that beat PCA: look at its validation error, the rate, and the number of epochs.",
    ),
]
