"""Exercises of lesson 05: a covariance matrix, losses by eigenvalues, a PCA reconstruction, the axes of a network."""

import numpy as np

from . import Exercise, Wrong


def _covariance(X, *, centre=0, by=0):
    X = X if centre is None else X - X.mean(axis=centre, keepdims=True)
    return X.T @ X / (len(X) - by)


def _samples():
    """One matrix with as many rows as columns, so that swapping them changes no shape, and one with more rows."""
    rng = np.random.default_rng(21)
    return [(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d),) for n, d in ((5, 5), (9, 3))]


def _reconstruct(X, X_new, m, *, mean="known", scale=False, swapped=False, smallest=False, add=True):
    centre = {"known": X.mean(axis=0), "new": X_new.mean(axis=0), "none": np.zeros(X.shape[1])}[mean]
    spread = X.std(axis=0) if scale else np.ones(X.shape[1])
    known, new = (X - centre) / spread, (X_new - centre) / spread
    matrix = np.cov(X) if swapped else known.T @ known
    vectors = np.linalg.eigh(matrix)[1]
    basis = vectors[:, :m] if smallest else vectors[:, ::-1][:, :m]
    return (centre if add else 0) + new @ basis @ basis.T * spread


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


def _axes(X, W_d, *, way="right"):
    if way == "columns":
        return W_d / np.linalg.norm(W_d, axis=0)
    if way == "singular":
        return np.linalg.svd(W_d, full_matrices=False)[0]
    Q = W_d if way == "skew" else np.linalg.qr(W_d)[0]
    if way == "qr":
        return Q
    z = X @ Q
    turn = np.linalg.eigh(z.T @ z)[1]
    found = Q @ (turn if way == "ascending" else turn[:, ::-1])
    return found / np.linalg.norm(found, axis=0)


def _up_to_sign(answer):
    """Call the function on each trained decoder and give every column the sign that makes its largest entry positive."""
    if not callable(answer):
        raise ValueError("give the function itself, without calling it")
    found = []
    for X, W_d in _trained_decoders():
        W = answer(X.copy(), W_d.copy())
        if W is None or W is Ellipsis:
            return ...
        W = np.asarray(W, dtype=float)
        if W.shape != W_d.shape:
            raise ValueError(
                f"axes(X, W_d) must return an array like W_d, one component per column; yours is {W.shape}"
            )
        largest = np.abs(W).argmax(axis=0)
        found.append(W * np.sign(W[largest, np.arange(W.shape[1])]))
    return found


EXERCISES = [
    Exercise(
        name="05.covariance",
        solution=_covariance,
        inputs=_samples(),
        wrong=[
            Wrong(lambda X: _covariance(X, centre=None), "The columns are not centred: what is subtracted first?"),
            Wrong(lambda X: _covariance(X, centre=1), "You centred each sample. Which axis runs over the samples?"),
            Wrong(
                lambda X: np.cov(X), "Rows and columns are swapped: np.cov takes rows as variables unless told not to."
            ),
            Wrong(lambda X: np.cov(X, bias=True), "Rows and columns are swapped: np.cov takes rows as variables."),
            Wrong(lambda X: np.cov(X, rowvar=False), "Right but for a factor: by what does np.cov divide?"),
            Wrong(lambda X: np.corrcoef(X, rowvar=False), "That is the correlation matrix: nothing is to be scaled."),
            Wrong(lambda X: np.corrcoef(X), "That is a correlation matrix, and of the rows."),
            Wrong(lambda X: X @ X.T / len(X), "That compares samples; which side does the transposed matrix go to?"),
            Wrong(lambda X: _covariance(X) * len(X), "The sum is right. It has to become a mean."),
        ],
        hint="Centre the columns, then multiply the transposed matrix with itself, then divide.",
    ),
    Exercise(
        name="05.losses",
        solution=[2.0, 3.5, 0.8],
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
        solution=_reconstruct,
        inputs=list(_known_and_new()),
        wrong=[
            Wrong(
                lambda *a: _reconstruct(*a, mean="none"),
                "Nothing is centred: PCA's plane goes through the mean, not 0.",
            ),
            Wrong(
                lambda *a: _reconstruct(*a, mean="new"),
                "New samples are centred with the mean that was fitted, not their own.",
            ),
            Wrong(lambda *a: _reconstruct(*a, swapped=True), "Rows and columns are swapped in np.cov."),
            Wrong(lambda *a: _reconstruct(*a, scale=True), "You standardised: that is PCA of the correlation matrix."),
            Wrong(
                lambda *a: _reconstruct(*a, smallest=True), "eigh sorts ascending: you kept the smallest eigenvalues."
            ),
            Wrong(lambda *a: _reconstruct(*a, add=False), "The mean was subtracted; it has to come back at the end."),
        ],
        hint="Mean of X, eigenvectors of the covariance of X, project the centred X_new, add the mean.",
    ),
    Exercise(
        name="05.axes",
        solution=_axes,
        measure=_up_to_sign,
        wrong=[
            Wrong(
                lambda X, W: _axes(X, W, way="columns"), "The decoder's columns are skew. Scaling does not turn them."
            ),
            Wrong(lambda X, W: _axes(X, W, way="qr"), "Orthonormal, in the right plane, and still turned: use X too."),
            Wrong(
                lambda X, W: _axes(X, W, way="singular"), "The SVD of W_d alone knows nothing of the data's variances."
            ),
            Wrong(
                lambda X, W: _axes(X, W, way="ascending"), "The right axes in the wrong order: eigh sorts ascending."
            ),
            Wrong(lambda X, W: _axes(X, W, way="skew"), "Make the columns orthonormal before you do PCA in the plane."),
        ],
        hint="An orthonormal basis of the plane, the data's coordinates in it, PCA of those, and back to d dimensions.",
    ),
]
