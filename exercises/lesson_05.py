"""Exercises of lesson 05: a covariance matrix, losses by eigenvalues, a PCA reconstruction, the axes of a network."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong, plain


def _samples():
    """One matrix with as many rows as columns, so that swapping them changes no shape, and one with more rows."""
    rng = np.random.default_rng(21)
    return [(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d),) for n, d in ((5, 5), (9, 3))]


def _known_and_new():
    rng = np.random.default_rng(22)
    for d, m in ((6, 2), (5, 3)):
        turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
        centre, spread = 2 * rng.normal(size=d), np.geomspace(3, 0.2, d)
        yield (*(rng.normal(size=(n, d)) * spread @ turn + centre for n in (d, 4)), m)


def _trained_decoders():
    """Centred samples and a decoder that spans their first m components, along axes of its own."""
    rng = np.random.default_rng(23)
    for d, m in ((6, 2), (5, 3)):
        X = rng.normal(size=(60, d)) * np.geomspace(3, 0.3, d) @ np.linalg.qr(rng.normal(size=(d, d)))[0]
        X -= X.mean(axis=0)
        components = np.linalg.svd(X, full_matrices=False)[2][:m].T
        yield X, components @ rng.normal(size=(m, m))


def _up_to_sign(answer):
    """Call the function on each trained decoder and give every column the sign that makes its largest entry positive."""
    if not callable(answer):
        raise ValueError("give the function itself, without calling it")
    found = []
    for X, W_d in _trained_decoders():
        W = answer(X.copy(), W_d.copy())
        if W is None or W is Ellipsis:
            return ...
        W = plain(W)
        if not isinstance(W, np.ndarray) or W.shape != W_d.shape:
            found = W.shape if isinstance(W, np.ndarray) else type(W).__name__
            raise ValueError(f"axes(X, W_d) must return an array like W_d, one component per column; yours is {found}")
        largest = np.abs(W).argmax(axis=0)
        found.append(W * np.sign(W[largest, np.arange(W.shape[1])]))
    return found


def _standardised(solution, known, new, count):
    spread = known.std(axis=0)
    return solution(known / spread, new / spread, count) * spread


EXERCISES = [
    Exercise(
        name="05.covariance",
        inputs=_samples(),
        wrong=[
            Edit("samples - samples.mean(axis=0)", "samples", "The columns are not centred: what is subtracted first?"),
            Edit(
                "samples.mean(axis=0)",
                "samples.mean(axis=1, keepdims=True)",
                "You centred each sample. Which axis runs over the samples?",
            ),
            Wrong(
                lambda X: np.cov(X), "Rows and columns are swapped: np.cov takes rows as variables unless told not to."
            ),
            Wrong(lambda X: np.cov(X, bias=True), "Rows and columns are swapped: np.cov takes rows as variables."),
            Wrong(lambda X: np.cov(X, rowvar=False), "Right but for a factor: by what does np.cov divide?"),
            Wrong(lambda X: np.corrcoef(X, rowvar=False), "That is the correlation matrix: nothing is to be scaled."),
            Wrong(lambda X: np.corrcoef(X), "That is a correlation matrix, and of the rows."),
            Wrong(lambda X: X @ X.T / len(X), "That compares samples; which side does the transposed matrix go to?"),
            Edit(" / len(samples)", "", "The sum is right. It has to become a mean."),
        ],
        hint="Centre the columns, then multiply the transposed matrix with itself, then divide.",
    ),
    Exercise(
        name="05.losses",
        atol=5e-3,
        wrong=[
            Wrong([8.0, 6.5, 0.8], "These two are the variances kept. The loss is what is left out."),
            Wrong([0.4, 0.7, 0.8], "The loss is summed over the features here, not averaged over them."),
            Wrong(
                [2.0, 2.0, 0.8], "The saddle keeps another eigenvector than the minimum does, and leaves out another."
            ),
            Wrong([2.0, 3.5, 0.2], "The third number asks for the share kept."),
            Wrong([2.0, 4.9, 0.8], "On the saddle, eigenvectors 1 and 3 are both in use."),
            Wrong([2.0, 3.5, 8.0], "A share is a part of the total variance."),
        ],
        hint="Write down which eigenvalues are left out, once for {1, 2} and once for {1, 3}.",
    ),
    Exercise(
        name="05.reconstruct",
        inputs=list(_known_and_new()),
        wrong=[
            Edit(
                "known.mean(axis=0)",
                "np.zeros(known.shape[1])",
                "Nothing is centred: PCA's plane goes through the mean, not 0.",
            ),
            Edit(
                "known.mean(axis=0)",
                "new.mean(axis=0)",
                "New samples are centred with the mean that was fitted, not their own.",
            ),
            Edit(
                "_, _, directions = np.linalg.svd(known - centre, full_matrices=False)",
                "directions = np.linalg.eigh(np.cov(known))[1].T[::-1]",
                "Rows and columns are swapped in np.cov.",
            ),
            Changed(_standardised, "You standardised: that is PCA of the correlation matrix."),
            Edit(
                "directions[:count]",
                "directions[::-1][:count]",
                "eigh sorts ascending: you kept the smallest eigenvalues.",
            ),
            Edit("centre + (new", "(new", "The mean was subtracted; it has to come back at the end."),
        ],
        hint="Mean of X, eigenvectors of the covariance of X, project the centred X_new, add the mean.",
    ),
    Exercise(
        name="05.axes",
        measure=_up_to_sign,
        wrong=[
            Wrong(
                lambda X, W_d: W_d / np.linalg.norm(W_d, axis=0),
                "The decoder's columns are skew. Scaling does not turn them.",
            ),
            Edit("plane @ rotation[:, ::-1]", "plane", "Orthonormal, in the right plane, and still turned: use X too."),
            Wrong(
                lambda X, W_d: np.linalg.svd(W_d, full_matrices=False)[0],
                "The SVD of W_d alone knows nothing of the data's variances.",
            ),
            Edit("rotation[:, ::-1]", "rotation", "The right axes in the wrong order: eigh sorts ascending."),
            Edit("np.linalg.qr(decoder)[0]", "decoder", "Make the columns orthonormal before you do PCA in the plane."),
        ],
        hint="An orthonormal basis of the plane, the data's coordinates in it, PCA of those, and back to d dimensions.",
    ),
]
