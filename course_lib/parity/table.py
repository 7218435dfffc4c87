"""Compare numbers between frameworks, and say plainly what differs."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

# Largest difference allowed in float32, relative to the largest entry; float64 and float16 have one for all.
FLOAT32 = {"outputs": 1e-6, "gradients": 1e-5, "losses": 1e-3}
FLOAT64, FLOAT16 = 1e-10, 1e-2


class ParityError(ValueError):
    """Two models are not equal, or cannot be made equal; the message says where and what to do."""


def compare(*, tolerance: Mapping[str, float] | None = None, **quantities: Mapping[str, Any]) -> None:
    """Print one row per quantity, and raise at the first number that differs.

    Differences are relative to the largest entry of the first framework's array.  Arrays of one
    layer (``"lstm.weight_ih_l0"``, ``"lstm.bias_ih_l0"``) share theirs, and it counts as at least
    1e-2 of the largest entry of the row: a bias in front of a batch normalisation has gradient
    zero, and rounding errors mean nothing by themselves.

    Parameters
    ----------
    tolerance : dict, optional
        Largest difference allowed by row, ``{"outputs": 1e-6}``.  Without: 1e-5 for gradients, 1e-3
        for losses, 1e-6 for any other row; 1e-10 if all is float64, 1e-2 if something is float16.
    **quantities
        A row each: ``outputs={"NumPy": array, "PyTorch": array, "Keras": array}``; or arrays by
        name, ``gradients={"PyTorch": {name: array}, "Keras": {name: array}}``.  Tensors will do.

    Raises
    ------
    ParityError
        After the table, with row, entry, index, both values, difference and limit; also for NaN,
        different shapes or names, and what is no array of numbers.
    """
    if not quantities:
        raise ParityError("nothing to compare: compare(outputs=…, gradients=…, losses=…).")
    tolerance = dict(tolerance or {})
    unknown = set(tolerance) - set(quantities)
    if unknown:
        raise ParityError(f"tolerance names no row that is compared: {', '.join(sorted(unknown))}.")
    for row, limit in tolerance.items():
        if not limit >= 0:
            raise ParityError(f"tolerance of {row} is {limit}: give a number of at least 0.")
    rows, first = [("", "compared", "largest difference", "allowed", "")], None
    for row, given in quantities.items():
        if not isinstance(given, Mapping) or len(given) < 2:
            raise ParityError(f"{row}: give at least two frameworks, {{'PyTorch': …, 'Keras': …}}.")
        arrays = {
            framework: {n: _numbers(a, f"{row}: {framework}") for n, a in _named(value)}
            for framework, value in given.items()
        }
        limit = tolerance.get(row, _default(row, arrays))
        largest, problem = _row(row, arrays, limit)
        shown = "–" if largest is None else f"{largest:.1e}"
        rows.append((row, ", ".join(given), shown, f"{limit:.0e}", "different" if problem else "equal"))
        first = first or problem
    widths = [max(map(len, column)) for column in zip(*rows)]
    for line in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    if first:
        raise ParityError(first)


def _named(value):
    return value.items() if isinstance(value, Mapping) else [("", value)]


def _numbers(value, owner: str) -> np.ndarray:
    """``value`` as an array of numbers, whichever framework it comes from."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ParityError(f"{owner} cannot be read as one array of numbers: {error}.") from error
    if array.dtype.kind not in "biufc":
        raise ParityError(f"{owner} holds {array.dtype} and not numbers that can be compared (float32, float64).")
    return array


def _default(row: str, arrays) -> float:
    kinds = {a.dtype for named in arrays.values() for a in named.values() if a.dtype.kind == "f"}
    if np.dtype(np.float16) in kinds:
        return FLOAT16
    return FLOAT64 if kinds == {np.dtype(np.float64)} else FLOAT32.get(row, 1e-6)


def _row(row: str, arrays, limit: float) -> tuple[float | None, str | None]:
    """The largest difference (None if there is none to compute) and the first problem, or None."""
    for framework, named in arrays.items():
        for name, array in named.items():
            if not np.isfinite(array).all():
                where = _index(np.argwhere(~np.isfinite(array))[0])
                return None, f"{_place(row, name)}: {framework} holds NaN or infinity at {where}."
            if array.dtype.kind in "biu":  # bytes would wrap round below zero
                named[name] = array.astype(np.float64)
    (first, reference), *others = arrays.items()
    if not reference or not all(array.size for array in reference.values()):
        return None, f"{row}: {first} holds no numbers."
    largest, problem = 0.0, None
    for framework, named in others:
        if named.keys() != reference.keys():
            odd = sorted(named.keys() ^ reference.keys())[0]
            return None, f"{row}: only {framework if odd in named else first} has '{odd}'."
        for name, expected in reference.items():
            actual = named[name]
            if actual.shape != expected.shape:
                return None, f"{_place(row, name)}: shape {expected.shape} in {first}, {actual.shape} in {framework}."
            relative = np.abs(actual - expected) / _scale(reference, name)
            largest = max(largest, float(relative.max()))
            if problem is None and relative.max() > limit:
                at = tuple(np.argwhere(relative > limit)[0])
                problem = (
                    f"{_place(row, name)} at {_index(at)}: {expected[at]:.9g} in {first}, "
                    f"{actual[at]:.9g} in {framework}; difference {relative[at]:.1e} of the "
                    f"largest entry, allowed {limit:.0e}.{_hint(expected, actual, limit)}"
                )
    return largest, problem


def _place(row: str, name: str) -> str:
    return f"{row} '{name}'" if name else row


def _index(at) -> str:
    return "[" + ", ".join(str(int(i)) for i in at) + "]"


def _scale(reference, name: str) -> float:
    """The largest entry of the layer that ``name`` belongs to, or 1e-2 of the largest of all."""
    largest = {other: float(np.abs(a).max()) for other, a in reference.items()}
    layer = name.rpartition(".")[0]
    same = [v for n, v in largest.items() if n == name or (layer and n.rpartition(".")[0] == layer)]
    return max(*same, 1e-2 * max(largest.values()), float(np.finfo(np.float32).tiny))


def _hint(expected, actual, limit: float) -> str:
    """What a well-known mistake would explain, or nothing."""

    def equal(a, b):
        return a.shape == b.shape and np.abs(a - b).max() <= limit * np.abs(b).max()

    if expected.ndim == 2 and equal(actual.T, expected):
        return " They are equal after transposing."
    for gates in (3, 4):
        if expected.ndim and expected.shape[0] % gates == 0 and expected.shape[0] > gates:
            blocks = np.split(actual, gates)
            for order in itertools.permutations(range(gates)):
                if equal(np.concatenate([blocks[i] for i in order]), expected):
                    return f" They are equal with the gates in the order {order}."
    squares = float((expected * expected).sum().real)
    factor = float((actual * expected).sum().real) / squares if squares else 1.0
    if not (factor >= 2 or 0 < factor <= 0.5) or not equal(actual / factor, expected):
        return ""
    times = round(max(factor, 1 / factor))
    twice = f", or was a gradient cell run {times} times without zero_grad()" if times <= 5 else ""
    twice = twice if abs(max(factor, 1 / factor) - times) < 1e-3 else ""
    return f" They differ by the factor {factor:.6g}: is one a mean and the other a sum{twice}?"
