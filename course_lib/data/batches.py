"""One shuffled order of minibatches, the same for PyTorch and Keras."""

import numpy as np

from ._checks import whole


class Batches:
    """Minibatches of arrays in memory, in an order that depends on seed and epoch alone.

    Nothing is copied when the object is made or an epoch begins; a batch is gathered by index when
    it is asked for.

    Parameters
    ----------
    *arrays : (n, ...) arrays
        Examples along the first axis, as many in each array: inputs and targets, for example.
    batch_size : int
        Examples in a batch, from 1 to n.
    seed : int
        Seed of the order; zero or more.
    shuffle : bool
        Whether to shuffle anew in each epoch. Otherwise every epoch has the arrays' own order.
    drop_last : bool
        Whether to leave out a last batch that is not full.

    Attributes
    ----------
    arrays : tuple of arrays
        The arrays as given.
    n : int
        Number of examples.
    batch_size : int

    Raises
    ------
    ValueError
        If no array is given, one has no first axis, their lengths differ or are zero, `batch_size`
        is not from 1 to n, or `seed` is negative.
    """

    def __init__(self, *arrays, batch_size, seed=0, shuffle=True, drop_last=False):
        if not arrays:
            raise ValueError("Give at least one array, for example Batches(x, y, batch_size=64).")
        self.arrays = tuple(np.asarray(array) for array in arrays)
        for i, array in enumerate(self.arrays):
            if array.ndim == 0:
                raise ValueError(f"Array {i} is a single number; give an array with examples along axis 0.")
        lengths = [len(array) for array in self.arrays]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"The arrays have {', '.join(map(str, lengths))} examples along their first axis; give as many in each."
            )
        self.n = lengths[0]
        if self.n == 0:
            raise ValueError("The arrays are empty; give at least one example.")
        self.batch_size = whole("batch_size", batch_size, least=1)
        if self.batch_size > self.n:
            raise ValueError(
                f"batch_size is {self.batch_size}, but there are {self.n} examples; "
                f"use a batch_size of at most {self.n}."
            )
        self.seed = whole("seed", seed, least=0)
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)

    def __len__(self):
        """Batches per epoch."""
        full, rest = divmod(self.n, self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __repr__(self):
        shapes = ", ".join(str(array.shape) for array in self.arrays)
        return f"Batches({shapes}: {len(self)} batches of {self.batch_size})"

    def order(self, epoch):
        """The order of all examples in an epoch: (n,) int64, a permutation of 0, ..., n - 1."""
        epoch = whole("epoch", epoch, least=0)
        if not self.shuffle:
            return np.arange(self.n, dtype=np.int64)
        return np.random.default_rng([self.seed, epoch]).permutation(self.n)

    def indices(self, epoch):
        """Iterate over the epoch's batches as int64 indices, views of ``order(epoch)``."""
        order = self.order(epoch)
        return (order[i * self.batch_size : (i + 1) * self.batch_size] for i in range(len(self)))

    def epoch(self, epoch):
        """Iterate over the epoch's batches as tuples of arrays, one per array given (copies)."""
        return (tuple(array[index] for array in self.arrays) for index in self.indices(epoch))

    def first(self, k=1):
        """The first `k` batches of epoch 0, then 1, and so on, as a list of tuples of arrays."""
        k = whole("k", k, least=1)
        batches, epoch = [], 0
        while len(batches) < k:
            for batch in self.epoch(epoch):
                batches.append(batch)
                if len(batches) == k:
                    break
            epoch += 1
        return batches
