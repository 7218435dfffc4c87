"""The draft of a new lesson, with all its parts, its exercises and the link of the lesson before: ``course new 08a``.

The draft is run once, so that it is whole as it stands: ``course check 08a`` finds nothing. Write your lesson in its place.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import tempfile
from pathlib import Path

import nbformat

from tools.lesson import NOTEBOOKS, ROOT, Lesson, lessons

__all__ = ["main", "new"]

HERE = Path(__file__).resolve().parent / "draft"


def new(number: str, topic: str = "draft", folder: Path = NOTEBOOKS) -> Path:
    """Write the draft of lesson ``number``, run it, and let the lesson before it lead to it; return its path.

    Parameters
    ----------
    number : str
        Such as "08a" or "08".
    topic : str
        What stands behind the number in the file's name: lower-case letters, digits and underscores.
    folder : Path
        Of the lessons.

    Raises
    ------
    SystemExit
        If the number or the topic is no such word, or the lesson is there already; says what to do.
    tools.run.LessonRaised
        If the draft does not run; nothing is left of it then.
    """
    from tools import run
    from tools.kernel import write_atomically

    if not re.fullmatch(r"\d\d[a-z]?", number):
        raise SystemExit(f"{number!r} is no number of a lesson: two digits and perhaps a letter, such as 08a.")
    if not re.fullmatch(r"[a-z0-9_]+", topic):
        raise SystemExit(f"{topic!r} is no topic: lower-case letters, digits and underscores, such as attention.")
    path, exercises = folder / f"{number}_{topic}.ipynb", ROOT / "exercises" / f"lesson_{number}.py"
    course = lessons(folder=folder)
    same = [lesson.path for lesson in course if lesson.number == number] + [exercises] * exercises.exists()
    if same:
        raise SystemExit(f"{same[0]} is there already. Take another number, or remove it first.")
    before = next((lesson for lesson in reversed(course) if lesson.stem < path.stem), None)
    after = next((lesson for lesson in course if lesson.stem > path.stem), None)

    lecture = int(number[:2])
    titles = [lesson.facts.get("lecture_title") for lesson in course if lesson.lecture == lecture]
    facts = {
        "draft": True,
        "lecture": lecture,
        "lecture_title": next(filter(None, titles), "A new lecture"),
        "minutes": 30,
        "budget_cpu_s": 60,
        "budget_mb": 1800,
        "needs": [before.number] if before else [],
        "leads_to": after.number if after else None,
    }
    text = (HERE / "lesson.txt").read_text(encoding="utf-8")
    text = text.replace("NUMBER", number).replace("NAME", number.lstrip("0") or "0")
    text = text.replace("NEEDED", f"First: {_link(before)}." if before else "You need nothing first.")
    text = text.replace("FOLLOWING", f"{_link(after)}." if after else "This is the last lesson.")
    with tempfile.TemporaryDirectory() as temporary:
        draft = Path(temporary) / f"{path.stem}.py"
        draft.write_text(text, encoding="utf-8")
        notebook = run.from_draft(draft)
    facts["plan"] = [[number, facts["minutes"]] for number in Lesson(path, notebook).numbered[-1:]]
    notebook.metadata["course"] = facts
    written = (HERE / "exercises.txt").read_text(encoding="utf-8").replace("NUMBER", number)
    try:
        write_atomically(exercises, written)
        importlib.invalidate_caches()
        write_atomically(path, nbformat.writes(run.tidy(notebook)) + "\n")
        run.run(path)
    except BaseException:
        path.unlink(missing_ok=True)
        exercises.unlink(missing_ok=True)
        raise
    if before:
        _lead(before, Lesson(path), after)
    run.update_readme(folder.parent / "README.md", folder)
    return path


def _link(lesson: Lesson) -> str:
    return f"[{lesson.title}]({lesson.path.name})"


def _lead(before: Lesson, new: Lesson, after: Lesson | None) -> None:
    """Let a lesson lead to the new one instead of the one after it."""
    from tools.kernel import write_atomically

    before.notebook.metadata["course"] = {**before.facts, "leads_to": new.number}
    last = next(cell for cell in reversed(before.markdown) if "next" in cell.source.lower())
    start = last.source.lower().rindex("next")
    head, tail = last.source[:start], last.source[start:]
    old = (
        re.search(rf"\[[^\]]*\]\({re.escape(after.path.name)}\)|\*\*{re.escape(after.title)}\*\*", tail)
        if after
        else None
    )
    if old:
        tail = tail[: old.start()] + _link(new) + tail[old.end() :]
    else:
        tail = f"{tail.rstrip()}\n\n{_link(new)}."
    last.source = head + tail
    write_atomically(before.path, nbformat.writes(before.notebook) + "\n")


def main(arguments: list[str] | None = None) -> int:
    from tools.run import LessonRaised

    parser = argparse.ArgumentParser(prog="course new", description="Make the draft of a new lesson.")
    parser.add_argument("number", metavar="NUMBER", help="08a: lecture and letter")
    parser.add_argument("topic", nargs="?", default="draft", help="for the file's name: attention")
    options = parser.parse_args(arguments)
    print(f"{options.number}: writing and running the draft …", flush=True)
    try:
        path = new(options.number, options.topic)
    except LessonRaised as error:
        print(f"The draft does not run, and nothing was kept: {error}", file=sys.stderr)
        return 1
    print(
        f"{path.relative_to(ROOT)} and exercises/lesson_{options.number}.py are there, and the lesson before leads to it.\n"
        f"Write in their place (docs/write-a-lesson.md), then: course run {options.number}, course check {options.number}"
    )
    return 0
