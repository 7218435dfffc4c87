"""Training, validation and test parts that share no row, the test part sealed until the lesson's end."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from ._checks import examples, filled, whole


class SealedError(RuntimeError):
    """Test data were read before they were opened, or opened a second time; the message says what to do."""


class Sealed:
    """Test data that cannot be read before ``open()``, so that no choice is made on them. Its length and `shape` (of
    the first array) are known; whatever else asks for the numbers (NumPy, PyTorch, Keras, `Batches`, an index, a loop)
    raises `SealedError`."""

    def __init__(self, *arrays: Any) -> None:
        self._arrays = examples(*arrays)
        self._opened_by: tuple[str, str | None] | None = None
        self.shape = self._arrays[0].shape

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Sealed({', '.join(str(array.shape) for array in self._arrays)})"

    def open(self) -> tuple[np.ndarray, ...]:
        """The arrays, in a tuple, once all choices are made. The cell may run again; in another, `SealedError`."""
        caller = _place(inspect.currentframe().f_back)
        if self._opened_by is None:
            self._opened_by = caller
        elif caller[0] != self._opened_by[0] and (caller[1] is None or caller[1] != self._opened_by[1]):
            raise SealedError(
                "These test data were opened by another cell. Test data are read once, after all choices: use what "
                "that cell measured. (If you changed that cell, run the cell that splits the data again.)"
            )
        return self._arrays

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise SealedError(
            "These are test data, and they are sealed: what is chosen on them is no test any more. Choose on the "
            "validation part; at the end of the lesson, call .open() once to get the arrays."
        )

    __array__ = __getitem__ = __iter__ = __contains__ = __dlpack__ = __dlpack_device__ = _refuse

    def __getattr__(self, name: str) -> Any:
        # Protocols that look for a name with an underscore must learn that it is not there.
        if name.startswith("_"):
            raise AttributeError(name)
        self._refuse()


@dataclass(frozen=True)
class Parts:
    """What `split` gives: `train` and `validation`, tuples with one array per array given, and `test`, sealed."""

    train: tuple[np.ndarray, ...]
    validation: tuple[np.ndarray, ...]
    test: Sealed


def seal(*arrays: Any, apart_from: Any = None) -> Sealed:
    """Seal the test part of a set that comes with one, or that the lesson draws: (n, ...) arrays, as images and labels.
    `apart_from` (m, ...) is what was trained on or chosen with: it must share no row with the first of `arrays`.
    ValueError if it does or its rows have another shape, if no array is given, or their lengths differ."""
    sealed = Sealed(*arrays)
    if apart_from is not None:
        seen, rows = examples(apart_from)[0], examples(arrays[0])[0]
        if seen.shape[1:] != rows.shape[1:]:
            raise ValueError(f"apart_from has rows of shape {seen.shape[1:]}, the test part of {rows.shape[1:]}.")
        kind = np.result_type(seen, rows)
        keys = np.concatenate([row_keys(part.astype(kind, copy=False)) for part in (seen, rows)])
        _refuse_shared(*_again(keys, np.repeat([0, 1], [len(seen), len(rows)])), offset=len(seen))
    return sealed


def split(
    *arrays: Any, validation: float, test: float, seed: int = 0, groups: Any = None, shuffle: bool = True
) -> Parts:
    """Split rows into training, validation and test parts, none of which holds a row of another; seal the last.
    Examples lie along the first axis of each array (n, ...). Cut a series before you make windows of it: windows
    overlap. `validation` and `test` are shares of the rows (below 1) or their numbers; ``validation=0`` gives an empty
    part. Rows are drawn at random with `seed`; without `shuffle` the first ones train and the last ones test, as for a
    time series. Rows with one entry in `groups` (n,) stay in one part, for example the beats of one patient; the sizes
    are then approximate. ValueError if a row (of the first array; a group, if there are groups) stands in two parts, a
    part would be empty, or lengths or shares are not as above."""
    arrays = examples(*arrays)
    n = len(arrays[0])
    n_val, n_test = _count("validation", validation, n), _count("test", test, n)
    group = np.arange(n) if groups is None else np.unique(examples(arrays[0], groups)[1], return_inverse=True)[1]
    # A group goes where its middle falls when the groups lie one behind the other, so that none is cut.
    order, middle = np.arange(n), np.arange(n) + 0.5
    if shuffle:
        sizes = np.bincount(group)
        drawn = np.random.default_rng(whole("seed", seed, least=0)).permutation(len(sizes))
        end = np.empty(len(sizes))
        end[drawn] = np.cumsum(sizes[drawn])
        middle = (end - sizes / 2)[group]
        order = np.argsort(middle, kind="stable")
    part = np.searchsorted([n - n_val - n_test, n - n_test], middle, side="right")
    if not (shuffle and groups is not None):
        _refuse_shared(*_again(row_keys(arrays[0]) if groups is None else group, part))
    rows = [order[part[order] == k] for k in range(3)]
    filled(rows, validation, "Give more rows, other shares, or finer groups.")
    train, held, last = (tuple(array[r] for array in arrays) for r in rows)
    return Parts(train, held, Sealed(*last))


def row_keys(array: np.ndarray) -> np.ndarray:
    """A 64-bit hash of each row's bytes (n,); 0.0 and -0.0 count as equal."""
    if array.dtype.hasobject:
        raise ValueError(
            "The first array holds Python objects, whose rows cannot be compared; give groups, or numbers."
        )
    number = np.issubdtype(array.dtype, np.number)
    digests = (hashlib.blake2b((row + 0 if number else row).tobytes(), digest_size=8).digest() for row in array)
    return np.frombuffer(b"".join(digests), np.uint64)


def _again(keys: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows stand in an earlier part too (n,), and for each row the first row of the same key (n,)."""
    by_part = np.argsort(part, kind="stable")
    _, first, inverse = np.unique(keys[by_part], return_index=True, return_inverse=True)
    first_of_row = np.empty(len(keys), dtype=np.int64)
    first_of_row[by_part] = by_part[first[inverse]]
    return part > part[first_of_row], first_of_row


def _refuse_shared(again: np.ndarray, first: np.ndarray, offset: int = 0) -> None:
    if again.any():
        row = int(np.flatnonzero(again)[0])
        raise ValueError(
            f"{int(again.sum())} of the rows stand in two parts, for example row {row - offset} (in an earlier part: row "
            f"{first[row]}): training rows in a test flatter every model. Draw other rows, leave the repeated "
            "ones out, or keep equal ones together with groups=."
        )


def _count(name: str, value: float, n: int) -> int:
    return round(value * n) if isinstance(value, float) and 0 <= value < 1 else whole(name, value, least=0)


def _place(frame: FrameType) -> tuple[str, str | None]:
    """The file that the calling code stands in, and its text: of a cell, both stay the same when it runs again."""
    try:
        return frame.f_code.co_filename, inspect.getsource(frame)
    except OSError:
        return frame.f_code.co_filename, None
