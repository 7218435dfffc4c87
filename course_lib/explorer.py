"""The frame of an explorer: controls, a short wait while they move, and a picture with its sentence. In the kernel it
recomputes with the lesson's model; for pages without one ``course run`` stores recorded pictures. An answer waits for
the running cell and keeps the global random numbers: a slider changes neither figure nor training."""

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
from collections.abc import Callable, Iterator, Mapping

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["FRAMES", "Explorer", "publish"]

FRAMES = "application/vnd.course.frames+json"  # the MIME type of a recorded explorer among a cell's outputs
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
    wide = {"layout": {"width": "min(420px, 95%)"}, **common}
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
        return kind(value=value, min=low, max=high, step=step, **wide)
    if isinstance(spec, list) and spec:
        return widgets.SelectionSlider(options=spec, value=spec[0], **wide)
    forms = "(low, high, step, start), a list of options, True or False, or a widget"
    raise TypeError(f"control {name!r}: give {forms}; got {spec!r}")


def _pixels(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)  # of its own, because savefig goes through all of a figure twice
    canvas.draw()
    plt.close(figure)  # or the inline backend shows it a second time; it can still be drawn again
    figure.set_layout_engine("none")  # it is solved: again for each answer would take longer than drawing
    return Image.fromarray(np.asarray(canvas.buffer_rgba()))


def _base64(picture: Image.Image, **form) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, **form)
    return base64.b64encode(buffer.getvalue()).decode()


def _webp(picture: Image.Image) -> str:
    # Few colours without loss: for lines on white half the size of a lossy picture, and without its smear.
    few = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).convert("RGB")
    return _base64(few, format="webp", lossless=True, quality=80, method=4)


def _label(control: widgets.Widget, value) -> str:
    """What a control shows for a value."""
    options = getattr(control, "options", None) or ()
    pairs = options.items() if isinstance(options, Mapping) else [each for each in options if isinstance(each, tuple)]
    text = ("no", "yes")[value] if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return next((label for label, of in pairs if of == value), text or "(nothing)")


class Explorer(widgets.VBox):
    """A panel that redraws when a control moves. Made again, it closes the one before it with the same title.

    Parameters
    ----------
    draw : called with one keyword for each control. Returns a picture (a figure or PNG bytes) or HTML; or also HTML that
        says in words what is seen; or also a mapping from names to the numbers shown, which ``drawn`` hands to a claim.
        Quickest: build a figure once, set its artists' data. Seed ``keras.random`` and ``tf.random`` in it: only
        Python's, NumPy's and PyTorch's states are put back afterwards.
    controls : name to ``(low, high, step, start)`` for a slider (whole numbers give whole steps), a list for a choice,
        ``True``/``False`` for a box to tick, or any ipywidgets control.
    question, alt : what to find out; what the picture shows, for readers who do not see it.
    recorded : name to the values that ``record`` draws for a stored lesson, the start among them; other controls rest.
        All combinations, if at most 60; else one control moves at a time, again at most 60 pictures.
    ``milliseconds`` lists the time of each answer so far, from the values of the controls to the finished picture."""

    def __init__(
        self, draw: Callable, controls: Mapping, *, title="", question="", alt="", recorded: Mapping | None = None
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
        heading = "<br>".join(filter(None, [title and f"<b>{html.escape(title)}</b>", html.escape(question)]))
        head = [widgets.HTML(heading)] if heading else []
        row = widgets.Box(list(self.controls.values()), layout={"flex_flow": "row wrap"})
        children = [*head, row, self.picture, self.words]
        made = [self.controls[name] for name, spec in controls.items() if not isinstance(spec, widgets.Widget)]
        self._made = children + made
        for control in self.controls.values():
            control.observe(self._moved, names="value")
        super().__init__(children)
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
            # After a message the inline backend closes all open figures, the running cell's too: so all of it waits.
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
        """Redraw for the present values, at the end of the cell that runs; show in the panel what ``draw`` raises."""
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
        """The numbers that ``draw`` publishes (else ``ValueError``) for these, else the present values of the controls."""
        if unknown := values.keys() - self.controls.keys():
            raise TypeError(f"no control {', '.join(sorted(unknown))}; there are {', '.join(self.controls)}")
        found = dict(self._result({**self.values, **values})[2])
        if not found:
            raise ValueError("draw publishes no numbers: let it return fig, words, {name: number}")
        return found

    def record(self) -> dict:
        """Compute the pictures of ``recorded`` (else ``ValueError``), as data for a page without a kernel. ``title``,
        ``question``, ``alt``; ``controls``: ``{"name", "label", "values": [text], "start": index}`` each; ``frames``:
        from the values' indices, joined by commas, to ``{"image": base64 of a WebP or "", "words": HTML}``."""
        if not self._recorded:
            raise ValueError(f"explorer {self._title!r} needs recorded={{control: values}}, to be stored in a lesson")
        values = {name: self._recorded.get(name, [start]) for name, start in self._start.items()}
        rest = [of.index(self._start[name]) for name, of in values.items()]
        frames, controls = {}, []
        for point in itertools.product(*(range(len(of)) for of in values.values())):
            if self._together or sum(map(operator.ne, point, rest)) <= 1:
                picture, words, _ = self._result({name: of[i] for (name, of), i in zip(values.items(), point)})
                frames[",".join(map(str, point))] = {"image": _webp(picture) if picture else "", "words": words}
        for (name, control), start in zip(self.controls.items(), rest):
            labels = [_label(control, value) for value in values[name]]
            controls.append({"name": name, "label": control.description, "values": labels, "start": start})
        texts = {"title": self._title, "question": self._question, "alt": self._alt}
        return {**texts, "controls": controls, "frames": frames}

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        """The widget, and its present picture for pages that show no widgets."""
        self._shown = True
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        text = f"Explorer: {self._title or ', '.join(self.controls)}"
        return {**data, "text/plain": text, "text/html": self._still}, metadata


def publish() -> None:
    """Display what each explorer shown in this kernel records, by its model's id, for the tool that stores a lesson."""
    shown = {model_id: explorer for model_id, explorer in _explorers.items() if explorer._shown}
    display({FRAMES: {model_id: explorer.record() for model_id, explorer in shown.items()}}, raw=True)
