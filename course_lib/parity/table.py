"""Compare numbers between frameworks, and say plainly what differs."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

# Largest difference allowed in float32, relative to the largest entry; float64 has one for all.
FLOAT32 = {"outputs": 1e-6, "gradients": 1e-5, "losses": 1e-3}
FLOAT64 = 1e-10


class ParityError(ValueError):
    """Two models are not equal, or cannot be made equal; the message says where and what to do."""


def require(condition, message: str) -> None:
    """Raise ParityError with this message unless the condition holds."""
    if not condition:
        raise ParityError(message)


def compare(*, tolerance: Mapping[str, float] | None = None, **quantities: Mapping[str, Any]) -> None:
    """Print one row per quantity, and raise at the first number that differs.

    A quantity is ``outputs={"NumPy": array, "PyTorch": array, "Keras": array}``, or arrays by name,
    ``gradients={"PyTorch": {name: array}, "Keras": {name: array}}``. Tensors will do. Differences are relative to the
    largest entry of the first framework's array. Arrays of one layer (``"lstm.weight_ih_l0"``, ``"lstm.bias_ih_l0"``)
    share theirs, and it counts as at least 1e-2 of the largest of the row: a bias before a batch normalisation has
    gradient zero, and rounding errors mean nothing by themselves.

    ``tolerance`` is the largest difference allowed by row, ``{"outputs": 1e-6}``. Without: 1e-5 for gradients, 1e-3 for
    losses, 1e-6 for any other row; 1e-10 if all is float64.

    Raises ParityError after the table, with row, entry, index, both values, difference and limit; also for NaN,
    different shapes or names, and what is no array of numbers."""
    tolerance = dict(tolerance or {})
    unknown = ", ".join(sorted(tolerance.keys() - quantities.keys()))
    require(quantities, "nothing to compare: compare(outputs=…, gradients=…, losses=…).")
    require(not unknown, f"tolerance names no row that is compared: {unknown}.")
    require(all(limit >= 0 for limit in tolerance.values()), f"tolerance={tolerance}: give a number of at least 0.")
    rows, problems = [("", "compared", "largest difference", "allowed", "")], []
    for row, given in quantities.items():
        enough = isinstance(given, Mapping) and len(given) > 1
        require(enough, f"{row}: give at least two frameworks, {{'PyTorch': …, 'Keras': …}}.")
        arrays = {framework: _arrays(value, f"{row}: {framework}") for framework, value in given.items()}
        kinds = {a.dtype for named in arrays.values() for a in named.values() if a.dtype.kind == "f"}
        usual = FLOAT64 if kinds == {np.dtype(np.float64)} else FLOAT32.get(row, 1e-6)
        limit = tolerance.get(row, usual)
        largest, problem = _row(row, arrays, limit)
        shown = "–" if largest is None else f"{largest:.1e}"
        rows.append((row, ", ".join(given), shown, f"{limit:.0e}", "different" if problem else "equal"))
        problems.append(problem)
    widths = [max(map(len, column)) for column in zip(*rows)]
    for line in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    first = next(filter(None, problems), None)
    require(not first, first)


def _arrays(value, owner: str) -> dict[str, np.ndarray]:
    """Arrays of numbers by name, whichever framework they come from; the name of a single one is empty."""
    found = {}
    for name, part in (value if isinstance(value, Mapping) else {"": value}).items():
        try:
            found[name] = np.asarray(part.detach().cpu() if hasattr(part, "detach") else part)
        except (TypeError, ValueError) as error:
            raise ParityError(f"{owner} cannot be read as one array of numbers: {error}.") from error
        dtype = found[name].dtype
        require(
            dtype.kind in "biufc", f"{owner} holds {dtype} and not numbers that can be compared (float32, float64)."
        )
    return found


def _row(row: str, arrays, limit: float) -> tuple[float | None, str | None]:
    """The largest difference (None if there is none to compute) and the first problem, or None."""
    for framework, named in arrays.items():
        for name, array in named.items():
            if not np.isfinite(array).all():
                where, place = np.argwhere(~np.isfinite(array))[0].tolist(), f"{row} '{name}'" if name else row
                return None, f"{place}: {framework} holds NaN or infinity at {where}."
            if array.dtype.kind in "biu":  # bytes would wrap round below zero
                named[name] = array.astype(np.float64)
    (first, reference), *others = arrays.items()
    if not reference or not all(array.size for array in reference.values()):
        return None, f"{row}: {first} holds no numbers."
    largest, problem = 0.0, None
    for framework, named in others:
        if odd := sorted(named.keys() ^ reference.keys()):
            return None, f"{row}: only {framework if odd[0] in named else first} has '{odd[0]}'."
        for name, expected in reference.items():
            actual, place = named[name], f"{row} '{name}'" if name else row
            if actual.shape != expected.shape:
                return None, f"{place}: shape {expected.shape} in {first}, {actual.shape} in {framework}."
            relative = np.abs(actual - expected) / _scale(reference, name)
            largest = max(largest, float(relative.max()))
            if problem is None and relative.max() > limit:
                at = tuple(np.argwhere(relative > limit)[0].tolist())
                problem = (
                    f"{place} at {list(at)}: {expected[at]:.9g} in {first}, {actual[at]:.9g} in {framework}; difference "
                    f"{relative[at]:.1e} of the largest entry, allowed {limit:.0e}.{_hint(expected, actual, limit)}"
                )
    return largest, problem


def _scale(reference, name: str) -> float:
    """The largest entry of the layer that ``name`` belongs to, or 1e-2 of the largest of all."""
    largest = {other: float(np.abs(a).max()) for other, a in reference.items()}
    layer = name.rpartition(".")[0]
    same = [v for n, v in largest.items() if n == name or (layer and n.rpartition(".")[0] == layer)]
    return max(*same, 1e-2 * max(largest.values()), float(np.finfo(np.float32).tiny))


def _hint(expected, actual, limit: float) -> str:
    """What a well-known mistake would explain, or nothing."""

    def explains(a) -> bool:
        return a.shape == expected.shape and np.abs(a - expected).max() <= limit * np.abs(expected).max()

    if expected.ndim == 2 and explains(actual.T):
        return " They are equal after transposing."
    for gates in (3, 4):
        if expected.ndim and expected.shape[0] % gates == 0 and expected.shape[0] > gates:
            blocks = np.split(actual, gates)
            for order in itertools.permutations(range(gates)):
                if explains(np.concatenate([blocks[i] for i in order])):
                    return f" They are equal with the gates in the order {order}."
    squares = float((expected * expected).sum().real)
    factor = float((actual * expected).sum().real) / squares if squares else 1.0
    if not (factor >= 2 or 0 < factor <= 0.5) or not explains(actual / factor):
        return ""
    larger = max(factor, 1 / factor)
    whole = larger < 5.5 and abs(larger - round(larger)) < 1e-3
    twice = f", or was a gradient cell run {round(larger)} times without zero_grad()" if whole else ""
    return f" They differ by the factor {factor:.6g}: is one a mean and the other a sum{twice}?"
