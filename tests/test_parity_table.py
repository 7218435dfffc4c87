"""parity.compare: the table it prints, what it refuses, and the hints for well-known mistakes."""

import numpy as np
import pytest
import torch

from course_lib import parity
from course_lib.parity import ParityError

ONE = np.ones(3, np.float32)


def test_the_table(capsys):
    a = np.array([1.0, -2.0], np.float32)
    parity.compare(
        outputs={"NumPy": a.astype(float), "PyTorch": a, "Keras": a * np.float32(1 + 4e-7)},
        gradients={"PyTorch": {"fc.weight": a}, "Keras": {"fc.weight": a}},
    )
    assert capsys.readouterr().out.splitlines() == [
        "           compared               largest difference  allowed",
        "outputs    NumPy, PyTorch, Keras  3.6e-07             1e-06    equal",
        "gradients  PyTorch, Keras         0.0e+00             1e-05    equal",
    ]


def test_the_table_comes_before_the_refusal(capsys):
    with pytest.raises(ParityError):
        parity.compare(outputs={"PyTorch": ONE, "Keras": 2 * ONE}, losses={"PyTorch": ONE, "Keras": ONE})
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()[1:]] == ["different", "equal"]


@pytest.mark.parametrize(
    "quantity, message",
    [
        ({"PyTorch": ONE, "Keras": ONE * np.nan}, r"row: Keras holds NaN or infinity at \[0\]"),
        ({"PyTorch": {"w": ONE}, "Keras": {"w": ONE * np.inf}}, r"row 'w': Keras holds NaN or infinity at \[0\]"),
        ({"PyTorch": ONE, "Keras": np.ones(2)}, r"shape \(3,\) in PyTorch, \(2,\) in Keras"),
        ({"PyTorch": {"w": ONE}, "Keras": {"v": ONE}}, "only Keras has 'v'"),
        ({"PyTorch": ONE}, "at least two frameworks"),
        ({"PyTorch": {}, "Keras": {}}, "PyTorch holds no numbers"),
        ({"PyTorch": ONE, "Keras": ONE + [0, 0, 2e-6]}, r"row at \[2\]: 1 in PyTorch, 1.000002 in Keras"),
        ({"NumPy": ONE * 1.0, "PyTorch": ONE, "Keras": -ONE}, "1 in NumPy, -1 in Keras"),
        ({"PyTorch": np.zeros(3), "Keras": np.full(3, 1e-9)}, "0 in PyTorch, 1e-09 in Keras"),
        ({"PyTorch": ONE, "Keras": ["a", "b", "c"]}, "row: Keras holds <U1 and not numbers"),
        ({"PyTorch": [[1.0], [1.0, 2.0]], "Keras": ONE}, "row: PyTorch cannot be read as one array"),
        ({"PyTorch": torch.ones(3, dtype=torch.bfloat16), "Keras": ONE}, "row: PyTorch cannot be read as one array"),
        ({"PyTorch": np.array([True]), "Keras": np.array([False])}, "1 in PyTorch, 0 in Keras"),
        ({"PyTorch": np.uint8([5]), "Keras": np.uint8([6])}, "difference 2.0e-01"),
    ],
)
def test_what_is_refused(quantity, message):
    with pytest.raises(ParityError, match=message):
        parity.compare(row=quantity)


def test_tensors_with_a_gradient_and_booleans_are_read():
    parity.compare(
        row={"PyTorch": torch.ones(3, requires_grad=True) * 1, "Keras": ONE},
        flags={"PyTorch": np.array([True, False]), "Keras": torch.tensor([True, False])},
    )


PAIRS = np.arange(6.0).reshape(3, 2)
RERUN = r"or was a gradient cell run 2 times without zero_grad\(\)\?$"


@pytest.mark.parametrize(
    "expected, actual, message",
    [
        (PAIRS @ PAIRS.T + np.tri(3), (PAIRS @ PAIRS.T + np.tri(3)).T, "equal after transposing"),
        (PAIRS, 32 * PAIRS, r"factor 32: is one a mean and the other a sum\?$"),
        (PAIRS, 2.5 * PAIRS, r"factor 2.5: is one a mean and the other a sum\?$"),
        (PAIRS, 2 * PAIRS, "factor 2: is one a mean and the other a sum, " + RERUN),
        (PAIRS, PAIRS / 2, "factor 0.5: is one a mean and the other a sum, " + RERUN),
        (PAIRS, 2 * PAIRS + 1e-3, "allowed 1e-10.$"),
    ],
)
def test_hints(expected, actual, message):
    with pytest.raises(ParityError, match=message):
        parity.compare(row={"PyTorch": expected, "Keras": actual})


def test_gates_in_another_order_are_named():
    r, z, n = np.random.default_rng(0).normal(size=(3, 2, 4))
    with pytest.raises(ParityError, match=r"equal with the gates in the order \(1, 0, 2\)"):
        parity.compare(row={"PyTorch": np.concatenate([r, z, n]), "Keras": np.concatenate([z, r, n])})


def test_tolerances():
    near = {"PyTorch": np.ones(2), "Keras": np.ones(2) + 1e-9}
    with pytest.raises(ParityError, match="allowed 1e-10"):
        parity.compare(outputs=near)
    parity.compare(outputs=near, tolerance={"outputs": 1e-8})
    with pytest.raises(ParityError, match="names no row"):
        parity.compare(outputs=near, tolerance={"output": 1e-8})
    for limit in (float("nan"), -1.0):
        with pytest.raises(ParityError, match="give a number of at least 0"):
            parity.compare(outputs={"PyTorch": ONE, "Keras": 0 * ONE}, tolerance={"outputs": limit})
    with pytest.raises(ParityError, match="nothing to compare"):
        parity.compare()
