"""From a series to what a network trains on: windows, a split by time, a scaler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._checks import native, whole


def windows(series: Any, length: int, horizon: int = 1, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into input windows and the values that follow each.

    Window i is ``series[i * stride : i * stride + length]``; its target is the `horizon` values after it. Every window
    that has a whole target is there, in the order of time.

    `series` is (n,) or (n, features), `stride` the steps between windows. Returns inputs (count, length, features) and
    targets (count, horizon, features), read-only views (copy with ``np.array(inputs)``) with ``features`` = 1 for one
    axis and ``count = (n - length - horizon) // stride + 1``. ValueError if the series has no one or two axes, is too
    short for a window and its target, holds a NaN or an infinity, or a size is not a positive whole number."""
    series = _checked("series", series, meaning="(n,) or (n, features)", axes=(1, 2))
    length, horizon, stride = whole("length", length), whole("horizon", horizon), whole("stride", stride)
    if len(series) < length + horizon:
        raise ValueError(
            f"The series has {len(series)} values; a window of {length} and a target of {horizon} "
            f"need {length + horizon}. Give a longer series or a shorter window."
        )
    table = series.reshape(len(series), -1)
    view = np.lib.stride_tricks.sliding_window_view(table, length + horizon, axis=0)[::stride].transpose(0, 2, 1)
    return view[:, :length], view[:, length:]


@dataclass(frozen=True, eq=False)
class Scaler:
    """Bring each feature to a common scale, ``(x - offset) / scale``, and back. Make one with ``Scaler.fit(train)``:
    fitted on the training part alone it tells nothing about the test part. `offset` and `scale`, (features,) float64,
    are mean and standard deviation of that part (``kind="standard"``) or its minimum and range (``kind="minmax"``). A
    feature that is constant there has scale 1 and becomes 0."""

    offset: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, train: Any, kind: str = "standard") -> Scaler:
        """Measure `offset` and `scale` of each feature of `train`: (n,) for one feature, else (n, ..., features).
        ``kind="standard"`` leads to mean 0 and standard deviation 1 (with n in the denominator), ``"minmax"`` to 0 to
        1. ValueError if `train` is empty, has no axis, holds a NaN or an infinity, or `kind` is another."""
        train = _checked("train", train, meaning="(n,), (n, features) or more axes")
        if train.size == 0:
            raise ValueError("train is empty. Fit the scaler on at least one value of each feature.")
        table = train.reshape(-1, 1 if train.ndim == 1 else train.shape[-1]).astype(np.float64)
        low, width = table.min(axis=0), np.ptp(table, axis=0)
        kinds = {"standard": (table.mean(axis=0), table.std(axis=0)), "minmax": (low, width)}
        if kind not in kinds:
            raise ValueError(f'kind is {kind!r}; use "standard" or "minmax".')
        offset, scale = kinds[kind]
        return cls(np.where(width == 0, low, offset), np.where(width == 0, 1.0, scale))

    def transform(self, x: Any) -> np.ndarray:
        """Scale `x` (n,) or (..., features); float32 stays float32. ValueError for other features or a NaN or infinity."""
        x = _checked("x", x, meaning="(n,) or (..., features)")
        return self._apply(x, lambda values: (values - self.offset) / self.scale)

    def inverse(self, x: Any) -> np.ndarray:
        """Undo `transform`; for predictions, so NaN passes through. Same shapes and errors else."""
        return self._apply(native(np.asarray(x)), lambda values: values * self.scale + self.offset)

    def _apply(self, x: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        features = 1 if x.ndim == 1 else x.shape[-1] if x.ndim else 0
        if features != len(self.scale):
            raise ValueError(
                f"x has the shape {x.shape}; the scaler was fitted on {len(self.scale)} features, "
                "which must be the last axis. Add or move an axis, or fit a scaler for this array."
            )
        kind = x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64
        return change(x.astype(np.float64)).astype(kind)


def _checked(name: str, values: Any, meaning: str, axes: tuple[int, ...] = ()) -> np.ndarray:
    """The values as an array of finite numbers with one axis or more (one of `axes`, if given); else a ValueError."""
    if isinstance(values, tuple) and hasattr(values, "values"):
        raise ValueError(f"{name} is a whole Series; give its numbers: {name}.values")
    try:
        array = native(np.asarray(values))
    except ValueError:
        raise ValueError(f"{name} has rows of different length; give an array {meaning}.") from None
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise ValueError(f"{name} holds {array.dtype} entries; give numbers.")
    if array.ndim == 0 or (axes and array.ndim not in axes):
        raise ValueError(f"{name} has the shape {array.shape}; give an array of shape {meaning}.")
    bad = ~np.isfinite(array)
    if bad.any():
        count, first = int(bad.sum()), int(np.argwhere(bad)[0, 0])
        raise ValueError(
            f"{name} holds {count} NaN or infinite value(s), the first at index {first}. Fill or cut such gaps first."
        )
    return array
