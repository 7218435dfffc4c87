"""Exercises of lesson 07a: three hills, two normals, a wonderful loss, an encoder for the loop, a lake."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _normals_inputs():
    rng = np.random.default_rng(17)
    for B, m in ((4, 3), (3, 5)):
        yield (
            rng.normal(size=(B, m)),
            rng.normal(-0.5, 0.8, (B, m)),
            rng.normal(size=(B, m)),
            rng.normal(0.3, 0.5, (B, m)),
        )


def _loss_inputs():
    rng = np.random.default_rng(19)
    for B, d, m, s in ((5, 7, 2, 0.4), (3, 4, 3, 1.5)):
        yield rng.normal(size=(B, d)), rng.normal(size=(d, m)), *rng.normal(-0.3, 0.7, size=(3, B, m)), s


def _loop(z):
    return np.stack([z**2 - 1, z * (z**2 - 1)], axis=-1)


def _measure_encoder(answer):
    """Whether a trained network's normal q has a small average gap on new data of the loop."""
    import torch
    from scipy.special import logsumexp

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself")
    rng, s = np.random.default_rng(5), 0.3
    x = _loop(rng.standard_normal(1000)) + s * rng.standard_normal((1000, 2))
    first = next(answer.parameters())
    with torch.no_grad():
        said = answer(torch.from_numpy(x).to(first.device, first.dtype)).cpu().numpy().astype(float)
    if said.shape != (1000, 2):
        raise ValueError(f"(B, 2) goes in and (B, 2) comes out, mean and log-variance; yours gives {said.shape}")

    def log_likelihood(z):
        return -np.sum((x[:, None] - _loop(z)) ** 2, axis=-1) / (2 * s**2) - np.log(2 * np.pi * s**2)

    grid = np.linspace(-6, 6, 1201)[None]
    log_p = logsumexp(log_likelihood(grid) - grid**2 / 2 - np.log(2 * np.pi) / 2, axis=1) + np.log(
        grid[0, 1] - grid[0, 0]
    )
    mu, log_var = said.T
    nodes, weights = np.polynomial.hermite_e.hermegauss(10)
    copied = log_likelihood(mu[:, None] + np.exp(0.5 * log_var)[:, None] * nodes) @ (weights / weights.sum())
    rate = -0.5 * (1 + log_var - mu**2 - np.exp(log_var))
    gap = float(np.mean(log_p - copied + rate))
    return {"narrower than the prior": bool(np.exp(0.5 * log_var).mean() < 0.7), "below 2 nats": gap < 2}


EXERCISES = [
    Exercise(
        name="07a.hills",
        wrong=[
            Wrong([0.5, 0.2, 0.4], "A gap is a mean of logarithms: by which factor does q exceed the posterior?"),
            Wrong(
                [-0.693, -1.609, -0.255], "Can a KL divergence be negative? Look at which density is divided by which."
            ),
            Wrong([0.693, 1.609, 1.151], "The third q covers two hills, and each of them with half of its mass."),
            Wrong([0.693, 1.609, 0.223], "Is q of the third case half and half, or as the posterior has it?"),
            Wrong([1.0, 2.322, 0.368], "Right, in bits. Nats are asked for."),
            Wrong([0.693, 0.223, 0.255], "The lightest hill: what is q there, in units of the posterior?"),
        ],
        hint="On each hill q is some factor times the posterior; average the factor's logarithm over q.",
    ),
    Exercise(
        name="07a.kl_normals",
        inputs=list(_normals_inputs()),
        wrong=[
            Changed(
                lambda solution, mu_1, log_var_1, mu_2, log_var_2: solution(mu_2, log_var_2, mu_1, log_var_1),
                "The order matters: over which of the two densities does the mean run?",
            ),
            Edit(
                " * np.exp(-log_var_2)",
                "",
                "In which unit does the distance of the means count? Try a very narrow second normal.",
            ),
            Edit("np.exp(-log_var_2)", "np.exp(-log_var_1)", "The distance of the means is in units of the other one."),
            Edit("- log_var_1 + log_var_2", "+ log_var_1 - log_var_2", "Try equal means: can the result be negative?"),
            Edit("- 1 -", "-", "Try two equal normals. What must come out?"),
            Edit("0.5 * np.sum", "np.sum", "Compare with the number by hand in section 5: a factor is too much."),
            Edit(", axis=1)", ")", "One number for each row: sum over the code only."),
        ],
        hint="Try it with mean 0 and log-variance 0 as the second normal: it must give the rate of section 5.",
    ),
    Exercise(
        name="07a.loss",
        inputs=list(_loss_inputs()),
        wrong=[
            Edit("np.exp(0.5 * log_var) * eps", "np.exp(log_var) * eps", "By what is the noise stretched?"),
            Edit(
                "0.5 * np.sum((x - z @ W_d.T)",
                "0.5 * np.mean((x - z @ W_d.T)",
                "One of the two terms is still an average over dimensions.",
            ),
            Edit("rate = -0.5", "rate = 0.5", "The rate is negative for some rows: can that be?"),
            Edit(
                "distortion + rate + constant",
                "distortion + rate",
                "Everything that depends on the code is right. Can two values of s be compared by it?",
            ),
            Edit("0.5 * x.shape[1] *", "0.5 *", "The constant belongs to one feature; how many are there?"),
            Edit(
                "np.mean(distortion", "np.sum(distortion", "Right for each row; over the batch an average is asked for."
            ),
        ],
        hint="Go through it line by line: the sample, the likelihood with its constant, the sign of the rate.",
    ),
    Exercise(
        name="07a.encoder",
        measure=_measure_encoder,
        wrong=[
            Edit("train_steps = 64, 1200", "train_steps = 64, 60", "It has only begun: train longer, on more draws."),
            Edit(
                "torch.exp(0.5 * log_square) * torch.randn(256)",
                "0 * log_square",
                "No q this far off comes from samples: do you decode a sample, or the mean?",
            ),
        ],
        hint="Nearly: more steps, more hidden units, or a rate that falls towards the end.",
    ),
    Exercise(
        name="07a.lake",
        wrong=[
            Wrong([0.667, 3.333, 1.445, 5], "In the second VAE the level is given. Which eigenvalues rise above it?"),
            Wrong([0.667, 1.826, 1.445, 2], "That is the length; its square is asked for."),
            Wrong([0.667, 4.0, 1.445, 2], "A column reaches from the water to the top of its hill."),
            Wrong([0.667, 3.333, 2.89, 2], "Each live code has a half in its rate."),
            Wrong([2.0, 2.0, 0.347, 2], "The noise is a mean of the eigenvalues that are left out, not their sum."),
            Wrong([0.667, 3.333, 0.896, 2], "The rate adds up over both live codes."),
        ],
        hint="First the mean of what two codes leave out; then everything is measured from that level.",
    ),
]
