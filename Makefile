# Earmark's front door. `make demo` and `make test` need Python 3.11 to 3.13, git and make; nothing else.
PYTHON ?=
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements.lock
CORES  ?= 2
# Made anew when the lock or the package's metadata change, and only then: the second run is offline.
STAMP  := $(VENV)/.installed-$(shell cat $(LOCK) pyproject.toml | cksum | cut -d' ' -f1)

export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all engines lint check format lock bench clean

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP):
	@PYTHON="$(PYTHON)" sh install.sh $(VENV) $(LOCK) $@

# A Python that was named may differ from the environment's: install.sh looks.
ifneq ($(PYTHON),)
.PHONY: $(STAMP)
endif

install: $(STAMP)  ## Make the environment (.venv) from the lock

demo: $(STAMP)  ## Evaluate the embedded demo, print its table, name its report
	@$(BIN)/snakemake --configfile config/demo.yaml --cores $(CORES) --logger earmark
	@$(BIN)/earmark table --configfile config/demo.yaml
	@echo && echo "The report: results-demo/report.html"

# The long suites run side by side: these beside the rest of tests/workflow.
BENCHMARKS := tests/workflow/test_benchmarks.py
OTHERS := tests/servers tests/cluster tests/browser $(BENCHMARKS)
test: CHOSEN = -m "not slow"
test test-all: $(STAMP)  ## Run the tests; test-all runs those too that take minutes each
	@$(BIN)/python -m pytest -q -n logical --maxprocesses 4 tests/unit tests/fidelity
	@$(BIN)/python -m pytest -q $(CHOSEN) tests/workflow --ignore $(BENCHMARKS) & workflow=$$!; \
	  $(BIN)/python -m pytest -q $(CHOSEN) $(OTHERS); others=$$?; wait $$workflow && exit $$others

engines:  ## Install real engines in .venv-engines (3 GB); then `pytest tests/engines`
	@sh tests/engines/install.sh .venv-engines

lint: $(STAMP)  ## Formatters, linters and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/snakefmt --check Snakefile workflow/rules
	@$(BIN)/snakemake --configfile config/demo.yaml --lint
	@$(BIN)/mypy

check: lint  ## The same and the fast tests
	@$(BIN)/python -m pytest -q -m "not slow" -n logical --maxprocesses 4 tests/unit

format: $(STAMP)  ## Format Python and Snakemake files
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/snakefmt Snakefile workflow/rules

lock:  ## Resolve the lock anew (needs uv)
	uv pip compile --universal --python-version 3.11 --extra demo --extra dev --extra translation \
	  --generate-hashes --no-emit-index-url --no-header --upgrade pyproject.toml -o $(LOCK)

bench: $(STAMP)  ## Run every benchmark; the last line of each is one JSON object
	@set -e; for b in bench/*.py; do echo "== $$b"; $(BIN)/python "$$b"; done

clean:  ## Remove the environment (data and results stay)
	rm -rf $(VENV)
