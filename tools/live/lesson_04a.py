"""4a: draw a digit, see its copy, change its code."""

import numpy as np

from .panels import Model, Panel, pixels


def panels(lesson):
    """The narrow network of the lesson, encoder and decoder apart."""
    encoder, decoder = lesson["torch_model"]
    twin = lesson["keras_autoencoder"](128, 64, 32)
    lesson["parity"].copy_weights(lesson["torch_model"], twin)
    digits = lesson["x_val"][lesson["first_of_each"]]
    codes = lesson["training"].predict(encoder, lesson["x_train"][:2000])
    pictures, some = [digits[[k]] for k in (0, 4, 7)], [codes[[k]] for k in (0, 1, 2)]
    return [
        Panel(
            "draw", "a0866ce7", "autoencoder", "Draw a digit", "Which part of your drawing does the copy lose?",
            {
                "encoder": Model(encoder, pictures, lambda x: twin.layers[0](x)),
                "decoder": Model(decoder, some, lambda z: twin.layers[1](z)),
            },
            {
                "digits": pixels(digits),
                "low": np.quantile(codes, 0.005, axis=0).round(3).tolist(),
                "high": np.quantile(codes, 0.995, axis=0).round(3).tolist(),
            },
        )
    ]  # fmt: skip
