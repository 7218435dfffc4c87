"""Exercises of lesson 07d: three limits, a broken MIG, the other magnet, who raises the alarm."""

import numpy as np

from . import Changed, Edit, Exercise


def _codes():
    """Arguments of gap: mu, log_var (n, m), factors (n, k), eps (n, m); with a dead unit, and factors of unequal size."""
    rng = np.random.default_rng(29)
    cases = []
    for levels, m in (((4, 3), 3), ((6, 2, 3), 4)):
        v = np.stack([rng.integers(0, size, 400) for size in levels], axis=1)
        mu = np.hstack([v[:, :2] * 1.0, 0.001 * v[:, :1] + 0.001 * rng.standard_normal((400, 1))])
        mu = np.hstack([mu, v.sum(axis=1, keepdims=True) * 1.0])[:, :m]
        log_var = np.full(mu.shape, -2.0)
        log_var[:, 2] = 0.0
        cases.append((mu, log_var, v, rng.standard_normal(mu.shape)))
    return cases


def _antiferromagnet():
    """States (n, 64) of 0 and 1 of an 8 x 8 antiferromagnet at temperatures from 1.5 to 3.5, and their order parameter."""
    rng = np.random.default_rng(31)
    T = np.repeat(np.linspace(1.5, 3.5, 11), 60)[:, None, None]
    spins = rng.choice([-1.0, 1.0], (len(T), 1, 1)) * np.ones((1, 8, 8))
    black = np.add.outer(np.arange(8), np.arange(8)) % 2 == 0
    for _ in range(100):
        for colour in (black, ~black):
            around = sum(np.roll(spins, step, axis) for step in (1, -1) for axis in (1, 2))
            flip = rng.random(spins.shape) < np.exp(-2 * spins * around / T)
            spins = np.where(flip & colour, -spins, spins)
    staggered = spins.mean(axis=(1, 2))
    states = (spins * np.where(black, 1, -1)).reshape(-1, 64)
    return ((states + 1) / 2).astype("float32"), staggered


def _measure_magnet(answer):
    """Whether the unit with the largest rate is the order parameter, and whether it alone lives."""
    import torch
    from scipy.stats import spearmanr

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("hand in the trained network itself, a PyTorch module")
    net = answer.cpu().float().eval()
    x, order = _antiferromagnet()
    with torch.no_grad():
        try:
            logits, mu, log_var = net(torch.from_numpy(x))
        except (RuntimeError, TypeError, ValueError):
            raise ValueError("called with states (n, 64) it must return three: logits, mu and log_var") from None
    if logits.shape != (len(x), 64) or mu.shape != log_var.shape or mu.ndim != 2 or mu.shape[1] < 2:
        raise ValueError("logits must have the shape (n, 64), mu and log_var one shape (n, m) with m of two or more")
    rates = (-0.5 * (1 + log_var - mu**2 - log_var.exp())).mean(0).numpy()
    lead = int(rates.argmax())
    rank = abs(spearmanr(mu[:, lead].numpy(), order)[0])
    return {"order parameter": bool(rank > 0.95), "one alone lives": bool(np.sort(rates)[-2] < 0.3)}


EXERCISES = [
    Exercise(
        name="07d.limits",
        atol=1e-3,
        wrong=[
            Changed(lambda solution: [-0.25, *solution[1:]], "How many neighbour pairs are there for each place?"),
            Changed(lambda solution: [0.5, *solution[1:]], "Spins that agree lower the energy: mind the sign."),
            Changed(lambda solution: [-1.0, *solution[1:]], "Each pair counts once, not from both of its ends."),
            Changed(
                lambda solution: [
                    solution[0],
                    np.mean([1.2 / np.log(12), 0.3 / np.log(12), 3.0 / np.log(5)]),
                    solution[2],
                ],
                "A unit cannot know more of a factor than there is to know.",
            ),
            Changed(lambda solution: [solution[0], 1.0, solution[2]], "Two of the three rates are below the entropy."),
            Changed(
                lambda solution: [solution[0], 1.5, solution[2]],
                "A gap is counted as a share of the factor's entropy.",
            ),
            Changed(lambda solution: [*solution[:2], -15.0], "The sign: a free energy is U minus T times an entropy."),
            Changed(lambda solution: [*solution[:2], -30.0], "The entropy is multiplied by the temperature."),
        ],
        hint="Pairs for each place; rate and entropy, whichever is smaller; U minus T times the bound.",
    ),
    Exercise(
        name="07d.gap",
        inputs=_codes(),
        wrong=[
            Edit("np.exp(0.5 * log_var)", "np.exp(log_var)", "Noise is stretched by a deviation."),
            Edit(
                "for unit in z.T]",
                "for unit in mu.T]",
                "Which numbers are binned, and what does a dead unit then know?",
            ),
            Edit(
                "axis=1)  ",
                "axis=0)  ",
                "The best unit is to be found for each factor: along which axis lie the units?",
            ),
            Edit(" / entropy)", ")", "The result lies between 0 and 1: divided by what?"),
        ],
        hint="Follow one factor by hand: draw, bin, count, rank the units, divide.",
    ),
    Exercise(
        name="07d.train",
        measure=_measure_magnet,
        wrong=[
            Edit(
                "4.0, 25, peak",
                "0.1, 25, peak",
                "Count the rates of the units: how many live, and what decides it?",
            ),
            Edit("% 2 == 0, 1, -1)", "% 2 == 0, 1, 1)", "Look at one cold state: do neighbours differ?"),
        ],
        hint="Print the rate of each unit, and the rank correlation of the largest with the order parameter.",
    ),
    Exercise(
        name="07d.alarms",
        wrong=[
            Changed(
                lambda solution: [2, *solution[1:]], "By D alone the floor counts fully: look at the last picture."
            ),
            Changed(
                lambda solution: [solution[0], 3, solution[2]], "Without the floor: which has most nats beyond its own?"
            ),
            Changed(lambda solution: [*solution[:2], 2], "For the last score divide every row by its ink."),
            Changed(lambda solution: [*solution[:2], 0], "For the last score much ink is no reason for an alarm."),
        ],
        hint="Three columns of four numbers, then the largest of each.",
    ),
]
