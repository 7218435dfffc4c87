"""Exercises of lesson 07a: the KL divergence, the reparameterised sample, the loss, hidden weights β, many samples."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong

_RNG = np.random.default_rng(17)
_CODES = [(_RNG.normal(size=(B, m)), _RNG.normal(-0.5, 0.8, (B, m))) for B, m in ((4, 3), (3, 5))]
_BATCHES = [
    (_RNG.normal(0, 2, (B, d)), _RNG.random((B, d)), mu, log_var)
    for (mu, log_var), (B, d) in zip(_CODES, ((4, 7), (3, 6)))
]
_LOG_WEIGHTS = [(_RNG.normal(-3, 1, (5, 4)),), (_RNG.normal(-1000, 4, (8, 3)),)]


def _measure_sample(answer):
    """Codes, and the gradients of one function of the codes that arrive at both inputs; zeros where none arrives."""
    import torch

    if not callable(answer):
        raise ValueError("give the function itself, without calling it")
    values = np.random.default_rng(5).normal(size=(4, 3, 4))
    mu, log_var, eps, weights = (torch.tensor(value) for value in values)
    mu.requires_grad_()
    log_var.requires_grad_()
    z = answer(mu, log_var, eps)
    if z is None or z is Ellipsis:
        return z
    if not isinstance(z, torch.Tensor):
        raise ValueError(f"return a PyTorch tensor; this is {type(z).__name__}")
    if z.shape != mu.shape:
        raise ValueError(f"the sample has shape {tuple(z.shape)}, and it must have that of mu, {tuple(mu.shape)}")
    gradients = (None, None)
    if z.requires_grad:
        gradients = torch.autograd.grad((weights * z).sum(), (mu, log_var), allow_unused=True)
    arrived = [torch.zeros_like(mu) if g is None else g for g in gradients]
    return {"z": z, "gradient of mu": arrived[0], "gradient of log_var": arrived[1]}


EXERCISES = [
    Exercise(
        name="07a.kl",
        inputs=_CODES,
        wrong=[
            Changed(lambda solution, *a: -solution(*a), "A KL divergence is never negative. Try mu = 1, log_var = 0."),
            Edit(
                ".sum(axis=1)",
                ".mean(axis=1)",
                "Independent code numbers add up: which reduction over the code is that?",
            ),
            Edit("0.5 * ", "", "Compare with the one that was done by hand: a factor is missing."),
            Changed(
                lambda solution, mu, log_var: solution(mu, 2 * log_var),
                "Read the argument's name again: is it the logarithm of the standard deviation, or of its square?",
            ),
            Changed(
                lambda solution, mu, log_var: solution(mu, np.log(log_var**2)),
                "The second argument is a logarithm, not the standard deviation itself.",
            ),
            Edit("np.exp(log_square)", "log_square", "One of the two places wants the variance, not its logarithm."),
            Edit("centre**2", "centre", "What happens for a negative mean? It must cost as much as a positive one."),
            Changed(lambda solution, *a: solution(*a).sum(), "One number for each image: sum over the code only."),
            Changed(lambda solution, *a: solution(*a).mean(), "One number for each image: leave the batch alone."),
        ],
        hint="Check it by hand for mu = 1 and sigma = 2: section 4 has the number.",
    ),
    Exercise(
        name="07a.sample",
        measure=_measure_sample,
        wrong=[
            Edit(
                "centre + noise * log_square.exp().sqrt()",
                "(centre + noise * log_square.exp().sqrt()).detach()",
                "The codes are right, and no gradient comes back: the encoder would learn nothing from the pictures.",
            ),
            Edit(
                ".sqrt()",
                ".sqrt().detach()",
                "A gradient arrives at mu and none at log_var: the width could not learn.",
            ),
            Edit(
                "log_square.exp().sqrt()",
                "log_square",
                "The noise is multiplied by a logarithm there, which can even be negative.",
            ),
            Edit(".sqrt()", "", "That stretches the noise by the variance. What has the unit of z?"),
            Edit(
                "noise * log_square.exp().sqrt()",
                "0 * log_square",
                "The noise does not enter at all: that is the mean.",
            ),
            Edit(" * log_square.exp().sqrt()", "", "Every code gets the same width: what is log_var for?"),
            Edit(
                "centre + noise * log_square.exp().sqrt()",
                "(centre + noise) * log_square.exp().sqrt()",
                "Stretch the noise first, then move it: the mean must come out as it went in.",
            ),
        ],
        hint="Move and stretch the noise as in section 5, with tensor operations from mu and log_var all the way.",
    ),
    Exercise(
        name="07a.elbo",
        inputs=_BATCHES,
        wrong=[
            Edit(
                "+ kl_solution",
                "- kl_solution",
                "Your loss rewards distance from the prior: which sign has the KL in the loss?",
            ),
            Edit(
                "cross_entropy.sum(1)",
                "cross_entropy.mean()",
                "The pixels are averaged and the code is summed: section 10 shows what that does.",
            ),
            Edit(
                "+ kl_solution(centre, log_square)",
                "+ kl_solution(centre, log_square) / centre.shape[1]",
                "The pixels are summed and the code is averaged: that makes the code too cheap.",
            ),
            Edit(
                "cross_entropy.sum(1) + kl_solution(centre, log_square)",
                "cross_entropy.mean() + kl_solution(centre, log_square) / centre.shape[1]",
                "Both are averaged over dimensions; probabilities of independent pixels multiply.",
            ),
            Edit("np.mean", "np.sum", "Right for each image; the batch wants a mean."),
            Changed(lambda solution, *a: -solution(*a), "That is the ELBO; a loss is its negative."),
            Edit("+ kl_solution", "+ 2 * kl_solution", "The KL weighs twice what it should: look for a factor."),
            Edit(" + kl_solution(centre, log_square)", "", "That is the autoencoder's loss: one term is missing."),
            Changed(
                lambda solution, a, *rest: solution(-a, *rest),
                "A large logit means a dark pixel: look at which term goes with x.",
            ),
        ],
        hint="One number for each image first: cross-entropy summed over pixels, plus the KL. Then the mean.",
    ),
    Exercise(
        name="07a.beta",
        wrong=[
            Changed(
                lambda solution: solution | {"a": 1.0}, "In a both are means, but over different numbers of dimensions."
            ),
            Changed(
                lambda solution: solution | {"a": 1 / 64},
                "In a the ratio is upside down: which term was divided by more?",
            ),
            Changed(lambda solution: solution | {"a": 1024.0}, "In a the KL is divided as well."),
            Changed(lambda solution: solution | {"a": 1 / 16}, "In a the pixels are divided as well."),
            Changed(
                lambda solution: solution | {"b": 1.0}, "In b one of the two terms is not averaged over the batch."
            ),
            Changed(
                lambda solution: solution | {"b": 1 / 128},
                "In b the term that is summed over the batch weighs more, not less.",
            ),
            Changed(
                lambda solution: solution | {"c": 1024.0},
                "In c the normal likelihood has a factor in front of the squared error.",
            ),
            Changed(
                lambda solution: solution | {"c": 2048.0},
                "In c the factor of the normal likelihood goes the other way.",
            ),
            Changed(lambda solution: solution | {"c": 65536.0}, "In c both terms are averaged over the batch."),
        ],
        hint="Write each loss as a factor times (reconstruction summed + beta times KL summed), then read beta.",
    ),
    Exercise(
        name="07a.bound",
        inputs=_LOG_WEIGHTS,
        wrong=[
            Wrong(lambda log_w: log_w.mean(0), "A mean of logarithms: that is the ELBO. The average belongs inside."),
            Edit(
                ".mean(axis=0)", ".sum(axis=0)", "The logarithm of a sum; with more samples it would grow without end."
            ),
            Changed(
                lambda solution, log_w: solution(log_w.T),
                "The average runs over the samples of one image, not over the images.",
            ),
            Edit(
                " + np.log(np.exp(logs - top).mean(axis=0))",
                "",
                "The best sample alone is no bound: what do the others contribute?",
            ),
            Changed(
                lambda solution, log_w: solution(log_w) - np.log(len(log_w)),
                "The number of samples is divided out twice.",
            ),
            Changed(
                lambda solution, log_w: -solution(log_w), "Mind the sign: the bound itself is asked for, not the loss."
            ),
        ],
        hint="Subtract the largest log-weight before you take the exponential, and add it again at the end.",
    ),
]
