"""The command ``course``: everything that is done with lessons, by name. The Makefile's targets are these."""

from __future__ import annotations

import difflib
import importlib
import subprocess
import sys

# Name: what it does in one line, and the function that does it, imported only when it is asked for.
COMMANDS = {
    "lab": ("open the course in JupyterLab, on this machine only", "tools.lab:main"),
    "new": ("make the draft of a new lesson: course new 08a", "tools.new:main"),
    "check": ("say what a lesson lacks, without running it: course check 01a", "tools.check:main"),
    "run": ("run lessons and store their outputs: course run 01a", "tools.run:main"),
    "robust": ("run lessons with other seeds and processors: course robust 01a", "tools.robust:main"),
    "full": ("run lessons in the full profile, keep what they measure", "tools.full:main"),
    "papers": ("train the networks of the papers' tables, keep their figures", "tools.papers:main"),
    "live": ("run lessons and store the models that their pages compute with", "tools.live:main"),
    "test": ("run all tests, or those of some lessons: course test 01a", "tools.suite:main"),
    "versions": ("test with the oldest and the newest versions of all packages", "tools.versions:main"),
    "table": ("print the table of lessons with their measured times", "tools.run:print_table"),
    "slides": ("make decks in build/slides (needs Chromium or Chrome)", "tools.deck:main"),
    "present": ("make a deck and open it: course present 03a", "tools.deck:present"),
    "pdf": ("make decks and print them to PDF (needs Chromium or Chrome)", "tools.deck:pdf"),
    "site": ("make the web site in build/site, with the decks (needs a browser too)", "tools.site:main"),
    "handout": ("make student copies without solutions in build/handout", "tools.handout:main"),
    "bench": ("measure training steps against their floors, in CPU seconds", "tools.bench:main"),
    "format": ("lint code and notebooks, format code", "tools.cli:format_code"),
}


def listing() -> str:
    """The commands with one line each."""
    lines = ["usage: course COMMAND …     course COMMAND --help says more", ""]
    return "\n".join([*lines, *(f"  course {name:8} {text}" for name, (text, _) in COMMANDS.items())])


def format_code(arguments: list[str]) -> int:
    if arguments:
        print("course format takes no arguments; it formats the whole course.")
        return 2 if arguments[0] not in ("-h", "--help") else 0
    from tools.lesson import ROOT

    done = [
        subprocess.run([sys.executable, "-m", "ruff", *words, "."], cwd=ROOT).returncode
        for words in (("check", "--fix"), ("format",))
    ]
    return max(done)


def main(arguments: list[str] | None = None) -> int:
    """Run ``course …``; return its exit status: 0 if all is well, 1 if something failed, 2 for an unknown command."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 has no β; a question mark in its place is better than a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(listing())
        return 0 if words else 2
    name, *rest = words
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        print(f"There is no command {name!r}{f'; did you mean {near[0]!r}?' if near else '.'}\n", file=sys.stderr)
        print(listing(), file=sys.stderr)
        return 2
    if name in ("check", "table"):
        # nbformat loads jsonschema, which builds a grammar of web addresses for seconds; nothing here asks for it, and
        # jsonschema does without it.
        sys.modules.setdefault("rfc3987_syntax", None)
    from tools.lesson import NOTEBOOKS

    if not NOTEBOOKS.is_dir():
        raise SystemExit(
            "The lessons are not beside this command: it works in a clone of the course that was installed "
            "with `pip install -e .` (or by `make setup`)."
        )
    module, function = COMMANDS[name][1].split(":")
    try:
        return getattr(importlib.import_module(module), function)(rest) or 0
    except ModuleNotFoundError as error:
        extra = {"tools.deck": "pages", "tools.site": "pages"}.get(module, "test")
        if (error.name or "").partition(".")[0] in ("tools", "course_lib", "exercises"):
            raise
        raise SystemExit(
            f"course {name} needs the package {error.name}, which is not installed. In the course's folder: "
            f"{sys.executable} -m pip install -c constraints.txt -e '.[test,{extra}]'".replace("[test,test]", "[test]")
        ) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
