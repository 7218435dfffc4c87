"""Exercises of lesson 02: the lag that is left, one backward step, a global clip, the whole backward pass, breaking it."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong, expected, plain


def _step_inputs():
    rng = np.random.default_rng(21)
    for batch, h, q in ((3, 4, 2), (1, 3, 1)):
        arrays = [rng.standard_normal(shape) for shape in ((h, h), (q, h), (batch, h), (batch, q), (batch, h))]
        arrays[2] = np.tanh(arrays[2])
        yield tuple(arrays)


def _clip_inputs():
    rng = np.random.default_rng(5)
    return [
        ([rng.standard_normal((3, 2)), 4 * rng.standard_normal(5), rng.standard_normal(1)], 1.0),
        ([np.array([0.1, -0.2]), np.array([[0.05]])], 1.0),
        ([np.array([3.0, 0.0]), np.array([0.0, 4.0])], 2.0),
    ]


def _problem(batch, steps, d, h, q, seed, scale=0.6, start=1.0):
    rng = np.random.default_rng(seed)
    shapes = (batch, steps, d), (batch, steps, q), (batch, h), (h, d), (h, h), (h,), (q, h), (q,)
    x, y, h_0, *weights = (rng.standard_normal(shape) for shape in shapes)
    return (x, y, start * h_0, *(scale * array for array in weights))


PROBLEM = _problem(3, 5, 2, 4, 3, seed=31)
SMALL = _problem(1, 1, 1, 2, 1, seed=32)
ALL_ZERO = _problem(3, 5, 2, 4, 3, seed=31, scale=0.0, start=0.0)


def _measure_broken(answer):
    """Run the gradient check on three broken backward passes, at random and at all-zero starting values."""
    if isinstance(answer, dict) or not isinstance(answer, (list, tuple)):
        raise ValueError("give a list of three functions")
    if len(answer) != 3:
        raise ValueError(f"give three functions; there are {len(answer)}")
    if not all(callable(one) for one in answer):
        raise ValueError("give the functions themselves, without calling them")
    right, _, right_at_zero = expected("02.backward")

    def run(function, problem):
        found = function(*(np.copy(array) for array in problem))
        if found is None or found is Ellipsis:
            return None
        if not isinstance(found, dict) or set(found) != set(right):
            raise ValueError(
                f"each function must still return the six gradients, a dict with the keys {', '.join(right)}"
            )
        found = plain(found)
        for name, array in right.items():
            shape = getattr(found[name], "shape", "several shapes")
            if shape != array.shape:
                raise ValueError(f"a broken pass must keep the shapes: {name!r} has {shape}")
        return found

    def same(one, other):
        return all(np.allclose(one[name], other[name], rtol=1e-6, atol=1e-9) for name in one)

    with np.errstate(all="ignore"):
        found = [run(function, PROBLEM) for function in answer]
        if None in found:
            return ...
        hidden = [same(run(function, ALL_ZERO), right_at_zero) for function in answer]
    return {
        "refused": [not same(one, right) for one in found],
        "three different mistakes": not any(same(found[i], found[j]) for i, j in ((0, 1), (0, 2), (1, 2))),
        "one of them passes where all is zero": any(hidden),
    }


def _times(factor, function):
    return lambda *arrays: {name: factor * array for name, array in function(*arrays).items()}


def _not_broken(solution):
    return [_times(1 / PROBLEM[0].shape[1], solution[2]), *solution[1:]]


EXERCISES = [
    Exercise(
        name="02.lag",
        atol=0.0,
        rtol=0.0,
        wrong=[
            Wrong(43, "After that many steps a little more than one hundredth is left."),
            Wrong(10, "It shrinks by a factor at each step, not by an amount."),
            Wrong(90, "You multiplied; the gradient is multiplied by 0.9 again and again."),
            Wrong(22, "That is where a tenth is left, and a hundredth is asked for."),
            Wrong(21, "That is near where a tenth is left, and a hundredth is asked for."),
        ],
        hint="Write the norm at lag k as a power of the spectral radius, take logarithms, and round up.",
    ),
    Exercise(
        name="02.step",
        inputs=list(_step_inputs()),
        wrong=[
            Edit(
                "delta_next @ W_hh",
                "delta_next @ W_hh.T",
                "Forward, samples in rows meet W_hh transposed. And backward?",
            ),
            Edit(
                "(1 - h_t**2) * (",
                "(",
                "That is the gradient at h_t. δ_t is the one before tanh: its slope is missing.",
            ),
            Edit(
                "(1 - h_t**2)",
                "(1 - np.tanh(h_t) ** 2)",
                "h_t is tanh of the sum already: express the slope of tanh by h_t.",
            ),
            Edit(
                " + delta_next @ W_hh",
                "",
                "h_t acts on its own output and on the next state; one of the two is missing.",
            ),
            Edit(
                "(delta_o @ W_hy + delta_next @ W_hh)",
                "(delta_o @ W_hy) + delta_next @ W_hh",
                "Both paths arrive at h_t, behind tanh: the slope multiplies both.",
            ),
        ],
        hint="First the gradient at h_t, a sum of two paths; then through tanh. Check the shape of each product.",
    ),
    Exercise(
        name="02.clip",
        inputs=_clip_inputs(),
        wrong=[
            Edit(
                "limit / norm)",
                "limit / np.linalg.norm(g))",
                "Each array has its own norm here: that is Keras's clipnorm. One norm for all.",
            ),
            Wrong(
                lambda gradients, limit: [np.clip(g, -limit, limit) for g in gradients],
                "That clips every entry, and turns the gradient. Keep its direction.",
            ),
            Edit("min(1, limit / norm)", "limit / norm", "A gradient that is short enough must stay as it is."),
            Edit("limit / norm)", "limit / norm**2)", "You divide by the square of the norm."),
            Edit(
                "np.sqrt(sum((g**2).sum() for g in gradients))",
                "sum(np.linalg.norm(g) for g in gradients)",
                "Norms do not add up; their squares do.",
            ),
        ],
        hint="One number multiplies all arrays. It depends on the length of all of them laid end to end.",
    ),
    Exercise(
        name="02.backward",
        inputs=[PROBLEM, SMALL, ALL_ZERO],
        rtol=1e-6,
        atol=1e-9,
        wrong=[
            Edit("delta @ W_hh", "delta @ W_hh.T", "Backward, δ meets W_hh as it is; you have it transposed."),
            Edit("(1 - hs[t + 1] ** 2) * (error", "(error", "The slope of tanh is missing."),
            Edit(
                'error @ W_hy + out["h_0"]',
                "error @ W_hy",
                "Each δ_t knows only its own loss. What comes back from step t+1?",
            ),
            Edit("/ (B * T)", "/ B", "Nearly: the loss is a mean over samples and over steps."),
            Edit(
                "        error =",
                '        out = dict.fromkeys(out, 0) | {"h_0": out["h_0"]}\n        error =',
                "The steps share their weights: their contributions add up.",
            ),
            Edit(
                "delta.T @ hs[t]\n",
                "delta.T @ hs[t + 1]\n",
                "W_hh met the state before the step, not the one after it.",
            ),
            Edit(
                "delta.T @ hs[t]\n",
                "delta.T @ hs[t] * (t > 0)\n",
                "At t = 1 the old state is h_0, and it is not zero here.",
            ),
        ],
        hint="Find the first key that differs with parity.nudged_gradient: it tells which line is wrong.",
    ),
    Exercise(
        name="02.broken",
        measure=_measure_broken,
        wrong=[
            Changed(_not_broken, "The check does not refuse the first: it is still right."),
            Changed(lambda solution: [solution[0], solution[0], solution[2]], "Two of them are the same mistake."),
            Changed(
                lambda solution: [solution[2], _times(2, solution[2]), _times(-1, solution[2])],
                "All three are refused at all-zero starting values too. Break a term that is zero there.",
            ),
        ],
        hint="Each must be wrong at random starting values, all three in different ways, and one of them right where all is zero.",
    ),
]
