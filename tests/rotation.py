"""Which lessons a run of the tests takes, where all would take too long: which are opened in JupyterLab and as decks in
Firefox (at least six), and of which the exercises are recorded anew (a third). Each has its turn within a few runs. In
which browsers: ``COURSE_BROWSERS``.

The turn is the day's, or what ``COURSE_ROTATION`` says: a whole number, or ``all``.
"""

import datetime
import os

from tools.lesson import lessons

AT_LEAST = 6
BROWSERS = ("chromium", "firefox")


def chosen(course, turn, at_least=AT_LEAST):
    """The lessons of one turn: every k-th from the turn's on, ``at_least`` so many; all of them for "all"."""
    if turn == "all":
        return list(course)
    step = max(1, len(course) // at_least)
    return [lesson for number, lesson in enumerate(course) if number % step == turn % step]


def turn_of(said, day):
    """The turn that ``COURSE_ROTATION`` asks for (a text); the day's if it says nothing."""
    if not said:
        return day.toordinal()
    if said == "all":
        return said
    try:
        return int(said)
    except ValueError:
        raise SystemExit(f"COURSE_ROTATION is {said!r}; it is a whole number, or all.") from None


def browsers_of(said):
    """The browsers that ``COURSE_BROWSERS`` asks for (a text); both if it says nothing. Chromium is always one of them:
    it lays out the decks.
    """
    wanted = set((said or ",".join(BROWSERS)).replace(",", " ").split())
    if not {"chromium"} <= wanted <= set(BROWSERS):
        raise SystemExit(f"COURSE_BROWSERS is {said!r}; it is chromium, or chromium,firefox.")
    return wanted


def turn_now():
    return turn_of(os.environ.get("COURSE_ROTATION"), datetime.datetime.now(datetime.UTC).date())


def lessons_now():
    return chosen(lessons(), turn_now())
