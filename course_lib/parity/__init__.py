"""The same network in PyTorch and in Keras: copy its weights, compare what it computes.

``copy_weights`` carries every weight from one framework to the other; ``prove`` compares outputs,
gradients and first losses of the pair in one call, prints one small table and stops at the first
number that differs.  ``outputs``, ``gradients`` and ``first_losses`` ask for one quantity, and
``compare`` prints the table of any.  Names and layouts are PyTorch's throughout.

What the frameworks store differently, and what is done about it:

================  =======================  ===========================  ====================
                  PyTorch                  Keras                        here
================  =======================  ===========================  ====================
dense             (out, in)                (in, out)                    transposed
convolution       (out, in, height, width) (height, width, in, out)     axes moved
transposed conv.  (in, out, height, width) (height, width, out, in)     axes moved
LSTM's gates      i, f, g, o               i, f, c, o                   the same order
GRU's gates       r, z, n                  z, r, h                      blocks swapped
RNN, LSTM bias    b_ih and b_hh, added     one                          added; back: (b, 0)
GRU bias          b_ih and b_hh            (2, 3·units), reset_after    row by row
stacked, two-way  one module               several layers               layer by layer
flattened images  channels slowest         channels fastest             reordered
running variance  divides by n − 1         divides by n                 copied as it is
================  =======================  ===========================  ====================

``one_bias`` keeps a single *trained* bias in PyTorch's RNN and LSTM: with two, training moves their
sum twice as far.  The last line cannot be set equal: after training, running variances differ by
about n/(n − 1).  Whatever else would make a pair unequal (epsilon, momentum, padding, a recurrent
layer's activation) is refused, with the setting to change.  Activations between layers, pooling and
dropout have no weights and are not looked at: ``compare`` finds those differences.

Images are arrays with four axes, given as (n, channels, height, width).  Keras gets them as
(n, height, width, channels), and what it returns comes back as (n, channels, height, width).
A flattened image is seen by ``keras.layers.Flatten`` and ``Reshape``, which ``Dense`` must follow or precede.

``nudged_gradient`` needs no framework: central differences of any loss, to check a gradient written by hand.
"""

from .measures import first_losses, gradients, nudged_gradient, outputs, prove
from .models import copy_weights, one_bias
from .table import ParityError, compare

__all__ = [
    "ParityError",
    "compare",
    "copy_weights",
    "first_losses",
    "gradients",
    "nudged_gradient",
    "one_bias",
    "outputs",
    "prove",
]
