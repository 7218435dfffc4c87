"""One style, four colours with fixed meanings, and the pictures that more than one lesson draws. PyTorch, Keras, NumPy
and the truth have the same colour in every figure of the course. The colours are Okabe and Ito's (2008) colour-blind
safe set; they differ in lightness too, so that a grey print still tells them apart."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

__all__ = [
    "COLOURS", "KERAS", "NUMPY", "OTHERS", "PYTORCH", "TRUTH",
    "confusion_matrix", "image_grid", "loss_curves", "show", "table", "unrolled", "use_style",
]  # fmt: skip

PYTORCH = "#D55E00"  # vermillion
KERAS = "#0072B2"  # blue
NUMPY = "#009E73"  # bluish green
TRUTH = "#222222"  # near black
OTHERS = ("#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C")  # for baselines and whatever else a figure compares
COLOURS = {"PyTorch": PYTORCH, "Keras": KERAS, "NumPy": NUMPY, "truth": TRUTH}
_LINE = {"PyTorch": "-", "Keras": "--", "NumPy": ":", "truth": "-"}


def use_style() -> None:
    """Set the course's figure style for this kernel: light, large enough for a projector, spines only where read."""
    plt.rcdefaults()  # but for the backend: a dark theme would leave white words on white, or TeX be asked for
    plt.rc("figure", figsize=(8.0, 3.4), dpi=100, facecolor="white")
    plt.rc("savefig", dpi=100)
    plt.rc("figure.constrained_layout", use=True)
    plt.rc("font", size=12)
    plt.rc("axes", titlesize=13, titleweight="bold", titlelocation="left", labelsize=12, grid=True)
    plt.rc("axes", prop_cycle=plt.cycler(color=[PYTORCH, KERAS, NUMPY, *OTHERS]))
    plt.rc("axes.spines", top=False, right=False)
    plt.rc("grid", color="#DDDDDD", linewidth=0.7)
    plt.rc("lines", linewidth=2.0)
    plt.rc("legend", frameon=False)
    plt.rc("image", cmap="gray_r")


def show(fig: Figure, alt: str) -> None:
    """Display a figure with ``alt``, a sentence that says what it shows (else ``ValueError``), and close it. The
    picture stands in HTML, because JupyterLab and nbconvert drop the alternative text of a bare PNG. A figure drawn
    twice gives the same bytes."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show(fig, alt=…) needs a sentence that says what the figure shows")
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})  # its version would differ from reader to reader
    plt.close(fig)
    source = base64.b64encode(buffer.getvalue()).decode()
    picture = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{source}">'
    display({"text/html": picture, "text/plain": f"Figure: {alt}"}, raw=True)


def table(header: Sequence[str], rows: Sequence[Sequence], caption: str | None = None) -> None:
    """Display a small table, as HTML in the browser and as aligned text elsewhere. Each row is as long as the header
    (else ``ValueError``). Floats are printed with four significant digits; give a string for another form."""
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row has {len(row)} entries, the header {len(header)}: {list(row)!r}")

    def entry(value) -> str:
        return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)

    cells = [[entry(value) for value in row] for row in rows]
    columns = [[row[j] for row in cells if row[j]] for j in range(len(header))]
    number = [bool(column) and all(map(_is_number, column)) for column in columns]
    width = [max(len(line[j]) for line in [list(header), *cells]) for j in range(len(header))]

    def text_line(line):
        return "  ".join(v.rjust(w) if n else v.ljust(w) for v, w, n in zip(line, width, number)).rstrip()

    def html_line(line, tag):
        style = [f"text-align:{'right' if n else 'left'};padding:0.2em 0.8em" for n in number]
        return "".join(f'<{tag} style="{s}">{html.escape(v)}</{tag}>' for v, s in zip(line, style))

    plain = "\n".join([*([caption] if caption else []), text_line(list(header)), *map(text_line, cells)])
    body = "".join(f"<tr>{html_line(line, 'td')}</tr>" for line in cells)
    head = f"<thead><tr>{html_line(list(header), 'th')}</tr></thead>"
    title = f'<caption style="text-align:left;font-weight:bold">{html.escape(caption)}</caption>' if caption else ""
    markup = f'<table style="font-size:1em">{title}{head}<tbody>{body}</tbody></table>'
    display({"text/html": markup, "text/plain": plain}, raw=True)


def _is_number(text: str) -> bool:
    """Whether a table's entry begins with a number: "1,230", "< 1e-6", "0, 5", "−3 %"."""
    return re.match(r"[<>≤≥≈~]?\s*[-+−±]?(\d|nan|inf)[\d,.]*(e[-+]?\d+)?[%×°,]?(\s|$)", text) is not None


def loss_curves(
    curves: Mapping[str, Sequence[float]], *, xlabel="epoch", ylabel="loss", title="", log: bool = False, ax=None
):
    """Draw one curve of shape (epochs,) per label, the first value at x = 1, and return the axes. A label that begins
    with a framework's name takes its colour and line."""
    if ax is None:
        _, ax = plt.subplots()
    others = iter(OTHERS * 4)
    for label, values in curves.items():
        name = next((n for n in COLOURS if label.lower().startswith(n.lower())), None)
        colour, marker = COLOURS[name] if name else next(others), "o" if len(values) <= 20 else None
        x = np.arange(1, len(values) + 1)
        ax.plot(x, values, _LINE.get(name, "-"), color=colour, marker=marker, markersize=4, label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if log:
        ax.set_yscale("log")
    ax.legend()
    return ax


def confusion_matrix(counts, labels: Sequence[str], *, ax=None, title: str = ""):
    """Draw a confusion matrix, each row (true class) scaled to fractions, and return the axes. ``counts`` has the shape
    (k, k) for k labels: ``counts[i, j]`` of true class i were called j."""
    counts = np.asarray(counts, dtype=float)
    if counts.shape != (len(labels), len(labels)):
        raise ValueError(f"counts has shape {counts.shape}, but there are {len(labels)} labels")
    if ax is None:
        _, ax = plt.subplots(figsize=(7.2, 6.2))
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(rows, cmap="cividis", vmin=0, vmax=1)
    ax.grid(False)
    ax.set_xticks(range(len(labels)), labels, rotation=60, ha="right", rotation_mode="anchor", fontsize=10)
    ax.set_yticks(range(len(labels)), labels, fontsize=10)
    ax.set(xlabel="predicted", ylabel="true", title=title)
    ax.figure.colorbar(image, ax=ax, label="fraction of the true class")
    return ax


def image_grid(
    rows: Mapping[str, Sequence], *, columns: Sequence[str] = (), vmin: float = 0.0, vmax: float = 1.0, scale=0.8
) -> Figure:
    """Draw labelled rows of small grey images, one column per sample, and return the figure. ``rows`` maps labels to
    arrays of one shape (n, height, width), n at most 20; ``columns`` are n titles."""
    counts = {len(images) for images in rows.values()}
    if len(counts) != 1 or not 1 <= next(iter(counts)) <= 20:
        raise ValueError(f"every row needs the same number of images, 1 to 20; got {sorted(counts)}")
    n = counts.pop()
    if columns and len(columns) != n:
        raise ValueError(f"{len(columns)} titles for {n} columns")
    fig, axes = plt.subplots(len(rows), n, figsize=(scale * n + 1.3, scale * len(rows) + 0.1), squeeze=False)
    for line, (label, images) in zip(axes, rows.items()):
        for ax, image in zip(line, images):
            ax.imshow(np.asarray(image), vmin=vmin, vmax=vmax)
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            for spine in ax.spines.values():
                spine.set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=13)
    for ax, title in zip(axes[0], columns):
        ax.set_title(title, fontsize=12, loc="center")
    return fig


def unrolled(
    ax, inputs: Sequence[str], outputs: Sequence[str], *, states: Sequence[str] | None = None, title: str = ""
):
    """Draw a recurrent network unrolled in time, one column for each of T steps, and return the axes. ``inputs``,
    ``outputs`` and ``states`` (default: h_1 … h_T) are T labels under, over and in the columns, TeX mathematics
    allowed; an empty string draws no arrow."""
    if len(inputs) != len(outputs):
        raise ValueError(f"{len(inputs)} inputs and {len(outputs)} outputs: one label for each step is needed")
    states = states or [f"$h_{{{t}}}$" for t in range(1, len(inputs) + 1)]
    arrow = {"arrowstyle": "-|>", "color": TRUTH, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
    for t, (below, state, above) in enumerate(zip(inputs, states, outputs)):
        box = plt.Rectangle((t - 0.3, -0.3), 0.6, 0.6, facecolor="#F0F0F0", edgecolor=TRUTH, linewidth=1.5)
        ax.add_patch(box)
        ax.text(t, 0, state, ha="center", va="center")
        if below:
            ax.annotate("", (t, -0.3), (t, -0.75), arrowprops=arrow)
            ax.text(t, -0.95, below, ha="center", va="center")
        if above:
            ax.annotate("", (t, 0.75), (t, 0.3), arrowprops=arrow)
            ax.text(t, 0.95, above, ha="center", va="center")
        if t:
            ax.annotate("", (t - 0.3, 0), (t - 0.7, 0), arrowprops={**arrow, "color": OTHERS[0]})
    ax.set(xlim=(-0.6, len(inputs) - 0.4), ylim=(-1.2, 1.2), aspect="equal", title=title)
    ax.axis("off")
    return ax
