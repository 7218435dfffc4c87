"""The full profile: each lesson is run once, what its claims measured is kept, and the page says both values."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import full
from tools.lesson import Lesson

START = "from course_lib import accelerator\nmachine = accelerator.start(seed=1)\nfrom course_lib.claims import claim"
PICKS = "steps = machine.pick(lecture=3, full=7)\nclaim('Steps | taken', steps, above=2)\nclaim('Always', 1, equals=1)"


@pytest.fixture
def course(tmp_path):
    """Two small lessons: one trains longer in the full profile, the other is the same in both."""
    (tmp_path / "notebooks").mkdir()
    facts = {"lecture": 1, "budget_cpu_s": 60, "budget_mb": 1800, "needs": [], "leads_to": None}
    made = []
    for number, source in (("91", PICKS), ("92", "claim('Always', 1, equals=1)")):
        cells = [new_markdown_cell(f"# {number} · A test\n\n*5 minutes.*"), new_code_cell(START), new_code_cell(source)]
        path = tmp_path / "notebooks" / f"{number}_test.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata={"course": facts}), path)
        made.append(Lesson(path))
    return made


def ran(lesson):
    """The lesson with the outputs of a run in the lecture profile."""
    from tools.kernel import Runner

    with Runner(lesson.notebook, lesson.path.parent) as runner:
        for cell in lesson.code:
            runner.run(cell)
    nbformat.write(lesson.notebook, lesson.path)
    return Lesson(lesson.path)


def test_both_values_of_a_claim_are_kept_and_a_run_that_was_done_is_not_done_again(
    course, tmp_path, capsys, monkeypatch
):
    course = [ran(course[0]), course[1]]
    assert full.measure(course, course, tmp_path / "cache") is True
    assert "92: the same in both profiles" in capsys.readouterr().out
    kept = json.loads((tmp_path / "tests" / "full" / "91.json").read_text(encoding="utf-8"))
    assert [(claim["sentence"], claim["lecture"], claim["value"]) for claim in kept["claims"]] == [
        ("Steps | taken", 3, 7), ("Always", 1, 1),
    ]  # fmt: skip
    assert kept["run"]["device"] == "CPU" or "GPU" in kept["run"]["device"]
    text = (tmp_path / "docs" / "full.md").read_text(encoding="utf-8")
    assert "The same in both profiles: 92." in text and "| 91 | 2 of 2 |" in text
    assert "| Steps \\| taken | 3 | 7 | above 2 |" in text and "| Always |" not in text
    monkeypatch.setattr(full, "execute", lambda *_: pytest.fail("the run was done before"))
    assert full.measure(course, course, tmp_path / "cache") is True


def test_a_claim_that_does_not_hold_is_said_by_place_and_counted(course, tmp_path, capsys):
    course[0].code[1].source = "steps = machine.pick(lecture=3, full=7)\nclaim('Few steps', steps, below=5)"
    lesson = ran(course[0])
    assert full.measure([lesson], course, tmp_path / "cache") is False
    said = capsys.readouterr().out
    assert "Few steps" in said and "✗" in said
    text = (tmp_path / "docs" / "full.md").read_text(encoding="utf-8")
    assert "**Does not hold:**" in text and "Few steps" in text


def test_the_page_leaves_out_what_was_measured_before_the_code_changed(course, tmp_path):
    lesson = ran(course[0])
    full.measure([lesson], [lesson], tmp_path / "cache")
    lesson.code[1].source = lesson.code[1].source.replace("full=7", "full=9")
    nbformat.write(lesson.notebook, lesson.path)
    changed = Lesson(lesson.path)
    assert "| 91 |" not in full.write_page([changed]).read_text(encoding="utf-8")
