"""The frame of an explorer: controls, a short wait while they move, and a picture with its sentence. In the kernel it
recomputes with the lesson's model; for pages without one ``tools.recording`` stores pictures. An answer waits for the
running cell and keeps the global random numbers: a slider changes neither figure nor training."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import io
import itertools
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
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.spines import Spine
from matplotlib.text import Text
from PIL import Image

__all__ = ["Explorer", "same", "shown"]

_WAIT_S = 0.01  # without movement before the picture is redrawn, so that a dragged slider does not queue work
_LONGEST_WAIT_S = 0.05  # after the first movement: a slider that is dragged without rest is answered too

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


class _Layers:
    """A figure that is drawn anew for each answer. Ticks and their labels take longest and seldom change: they are kept
    below, and all else is drawn above them. Both together look as the whole does, or the whole is drawn each time."""

    def __init__(self, figure: Figure):
        self.figure, self._canvas = figure, FigureCanvasAgg(figure)
        self._fit = self._state = None
        self._grid: dict[Axis, list] = {}

    def whole(self) -> np.ndarray:
        """Draw all of it: bytes (height, width, 4)."""
        self._canvas.draw()
        self.figure.set_layout_engine("none")  # it is solved: again for each answer would take longer than drawing
        self._engine, self._state = self.figure.get_layout_engine(), None
        return np.array(self._canvas.buffer_rgba())

    def pixels(self) -> np.ndarray:
        """As ``whole``, but quicker from the second time on."""
        if self._fit is None:
            whole = self.whole()
            if all(ax.name == "rectilinear" for ax in self.figure.axes):  # others project when drawn whole
                # An image's edge may meet a tick's end in another order; a line that is missing differs by more.
                self._fit = np.abs(whole - self._layered().astype(int)).max() <= 32
            return whole
        return self._layered() if self._fit and self.figure.get_layout_engine() is self._engine else self.whole()

    def _layered(self) -> np.ndarray:
        if self._state is None or self._state != self._frame():
            axes = [axis for ax in self.figure.axes for axis in (ax.xaxis, ax.yaxis)]
            ticks = {axis: (*axis.get_major_ticks(), *axis.get_minor_ticks()) for axis in axes}
            lines = {axis: [tick.gridline for tick in of if tick.gridline.get_visible()] for axis, of in ticks.items()}
            above, grid, self._grid = list(self._above()), list(itertools.chain(*lines.values())), lines
            try:
                for part in above:
                    part.set_animated(True)  # not drawn with the whole, then
                for line in grid:
                    line.set_visible(False)
                self._canvas.draw()
            finally:
                for part in above:
                    part.set_animated(False)
                for line in grid:
                    line.set_visible(True)
            self._below = self._canvas.copy_from_bbox(self.figure.bbox)
            self._texts = [text for axis in axes for text in axis.findobj(Text)]
            self._state = self._frame()
        self._canvas.restore_region(self._below)
        for part in self._above():
            part.draw(self._canvas.get_renderer())
        return np.array(self._canvas.buffer_rgba())

    def _frame(self) -> list:
        """What the lower layer depends on. Matplotlib marks as stale what has changed since it was drawn."""
        state = [(self.figure.bbox.bounds, self.figure.get_facecolor())]
        for ax in self.figure.axes:
            lie = (*ax.bbox.bounds, *ax.viewLim.extents)
            state.append((ax, ax.get_visible(), ax.axison, ax.get_frame_on(), ax.get_facecolor(), lie))
            state += [axis.get_visible() and (ax.axison and axis.stale) for axis in (ax.xaxis, ax.yaxis)]
        return state + [(of.get_text(), of.get_color(), of.get_fontsize(), of.get_visible()) for of in self._texts]

    def _above(self) -> Iterator[Artist]:
        """The parts of the upper layer as Matplotlib orders them; of an axis the lines of its grid."""
        height = operator.attrgetter("zorder")
        for ax in sorted(filter(Artist.get_visible, self.figure.axes), key=height):
            for part in sorted(ax.get_children(), key=height):
                if isinstance(part, Axis):
                    yield from self._grid.get(part, ()) if ax.axison and part.get_visible() else ()
                elif part is not ax.patch and (not isinstance(part, Spine) or ax.axison and ax.get_frame_on()):
                    yield from () if part.get_animated() else (part,)
        below = {self.figure.patch, *self.figure.axes}
        yield from sorted((part for part in self.figure.get_children() if part not in below), key=height)


def _png(pixels: np.ndarray) -> bytes:
    # Level 1 of compression: a tenth of the time for a third more bytes, which never leave the machine.
    Image.fromarray(pixels).save(buffer := io.BytesIO(), format="png", compress_level=1)
    return buffer.getvalue()


def same(one, other) -> bool:
    """Whether two values of a control are the same; a picture of a pad is only itself."""
    return one is other or not isinstance(one, np.ndarray) and one == other


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
    recorded : name to the values that a stored lesson shows, the start among them (``ValueError``); other controls rest.
    ``milliseconds`` lists the time of each answer so far, from the values of the controls to the finished picture."""

    def __init__(
        self, draw: Callable, controls: Mapping, *, title="", question="", alt="", recorded: Mapping | None = None
    ):
        if not callable(draw):
            raise TypeError("draw must be a function of the controls' values")
        if not controls:
            raise ValueError("an explorer needs at least one control")
        self._draw, self._layers = draw, None
        self._timer, self._since = None, 0.0
        self.about = {"title": title, "question": question, "alt": alt or title or "explorer"}
        self.controls = {name: _control(name, spec) for name, spec in controls.items()}
        self.start, self.recorded = self.values, {name: list(values) for name, values in (recorded or {}).items()}
        for name, values in self.recorded.items():
            if name not in self.controls or not any(same(self.start[name], value) for value in values):
                raise ValueError(f"recorded: {name!r} must be a control, and its start among the values; got {values}")
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
            if earlier.about["title"] == title:
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
        self._draw, self._layers, self._made = None, None, []
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
        else:
            self._since = loop.time()
        self._timer = loop.call_later(min(_WAIT_S, max(0.0, self._since + _LONGEST_WAIT_S - loop.time())), self.answer)

    def _result(self, values: Mapping) -> tuple[Figure | bytes | None, str, Mapping]:
        """Return (figure, PNG or None, words as HTML, numbers) for one set of values."""
        with _random_numbers_kept():
            result = self._draw(**values)
        picture, *rest = result if isinstance(result, tuple) and result else (result,)
        words, found = (*rest, *("", {})[len(rest) :])[:2]
        if len(rest) > 2 or not isinstance(words, str) or not isinstance(found, Mapping):
            raise TypeError("draw must return a picture, or also words (HTML), or also a mapping from names to numbers")
        if isinstance(picture, str):
            return None, picture + words, found
        if isinstance(picture, Figure):
            plt.close(picture)  # or the inline backend shows it a second time; it can still be drawn again
            return picture, words, found
        if isinstance(picture, bytes) and picture.startswith(b"\x89PNG"):
            return picture, words, found
        if picture is None:
            raise TypeError("draw returned nothing: end it with return fig, or return fig, words")
        raise TypeError(f"draw must return a figure, PNG bytes or HTML, not {type(picture).__name__}")

    def _pixels(self, figure: Figure, quick: bool) -> np.ndarray:
        self._layers = self._layers or _Layers(figure)
        if self._layers.figure is not figure:  # made anew for each answer: nothing can be kept
            return _Layers(figure).whole()
        return self._layers.pixels() if quick else self._layers.whole()

    def answer(self) -> None:
        """Redraw for the present values, at the end of the cell that runs; show in the panel what ``draw`` raises."""
        self._timer = None
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
                    png = _png(self._pixels(picture, quick=True)) if isinstance(picture, Figure) else picture
                    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
                    picture = f'<img alt="{html.escape(self.about["alt"])}" style="max-width:100%" src="{source}">'
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

    def picture_of(self, values: Mapping) -> tuple[np.ndarray | bytes | None, str]:
        """Return (picture as bytes (height, width, 4), PNG or None; words as HTML) for values of all the controls."""
        picture, words, _ = self._result(values)
        return self._pixels(picture, quick=False) if isinstance(picture, Figure) else picture, words

    def drawn(self, **values) -> dict[str, float]:
        """The numbers that ``draw`` publishes (else ``ValueError``) for these, else the present values of the controls."""
        if unknown := values.keys() - self.controls.keys():
            raise TypeError(f"no control {', '.join(sorted(unknown))}; there are {', '.join(self.controls)}")
        found = dict(self._result({**self.values, **values})[2])
        if not found:
            raise ValueError("draw publishes no numbers: let it return fig, words, {name: number}")
        return found

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        """The widget, and its present picture for pages that show no widgets."""
        self._shown = True
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        text = f"Explorer: {self.about['title'] or ', '.join(self.controls)}"
        return {**data, "text/plain": text, "text/html": self._still}, metadata


def shown() -> dict[str, Explorer]:
    """The explorers that are shown in this kernel and not closed, by their models' ids."""
    return {model_id: explorer for model_id, explorer in _explorers.items() if explorer._shown}
