"""1d: type a name, letter by letter."""

from .panels import Model, Panel


def panels(lesson):
    """The network that sums; a name and all its beginnings are one batch of 20 rows of 20 symbols."""
    import numpy as np

    network = lesson["nets"]["sum"][0]

    def beginnings(name):
        whole = np.repeat(lesson["encode"]([name]), 20, axis=0)
        return lesson["stopped"](whole, np.minimum(np.arange(1, 21), len(name) + 2))

    return [
        Panel(
            "type", "16d39777", "name", "Type a name", "After which letter is the network sure?",
            {"reader": Model(network, [beginnings(name) for name in ("papadopoulos", "o'neill", "x")],
                             lambda x: lesson["explorer_keras"](x))},
            {"alphabet": lesson["alphabet"], "languages": list(lesson["names"].language_names), "start": "papadopoulos"},
        )
    ]  # fmt: skip
