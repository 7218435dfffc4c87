"""Exercises of lesson 07e: the best guess of the noise, a broken walk back, bits of a dictionary, a ring."""

import numpy as np

from . import Changed, Edit, Exercise


def _falling(velocity, steps, n):
    """Arguments of walk_back: a velocity, points (n, 2) and falling angles."""
    return velocity, np.random.default_rng(31).standard_normal((n, 2)), np.linspace(1.5, 0.0, steps + 1)


def _pulls(x, phi):
    """A velocity that depends on place and angle."""
    return np.cos(phi) * np.tanh(x) - 0.4 * np.sin(2 * phi)


def _measure_ring(answer):
    """Whether 50 rotations with a network end on the ring of radius 1, and in all four quarters."""
    import torch

    if not isinstance(answer, torch.nn.Module) or not hasattr(answer, "velocity"):
        raise ValueError("hand in the trained network itself, a PyTorch module with velocity(x, phi)")
    net = answer.cpu().float().eval()
    x = torch.from_numpy(np.random.default_rng(32).standard_normal((2000, 2)).astype("float32"))
    phis = np.linspace(1.52, 0.0, 51)
    with torch.no_grad():
        for phi, smaller in zip(phis, phis[1:]):
            try:
                v = net.velocity(x, torch.full((len(x), 1), float(phi)))
            except (RuntimeError, TypeError, ValueError):
                raise ValueError("velocity must take points (n, 2) and angles (n, 1)") from None
            if v.shape != x.shape:
                raise ValueError("velocity must return two numbers for each point, (n, 2)")
            x_0, eps = np.cos(phi) * x - np.sin(phi) * v, np.sin(phi) * x + np.cos(phi) * v
            x = np.cos(smaller) * x_0 + np.sin(smaller) * eps
    radius = x.norm(dim=1)
    quarters = [float(((x[:, 0] > 0) == right).logical_and((x[:, 1] > 0) == up).float().mean())
                for right in (False, True) for up in (False, True)]  # fmt: skip
    on_ring = float(((radius > 0.8) & (radius < 1.2)).float().mean())
    return {"80 % on the ring": on_ring >= 0.8, "20 % in every quarter": min(quarters) >= 0.2}


EXERCISES = [
    Exercise(
        name="07e.guess",
        atol=5e-3,
        wrong=[
            Changed(
                lambda solution: [0.8 * 4, *solution[1:]], "The noise that was added has a variance, too: what is p_t?"
            ),
            Changed(
                lambda solution: [0.8 * 4 + np.sqrt(0.2), *solution[1:]], "Variances of independent numbers add up."
            ),
            Changed(
                lambda solution: [solution[0], -solution[1], *solution[2:]],
                "The score points to where data are dense: on which side of 3 is that?",
            ),
            Changed(
                lambda solution: [*solution[:2], -solution[2], solution[3]],
                "A point far out has probably been pushed outwards: which sign has its noise?",
            ),
            Changed(
                lambda solution: [*solution[:2], -0.2 * solution[1], solution[3]],
                "The score is multiplied by a deviation, not by a variance.",
            ),
            Changed(
                lambda solution: [*solution[:3], 3 - np.sqrt(0.2) * solution[2]],
                "The datum was shrunk as well as spoilt.",
            ),
        ],
        hint="First the variance of a sum of two independent normals, then its score, and then the formulas of section 2.",
    ),
    Exercise(
        name="07e.walk",
        inputs=[_falling(_pulls, 4, 5), _falling(_pulls, 9, 3)],
        wrong=[
            Edit("velocity(x, phi)", "velocity(x, smaller)", "At which angle is x when the network is asked?"),
            Edit(
                "x_0 = np.cos(phi) * x - np.sin(phi) * v",
                "x_0 = np.cos(phi) * x + np.sin(phi) * v",
                "Put x and v of section 3 into the guess of the datum: does the noise drop out?",
            ),
            Edit(
                "np.cos(smaller) * x_0 + np.sin(smaller)",
                "np.cos(phi) * x_0 + np.sin(smaller)",
                "The squares of the two factors of one point add up to 1.",
            ),
            Edit(
                "np.cos(smaller) * x_0 + np.sin(smaller) * eps",
                "np.cos(smaller) * x_0",
                "Where does the noise go that is left at the smaller angle?",
            ),
        ],
        hint="Take v from a known datum and a known noise, and follow one step by hand: you must stay on their arc.",
    ),
    Exercise(
        name="07e.bits",
        atol=0.1,
        wrong=[
            Changed(lambda solution: [9.0, *solution[1:]], "That is one word: how many has a picture?"),
            Changed(lambda solution: [49 * 512, *solution[1:]], "How many bits choose one of 512?"),
            Changed(lambda solution: [solution[0], solution[0], *solution[2:]], "The second answer is asked in nats."),
            Changed(
                lambda solution: [solution[0], 0.0, *solution[2:]],
                "The encoder is certain of one word and the prior is not: what is the divergence of the two?",
            ),
            Changed(
                lambda solution: [*solution[:2], 512, solution[3]],
                "The third counts the words in use, not those in the dictionary.",
            ),
            Changed(
                lambda solution: [*solution[:2], 7.0, solution[3]],
                "That is the entropy of the words in bits: the perplexity is its exponential.",
            ),
            Changed(
                lambda solution: [*solution[:3], solution[0]],
                "A prior that knows the frequencies spends nothing on words that never come.",
            ),
        ],
        hint="A choice among so many equally probable words takes the logarithm of their number, for each of the places.",
    ),
    Exercise(
        name="07e.ring",
        measure=_measure_ring,
        wrong=[
            Edit("epochs=25", "epochs=1", "It has hardly been trained: draw where its points end."),
            Edit(
                "2 * np.pi * ring_rng",
                "np.pi * ring_rng",
                "Draw its points beside the data that were asked for: how far round do they reach?",
            ),
        ],
        hint="Draw the points that it ends with: are they on the ring, and all around it?",
    ),
]
