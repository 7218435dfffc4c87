"""What a cell of a lesson looks like as HTML, for the decks and for the site."""

import html
import json
import math
import re
from pathlib import Path

import nbformat
from nbconvert.filters import Highlight2HTML, ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from present.notebook import FRAMES, NOTEBOOKS, find, tags

_highlight = Highlight2HTML(pygments_lexer="ipython3")


class Lesson:
    """A stored lesson: its number ("01a"), its title, its cells."""

    def __init__(self, path):
        self.path = Path(path)
        self.stem = self.path.stem
        self.number = self.stem.partition("_")[0]
        self.notebook = nbformat.read(self.path, as_version=4)
        self.cells = self.notebook.cells
        heading = re.search(r"^#\s+(.+)$", self.cells[0].source, re.MULTILINE)
        self.title = heading[1].strip() if heading else self.stem

    @property
    def lecture(self):
        """The lecture's number; lesson 00 belongs to none and gives 0."""
        return int(self.number[:2])


def lessons(names=None, folder=NOTEBOOKS):
    """The lessons in teaching order; with ``names`` ("03a" or "03a 05"), those alone.

    Raises
    ------
    SystemExit
        if there is no lesson of a given name; says which there are.
    """
    wanted = (names or "").replace(",", " ").split()
    try:
        chosen = {find(name, folder) for name in wanted}
    except LookupError as error:
        raise SystemExit(str(error)) from None
    return [Lesson(path) for path in sorted(chosen or folder.glob("*.ipynb"))]


def pairs(cells):
    """The cells in order, with the two halves of each pair together: tuples of one or two cells."""
    waiting = None
    for cell in cells:
        if waiting is not None:
            if "keras" in tags(cell):
                yield (waiting, cell)
                waiting = None
                continue
            yield (waiting,)
            waiting = None
        if "pytorch" in tags(cell) and "gridwidth-1-2" in tags(cell):
            waiting = cell
        else:
            yield (cell,)
    if waiting is not None:
        yield (waiting,)


def markdown(source):
    """Markdown as HTML; TeX between dollars is left to MathJax."""
    return MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render(source)


def code(source):
    return _highlight(source, metadata=None)


def player(recording, identity):
    """A recorded explorer as HTML with sliders; ``player.js`` moves it.

    Parameters
    ----------
    recording : dict
        as ``course_lib.explorer.Explorer.record`` returns it
    identity : str
        different for each player of a page
    """
    start = ",".join(str(control["start"]) for control in recording["controls"])
    first = recording["frames"][start]
    rows = []
    for control in recording["controls"]:
        label, values = html.escape(control["label"]), control["values"]
        shown = html.escape(values[control["start"]])
        if len(values) == 1:
            rows.append(
                f'<label hidden>{label}<input type="range" min="0" max="0" value="0" '
                f'data-values="{html.escape(json.dumps(values))}"><output>{shown}</output></label>'
            )
            continue
        if not all(re.match(r"[-−]?\d", value) for value in values):
            options = "".join(
                f'<option value="{i}"{" selected" if i == control["start"] else ""}>{html.escape(value)}</option>'
                for i, value in enumerate(values)
            )
            rows.append(f"<label><span>{label}</span><select>{options}</select></label>")
            continue
        rows.append(
            f'<label><span>{label}</span><input type="range" min="0" max="{len(values) - 1}" step="1" '
            f'value="{control["start"]}" aria-label="{label}" aria-valuetext="{shown}" '
            f'data-values="{html.escape(json.dumps(values))}"><output>{shown}</output></label>'
        )
    if len(recording["frames"]) < math.prod(len(control["values"]) for control in recording["controls"]):
        rows.append("<small>Without a kernel one control moves at a time.</small>")
    picture = ""
    if first["image"]:
        alt = html.escape(recording["alt"], quote=True)
        picture = f'<img alt="{alt}" src="data:image/webp;base64,{first["image"]}">'
    heading = f"<strong>{html.escape(recording['title'])}</strong>" if recording["title"] else ""
    question = f"<span>{html.escape(recording['question'])}</span>" if recording["question"] else ""
    data = json.dumps({"frames": recording["frames"]}).replace("</", "<\\/")
    name = html.escape(recording["title"] or "explorer", quote=True)
    return (
        f'<div class="explorer-player" id="{identity}" role="group" aria-label="{name}" data-prevent-swipe>'
        f'<div class="explorer-head">{heading} {question}</div><div class="explorer-controls">{"".join(rows)}</div>'
        f'{picture}<div class="explorer-words" aria-live="polite">{first["words"]}</div>'
        f'<script type="application/json">{data}</script></div>'
    )


def figure(output, source=None):
    """A stored picture as ``<img>`` with its alternative text; ``source`` replaces the embedded bytes by a file."""
    kind = next(kind for kind in ("image/png", "image/jpeg") if kind in output.data)
    alt = html.escape(output.metadata.get(kind, {}).get("alt", ""), quote=True)
    data = source or f"data:{kind};base64,{''.join(output.data[kind]).strip()}"
    return f'<img class="figure" alt="{alt}" src="{data}">'


def output_html(output, identity):
    """One output of a code cell as (kind, HTML); kind is "explorer", "figure", "table", "text" or "error"."""
    if output.output_type == "stream":
        return "text", f"<pre>{ansi2html(output.text.rstrip())}</pre>"
    if output.output_type == "error":
        return "error", f"<pre>{ansi2html(chr(10).join(output.traceback))}</pre>"
    data = output.data
    if FRAMES in data:
        return "explorer", player(data[FRAMES], identity)
    if "image/png" in data or "image/jpeg" in data:
        return "figure", figure(output)
    if "text/html" in data:
        return "table", "".join(data["text/html"])
    return "text", f"<pre>{html.escape(''.join(data.get('text/plain', '')))}</pre>"
