"""From a series to what a network trains on: windows, a split by time, a scaler."""

from dataclasses import dataclass

import numpy as np

from ._checks import whole


def windows(series, length, horizon=1, stride=1):
    """Cut a series into input windows and the values that follow each.

    Window i is ``series[i * stride : i * stride + length]``; its target is the `horizon` values
    after it. Every window that has a whole target is there, in the order of time.

    Parameters
    ----------
    series : (n,) or (n, features) array
        The values in the order of time, for example ``sunspots().values``.
    length : int
        Values in an input window.
    horizon : int
        Values in a target.
    stride : int
        Steps from one window to the next.

    Returns
    -------
    inputs : (count, length, features) array
    targets : (count, horizon, features) array
        Read-only views of the series (no copy; a series of one axis has ``features`` = 1), with
        ``count = (n - length - horizon) // stride + 1``. ``np.array(inputs)`` gives a copy that can
        be changed.

    Raises
    ------
    ValueError
        If the series has no one or two axes, is too short for one window and its target, holds a
        NaN or an infinity, or a size is not a positive whole number.
    """
    series = _checked("series", series, axes=(1, 2), meaning="(n,) or (n, features)")
    length, horizon = whole("length", length), whole("horizon", horizon)
    stride = whole("stride", stride)
    if len(series) < length + horizon:
        raise ValueError(
            f"The series has {len(series)} values; a window of {length} and a target of {horizon} "
            f"need {length + horizon}. Give a longer series or a shorter window."
        )
    table = series.reshape(len(series), -1)
    view = np.lib.stride_tricks.sliding_window_view(table, length + horizon, axis=0)
    view = view[::stride].transpose(0, 2, 1)
    return view[:, :length], view[:, length:]


def split_by_time(series, train=0.7, validation=0.15):
    """Cut a series into a first, a middle and a last part; the last is what the others leave.

    Parameters
    ----------
    series : (n, ...) array
        Anything whose first axis is time.
    train, validation : float
        Shares of the first and of the middle part; ``validation=0`` gives an empty middle part.

    Returns
    -------
    train, validation, test : arrays
        Views of the series. Joined in this order they are the series.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, the two leave nothing for the test part, the series is so
        short that a part would be empty, or it holds a NaN or an infinity.
    """
    series = _checked("series", series, axes=None, meaning="(n, ...)")
    if not (0 < train < 1 and 0 <= validation < 1 and train + validation < 1):
        raise ValueError(
            f"train={train} and validation={validation}: give shares between 0 and 1 whose sum is "
            "below 1, so that something is left for the test part."
        )
    first = round(len(series) * train)
    second = round(len(series) * (train + validation))
    parts = series[:first], series[first:second], series[second:]
    wanted = (True, validation > 0, True)
    if any(want and len(part) == 0 for want, part in zip(wanted, parts, strict=True)):
        sizes = ", ".join(str(len(part)) for part in parts)
        raise ValueError(
            f"A series of {len(series)} values gives parts of {sizes}: one is empty. "
            "Give a longer series or larger shares."
        )
    return parts


@dataclass(frozen=True, eq=False)
class Scaler:
    """Bring each feature to a common scale, ``(x - offset) / scale``, and back.

    Make one with ``Scaler.fit(train)``: fitted on the training part alone it tells nothing about
    the test part.

    Attributes
    ----------
    offset, scale : (features,) float64
        Mean and standard deviation (``kind="standard"``) or minimum and range (``kind="minmax"``)
        of the training part. A feature that is constant there has scale 1 and becomes 0.
    """

    offset: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, train, kind="standard"):
        """Measure `offset` and `scale` of each feature.

        Parameters
        ----------
        train : (n,), (n, features) or (n, length, features) array
            The training part. Features lie on the last axis; an array of one axis is one feature.
        kind : {"standard", "minmax"}
            To mean 0 and standard deviation 1 (with n in the denominator), or to the range from 0
            to 1.

        Raises
        ------
        ValueError
            If `train` is empty, has no axis, holds a NaN or an infinity, or `kind` is unknown.
        """
        train = _checked("train", train, axes=None, meaning="(n,), (n, features) or more axes")
        if train.size == 0:
            raise ValueError("train is empty. Fit the scaler on at least one value of each feature.")
        table = train.reshape(-1, 1 if train.ndim == 1 else train.shape[-1]).astype(np.float64)
        low, width = table.min(axis=0), np.ptp(table, axis=0)
        if kind == "standard":
            offset, scale = table.mean(axis=0), table.std(axis=0)
        elif kind == "minmax":
            offset, scale = low, width
        else:
            raise ValueError(f'kind is {kind!r}; use "standard" or "minmax".')
        constant = width == 0
        return cls(np.where(constant, low, offset), np.where(constant, 1.0, scale))

    def transform(self, x):
        """Scale `x` of shape (n,) for one feature, else (..., features); float32 stays float32.

        Raises
        ------
        ValueError
            If the number of features differs from the training part's, or `x` holds a NaN or an
            infinity.
        """
        x = _checked("x", x, axes=None, meaning="(n,) or (..., features)")
        return self._apply(x, lambda values: (values - self.offset) / self.scale)

    def inverse(self, x):
        """Undo `transform`; for predictions, so NaN passes through. Same shapes and errors else."""
        x = np.asarray(x)
        return self._apply(x, lambda values: values * self.scale + self.offset)

    def _apply(self, x, change):
        features = 1 if x.ndim == 1 else x.shape[-1] if x.ndim else 0
        if features != len(self.scale):
            raise ValueError(
                f"x has the shape {x.shape}; the scaler was fitted on {len(self.scale)} features, "
                "which must be the last axis. Add or move an axis, or fit a scaler for this array."
            )
        kind = x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64
        return change(x.astype(np.float64)).astype(kind)


def _checked(name, values, axes, meaning):
    if isinstance(values, tuple) and hasattr(values, "values"):
        raise ValueError(f"{name} is a whole Series; give its numbers: {name}.values")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} has rows of different length; give an array {meaning}.") from None
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise ValueError(f"{name} holds {array.dtype} entries; give numbers.")
    if array.ndim == 0 or (axes and array.ndim not in axes):
        raise ValueError(f"{name} has the shape {array.shape}; give an array of shape {meaning}.")
    bad = ~np.isfinite(array)
    if bad.any():
        raise ValueError(
            f"{name} holds {int(bad.sum())} NaN or infinite value(s), the first at index "
            f"{int(np.argwhere(bad)[0, 0])}. Fill or cut such gaps first."
        )
    return array
