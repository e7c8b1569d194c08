# Everything a fresh machine needs is set up by the targets themselves: `make demo`, `make test`.
# `make help` is the menu.

PYTHON ?= python3
# For instance an index with torch's CPU build, where pip would bring a CUDA build of several GB.
PIP_FLAGS ?=
# Processes that run the tests: one more than the cores, since many tests wait for a limit or another
# process. What shares a fixture stays together (tests/conftest.py).
JOBS ?= $(shell expr $$(nproc) + 1)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long lint format types unit integration course build bench bench-tps data results catalogues check clean

help: ## Show this menu
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make the virtual environment and install bubblewrap (as root) or say how

$(STAMP): pyproject.toml constraints.txt tools/system.sh
	sh tools/system.sh $(PYTHON)
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) --constraint constraints.txt --editable '.[course,otter,dev,dask,postgres,report]'
	touch $(STAMP)

# PostgreSQL, SLURM and Chromium, which tests start and stop: nothing else needs them.
$(VENV)/.servers: tools/system.sh | $(STAMP)
	sh tools/system.sh --tests $(PYTHON)
	touch $@

demo: setup ## Grade the sample classes end to end and show the marks (TP=tp1: only that one)
	$(BIN)/nbjudge demo $(TP)

test: setup $(VENV)/.servers lint types ## Run everything: lint, types, all tests
	$(BIN)/python -m pytest -n $(JOBS) --durations=20

test-long: setup ## Run what takes longer: every class in every way, runs that are killed (ONLY=folder)
	$(BIN)/python -m pytest -n $(JOBS) -m long --durations=20 $(ONLY)

lint: setup
	$(BIN)/ruff check src tests tools benchmarks judge
	$(BIN)/ruff format --check src tests tools benchmarks judge

types: setup
	$(BIN)/mypy

format: setup ## Format the code
	$(BIN)/ruff format src tests tools benchmarks judge
	$(BIN)/ruff check --fix src tests tools benchmarks judge

unit: setup ## Run the tests that need no kernel
	$(BIN)/python -m pytest tests/unit

integration: setup $(VENV)/.servers ## Run the tests with real kernels and real bubblewrap
	$(BIN)/python -m pytest tests/integration

course: setup ## Run the tests of the TPs and of the sample class
	$(BIN)/python -m pytest tests/course

build: setup ## Make release/ and solutions/ again from source/
	$(BIN)/nbjudge build

# Names of benchmarks (or a folder of tests), for instance `make bench ONLY="growth startup"`; QUICK=1 tries them on few submissions.
ONLY ?=
QUICK ?=

bench: setup ## Measure grading, write docs/benchmarks.md (an idle machine; ONLY=growth: only that)
	$(BIN)/python benchmarks/bench.py $(ONLY) $(if $(QUICK),--quick)

# For instance `--originals FOLDER` where the originals of MNIST and Fashion-MNIST are on the disk.
MNIST ?=

data: setup ## Make TP3's archives, checkpoints and scores again (minutes)
	$(BIN)/python tools/mnist_data.py $(MNIST)

results: setup ## Train on full MNIST, write docs/results.md (an hour, resumable)
	$(BIN)/python tools/mnist_results.py $(MNIST)

bench-tps: setup ## Time each TP, as a student and graded
	$(BIN)/python benchmarks/tps.py

catalogues: setup ## Extract and compile the engine's sentences (gettext)
	$(BIN)/python tools/catalogues.py

check: setup ## Prove every TP before release
	$(BIN)/nbjudge check

clean: ## Remove what tools made (never submissions or the gradebook)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis demo
