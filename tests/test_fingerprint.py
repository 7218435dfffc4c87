"""The fingerprint of a lesson changes when its numbers can, and not when only words do."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import fingerprint
from tools.lesson import Lesson


def of(*sources):
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    return fingerprint.of_lesson(Lesson("notebooks/99_x.ipynb", notebook))


def test_comments_docstrings_and_layout_do_not_count():
    plain = of("def f(x):\n    return x + 1", "print(f(2))")
    assert plain == of('def f(x):\n    """One more."""\n    return x + 1  # why', "print( f(2) )")
    assert plain["lesson"] != of("def f(x):\n    return x + 2", "print(f(2))")["lesson"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small course_lib in a folder of its own, whose files a test changes."""
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    folder = tmp_path / "course_lib"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("", encoding="utf-8")
    (folder / "data" / "__init__.py").write_text("from .real import digits, waves", encoding="utf-8")

    def write(digits="return scaled(3)", scaled="return 2 * n", waves="return 1"):
        text = f"def digits():\n    {digits}\n\ndef scaled(n):\n    {scaled}\n\ndef waves():\n    {waves}\n"
        (folder / "data" / "real.py").write_text(text, encoding="utf-8")
        fingerprint._module.cache_clear()
        fingerprint._definition.cache_clear()
        return of("from course_lib import data", "x = data.digits()")["library"]

    yield write
    fingerprint._module.cache_clear()
    fingerprint._definition.cache_clear()


def test_what_the_lesson_reaches_of_the_library_counts_and_nothing_else(package):
    before = package()
    assert package() == before
    assert package(waves="return 5") == before  # the lesson does not use it
    assert package(digits="return scaled(4)") != before
    assert package(scaled="return 3 * n") != before  # reached through digits
    assert package(digits='"""Docs."""\n    return scaled(3)') == before


def test_every_lesson_has_one():
    from tools.lesson import lessons

    marks = [tuple(fingerprint.of_lesson(lesson).values()) for lesson in lessons()]
    assert len({mark[0] for mark in marks}) == len(marks)
