"""Exercises of lesson 02c: cuts and clips by hand, a clip that looks first, coins, a careless walk, a longer mean."""

import numpy as np

from . import Edit, Exercise, Wrong


def _clip_inputs():
    rng = np.random.default_rng(5)
    overflow = rng.standard_normal((2, 2))
    overflow[0, 1] = np.inf
    return [
        ([rng.standard_normal((3, 2)), 4 * rng.standard_normal(5), rng.standard_normal(1)], 1.0),
        ([np.array([0.1, -0.2]), np.array([[0.05]])], 1.0),
        ([np.array([3.0, 0.0]), np.array([0.0, 4.0])], 2.0),
        ([rng.standard_normal(3), overflow], 1.0),
    ]


def _valley(point):
    """A steep valley: the mean of its two terms differs in scale by a hundred."""
    return 50 * (point[0] - 1) ** 2 + 0.5 * (point[1] + 1) ** 2


def _longer_mean(n, steps, seed):
    x = np.random.default_rng(seed).standard_normal((n, steps, 1)).astype("float32")
    y = np.zeros_like(x)
    for t in range(steps):
        y[:, t] = 0.98 * (y[:, t - 1] if t else 0) + np.sqrt(1 - 0.98**2) * x[:, t]
    return x, y


def _measure_longer(answer):
    """Whether a trained PyTorch network follows a mean over about 50 steps on streams that it has not seen."""
    import torch

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself, for example longer_net = Follower(24), trained")
    if not hasattr(answer, "rnn"):
        raise ValueError("a Follower is expected, with its layer .rnn and a state that goes in and comes out")
    x, y = _longer_mean(16, 500, seed=77)
    device = next(answer.parameters()).device
    state = torch.zeros(len(x), answer.rnn.hidden_size, device=device)
    try:
        with torch.no_grad():
            found = answer(torch.from_numpy(x).to(device), state)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"it cannot read streams (16, 500, 1) and a state (16, h): {error}") from None
    if not isinstance(found, tuple) or tuple(found[0].shape) != y.shape:
        raise ValueError("it must return the predictions (B, T, 1) and the last state, as a Follower does")
    error = float(((found[0].cpu().numpy() - y)[:, 200:] ** 2).mean())
    return {"better than saying 0": error < 0.8, "below 0.35": error < 0.35}


EXERCISES = [
    Exercise(
        name="02c.numbers",
        atol=0.011,
        rtol=0.0,
        wrong=[
            Wrong(
                [1.44, 1.44, 5.0, 7.07], "(a) and (b): the weight is used three times with a state that is not zero."
            ),
            Wrong([2.0, 1.56, 5.0, 7.07], "(b): the border hides one use of the weight. Which one lies before it?"),
            Wrong([2.0, 1.44, 5.0, 7.07], "(b): a window of two steps still holds two uses of the weight."),
            Wrong([2.0, 1.89, 5.0, 5.0], "(d): each variable is shortened by itself; their lengths add by squares."),
            Wrong([2.0, 1.89, 7.07, 5.0], "(c) and (d): which of the two clips each variable by itself?"),
            Wrong([2.0, 1.89, 5.0, 10.0], "(d): both norms are above the limit. What is each afterwards?"),
        ],
        hint="(a) h_3 + w h_2 + w² h_1. (c) one factor for both; (d) one factor for each.",
    ),
    Exercise(
        name="02c.clip",
        inputs=_clip_inputs(),
        wrong=[
            Edit(
                "max(norm, 1e-300)",
                "max(np.linalg.norm(g), 1e-300)",
                "Each array has its own norm here: that is Keras's clipnorm. One norm for all.",
            ),
            Wrong(
                lambda gradients, limit: [
                    np.clip(g, -limit, limit) if all(np.isfinite(a).all() for a in gradients) else 0 * np.ones_like(g)
                    for g in gradients
                ],
                "That clips every entry, and turns the gradient. Keep its direction.",
            ),
            Edit(
                "min(1, limit / max(norm, 1e-300))",
                "limit / max(norm, 1e-300)",
                "A gradient that is short enough must stay as it is.",
            ),
            Edit(
                "np.zeros_like(g) for g",
                "np.nan_to_num(g, posinf=limit) for g",
                "You mend the entry and step all the same. A gradient that has overflowed is not to be trusted: skip it.",
            ),
            Edit(
                "np.sqrt(sum((g**2).sum() for g in gradients))",
                "sum(np.linalg.norm(g) for g in gradients)",
                "Norms do not add up; their squares do.",
            ),
        ],
        hint="One number multiplies all arrays. It depends on the length of all of them laid end to end, if that is finite.",
    ),
    Exercise(
        name="02c.coins",
        inputs=[
            (np.random.default_rng(3).random((4, 6)), 0.5),
            (np.random.default_rng(4).random((3, 5)), 0.8),
        ],
        wrong=[
            Edit(
                "passes = u < p",
                "passes = np.repeat(u[:1] < p, len(u), axis=0)",
                "The mean is right now. But all borders of a draw fall together: which random numbers are used?",
            ),
            Edit("1 / p", "p", "The coins are independent now. What is the mean of the factor, p times its value?"),
            Edit("1 / p", "1.0", "Without a factor that is a plain random cut, whose mean is p, not 1."),
            Edit(
                "u < p",
                "u < 1 - p",
                "That passes with probability 1 − p. The mean is 1 only if chance and factor belong together.",
            ),
        ],
        hint="Write the mean of one factor as probability times value, and ask of each entry of u where it is used.",
    ),
    Exercise(
        name="02c.walk",
        inputs=[
            (_valley, [3.0, 2.0], 0.5, 0.1, 30),
            (_valley, [-1.0, 0.5], 0.01, 5.0, 20),
            (_valley, [1.2, 3.0], 0.005, 10.0, 20),
        ],
        wrong=[
            Edit(
                "        sgd.zero_grad()         # or gradients of all steps add up\n",
                "",
                "The clip stands where it should. What is in .grad before backward, from the second step on?",
            ),
            Edit(
                "        loss_of(point).backward()\n"
                "        nn.utils.clip_grad_norm_([point], limit)    # between backward and step\n",
                "        nn.utils.clip_grad_norm_([point], limit)\n        loss_of(point).backward()\n",
                "The gradients no longer add up. Which gradient does the clip see?",
            ),
            Edit(
                "nn.utils.clip_grad_norm_([point], limit)",
                "nn.utils.clip_grad_value_([point], limit)",
                "You clip every entry, and the path turns. Clip the norm.",
            ),
        ],
        hint="Go through one step in order: what does .grad hold before and after each line?",
    ),
    Exercise(
        name="02c.longer",
        measure=_measure_longer,
        wrong=[
            Edit(
                "longer_width, longer_steps, longer_window = 24, 8000, 25",
                "longer_width, longer_steps, longer_window = 24, 100, 50",
                "It does no better than somebody who always says 0. How many updates did it get?",
            ),
            Edit(
                "longer_width, longer_steps, longer_window = 24, 8000, 25",
                "longer_width, longer_steps, longer_window = 24, 400, 25",
                "It follows already, and is not near enough: more steps, another window or rate?",
            ),
        ],
        hint="Not near enough yet: more steps, an orthogonal start, another rate.",
    ),
]
