"""A deck of each lesson: ``course slides``, ``course slides 03a``, ``course present 03a``, ``course pdf``.

A deck is the stored lesson, cell by cell, in ``build/slides/<lesson>.html``. It loads nothing from outside its folder.
The slide types of the cells say where slides begin; ``deck.js`` measures in the browser what does not fit on one slide
and goes on with it on the next.
"""

import argparse
import html
import re
import shutil
import webbrowser
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from pygments.formatters import HtmlFormatter

from tools import assets, pages
from tools.folders import replaced
from tools.kernel import write_atomically
from tools.lesson import ROOT, folded, lessons, pairs, shown, slide_type, tags
from tools.motif import motif

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / "build" / "slides"
BADGES = {"claim": "measured", "trap": "trap", "parity": "parity", "exercise": "your turn", "explorer": "explorer"}


def badge(cell):
    """The word in the margin of a cell of a special kind, or None."""
    return next((tag for tag in BADGES if tag in tags(cell)), None)


def part(kind, content, **data):
    attributes = "".join(f' data-{key}="{html.escape(str(value), quote=True)}"' for key, value in data.items() if value)
    return f'<div class="part {kind}"{attributes}>{content}</div>'


def markdown_parts(cell):
    """A text cell as parts: one for each paragraph, list, table or heading, so that a slide can break between them."""
    from bs4 import BeautifulSoup

    source = re.sub(r"\]\((?:\./)?(\d\d[a-z]?_\w+)\.ipynb\)", r"](\1.html)", cell.source)
    soup = BeautifulSoup(pages.markdown(source), "html.parser")
    for child in soup.children:
        if not str(child).strip():
            continue
        name = child.name or "p"
        for inline in child.find_all("code") if child.name and child.name != "pre" else ():
            if len(inline.get_text()) <= 30:
                inline["class"] = "short"
        yield part("text" if name not in ("h1", "h2", "h3") else f"heading {name}", str(child).strip())


def only_draws(cell):
    """Whether a code cell does nothing but draw a figure or show an explorer: on a slide that is enough."""
    if "explorer" in tags(cell):
        return True
    draws = any(one.kind == "picture" for one in shown(cell.outputs))
    return draws and badge(cell) is None and not re.search(r"^(def|class) ", cell.source, re.MULTILINE)


def prepares(cell, after):
    """Whether a cell only gets things ready for the explorer that follows; a slide shows the explorer."""
    if after is None or "explorer" not in tags(after) or cell.cell_type != "code":
        return False
    return badge(cell) is None and not cell.outputs


def source_html(cell):
    # Two empty lines between functions are Python's custom; a slide has no room for them.
    return f'<div class="source">{pages.code(re.sub(chr(10) + "{3,}", chr(10) * 2, cell.source))}</div>'


def code_parts(group, identity):
    """A code cell, or the two halves of a pair, as parts: the code, then the outputs."""
    mark = badge(group[0])
    if len(group) == 2:
        halves = "".join(
            f'<div class="half {name}">{source_html(cell)}</div>' for name, cell in zip(("pytorch", "keras"), group)
        )
        yield part("pair code", halves)
        if any(cell.outputs for cell in group):
            halves = ""
            for name, cell in zip(("pytorch", "keras"), group):
                outputs = [pages.output_html(output, f"{identity}-{name}-{i}") for i, output in enumerate(cell.outputs)]
                halves += f'<div class="half {name}">{"".join(f"<div class=output>{text}</div>" for _, text in outputs)}</div>'
            yield part("pair outputs", halves)
        return
    cell = group[0]
    hidden = folded(cell) or only_draws(cell)
    if cell.source.strip() and not hidden:
        yield part("code", source_html(cell), badge=mark, word=BADGES.get(mark))
    for i, output in enumerate(cell.outputs):
        kind, text = pages.output_html(output, f"{identity}-{i}")
        word = BADGES.get(mark) if hidden else None
        yield part(f"output {kind}", text, badge=mark, word=word)


def blocks(lesson):
    """The lesson as a flat list of ``<div class="block">``, one for each cell or pair, in order."""
    found = []
    groups = list(pairs(lesson.cells))
    for number, group in enumerate(groups):
        cell, after = group[0], groups[number + 1][0] if number + 1 < len(groups) else None
        kind = slide_type(cell)
        if kind == "skip":
            continue
        if kind == "notes":
            found.append(f'<aside class="notes">{pages.markdown(cell.source)}</aside>')
            continue
        if len(group) == 1 and prepares(cell, after):
            continue
        parts = markdown_parts(cell) if cell.cell_type == "markdown" else code_parts(group, f"cell-{number}")
        content = "\n".join(parts)
        if content:
            found.append(f'<div class="block" data-begins="{kind}" data-cell="{cell.id}">{content}</div>')
    return found


def make(lesson, folder, sheets):
    """Write the deck of one lesson; return its path."""
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=False, trim_blocks=True)
    light, dark = HtmlFormatter(style="default"), HtmlFormatter(style="github-dark")
    highlighting = light.get_style_defs(".highlight") + dark.get_style_defs(':root[data-theme="dark"] .highlight')
    path = folder / f"{lesson.stem}.html"
    text = environment.get_template("deck.html").render(
        title=html.escape(lesson.title), stem=lesson.stem, sheets=sheets, blocks=blocks(lesson),
        highlighting=highlighting, motif=motif(lesson.lecture), lecture=lesson.lecture,
    )  # fmt: skip
    write_atomically(path, text)
    return path


def contents(course, folder, sheets):
    """Write the page that lists the decks; return its path."""
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True)
    path = folder / "index.html"
    rows = [(lesson.stem, lesson.title) for lesson in course if (folder / f"{lesson.stem}.html").exists()]
    write_atomically(path, environment.get_template("index.html").render(rows=rows, sheets=sheets))
    return path


def make_all(names="", folder=FOLDER, printed=False):
    """Make the decks of the lessons named (all without a name), whole or not at all; return their paths.

    Parameters
    ----------
    names : str
        "03a", "03a 05"; the other decks of the folder stay.
    folder : Path
    printed : bool
        Print each deck to a PDF beside it.
    """
    chosen = lessons(names)
    with replaced(folder, keep=bool(names)) as new:
        # Links to the old files would be written through.
        shutil.rmtree(new / "assets", ignore_errors=True)
        sheets = assets.copy_deck(new / "assets")
        paths = [make(lesson, new, sheets) for lesson in chosen]
        contents(lessons(), new, sheets)
        if printed:
            from tools.browser import print_decks

            print_decks(paths)
    return [folder / path.name for path in paths]


def main(arguments=None, *, prog="course slides", printed=False, opened=False):
    parser = argparse.ArgumentParser(prog=prog, description=__doc__.partition(":")[0])
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="03a, or nothing for all")
    parser.add_argument("--open", action="store_true", default=opened, help="open the deck in the browser")
    parser.add_argument("--pdf", action="store_true", default=printed, help="print to PDF as well")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write")
    options = parser.parse_args(arguments)
    paths = make_all(" ".join(options.lessons), options.folder.absolute(), options.pdf)
    for path in paths:
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    print(f"{len(paths)} decks in {options.folder}")
    if options.open:
        webbrowser.open((paths[0] if len(paths) == 1 else options.folder.absolute() / "index.html").as_uri())
    return 0


def present(arguments=None):
    """Make a deck and open it; of all lessons, the list."""
    return main(arguments, prog="course present", opened=True)


def pdf(arguments=None):
    """Make decks and print them."""
    return main(arguments, prog="course pdf", printed=True)
