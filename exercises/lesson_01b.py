"""Exercises of lesson 01b: windows, persistence, seasonal persistence, a leak, many steps ahead."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _frozen(model, window, steps):
    return np.array([model(np.array(window, dtype=float)) for _ in range(steps)])


def _newest_dropped(model, window, steps):
    window, path = np.array(window, dtype=float), []
    for _ in range(steps):
        path.append(model(window))
        window = np.append(window[:-1], path[-1])
    return np.array(path)


def _linear(window):
    """A model that weighs the four last values by their age, so that every slip of the window shows."""
    return float(window[-4:] @ np.array([-0.2, 0.1, -0.6, 1.5]) + 0.01 * len(window))


def _series(n, seed):
    return np.random.default_rng(seed).normal(size=n).cumsum()


EXERCISES = [
    Exercise(
        name="01b.windows",
        inputs=[(np.arange(6.0), 3), (_series(30, 1), 5), (_series(9, 2), 8)],
        wrong=[
            Changed(
                lambda solution, s, k: tuple(array[:-1] for array in solution(s, k)),
                "One window is missing at the end: which is the last one that still has a next value?",
            ),
            Edit(
                "return cut, series[length:]",
                "return cut, cut[:, -1]",
                "Your target is the last value of the window itself: a model that copies it would be perfect.",
            ),
            Edit(
                "return cut, series[length:]",
                "return cut[:-1], series[length + 1 :]",
                "One value is skipped between the window and its target. What is the index just after series[i : i + length]?",
            ),
            Changed(
                lambda solution, s, k: tuple(array[::k] for array in solution(s, k)),
                "Your windows do not overlap. Begin a new one at every value of the series.",
            ),
            Edit(
                "return cut, series[length:]",
                "return cut, np.stack([series[i + 1 : i + 1 + length] for i in range(count)])",
                "That is the whole shifted sequence. Here only the one next value is wanted.",
            ),
        ],
        hint="Take range(6) and length 3 with a pencil: how many windows have a next value, and which is it?",
    ),
    Exercise(
        name="01b.persistence",
        inputs=[(_series(40, 3), 1), (_series(40, 4), 7)],
        wrong=[
            Edit(
                "np.sqrt((error**2).mean())",
                "(error**2).mean()",
                "That is the mean square, in squared units. One operation is left.",
            ),
            Edit(
                "np.sqrt((error**2).mean())",
                "np.abs(error).mean()",
                "That is the mean absolute error (MAE); RMSE squares.",
            ),
            Edit(
                "series[horizon:] - series[:-horizon]",
                "series - np.roll(series, horizon)",
                "np.roll wraps round: it forecasts the first values from the last ones, which lie in the future.",
            ),
            Edit(
                "series[horizon:] - series[:-horizon]",
                "series[1:] - series[:-1]",
                "Right for one step. For `horizon` steps, how old is the last known value?",
            ),
            Changed(
                lambda solution, s, h: solution(s, h + 1),
                "Your forecast is one step older than it has to be.",
            ),
        ],
        hint="Pair every value with the one `horizon` steps before it; then error, square, mean, root.",
    ),
    Exercise(
        name="01b.seasonal",
        inputs=[(_series(40, 5), 12, 5), (_series(40, 6), 7, 7), (_series(40, 7), 6, 20)],
        wrong=[
            Edit(
                "history[-period:]",
                "history[:period]",
                "You repeat the first period of the history. Which one is the latest that you know?",
            ),
            Edit(
                "history[-period:]",
                "history[-period:][::-1]",
                "The order of time is turned round: the first forecast belongs one period before the first unknown value.",
            ),
            Edit(
                "history[-period:]",
                "history[-period - 1 : -1]",
                "You are late by one step: count back from the first unknown value, not from the last known one.",
            ),
            Edit(
                "np.tile(last_period, repeats)",
                "last_period",
                "Fine as far as it goes; for horizons longer than one period, what stands one period before is a forecast itself.",
            ),
            Edit(
                "np.tile(last_period, repeats)[:horizon]",
                "np.full(horizon, last_period[0])",
                "One value for all steps: move along the last period as the horizon grows.",
            ),
            Edit(
                "np.tile(last_period, repeats)[:horizon]",
                "np.full(horizon, history[-1])",
                "That is plain persistence: it repeats the last value.",
            ),
        ],
        hint="The forecast for a step is the value one period before that step. Write down the indices for period 3.",
    ),
    Exercise(
        name="01b.leak",
        inputs=[
            (np.array([0, 1, 2, 3]), np.array([6, 7, 8]), 3),
            (np.array([0, 2, 4, 6, 9]), np.array([1, 3, 5, 12, 20]), 4),
            (np.array([0, 1, 2, 10, 11, 20]), np.array([3, 4, 5, 6, 7, 8, 9, 20, 30]), 5),
        ],
        wrong=[
            Edit(
                "for k in range(length + 1)",
                "for k in [length]",
                "You ask whether the same target is in both. A training window also shows the values of its input.",
            ),
            Edit(
                "range(length + 1)",
                "range(length)",
                "You look into the training windows' inputs only. What else does training see of each window?",
            ),
            Edit(
                "(start + length) in seen",
                "any(start + k in seen for k in range(length + 1))",
                "You count every overlap. A test window may look back at known values; only its target must be new.",
            ),
        ],
        hint="Collect the positions that training sees of each window, length + 1 of them, then look up each test target.",
    ),
    Exercise(
        name="01b.free_run",
        inputs=[(_linear, _series(6, 8), 1), (_linear, _series(6, 9), 5), (_linear, _series(4, 10), 12)],
        wrong=[
            Wrong(
                _frozen, "All your steps are equal: the forecast has to go into the window before the next one is made."
            ),
            Edit(
                "values[-len(window) :]",
                "values",
                "Your window grows with every step. The model was made for windows of one length.",
            ),
            Wrong(
                _newest_dropped,
                "When a new value comes in, one has to leave. You drop the newest; which one should go?",
            ),
            Changed(
                lambda solution, *a: solution(*a)[-1:], "Return the forecasts of all steps, not only the last one."
            ),
        ],
        hint="One turn of the loop: forecast, store it, drop the oldest value of the window, append the forecast.",
    ),
]
