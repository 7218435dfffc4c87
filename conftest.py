"""Notebooks under ``pytest --nbval`` are run and compared as tools/testing.py says, wherever they are started from."""

import os

from tests.rotation import turn_now

pytest_plugins = ["tools.testing"]


def pytest_configure(config):
    # Workers are started later and inherit it: all have the same turn, also at midnight.
    os.environ["COURSE_ROTATION"] = str(turn_now())
