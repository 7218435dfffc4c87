"""Notebooks under ``pytest --nbval`` are compared as tests/lessons says, wherever they are started from."""

pytest_plugins = ["tests.lessons.plugin"]
