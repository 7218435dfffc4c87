"""Central differences against derivatives that are known."""

import numpy as np
import pytest

from course_lib import parity


def test_equals_the_known_gradient_and_leaves_the_weights_alone():
    rng = np.random.default_rng(0)
    weights = {"A": rng.normal(size=(3, 2)), "b": rng.normal(size=3), "c": np.array(0.7)}
    before = {name: array.copy() for name, array in weights.items()}
    x = rng.normal(size=2)

    def loss(w):
        return np.sum(np.tanh(w["A"] @ x + w["b"])) * w["c"] ** 2

    found = parity.nudged_gradient(loss, weights)
    slope = (1 - np.tanh(before["A"] @ x + before["b"]) ** 2) * before["c"] ** 2
    assert np.allclose(found["A"], np.outer(slope, x), rtol=1e-8, atol=1e-10)
    assert np.allclose(found["b"], slope, rtol=1e-8, atol=1e-10)
    assert np.isclose(found["c"], 2 * loss(before) / before["c"], rtol=1e-8)
    assert all(np.array_equal(weights[name], before[name]) for name in weights)


def test_puts_the_weight_back_when_the_loss_fails():
    weights = {"w": np.array([1.0, 2.0])}

    def loss(w):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        parity.nudged_gradient(loss, weights)
    assert weights["w"].tolist() == [1.0, 2.0]


def test_refuses_single_precision():
    with pytest.raises(TypeError, match="'w' is no float64 array"):
        parity.nudged_gradient(lambda w: 0.0, {"w": np.zeros(2, np.float32)})
