"""Exercises of lesson 07a: the KL divergence, the reparameterised sample, the loss, hidden weights β, many samples."""

import numpy as np

from . import Exercise, Wrong

_RNG = np.random.default_rng(17)
_CODES = [(_RNG.normal(size=(B, m)), _RNG.normal(-0.5, 0.8, (B, m))) for B, m in ((4, 3), (3, 5))]
_BATCHES = [
    (_RNG.normal(0, 2, (B, d)), _RNG.random((B, d)), mu, log_var)
    for (mu, log_var), (B, d) in zip(_CODES, ((4, 7), (3, 6)))
]
_LOG_WEIGHTS = [(_RNG.normal(-3, 1, (5, 4)),), (_RNG.normal(-1000, 4, (8, 3)),)]


def _terms(mu, log_var):
    return -0.5 * (1 + log_var - mu**2 - np.exp(log_var))


def _kl(mu, log_var):
    return _terms(mu, log_var).sum(1)


def _sample(mu, log_var, eps):
    return mu + (0.5 * log_var).exp() * eps


def _cut(mu, log_var, eps):
    return _sample(mu, log_var, eps).detach()


def _measure_sample(answer):
    """Codes, and the gradients of one function of the codes that arrive at both inputs; zeros where none arrives."""
    import torch

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
    return {"z": z.detach().numpy(), "gradient of mu": arrived[0].numpy(), "gradient of log_var": arrived[1].numpy()}


def _only_mean_learns(mu, log_var, eps):
    return mu + (0.5 * log_var).exp().detach() * eps


def _bce(logits, x):
    return x * np.logaddexp(0, -logits) + (1 - x) * np.logaddexp(0, logits)


def _negative_elbo(logits, x, mu, log_var):
    return np.mean(_bce(logits, x).sum(1) + _kl(mu, log_var))


_BETA = {"a": 64.0, "b": 128.0, "c": 512.0}


def _bound(log_w):
    top = log_w.max(0)
    return top + np.log(np.exp(log_w - top).mean(0))


EXERCISES = [
    Exercise(
        name="07a.kl",
        solution=_kl,
        inputs=_CODES,
        wrong=[
            Wrong(lambda mu, log_var: -_kl(mu, log_var), "A KL divergence is never negative. Try mu = 1, log_var = 0."),
            Wrong(
                lambda mu, log_var: _terms(mu, log_var).mean(1),
                "Independent code numbers add up: which reduction over the code is that?",
            ),
            Wrong(
                lambda mu, log_var: 2 * _kl(mu, log_var),
                "Compare with the one that was done by hand: a factor is missing.",
            ),
            Wrong(
                lambda mu, log_var: -0.5 * (1 + 2 * log_var - mu**2 - np.exp(2 * log_var)).sum(1),
                "Read the argument's name again: is it the logarithm of the standard deviation, or of its square?",
            ),
            Wrong(
                lambda mu, log_var: -0.5 * (1 + np.log(log_var**2) - mu**2 - log_var**2).sum(1),
                "The second argument is a logarithm, not the standard deviation itself.",
            ),
            Wrong(
                lambda mu, log_var: -0.5 * (1 + log_var - mu**2 - log_var).sum(1),
                "One of the two places wants the variance, not its logarithm.",
            ),
            Wrong(
                lambda mu, log_var: -0.5 * (1 + log_var - mu - np.exp(log_var)).sum(1),
                "What happens for a negative mean? It must cost as much as a positive one.",
            ),
            Wrong(lambda mu, log_var: _kl(mu, log_var).sum(), "One number for each image: sum over the code only."),
            Wrong(lambda mu, log_var: _kl(mu, log_var).mean(), "One number for each image: leave the batch alone."),
        ],
        hint="Check it by hand for mu = 1 and sigma = 2: section 4 has the number.",
    ),
    Exercise(
        name="07a.sample",
        solution=_sample,
        measure=_measure_sample,
        wrong=[
            Wrong(
                _cut,
                "The codes are right, and no gradient comes back: the encoder would learn nothing from the pictures.",
            ),
            Wrong(_only_mean_learns, "A gradient arrives at mu and none at log_var: the width could not learn."),
            Wrong(
                lambda mu, log_var, eps: mu + log_var * eps,
                "The noise is multiplied by a logarithm there, which can even be negative.",
            ),
            Wrong(
                lambda mu, log_var, eps: mu + log_var.exp() * eps,
                "That stretches the noise by the variance. What has the unit of z?",
            ),
            Wrong(lambda mu, log_var, eps: mu + 0 * log_var, "The noise does not enter at all: that is the mean."),
            Wrong(lambda mu, log_var, eps: mu + eps, "Every code gets the same width: what is log_var for?"),
            Wrong(
                lambda mu, log_var, eps: (0.5 * log_var).exp() * (mu + eps),
                "Stretch the noise first, then move it: the mean must come out as it went in.",
            ),
        ],
        hint="Move and stretch the noise as in section 5, with tensor operations from mu and log_var all the way.",
    ),
    Exercise(
        name="07a.elbo",
        solution=_negative_elbo,
        inputs=_BATCHES,
        wrong=[
            Wrong(
                lambda a, x, mu, log_var: np.mean(_bce(a, x).sum(1) - _kl(mu, log_var)),
                "Your loss rewards distance from the prior: which sign has the KL in the loss?",
            ),
            Wrong(
                lambda a, x, mu, log_var: np.mean(_bce(a, x)) + np.mean(_kl(mu, log_var)),
                "The pixels are averaged and the code is summed: section 10 shows what that does.",
            ),
            Wrong(
                lambda a, x, mu, log_var: np.mean(_bce(a, x).sum(1)) + np.mean(_terms(mu, log_var)),
                "The pixels are summed and the code is averaged: that makes the code too cheap.",
            ),
            Wrong(
                lambda a, x, mu, log_var: np.mean(_bce(a, x)) + np.mean(_terms(mu, log_var)),
                "Both are averaged over dimensions; probabilities of independent pixels multiply.",
            ),
            Wrong(
                lambda a, x, mu, log_var: np.sum(_bce(a, x).sum(1) + _kl(mu, log_var)),
                "Right for each image; the batch wants a mean.",
            ),
            Wrong(
                lambda a, x, mu, log_var: -_negative_elbo(a, x, mu, log_var),
                "That is the ELBO; a loss is its negative.",
            ),
            Wrong(
                lambda a, x, mu, log_var: np.mean(_bce(a, x).sum(1) + 2 * _kl(mu, log_var)),
                "The KL weighs twice what it should: look for a factor.",
            ),
            Wrong(
                lambda a, x, mu, log_var: np.mean(_bce(a, x).sum(1)),
                "That is the autoencoder's loss: one term is missing.",
            ),
            Wrong(
                lambda a, x, mu, log_var: np.mean(_bce(-a, x).sum(1) + _kl(mu, log_var)),
                "A large logit means a dark pixel: look at which term goes with x.",
            ),
        ],
        hint="One number for each image first: cross-entropy summed over pixels, plus the KL. Then the mean.",
    ),
    Exercise(
        name="07a.beta",
        solution=_BETA,
        wrong=[
            Wrong(_BETA | {"a": 1.0}, "In a both are means, but over different numbers of dimensions."),
            Wrong(_BETA | {"a": 1 / 64}, "In a the ratio is upside down: which term was divided by more?"),
            Wrong(_BETA | {"a": 1024.0}, "In a the KL is divided as well."),
            Wrong(_BETA | {"a": 1 / 16}, "In a the pixels are divided as well."),
            Wrong(_BETA | {"b": 1.0}, "In b one of the two terms is not averaged over the batch."),
            Wrong(_BETA | {"b": 1 / 128}, "In b the term that is summed over the batch weighs more, not less."),
            Wrong(_BETA | {"c": 1024.0}, "In c the normal likelihood has a factor in front of the squared error."),
            Wrong(_BETA | {"c": 2048.0}, "In c the factor of the normal likelihood goes the other way."),
            Wrong(_BETA | {"c": 65536.0}, "In c both terms are averaged over the batch."),
        ],
        hint="Write each loss as a factor times (reconstruction summed + beta times KL summed), then read beta.",
    ),
    Exercise(
        name="07a.bound",
        solution=_bound,
        inputs=_LOG_WEIGHTS,
        wrong=[
            Wrong(lambda log_w: log_w.mean(0), "A mean of logarithms: that is the ELBO. The average belongs inside."),
            Wrong(
                lambda log_w: _bound(log_w) + np.log(len(log_w)),
                "The logarithm of a sum; with more samples it would grow without end.",
            ),
            Wrong(
                lambda log_w: _bound(log_w.T), "The average runs over the samples of one image, not over the images."
            ),
            Wrong(lambda log_w: log_w.max(0), "The best sample alone is no bound: what do the others contribute?"),
            Wrong(lambda log_w: _bound(log_w) - np.log(len(log_w)), "The number of samples is divided out twice."),
            Wrong(lambda log_w: -_bound(log_w), "Mind the sign: the bound itself is asked for, not the loss."),
        ],
        hint="Subtract the largest log-weight before you take the exponential, and add it again at the end.",
    ),
]
