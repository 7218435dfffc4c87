"""Exercises of lesson 05b: the map of a landscape, learning times, a broken angle, priced codes."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong, plain


def _known_plane():
    """Samples (n, d) that are not centred, and a decoder (d, m) that spans a plane at an angle to PCA's."""
    rng = np.random.default_rng(31)
    for d, m, mean in ((5, 2, 2.0), (6, 3, -4.0)):
        turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
        samples = rng.normal(size=(80, d)) * np.geomspace(3, 0.3, d) @ turn + mean
        yield samples, turn[:m].T @ rng.normal(size=(m, m)) + 0.05 * rng.normal(size=(d, m))


def _trained_axes(answer):
    """Call the function on a small world, and say which columns of its decoder lie along the components."""
    if not callable(answer):
        raise ValueError("give the function itself, without calling it")
    rng = np.random.default_rng(37)
    noise = rng.normal(size=(300, 4))
    white = np.sqrt(300) * np.linalg.svd(noise - noise.mean(axis=0), full_matrices=False)[0]
    S = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    W = answer(white * np.sqrt([4, 2, 1, 0.5]) @ S.T)
    if W is None or W is Ellipsis:
        return ...
    W = plain(W)
    if not isinstance(W, np.ndarray) or W.shape != (4, 2):
        found = W.shape if isinstance(W, np.ndarray) else type(W).__name__
        raise ValueError(f"train_axes(X) must return the decoder, an array (4, 2); yours is {found}")
    cosines = np.abs(S[:, :2].T @ (W / np.linalg.norm(W, axis=0)))
    plane = np.linalg.svd(S[:, :2].T @ np.linalg.qr(W)[0])[1].min()
    return {
        "in PCA's plane": bool(plane > np.cos(np.radians(2))),
        "each column along a component": bool((cosines.max(axis=0) > np.cos(np.radians(2))).all()),
        "in order": bool((np.diag(cosines) > np.cos(np.radians(2))).all()),
    }


EXERCISES = [
    Exercise(
        name="05b.families",
        atol=5e-3,
        wrong=[
            Wrong([10, 2.0, 5.5, 6], "Codes may be unused: count the sets that are smaller, too."),
            Wrong([15, 2.0, 5.5, 6], "One set has no element at all."),
            Wrong([16, 8.0, 4.5, 6], "Those are the variances kept. The loss is what is left out."),
            Wrong([16, 2.0, 5.5, 2], "One of the two codes is not used. What does it add?"),
            Wrong([16, 2.0, 5.5, 4], "The used code has descending directions as well."),
            Wrong([16, 0.4, 1.1, 6], "The loss is summed over the features here, not averaged over them."),
        ],
        hint="Write down the sets; for each number ask which eigenvalues are in and which are out.",
    ),
    Exercise(
        name="05b.steps",
        rtol=0.02,
        wrong=[
            Wrong([30000, 600], "The start enters through its logarithm."),
            Wrong([400, 150], "A smaller eigenvalue is learnt more slowly."),
            Wrong([225, 600], "A smaller start needs more time, not less."),
            Wrong([400, 1200], "How does the time depend on the eigenvalue: once, or squared?"),
        ],
        hint="Use the formula of section 8 twice, and divide: what cancels?",
    ),
    Exercise(
        name="05b.angle",
        inputs=list(_known_plane()),
        wrong=[
            Edit(
                "samples - samples.mean(axis=0)", "samples", "One of the two is mended. What does PCA do with the mean?"
            ),
            Edit(
                "vectors[:, -W_d.shape[1] :]",
                "vectors[:, : W_d.shape[1]]",
                "One of the two is mended. In which order does eigh return?",
            ),
            Edit("samples.mean(axis=0)", "samples.mean(axis=1, keepdims=True)", "Which axis runs over the samples?"),
            Changed(
                lambda solution, samples, W_d: float(np.degrees(solution(samples, W_d))),
                "The angle is asked for in radians.",
            ),
        ],
        hint="Give it PCA's own plane of centred samples: it must return zero. Then move the samples.",
    ),
    Exercise(
        name="05b.prices",
        measure=_trained_axes,
        wrong=[
            Edit("[0.25, 1.0]", "[0.5, 0.5]", "The right plane; equal prices leave the codes free to turn."),
            Edit("[0.25, 1.0]", "[1.0, 0.25]", "Two components, in the wrong order: which one is worth more?"),
            Edit("range(1500)", "range(20)", "Not yet trained: look at the loss."),
        ],
        hint="Look at the cosines of the columns with the components, and at the loss: is it still falling?",
    ),
]
