"""5a: draw a digit, build it of eigendigits."""

import keras
import numpy as np
import torch
from torch import nn

from .panels import Model, Panel, pixels

COMPONENTS = 150


def panels(lesson):
    """The first 150 eigendigits as two affine maps, to the scores and back."""
    mean = torch.from_numpy(lesson["mean"]).float()
    basis = torch.from_numpy(lesson["eigendigits"][:, :COMPONENTS].copy()).float()
    to_scores, back = nn.Linear(784, COMPONENTS), nn.Linear(COMPONENTS, 784)
    with torch.no_grad():
        to_scores.weight.copy_(basis.T)
        to_scores.bias.copy_(-mean @ basis)
        back.weight.copy_(basis)
        back.bias.copy_(mean)
    twins = [
        keras.Sequential([keras.Input((n,)), keras.layers.Dense(m)]) for n, m in ((784, COMPONENTS), (COMPONENTS, 784))
    ]
    for module, twin in zip((to_scores, back), twins):
        twin.set_weights([module.weight.detach().numpy().T, module.bias.detach().numpy()])
    digits = lesson["x_val"][lesson["chosen"]].astype("float32")
    pictures = [digits[[k]] for k in (0, 4, 7)]
    scores = [to_scores(torch.from_numpy(x)).detach().numpy() for x in pictures]
    return [
        Panel(
            "build", "510bb6ad", "components", "Build your own digit", "Which components does your handwriting need?",
            {"scores": Model(to_scores, pictures, twins[0]), "picture": Model(back, scores, twins[1])},
            {"digits": pixels(digits), "deviations": np.sqrt(lesson["variances"][:COMPONENTS]).round(4).tolist()},
        )
    ]  # fmt: skip
