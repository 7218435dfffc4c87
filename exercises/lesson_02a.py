"""Exercises of lesson 02a: a check on one step, a leaky network, three hidden mistakes, a check that is wrong, training."""

import numpy as np

from course_lib import parity

from . import Changed, Edit, Exercise, Wrong

GROUPS = ("W_xh", "W_hh", "b_h", "W_hy", "b_y")


def recall(n, lag, seed):
    """x (n, lag + 1, 4): a symbol, then noise; y (n,): which symbol."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    x = 0.5 * rng.standard_normal((n, lag + 1, 4))
    x[:, 0] = np.eye(4)[y]
    return x, y


def _problem(T, seed, scale=1.0, identity=False):
    """Inputs, truths, weights, h_0 and shares of a small network, random, all weights zero, or W_hh the identity."""
    rng = np.random.default_rng(seed)
    B, d, h, q = 4, 3, 5, 4
    shapes = {"W_xh": (h, d), "W_hh": (h, h), "b_h": h, "W_hy": (q, h), "b_y": q}
    w = {name: scale * rng.normal(0, 0.5, shape) for name, shape in shapes.items()}
    if identity:
        w["W_hh"] = np.eye(h)
    truth = np.eye(q)[rng.integers(0, q, (B, T))]
    return rng.normal(size=(B, T, d)), truth, w, scale * rng.normal(0, 0.5, (B, h)), np.full(T, 1 / T)


def _loss(x, y, w, h_0, share):
    state, total = h_0, 0.0
    for t in range(x.shape[1]):
        state = np.tanh(x[:, t] @ w["W_xh"].T + state @ w["W_hh"].T + w["b_h"])
        o = state @ w["W_hy"].T + w["b_y"]
        total += share[t] * np.mean(np.log(np.exp(o).sum(axis=1)) - (o * y[:, t]).sum(axis=1))
    return total


# Where the three broken passes of exercise 3 are run.
PLACES = {
    "at random values": _problem(5, seed=41),
    "at zero": _problem(5, seed=42, scale=0.0),
    "for T = 1": _problem(1, seed=43),
    "at the identity": _problem(5, seed=44, identity=True),
}
ASKED = (("at random values", "at zero", "for T = 1"), ("at random values", "for T = 1", "at the identity"))
ASKED = (*ASKED, ("at random values", "at the identity"))


def _right(place):
    x, y, w, h_0, share = PLACES[place]
    return parity.nudged_gradient(lambda parts: _loss(x, y, parts, h_0, share), {n: np.copy(a) for n, a in w.items()})


def _measure_broken(answer):
    """For each of three broken backward passes, whether central differences refuse it where the exercise asks."""
    if isinstance(answer, dict) or not isinstance(answer, list | tuple):
        raise ValueError("give a list of three functions")
    if len(answer) != 3:
        raise ValueError(f"give three functions; there are {len(answer)}")
    if not all(callable(one) for one in answer):
        raise ValueError("give the functions themselves, without calling them")
    right = {place: _right(place) for place in PLACES}
    said = {}
    for number, (one, places) in enumerate(zip(answer, ASKED), start=1):
        for place in places:
            x, y, w, h_0, share = PLACES[place]
            with np.errstate(all="ignore"):
                found = one(np.copy(x), np.copy(y), {n: np.copy(a) for n, a in w.items()}, np.copy(h_0), np.copy(share))
            if found is None or found is Ellipsis:
                return ...
            if not isinstance(found, dict) or not set(GROUPS) <= set(found):
                raise ValueError(f"each function must return a dict with the five groups {', '.join(GROUPS)}")
            for name in GROUPS:
                if np.shape(found[name]) != w[name].shape:
                    raise ValueError(f"a broken pass must keep the shapes: {name} has {np.shape(found[name])}")
            largest = max(np.abs(g).max() for g in right[place].values())
            gap = max(np.abs(found[name] - right[place][name]).max() for name in GROUPS)
            said[f"number {number} is refused {place}"] = bool(not gap <= 1e-6 * largest)
    return said


def _leaky_problem(batch, steps, d, h, q, r, seed):
    rng = np.random.default_rng(seed)
    shapes = (batch, steps, d), (batch, q), (batch, h), (h, d), (h, h), (h,), (q, h), (q,)
    x, _, h_0, *weights = (rng.standard_normal(shape) for shape in shapes)
    y = np.eye(q)[rng.integers(0, q, batch)]
    return (x, y, h_0, r, *(0.6 * array for array in weights))


def _pass(mistake, x, y, w, h_0, share):
    """A backward pass of the lesson's network with one mistake, or none, for exercise 4 to judge."""
    B, T, _ = x.shape
    states = [h_0]
    for t in range(T):
        states.append(np.tanh(x[:, t] @ w["W_xh"].T + states[-1] @ w["W_hh"].T + w["b_h"]))
    out, following = {name: np.zeros_like(array) for name, array in w.items()}, np.zeros_like(h_0)
    for t in range(T, 0, -1):
        o = np.exp(states[t] @ w["W_hy"].T + w["b_y"])
        error = share[t - 1] * (o / o.sum(axis=1, keepdims=True) - y[:, t - 1]) / B
        back = error @ w["W_hy"] + following @ (w["W_hh"].T if mistake == "transposed" else w["W_hh"])
        following = back if mistake == "no slope" else (1 - states[t] ** 2) * back
        out["W_xh"] += following.T @ x[:, t - 1]
        out["W_hh"] += following.T @ (0 * h_0 if mistake == "no h_0" and t == 1 else states[t - 1])
        out["b_h"] += following.sum(axis=0)
        out["W_hy"] += error.T @ states[t]
        out["b_y"] += error.sum(axis=0) * (2 if mistake == "b_y" else 1)
    if mistake == "W_xh":
        out["W_xh"] = out["W_xh"] / T
    return out


class _Pass:
    """`_pass` with its mistake, as a function of the lesson's five arguments."""

    def __init__(self, mistake=None):
        self.mistake = mistake

    def __call__(self, x, y, w, h_0, share):
        return _pass(self.mistake, x, y, w, h_0, share)


def _measure_train(answer):
    """Whether a leaky network, given as its weights and r, recalls new sequences with a lag of LAG."""
    if not isinstance(answer, dict):
        raise ValueError('give a dict with the five groups of weights and "r"')
    if missing := [name for name in (*GROUPS, "r") if name not in answer]:
        raise ValueError(f"the dict lacks {', '.join(missing)}")
    try:
        w, r = {name: np.asarray(answer[name], dtype=float) for name in GROUPS}, float(answer["r"])
        x, y = recall(2000, LAG, seed=51)
        state = np.zeros((len(x), len(w["b_h"])))
        for t in range(x.shape[1]):
            state = (1 - r) * state + r * np.tanh(x[:, t] @ w["W_xh"].T + state @ w["W_hh"].T + w["b_h"])
        o = state @ w["W_hy"].T + w["b_y"]
    except (TypeError, ValueError) as error:
        raise ValueError(f"the weights must be arrays of numbers that fit together, and r a number: {error}") from None
    if o.shape != (2000, 4):
        raise ValueError(f"four scores for each sequence are expected; the weights give {o.shape}")
    accuracy = float(np.mean(o.argmax(axis=1) == y))
    return {
        "r between 0 and 1": bool(0 < r < 1),
        "better than guessing": accuracy > 0.35,
        "above 0.95": accuracy > 0.95,
    }


LAG = 6

EXERCISES = [
    Exercise(
        name="02a.one",
        wrong=[
            Wrong(
                dict(
                    zip(
                        (
                            "W_hh transposed",
                            "slope of tanh left out",
                            "no error from the next step",
                            "mean over time, not sum",
                            "= in place of +=",
                            "h_0 left out",
                        ),
                        answers,
                    )
                ),
                hint,
            )
            for answers, hint in (
                ((True,) * 6, "Write the five sums down for T = 1. Which of the mistakes still makes a difference?"),
                ((False,) * 6, "Not all are hidden: go through the backward pass once, from the scores to W_hh."),
                (
                    (True, True, False, False, False, True),
                    "What does the transposed matrix multiply when there is no next step?",
                ),
                (
                    (False, True, False, False, False, False),
                    "At t = 1 the state that entered is h_0, and it is not zero here.",
                ),
                (
                    (False, True, True, False, False, True),
                    "How large is the error that comes from the step after the last?",
                ),
                ((False, True, False, True, False, True), "How many terms has a mean over time here?"),
                ((False, True, False, False, True, True), "How often is += called for each group here?"),
            )
        ],  # fmt: skip
        hint="Take the mistakes one at a time: which line of the equations do they change, and is it used for T = 1?",
    ),
    Exercise(
        name="02a.leaky",
        inputs=[_leaky_problem(3, 5, 2, 4, 3, 0.3, seed=31), _leaky_problem(1, 1, 1, 2, 1, 0.7, seed=32)],
        rtol=1e-6,
        atol=1e-9,
        wrong=[
            Edit(
                "(1 - r) * dL_dh + delta @ W_hh",
                "delta @ W_hh",
                "Two paths lead from one state to the next. You follow the one through tanh; what of the other?",
            ),
            Edit(
                "(1 - tanhs[t] ** 2)",
                "(1 - states[t + 1] ** 2)",
                "The slope belongs to tanh of the sum. Is the new state still that tanh?",
            ),
            Edit("r * (1 - tanhs", "(1 - tanhs", "On the way into tanh the error passes one more factor."),
            Edit("delta @ W_hh ", "delta @ W_hh.T ", "Backward, δ meets W_hh as it is; you have it transposed."),
            Edit("- y) / B", "- y)", "Nearly: the loss is a mean over the samples."),
            Edit(
                'out["W_hh"] += delta.T @ states[t]\n',
                'out["W_hh"] += delta.T @ states[t + 1]\n',
                "W_hh met the state before the step, not the one after it.",
            ),
            Edit(
                'out["W_hh"] += delta.T @ states[t]\n',
                'out["W_hh"] = delta.T @ states[t]\n',
                "The steps share their weights: what each of them says is added up.",
            ),
        ],
        hint="Find the first key that differs with parity.nudged_gradient: it tells which line is wrong.",
    ),
    Exercise(
        name="02a.broken",
        measure=_measure_broken,
        wrong=[
            Changed(lambda solution: [solution[1], solution[0], solution[2]], "Two of them stand in the wrong place."),
            Changed(
                lambda solution: [_Pass(), *solution[1:]],
                "The first is not refused at random values: it is still right.",
            ),
            Changed(
                lambda solution: [solution[0], solution[2], solution[2]],
                "The second hides at the identity. Is there a mistake that needs a next step, whatever the matrix?",
            ),
            Changed(
                lambda solution: [*solution[:2], solution[0]],
                "The third is refused at the identity. What does a symmetric matrix hide?",
            ),
            Changed(
                lambda solution: [_Pass("b_y"), *solution[1:]],
                "The first is refused where everything is zero. Spoil a term that is multiplied by a zero there.",
            ),
        ],
        hint="Go through the three places one by one with the lesson's function `refused` and compare with what is asked.",
    ),
    Exercise(
        name="02a.check",
        inputs=[(_Pass(mistake),) for mistake in (None, "transposed", "no slope", "no h_0", "W_xh", "b_y")],
        wrong=[
            Edit(
                "x, y, w, h_0, share = problem(T=5, seed=9)",
                "x, y, w, h_0, share = problem(T=5, seed=9)\n    w['W_hh'] = np.eye(5)",
                "All groups have a say now. At which values does it compare?",
            ),
            Edit(
                "for name in w)",
                "for name in list(w)[-1:])",
                "The values are right now. Which of the groups decides in the end?",
            ),
            Edit(
                "for name in w)",
                'for name in ("W_hh",))',
                "It looks at one group alone. A mistake may show in another.",
            ),
            Edit("return all(", "return any(", "One group that agrees is not enough."),
            Changed(lambda solution, one: not solution(one), "It says the opposite of what it finds."),
        ],
        hint="Print the verdict of each group for a pass that you know to be wrong, and look at the weights it is taken at.",
    ),
    Exercise(
        name="02a.train",
        measure=_measure_train,
        wrong=[
            Edit(
                "leaky_updates = 0.4, 0.25, 2000",
                "leaky_updates = 0.4, 0.25, 5",
                "It still guesses. Does the loss fall? Train longer, or at another rate.",
            ),
            Edit(
                '"r": leak}',
                '"r": 1.0}',
                "The r that you hand in is that of the plain network. Was it trained with it?",
            ),
        ],
        hint="It knows something, but not enough: train longer, or try another r and another rate.",
    ),
]
