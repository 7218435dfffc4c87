"""The ledger of the course, one page: the network against the best method without one, as the lessons store it.

A row of the ledger is a line of a table whose header is ``task``, ``best without a network``, ``network``, what was
measured, if anything, and ``who wins``. A code cell prints it (``plotting.table``), or a text cell holds it. The claims
that carry it are those of the section whose heading says "ledger". A lesson that has such a section and no such table
is shown with what the section prints. Nothing else is a row: a lesson that has none is left out.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from bs4 import BeautifulSoup

from tools import pages
from tools.lesson import CLAIM, HEADING, Lesson, shown, slide_type, tags

FIRST, LAST = ("task", "best without a network", "network"), "who wins"
COLUMNS = ("Task", "Best without a network", "Network", "Measured", "In standard errors", "Who wins")
ERRORS = "standard errors"
DIFFERENCE = re.compile(r"([-−]?\d+(?:\.\d+)?) ± (\d+(?:\.\d+)?)(?!\d)")


class Row(NamedTuple):
    """A line of the ledger; the texts are what goes into the page: HTML, or Markdown between empty lines."""

    task: str
    rival: str
    network: str
    measured: list[tuple[str, str]]  # the lesson's own columns: header, entry
    errors: str  # by how many standard errors; "" if the lesson does not print it
    winner: str


class Ledger(NamedTuple):
    """What one lesson adds: its rows, the cells that claim them, and the id of the cell where they stand."""

    rows: list[Row]
    cells: list
    begins: str


def of(lesson: Lesson) -> Ledger | None:
    """The ledger of a lesson, or None if it has none."""
    cells = [cell for cell in lesson.cells if slide_type(cell) != "notes"]
    section = _section(cells)
    tables = [(cell, header, rows, text) for cell in cells for header, rows, text in _tables(cell)]
    if not section and not tables:
        return None
    claimed = [cell for cell in section if _claims(cell)]
    if not section and tables[0][0].cell_type == "markdown":
        # Without a heading of its own a table in the text follows the cell that measured it.
        before = cells[max(0, cells.index(tables[0][0]) - 1)]
        claimed = [before] if _claims(before) else []
    records = [record for cell in claimed for record in _claims(cell)]
    count = sum(len(rows) for _, _, rows, _ in tables)
    said = iter(_said(records, count))
    found = [_row(header, row, next(said), text) for _, header, rows, text in tables for row in rows]
    shown_cells = claimed if found else [cell for cell in section if cell.cell_type == "code"]
    return Ledger(found, shown_cells, section[0].id if section else tables[0][0].id)


def _section(cells) -> list:
    """The cells from a heading that says "ledger" to the next heading."""
    found, inside = [], False
    for cell in cells:
        headings = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        if headings:
            marks, words = headings[-1]
            inside = marks != "#" and "ledger" in words.lower()
        if inside:
            found.append(cell)
    return found


def _claims(cell) -> list[dict]:
    return [one.data for one in shown(cell.get("outputs", [])) if one.kind == "claim"]


def _tables(cell):
    """The tables of a cell that have the ledger's form: header, rows, and whether the entries are Markdown."""
    if cell.cell_type == "markdown":
        found = re.findall(r"(?:^\|.*\n?)+", cell.source, re.MULTILINE)
        tables = [[re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in text.splitlines()] for text in found]
        tables = [[lines[0], *lines[2:]] for lines in tables]  # the second line is the rule
    else:
        markup = ["".join(output.get("data", {}).get("text/html", "")) for output in cell.outputs]
        tables = [
            [[entry.get_text() for entry in line.select("th, td")] for line in table.select("tr")]
            for text in markup
            if LAST in text
            for table in BeautifulSoup(text, "html.parser").select("table")
        ]
    for lines in tables:
        header, *rows = [[entry.strip() for entry in line] for line in lines]
        if tuple(header[:3]) == FIRST and header[-1] == LAST:
            yield header, rows, cell.cell_type == "markdown"


def _row(header, row, said: str, is_markdown: bool) -> Row:
    entries = [f"\n\n{entry}\n\n" if is_markdown else html.escape(entry) for entry in row]
    columns = list(zip(header, row))[3:-1]
    printed = next((entry for name, entry in columns if ERRORS in name), "")
    apart = next((_apart(entry) for name, entry in columns if re.search(r"−|\bminus\b", name)), "")
    measured = [(html.escape(name), entry) for name, entry in list(zip(header, entries))[3:-1] if ERRORS not in name]
    return Row(*entries[:3], measured, printed or said or apart, entries[-1])


def _said(records, count: int) -> list[str]:
    """What claims that measure in standard errors say of each of ``count`` rows: in order, or all of the only row."""
    values = [
        abs(record["value"])
        for record in records
        if ERRORS in record["sentence"] and record["uncertainty"] is None and isinstance(record["value"], int | float)
    ]
    if len(values) == count:
        return [_number(value) for value in values]
    if values and count == 1:
        return [f"{_number(min(values))} or more"]
    return [""] * count


def _number(errors: float) -> str:
    return f"{errors:.{0 if errors >= 10 else 1}f}"


def _apart(entry: str) -> str:
    """A printed difference in its standard errors: "3.4 ± 1.0" lies between 3.35/1.05 and 3.45/0.95 of them."""
    found = DIFFERENCE.search(entry)
    if not found:
        return ""
    value, error = (float(digits.replace("−", "-")) for digits in found.groups())
    half = [0.5 * 10.0 ** -len(digits.partition(".")[2]) for digits in found.groups()]
    if error <= half[1]:
        return ""
    low = _number(max(0.0, abs(value) - half[0]) / (error + half[1]))
    high = _number((abs(value) + half[0]) / (error - half[1]))
    return low if low == high else f"{low} to {high}"


def written(made) -> str:
    """ledger.md.

    Parameters
    ----------
    made : list of pages
        Each with its ``lesson``, its ``ledger``, and ``published``: what each cell claims, as HTML.
    """
    lines = [
        "# The ledger", "",
        "Is the network worth its trouble? A row sets it beside the best method without a network, as the lesson measured "
        "both. The lessons print the rows; this page collects them.", "",
        "*In standard errors* says how far the two lie apart: below two standard errors is a draw. It is a range where it "
        "follows from rounded numbers, and a dash where the lesson prints none (a rule that makes no mistake has no standard "
        "error). The claims below a row say what was shown, and in how many runs of the lesson it held.", "",
        '<table class="ledger" role="table">',
        "<thead role=\"rowgroup\"><tr role=\"row\">"
        + "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in COLUMNS) + "</tr></thead>",
    ]  # fmt: skip
    for page in made:
        if page.ledger and page.ledger.rows:
            lines += _body(page)
    lines += [
        "</table>", "",
        "## Ledgers of another form", "",
        "These lessons set several methods or losses side by side, so their ledger is a table of its own. It stands here "
        "as they print it.", "",
    ]  # fmt: skip
    for page in made:
        if page.ledger and not page.ledger.rows:
            lines += [f"### {page.lesson.title}", ""]
            lines += [
                f'<a href="{_address(page)}">In lesson {html.escape(page.lesson.title.partition(" · ")[0])}</a>',
                "",
            ]
            for cell in page.ledger.cells:
                for output in cell.outputs:
                    kind, text = pages.output_html(output, "")
                    if CLAIM not in output.get("data", {}):
                        # as in a lesson, where site.js lets the keyboard scroll what is wider than the page
                        lines += [f'<div class="{"lesson-table" if kind == "table" else "cell_output"}">{text}</div>']
            lines += [_evidence(page), ""]
    lines += ["A lesson without a ledger is not listed; what it compares stands among [all claims](claims.md)."]
    return "\n".join(lines)


def _address(page) -> str:
    return f"lessons/{page.lesson.stem}.html#{anchor(page.lesson)}"


def anchor(lesson: Lesson) -> str:
    return f"ledger-{lesson.number}"


def _body(page) -> list[str]:
    """The rows of one lesson, under its title and above its claims."""
    width = len(COLUMNS)
    lines = [
        f'<tbody role="rowgroup"><tr class="ledger-lesson" role="row"><th scope="rowgroup" role="rowheader" '
        f'colspan="{width}"><a href="{_address(page)}">{html.escape(page.lesson.title)}</a></th></tr>'
    ]
    for row in page.ledger.rows:
        measured = "<br>".join(f"<small>{name}:</small> {entry}" for name, entry in row.measured) or "–"
        entries = (row.task, row.rival, row.network, measured, row.errors or "–", row.winner)
        lines.append('<tr role="row">')
        lines += [
            f'<td role="cell" data-label="{name}"><div>{entry}</div></td>' for name, entry in zip(COLUMNS, entries)
        ]
        lines.append("</tr>")
    evidence = _evidence(page)
    if evidence:
        lines.append(f'<tr class="ledger-claims" role="row"><td role="cell" colspan="{width}">{evidence}</td></tr>')
    return [*lines, "</tbody>"]


def _evidence(page) -> str:
    """The claims of a lesson's ledger, folded."""
    claims = [entry for cell in page.ledger.cells for entry in page.published.get(cell.id, []) if "claim" in tags(cell)]
    if not claims:
        return ""
    said = "1 claim" if len(claims) == 1 else f"{len(claims)} claims"
    return f"<details><summary>{said}</summary>{''.join(claim.entry() for claim in claims)}</details>"
