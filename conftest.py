"""Notebooks under ``pytest --nbval`` are run and compared as tools/testing.py says, wherever they are started from."""

pytest_plugins = ["tools.testing"]
