"""The pictures of an explorer that a page without a kernel moves. Called in the kernel of a lesson that has run."""

from __future__ import annotations

import base64
import io
import itertools
import math
import operator
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
from IPython.display import display
from PIL import Image

from course_lib.explorer import Explorer, same, shown
from tools.lesson import FRAMES

__all__ = ["publish", "record"]

LARGEST = 60  # pictures


def webp(picture: np.ndarray | bytes) -> str:
    # Few colours without loss: for lines on white half the size of a lossy picture, and without its smear.
    image = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else Image.fromarray(picture)
    few = image.convert("RGB").quantize(64, dither=Image.Dither.NONE).convert("RGB")
    few.save(buffer := io.BytesIO(), format="webp", lossless=True, quality=80, method=4)
    return base64.b64encode(buffer.getvalue()).decode()


def label(control: widgets.Widget, value) -> str:
    """What a control shows for a value."""
    options = getattr(control, "options", None) or ()
    pairs = options.items() if isinstance(options, Mapping) else [each for each in options if isinstance(each, tuple)]
    text = ("no", "yes")[value] if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return next((label for label, of in pairs if same(of, value)), text or "(nothing)")


def record(explorer: Explorer) -> dict:
    """Draw what ``recorded`` of an explorer lists, as data for a page without a kernel.

    All combinations of the values, if at most 60; else one control moves at a time. The controls that are not listed rest.

    Returns
    -------
    dict
        ``title``, ``question``, ``alt``; ``controls``: ``{"name", "label", "values": [text], "start": index}`` each;
        ``frames``: from the values' indices, joined by commas, to ``{"image": base64 of a WebP or "", "words": HTML}``.

    Raises
    ------
    ValueError
        If the explorer was made without ``recorded``, or even one control at a time makes more than 60 pictures.
    """
    title = explorer.about["title"]
    if not explorer.recorded:
        raise ValueError(f"explorer {title!r} needs recorded={{control: values}}, to be stored in a lesson")
    values = {name: explorer.recorded.get(name, [start]) for name, start in explorer.start.items()}
    together = math.prod(map(len, values.values())) <= LARGEST
    if not together and sum(len(of) - 1 for of in values.values()) >= LARGEST:
        raise ValueError(
            f"explorer {title!r}, recorded: more than {LARGEST} pictures, even if one control moves at a time"
        )
    rest = [[same(explorer.start[name], each) for each in of].index(True) for name, of in values.items()]
    frames, controls = {}, []
    for point in itertools.product(*(range(len(of)) for of in values.values())):
        if together or sum(map(operator.ne, point, rest)) <= 1:
            picture, words = explorer.picture_of({name: of[i] for (name, of), i in zip(values.items(), point)})
            frames[",".join(map(str, point))] = {"image": "" if picture is None else webp(picture), "words": words}
    for (name, control), start in zip(explorer.controls.items(), rest):
        labels = [label(control, value) for value in values[name]]
        controls.append({"name": name, "label": control.description, "values": labels, "start": start})
    return {**explorer.about, "controls": controls, "frames": frames}


def publish() -> None:
    """Display what each explorer shown in this kernel records, by its model's id, for the tool that stores a lesson."""
    display({FRAMES: {model_id: record(explorer) for model_id, explorer in shown().items()}}, raw=True)
