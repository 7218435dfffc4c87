"""Exercises of lesson 07c: read a run, prices of a run, a broken price, a code that is worth its price."""

import itertools

import numpy as np

from . import Changed, Edit, Exercise


def _runs():
    """Arguments of price_range: R, D (n,) and a row; rims, a run above the rim, both ends."""
    R, D = np.array([0.0, 2.0, 3.0, 5.0]), np.array([10.0, 5.0, 4.9, 3.0])
    cases = [(R, D, i) for i in range(4)]
    cases.append((np.array([21.0, 3.0, 6.5, 11.0]), np.array([7.0, 19.5, 13.5, 10.0]), 2))
    cases.append((np.array([6.0, 2.0, 9.0]), np.array([4.0, 8.0, 5.0]), 0))
    return cases


def _prices():
    """Arguments of price_of: D (B,), units (B, m), step, rise, free; early, late, floors between the units' rates."""
    rng = np.random.default_rng(31)
    cases = []
    for step, rise, free in ((30, 120, 0.4), (300, 120, 0.0), (120, 120, 0.7)):
        cases.append((rng.gamma(5.0, 2.0, 6), rng.gamma(0.7, 0.8, (6, 4)), step, rise, free))
    return cases


def _measure_coins(answer):
    """Whether a writer of coins has a rate above 0.4 nats and -ELBO below 4.5, exact over the 256 sequences."""
    import torch
    import torch.nn.functional as F

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("hand in the trained network itself, a TorchWriter")
    every = np.array(list(itertools.product((0, 1), repeat=8)))
    heads = every.sum(axis=1)
    share = 0.5 * (0.85**heads * 0.15 ** (8 - heads) + 0.15**heads * 0.85 ** (8 - heads))
    x = torch.from_numpy(np.eye(2, dtype="float32")[every])
    net, D = answer.cpu().float().eval(), 0.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(32)
    with torch.no_grad():
        for node, weight in zip(nodes, weights / weights.sum()):
            try:
                out, mu, log_var = net(x, torch.full((256, 1), float(node)))
                log_p = F.log_softmax(out, 2)
                D = D - weight * (x * log_p).sum((1, 2)).numpy()
            except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
                raise ValueError(
                    "called with throws (n, 8, 2) and noise (n, 1) it must return scores, mu and log_var, as TorchWriter(8, 2, k) does"
                ) from None
        R = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1).numpy()
    return {"R above 0.4": bool(R @ share > 0.4), "-ELBO below 4.5": bool((D + R) @ share < 4.5)}


EXERCISES = [
    Exercise(
        name="07c.run",
        wrong=[
            Changed(lambda solution: [solution[1], solution[0], *solution[2:]], "The two ends of D are exchanged."),
            Changed(
                lambda solution: [78.0, 70.0, *solution[2:]],
                "Between the distortions of the other two is right, and too weak: compare J at each of the three prices.",
            ),
            Changed(
                lambda solution: [solution[0], 72.0, *solution[2:]],
                "That the run at β = 2 is satisfied is one of two conditions for the smallest D.",
            ),
            Changed(
                lambda solution: [*solution[:2], 78.0 + 2 * 12, solution[3]],
                "That is the loss at its own price. In the bound a nat of rate costs one nat.",
            ),
            Changed(
                lambda solution: [*solution[:3], -solution[3]],
                "How much dearer is the other run? At its own price nobody beats the run of that price.",
            ),
            Changed(
                lambda solution: [*solution[:3], (70 + 0.5 * 20) - (78 + 0.5 * 12)],
                "The regret is asked for at the price 2: both runs are charged that price.",
            ),
        ],
        hint="Write down for each of the three prices that the run of this price is not dearer than the others.",
    ),
    Exercise(
        name="07c.price_range",
        inputs=_runs(),
        wrong=[
            Edit(
                "slopes = (D[others] - D[i]) / (R[i] - R[others])",
                "slopes = (D[others] - D[i]) / (R[others] - R[i])",
                "The curve falls and prices are positive: look at the sign of the slope.",
            ),
            Edit(
                "max([0.001, *slopes[R[others] > R[i]]])",
                "max([0.001, *slopes[R[others] < R[i]]])",
                "Which neighbours bound the price from below, those with more rate or with less?",
            ),
            Edit(
                "min([1000.0, *slopes[R[others] < R[i]]])",
                "max([0.001, *slopes[R[others] < R[i]]])",
                "All others must be beaten at once: which of several upper ends counts?",
            ),
            Edit(
                "(low, high) if low <= high else (0.0, 0.0)",
                "(low, high)",
                "Not every run is best somewhere: what if the lowest price is above the highest?",
            ),
        ],
        hint="For each other run: at which price do the two cost the same, and on which side of it is run i the cheaper one?",
    ),
    Exercise(
        name="07c.price",
        inputs=_prices(),
        wrong=[
            Edit("min(1.0, step / rise)", "step // rise", "Print β for a few steps: is it a line?"),
            Edit("min(1.0, step / rise)", "step / rise", "Print β long after the warm-up."),
            Edit(
                "np.maximum(units.mean(axis=0), free)",
                "np.minimum(units.mean(axis=0), free)",
                "A rate below the floor must not be worth lowering: which of the two numbers is paid then?",
            ),
            Edit(
                "np.maximum(units.mean(axis=0), free)",
                "np.maximum(units, free).mean(axis=0)",
                "The floor holds for a unit's mean over the batch, and not for each example.",
            ),
            Edit("paid.sum()", "paid.mean()", "What do two units cost that say the same as one each?"),
        ],
        hint="Take one unit and two examples, and follow β, the floor and the sum by hand.",
    ),
    Exercise(
        name="07c.coins",
        measure=_measure_coins,
        wrong=[
            Edit(
                "TorchWriter(8, 2, 0)",
                "TorchWriter(8, 2, 7)",
                "Its bound may be fine, but does the code speak? What is a code worth to this decoder?",
            ),
            Edit("epochs=40", "epochs=1", "It has hardly been trained: how far is its bound from the evidence?"),
        ],
        hint="Print R and the bound over all sequences: which of the two is short, and which decoder needs the coin?",
    ),
]
