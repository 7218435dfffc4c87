"""One shuffled order of minibatches, the same for PyTorch and Keras."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ._checks import examples, whole


class Batches:
    """Minibatches of arrays in memory, in an order that depends on seed and epoch alone. Examples lie along the first
    axis of each array, as many in each: inputs and targets, for example. A batch holds `batch_size` of them, 1 to n
    (the last one of an epoch may hold fewer), and is gathered by index when it is asked for; before that nothing is
    copied. `arrays` holds the arrays in native byte order, `n` counts the examples. ValueError if there is no array,
    one has no first axis, their lengths differ or are zero, or `batch_size` or `seed` (zero or more) is out of range;
    `SealedError` for a sealed test part."""

    def __init__(self, *arrays: Any, batch_size: int, seed: int = 0) -> None:
        self.arrays = examples(*arrays)
        self.n = len(self.arrays[0])
        self.batch_size = whole("batch_size", batch_size)
        if batch_size > self.n:
            raise ValueError(f"batch_size is {batch_size}, but there are {self.n} examples; use at most {self.n}.")
        self.seed = whole("seed", seed, least=0)

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-self.n // self.batch_size)

    def __repr__(self) -> str:
        shapes = ", ".join(str(array.shape) for array in self.arrays)
        return f"Batches({shapes}: {len(self)} batches of {self.batch_size})"

    def order(self, epoch: int) -> np.ndarray:
        """The order of all examples in an epoch: (n,) int64, a permutation of 0, ..., n - 1."""
        return np.random.default_rng([self.seed, whole("epoch", epoch, least=0)]).permutation(self.n)

    def indices(self, epoch: int) -> Iterator[np.ndarray]:
        """Iterate over the epoch's batches as int64 indices, views of ``order(epoch)``."""
        order = self.order(epoch)
        return (order[i * self.batch_size : (i + 1) * self.batch_size] for i in range(len(self)))

    def epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Iterate over the epoch's batches as tuples of arrays, one per array given (copies)."""
        return (tuple(array[index] for array in self.arrays) for index in self.indices(epoch))

    def first(self, k: int = 1) -> list[tuple[np.ndarray, ...]]:
        """The first `k` batches of epoch 0, then 1, and so on, as a list of tuples of arrays."""
        epochs = range(-(-whole("k", k) // len(self)))
        return [batch for epoch in epochs for batch in self.epoch(epoch)][:k]
