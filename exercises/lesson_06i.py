"""Exercises of lesson 06i: two thresholds, a broken study, a wearer's detector, a recall."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _study_inputs():
    rng = np.random.default_rng(21)
    for n in (60, 99):
        mixing = rng.standard_normal((3, 8))

        def normal(rows, mixing=mixing):
            return rng.standard_normal((rows, 3)) @ mixing + 0.3 * rng.standard_normal((rows, 8))

        odd = rng.standard_normal((40, 8)) * 0.8
        yield normal(20), normal(n), np.concatenate([normal(60), odd]), 3


def _normal_beats():
    """The normal beats of minutes 12 to 15 of record 101, as the lesson cuts them: (n, 66)."""
    from course_lib import data

    record = data.ecg_beats()[1]
    slow = record.signal[: len(record.signal) // 6 * 6, 0].reshape(-1, 6).mean(axis=1)
    slow = slow - np.median(slow[: 12 * 60 * 60])
    at, minute = record.beat_samples // 6, record.beat_samples / 360 / 60
    usable = (np.arange(len(at)) >= 6) & (at >= 45) & (at + 21 <= len(slow)) & (record.beat_labels == "N")

    def windows(low, high):
        rows = at[usable & (minute >= low) & (minute < high)]
        return np.stack([slow[i - 45 : i + 21] for i in rows])

    return (windows(12, 15) / windows(0, 12).std()).astype("float32")


def _wearer(answer):
    """Whether a trained DenseStack copies the held-out beats of record 101, and whether its threshold is the promised."""
    import torch

    if not isinstance(answer, dict) or set(answer) != {"net", "tau"}:
        raise ValueError("give a dictionary with the trained network and its threshold: {'net': …, 'tau': …}")
    net, tau = answer["net"], answer["tau"]
    if any(part is None or part is Ellipsis for part in (net, tau)):
        return None
    if not isinstance(net, torch.nn.Module):
        raise ValueError("'net' is the trained stack itself: DenseStack(1), as train_stack returns it")
    if not np.isscalar(tau) and np.ndim(tau) != 0:
        raise ValueError("'tau' is one number: the threshold")
    x = torch.from_numpy(_normal_beats())
    with torch.no_grad():
        copies = net(x[None].to(next(net.parameters()).device)).cpu()
    if tuple(copies.shape) != (1, *x.shape):
        raise ValueError(f"a stack of one network is asked for; yours gives {tuple(copies.shape)}")
    errors = (copies[0] - x).square().mean(dim=1).numpy()
    k = int(0.01 * (len(errors) + 1))
    return {
        "error below 0.004": bool(errors.mean() < 0.004),
        "the promised threshold": bool(abs(float(tau) / np.sort(errors)[-k] - 1) < 1e-3),
    }


EXERCISES = [
    Exercise(
        name="06i.shares",
        rtol=1e-6,
        wrong=[
            Wrong(
                {"numpy": 0.005, "threshold": 0.005}, "Both miss it. Which rank from the top does each of them take?"
            ),
            Wrong({"numpy": 1 / 201, "threshold": 1 / 201}, "np.quantile interpolates: its rank is no whole number."),
            Wrong(
                {"numpy": 1.995 / 200, "threshold": 1 / 200},
                "A new score has n + 1 ranks to fall on, not n.",
            ),
            Wrong({"numpy": 199.5, "threshold": 1}, "Those are ranks or places; shares are asked for."),
            Changed(
                lambda solution: {name: 100 * value for name, value in solution.items()},
                "As shares, not in percent.",
            ),
        ],
        hint="First the rank from the top that each rule takes, then divide by n + 1.",
    ),
    Exercise(
        name="06i.mended",
        inputs=list(_study_inputs()),
        wrong=[
            Edit(
                "principal_axes(normal_x, m)",
                "principal_axes(np.concatenate([normal_x, judged_x]), m)",
                "The model has seen the windows that it is to judge.",
            ),
            Edit(
                "centre, directions, known_x)",
                "centre, directions, normal_x)",
                "The model has been fitted to the windows that set its threshold.",
            ),
            Edit(
                "centre, directions, known_x)",
                "centre, directions, judged_x)",
                "The windows to be judged set the threshold: who knows that they are normal?",
            ),
            Edit(
                "threshold(pca_errors(centre, directions, known_x), 0.05)",
                "np.quantile(pca_errors(centre, directions, known_x), 0.95)",
                "Right windows, but this quantile does not keep its promise: see section 3.",
            ),
            Edit("> tau", "< tau", "An alarm is a score above the threshold."),
        ],
        hint="Three questions: what was the model fitted to, which windows set the threshold, and what did min add?",
    ),
    Exercise(
        name="06i.wearer",
        measure=_wearer,
        wrong=[
            Edit(
                "steps=2500", "steps=30", "The threshold is right for this network, but it copies badly: train longer."
            ),
            Edit(
                "errors_of(longer, to_hold)",
                "errors_of(longer, to_learn)",
                "The network copies well; which beats may set its threshold?",
            ),
        ],
        hint="Look at the mean of errors_of on the normal beats of minutes 12–15, then take their threshold.",
    ),
    Exercise(
        name="06i.recall",
        inputs=[(22,), (5,), (300,)],
        wrong=[
            Changed(lambda solution, a: 1 - solution(a), "That is the share missed."),
            Wrong(lambda a: 1 - 0.05 / a, "Near, but a power was to be solved for, not a product."),
            Wrong(lambda a: 0.95 ** (1 / a), "The probability is 5 %: of which event?"),
            Wrong(
                lambda a: 1 - 3 / a, "The rule of three is a good approximation for large numbers; solve it exactly."
            ),
            Wrong(lambda a: 0.05**a, "You raised 0.05; the recall is what is raised to a power."),
        ],
        hint="With recall q, what is the probability of finding the first, the second, …, all of them?",
    ),
]
