"""Exercises of lesson 06g: three ranks, a broken sum of parts, training by parts, reasons."""

import numpy as np

from . import Edit, Exercise, Wrong, plain


def _regressions():
    """A linear model's weights w (d,), samples x (n, d) and targets y (n,), and a size that does or does not divide n."""
    rng = np.random.default_rng(61)
    for n, d, size in ((100, 3, 25), (100, 3, 30), (17, 2, 5), (4, 2, 9)):
        yield rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=n), size


def _trained_by_parts(answer):
    """Call the function with one part and with three, and return what the trained autoencoder does to a vector."""
    if not callable(answer):
        raise ValueError("give the function itself, without calling it")
    rng = np.random.default_rng(67)
    x = rng.normal(size=(40, 4)) * [2.0, 1.5, 0.7, 0.3]
    W_e, W_d = 0.3 * rng.normal(size=(2, 4)), 0.3 * rng.normal(size=(4, 2))
    found = {}
    for words, cuts in (("one part", []), ("three parts", [25, 37])):
        trained = answer([part.copy() for part in np.split(x, cuts)], W_e.copy(), W_d.copy())
        if trained is None or trained is Ellipsis:
            return ...
        if not isinstance(trained, list | tuple) or len(trained) != 2:
            raise ValueError("return the two matrices, [W_e, W_d]")
        encoder, decoder = plain(trained[0]), plain(trained[1])
        shapes = [getattr(matrix, "shape", None) for matrix in (encoder, decoder)]
        if shapes != [(2, 4), (4, 2)]:
            raise ValueError(f"W_e must be (m, d) and W_d (d, m), here (2, 4) and (4, 2); yours are {shapes}")
        found[words] = decoder @ encoder
    return found


EXERCISES = [
    Exercise(
        name="06g.ranks",
        rtol=1e-3,
        wrong=[
            Wrong([0.4, 2.0, 1.5], "Which of the two shares its third with fewer images?"),
            Wrong([1.0, 2.0, 1.5], "Each rank has a third of the weight. How many images share it?"),
            Wrong([2.5, 1.5, 2.0], "The two means have changed places."),
            Wrong([2.5, 2.0, 2.0], "In the mean over the images each image counts once."),
            Wrong([2.5, 1.5, 1.5], "The mean of the means gives each rank the same weight."),
        ],
        hint="Write down the weight of one image on each rank, for both kinds of mean.",
    ),
    Exercise(
        name="06g.parts",
        inputs=list(_regressions()),
        wrong=[
            Edit(
                "(x[rows] @ w - y[rows])     #",
                "(x[rows] @ w - y[rows]) / len(x[rows]) * size #",
                "One of the two is mended. How much may a sample of the last part count?",
            ),
            Edit(
                "range(0, len(x), size)",
                "range(0, len(x) - size + 1, size)",
                "One of the two is mended. Are all samples used?",
            ),
            Edit("total / len(x)", "total", "That is the gradient of the sum; the mean's is asked for."),
            Edit("total / len(x)", "total / (len(x) // size * size or 1)", "By how many samples do you divide?"),
        ],
        hint="Try it with n = 5 and size = 2, and write down which samples enter, and with which weight.",
    ),
    Exercise(
        name="06g.train",
        measure=_trained_by_parts,
        rtol=1e-6,
        atol=1e-6,
        wrong=[
            Edit(
                "len(part) / total * nn.functional.mse_loss",
                "1 / len(parts) * nn.functional.mse_loss",
                "Right for one part. With several, does each sample count as much as every other?",
            ),
            Edit(
                "len(part) / total * nn.functional.mse_loss",
                "nn.functional.mse_loss",
                "The parts' means are added: what should be their weights?",
            ),
            Edit(
                "            loss.backward()\n        sgd.step()",
                "            loss.backward()\n            sgd.step()",
                "One step of the optimiser belongs to all parts together.",
            ),
            Edit(
                "            x = torch",
                "            sgd.zero_grad()\n            x = torch",
                "Only the last part's gradient is left when the step is taken.",
            ),
            Edit("range(300)", "range(30)", "Not as many steps as asked for."),
            Edit("lr=0.1", "lr=0.01", "Not the rate that is asked for."),
        ],
        hint="Compare a training with one part and one with three: they must agree. Then look at rate and steps.",
    ),
    Exercise(
        name="06g.reasons",
        wrong=[
            Wrong("ABDE", "What does DDP do with the weights when it gets the net?"),
            Wrong("BD", "What does the sampler do with an odd number of rows and two ranks?"),
            Wrong("BCDE", "Over what does layer normalisation take its mean?"),
            Wrong("BE", "Means of unequal parts, averaged: see section 3."),
            Wrong("BDEF", "Equal parts and a mean: see section 3."),
            Wrong("DE", "Which layer looks at the other samples of its part?"),
        ],
        hint="Go through the three things of section 6 that must hold, and ask of each letter which one it breaks.",
    ),
]
