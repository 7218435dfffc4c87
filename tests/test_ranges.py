"""Ranges: what moved before may move, what never moved must not, and false alarms are as rare as stated."""

import base64
import copy

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.test_compare import picture
from tools import ranges
from tools.lesson import Lesson


def show(*outputs):
    return [new_output("stream", name="stdout", text=o) if isinstance(o, str) else o for o in outputs]


def image(line):
    data = base64.b64encode(picture(line=line)).decode()
    return new_output("display_data", data={"image/png": data, "text/plain": "a line"})


def claimed(value, margin, holds=True):
    record = {
        "sentence": "it learns",
        "value": value,
        "uncertainty": 0.01,
        "margin": margin,
        "margin_in": "units",
        "holds": holds,
    }
    return new_output(
        "display_data", data={"application/vnd.course.claim+json": record, "text/plain": f"✓ it learns: {value}"}
    )


def failed():
    return new_output("error", ename="ClaimFailed", evalue="it learns: 0.4, above 0.9", traceback=["…"])


def lesson_of(*cells, tags=(), source="cell"):
    """A lesson whose code cells have the outputs given."""
    made = []
    for index, outputs in enumerate(cells):
        cell = new_code_cell(f"{source}({index})", outputs=show(*outputs), execution_count=index + 1)
        cell.id, cell.metadata["tags"] = f"cell-{index}", list(tags)
        made.append(cell)
    return Lesson("notebooks/99_x.ipynb", new_notebook(cells=made))


ABOUTS = [(0, "avx2"), (0, "sse"), (0, "avx512"), (1, "avx2"), (2, "avx2")]


def recorded(*runs, tags=(), source="cell"):
    """Ranges made of five runs, each a list of cells' outputs; alarms as for a course of 5000 numbers."""
    lessons = [lesson_of(*run, tags=tags, source=source) for run in runs]
    abouts = [{"shift": shift, "isa": isa} for shift, isa in ABOUTS]
    found = ranges.measured(lessons[0], list(zip(abouts, lessons)))
    return lessons[0], found, ranges.Ranges(lessons[0], found, alarms=0.01 / 5000)


def column(*texts, before="n 1\n"):
    """Five runs of a lesson of two cells: the first always says the same, the second what is given."""
    return recorded(*([[before], [text]] for text in texts))


def difference(made, now, place=1):
    lesson, _, found = made
    cell = lesson.code[place]
    return found.difference(cell, cell.outputs, show(now) if isinstance(now, str) else now)


def test_what_was_the_same_in_every_run_must_be_the_same():
    made = column(*5 * ["shape (64, 28), accuracy 0.97, 60,000 images, float32"])
    assert difference(made, "shape (64, 28), accuracy 0.97, 60,000 images, float32") is None
    assert difference(made, "shape (64, 28), accuracy 0.96, 60,000 images, float32") is None  # one last place
    assert "stored 28, now 14" in difference(made, "shape (64, 14), accuracy 0.97, 60,000 images, float32")
    assert "now 0.95" in difference(made, "shape (64, 28), accuracy 0.95, 60,000 images, float32")
    assert "now 60,001" in difference(made, "shape (64, 28), accuracy 0.97, 60,001 images, float32")
    assert "float64" in difference(made, "shape (64, 28), accuracy 0.97, 60,000 images, float64")


def test_a_processor_that_is_not_among_the_runs_may_round_otherwise():
    made = column(*5 * ["gap 0, slope 0.0037290132442976925, count 3, misses 0, loss 9.8e-06"])
    assert not difference(made, "gap 5.96e-08, slope 0.003729013244297714, count 3, misses 0, loss 1e-05")
    assert "stored 0, now 1e-05" in difference(
        made, "gap 1e-05, slope 0.0037290132442976925, count 3, misses 0, loss 9.8e-06"
    )
    assert "stored 0, now 1" in difference(made, "gap 0, slope 0.0037290132442976925, count 3, misses 1, loss 9.8e-06")
    assert "stored 3, now 4" in difference(made, "gap 0, slope 0.0037290132442976925, count 4, misses 0, loss 9.8e-06")
    assert "now 0.00374" in difference(made, "gap 0, slope 0.00374, count 3, misses 0, loss 9.8e-06")


def test_what_was_trained_may_move_as_it_moved():
    made = column("accuracy 0.980", "accuracy 0.978", "accuracy 0.983", "accuracy 0.976", "accuracy 0.981")
    assert made[1]["trained_from"] == 1 and made[1]["moved"] == 1
    assert difference(made, "accuracy 0.974") is None
    said = difference(made, "accuracy 0.500")
    assert "stored 0.980, now 0.500, after “accuracy”" in said and "5 runs: 0.976 to 0.983" in said


def test_what_comes_from_the_seed_alone_is_held_tightly():
    made = column("mean 0.1300", "mean 0.1300", "mean 0.1300", "mean 0.4100", "mean -0.2200")
    assert made[1]["trained_from"] == 2  # instruction sets never disagree
    assert difference(made, "mean 0.1301") is None
    assert "before anything is trained" in difference(made, "mean 0.1400")


def test_after_the_first_cell_that_trains_numbers_that_other_seeds_move_are_trained():
    runs = [[f"mean {value}"] for value in ("0.1300", "0.1300", "0.1300", "0.4100", "-0.2200")]
    made = recorded(*([run] for run in runs), source="model.fit")
    assert made[1]["trained_from"] == 0
    assert difference(made, "mean 0.1900", 0) is None
    assert "5 runs" in difference(made, "mean 100.0", 0)


def test_what_no_other_seed_reached_is_compared_only_where_it_is_whole():
    runs = [["0.473 of 20"], ["0.473 of 20"], ["0.473 of 20"], [failed()], [failed()]]
    made = recorded(*([run] for run in runs), source="model.fit")
    assert made[1]["unreached"] == {"cell-0": ["stdout"]}
    assert difference(made, "0.485 of 20", 0) is None
    assert "stored 20, now 21" in difference(made, "0.473 of 21", 0)
    assert "now 0.485" in difference(column(*5 * ["0.473 of 20"]), "0.485 of 20")


def test_time_and_memory_that_move_are_not_compared_and_constants_of_physics_are():
    made = column(*(f"took {t} s of 12 s" for t in ("3.1", "4.0", "2.7", "9.3", "3.3")))
    assert difference(made, "took 55.0 s of 12 s") is None
    assert "stored 12, now 120" in difference(made, "took 3.1 s of 120 s")
    assert "12 min" in difference(made, "took 3.1 s of 12 min")


def test_rounding_errors_need_only_stay_small():
    lesson, _, found = recorded(*([[f"largest difference {d}"]] for d in 5 * ["5.96e-08"]), tags=["parity"])
    cell = lesson.code[0]
    assert found.difference(cell, cell.outputs, show("largest difference 1.79e-07")) is None
    assert "rounding" in found.difference(cell, cell.outputs, show("largest difference 2.40e-05"))


def test_words_that_changed_are_not_compared_and_are_reported():
    from tools.robust import report

    made = column("Czech wins by 2", "Polish wins by 2", "Czech wins by 2", "Czech wins by 3", "Polish wins by 1")
    assert made[1]["words"] == {"cell-1": {"stdout": [1, 4]}}
    assert difference(made, "Greek wins by 7") is None
    assert "words change" in report("99", made[1])
    assert "the words differ" in difference(column(*5 * ["Czech wins by 2"]), "Greek wins by 2")


def test_another_number_of_things_is_a_difference():
    made = column(*5 * ["one 1"])
    assert "longer" in difference(made, "one 1 2")
    assert "now nothing" in difference(made, [])
    assert "picture 1" in difference(made, show("one 1", image(100)))


def test_pictures():
    steady = recorded(*([[image(100)]] for _ in ABOUTS))
    assert difference(steady, [image(100)], 0) is None
    assert "ink" in difference(steady, [image(140)], 0)
    trained = recorded(*([[image(line)]] for line in (100, 104, 97, 120, 90)))
    assert trained[1]["trained_from"] == 0
    assert difference(trained, [image(110)], 0) is None
    assert ranges.Ranges(trained[0], trained[1]).picture_limits(trained[0].code[0], "picture 1")[1] > 1


def test_claims_are_kept_with_their_margins_and_failures_with_their_place():
    made = recorded(
        *([[o]] for o in (claimed(0.98, 0.08), claimed(0.97, 0.07), claimed(0.99, 0.09), failed(), claimed(0.96, 0.06)))
    )
    (claim,) = made[1]["claims"]["cell-0"].values()
    assert [run and run["margin"] for run in claim["runs"]] == [0.08, 0.07, 0.09, None, 0.06]
    assert [len(about["errors"]) for about in made[1]["runs"]] == [0, 0, 0, 1, 0]
    assert made[1]["words"] == {}  # the run in which the claim failed says nothing about the words


def test_numbers_have_a_value_in_every_run_also_before_the_first_that_moved_them():
    made = column("a 1.0 b 5.0", "a 1.0 b 5.0", "a 1.5 b 5.0", "a 1.0 b 5.0", "a 1.2 b 5.0")
    assert made[1]["numbers"] == {"cell-1": {"stdout": {"0": [1.0, 1.0, 1.5, 1.0, 1.2]}}}


@pytest.mark.parametrize("n", [5, 9])
def test_false_alarms_are_as_rare_as_stated(n):
    """Of many draws outside all recorded ones, no more than the stated share is refused (here: one in fifty)."""
    rng = np.random.default_rng(0)
    alarms, outside = 0, 0
    for _ in range(4000):
        *seen, new = rng.normal(0.9, 0.02, n + 1)
        low, high = ranges.prediction_interval(seen, 0.02)
        alarms += not low <= new <= high
        outside += not min(seen) <= new <= max(seen)
    assert 0.01 < alarms / 4000 < 0.03
    assert outside / 4000 > 2 / (n + 1) - 0.03  # the bare range of n runs would refuse this many


def test_the_stated_level_is_shared_by_all_numbers_that_moved(tmp_path):
    for name, moved in (("01a", 40), ("01b", 60)):
        (tmp_path / f"{name}.json").write_text(f'{{"moved": {moved}}}')
    assert ranges.each_alarm(tmp_path) == pytest.approx(0.01 / 100)


def test_stale(tmp_path):
    notebook = lesson_of(["1"]).notebook
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "tests" / "ranges").mkdir(parents=True)
    lesson = Lesson(tmp_path / "notebooks" / "99_x.ipynb", notebook)
    assert "never run with other seeds" in ranges.stale(lesson)
    assert "course robust 99" in ranges.stale(lesson)
    runs = [({"shift": 0, "isa": "sse"}, lesson)]
    ranges.path_of(lesson).write_text(ranges.written(ranges.measured(lesson, runs)), encoding="utf-8")
    assert ranges.stale(lesson) is None
    changed = Lesson(lesson.path, copy.deepcopy(notebook))
    changed.code[0].source = "cell(5)"
    assert "its code has changed" in ranges.stale(changed)
