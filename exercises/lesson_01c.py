"""Exercises of lesson 01c: what precision buys, a network without memory, a forecast that reads the truth, other heat."""

import numpy as np

from . import Edit, Exercise, Wrong


def _lorenz(n, seed):
    """One run of the Lorenz system on its attractor: n states (n, 3), 0.05 units of time apart."""
    from scipy.integrate import solve_ivp

    def velocity(_, s):
        return np.array([10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]])

    start = np.random.default_rng(seed).uniform([-10, -10, 15], [10, 10, 35])
    times = 0.05 * np.arange(n + 400)
    return solve_ivp(velocity, times[[0, -1]], start, t_eval=times, rtol=1e-9, atol=1e-9).y.T[400:]


def _measure_feedforward(answer):
    """How large a trained network is, whether it looks at one state at a time, and how well it forecasts new runs."""
    import torch

    net, scaler = answer if isinstance(answer, list | tuple) and len(answer) == 2 else (answer, None)
    if not isinstance(net, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself, as feedforward")
    if not hasattr(scaler, "transform"):
        raise ValueError("hand in the scaler too: feedforward = [your_network, scaler]")
    states = torch.from_numpy(scaler.transform(_lorenz(2000, seed=31)).astype("float32"))
    device = next(net.parameters()).device
    with torch.no_grad():
        found = net(states[:-1].to(device))
        if tuple(found.shape) != (1999, 3):
            raise ValueError(
                f"for 1999 states (1999, 3) the network must give as many; yours gives {tuple(found.shape)}"
            )
        alone = net(states[:5].to(device))
        reverse = net(states[:-1].flip(0).to(device)).flip(0)
    error = float(((found.cpu() - states[1:]) ** 2).mean().sqrt())
    return {
        "at most 4547 numbers": sum(p.numel() for p in net.parameters()) <= 4547,
        "one state at a time": bool(torch.allclose(alone, found[:5], atol=1e-4))
        and bool(torch.allclose(reverse, found, atol=1e-4)),
        "error of a step below 0.02": error < 0.02,
    }


def _toy(window):
    """A forecaster that weighs the two last states and knows how many it was given: (B, T, d) -> (B, d)."""
    return 0.7 * window[:, -1] - 0.4 * window[:, -2] + 0.01 * window.shape[1] + 0.1 * window[:, 0]


def _series(seed):
    return np.random.default_rng(seed).normal(size=(2, 12, 3))


def _peeking(forecaster, series, read, steps):
    return np.stack([forecaster(series[:, step : read + step]) for step in range(steps)], axis=1)


def _frozen(forecaster, series, read, steps):
    return np.stack([forecaster(series[:, :read]) for _ in range(steps)], axis=1)


EXERCISES = [
    Exercise(
        name="01c.precision",
        rtol=0.03,
        wrong=[
            Wrong(
                [np.log(4000) / 0.9, 10 * np.log(4000) / 0.9, 2.0],
                "Ten times the precision does not buy ten times the time: look at the explorer of the two starts again.",
            ),
            Wrong(
                [np.log(4000) / 0.9, np.log(40000) / 0.9, 2.0],
                "(a) and (b) are right. For (c): what does each further unit of time cost, a sum or a factor?",
            ),
            Wrong(
                [np.log(4000), np.log(40000), 4000.0],
                "You have counted Lyapunov times. The question asks for units of time.",
            ),
            Wrong(
                [np.log10(4000) / 0.9, np.log10(40000) / 0.9, 4000.0],
                "Which logarithm undoes an exponential function?",
            ),
        ],
        hint="Write down the error as a function of time, set it to 0.4, and solve for the time.",
    ),
    Exercise(
        name="01c.feedforward",
        measure=_measure_feedforward,
        wrong=[
            Edit(
                "epochs=12,", "epochs=1,", "Of the right size, but not yet exact: train longer, with a rate that falls."
            ),
            Edit(
                "return state + self.change(state)",
                "return self.change(state) + state.flip(0)",
                "The answer to one state depends on other rows of the batch: which line mixes them?",
            ),
            Edit(
                "nn.Linear(3, 60), nn.Tanh(), nn.Linear(60, 60), nn.Tanh(), nn.Linear(60, 3)",
                "nn.Linear(3, 90), nn.Tanh(), nn.Linear(90, 90), nn.Tanh(), nn.Linear(90, 3)",
                "It is exact enough, and larger than the recurrent one: count its numbers.",
            ),
        ],
        hint="Forecast the change and add it to the state; let the rate fall along a cosine; count the numbers.",
    ),
    Exercise(
        name="01c.reported",
        inputs=[(_toy, _series(1), 4, 6), (_toy, _series(2), 3, 9), (_toy, _series(3), 5, 1)],
        wrong=[
            Wrong(
                _peeking, "The second forecast reads a state that nobody could know then: where does its window end?"
            ),
            Wrong(_frozen, "Now every forecast is the same: what has been forecast must go into the window."),
            Edit(
                "window[:, 1:], path[-1]",
                "window, path[-1]",
                "The window grows with every step. One state comes in; which one must go?",
            ),
        ],
        hint="Print which true states each forecast reads. From the second on it must read what was forecast.",
    ),
    Exercise(
        name="01c.heated",
        wrong=[
            Wrong([False, True, True], "Measure the last one: is what remains after 100 units of time really chaotic?"),
            Wrong([True, True, True], "Begin with the first: draw its x against time."),
            Wrong([True, True, False], "Begin with the first: draw its x against time."),
            Wrong([False, False, False], "One of them is the system of this lesson."),
            Wrong([False, False, True], "One of them is the system of this lesson."),
        ],
        hint="Integrate with each value, throw the beginning away, and follow two runs that begin almost together.",
    ),
]
