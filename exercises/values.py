"""Values of answers: read from any framework as plain NumPy, compared within tolerance, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

__all__ = ["Unreadable", "decoded", "difference", "encoded", "kind", "plain"]


class Unreadable(TypeError):
    """A value that holds no numbers, text, or parts of these."""


def plain(value):
    """Return a value as plain NumPy, from whichever framework it comes, without importing one.

    Parameters
    ----------
    value : number, array, tensor, text, or a list, tuple or dict of these

    Returns
    -------
    ndarray, str, list or dict
        A number is an array of shape (). A list whose entries are arrays of one shape becomes one array.

    Raises
    ------
    TypeError
        If something in it cannot be read as numbers.
    """
    if value is None or value is Ellipsis:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, range)):
        parts = [plain(part) for part in value]
        arrays = all(isinstance(part, np.ndarray) for part in parts)
        alike = arrays and len({(part.shape, part.dtype.kind == "b") for part in parts}) <= 1
        return np.array(parts) if alike else parts
    try:
        array = _array(value)
    except Exception:
        raise Unreadable(f"{kind(value)} cannot be read as numbers") from None
    if array.dtype.kind in "OU":
        return plain(array.tolist())
    if array.dtype.kind not in "biufc":
        raise Unreadable(f"{kind(value)} cannot be read as numbers")
    return array


def _array(value) -> np.ndarray:
    if isinstance(value, Fraction):
        value = float(value)
    if not isinstance(value, (int, float, complex)) and not hasattr(value, "__array__"):
        raise TypeError
    if hasattr(value, "detach"):  # PyTorch
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # NumPy has no such type
            value = value.float()
    try:
        array = np.asarray(value)
    except ValueError:  # one bfloat16 number of TensorFlow gives itself to NumPy in this way alone
        array = np.asarray(value.numpy())
    if array.dtype.kind == "V":  # TensorFlow's bfloat16
        array = array.astype(float)
    return array.astype(float) if isinstance(value, int) and array.dtype.kind == "O" else array


def kind(answer) -> str:
    """Say in words what an answer is."""
    return "text" if isinstance(answer, str) else f"something of type {type(answer).__name__}"


def encoded(value):
    """Turn a plain value into what JSON can hold; twelve digits, so that no processor's last bit shows.

    Raises
    ------
    ValueError
        If a number in it is complex, NaN or infinite: no answer is compared with such a one.
    """
    if isinstance(value, Mapping):
        return {"parts": {str(key): encoded(entry) for key, entry in value.items()}}
    if isinstance(value, list):
        return [encoded(entry) for entry in value]
    if isinstance(value, str):
        return value
    if value.dtype.kind == "c" or not np.all(np.isfinite(value)):
        raise ValueError("it holds NaN, infinity or complex numbers")
    numbers = [float(f"{n:.12g}") if isinstance(n, float) else n for n in value.ravel().tolist()]
    return {"shape": list(value.shape), "numbers": numbers} if value.ndim else numbers[0]


def decoded(stored):
    """Turn what ``encoded`` gave back into a plain value."""
    if isinstance(stored, dict):
        if "parts" in stored:
            return {key: decoded(entry) for key, entry in stored["parts"].items()}
        return np.array(stored["numbers"]).reshape(stored["shape"])
    if isinstance(stored, list):
        return [decoded(entry) for entry in stored]
    return stored if isinstance(stored, str) else np.asarray(stored)


def difference(got, expected, rtol: float, atol: float, what: str = "the answer") -> str | None:
    """Return None if equal within tolerance, else a sentence on the *form* of the difference, never the values."""
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping) or set(got) != set(expected):
            return f"{what} must be a dict with the keys {', '.join(map(str, expected))}"
        pairs = [(got[key], expected[key], f"{key!r}") for key in expected]
    elif isinstance(expected, list):
        if isinstance(got, np.ndarray) and got.ndim:
            got = [np.asarray(entry) for entry in got]
        if not isinstance(got, list) or len(got) != len(expected):
            return f"{what} must have {len(expected)} parts"
        pairs = [(g, e, what if len(expected) == 1 else f"part {i + 1}") for i, (g, e) in enumerate(zip(got, expected))]
    elif isinstance(expected, str):
        if not isinstance(got, str):
            return f"{what} must be text"
        return None if got.strip().lower() == expected.strip().lower() else ""
    else:
        if not isinstance(got, np.ndarray):
            found = {str: "text", list: "parts of several shapes or kinds"}.get(type(got), type(got).__name__)
            return f"{what} must be made of numbers, not {found}"
        if (got.dtype.kind == "b") != (expected.dtype.kind == "b"):
            return f"{what} must be {'True or False' if expected.dtype.kind == 'b' else 'made of numbers, not bool'}"
        if got.shape != expected.shape:
            return f"{what} has shape {got.shape}, and {expected.shape} is expected"
        if not np.all(np.isfinite(got)):
            return f"{what} contains NaN or infinity"
        return None if np.allclose(got, expected, rtol=rtol, atol=atol) else ""
    for one, other, name in pairs:
        found = difference(one, other, rtol, atol, name)
        if found is not None:
            return found
    return None
