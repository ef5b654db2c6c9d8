# Everything a user or a contributor runs. `make` lists it; Python 3.11, pip and make are all it needs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export DO_NOT_TRACK := 1
export DAGSTER_DISABLE_TELEMETRY := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PYTHONUTF8 := 1

VENV := .venv
BIN := $(VENV)/bin
LOCK_EXTRAS := demo search postgres redis rest dev

# The first Python on the PATH that runs and is 3.11; PYTHON=... on the command line overrides it.
IS_311 := import sys; sys.version_info[:2] == (3, 11) and print(sys.executable)
PYTHON ?= $(firstword $(foreach python,python3.11 python3 python,$(shell $(python) -c '$(IS_311)' 2>/dev/null)))

# The stamp's name follows the content of what decides the environment, and the place: with the stamp there, setup is done.
SETUP_KEY := $(shell { cat requirements.lock setup.cfg; pwd; } | cksum | cut -d ' ' -f 1)
STAMP := $(VENV)/.setup-$(SETUP_KEY)

PYTEST_ARGS ?= -n 2 --dist loadfile --durations 10 --cov --cov-report term

.PHONY: help setup run test check lint types imports lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Build .venv from the lock; nothing when it is up to date

$(STAMP):
	@$(if $(PYTHON),,echo "mlops_assets needs Python 3.11; got: $$(python3 --version 2>&1 || true); next: install python3.11, or call make PYTHON=/path/to/python3.11" >&2; exit 1)
	@"$(PYTHON)" -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v == (3, 11) else f"mlops_assets needs Python 3.11; got: {v[0]}.{v[1]} ({sys.executable})")'
	"$(PYTHON)" -m venv $(VENV)
	@# The lock is whole, so nothing is resolved (pip check proves it); what has no wheel is built with its setuptools.
	sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock | $(BIN)/python -m pip install --quiet --require-hashes -r /dev/stdin
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	@rm -f $(VENV)/.setup-*
	@touch $@

run: $(STAMP) ## Replay the real year of flights, in the Dagster UI
	$(BIN)/mlops demo

test: check ## Run everything: lint, types, imports, all tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint types imports ## Lint, types and import layers, without the tests

lint: $(STAMP) ## Ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## Mypy, strict
	$(BIN)/mypy

imports: $(STAMP) ## The layers of the house, by import-linter
	$(BIN)/lint-imports

bench-%: $(STAMP) ## Measure one thing, such as bench-year; the last line is JSON
	@$(BIN)/python -m benchmarks.$*

lock: $(STAMP) ## Pin all dependencies again, with hashes, keeping what still fits
	$(BIN)/uv pip compile setup.cfg $(LOCK_EXTRAS:%=--extra %) --universal --python-version 3.11 \
		--generate-hashes --no-strip-extras --no-annotate --no-header --no-emit-index-url --quiet --output-file requirements.lock

clean: ## Remove the environment and the tools' caches, never data/
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -path ./data -prune -o -type d -name __pycache__ -exec rm -rf {} +
