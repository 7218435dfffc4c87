"""Exercises of lesson 06f: three chains, Adam's epsilon, a broken study, a deep logistic net."""

import numpy as np

from . import Edit, Exercise, Wrong


def _study_inputs():
    rng = np.random.default_rng(16)
    for depths, rates, starts in ((4, 5, 5), (3, 4, 6)):
        val, test = rng.uniform(0.01, 0.05, (2, depths, rates, starts))
        counts = np.array([19_000, 25_000, 20_000, 18_000][:depths])
        yield val, test, counts, 20_000


def _measure_logistic(answer):
    """Whether a trained network is deep and logistic, has a narrow code, and copies digits."""
    import torch
    from torch import nn

    from course_lib import data

    if not isinstance(answer, nn.Module):
        raise ValueError("give the trained PyTorch network itself")
    x = data.mnist().split(train=1, validation=800, flat=False).validation[0]
    x = x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196).astype("float32")
    device = next((p.device for p in answer.parameters()), torch.device("cpu"))
    answer.eval()
    try:
        with torch.no_grad():
            rebuilt = answer(torch.from_numpy(x).to(device)).cpu().numpy()
    except RuntimeError:
        raise ValueError("small digits, (n, 196), must go in") from None
    if rebuilt.shape != x.shape:
        raise ValueError(f"small digits, (n, 196), must come out; yours gives {tuple(rebuilt.shape)}")
    parts = list(answer.modules())
    others = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Softplus, nn.Hardsigmoid)
    widths = [part.out_features for part in parts if isinstance(part, nn.Linear)]
    return {
        "seven sigmoids or more": sum(isinstance(part, nn.Sigmoid) for part in parts) >= 7,
        "no other activation": not any(isinstance(part, others) for part in parts),
        "a code of at most 16": min(widths, default=196) <= 16,
        "below 0.7 of the mean image": bool(np.mean((rebuilt - x) ** 2) < 0.7 * x.var(axis=0).mean()),
    }


EXERCISES = [
    Exercise(
        name="06f.chains",
        rtol=0.01,
        wrong=[
            Wrong([0.5**8, 0.5**8, -(0.5**8)], "A residual layer adds its input: what is its derivative?"),
            Wrong([0.5**8, 1 + 0.5**8, 1 - 0.5**8], "Every single layer adds its input, not the whole chain once."),
            Wrong([0.5**8, 1.5**8, 1.5**8], "Look at the sign in the third chain."),
            Wrong([4.0, 12.0, 4.0], "The chain rule multiplies."),
            Wrong([0.5**8, 1.5**8, -(0.5**8)], "By what is the gradient multiplied in each layer of the third chain?"),
        ],
        hint="Write the derivative of one layer, plain and residual; then use the chain rule eight times.",
    ),
    Exercise(
        name="06f.adam",
        rtol=0.01,
        wrong=[
            Wrong([1.0, 1.0, 1.0], "That is the limit of a gradient much larger than ε. Is it, in all three?"),
            Wrong([1e-7, 1e-7, 1e-7], "That is what SGD does. Adam divides."),
            Wrong([1.0, 0.5, 0.1], "Nearly: the last is not g over ε, there is a sum below."),
            Wrong([1e5, 1.0, 0.1], "The gradient's own size stands below as well, beside ε."),
        ],
        hint="Put the two numbers into g over (|g| + ε).",
    ),
    Exercise(
        name="06f.study",
        inputs=list(_study_inputs()),
        wrong=[
            Edit("best = val.mean", "best = test.mean", "On which digits may the rate be chosen?"),
            Edit(
                "at_best.mean(axis=1)",
                "at_best.min(axis=1)",
                "The best start of several is luck. What stands for the net?",
            ),
            Edit("[counts <= budget]", "", "Some of the nets have more parameters than the others may have."),
            Edit("val.mean(axis=2)", "val.min(axis=2)", "The rate is chosen by its luckiest start."),
            Edit("at_best = test[", "at_best = val[", "Choose on validation digits, and report on which?"),
        ],
        hint="Ask of each line: which digits, which statistic over the starts, which nets?",
    ),
    Exercise(
        name="06f.logistic",
        measure=_measure_logistic,
        wrong=[
            Edit(
                "nn.BatchNorm1d(n_out), nn.Sigmoid()",
                "nn.Sigmoid()",
                "It is deep and logistic, and it answers the mean image: look at the spread between images.",
            ),
            Edit(
                "nn.BatchNorm1d(n_out), nn.Sigmoid()",
                "nn.BatchNorm1d(n_out), nn.ReLU()",
                "It learns. Are its hidden layers logistic?",
            ),
            Edit("[196, 48, 48, 48, 16, 48, 48, 48]", "[196, 48, 16, 48]", "It learns. Has it six hidden layers?"),
            Edit("48, 48, 48, 16, 48", "48, 48, 48, 48, 48", "It learns. Where is its code of 16 numbers or fewer?"),
        ],
        hint="Which single change of section 8 or 9 keeps the signal alive in logistic layers? Then train long enough.",
    ),
]
