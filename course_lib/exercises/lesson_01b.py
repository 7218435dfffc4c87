"""Exercises of lesson 01b: windows, persistence, seasonal persistence, a leak, many steps ahead."""

import numpy as np

from . import Exercise, Wrong


def _windows(series, length, *, short=0, shift=0, stride=1):
    """Windows and next values; ``short`` leaves out the last ones, ``shift`` moves the targets."""
    starts = range(0, len(series) - length - short, stride)
    inputs = np.array([series[i : i + length] for i in starts])
    targets = np.array([series[i + length + shift] for i in starts])
    return inputs, targets


def _late_target(series, length):
    inputs, targets = _windows(series, length, short=1, shift=1)
    return inputs, targets


def _whole_sequence(series, length):
    inputs, _ = _windows(series, length)
    return inputs, np.array([series[i + 1 : i + 1 + length] for i in range(len(inputs))])


def _persistence(series, horizon):
    return np.sqrt(np.mean((series[horizon:] - series[:-horizon]) ** 2))


def _seasonal(history, period, horizon):
    return history[-period:][np.arange(horizon) % period]


def _leaks(train, test, length, *, what="all"):
    """How many test targets a training window holds: in its inputs, as its target, or in either."""
    known = set()
    for start in train:
        if what != "targets":
            known |= set(range(start, start + length))
        if what != "inputs":
            known.add(start + length)
    if what == "overlap":
        return sum(any(s in known for s in range(start, start + length + 1)) for start in test)
    return sum(start + length in known for start in test)


def _free_run(model, window, steps, *, kind="right"):
    window, path = np.array(window, dtype=float), []
    for _ in range(steps):
        path.append(model(window))
        if kind == "frozen":
            continue
        keep = window if kind == "growing" else window[:-1] if kind == "wrong end" else window[1:]
        window = np.append(keep, path[-1])
    return np.array(path)


def _linear(window):
    """A model that weighs the four last values by their age, so that every slip of the window shows."""
    return float(window[-4:] @ np.array([-0.2, 0.1, -0.6, 1.5]) + 0.01 * len(window))


def _series(n, seed):
    return np.random.default_rng(seed).normal(size=n).cumsum()


EXERCISES = [
    Exercise(
        name="01b.windows",
        solution=_windows,
        inputs=[(np.arange(6.0), 3), (_series(30, 1), 5), (_series(9, 2), 8)],
        wrong=[
            Wrong(
                lambda s, k: _windows(s, k, short=1) if len(s) > k + 1 else (np.empty((0, k)), np.empty(0)),
                "One window is missing at the end: which is the last one that still has a next value?",
            ),
            Wrong(
                lambda s, k: _windows(s, k, shift=-1),
                "Your target is the last value of the window itself: a model that copies it would be perfect.",
            ),
            Wrong(
                _late_target,
                "One value is skipped between the window and its target. What is the index just after series[i : i + length]?",
            ),
            Wrong(
                lambda s, k: _windows(s, k, stride=k),
                "Your windows do not overlap. Begin a new one at every value of the series.",
            ),
            Wrong(_whole_sequence, "That is the whole shifted sequence. Here only the one next value is wanted."),
        ],
        hint="Take range(6) and length 3 with a pencil: how many windows have a next value, and which is it?",
    ),
    Exercise(
        name="01b.persistence",
        solution=_persistence,
        inputs=[(_series(40, 3), 1), (_series(40, 4), 7)],
        wrong=[
            Wrong(
                lambda s, h: np.mean((s[h:] - s[:-h]) ** 2),
                "That is the mean square, in squared units. One operation is left.",
            ),
            Wrong(lambda s, h: np.mean(np.abs(s[h:] - s[:-h])), "That is the mean absolute error (MAE); RMSE squares."),
            Wrong(
                lambda s, h: np.sqrt(np.mean((s - np.roll(s, h)) ** 2)),
                "np.roll wraps round: it forecasts the first values from the last ones, which lie in the future.",
            ),
            Wrong(
                lambda s, h: np.sqrt(np.mean((s[1:] - s[:-1]) ** 2)),
                "Right for one step. For `horizon` steps, how old is the last known value?",
            ),
            Wrong(
                lambda s, h: np.sqrt(np.mean((s[h + 1 :] - s[: -h - 1]) ** 2)),
                "Your forecast is one step older than it has to be.",
            ),
        ],
        hint="Pair every value with the one `horizon` steps before it; then error, square, mean, root.",
    ),
    Exercise(
        name="01b.seasonal",
        solution=_seasonal,
        inputs=[(_series(40, 5), 12, 5), (_series(40, 6), 7, 7), (_series(40, 7), 6, 20)],
        wrong=[
            Wrong(
                lambda s, p, h: s[:p][np.arange(h) % p],
                "You repeat the first period of the history. Which one is the latest that you know?",
            ),
            Wrong(
                lambda s, p, h: s[-p:][::-1][np.arange(h) % p],
                "The order of time is turned round: the first forecast belongs one period before the first unknown value.",
            ),
            Wrong(
                lambda s, p, h: s[-p - 1 :][np.arange(h) % p],
                "You are late by one step: count back from the first unknown value, not from the last known one.",
            ),
            Wrong(
                lambda s, p, h: s[-p:][:h],
                "Fine as far as it goes; for horizons longer than one period, what stands one period before is a forecast itself.",
            ),
            Wrong(
                lambda s, p, h: np.full(h, s[-p]),
                "One value for all steps: move along the last period as the horizon grows.",
            ),
            Wrong(lambda s, p, h: np.full(h, s[-1]), "That is plain persistence: it repeats the last value."),
        ],
        hint="The forecast for a step is the value one period before that step. Write down the indices for period 3.",
    ),
    Exercise(
        name="01b.leak",
        solution=_leaks,
        inputs=[
            (np.array([0, 1, 2, 3]), np.array([6, 7, 8]), 3),
            (np.array([0, 2, 4, 6, 9]), np.array([1, 3, 5, 12, 20]), 4),
            (np.array([0, 1, 2, 10, 11, 20]), np.array([3, 4, 5, 6, 7, 8, 9, 20, 30]), 5),
        ],
        wrong=[
            Wrong(
                lambda a, b, k: _leaks(a, b, k, what="targets"),
                "You ask whether the same target is in both. A training window also shows the values of its input.",
            ),
            Wrong(
                lambda a, b, k: _leaks(a, b, k, what="inputs"),
                "You look into the training windows' inputs only. What else does training see of each window?",
            ),
            Wrong(
                lambda a, b, k: _leaks(a, b, k, what="overlap"),
                "You count every overlap. A test window may look back at known values; only its target must be new.",
            ),
        ],
        hint="Collect the positions that training sees of each window, length + 1 of them, then look up each test target.",
    ),
    Exercise(
        name="01b.free_run",
        solution=_free_run,
        inputs=[(_linear, _series(6, 8), 1), (_linear, _series(6, 9), 5), (_linear, _series(4, 10), 12)],
        wrong=[
            Wrong(
                lambda m, w, k: _free_run(m, w, k, kind="frozen"),
                "All your steps are equal: the forecast has to go into the window before the next one is made.",
            ),
            Wrong(
                lambda m, w, k: _free_run(m, w, k, kind="growing"),
                "Your window grows with every step. The model was made for windows of one length.",
            ),
            Wrong(
                lambda m, w, k: _free_run(m, w, k, kind="wrong end"),
                "When a new value comes in, one has to leave. You drop the newest; which one should go?",
            ),
            Wrong(
                lambda m, w, k: _free_run(m, w, k)[-1:],
                "Return the forecasts of all steps, not only the last one.",
            ),
        ],
        hint="One turn of the loop: forecast, store it, drop the oldest value of the window, append the forecast.",
    ),
]
