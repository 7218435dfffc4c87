"""The frame of an explorer: controls, a short wait while they move, and a picture with its sentence.

An explorer recomputes with the lesson's real model in the kernel. For pages without a kernel (a deck, the site)
``Explorer.frames`` computes a few pictures beforehand and links them to a slider in the browser alone.
"""

from __future__ import annotations

import asyncio
import base64
import html
import io
import itertools
import time
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["Explorer"]


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


def _image(figure_or_png: Figure | bytes, alt: str) -> str:
    if isinstance(figure_or_png, Figure):
        buffer = io.BytesIO()
        # Drawn on a canvas of its own, because savefig goes through all of a figure twice.
        canvas = FigureCanvasAgg(figure_or_png)
        canvas.draw()
        # Level 1 of PNG's compression: a tenth of the time for a third more bytes, which never leave the machine.
        Image.fromarray(np.asarray(canvas.buffer_rgba())).save(buffer, format="png", compress_level=1)
        plt.close(figure_or_png)  # or the inline backend shows it a second time; it can still be drawn again
        # The layout was solved for the first picture; solving it again for each answer takes longer than drawing.
        figure_or_png.set_layout_engine("none")
        figure_or_png = buffer.getvalue()
    text = base64.b64encode(figure_or_png).decode()
    return f'<img alt="{html.escape(alt, quote=True)}" style="max-width:100%" src="data:image/png;base64,{text}">'


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
    ):
        if not callable(draw):
            raise TypeError("draw must be a function of the controls' values")
        if not controls:
            raise ValueError("an explorer needs at least one control")
        self._draw, self._alt, self._title, self._wait = draw, alt or title or "explorer", title, wait
        self.controls = {name: _control(name, spec) for name, spec in controls.items()}
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

    def frames(self, **values: Sequence) -> widgets.VBox:
        """Return a panel of pictures computed now, that moves in the browser without a kernel.

        Parameters
        ----------
        **values
            For one or two controls, the values to draw; the other controls keep their present value.
            At most 60 pictures.

        Returns
        -------
        ipywidgets.VBox
            One slider for each named control, and a ``Stack`` of the pictures.
        """
        if not 1 <= len(values) <= 2 or not set(values) <= set(self.controls):
            raise ValueError(f"name one or two of the controls {', '.join(self.controls)}")
        grid = list(itertools.product(*values.values()))
        if not 1 <= len(grid) <= 60:
            raise ValueError(f"{len(grid)} pictures; give values for 1 to 60")
        pages = []
        for point in grid:
            picture, words = self._parts({**self.values, **dict(zip(values, point))})
            pages.append(widgets.HTML(picture + words))
        if len(values) == 1:
            return self._linked(next(iter(values)), next(iter(values.values())), pages)
        (outer, outer_values), (inner, inner_values) = values.items()
        n = len(inner_values)
        stacks = [self._linked(inner, inner_values, pages[i * n : (i + 1) * n]) for i in range(len(outer_values))]
        return self._linked(outer, outer_values, stacks)

    @staticmethod
    def _linked(name: str, values: Sequence, pages: Sequence[widgets.Widget]) -> widgets.VBox:
        def text(value):
            return f"{value:g}" if isinstance(value, float) else str(value)

        slider = widgets.SelectionSlider(
            options=[(text(value), i) for i, value in enumerate(values)],
            value=0,
            description=name.replace("_", " "),
            style={"description_width": "initial"},
        )
        stack = widgets.Stack(children=list(pages), selected_index=0)
        widgets.jslink((slider, "index"), (stack, "selected_index"))
        return widgets.VBox([slider, stack])

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        """The widget, and its present picture for pages that show no widgets."""
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = {**data, "text/plain": f"Explorer: {self._title or ', '.join(self.controls)}"}
        start = self.picture.value.find("base64,")
        if start > 0:
            data["image/png"] = self.picture.value[start + 7 : self.picture.value.index('"', start)]
            metadata = {**metadata, "image/png": {"alt": self._alt}}
        return data, metadata
