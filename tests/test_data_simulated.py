"""The simulated series obey their equations, and the integrator has the order that it claims."""

import numpy as np
import pytest

from course_lib import data


def lorenz_field(_, state):
    x, y, z = state
    return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def test_sine_has_its_period_and_amplitude():
    wave = data.sine(100, period=20)
    assert wave.time.tolist() == list(range(100))
    assert wave.values[20:] == pytest.approx(wave.values[:-20])
    assert (wave.values[0], wave.values[5]) == (0, 1)
    assert data.sine(1000, period=20).values.std() == pytest.approx(np.sqrt(0.5))


def test_sine_noise_is_seeded_and_has_its_size():
    clean, noisy = data.sine(20000).values, data.sine(20000, noise=0.3).values
    assert (noisy - clean).std() == pytest.approx(0.3, rel=0.03)
    assert np.array_equal(noisy, data.sine(20000, noise=0.3).values)
    assert not np.array_equal(noisy, data.sine(20000, noise=0.3, seed=1).values)


def test_rk4_error_falls_with_the_fourth_power_of_the_step():
    times = np.array([0.0, 1.0, 2.0])

    def error(substeps):
        found = data.rk4(lambda t, y: np.array([y[1], -y[0]]), [1.0, 0.0], times, substeps)
        return np.abs(found[-1] - [np.cos(2), -np.sin(2)]).max()

    errors = np.array([error(substeps) for substeps in (10, 20, 40, 80)])
    assert np.log2(errors[:-1] / errors[1:]) == pytest.approx([4, 4, 4], abs=0.15)


def test_rk4_uses_the_time_at_all_four_places():
    # y' = 4 t^3 is integrated exactly, but only if each stage is told its own time.
    found = data.rk4(lambda t, y: 4 * t**3 * np.ones(1), [0.0], [0.0, 1.0, 3.0])
    assert found[:, 0] == pytest.approx([0, 1, 81], abs=1e-12)


def test_rk4_runs_many_systems_side_by_side():
    def field(t, y):
        return np.array([y[1], -np.sin(y[0])])

    times = np.linspace(0, 5, 11)
    together = data.rk4(field, [[0.1, 1.0], [0.0, 0.5]], times)
    alone = [data.rk4(field, [0.1, 0.0], times), data.rk4(field, [1.0, 0.5], times)]
    assert together == pytest.approx(np.stack(alone, axis=-1), abs=1e-14)


def test_lorenz_has_converged_and_stays_on_its_attractor():
    coarse, fine = data.lorenz(150), data.rk4(lorenz_field, [1, 1, 1], 0.02 * np.arange(150), substeps=8)
    assert np.abs(coarse.values - fine).max() < 1e-3
    assert data.lorenz(50, step=0.01).time[-1] == pytest.approx(0.49)
    x, y, z = data.lorenz(3000).values[500:].T
    assert np.abs(x).max() < 21
    assert (0 < z).all()
    assert z.max() < 50
    assert (x > 5).any()
    assert (x < -5).any()
    assert z.mean() == pytest.approx(23.5, abs=0.7)


def test_lorenz_grows_a_small_difference_e_fold_in_about_a_unit_of_time():
    on_attractor = data.lorenz(1000).values[-1]
    # Many pairs side by side: the mean of log(distance) grows with the largest exponent.
    spread = data.rk4(lorenz_field, on_attractor, np.arange(0, 200, 2.0), substeps=400).T
    pairs = np.concatenate([spread, spread + 1e-9], axis=1)
    times = np.arange(0, 15.1, 0.5)
    found = data.rk4(lorenz_field, pairs, times, substeps=50)
    distance = np.linalg.norm(found[:, :, :100] - found[:, :, 100:], axis=1)
    growth = np.polyfit(times[8:], np.log(distance[8:]).mean(axis=1), 1)[0]
    assert growth == pytest.approx(0.906, abs=0.1)


def test_series_are_float64_with_unit_and_name():
    for series in (data.sine(10), data.lorenz(10)):
        assert series.time.dtype == series.values.dtype == np.float64
        assert len(series.time) == len(series.values) == 10
        assert series.unit
        assert series.name
        assert series.time_unit


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.sine(0), "n is 0; give a whole number of 1 or more"),
        (lambda: data.sine(2.5), "n is 2.5; give a whole number"),
        (lambda: data.sine(10, period=0), "period is 0; give a positive"),
        (lambda: data.sine(10, noise=-1), "noise is -1; give a standard deviation"),
        (lambda: data.sine(10, noise=np.nan), "noise is nan; give a standard deviation"),
        (lambda: data.sine(10, period=np.inf), "period is inf; give a positive"),
        (lambda: data.lorenz(-3), "n is -3"),
        (lambda: data.lorenz(10, step=0), "step is 0; give a positive time"),
        (lambda: data.lorenz(10, step=np.nan), "step is nan; give a positive time"),
        (lambda: data.lorenz(100, step=5.0), "grows beyond all numbers"),
        (lambda: data.rk4(lambda t, y: y, [1.0], [0, 1], substeps=0), "substeps is 0"),
        (lambda: data.rk4(lambda t, y: y, [np.inf], [0, 1]), "must be finite"),
        (lambda: data.rk4(lambda t, y: y, [1.0], [0, 2, 1]), "times must be .* increases"),
        (lambda: data.rk4(lambda t, y: y, [1.0], []), "times must be"),
    ],
)
def test_bad_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
