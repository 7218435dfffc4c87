"""The simulated series has its period, size and noise."""

import numpy as np
import pytest

from course_lib import data


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


def test_it_is_float64_with_unit_and_name():
    series = data.sine(10)
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
    ],
)
def test_bad_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
