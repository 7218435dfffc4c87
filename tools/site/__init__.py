"""The course's web site, made from the stored lessons: ``course site``.

Copies of the lessons, prepared for Sphinx, go to a folder of their own; the pages to ``build/site``. Figures become
files, explorers become pictures with sliders (``player.js``), some with a panel below that computes with the lesson's
model (``tools.live``); words for the instructor stay out. The site needs no server and loads nothing from outside its
folder.
"""

import argparse
import ast
import html
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import NamedTuple

import nbformat

from tools import assets, deck, full, live, pages, ranges
from tools.compare import parts
from tools.folders import replaced
from tools.lesson import CLAIM, FRAMES, ROOT, folded, lessons, shown, slide_type, tags
from tools.motif import motif
from tools.run import NOTEBOOK_METADATA
from tools.site import ledger

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / "build" / "site"


def html_output(text):
    return nbformat.v4.new_output("display_data", data={"text/html": text})


class Published(NamedTuple):
    """One claim: its sentence, its line in HTML, and in how many of the recorded runs it held."""

    sentence: str
    line: str
    runs: str

    def entry(self):
        """Both lines, as the index and the ledger show them."""
        runs = html.escape(self.runs or "measured in the stored run alone")
        return f'<div class="claim-entry">{self.line}<p class="claim-runs">{runs}</p></div>'


class Claims(NamedTuple):
    """What the index of claims says of one cell: where it is, its claims, what else it prints and asserts."""

    anchor: str
    heading: str
    published: list[Published]
    printed: str
    asserts: str


class Page:
    """A lesson prepared for Sphinx, and what its figures and claims are."""

    def __init__(self, lesson, folder):
        self.lesson, self.folder = lesson, folder
        self.figures: list[tuple[str, str, str]] = []  # anchor, alternative text, file
        self.claims: list[Claims] = []
        self.published: dict[str, list[Published]] = {}  # by the cell's id
        self.ledger = ledger.of(lesson)
        self.measured = ranges.summary(lesson)
        self.heading = lesson.title
        self.panels = live.stored(lesson)
        kept = [self.prepared(cell) for cell in lesson.cells if slide_type(cell) != "notes"]
        self.notebook = nbformat.v4.new_notebook(cells=kept, metadata={"kernelspec": NOTEBOOK_METADATA["kernelspec"]})

    def prepared(self, cell):
        cell = nbformat.from_dict(cell)
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if re.match(r"#{2,3} ", line):
                    self.heading = line.lstrip("# ").strip()
            if self.ledger and cell.id == self.ledger.begins:
                cell.source = f"{self.place(ledger.anchor(self.lesson))}\n\n{cell.source}"
            return cell
        marks = list(tags(cell))
        if "solution" in marks:
            marks.append("hide-cell")
        elif folded(cell):
            marks.append("hide-input")
        outputs = []
        if "claim" in marks:
            anchor = f"claim-{self.lesson.number}-{len(self.claims) + 1}"
            self.published[cell.id] = published(cell, self.measured)
            words = "\n".join(printed(cell))
            self.claims.append(Claims(anchor, self.heading, self.published[cell.id], words, asserted(cell)))
            outputs.append(html_output(self.place(anchor)))
        if self.ledger and cell.id == self.ledger.begins:
            outputs.append(html_output(self.place(ledger.anchor(self.lesson))))
        outputs += [self.output(output) for output in cell.outputs]
        if cell.id in self.panels:
            outputs.append(html_output(live.panel_html(self.panels[cell.id], "../_static/live/")))
        cell.outputs = outputs
        cell.metadata = nbformat.from_dict({"tags": marks})
        return cell

    @staticmethod
    def place(anchor):
        """A place that a link of another page leads to."""
        return f'<span class="anchor" id="{anchor}"></span>'

    def output(self, output):
        if output.output_type not in ("display_data", "execute_result"):
            return output
        data = output.data
        if FRAMES in data:
            return html_output(pages.player(data[FRAMES], f"explorer-{self.lesson.number}"))
        if CLAIM in data:
            return html_output(pages.claim(data[CLAIM], "".join(data.get("text/plain", ""))))
        picture = next((one for one in shown([output]) if one.kind == "picture"), None)
        if picture:
            kind = "jpg" if picture.data.startswith(b"\xff\xd8") else "png"
            number = len(self.figures) + 1
            anchor, name = f"figure-{self.lesson.number}-{number}", f"{self.lesson.stem}-{number}.{kind}"
            (self.folder / "_static" / "figures" / name).write_bytes(picture.data)
            self.figures.append((anchor, html.unescape(picture.text), name))
            image = pages.figure(data, output.metadata, source=f"../_static/figures/{name}")
            return html_output(f'<figure class="lesson-figure" id="{anchor}">{image}</figure>')
        if "text/html" in data:
            return html_output(f'<div class="lesson-table">{"".join(data["text/html"])}</div>')
        return output

    def write(self):
        text = nbformat.writes(self.notebook)
        (self.folder / "lessons" / f"{self.lesson.stem}.ipynb").write_text(text, encoding="utf-8")


def published(cell, measured):
    """The claims that a cell publishes; ``measured``: how each fared in the recorded runs (``ranges.summary``)."""
    found = []
    for key, one in parts(cell.outputs).items():
        if one.kind == "claim":
            sentence = str(one.data["sentence"])
            runs = measured.get((cell.id, key, sentence), "")
            found.append(Published(sentence, pages.claim(one.data, one.text), runs))
    return found


def printed(cell):
    """What else a code cell says in words and tables, line by line."""
    return [one.text.rstrip() for one in shown(cell.outputs) if one.kind == "text" and one.text.strip()]


def asserted(cell):
    """The statements of a claim's cell that stop the lesson: its asserts, and its comparisons of the frameworks."""
    lines = cell.source.splitlines()
    return "\n".join(
        textwrap.dedent("\n".join(lines[node.lineno - 1 : node.end_lineno]))
        for node in sorted(
            (node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Assert | ast.Expr)),
            key=lambda node: node.lineno,
        )
        if isinstance(node, ast.Assert) or re.match(r"\w+\.compare\(", lines[node.lineno - 1].strip())
    )


def lecture_title(lesson):
    """ "Lecture 3: gates", from the facts of one of its lessons; lesson 00 belongs to no lecture."""
    title = lesson.facts.get("lecture_title", "")
    if not lesson.lecture:
        return title or "Start here"
    return f"Lecture {lesson.lecture}{': ' if title else ''}{title[:1].lower() if title[1:2].islower() else title[:1]}{title[1:]}"


FRONT = "04a-draw"  # the panel of the first screen


def card(page, decks):
    """A lesson in the gallery: a picture, its title, its promise, and where its slides are."""
    lesson = page.lesson
    first = re.search(r"^\*\*(.+?)\*\*", lesson.cells[0].source, re.MULTILINE | re.DOTALL)
    promise = html.escape(" ".join(first[1].split())) if first else ""
    picture = (
        f'<img loading="lazy" alt="" src="_static/figures/{page.figures[0][2]}">'
        if page.figures
        else motif(lesson.lecture)
    )
    slides = (
        f'<a class="card-slides" href="decks/{lesson.stem}.html">slides</a>'
        if (decks / f"{lesson.stem}.html").exists()
        else ""
    )
    minutes = f"<small>{lesson.minutes} min</small>" if lesson.minutes else ""
    return (
        f'<div class="card"><a class="card-lesson" href="lessons/{lesson.stem}.html">{picture}'
        f"<strong>{html.escape(lesson.title)}</strong><span>{promise}</span></a>{minutes} {slides}</div>"
    )


def written_index(pages_made, decks):
    """index.md: what the course is, a panel to try, and its lessons in order; ``decks`` is the folder of the decks."""
    front = next((panel for page in pages_made for panel in page.panels.values() if panel["stem"] == FRONT), None)
    lines = [
        "# From recurrent networks to variational autoencoders",
        "",
        "An interactive course for graduate students of physics, chemistry and mathematics. **Every model stands in "
        "PyTorch and in Keras, from the same weights, on the same batches**, and every quantitative sentence is measured "
        "by a cell that could fail. Read it here, run it in JupyterLab, or show it as slides.",
        "",
    ]
    if front:
        trained_in = next(page.lesson for page in pages_made if page.lesson.number == front["lesson"])
        lines += [
            live.panel_html(front, "_static/live/"), "",
            f"This autoencoder was trained in [{trained_in.title}](lessons/{trained_in.stem}.ipynb); it computes in your browser.",
            "",
        ]  # fmt: skip
    else:
        lines += [f'<div class="site-motif">{motif(1)}{motif(7)}</div>', ""]
    for lecture in sorted({page.lesson.lecture for page in pages_made}):
        members = [page for page in pages_made if page.lesson.lecture == lecture]
        title = lecture_title(members[0].lesson)
        lines += [f"## {title}", "", f'<div class="gallery">{"".join(card(page, decks) for page in members)}</div>', ""]
        lines += ["```{toctree}", ":hidden:", f":caption: {title}", ""]
        lines += [f"lessons/{page.lesson.stem}" for page in members]
        lines += ["```", ""]
    lines += [
        "## How to use these pages", "",
        "They are the lessons as they were last run. The sliders of an explorer move pictures that were computed then, and "
        "a panel with a blue frame computes with the lesson's model while you watch; in JupyterLab all explorers do. In "
        "code, choose PyTorch or Keras once and all pairs of the page follow; on a wide screen they stand side by side. "
        "To run a lesson yourself, clone the course, say `make setup` and `make lab`; its README says more.", "",
        "## Look something up", "", "- [The notation](notation.md)", "- [All figures](figures.md)",
        "- [All claims, with what was measured](claims.md)",
        "- [The ledger: the network against the best method without one](ledger.md)",
        "- [The full profile, and the figures of the papers](full.md)", "",
        "```{toctree}", ":hidden:", ":caption: Look something up", "",
        "notation", "figures", "claims", "ledger", "full", "```", "",
    ]  # fmt: skip
    return "\n".join(lines)


def written_notation(pages_made):
    """notation.md: the tables of lesson 00."""
    tables = [cell.source for page in pages_made for cell in page.lesson.cells
              if cell.cell_type == "markdown" and page.lesson.number == "00" and "| symbol |" in cell.source]  # fmt: skip
    if not tables:
        raise SystemExit("Lesson 00 has no table of the notation (a text cell with a column called symbol).")
    return "# The notation\n\n" + "\n\n".join(
        re.sub(r"^#+ .*$", "", text, count=1, flags=re.MULTILINE).strip() for text in tables
    )


def written_figures(pages_made):
    lines = ["# All figures", "", "Each leads to its place in the lesson.", ""]
    for page in pages_made:
        if not page.figures:
            continue
        lines += [f"## {page.lesson.title}", "", '<div class="thumbnails">']
        for anchor, alt, name in page.figures:
            text = html.escape(alt, quote=True)
            lines.append(
                f'<a href="lessons/{page.lesson.stem}.html#{anchor}"><img loading="lazy" alt="" '
                f'src="_static/figures/{name}"><span>{text}</span></a>'
            )
        lines += ["</div>", ""]
    return "\n".join(lines)


def written_claims(pages_made):
    """claims.md: every claim with its value, uncertainty and bound, the runs in which it held, its smallest margin."""
    lines = [
        "# All claims, with what was measured",
        "",
        "A claim is a sentence with a cell that measures it and stops the lesson if it is not so. The numbers are those "
        "of the stored run: value ± uncertainty, the bound, and the margin between them. The line below says in how many runs "
        "of the lesson the sentence held, and the smallest margin of all of them; other runs have other seeds, or use other "
        "instructions of the processor.",
        "",
        '<div class="claim-filter" hidden><label>Show the claims that say <input type="search"></label> '
        '<output aria-live="polite"></output></div>',
        "",
    ]
    for page in pages_made:
        if not page.claims:
            continue
        lines += [f"## {page.lesson.title}", ""]
        runs = ranges.runs_in_words(page.lesson)
        if runs:
            lines += [f'<p class="claims-measured">{runs}.</p>', ""]
        for claim in page.claims:
            lines += ['<div class="claim-group">', ""]
            lines += [f'<a href="lessons/{page.lesson.stem}.html#{claim.anchor}">{claim.heading}</a>', ""]
            for one in claim.published:
                lines += [one.entry(), ""]
            if claim.printed and not claim.published:
                lines += ["```{code-block} text", claim.printed, "```", ""]
            if claim.asserts:
                lines += ["<details><summary>What the cell asserts</summary>", ""]
                lines += ["```{code-block} python", claim.asserts, "```", "", "</details>", ""]
            lines += ["</div>", ""]
    return "\n".join(lines)


def prepare(course, source, decks):
    """Write the Sphinx project for the lessons into ``source``, a folder; return the pages."""
    static = source / "_static"
    for folder in (source / "lessons", static / "figures", static / "fonts"):
        folder.mkdir(parents=True)
    made = [Page(lesson, source) for lesson in course]
    for page in made:
        page.write()
    for name in ("conf.py", "favicon.svg"):
        shutil.copy(HERE / name, source / name)
    shutil.copytree(HERE / "templates", source / "templates")
    for name in ("site.css", "site.js"):
        shutil.copy(HERE / name, static / name)
    for name in ("formulas.js", "player.js"):
        shutil.copy(assets.TOOLS / name, static / name)
    shutil.copy(assets.install() / "mathjax" / "es5" / "tex-svg-full.js", static / "tex-svg-full.js")
    live.copy(static / "live", assets.install(), course)
    sheets = [f'@import url("fonts/{sheet}");\n' for sheet in assets.copy_fonts(static / "fonts")]
    (static / "fonts.css").write_text("".join(sheets), encoding="utf-8")
    for name, text in {
        "index.md": written_index(made, decks),
        "notation.md": written_notation(made),
        "figures.md": written_figures(made),
        "claims.md": written_claims(made),
        "ledger.md": ledger.written(made),
        "full.md": (ROOT / full.PAGE).read_text(encoding="utf-8"),
    }.items():
        (source / name).write_text(text.rstrip() + "\n", encoding="utf-8", newline="\n")
    return made


def make(names="", folder=FOLDER, decks=deck.FOLDER):
    """Make the site of the lessons named (all without a name), whole or not at all; return the pages.

    Raises
    ------
    SystemExit
        If Sphinx finds something wrong; it has said what, and the old site stays.
    """
    with replaced(folder) as new, tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        source.mkdir()
        made = prepare(lessons(names), source, decks)
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
        command += ["-d", str(Path(temporary) / "doctrees"), str(source), str(Path(temporary) / "html")]
        if subprocess.run(command).returncode:
            raise SystemExit("The site was not made; Sphinx says above why.")
        shutil.copytree(Path(temporary) / "html", new, dirs_exist_ok=True)
        if decks.exists():
            shutil.copytree(decks, new / "decks")
    return made


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="course site", description="Make the web site, with the decks.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write")
    options = parser.parse_args(arguments)
    deck.make_all()
    made = make(folder=options.folder.absolute())
    figures, claims = sum(len(page.figures) for page in made), sum(len(page.claims) for page in made)
    print(f"{len(made)} lessons, {figures} figures, {claims} claims: open {options.folder / 'index.html'}")
    return 0
