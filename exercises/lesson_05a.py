"""Exercises of lesson 05a: errors by eigenvalues, copies of a feature, wide data, a broken test error, Oja's neuron."""

import numpy as np

from . import Changed, Edit, Exercise, plain


def _wide_inputs():
    rng = np.random.default_rng(31)
    for n, d, m in ((6, 40, 2), (5, 12, 3)):
        yield rng.normal(size=(n, d)) * np.geomspace(3, 0.3, d) + rng.normal(size=d), m


def _up_to_sign(answer):
    """Call the function on wide data, and give every column the sign that makes its largest entry positive."""
    if not callable(answer):
        raise ValueError("give the function itself, without calling it")
    found = []
    for X, m in _wide_inputs():
        result = answer(X.copy(), m)
        if result is None or result is Ellipsis:
            return ...
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise ValueError("wide_pca(X, m) must return two things: the eigenvalues (m), and the components (d, m)")
        values, components = (plain(each) for each in result)
        for name, each, shape in (("eigenvalues", values, (m,)), ("components", components, (X.shape[1], m))):
            if not isinstance(each, np.ndarray) or each.shape != shape:
                got = each.shape if isinstance(each, np.ndarray) else type(each).__name__
                raise ValueError(f"the {name} must be an array {shape}; yours is {got}")
        largest = np.abs(components).argmax(axis=0)
        found += [values, components * np.sign(components[largest, np.arange(m)])]
    return found


def _square_and_new():
    """As many samples as features, so that swapping them changes no shape."""
    rng = np.random.default_rng(32)
    for d, m in ((7, 2), (5, 3)):
        turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
        centre, spread = 2 * rng.normal(size=d), np.geomspace(3, 0.2, d)
        yield (*(rng.normal(size=(n, d)) * spread @ turn + centre for n in (d, 4)), m)


def _samples():
    rng = np.random.default_rng(33)
    for n, d, rate, epochs in ((40, 3, 0.02, 2), (25, 4, 0.01, 3)):
        yield rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d), rate, epochs


EXERCISES = [
    Exercise(
        name="05a.errors",
        wrong=[
            Edit("1.5 + 0.4 + 0.1, 3", "(1.5 + 0.4 + 0.1) / 5, 3", "Summed over the features, not averaged over them."),
            Edit("1.5 + 0.4 + 0.1, 3", "5 + 3, 3", "The first number is what such a code keeps. What does it lose?"),
            Edit("3 + 0.4 + 0.1, 3,", "5 + 1.5, 3,", "The second number is what is kept by mistake."),
            Edit(
                "0.1, 3, 100",
                "0.1, 4, 100",
                "Add up the shares once more: is the third number the smallest that will do?",
            ),
            Edit("0.1, 3, 100", "0.1, 2, 100", "Add up the shares once more: is the third number large enough?"),
            Edit("100 * 2.0", "10 * 2.0", "The error is a mean of squares."),
            Edit("100 * 2.0", "2.0", "The errors are numbers in the units of the features."),
        ],
        hint="The error is the sum of the eigenvalues that are not kept.",
    ),
    Exercise(
        name="05a.copies",
        wrong=[
            Edit(
                "spectrum_of_copies[0], spectrum_of_copies[0] / 19",
                "1, 1 / 19",
                "What has a block of ones as its largest eigenvalue?",
            ),
            Edit(
                "spectrum_of_copies[0] / 19",
                "spectrum_of_copies[0] / 10",
                "How large is the total variance of all columns?",
            ),
            Edit("0.95 * 19", "0.94 * 19", "Nearly: do so many really hold 95 %?"),
            Edit("/ 19, until", "/ 19, 19", "The copies add columns. Do they add directions?"),
        ],
        hint="K has a block of ones for the copies, and ones on the rest of its diagonal.",
    ),
    Exercise(
        name="05a.wide",
        measure=_up_to_sign,
        wrong=[
            Edit("X - X.mean(axis=0)", "X", "Centre first."),
            Edit(
                "X - X.mean(axis=0)",
                "X - X.mean(axis=1, keepdims=True)",
                "Which mean is subtracted: that of each feature?",
            ),
            Edit(" / np.sqrt(len(X) * eigenvalues)", "", "The directions are right; the columns must have length 1."),
            Edit("u[:, ::-1][:, :m]", "u[:, :m]", "The eigenvalues are in order, the eigenvectors are not."),
            Edit(
                "eigh(centred @ centred.T / len(X))", "eigh(centred @ centred.T / (len(X) - 1))", "Divided by n, here."
            ),
        ],
        hint="Multiply G u = λ u by the transposed centred matrix from the left, and compare with C w = λ w.",
    ),
    Exercise(
        name="05a.error_on_new",
        inputs=list(_square_and_new()),
        wrong=[
            Edit(", rowvar=False", "", "The mean is right. What does np.cov take for the features, rows or columns?"),
            Edit(
                "X_new - X.mean(axis=0)",
                "X_new - X_new.mean(axis=0)",
                "The components are right. Which mean does the encoder know?",
            ),
            Edit("[:, ::-1][:, :m]", "[:, :m]", "Both mistakes are mended, but now the smallest eigenvalues are kept."),
            Changed(
                lambda solution, X, X_new, m: solution(X, X_new, m) * X.shape[1],
                "Per entry: the mean over samples and features.",
            ),
        ],
        hint="Test np.cov on an array with more rows than columns, and look at its shape. Then ask what may be known of new data.",
    ),
    Exercise(
        name="05a.oja",
        inputs=list(_samples()),
        wrong=[
            Edit("(x - z * w)", "x", "That is Hebb's rule: watch the length of w."),
            Edit("(x - z * w)", "(x - w)", "How much is taken away depends on the output too."),
            Edit("X - X.mean(axis=0)", "X", "The samples are not centred."),
            Edit("rate * z * (x", "rate * (x", "The step is a product: what does the output multiply?"),
            Edit("np.eye(X.shape[1])[0]", "np.ones(X.shape[1])", "Begin where the text says."),
        ],
        hint="For each row in turn: the output of the neuron with its present weights, then one step.",
    ),
]
