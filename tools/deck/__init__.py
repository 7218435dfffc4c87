"""A deck of each lesson: ``course slides``, ``course slides 03a``, ``course present 03a``, ``course pdf``.

A deck is the stored lesson, cell by cell, in ``build/slides/<lesson>.html``. It loads nothing from outside its folder.
The slide types of the cells say where sections begin. ``layout.js`` lays the sections out in a headless browser when the
deck is made, and the slides are stored: what was tested is what is shown. The code of a measurement is not on the wall;
key C shows it.
"""

import argparse
import html
import json
import os
import re
import shutil
import webbrowser
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from pygments.formatters import HtmlFormatter

from tools import assets, live, pages
from tools.browser import browser, print_pdf
from tools.folders import replaced
from tools.kernel import write_atomically
from tools.lesson import ROOT, folded, lessons, pairs, shown, slide_type, tags
from tools.motif import motif

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / "build" / "slides"
LINES = 16  # of a cell's code that stand on a slide
CLAIMS = 5  # of one cell that stand on a slide; of a cell with more the first four, and how many follow
BADGES = {"claim": "measured", "trap": "trap", "parity": "parity", "exercise": "your turn", "explorer": "explorer"}


def badge(cell):
    """The word in the margin of a cell of a special kind, or None."""
    return next((tag for tag in BADGES if tag in tags(cell)), None)


def part(kind, content, **data):
    attributes = "".join(f' data-{key}="{html.escape(str(value), quote=True)}"' for key, value in data.items() if value)
    return f'<div class="part {kind}"{attributes}>{content}</div>'


def markdown_parts(text):
    """The text of a cell as parts: one for each paragraph, list, table or heading, so that a slide can break between them."""
    from bs4 import BeautifulSoup

    source = re.sub(r"\]\((?:\./)?(\d\d[a-z]?_\w+)\.ipynb\)", r"](\1.html)", text)
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


def on_the_wall(cell):
    """Whether the audience reads the code of this single cell: an exercise, or a few lines that measure nothing."""
    if badge(cell) == "exercise":
        return True
    return badge(cell) in (None, "trap") and "claim" not in tags(cell) and len(cell.source.splitlines()) <= LINES


def source_html(cell):
    # Two empty lines between functions are Python's custom; a slide has no room for them.
    return f'<div class="source">{pages.code(re.sub(chr(10) + "{3,}", chr(10) * 2, cell.source))}</div>'


def without_reading(source):
    """A lesson's last text without its section "Read", and that section: who listens does not copy a list of papers."""
    found = re.search(r"^### Read\n.*?(?=^### |\Z)", source, re.MULTILINE | re.DOTALL)
    return (source.replace(found[0], ""), found[0]) if found else (source, "")


def code_parts(group, identity, panels, after_explorer=False):
    """A code cell, or the two halves of a pair, as parts: the code, then the outputs, and the panel that computes.

    Claims ``after_explorer`` measure what it draws: the room sees it, and key C shows them.
    """
    mark = badge(group[0])
    if len(group) == 2:
        halves = "".join(
            f'<div class="half {name}">{source_html(cell)}</div>' for name, cell in zip(("pytorch", "keras"), group)
        )
        yield part("pair code", halves)
        if any(cell.outputs for cell in group):
            halves = ""
            for name, cell in zip(("pytorch", "keras"), group):
                outputs = [
                    pages.output_html(output, f"{identity}-{name}-{i}", margin=False)
                    for i, output in enumerate(cell.outputs)
                ]
                halves += f'<div class="half {name}">{"".join(f"<div class=output>{text}</div>" for _, text in outputs)}</div>'
            yield part("pair outputs", halves)
        return
    cell = group[0]
    hidden = folded(cell) or only_draws(cell) or not on_the_wall(cell)
    if cell.source.strip() and not hidden:
        yield part("code", source_html(cell), badge=mark, word=BADGES.get(mark))
    elif not folded(cell):
        yield part("code kept", source_html(cell))
    outputs = [pages.output_html(output, f"{identity}-{i}", margin=False) for i, output in enumerate(cell.outputs)]
    claims = [i for i, (kind, _) in enumerate(outputs) if kind == "claim"]
    shown_first = 0 if after_explorer else CLAIMS - 1 if len(claims) > CLAIMS else len(claims)
    behind = claims[shown_first:]
    for i, (kind, text) in enumerate(outputs):
        word = BADGES.get(mark) if hidden and i == 0 else None  # once for all that a cell measures
        if i in behind:
            yield part("output kept claim", text)
        else:
            yield part(f"output {kind}", text, badge=mark, word=word)
        if i in behind[-1:]:
            held = all(output["data"][pages.CLAIM]["holds"] for output in (cell.outputs[k] for k in behind))
            if shown_first:
                more = f"and {len(behind)} more that were measured{', and hold' if held else ': not all hold'} (key C)"
            else:
                all_of_them = "1 claim about it holds" if len(behind) == 1 else f"{len(behind)} claims about it hold"
                more = f"{all_of_them if held else 'not all claims about it hold'} (key C)"
            yield part("output claim more", f'<p class="claim">{more}</p>', badge=mark)
    if cell.id in panels:
        yield part("output live", live.panel_html(panels[cell.id], "assets/live/"))


def blocks(lesson):
    """The lesson as a flat list of ``<div class="block">``, one for each cell or pair, in order."""
    found, panels = [], live.stored(lesson)
    before = None
    for number, group in enumerate(pairs(lesson.cells)):
        cell = group[0]
        after_explorer, before = before is not None and "explorer" in tags(before), cell
        kind = slide_type(cell)
        if kind == "skip" or "check" in tags(cell):
            continue  # a check answers the student who hands in
        if kind == "notes":
            found.append(f'<aside class="notes">{pages.markdown(cell.source)}</aside>')
            continue
        reading = ""
        if cell.cell_type == "markdown":
            text, reading = without_reading(cell.source)
            parts = markdown_parts(text)
        else:
            parts = code_parts(group, f"cell-{number}", panels, after_explorer)
        content = "\n".join(parts)
        if content:
            found.append(f'<div class="block" data-begins="{kind}" data-cell="{cell.id}">{content}</div>')
        if reading:
            found.append(f'<aside class="notes">{pages.markdown(reading)}</aside>')
    return found


def make(lesson, folder, sheets):
    """Write a lesson as the page that ``lay_out`` makes a deck of; return its path."""
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=False, trim_blocks=True)
    light, dark = HtmlFormatter(style="default"), HtmlFormatter(style="github-dark")
    highlighting = light.get_style_defs(".highlight") + dark.get_style_defs(':root[data-theme="dark"] .highlight')
    path = folder / f"{lesson.stem}.html"
    text = environment.get_template("deck.html").render(
        title=html.escape(lesson.title), stem=lesson.stem, sheets=sheets, blocks=blocks(lesson),
        highlighting=highlighting, motif=motif(lesson.lecture), lecture=lesson.lecture,
        minutes=lesson.minutes, plan=json.dumps(lesson.facts.get("plan", [])),
    )  # fmt: skip
    write_atomically(path, text)
    return path


def lay_out(chromium, paths):
    """Put the lessons at ``paths`` on slides, in place and side by side; return how many slides each has.

    Parameters
    ----------
    chromium : playwright.sync_api.Browser
    paths : list of Path
        As ``make`` writes them; beside them the folders ``assets`` and ``layout``.

    Raises
    ------
    SystemExit
        If a lesson cannot be laid out; says which and why.
    """
    pages_open, errors, slides = [], [], []
    try:
        for path in paths:
            page = chromium.new_page(viewport={"width": 1280, "height": 720})
            page.on("pageerror", lambda error: errors.append(str(error)))
            pages_open.append(page)
            page.goto(path.as_uri(), wait_until="commit")
        for page, path in zip(pages_open, paths):
            try:
                page.wait_for_function("window.laidOut", timeout=300_000)
            except Exception as error:
                raise SystemExit(f"{path.stem}: no deck. {'; '.join(errors) or error}") from None
            slides.append(page.evaluate("window.laidOut.slides"))
            write_atomically(path, page.content().replace('type="text/plain" data-show=""', ""))
    finally:
        for page in pages_open:
            page.close()
    return slides


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
        live.copy(new / "assets" / "live", assets.install(), lessons())
        assets.copy_layout(new / "layout")
        paths = [make(lesson, new, sheets) for lesson in chosen]
        at_once = os.cpu_count() or 1
        with browser() as chromium:
            for some in (paths[i : i + at_once] for i in range(0, len(paths), at_once)):
                for path, slides in zip(some, lay_out(chromium, some)):
                    print(f"{path.name}: {slides} slides, {path.stat().st_size / 1e6:.1f} MB", flush=True)
            for path in paths if printed else ():
                print_pdf(chromium, path)
        shutil.rmtree(new / "layout")
        contents(lessons(), new, sheets)
    return [folder / f"{lesson.stem}.html" for lesson in chosen]


def main(arguments=None, *, prog="course slides", printed=False, opened=False):
    parser = argparse.ArgumentParser(prog=prog, description=__doc__.partition(":")[0])
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="03a, or nothing for all")
    parser.add_argument("--open", action="store_true", default=opened, help="open the deck in the browser")
    parser.add_argument("--pdf", action="store_true", default=printed, help="print to PDF as well")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write")
    options = parser.parse_args(arguments)
    paths = make_all(" ".join(options.lessons), options.folder.absolute(), options.pdf)
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
