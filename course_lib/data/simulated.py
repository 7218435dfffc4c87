"""Series made here: a sine wave, a driven pendulum, the Lorenz system; their integrator."""

from typing import NamedTuple

import numpy as np

from ._checks import whole


class Series(NamedTuple):
    """A series sampled at equal steps of time.

    Attributes
    ----------
    time : (n,) float64
        Time of each sample, in `time_unit`.
    values : (n,) or (n, k) float64
        The measured or simulated quantities, in `unit`.
    unit : str
        Unit of `values`.
    name : str
        What is measured, fit for an axis label.
    time_unit : str
        Unit of `time`.
    """

    time: np.ndarray
    values: np.ndarray
    unit: str
    name: str
    time_unit: str


def rk4(field, start, times, substeps=1):
    """Integrate dy/dt = field(t, y) with the classical Runge-Kutta method of order four.

    Parameters
    ----------
    field : callable
        ``field(t, y)`` returns dy/dt with the shape of ``y``.
    start : (k,) or (k, m) array
        State at ``times[0]``; a second axis holds m systems that are integrated side by side.
    times : (n,) array
        Increasing times at which the state is returned.
    substeps : int
        Steps of the method between two neighbouring times. The error falls with its fourth power.

    Returns
    -------
    (n, k) or (n, k, m) float64
        The state at each time.

    Raises
    ------
    ValueError
        If the times do not increase, `substeps` is below one, a number is not finite, or the
        solution grows beyond all numbers (then more substeps are needed).

    Notes
    -----
    Hairer, Norsett, Wanner, *Solving Ordinary Differential Equations I* (1993), section II.1, table
    1.2.
    """
    times = np.asarray(times, dtype=np.float64)
    state = np.array(start, dtype=np.float64)
    substeps = whole("substeps", substeps)
    if times.ndim != 1 or times.size < 1 or not np.all(np.diff(times) > 0):
        raise ValueError("times must be a one-dimensional array that increases from entry to entry.")
    if not (np.isfinite(times).all() and np.isfinite(state).all()):
        raise ValueError("The times and the start must be finite: there is a NaN or an infinity in them.")
    states = np.empty((times.size, *state.shape))
    states[0] = state
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
            states[i] = state
    if not np.isfinite(states).all():
        raise ValueError("The solution grows beyond all numbers. Use a smaller step or more substeps.")
    return states


def sine(n, period=25.0, *, amplitude=1.0, phase=0.0, noise=0.0, seed=0):
    """A sine wave, ``amplitude * sin(2 pi t / period + phase)``, with Gaussian noise if wanted.

    Parameters
    ----------
    n : int
        Number of samples, taken at t = 0, 1, ..., n - 1.
    period : float
        Samples per period.
    amplitude, phase : float
        Amplitude (no unit) and phase (radians).
    noise : float
        Standard deviation of the noise, in the unit of the amplitude.
    seed : int
        Seed of the noise: the same seed gives the same series.

    Returns
    -------
    Series
        ``time`` and ``values`` of shape (n,).

    Raises
    ------
    ValueError
        If `n` or `period` is not positive, `noise` is negative or a number is not finite.
    """
    n = whole("n", n)
    _finite(period=period, amplitude=amplitude, phase=phase, noise=noise)
    if period <= 0:
        raise ValueError(f"period is {period}; give a positive number of samples per period.")
    if noise < 0:
        raise ValueError(f"noise is {noise}; give a standard deviation of zero or more.")
    time = np.arange(n, dtype=np.float64)
    values = amplitude * np.sin(2 * np.pi * time / period + phase)
    values += noise * np.random.default_rng(seed).standard_normal(n)
    return Series(time, values, "1", "sine wave", "samples")


def pendulum(
    n,
    *,
    step=0.1,
    damping=0.5,
    drive=1.2,
    frequency=2 / 3,
    angle=0.2,
    velocity=0.0,
    wrap=False,
    substeps=4,
):
    """A damped pendulum that is driven by a periodic torque; chaotic as the defaults stand.

    It solves d²θ/dt² = -sin θ - damping · dθ/dt + drive · sin(frequency · t), where the unit of
    time is 1/ω₀ = √(length / g), so that small free swings have the period 2π.

    Parameters
    ----------
    n : int
        Number of samples.
    step : float
        Time between two samples, in units of 1/ω₀.
    damping, drive, frequency : float
        Damping rate (ω₀), amplitude of the torque (ω₀²) and its angular frequency (ω₀). Without
        drive and damping the energy ``velocity² / 2 - cos(angle)`` is conserved.
    angle, velocity : float
        Start: angle from the lowest point (rad) and angular velocity (rad ω₀).
    wrap : bool
        Whether to bring the angle back to [-π, π). Otherwise it counts the turns.
    substeps : int
        Runge-Kutta steps per sample.

    Returns
    -------
    Series
        ``time`` (n,); ``values`` (n, 2): angle (rad) and angular velocity (rad ω₀).

    Raises
    ------
    ValueError
        If `n`, `step` or `substeps` is not positive, `damping` is negative or a number is not
        finite.

    Notes
    -----
    Equation and chaotic setting: Giordano and Nakanishi, *Computational Physics* (2nd ed. 2006),
    section 3.2 (damping 1/2, drive 1.2, frequency 2/3). Drive 0.5 gives a periodic motion.
    """
    n = whole("n", n)
    _finite(
        step=step,
        damping=damping,
        drive=drive,
        frequency=frequency,
        angle=angle,
        velocity=velocity,
    )
    _positive_step(step)
    if damping < 0:
        raise ValueError(f"damping is {damping}; give zero or a positive rate.")

    def field(t, state):
        theta, omega = state
        return np.array([omega, -np.sin(theta) - damping * omega + drive * np.sin(frequency * t)])

    time = step * np.arange(n)
    values = rk4(field, [angle, velocity], time, substeps)
    if wrap:
        values[:, 0] = (values[:, 0] + np.pi) % (2 * np.pi) - np.pi
    return Series(time, values, "rad, rad ω₀", "driven pendulum: angle, angular velocity", "1/ω₀")


def lorenz(n, *, step=0.02, sigma=10.0, rho=28.0, beta=8 / 3, start=(1.0, 1.0, 1.0), substeps=4):
    """The Lorenz system, chaotic as the defaults stand.

    It solves dx/dt = σ (y - x), dy/dt = x (ρ - z) - y, dz/dt = x y - β z. The largest Lyapunov
    exponent of the defaults is about 0.906 per unit of time, so that an error grows e-fold in about
    1.1 units.

    Parameters
    ----------
    n : int
        Number of samples.
    step : float
        Time between two samples.
    sigma, rho, beta : float
        The parameters σ, ρ and β.
    start : three floats
        x, y and z at time zero. The first few units of time lead from there to the attractor.
    substeps : int
        Runge-Kutta steps per sample.

    Returns
    -------
    Series
        ``time`` (n,); ``values`` (n, 3): x, y and z, without unit.

    Raises
    ------
    ValueError
        If `n`, `step` or `substeps` is not positive, `start` is not three numbers, or a number is
        not finite.

    Notes
    -----
    Lorenz, "Deterministic nonperiodic flow", J. Atmos. Sci. 20 (1963), 130-141, equations 25-27.
    Exponent: Sprott, *Chaos and Time-Series Analysis* (2003), section 5.6 and appendix A.
    """
    n = whole("n", n)
    _finite(step=step, sigma=sigma, rho=rho, beta=beta)
    _positive_step(step)
    if np.shape(start) != (3,):
        raise ValueError(f"start has the shape {np.shape(start)}; give three numbers: x, y and z.")

    def field(_, state):
        x, y, z = state
        return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    time = step * np.arange(n)
    return Series(time, rk4(field, start, time, substeps), "1", "Lorenz system: x, y, z", "1")


def _finite(**numbers):
    for name, value in numbers.items():
        if np.ndim(value) or not np.isfinite(value):
            raise ValueError(f"{name} is {value}; give one finite number.")


def _positive_step(step):
    if step <= 0:
        raise ValueError(f"step is {step}; give a positive time between two samples.")
