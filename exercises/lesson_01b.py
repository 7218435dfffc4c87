"""Exercises of lesson 01b: persistence on a wave, a leak, a broken backtest, and a network that is told."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _series(n, seed):
    return np.random.default_rng(seed).normal(size=n).cumsum()


def _with_events(n, seed):
    """The lesson's series with announced events (n, 2): the value at t, and whether an event comes at t + 1."""
    rng = np.random.default_rng(seed)
    comes = rng.random(n + 1) < 0.1
    values = np.sin(100 / 499 * np.arange(n)) + 0.1 * rng.normal(size=n) + comes[:n]
    return np.column_stack([values, comes[1:]])


def _measure_told(answer):
    """Whether a trained PyTorch network reads values and announcements, and how far it is from new series."""
    import torch

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself, for example told_net = Forecaster(2, 16), trained")
    series = _with_events(2000, seed=31)
    windows = np.lib.stride_tricks.sliding_window_view(series, 20, axis=0)[:-1].transpose(0, 2, 1)
    truth, announced = series[20:, 0], windows[:, -1, 1] > 0
    device = next(answer.parameters()).device
    x = torch.from_numpy(np.ascontiguousarray(windows, dtype=np.float32)).to(device)
    try:
        with torch.no_grad():
            forecast = answer(x)
    except RuntimeError as error:
        raise ValueError(f"it cannot read windows (B, 20, 2), values and announcements: {error}") from None
    if forecast.shape not in ((len(x), 1), (len(x),)):
        raise ValueError(f"one forecast for each window, (B, 1), is expected; yours has {tuple(forecast.shape)}")
    error = forecast.cpu().numpy().reshape(-1) - truth
    return {
        "knows what an event adds": bool(np.abs(error[announced].mean()) < 0.15),
        "below 0.16": bool(np.sqrt((error**2).mean()) < 0.16),
    }


EXERCISES = [
    Exercise(
        name="01b.wave",
        atol=0.015,
        wrong=[
            Wrong([1.0, 2.0, 0.0, 0.71], "At half a period the error is twice the value, and a value is not always 1."),
            Wrong([1.0, 1.41, 0.0, 1.0], "Always zero: what is the mean of sin²?"),
            Wrong([1.0, 1.41, 0.0, 0.5], "You have the mean square of the last; the root is asked for."),
            Wrong([1.0, 2.0, 0.0, 0.5], "These are mean squares. One operation is left."),
            Wrong(
                [0.71, 1.41, 0.0, 0.71], "A quarter of a period: two values that do not know each other, sin and cos."
            ),
        ],
        hint="Write sin(a + d) − sin(a) as a product, square it, and take the mean over a: 2 sin²(d/2).",
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
        name="01b.backtest",
        inputs=[(_series(300, 3), 4), (5 * _series(200, 4) + 30, 12)],
        wrong=[
            Edit(
                "least_squares(before[:first], following[:first, 0, 0])",
                "least_squares(before, following[:, 0, 0])",
                "The units are right now. On which windows are the weights fitted?",
            ),
            Edit(
                "data.windows(series, p)",
                "data.windows((series - series.mean()) / series.std(), p)",
                "The fit is right now. In which units is the error?",
            ),
            Edit(
                "data.windows(series, p)",
                "data.windows((series - series[:len(series) * 4 // 5].mean()) / series[:len(series) * 4 // 5].std(), p)",
                "The scaler no longer looks ahead, and the fit is right. But the error is still in scaled units.",
            ),
            Edit(
                "least_squares(before[:first], following[:first, 0, 0])",
                "least_squares(before[first:], following[first:, 0, 0])",
                "You fit on the very windows that you judge on. Which ones lie before them?",
            ),
            Changed(lambda solution, s, p: solution(s, p) ** 2, "That is the mean square. One operation is left."),
        ],
        hint="Ask of each line: what does it know of the last fifth? And in which units is what it returns?",
    ),
    Exercise(
        name="01b.told",
        measure=_measure_told,
        wrong=[
            Edit(
                "event_epochs = 12",
                "event_epochs = 1",
                "It does not yet know what an event adds. Does it read the announcements, and has it been trained enough?",
            ),
            Edit(
                "Forecaster(features, 16)",
                "Forecaster(features, 1)",
                "It knows what an event adds, and its error is still too large: can so few numbers keep the wave?",
            ),
        ],
        hint="It is not near enough yet: train longer, at a larger rate, or on a longer series.",
    ),
]
