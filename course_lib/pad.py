"""A pad to draw a digit on: a control of an explorer, with the drawing code of the pages that compute (``pad.js``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anywidget
import numpy as np
import traitlets

__all__ = ["Pad"]


class Pad(anywidget.AnyWidget):
    """A pad to draw a digit on, and a list of examples to take instead; a drawing is centred and scaled as in MNIST.

    Parameters
    ----------
    examples : name to an array (28, 28) of numbers from 0 to 1 (else ``ValueError``); the first is taken at the start.

    ``value`` is one array (28, 28): the example that is taken, itself, or the drawing. An empty pad changes nothing and
    says so. For pages without a kernel, ``Explorer(…, recorded={name: list(pad.options.values())})``."""

    _esm = Path(__file__).with_name("pad.js").read_text("utf-8") + "export default { render: coursePad.render };\n"
    description = traitlets.Unicode().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)  # -1 for a drawing
    drawing = traitlets.CBytes(bytes(784)).tag(sync=True)  # a message brings a memoryview
    value = traitlets.Instance(np.ndarray)

    def __init__(self, examples: Mapping[str, np.ndarray], **options):
        if not examples:
            raise ValueError("a pad needs at least one example: it shows the first at the start")
        self.options = {str(name): np.array(picture, np.float32) for name, picture in examples.items()}
        for name, picture in self.options.items():
            if picture.shape != (28, 28) or not (picture.min() >= 0 and picture.max() <= 1):
                raise ValueError(f"example {name!r} needs shape (28, 28) and numbers from 0 to 1; got {picture.shape}")
            picture.setflags(write=False)
        grey = np.round(255 * np.stack(list(self.options.values()))).astype(np.uint8)
        first = next(iter(self.options.values()))
        super().__init__(names=list(self.options), pictures=grey.tobytes(), value=first, **options)

    @traitlets.observe("chosen", "drawing")
    def _drawn(self, change) -> None:
        if self.chosen >= 0:
            self.value = list(self.options.values())[self.chosen]
        elif np.frombuffer(self.drawing, np.uint8).any():
            self.value = np.frombuffer(self.drawing, np.uint8).reshape(28, 28) / np.float32(255)
