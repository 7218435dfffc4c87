"""All tests: ``course test``; of some lessons alone: ``course test 01a 03b``; in a browser: ``course test --browser``.

What stands behind the options goes on to pytest: ``course test -k rnn``, ``course test tests/test_data.py -x``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from tools.lesson import ROOT, find

__all__ = ["command", "main"]

LESSONS = ["--nbval"]
BROWSER = "tests/browser"


def _path(word: str) -> str:
    """A word of the command line as pytest takes it: a lesson's number becomes its path."""
    if word.startswith("-") or (ROOT / word.partition("::")[0]).exists():
        return word
    try:
        return find(word).relative_to(ROOT).as_posix()
    except LookupError as error:
        raise SystemExit(f"{error} Or name a file of tests, such as tests/test_data.py.") from None


def command(words: list[str], browser: bool = False, workers: str | None = None) -> list[str]:
    """The call of pytest for what was asked.

    Parameters
    ----------
    words : list of str
        Numbers of lessons, paths, and pytest's own options.
    browser : bool
        The tests in a browser, and no others.
    workers : str, optional
        Processes; two for everything and one for a few paths, if nothing is said.
    """
    paths, options = [], []
    takes_value = {"-k", "-m", "-p", "-o", "-c", "-W", "--maxfail", "--durations", "--junitxml", "--rootdir"}
    waiting = False
    for word in words:
        if waiting or word.startswith("-"):
            options.append(word)
            waiting = not waiting and word in takes_value
        else:
            paths.append(_path(word))
    many = workers or ("1" if paths and not browser else "2")
    spread = [] if many in ("0", "1") else ["-n", many, "--dist", "worksteal" if browser else "loadfile"]
    if browser:
        chosen = paths or [BROWSER]
    else:
        chosen = [*LESSONS, *(paths or [f"--ignore={BROWSER}", "tests", "notebooks"])]
    return [sys.executable, "-m", "pytest", *spread, *chosen, *options]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="course test", description=__doc__.partition("\n\n")[0], epilog=__doc__.partition("\n\n")[2]
    )
    parser.add_argument("--browser", action="store_true", help="open lessons, decks and the site in a real browser")
    parser.add_argument("-n", dest="workers", metavar="N", help="processes (2; for a few paths 1)")
    options, words = parser.parse_known_args(arguments)
    call = command(words, options.browser, options.workers)
    if options.browser:
        from tools import site

        site.main([])
    return subprocess.run(call, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
