"""The one reader of lessons: what a notebook says about itself, its cells, its sections, and what its outputs hold."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat

__all__ = [
    "CLAIM", "FRAMES", "NOTEBOOKS", "ROOT", "WIDGET", "Lesson", "Shown", "cell_id", "find", "folded", "lessons",
    "pairs", "shown", "slide_type", "tags", "upgraded",
]  # fmt: skip

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

# Types of output, as they stand in a stored notebook. The last two are course_lib's, whose import takes a while.
WIDGET = "application/vnd.jupyter.widget-view+json"
FRAMES = "application/vnd.course.frames+json"
CLAIM = "application/vnd.course.claim+json"

HEADING = re.compile(r"^(#{1,3})\s+(.+?)\s*$", re.MULTILINE)
EMBEDDED = re.compile(r"""<img\b[^>]*?\bsrc=(["'])data:image/(?:png|jpeg);base64,([^"']+)\1[^>]*>""")
ALT = re.compile(r"""\balt=(["'])(.*?)\1""", re.DOTALL)
KINDS = ("claim", "parity", "trap", "explorer", "check", "solution", "exercise", "setup", "pytorch", "keras")


def find(name: str | Path, folder: Path = NOTEBOOKS) -> Path:
    """The path of one stored lesson, from "01b", its whole name or a path.

    Raises
    ------
    LookupError
        If there is none, or more than one; says which there are.
    """
    stem = Path(name).name.removesuffix(".ipynb")
    paths = sorted(Path(folder).glob("*.ipynb"))
    found = [path for path in paths if path.stem == stem or path.stem.startswith(stem + "_")]
    if len(found) != 1:
        raise LookupError(
            f"{'More than one lesson is' if found else 'No lesson is'} called {str(name)!r}. "
            f"There are: {', '.join(path.stem for path in paths) or 'none'}."
        )
    return found[0]


def cell_id(source: str, kind: str, used: set[str]) -> str:
    """An id made of what a cell says, so that the same text always gives the same notebook; adds it to ``used``."""
    salt = 0
    while True:
        digest = hashlib.sha256(f"{salt}{kind}{source}".encode()).hexdigest()[:8]
        if digest not in used:
            used.add(digest)
            return digest
        salt += 1


def upgraded(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook in format 4.5, where every cell has an id of its own; Colab and older editors write none."""
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        kept = {cell.id for cell in notebook.cells if "id" in cell}
        notebook = nbformat.v4.upgrade(notebook)
        for cell in notebook.cells:
            if cell.id not in kept:
                cell.pop("id")  # a random one, another in each reading
    used = {cell.id for cell in notebook.cells if "id" in cell}
    for cell in notebook.cells:
        if "id" not in cell:
            cell.id = cell_id(cell.source, cell.cell_type, used)
    return notebook


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def slide_type(cell) -> str:
    """The cell's slide type; "-" (goes on the slide before it) if it says none."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def folded(cell) -> bool:
    """Whether a notebook opens with this cell's source hidden."""
    return cell.metadata.get("jupyter", {}).get("source_hidden") is True


@dataclass(frozen=True)
class Shown:
    """One thing that an output shows.

    Attributes
    ----------
    kind : str
        ``"text"``, ``"picture"``, ``"claim"``, ``"frames"``, ``"widget"`` or ``"error"``.
    stream : str
        ``"stdout"``, ``"stderr"`` or ``"display"``.
    text : str
        The text; for a picture its alternative text; for an error its one-line message.
    data : bytes, dict or None
        A picture's bytes, a claim's or a recording's record.
    """

    kind: str
    stream: str
    text: str = ""
    data: object = None


def shown(outputs) -> Iterator[Shown]:
    """What the outputs of a cell show, in order, each thing once: plain text stands for its HTML twin."""
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            yield Shown("text", output["name"], "".join(output["text"]))
            continue
        if kind == "error":
            yield Shown("error", "display", f"{output['ename']}: {output['evalue']}".strip())
            continue
        data, metadata = output.get("data", {}), output.get("metadata", {})
        if kind not in ("display_data", "execute_result", "update_display_data"):
            continue
        text = "".join(data.get("text/plain", ""))
        if CLAIM in data:
            yield Shown("claim", "display", text, data[CLAIM])
            continue
        if FRAMES in data:
            yield Shown("frames", "display", "", data[FRAMES])
        if WIDGET in data:
            yield Shown("widget", "display", text)
            continue
        markup = "".join(data.get("text/html", ""))
        embedded = EMBEDDED.search(markup)
        picture = next((data[name] for name in ("image/png", "image/jpeg") if name in data), None)
        if embedded:
            alt = ALT.search(embedded[0])
            yield Shown("picture", "display", alt[2] if alt else "", base64.b64decode(embedded[2]))
        elif picture is not None:
            alt = next(iter(metadata.values()), {}).get("alt", "") if metadata else ""
            yield Shown("picture", "display", alt, base64.b64decode("".join(picture)))
        elif text or markup:
            yield Shown("text", "display", text or _plain(markup))


def _plain(markup: str) -> str:
    import html

    markup = re.sub(r"(?s)<(style|script)\b.*?</\1>|<!--.*?-->", "", markup)
    return html.unescape(re.sub(r"<[^>]*>", "\n", markup))


class Lesson:
    """A stored lesson.

    Attributes
    ----------
    path, stem, number : Path, str, str
        ``notebooks/01a_rnn_cell.ipynb``, ``"01a_rnn_cell"``, ``"01a"``.
    notebook : nbformat.NotebookNode
    cells, code, markdown : list of cells
    facts : dict
        What the metadata ``course`` says: lecture, minutes, plan (pairs of a section and the minutes that the sections
        up to it take, after those of the pair before), budgets, needs, leads_to, and what the last run measured.
    """

    def __init__(self, path: str | Path, notebook=None):
        self.path = Path(path)
        self.stem = self.path.stem
        self.number = self.stem.partition("_")[0]
        self.notebook = upgraded(nbformat.read(self.path, as_version=4) if notebook is None else notebook)
        self.cells = self.notebook.cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.markdown = [cell for cell in self.cells if cell.cell_type == "markdown"]
        self.facts = self.notebook.metadata.get("course", {})

    @property
    def title(self) -> str:
        """The first heading, such as "1a · A recurrent cell"; the file's name without one."""
        heading = HEADING.search(self.cells[0].source) if self.cells else None
        return heading[2] if heading else self.stem

    @property
    def lecture(self) -> int:
        """The lecture's number; lesson 00 belongs to none and gives 0."""
        return int(self.facts.get("lecture", self.number[:2]))

    @property
    def minutes(self) -> str | None:
        """The minutes that the first cell promises ("45"), or None."""
        found = re.search(r"(\d+(?:\s*[-–]\s*\d+)?)\s*min", self.cells[0].source) if self.cells else None
        return found[1] if found else None

    @property
    def numbered(self) -> list[int]:
        """The numbers of the sections that have one, in order."""
        return [
            int(number) for cell in self.markdown for number in re.findall(r"^## (\d+)\s", cell.source, re.MULTILINE)
        ]

    def tagged(self, tag: str) -> list:
        return [cell for cell in self.code if tag in tags(cell)]

    @cached_property
    def _sections(self) -> dict[str, str]:
        section, found = "", {}
        for cell in self.cells:
            if cell.cell_type == "markdown":
                for marks, text in HEADING.findall(cell.source):
                    if len(marks) <= 2:
                        section = "" if len(marks) == 1 else text
            found[cell.id] = section
        return found

    def section(self, cell) -> str:
        """The heading of the section that a cell stands in; "" before the first."""
        return self._sections[cell.id]

    @cached_property
    def _names(self) -> dict[str, str]:
        counts, found = Counter(), {}
        for cell in self.code:
            section = self.section(cell)
            kind = next((kind for kind in KINDS if kind in tags(cell)), "cell")
            counts[section, kind] += 1
            place = f"§{section}" if section[:1].isdigit() else section or "beginning"
            found[cell.id] = f"{place}: {kind} {counts[section, kind]}"
        return found

    def name(self, cell) -> str:
        """A code cell by its place: "§3 The flip-flop: claim 2". Insertions elsewhere do not change it."""
        return self._names[cell.id]


def lessons(names: str | None = None, folder: Path = NOTEBOOKS) -> list[Lesson]:
    """The lessons in teaching order; with ``names`` ("03a", "03a 05", "all"), those alone.

    Raises
    ------
    SystemExit
        If there is no lesson of a given name; says which there are.
    """
    wanted = [name for name in (names or "").replace(",", " ").split() if name != "all"]
    try:
        chosen = {find(name, folder) for name in wanted}
    except LookupError as error:
        raise SystemExit(str(error)) from None
    return [Lesson(path) for path in sorted(chosen or Path(folder).glob("*.ipynb"))]


def pairs(cells) -> Iterator[tuple]:
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
