"""1e: the next letter, and whole names, at a temperature."""

import numpy as np

from .panels import Model, Panel


def panels(lesson):
    """The lesson's language model; a beginning is one row of symbols, padded at the end."""
    model, width = lesson["torch_lm"], lesson["longest"] + 1
    twin = lesson["language_model"](lesson["layers"].SimpleRNN, 96)
    lesson["parity"].copy_weights(model, twin)

    def beginning(letters):
        row = [lesson["START"], *(lesson["number"][letter] for letter in letters)]
        return np.array([row + [0] * (width - len(row))])

    return [
        Panel(
            "write", "507411d6", "letters", "Write names", "How cold must it be before the model repeats itself?",
            {"model": Model(model, [beginning(letters) for letters in ("", "sch", "papado")], twin)},
            {"alphabet": lesson["alphabet"], "start": "sch", "longest": lesson["longest"]},
        )
    ]  # fmt: skip
