"""Exercises of lesson 02: the lag that is left, one backward step, a global clip, the whole backward pass, breaking it."""

import numpy as np

from . import Exercise, Wrong


def _step(W_hh, W_hy, h_t, delta_o, delta_next, *, swap=False, linear=False, alone=False, after=False, squash=False):
    own, later = delta_o @ W_hy, delta_next @ (W_hh.T if swap else W_hh)
    slope = np.ones_like(h_t) if linear else 1 - np.tanh(h_t) ** 2 if squash else 1 - h_t**2
    if alone:
        return slope * own
    return slope * own + later if after else slope * (own + later)


def _step_inputs():
    rng = np.random.default_rng(21)
    for batch, h, q in ((3, 4, 2), (1, 3, 1)):
        arrays = [rng.standard_normal(shape) for shape in ((h, h), (q, h), (batch, h), (batch, q), (batch, h))]
        arrays[2] = np.tanh(arrays[2])
        yield tuple(arrays)


def _clip(gradients, limit, *, each=False, value=False, always=False, squared=False, summed=False):
    gradients = [np.asarray(g, dtype=float) for g in gradients]
    if value:
        return [np.clip(g, -limit, limit) for g in gradients]
    if each:
        return [g * min(1.0, limit / np.linalg.norm(g)) for g in gradients]
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if squared:
        norm = norm**2
    if summed:
        norm = sum(np.linalg.norm(g) for g in gradients)
    factor = limit / norm if always else min(1.0, limit / norm)
    return [g * factor for g in gradients]


def _clip_inputs():
    rng = np.random.default_rng(5)
    return [
        ([rng.standard_normal((3, 2)), 4 * rng.standard_normal(5), rng.standard_normal(1)], 1.0),
        ([np.array([0.1, -0.2]), np.array([[0.05]])], 1.0),
        ([np.array([3.0, 0.0]), np.array([0.0, 4.0])], 2.0),
    ]


def _backward(
    x,
    y,
    h_0,
    W_xh,
    W_hh,
    b_h,
    W_hy,
    b_y,
    *,
    swap=False,
    linear=False,
    alone=False,
    summed=False,
    overwrite=False,
    shifted=False,
    no_start=False,
):
    """The six gradients of L = 1/(BT) Σ ½‖ŷ_t − y_t‖² with ŷ_t = W_hy h_t + b_y, from t = T to t = 1."""
    batch, steps, _ = x.shape
    states = [h_0]
    for t in range(steps):
        states.append(np.tanh(x[:, t] @ W_xh.T + states[-1] @ W_hh.T + b_h))
    zero = {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h, "W_hy": W_hy, "b_y": b_y}
    g = {name: np.zeros_like(array) for name, array in zero.items()}
    later = np.zeros_like(h_0)
    for t in range(steps, 0, -1):
        delta_o = (states[t] @ W_hy.T + b_y - y[:, t - 1]) / (batch if summed else batch * steps)
        slope = 1.0 if linear else 1 - states[t] ** 2
        delta = slope * (delta_o @ W_hy + (0 if alone else later))
        old = states[t] if shifted else states[t - 1]
        if no_start and t == 1:
            old = np.zeros_like(old)
        terms = {
            "W_xh": delta.T @ x[:, t - 1],
            "W_hh": delta.T @ old,
            "b_h": delta.sum(0),
            "W_hy": delta_o.T @ states[t],
            "b_y": delta_o.sum(0),
        }
        for name, term in terms.items():
            g[name] = term if overwrite else g[name] + term
        later = delta @ (W_hh.T if swap else W_hh)
    return {**g, "h_0": later}


def _problem(batch, steps, d, h, q, seed, scale=0.6, start=1.0):
    rng = np.random.default_rng(seed)
    shapes = (batch, steps, d), (batch, steps, q), (batch, h), (h, d), (h, h), (h,), (q, h), (q,)
    x, y, h_0, *weights = (rng.standard_normal(shape) for shape in shapes)
    return (x, y, start * h_0, *(scale * array for array in weights))


PROBLEM = _problem(3, 5, 2, 4, 3, seed=31)
ALL_ZERO = _problem(3, 5, 2, 4, 3, seed=31, scale=0.0, start=0.0)
SMALL = _problem(1, 1, 1, 2, 1, seed=32)


def _with(**mistake):
    return lambda *arguments: _backward(*arguments, **mistake)


def _measure_broken(answer):
    """Run the gradient check on three broken backward passes, at random and at all-zero starting values."""
    if isinstance(answer, dict) or not isinstance(answer, (list, tuple)):
        raise ValueError("give a list of three functions")
    if len(answer) != 3:
        raise ValueError(f"give three functions; there are {len(answer)}")
    if not all(callable(one) for one in answer):
        raise ValueError("give the functions themselves, without calling them")

    def run(function, problem):
        found = function(*(np.copy(array) for array in problem))
        right = _backward(*problem)
        if not isinstance(found, dict) or set(found) != set(right):
            raise ValueError(
                f"each function must still return the six gradients, a dict with the keys {', '.join(right)}"
            )
        for name, array in right.items():
            if np.shape(found[name]) != array.shape:
                raise ValueError(f"a broken pass must keep the shapes: {name!r} has {np.shape(found[name])}")
        return {name: np.asarray(found[name], dtype=float) for name in right}

    def same(one, other):
        return all(np.allclose(one[name], other[name], rtol=1e-6, atol=1e-9) for name in one)

    with np.errstate(all="ignore"):
        found = [run(function, PROBLEM) for function in answer]
        hidden = [same(run(function, ALL_ZERO), _backward(*ALL_ZERO)) for function in answer]
    right = _backward(*PROBLEM)
    return {
        "refused": [not same(one, right) for one in found],
        "three different mistakes": not any(same(found[i], found[j]) for i, j in ((0, 1), (0, 2), (1, 2))),
        "one of them passes where all is zero": any(hidden),
    }


EXERCISES = [
    Exercise(
        name="02.lag",
        solution=44,
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
        solution=_step,
        inputs=list(_step_inputs()),
        wrong=[
            Wrong(lambda *a: _step(*a, swap=True), "Forward, samples in rows meet W_hh transposed. And backward?"),
            Wrong(
                lambda *a: _step(*a, linear=True),
                "That is the gradient at h_t. δ_t is the one before tanh: its slope is missing.",
            ),
            Wrong(
                lambda *a: _step(*a, squash=True), "h_t is tanh of the sum already: express the slope of tanh by h_t."
            ),
            Wrong(
                lambda *a: _step(*a, alone=True),
                "h_t acts on its own output and on the next state; one of the two is missing.",
            ),
            Wrong(
                lambda *a: _step(*a, after=True), "Both paths arrive at h_t, behind tanh: the slope multiplies both."
            ),
        ],
        hint="First the gradient at h_t, a sum of two paths; then through tanh. Check the shape of each product.",
    ),
    Exercise(
        name="02.clip",
        solution=_clip,
        inputs=_clip_inputs(),
        wrong=[
            Wrong(
                lambda g, limit: _clip(g, limit, each=True),
                "Each array has its own norm here: that is Keras's clipnorm. One norm for all.",
            ),
            Wrong(
                lambda g, limit: _clip(g, limit, value=True),
                "That clips every entry, and turns the gradient. Keep its direction.",
            ),
            Wrong(lambda g, limit: _clip(g, limit, always=True), "A gradient that is short enough must stay as it is."),
            Wrong(lambda g, limit: _clip(g, limit, squared=True), "You divide by the square of the norm."),
            Wrong(lambda g, limit: _clip(g, limit, summed=True), "Norms do not add up; their squares do."),
        ],
        hint="One number multiplies all arrays. It depends on the length of all of them laid end to end.",
    ),
    Exercise(
        name="02.backward",
        solution=_backward,
        inputs=[PROBLEM, SMALL],
        rtol=1e-6,
        atol=1e-9,
        wrong=[
            Wrong(_with(swap=True), "Backward, δ meets W_hh as it is; you have it transposed."),
            Wrong(_with(linear=True), "The slope of tanh is missing."),
            Wrong(_with(alone=True), "Each δ_t knows only its own loss. What comes back from step t+1?"),
            Wrong(_with(summed=True), "Nearly: the loss is a mean over samples and over steps."),
            Wrong(_with(overwrite=True), "The steps share their weights: their contributions add up."),
            Wrong(_with(shifted=True), "W_hh met the state before the step, not the one after it."),
            Wrong(_with(no_start=True), "At t = 1 the old state is h_0, and it is not zero here."),
        ],
        hint="Find the first key that differs with parity.nudged_gradient: it tells which line is wrong.",
    ),
    Exercise(
        name="02.broken",
        solution=[_with(swap=True), _with(linear=True), _with(summed=True)],
        measure=_measure_broken,
        wrong=[
            Wrong(
                [_backward, _with(linear=True), _with(summed=True)],
                "The check does not refuse the first: it is still right.",
            ),
            Wrong(
                [_with(linear=True), _with(linear=True), _with(swap=True)],
                "Two of them are the same mistake.",
            ),
            Wrong(
                [
                    _with(summed=True),
                    lambda *a: {name: 2 * array for name, array in _backward(*a).items()},
                    lambda *a: {name: -array for name, array in _backward(*a).items()},
                ],
                "All three are refused at all-zero starting values too. Break a term that is zero there.",
            ),
        ],
        hint="Each must be wrong at random starting values, all three in different ways, and one of them right where all is zero.",
    ),
]
