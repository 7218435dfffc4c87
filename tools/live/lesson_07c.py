"""7c: choose a price, see what the network that was trained at it makes of a digit."""

from .panels import Model, Panel, pixels


def panels(lesson):
    """PyTorch's first start at the five prices, encoders and decoders apart."""
    R, D, units = lesson["on_val"]["PyTorch", 0]
    digits, betas, M = lesson["chosen"], lesson["BETAS"], lesson["M"]
    pictures = [lesson["x_val"][[digits[k]]] for k in (0, 5)]
    models = {}
    for beta, net in zip(betas, lesson["nets"]["PyTorch", 0]):
        twin = lesson["KerasVAE"](196, M)
        lesson["parity"].copy_weights(net, twin)
        codes = [lesson["training"].predict(net.encoder, x)[:, :M] for x in pictures]
        models[f"encoder-{beta:g}"] = Model(net.encoder, pictures, twin.encoder)
        models[f"decoder-{beta:g}"] = Model(net.decoder, codes, twin.decoder)
    return [
        Panel(
            "price", "d669fc8c", "price", "Pay the price for your digit", "Which units fall silent first, and what is lost with them?",
            models,
            {
                "digits": pixels(lesson["parts"].validation[0][digits]), "betas": list(betas), "speaks": lesson["SPEAKS"],
                "R": R.round(3).tolist(), "D": D.round(3).tolist(), "units": units.round(4).tolist(),
            },
        )
    ]  # fmt: skip
