"""The same network in PyTorch and in Keras: copy its weights, compare what it computes.

``copy_weights`` carries every weight over; ``prove`` compares outputs, gradients and first losses, prints one small
table and stops at the first number that differs.  ``outputs``, ``gradients`` and ``first_losses`` ask for one of them,
``compare`` prints the table of any, ``nudged_gradient`` checks a gradient written by hand.  Names and layouts are
PyTorch's.  What the frameworks store differently, and what is done about it:

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

``one_bias`` keeps a single *trained* bias in PyTorch's RNN and LSTM: with two, training moves their sum twice as far.
The last line cannot be set equal: after training, running variances differ by about n/(n − 1).  Whatever else would
make a pair unequal (epsilon, momentum, padding, an activation inside a recurrent layer) is refused, with the setting to
change.  Activations, pooling and dropout between layers have no weights: ``compare`` finds those differences.

Images are arrays (n, channels, height, width); Keras gets them as (n, height, width, channels), and what it returns is
moved back.  A flattened image is seen by ``keras.layers.Flatten`` and ``Reshape`` directly beside a ``Dense``."""

from .measures import first_losses, gradients, nudged_gradient, outputs, prove
from .models import copy_weights, one_bias
from .table import ParityError, compare

__all__ = ["ParityError", "compare", "copy_weights", "nudged_gradient", "one_bias"]
__all__ += ["first_losses", "gradients", "outputs", "prove"]
