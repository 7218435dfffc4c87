"""Panels that compute in the browser with a lesson's model: ``course live 04a`` stores them, decks and site show them.

``lesson_<number>.py`` in this folder says what its panels hold. ``course live`` and ``course run`` run the lesson and
write its models, as ONNX, to ``stored``. A page loads the models and onnxruntime-web from its own folder when a reader turns
to a panel; ``live.js`` has the views, ``course_lib/pad.js`` the drawing pad.
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import shutil
import sys
import tempfile
from pathlib import Path

import course_lib
from tools import fingerprint
from tools.kernel import Runner, write_atomically
from tools.lesson import Lesson
from tools.lesson import lessons as all_lessons
from tools.live.panels import STORED, lessons

HERE = Path(__file__).resolve().parent
PAD = Path(course_lib.__file__).parent / "pad.js"
RUNTIME = ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
RECORD = "from pathlib import Path\nfrom tools.live.panels import record\nrecord({number!r}, globals(), Path({folder!r}), {mark!r})"


def mark(lesson: Lesson) -> dict[str, str]:
    """What the stored models depend on: all code of the lesson, and what ``lesson_<number>.py`` takes from it."""
    return {
        "lesson": fingerprint.of_lesson(lesson)["lesson"],
        "file": fingerprint.of_file(HERE / f"lesson_{lesson.number}.py"),
        "python": fingerprint.python(),
    }


def stale(lesson: Lesson, panel: dict) -> str | None:
    """Why a stored panel does not belong to the lesson as it stands, and what mends it; None if it does."""
    was, now = panel["fingerprint"], mark(lesson)
    if was["python"] != now["python"]:
        return None
    for part, what in (("lesson", "the lesson's code"), ("file", f"tools/live/lesson_{lesson.number}.py")):
        if was[part] != now[part]:
            return f"{what} has changed since the panel was stored: run `course live {lesson.number}`"
    return None


def record(runner: Runner, lesson: Lesson) -> list[Path]:
    """Store the panels of a lesson that has just run in ``runner``, all or none; return the files.

    Raises
    ------
    ValueError
        If a panel cannot be made; says why.
    """
    if lesson.number not in lessons():
        return []
    with tempfile.TemporaryDirectory() as folder:
        outputs = runner.ask(RECORD.format(number=lesson.number, folder=folder, mark=mark(lesson)))
        for output in outputs:
            if output.output_type == "error":
                raise ValueError(f"tools/live/lesson_{lesson.number}.py: {output.ename}: {output.evalue}")
        made = sorted(Path(folder).iterdir())
        for old in STORED.glob(f"{lesson.number}-*"):
            if old.name not in {path.name for path in made}:
                old.unlink()
        for path in made:
            write_atomically(STORED / path.name, path.read_bytes())
    return [STORED / path.name for path in made]


def stored(lesson: Lesson) -> dict[str, dict]:
    """The stored panels of a lesson, by the id of the explorer's cell below which they stand.

    Raises
    ------
    SystemExit
        If a panel's file or one of its models is missing or damaged; says what to do.
    """
    found = {}
    for path in sorted(STORED.glob(f"{lesson.number}-*.json")):
        again = f"Run `course live {lesson.number}`."
        try:
            panel = json.loads(path.read_text(encoding="utf-8"))
            files = [STORED / model["file"] for model in panel["models"].values()]
        except (ValueError, KeyError) as error:
            raise SystemExit(f"tools/live/stored/{path.name} is damaged ({error}). {again}") from None
        for file in files:
            if not file.is_file() or not file.stat().st_size:
                raise SystemExit(f"tools/live/stored/{file.name} is missing or empty. {again}")
        found[panel["cell"]] = {**panel, "stem": path.stem}
    return found


def panel_html(panel: dict, base: str) -> str:
    """A panel as HTML; ``live.js`` fills it.

    Parameters
    ----------
    panel : dict
        As ``stored`` returns it.
    base : str
        Where ``copy`` put the runtime and the models, as the page sees it; ends in a slash.
    """
    title, question = html.escape(panel["title"], quote=True), html.escape(panel["question"])
    shapes = {name: {key: model[key] for key in ("shape", "type")} for name, model in panel["models"].items()}
    data = json.dumps({"models": shapes, "data": panel["data"]}, ensure_ascii=False).replace("</", "<\\/")
    return (
        f'<div class="live-panel" id="live-{panel["stem"]}" data-panel="{panel["stem"]}" data-view="{panel["view"]}" '
        f'data-base="{base}" role="group" aria-label="{title}" data-prevent-swipe>'
        f'<div class="explorer-head"><strong>{title}</strong> <span>{question}</span></div>'
        '<div class="live-stage"></div>'
        '<p class="live-words" aria-live="polite">The model of this lesson computes here, in your browser.</p>'
        f'<script type="application/json">{data}</script></div>'
    )


def copy(folder: Path, modules: Path, course: list[Lesson]) -> None:
    """Put into ``folder`` all that panels load: the runtime, and for each panel its models as a script.

    A page opened from a file may load scripts alone, so that the runtime's binary lies there as a script, too.

    Parameters
    ----------
    folder : Path
    modules : Path
        node_modules with onnxruntime-web in it.
    course : list of Lesson
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = modules / "onnxruntime-web" / "dist"
    for name in RUNTIME:
        shutil.copy(source / name, folder / name)
    for name, variable in ((RUNTIME[1], "courseGlue"), (RUNTIME[2], "courseWasm")):
        text = base64.b64encode((source / name).read_bytes()).decode()
        (folder / f"{name}.js").write_text(f'window.{variable} = "{text}";\n', encoding="utf-8")
    for lesson in course:
        for panel in stored(lesson).values():
            models = {
                name: base64.b64encode((STORED / model["file"]).read_bytes()).decode()
                for name, model in panel["models"].items()
            }
            script = f"(window.courseModels ??= {{}})[{json.dumps(panel['stem'])}] = {json.dumps(models)};\n"
            (folder / f"{panel['stem']}.js").write_text(script, encoding="utf-8")
    shutil.copy(HERE / "live.css", folder / "live.css")
    scripts = [path.read_text(encoding="utf-8") for path in (PAD, HERE / "live.js")]
    (folder / "live.js").write_text("\n".join(scripts), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    import nbformat

    from tools.run import LessonRaised, run_cells

    parser = argparse.ArgumentParser(prog="course live", description="Run lessons and store their models for pages.")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="04a, or nothing for all that have panels")
    options = parser.parse_args(arguments)
    for number in options.lessons:
        if number not in lessons():
            raise SystemExit(f"tools/live has no lesson_{number}.py; there are panels of {', '.join(lessons())}.")
    failed = 0
    for lesson in all_lessons(" ".join(options.lessons or lessons())):
        print(f"{lesson.path.name}: running …", flush=True)
        notebook = nbformat.from_dict(lesson.notebook)
        try:
            with Runner(notebook, lesson.path.parent) as runner:
                run_cells(runner, Lesson(lesson.path, notebook))
                files = record(runner, lesson)
        except (LessonRaised, ValueError) as error:
            print(f"{lesson.path.name}, {error}\n{lesson.path.name}: nothing was stored.", file=sys.stderr)
            failed = 1
            continue
        sizes = ", ".join(f"{file.name} {file.stat().st_size / 1e3:.0f} kB" for file in files)
        print(f"{lesson.path.name}: {sizes}", flush=True)
    return failed
