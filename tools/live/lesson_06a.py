"""6a: spoil a digit, let the network mend it."""

from .panels import Model, Panel, pixels


def panels(lesson):
    """The denoisers of two corruptions, each trained at its own strength."""
    models = {}
    for name, kind in (("noise", "Gaussian"), ("paint", "salt and pepper")):
        net, twin = lesson["nets"][kind][0], lesson["keras_denoiser"]()
        lesson["parity"].copy_weights(net, twin)
        models[name] = Model(net, [lesson["noisy_val"][kind][[k]] for k in range(3)], twin)
    return [
        Panel(
            "mend", "46739d71", "denoise", "Spoil it yourself", "What does the network take for a part of the digit?",
            models, {"digits": pixels(lesson["ten"]), "side": 14},
        )
    ]  # fmt: skip
