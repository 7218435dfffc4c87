"""Series made here: a sine wave, the Lorenz system, and the integrator of such systems."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ._checks import whole


class Series(NamedTuple):
    """A series sampled at equal steps of time. `time` (n,) float64 in `time_unit`, `values` (n,) or (n, k) float64 in
    `unit`; `name` is fit for an axis label."""

    time: np.ndarray
    values: np.ndarray
    unit: str
    name: str
    time_unit: str


def rk4(field: Callable[[float, np.ndarray], np.ndarray], start: Any, times: Any, substeps: int = 1) -> np.ndarray:
    """Integrate dy/dt = field(t, y) with the classical Runge-Kutta method of order four. `field` returns dy/dt with the
    shape of y; `start` (k,) is the state at ``times[0]``, or (k, m) for m systems side by side; `times` (n,) increase,
    with `substeps` steps of the method between two: the error falls with their fourth power. Returns the state at each
    time, (n, k) or (n, k, m) float64. ValueError if the times do not increase, `substeps` is below one, a number is not
    finite, or the solution grows beyond all numbers (take more substeps). Source: Hairer, Norsett, Wanner, *Solving
    Ordinary Differential Equations I* (1993), section II.1, table 1.2."""
    times, state = np.asarray(times, dtype=np.float64), np.array(start, dtype=np.float64)
    substeps = whole("substeps", substeps)
    if times.ndim != 1 or times.size < 1 or not np.all(np.diff(times) > 0):
        raise ValueError("times must be a one-dimensional array that increases from entry to entry.")
    if not (np.isfinite(times).all() and np.isfinite(state).all()):
        raise ValueError("The times and the start must be finite: there is a NaN or an infinity in them.")
    states = [state]
    with np.errstate(over="ignore", invalid="ignore"):  # reported once, below
        for i in range(1, times.size):
            h = (times[i] - times[i - 1]) / substeps
            for j in range(substeps):
                t = times[i - 1] + j * h
                k1 = field(t, state)
                k2 = field(t + h / 2, state + h / 2 * k1)
                k3 = field(t + h / 2, state + h / 2 * k2)
                k4 = field(t + h, state + h * k3)
                state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            states.append(state)
    if not np.isfinite(states).all():
        raise ValueError("The solution grows beyond all numbers. Use a smaller step or more substeps.")
    return np.array(states)


def sine(n: int, period: float = 25.0, *, noise: float = 0.0, seed: int = 0) -> Series:
    """A sine wave of amplitude 1, ``sin(2 pi t / period)`` at t = 0, 1, ..., n - 1, with Gaussian noise if wanted.
    `period` counts samples; `noise` is the standard deviation of the noise and `seed` its seed. ``time`` and ``values``
    are (n,). ValueError if `n` or `period` is not positive, `noise` is negative or a number is not finite."""
    n = whole("n", n)
    if not 0 < period < np.inf:
        raise ValueError(f"period is {period}; give a positive number of samples per period.")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise is {noise}; give a standard deviation of zero or more.")
    time = np.arange(n, dtype=np.float64)
    values = np.sin(2 * np.pi * time / period) + noise * np.random.default_rng(seed).standard_normal(n)
    return Series(time, values, "1", "sine wave", "samples")


def lorenz(n: int, *, step: float = 0.02) -> Series:
    """The Lorenz system in its chaotic regime: ``time`` (n,), ``values`` (n, 3) with x, y and z, all without unit. It
    solves dx/dt = σ (y - x), dy/dt = x (ρ - z) - y, dz/dt = x y - β z with σ = 10, ρ = 28, β = 8/3 from (1, 1, 1), with
    four Runge-Kutta steps per sample, one every `step` units of time. The first few units lead to the attractor. An
    error grows e-fold in about 1.1 units: the largest Lyapunov exponent is about 0.906. ValueError if `n` or `step` is
    not positive, or `step` is so large that the solution grows beyond all numbers. Sources: Lorenz, J. Atmos. Sci. 20
    (1963), 130-141, equations 25-27; Sprott, *Chaos and Time-Series Analysis* (2003), section 5.6, appendix A."""
    n = whole("n", n)
    if not 0 < step < np.inf:
        raise ValueError(f"step is {step}; give a positive time between two samples.")

    def field(_: float, state: np.ndarray) -> np.ndarray:
        x, y, z = state
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    time = step * np.arange(n)
    return Series(time, rk4(field, (1.0, 1.0, 1.0), time, substeps=4), "1", "Lorenz system: x, y, z", "1")
