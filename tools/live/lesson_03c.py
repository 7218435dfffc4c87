"""3c: draw a digit, let the LSTM read it row by row."""

import keras
import numpy as np
from torch import nn

from .panels import Model, Panel, pixels


class EveryRow(nn.Module):
    """Scores (28, 10) after each row of one image of bytes x (1, 28, 28)."""

    def __init__(self, reader, scale, offset):
        super().__init__()
        self.reader, self.scale, self.offset = reader, scale, offset

    def forward(self, x):
        states, _ = self.reader.lstm(x * self.scale + self.offset)
        return self.reader.answer(states[0])


def panels(lesson):
    """The lesson's reader with one read-out for every row."""
    reader, scale, offset = lesson["torch_model"], lesson["scale"], lesson["offset"]
    twin = keras.Sequential([
        keras.Input((28, 28)),
        keras.layers.Rescaling(scale, offset),
        keras.layers.LSTM(reader.lstm.hidden_size, return_sequences=True),
        keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3),
        keras.layers.Dense(10),
    ])  # fmt: skip
    lesson["parity"].copy_weights(reader, twin)
    digits = lesson["x_val"][lesson["pool"][:10]]
    return [
        Panel(
            "rows", "d598aea5", "rows", "Draw a digit", "Is it ever sure and wrong before it has read your digit?",
            {"reader": Model(EveryRow(reader, scale, offset), [digits[[k]].astype("float32") for k in (0, 4, 7)],
                             lambda x: np.asarray(twin(x))[0])},
            {"digits": pixels(digits / 255)},
        )
    ]  # fmt: skip
