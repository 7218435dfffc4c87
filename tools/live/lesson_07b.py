"""7b: walk the plane of codes."""

import keras
import numpy as np
import torch
from torch import nn

from .panels import Model, Panel


def panels(lesson):
    """The decoder of the lesson's VAE with two code numbers, and its judge."""
    plane, judge, copy = lesson["plane"], lesson["classifier"], lesson["parity"].copy_weights
    decoder = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 784))
    copy(plane.decoder, decoder)
    dense = keras.layers.Dense
    keras_judge = keras.Sequential([keras.Input((784,)), dense(128, "relu"), dense(64, "relu"), dense(10)])
    copy(judge, keras_judge)
    codes = [np.array([z], np.float32) for z in ([0.5, 0.5], [-2.0, 1.0], [6.0, -6.0])]
    with torch.no_grad():
        pictures = [torch.sigmoid(decoder(torch.from_numpy(z))).numpy() for z in codes]
    return [
        Panel(
            "plane", "feb3af92", "plane", "Walk the plane", "Where does one digit turn into another, and how fast?",
            {"decoder": Model(decoder, codes, plane.decoder), "judge": Model(judge, pictures, keras_judge)},
            {"codes": lesson["plane_mu"][:600].round(2).tolist(), "labels": lesson["y_val"][:600].tolist(), "limit": 6},
        )
    ]  # fmt: skip
