"""Checks of arguments that more than one module of this room makes."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np


def whole(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int if it is a whole number of at least `least`, else a ValueError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} is {value!r}; give a whole number of {least} or more.")
    return number


def examples(*arrays: Any) -> tuple[np.ndarray, ...]:
    """The arrays in native byte order (one given twice stays one array); ValueError if lengths differ or are zero."""
    if not arrays:
        raise ValueError("Give at least one array, with examples along its first axis.")
    known = {id(array): native(np.asarray(array)) for array in arrays}
    arrays = tuple(known[id(array)] for array in arrays)
    for i, array in enumerate(arrays):
        if array.ndim == 0:
            raise ValueError(f"Array {i} is a single number; give an array with examples along axis 0.")
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        listed = ", ".join(map(str, lengths))
        raise ValueError(f"The arrays have {listed} examples along their first axis; give as many in each.")
    if lengths[0] == 0:
        raise ValueError("The arrays are empty; give at least one example.")
    return arrays


def filled(parts: Sequence[np.ndarray], validation: float, remedy: str) -> None:
    """ValueError if the first or the last of three parts is empty, or the middle one although `validation` is not 0."""
    sizes = [len(part) for part in parts]
    if not (sizes[0] and sizes[2] and (sizes[1] or validation == 0)):
        raise ValueError(f"This gives parts of {', '.join(map(str, sizes))}: one is empty. {remedy}")


def native(array: np.ndarray) -> np.ndarray:
    """The array in this machine's byte order: FITS, WFDB and IDX files give others, which frameworks read as garbage."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
