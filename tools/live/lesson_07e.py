"""7e: walk back from a random code to a digit."""

import keras
import numpy as np
import torch
from torch import nn

from .panels import Model, Panel

FEW = 5  # steps of the walk that both frameworks answer along
DECODED = (0, 2, FEW)  # of its stages


class Velocity(nn.Module):
    """v̂ (1, m) of a code and its angle in one row (1, m + 1): a panel's network takes one array."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model.velocity(x[:, :-1], x[:, -1:])


def panels(lesson):
    """The network that was trained longest, and the decoder, which takes whitened codes here: a code and its guessed end."""
    model, LAST, copy = lesson["nets"]["longer"][0], lesson["LAST"], lesson["parity"].copy_weights
    twin = lesson["KerasDiffusion"](20, 128)
    copy(model, twin)

    dense, unwhiten = keras.layers.Dense, nn.Linear(20, 20)
    with torch.no_grad():
        unwhiten.weight.copy_(torch.from_numpy(lesson["unwhiten"].T))
        unwhiten.bias.copy_(torch.from_numpy(lesson["centre"]))
    decoder = nn.Sequential(unwhiten, *lesson["autoencoder"][1].cpu())
    keras_decoder = keras.Sequential([keras.Input((20,)), dense(20), dense(256, "relu"), dense(784)])
    copy(decoder, keras_decoder)

    velocity = lesson["velocity_of"](model)
    start = lesson["normal"](1, 92)  # decoded, it is no digit yet
    places, codes = [], []
    for x, phi in zip(lesson["go_back"](velocity, start, FEW, drawn=False), np.linspace(LAST, 0, FEW + 1)):
        end = np.cos(phi) * x - np.sin(phi) * velocity(x, phi)
        places.append(np.append(x, [[phi]], axis=1).astype("float32"))
        codes.append(np.concatenate([x, end]).astype("float32"))
    return [
        Panel(
            "walk", "607d1aab", "walk", "Walk back to a digit",
            "The walk of this section with section 5's network, 20 numbers decoded: at which step is the digit decided?",
            {
                "velocity": Model(Velocity(model), places, lambda x: twin.velocity(x[:, :-1], x[:, -1:])),
                "decoder": Model(decoder, [codes[k] for k in DECODED], keras_decoder),
            },
            {"start": start[0].tolist(), "last": LAST, "steps": [1, 2, FEW, 10, 20, 40]},
        )
    ]  # fmt: skip
