"""The frame of an explorer: controls, a short wait while they move, and a picture with its sentence.

An explorer recomputes with the lesson's real model in the kernel. For pages without a kernel ``Explorer.record`` computes
pictures beforehand and hands them over as data, which ``make run`` stores beside the explorer's output and the decks and
the site play.
"""

from __future__ import annotations

import asyncio
import base64
import html
import io
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["FRAMES", "Explorer", "publish"]

# The MIME type of a recorded explorer among a cell's outputs.
FRAMES = "application/vnd.course.frames+json"
_displayed: dict[str, Explorer] = {}


def _control(name: str, spec) -> widgets.Widget:
    """Build a control from its specification; see ``Explorer``."""
    label = name.replace("_", " ")
    common = {"description": label, "style": {"description_width": "initial"}}
    wide = widgets.Layout(width="min(420px, 95%)")
    if isinstance(spec, widgets.Widget):
        if not getattr(spec, "description", ""):
            spec.description = label
        return spec
    if isinstance(spec, bool):
        return widgets.Checkbox(value=spec, **common)
    if isinstance(spec, tuple) and len(spec) == 4:
        low, high, step, value = spec
        if not low <= value <= high or step <= 0:
            raise ValueError(f"control {name!r}: the start {value} must lie in [{low}, {high}], the step be positive")
        whole = all(isinstance(number, int) for number in spec)
        kind = widgets.IntSlider if whole else widgets.FloatSlider
        return kind(value=value, min=low, max=high, step=step, layout=wide, **common)
    if isinstance(spec, list) and spec:
        return widgets.SelectionSlider(options=spec, value=spec[0], layout=wide, **common)
    raise TypeError(
        f"control {name!r}: give (low, high, step, start), a list of options, True or False, or a widget; got {spec!r}"
    )


def _pixels(figure: Figure) -> Image.Image:
    # Drawn on a canvas of its own, because savefig goes through all of a figure twice.
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    plt.close(figure)  # or the inline backend shows it a second time; it can still be drawn again
    # The layout was solved for the first picture; solving it again for each answer takes longer than drawing.
    figure.set_layout_engine("none")
    return Image.fromarray(np.asarray(canvas.buffer_rgba()))


def _image(figure_or_png: Figure | bytes, alt: str) -> str:
    if isinstance(figure_or_png, Figure):
        buffer = io.BytesIO()
        # Level 1 of PNG's compression: a tenth of the time for a third more bytes, which never leave the machine.
        _pixels(figure_or_png).save(buffer, format="png", compress_level=1)
        figure_or_png = buffer.getvalue()
    text = base64.b64encode(figure_or_png).decode()
    return f'<img alt="{html.escape(alt, quote=True)}" style="max-width:100%" src="data:image/png;base64,{text}">'


def _text(value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value) or "(nothing)"


def _choices(control: widgets.Widget) -> list[tuple[str, object]]:
    """All (label, value) that a control can take, in order; its present one alone for a control without a list."""
    if isinstance(control, widgets.Checkbox | widgets.ToggleButton):
        return [("no", False), ("yes", True)]
    if isinstance(control, widgets.IntSlider | widgets.BoundedIntText):
        return [(_text(value), value) for value in range(control.min, control.max + 1, control.step)]
    if isinstance(control, widgets.FloatSlider):
        n = round((control.max - control.min) / control.step)
        values = [round(control.min + i * control.step, 10) for i in range(n + 1)]
        return [(_text(value), value) for value in values]
    options = getattr(control, "options", None)
    if options:
        pairs = options.items() if isinstance(options, Mapping) else options
        return [pair if isinstance(pair, tuple) else (_text(pair), pair) for pair in pairs]
    return [(_text(control.value), control.value)]


def _thinned(choices: Sequence, start: int, n: int) -> tuple[list, int]:
    """At most n of the choices, evenly spread, the start among them; and where the start is now."""
    if n >= len(choices):
        return list(choices), start
    if n == 1:
        return [choices[start]], 0
    picked = np.round(np.linspace(0, len(choices) - 1, n)).astype(int)
    picked[np.argmin(np.abs(picked - start))] = start
    picked = sorted(set(picked.tolist()))
    return [choices[i] for i in picked], picked.index(start)


class Explorer(widgets.VBox):
    """A panel that redraws with the lesson's model when a control moves.

    Parameters
    ----------
    draw : callable
        Called with one keyword for each control. Returns a figure, PNG bytes or an HTML string, or a pair of
        a figure (or PNG bytes) and an HTML string that says in words what is seen. Quickest (below 100 ms): build
        the figure once, set its artists' data, return the same figure each time.
    controls : mapping from name to specification
        ``(low, high, step, start)`` for a slider (whole numbers give whole steps), a list for a choice,
        ``True``/``False`` for a box to tick, or any ipywidgets control.
    title : str
    question : str
        What to find out with the explorer.
    alt : str
        What the picture shows, for readers who do not see it.
    wait : float
        Seconds without movement before the picture is redrawn, so that a dragged slider does not queue work.
    recorded : mapping from name to sequence of values, optional
        What ``record`` draws, where the question needs certain values together: all combinations, at most 60. The start
        must be among the values; the controls that are not named rest. Default: ``record`` chooses.

    Attributes
    ----------
    milliseconds : list of float
        Time of each answer so far, from the values of the controls to the finished picture.
    """

    def __init__(
        self,
        draw: Callable,
        controls: Mapping[str, object],
        *,
        title: str = "",
        question: str = "",
        alt: str = "",
        wait: float = 0.02,
        recorded: Mapping[str, Sequence] | None = None,
    ):
        if not callable(draw):
            raise TypeError("draw must be a function of the controls' values")
        if not controls:
            raise ValueError("an explorer needs at least one control")
        self._draw, self._alt, self._wait = draw, alt or title or "explorer", wait
        self._title, self._question = title, question
        self.controls = {name: _control(name, spec) for name, spec in controls.items()}
        self._recorded = dict(recorded or {})
        for name, values in self._recorded.items():
            if name not in self.controls or self.controls[name].value not in list(values):
                raise ValueError(
                    f"recorded: {name!r} must be a control, and its start among the values; got {values!r}"
                )
        if self._recorded and math.prod(map(len, self._recorded.values())) > 60:
            raise ValueError(f"recorded: more than 60 combinations of {', '.join(self._recorded)}")
        self.milliseconds: list[float] = []
        self._timer = None
        self.picture = widgets.HTML()
        self.words = widgets.HTML()
        heading = f"<b>{html.escape(title)}</b>" if title else ""
        if question:
            heading += f"<br>{html.escape(question)}" if heading else html.escape(question)
        head = [widgets.HTML(heading)] if heading else []
        row = widgets.Box(list(self.controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([*head, row, self.picture, self.words])
        self.add_class("course-explorer")
        for control in self.controls.values():
            control.observe(self._moved, names="value")
        self.answer()

    @property
    def values(self) -> dict:
        """The controls' present values."""
        return {name: control.value for name, control in self.controls.items()}

    def _moved(self, change) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop, as in a test: answer at once
            self.answer()
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(self._wait, self.answer)

    def _parts(self, values: Mapping) -> tuple[str, str]:
        """Return (picture as HTML, words as HTML) for one set of values."""
        result = self._draw(**values)
        words = ""
        if isinstance(result, tuple):
            result, words = result
        if isinstance(result, str):
            return "", result
        return _image(result, self._alt), words

    def answer(self) -> None:
        """Redraw for the present values. What ``draw`` raises is shown in the panel, not lost in a log."""
        begin = time.perf_counter()
        try:
            picture, words = self._parts(self.values)
        except Exception as error:
            if not self.milliseconds:  # the first picture is part of the lesson's run: fail there, loudly
                raise
            self.words.value = f"<b>{type(error).__name__}</b>: {html.escape(str(error))}"
            return
        spent = 1000 * (time.perf_counter() - begin)
        self.milliseconds.append(spent)
        self.picture.value = f'<div data-answer="{len(self.milliseconds)}" data-ms="{spent:.1f}">{picture}</div>'
        self.words.value = f'<div aria-live="polite">{words}</div>'

    def record(self, pictures: int = 36, size: int = 600_000) -> dict:
        """Compute pictures over the controls' ranges, as data for a page without a kernel.

        With one or two controls all combinations of the values are drawn; with more, one control moves at a time
        and the others rest at their present value. Values are thinned out evenly until ``pictures`` suffice; the
        present values are among them. A control without a list of values (a text field) stays as it is. An explorer that
        was given ``recorded`` draws that instead.

        Parameters
        ----------
        pictures : int
            The largest number of pictures.
        size : int
            What the pictures may take together, in bytes, judged by the present one; twelve are drawn in any case.

        Returns
        -------
        dict
            ``title``, ``question``, ``alt``: str. ``controls``: list of ``{"name", "label", "values", "start"}``, the
            values as text, the start as an index. ``frames``: a mapping from the indices of the controls' values,
            joined by commas, to ``{"image": base64 of a WebP picture or "", "words": HTML}``.
        """
        choices = {name: _choices(control) for name, control in self.controls.items()}
        values = self.values
        if self._recorded:
            for name, pairs in choices.items():
                chosen = list(self._recorded.get(name, [values[name]]))
                labels = {value: label for label, value in pairs} if name in self._recorded else {}
                choices[name] = [(labels.get(value, _text(value)), value) for value in chosen]
        starts = {
            name: next((i for i, (_, value) in enumerate(pairs) if value == values[name]), 0)
            for name, pairs in choices.items()
        }
        moving = [name for name, pairs in choices.items() if len(pairs) > 1]
        together = len(moving) <= 2 or bool(self._recorded)
        counts = dict.fromkeys(choices, 1)
        largest = max(1, len(self._frame(values)["image"]) * 3 // 4)
        pictures = min(pictures, max(12, size // largest))

        def drawn():
            if together:
                return int(np.prod(list(counts.values())))
            return 1 + sum(count - 1 for count in counts.values())

        # The control with the fewest values so far is given the next one, while there is room.
        growing = [] if self._recorded else list(moving)
        if self._recorded:
            counts = {name: len(pairs) for name, pairs in choices.items()}
        while growing:
            name = min(growing, key=lambda name: counts[name])
            counts[name] += 1
            if drawn() > pictures:
                counts[name] -= 1
                growing.remove(name)
            elif counts[name] == len(choices[name]):
                growing.remove(name)
        thinned = {name: _thinned(pairs, starts[name], counts[name]) for name, pairs in choices.items()}
        ranges = [range(len(pairs)) for pairs, _ in thinned.values()]
        rest = [start for _, start in thinned.values()]
        if together:
            points = list(itertools.product(*ranges))
        else:
            points = [tuple(rest)] + [
                (*rest[:j], i, *rest[j + 1 :]) for j, span in enumerate(ranges) for i in span if i != rest[j]
            ]
        frames = {}
        for point in points:
            at = {name: pairs[i][1] for (name, (pairs, _)), i in zip(thinned.items(), point)}
            frames[",".join(map(str, point))] = self._frame(at)
        controls = [
            {
                "name": name,
                "label": self.controls[name].description,
                "values": [label for label, _ in pairs],
                "start": start,
            }
            for name, (pairs, start) in thinned.items()
        ]
        return {
            "title": self._title, "question": self._question, "alt": self._alt, "controls": controls, "frames": frames
        }  # fmt: skip

    def _frame(self, values: Mapping) -> dict:
        result = self._draw(**values)
        picture, words = result if isinstance(result, tuple) else (result, "")
        if isinstance(picture, str):
            return {"image": "", "words": picture + words}
        picture = _pixels(picture) if isinstance(picture, Figure) else Image.open(io.BytesIO(picture))
        buffer = io.BytesIO()
        # Few colours without loss: for lines on white half the size of a lossy picture, and without its smear.
        few = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE)
        few.convert("RGB").save(buffer, format="webp", lossless=True, quality=80, method=4)
        return {"image": base64.b64encode(buffer.getvalue()).decode(), "words": words}

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        """The widget, and its present picture for pages that show no widgets."""
        _displayed[self.model_id] = self
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = {**data, "text/plain": f"Explorer: {self._title or ', '.join(self.controls)}"}
        start = self.picture.value.find("base64,")
        if start > 0:
            data["image/png"] = self.picture.value[start + 7 : self.picture.value.index('"', start)]
            metadata = {**metadata, "image/png": {"alt": self._alt}}
        return data, metadata


def publish() -> None:
    """Display, as data of the type ``FRAMES``, what each explorer shown in this kernel records, by its model's id.

    For the tool that stores a lesson: it puts each recording beside the output that shows the explorer.
    """
    display({FRAMES: {model_id: explorer.record() for model_id, explorer in _displayed.items()}}, raw=True)
