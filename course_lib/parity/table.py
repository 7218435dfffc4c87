"""Compare numbers between frameworks, and say plainly what differs."""

import itertools

import numpy as np

from .errors import ParityError

# Largest difference allowed in float32, relative to the largest entry; float64 has one for all.
FLOAT32 = {"outputs": 1e-6, "gradients": 1e-5, "losses": 1e-3}
FLOAT64 = 1e-10


def compare(*, tolerance=None, **quantities) -> None:
    """Print one row per quantity, and raise at the first number that differs.

    Differences are relative to the largest entry of the first framework's array.  Arrays of one
    layer (``"lstm.weight_ih_l0"``, ``"lstm.bias_ih_l0"``) share theirs, and it counts as at least
    1e-2 of the largest entry of the row: a bias in front of a batch normalisation has gradient
    zero, and rounding errors mean nothing by themselves.

    Parameters
    ----------
    tolerance : dict, optional
        Largest difference allowed by row, ``{"outputs": 1e-6}``.  The defaults are 1e-6 for outputs
        and any other row, 1e-5 for gradients, 1e-3 for losses; 1e-10 where all is float64.
    **quantities
        ``outputs={"NumPy": array, "PyTorch": array, "Keras": array}``; or arrays by name,
        ``gradients={"PyTorch": {name: array}, "Keras": {name: array}}``.  Any keyword makes a row.

    Raises
    ------
    ParityError
        After the table, naming the row, the entry, the index, both values, the difference and the
        limit; also for NaN, different shapes or different names.
    """
    if not quantities:
        raise ParityError("nothing to compare: compare(outputs=…, gradients=…, losses=…).")
    unknown = set(tolerance or {}) - set(quantities)
    if unknown:
        raise ParityError(f"tolerance names no row that is compared: {', '.join(sorted(unknown))}.")
    rows, first = [("", "compared", "largest difference", "allowed", "")], None
    for row, by_framework in quantities.items():
        limit = (tolerance or {}).get(row, _default(row, by_framework))
        largest, problem = _row(row, by_framework, limit)
        shown = "–" if largest is None else f"{largest:.1e}"
        verdict = "different" if problem else "equal"
        rows.append((row, ", ".join(by_framework), shown, f"{limit:.0e}", verdict))
        first = first or problem
    widths = [max(map(len, column)) for column in zip(*rows)]
    for line in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    if first:
        raise ParityError(first)


def _arrays(value) -> dict:
    named = value if isinstance(value, dict) else {"": value}
    return {name: np.asarray(array) for name, array in named.items()}


def _default(row, by_framework) -> float:
    kinds = {a.dtype for value in by_framework.values() for a in _arrays(value).values()}
    floats = {kind for kind in kinds if np.issubdtype(kind, np.floating)}
    return FLOAT64 if floats == {np.dtype(np.float64)} else FLOAT32.get(row, 1e-6)


def _row(row, by_framework, limit):
    """The largest difference (None if there is none to compute) and the first problem, or None."""
    if not isinstance(by_framework, dict) or len(by_framework) < 2:
        return None, f"{row}: give at least two frameworks, {{'PyTorch': …, 'Keras': …}}."
    arrays = {framework: _arrays(value) for framework, value in by_framework.items()}
    for framework, named in arrays.items():
        for name, array in named.items():
            if not np.isfinite(array).all():
                where = _index(np.argwhere(~np.isfinite(array))[0])
                return None, f"{_place(row, name)}: {framework} holds NaN or infinity at {where}."
    (first, reference), *others = arrays.items()
    if not reference or not all(array.size for array in reference.values()):
        return None, f"{row}: {first} holds no numbers."
    largest, problem = 0.0, None
    for framework, named in others:
        if named.keys() != reference.keys():
            odd = sorted(named.keys() ^ reference.keys())[0]
            owner = framework if odd in named else first
            return None, f"{row}: only {owner} has '{odd}'."
        for name, expected in reference.items():
            actual = named[name]
            if actual.shape != expected.shape:
                return None, (f"{_place(row, name)}: shape {expected.shape} in {first}, {actual.shape} in {framework}.")
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


def _place(row, name):
    return f"{row} '{name}'" if name else row


def _index(at):
    return "[" + ", ".join(str(int(i)) for i in at) + "]"


def _scale(reference, name) -> float:
    """The largest entry of the layer that ``name`` belongs to, or 1e-2 of the largest of all."""
    largest = {other: float(np.abs(a).max()) for other, a in reference.items()}
    layer = name.rpartition(".")[0]
    same = [v for n, v in largest.items() if n == name or (layer and n.rpartition(".")[0] == layer)]
    return max(*same, 1e-2 * max(largest.values()), float(np.finfo(np.float32).tiny))


def _hint(expected, actual, limit) -> str:
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
    squares = float((expected * expected).sum())
    factor = float((actual * expected).sum()) / squares if squares else 1.0
    if (factor >= 2 or 0 < factor <= 0.5) and equal(actual / factor, expected):
        return f" They differ by the factor {factor:.6g}: is one a mean and the other a sum?"
    return ""
