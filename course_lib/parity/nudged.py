"""The gradient without any derivation: nudge each weight and look."""

import numpy as np

__all__ = ["nudged_gradient"]


def nudged_gradient(loss, weights, eps=1e-5) -> dict:
    """The gradient by central differences, two evaluations of the loss for each number.

    The error is of the order eps² plus rounding divided by eps: about 1e-10 of the loss in float64 at
    the default ``eps``. Float32 is refused, because rounding would leave two or three digits.

    Parameters
    ----------
    loss : callable
        ``loss(weights)`` returns one number.
    weights : dict of float64 arrays
        Each entry is changed in place and put back, also if ``loss`` raises.
    eps : float
        Length of the nudge to either side.

    Returns
    -------
    dict
        An array of the same shape for each name.

    Raises
    ------
    TypeError
        If an array of ``weights`` is not float64.
    """
    for name, array in weights.items():
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(f"'{name}' is no float64 array: nudges of {eps:g} need float64; use .astype(np.float64).")
    gradients = {}
    for name, array in weights.items():
        gradients[name] = np.zeros_like(array)
        for i in np.ndindex(array.shape):
            old = array[i]
            try:
                array[i] = old + eps
                up = float(loss(weights))
                array[i] = old - eps
                down = float(loss(weights))
            finally:
                array[i] = old
            gradients[name][i] = (up - down) / (2 * eps)
    return gradients
