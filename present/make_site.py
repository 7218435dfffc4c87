"""Make the course's web site from the stored lessons: ``make site``.

Copies of the lessons, prepared for Sphinx, go to ``build/site-source``; the pages to ``build/site``. Figures become
files, explorers become pictures with sliders (``player.js``), words for the instructor stay out. The site needs no
server and loads nothing from outside its folder.
"""

import ast
import base64
import html
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from present import assets, cells
from present.motif import motif
from present.notebook import FRAMES, folded, slide_type, tags
from present.run_lesson import NOTEBOOK_METADATA

PRESENT = Path(__file__).resolve().parent
ROOT = PRESENT.parent
SOURCE, SITE, DECKS = (ROOT / "build" / name for name in ("site-source", "site", "slides"))
LECTURES = {
    0: "Start here",
    1: "Lecture 1: recurrent networks",
    2: "Lecture 2: backpropagation through time",
    3: "Lecture 3: gates",
    4: "Lecture 4: autoencoders",
    5: "Lecture 5: the link to PCA",
    6: "Lecture 6: variants",
    7: "Lecture 7: variational autoencoders",
}


def html_output(text):
    return nbformat.v4.new_output("display_data", data={"text/html": text})


class Page:
    """A lesson prepared for Sphinx, and what its figures and claims are."""

    def __init__(self, lesson, folder):
        self.lesson, self.folder = lesson, folder
        self.figures, self.claims = [], []  # (anchor, alt, file) and (anchor, heading, printed text, asserts)
        self.heading = lesson.title
        kept = [self.prepared(cell) for cell in lesson.cells if slide_type(cell) != "notes"]
        self.notebook = nbformat.v4.new_notebook(cells=kept, metadata={"kernelspec": NOTEBOOK_METADATA["kernelspec"]})

    def prepared(self, cell):
        cell = nbformat.from_dict(cell)
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if re.match(r"#{2,3} ", line):
                    self.heading = line.lstrip("# ").strip()
            return cell
        marks = list(tags(cell))
        if "solution" in marks:
            marks.append("hide-cell")
        elif folded(cell):
            marks.append("hide-input")
        outputs = []
        if "claim" in marks:
            anchor = f"claim-{self.lesson.number}-{len(self.claims) + 1}"
            self.claims.append((anchor, self.heading, "\n".join(printed(cell)), asserted(cell)))
            outputs.append(html_output(f'<span class="anchor" id="{anchor}"></span>'))
        outputs += [self.output(output) for output in cell.outputs]
        cell.outputs = outputs
        cell.metadata = nbformat.from_dict({"tags": marks})
        return cell

    def output(self, output):
        if output.output_type not in ("display_data", "execute_result"):
            return output
        data = output.data
        if FRAMES in data:
            return html_output(cells.player(data[FRAMES], f"explorer-{self.lesson.number}"))
        if "image/png" in data:
            number = len(self.figures) + 1
            anchor, name = f"figure-{self.lesson.number}-{number}", f"{self.lesson.stem}-{number}.png"
            (self.folder / "_static" / "figures" / name).write_bytes(base64.b64decode("".join(data["image/png"])))
            alt = output.metadata.get("image/png", {}).get("alt", "")
            self.figures.append((anchor, alt, name))
            picture = cells.figure(output, source=f"../_static/figures/{name}")
            return html_output(f'<figure class="lesson-figure" id="{anchor}">{picture}</figure>')
        if "text/html" in data:
            return html_output(f'<div class="lesson-table">{"".join(data["text/html"])}</div>')
        return output

    def write(self):
        text = nbformat.writes(self.notebook)
        (self.folder / "lessons" / f"{self.lesson.stem}.ipynb").write_text(text, encoding="utf-8")


def printed(cell):
    """What a code cell says in words and tables, line by line."""
    for output in cell.outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        if text and not text.startswith("Figure: "):
            yield text.rstrip()


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


def written_index(pages):
    """index.md: what the course is, and its lessons in order."""
    lines = [
        "# From recurrent networks to variational autoencoders",
        "",
        f'<div class="site-motif">{motif(1)}{motif(7)}</div>',
        "",
        "An interactive course: recurrent networks, backpropagation through time, LSTM, autoencoders, the link to PCA, "
        "variants, variational autoencoders. **Every model stands in PyTorch and in Keras, from the same weights, on the "
        "same batches**, and every quantitative sentence is measured by a cell that could fail.",
        "",
        "These pages are the lessons as they were last run. The sliders move pictures that were computed then; in "
        "JupyterLab the same explorers recompute with the lesson's model. In code, choose PyTorch or Keras once and all "
        "pairs of the page follow; on a wide screen they stand side by side.",
        "",
    ]
    for lecture, title in LECTURES.items():
        members = [page for page in pages if page.lesson.lecture == lecture]
        if not members:
            continue
        lines += [f"## {title}", ""]
        for page in members:
            first = re.search(r"^\*\*(.+?)\*\*", page.lesson.cells[0].source, re.MULTILINE | re.DOTALL)
            promise = " ".join(first[1].split()) if first else ""
            deck = (
                f' (<a href="decks/{page.lesson.stem}.html">slides</a>)'
                if (DECKS / f"{page.lesson.stem}.html").exists()
                else ""
            )
            lines.append(f"- [{page.lesson.title}](lessons/{page.lesson.stem}.ipynb){deck}: {promise}")
        lines.append("")
        lines += ["```{toctree}", ":hidden:", f":caption: {title}", ""]
        lines += [f"lessons/{page.lesson.stem}" for page in members]
        lines += ["```", ""]
    lines += [
        "## Look something up", "", "- [The notation](notation.md)", "- [All figures](figures.md)",
        "- [All claims, with what was measured](claims.md)", "",
        "```{toctree}", ":hidden:", ":caption: Look something up", "", "notation", "figures", "claims", "```", "",
    ]  # fmt: skip
    return "\n".join(lines)


def written_notation(pages):
    """notation.md: the tables of lesson 00."""
    tables = [cell.source for page in pages for cell in page.lesson.cells
              if cell.cell_type == "markdown" and page.lesson.number == "00" and "| symbol |" in cell.source]  # fmt: skip
    if not tables:
        raise SystemExit("Lesson 00 has no table of the notation (a text cell with a column called symbol).")
    return "# The notation\n\n" + "\n\n".join(
        re.sub(r"^#+ .*$", "", text, count=1, flags=re.MULTILINE).strip() for text in tables
    )


def written_figures(pages):
    lines = ["# All figures", "", "Each leads to its place in the lesson.", ""]
    for page in pages:
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


def written_claims(pages):
    lines = [
        "# All claims, with what was measured",
        "",
        "A claim is a sentence with a cell that measures it and stops the lesson if it is not so. The numbers are those of "
        "the stored run; the test suite runs every lesson again and compares.",
        "",
    ]
    for page in pages:
        if not page.claims:
            continue
        lines += [f"## {page.lesson.title}", ""]
        for anchor, heading, text, asserts in page.claims:
            lines += [f'<a href="lessons/{page.lesson.stem}.html#{anchor}">{heading}</a>', ""]
            if text:
                lines += ["```{code-block} text", text, "```", ""]
            lines += [
                "<details><summary>What the cell asserts</summary>",
                "",
                "```{code-block} python",
                asserts,
                "```",
                "",
            ]
            lines += ["</details>", ""]
    return "\n".join(lines)


def prepare(lessons, source):
    """Write the Sphinx project for the lessons into ``source``; return the pages."""
    if source.exists():
        shutil.rmtree(source)
    static = source / "_static"
    for folder in (source / "lessons", static / "figures", static / "fonts"):
        folder.mkdir(parents=True)
    pages = [Page(lesson, source) for lesson in lessons]
    for page in pages:
        page.write()
    shutil.copy(PRESENT / "site" / "conf.py", source / "conf.py")
    for name in ("site.css", "site.js"):
        shutil.copy(PRESENT / "site" / name, static / name)
    for name in ("formulas.js", "player.js"):
        shutil.copy(PRESENT / name, static / name)
    shutil.copy(assets.install() / "mathjax" / "es5" / "tex-svg-full.js", static / "tex-svg-full.js")
    for sheet in assets.copy_fonts(static / "fonts"):
        with (static / "fonts.css").open("a", encoding="utf-8") as file:
            file.write(f'@import url("fonts/{sheet}");\n')
    for name, text in {
        "index.md": written_index(pages),
        "notation.md": written_notation(pages),
        "figures.md": written_figures(pages),
        "claims.md": written_claims(pages),
    }.items():
        (source / name).write_text(text.rstrip() + "\n", encoding="utf-8", newline="\n")
    return pages


def main():
    lessons = cells.lessons()
    pages = prepare(lessons, SOURCE)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(ROOT / "build" / "site-doctrees"),
         str(SOURCE), str(SITE)],
    )  # fmt: skip
    if done.returncode:
        return done.returncode
    if DECKS.exists():
        shutil.copytree(DECKS, SITE / "decks", dirs_exist_ok=True)
    figures, claims = sum(len(page.figures) for page in pages), sum(len(page.claims) for page in pages)
    print(f"{len(pages)} lessons, {figures} figures, {claims} claims: open {(SITE / 'index.html').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
