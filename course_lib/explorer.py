"""The frame of an explorer: controls, a short wait while they move, and a picture with its sentence.

An explorer recomputes with the lesson's real model in the kernel. For pages without a kernel ``Explorer.record`` computes
pictures beforehand, which ``course run`` stores beside the explorer's output and the decks and the site play. An answer
waits until the running cell is done, and leaves the global random numbers as they were, so that a hand on a slider changes
neither a figure nor a training.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import io
import itertools
import math
import numbers
import operator
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["FRAMES", "Explorer", "publish"]

# The MIME type of a recorded explorer among a cell's outputs.
FRAMES = "application/vnd.course.frames+json"
_LARGEST_RECORDING = 60  # pictures
_WAIT_S = 0.02  # without movement before the picture is redrawn, so that a dragged slider does not queue work

_explorers: weakref.WeakValueDictionary[str, Explorer] = weakref.WeakValueDictionary()  # by their models' ids

# JupyterLab may hand a widget's message to a second thread while a cell runs. Pyplot, a model that trains and the random
# numbers belong to one thread at a time: to the running cell, or to an answer. Re-entrant, as a cell may move a control.
_turn = threading.RLock()
_cell_runs = threading.Event()
_late: weakref.WeakSet[Explorer] = weakref.WeakSet()  # moved in another thread meanwhile; the cell's end answers them
_watched: weakref.WeakSet = weakref.WeakSet()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _cell_begins(info: object = None) -> None:
    if _in_main_thread():
        _turn.acquire()
        _cell_runs.set()


def _cell_ends(result: object = None) -> None:
    if _in_main_thread():
        _cell_runs.clear()
        with contextlib.suppress(RuntimeError):
            while True:  # as often as it was taken: an interrupt may have swallowed the end of a cell before
                _turn.release()
        while _late:
            _late.pop().answer()


def _watch_cells() -> None:
    shell = get_ipython()
    if shell is not None and shell not in _watched:
        _watched.add(shell)
        shell.events.register("pre_run_cell", _cell_begins)
        shell.events.register("post_run_cell", _cell_ends)
        _cell_begins()  # the cell that makes the first explorer is running


@contextlib.contextmanager
def _random_numbers_kept() -> Iterator[None]:
    """Put the global random states of Python (Keras seeds its layers from it), NumPy and PyTorch back afterwards."""
    python, numpy, torch = random.getstate(), np.random.get_state(), sys.modules.get("torch")
    with contextlib.ExitStack() as stack:
        stack.callback(random.setstate, python)
        stack.callback(np.random.set_state, numpy)
        if torch is not None:
            mps = torch.backends.mps.is_available()
            devices = [0] if mps else range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
            stack.enter_context(torch.random.fork_rng(devices, device_type="mps" if mps else "cuda"))
        yield


def _control(name: str, spec) -> widgets.Widget:
    """Build a control from its specification; see ``Explorer``."""
    label = name.replace("_", " ")
    common = {"description": label, "style": {"description_width": "initial"}}
    wide = {"width": "min(420px, 95%)"}
    if isinstance(spec, widgets.Widget):
        if not getattr(spec, "description", ""):
            spec.description = label
        return spec
    if isinstance(spec, bool):
        return widgets.Checkbox(value=spec, **common)
    if isinstance(spec, tuple) and len(spec) == 4 and all(isinstance(number, numbers.Real) for number in spec):
        whole = all(isinstance(number, numbers.Integral) for number in spec)
        low, high, step, value = map(int if whole else float, spec)
        if not low <= value <= high or not step > 0:
            raise ValueError(f"control {name!r}: the start {value} must lie in [{low}, {high}], the step be positive")
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


def _base64(picture: Image.Image, **form) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, **form)
    return base64.b64encode(buffer.getvalue()).decode()


def _label(control: widgets.Widget, value) -> str:
    """What a control shows for a value."""
    options = getattr(control, "options", None) or ()
    pairs = options.items() if isinstance(options, Mapping) else [each for each in options if isinstance(each, tuple)]
    text = ("no", "yes")[value] if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return next((label for label, of in pairs if of == value), text or "(nothing)")


class Explorer(widgets.VBox):
    """A panel that redraws with the lesson's model when a control moves.

    An explorer that is made again, as when its cell is run again, closes the one before it with the same title.

    Parameters
    ----------
    draw : callable
        Called with one keyword for each control. Returns a picture (a figure or PNG bytes) or an HTML string; or a pair of
        it and an HTML string that says in words what is seen; or these two and a mapping from names to the numbers that
        the picture shows, which ``drawn`` hands to a claim. Quickest (below 100 ms): build the figure once, set its
        artists' data, return the same figure each time. The global random states of Python, NumPy and PyTorch are put
        back afterwards; those of ``keras.random`` and ``tf.random`` cannot be, so give these a seed of their own.
    controls : mapping from name to specification
        ``(low, high, step, start)`` for a slider (whole numbers give whole steps), a list for a choice,
        ``True``/``False`` for a box to tick, or any ipywidgets control.
    title : str
    question : str
        What to find out with the explorer.
    alt : str
        What the picture shows, for readers who do not see it.
    recorded : mapping from name to sequence of values
        What ``record`` draws for pages without a kernel, the start of each control among its values; a control that is
        not named rests. All combinations, if they are at most 60; if they are more, one control moves at a time and the
        others rest at their start, again at most 60 pictures. Needed for a lesson that is stored; without it the explorer
        works in the kernel alone.

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
        recorded: Mapping[str, Sequence] | None = None,
    ):
        if not callable(draw):
            raise TypeError("draw must be a function of the controls' values")
        if not controls:
            raise ValueError("an explorer needs at least one control")
        self._draw, self._alt, self._timer = draw, alt or title or "explorer", None
        self._title, self._question = title, question
        self.controls = {name: _control(name, spec) for name, spec in controls.items()}
        self._start = self.values
        self._recorded = {name: list(values) for name, values in (recorded or {}).items()}
        for name, values in self._recorded.items():
            if name not in self.controls or self._start[name] not in values:
                raise ValueError(f"recorded: {name!r} must be a control, and its start among the values; got {values}")
        self._together = math.prod(map(len, self._recorded.values())) <= _LARGEST_RECORDING
        if not self._together and sum(len(values) - 1 for values in self._recorded.values()) >= _LARGEST_RECORDING:
            raise ValueError(f"recorded: more than {_LARGEST_RECORDING} pictures, even if one control moves at a time")
        self.milliseconds: list[float] = []
        self.picture, self.words, self._still, self._shown = widgets.HTML(), widgets.HTML(), "", False
        heading = [f"<b>{html.escape(title)}</b>"] * bool(title) + [html.escape(question)] * bool(question)
        head = [widgets.HTML("<br>".join(heading))] if heading else []
        row = widgets.Box(list(self.controls.values()), layout={"flex_flow": "row wrap"})
        self._made = [*head, row, self.picture, self.words]
        self._made += [self.controls[name] for name, spec in controls.items() if not isinstance(spec, widgets.Widget)]
        for control in self.controls.values():
            control.observe(self._moved, names="value")
        super().__init__([*head, row, self.picture, self.words])
        self.add_class("course-explorer")
        _watch_cells()
        try:
            self.answer()
        except BaseException:
            self.close()
            raise
        for earlier in list(_explorers.values()) if title else []:
            if earlier._title == title:
                earlier.close()
        _explorers[self.model_id] = self

    @property
    def values(self) -> dict:
        """The controls' present values."""
        return {name: control.value for name, control in self.controls.items()}

    def close(self) -> None:
        """Close the panel with the controls it made, and let go of what ``draw`` holds: figures, models, data."""
        if self.comm is not None:  # a refused explorer has none, nor has one that was closed before
            _explorers.pop(self.model_id, None)
            for control in self.controls.values():
                control.unobserve(self._moved, names="value")
            for part in self._made:
                for widget in (part.layout, getattr(part, "style", None), part):
                    if widget is not None:
                        widget.close()
            self.layout.close()
        self._draw, self._made = None, []
        super().close()

    def _moved(self, change) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop, as in a test: answer at once
            self.answer()
            return
        if not _in_main_thread():
            # After a widget's message matplotlib's inline backend shows and closes every open figure, those that a cell in
            # the main thread is drawing too: so the whole message, up to the loop's next turn, waits for the cell.
            _turn.acquire()
            loop.call_soon(_turn.release)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(_WAIT_S, self.answer)

    def _result(self, values: Mapping) -> tuple[Image.Image | None, str, Mapping]:
        """Return (picture or None, words as HTML, numbers) for one set of values."""
        with _random_numbers_kept():
            result = self._draw(**values)
        picture, *rest = result if isinstance(result, tuple) and result else (result,)
        words, found = (*rest, *("", {})[len(rest) :])[:2]
        if len(rest) > 2 or not isinstance(words, str) or not isinstance(found, Mapping):
            raise TypeError("draw must return a picture, or also words (HTML), or also a mapping from names to numbers")
        if isinstance(picture, str):
            return None, picture + words, found
        if isinstance(picture, Figure):
            return _pixels(picture), words, found
        if isinstance(picture, bytes) and picture.startswith(b"\x89PNG"):
            return Image.open(io.BytesIO(picture)), words, found
        if picture is None:
            raise TypeError("draw returned nothing: end it with return fig, or return fig, words")
        raise TypeError(f"draw must return a figure, PNG bytes or HTML, not {type(picture).__name__}")

    def answer(self) -> None:
        """Redraw for the present values. What ``draw`` raises is shown in the panel, not lost in a log.

        In another thread than the main one, while a cell runs there, the answer is left to the end of the cell, one for
        all moves meanwhile.
        """
        if _cell_runs.is_set() and not _in_main_thread():
            _late.add(self)
            if _cell_runs.is_set():  # or the cell has ended since, and may not have seen this explorer
                return
        with _turn:
            if self._draw is None:  # closed
                return
            begin = time.perf_counter()
            try:
                picture, words, _ = self._result(self.values)
                if picture is not None:
                    # Level 1 of compression: a tenth of the time for a third more bytes, which never leave the machine.
                    source = f"data:image/png;base64,{_base64(picture, format='png', compress_level=1)}"
                    picture = f'<img alt="{html.escape(self._alt)}" style="max-width:100%" src="{source}">'
            except Exception as error:
                if not self.milliseconds:  # the first picture is part of the lesson's run: fail there, loudly
                    raise
                self.words.value = f"<b>{type(error).__name__}</b>: {html.escape(str(error))}"
                return
            spent = 1000 * (time.perf_counter() - begin)
            self.milliseconds.append(spent)
            self._still, shown = picture or words, picture or ""
            self.picture.value = f'<div data-answer="{len(self.milliseconds)}" data-ms="{spent:.1f}">{shown}</div>'
            self.words.value = f'<div aria-live="polite">{words}</div>'

    def drawn(self, **values) -> dict[str, float]:
        """The numbers that ``draw`` publishes as its third result, so that a claim can hold them against the model.

        Parameters
        ----------
        **values
            Values of controls; a control that is not named has its present one. The panel stays as it is.

        Raises
        ------
        ValueError
            If ``draw`` publishes none.
        """
        if unknown := values.keys() - self.controls.keys():
            raise TypeError(f"no control {', '.join(sorted(unknown))}; there are {', '.join(self.controls)}")
        found = dict(self._result({**self.values, **values})[2])
        if not found:
            raise ValueError("draw publishes no numbers: let it return fig, words, {name: number}")
        return found

    def record(self) -> dict:
        """Compute the pictures of the values that ``recorded`` names, as data for a page without a kernel.

        Returns
        -------
        dict
            ``title``, ``question``, ``alt``: str. ``controls``: list of ``{"name", "label", "values", "start"}``, the
            values as text, the start as an index. ``frames``: a mapping from the indices of the controls' values,
            joined by commas, to ``{"image": base64 of a WebP picture or "", "words": HTML}``.

        Raises
        ------
        ValueError
            If the explorer was not given ``recorded``.
        """
        if not self._recorded:
            raise ValueError(f"explorer {self._title!r} needs recorded={{control: values}}, to be stored in a lesson")
        values = {name: self._recorded.get(name, [start]) for name, start in self._start.items()}
        rest = [of.index(self._start[name]) for name, of in values.items()]
        frames, controls = {}, []
        for point in itertools.product(*(range(len(of)) for of in values.values())):
            if self._together or sum(map(operator.ne, point, rest)) <= 1:
                at = {name: of[i] for (name, of), i in zip(values.items(), point)}
                frames[",".join(map(str, point))] = self._frame(at)
        for (name, control), start in zip(self.controls.items(), rest):
            labels = [_label(control, value) for value in values[name]]
            controls.append({"name": name, "label": control.description, "values": labels, "start": start})
        texts = {"title": self._title, "question": self._question, "alt": self._alt}
        return {**texts, "controls": controls, "frames": frames}

    def _frame(self, values: Mapping) -> dict:
        picture, words, _ = self._result(values)
        if picture is None:
            return {"image": "", "words": words}
        # Few colours without loss: for lines on white half the size of a lossy picture, and without its smear.
        few = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).convert("RGB")
        return {"image": _base64(few, format="webp", lossless=True, quality=80, method=4), "words": words}

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        """The widget, and its present picture for pages that show no widgets."""
        self._shown = True
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        text = f"Explorer: {self._title or ', '.join(self.controls)}"
        return {**data, "text/plain": text, "text/html": self._still}, metadata


def publish() -> None:
    """Display, as data of the type ``FRAMES``, what each explorer shown in this kernel records, by its model's id.

    For the tool that stores a lesson: it puts each recording beside the output that shows the explorer.
    """
    shown = {model_id: explorer for model_id, explorer in _explorers.items() if explorer._shown}
    display({FRAMES: {model_id: explorer.record() for model_id, explorer in shown.items()}}, raw=True)
