"""A series made here: a sine wave."""

from typing import NamedTuple

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
