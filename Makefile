# Tongguan 通关. `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-import test check bench bench-day scale latency chaos docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(STAMP) ## install into .venv what requirements.lock names, and the tongguan command

# PYTHON: 3.11 or newer. Runs again only when the lock or the project file has changed.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed (make setup PYTHON=python3.12) / 需要 Python 3.11 以上" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

demo: setup ## clear a made-up truck from files to closed; KEEP=1 leaves the server running
	$(BIN)/python -m deployments.demo $(if $(KEEP),--keep)

demo-import: setup ## the same with a made-up import truck, its taxes and books; REGIME=1210 for a bonded batch
	$(BIN)/python -m deployments.demo_import_run $(if $(KEEP),--keep) $(if $(REGIME),--regime $(REGIME))

test: setup ## the tests, with branch coverage; `make chaos` has the long ones
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-branch --cov-report=term $(ARGS)

check: setup ## format, lint, types, import rules, and that generated files are current
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m deployments.docs --check

docs: setup ## write the generated pages again
	$(BIN)/python -m deployments.docs

bench: setup ## parcels a second, peak memory, and the floor for the same bytes
	$(BIN)/python -m tests.bench $(ARGS)

bench-day: setup ## a day at the bridge: 500 trucks, 1.6 million parcels through Prefect; needs PostgreSQL and Redis
	$(BIN)/python -m tests.bench.day $(ARGS)

scale: setup ## parcels a second with 1 to 4 workers, and what is full; needs PostgreSQL and Redis
	$(BIN)/python -m tests.scale $(ARGS)

latency: setup ## how long a single shipment and a pushed receipt take while trucks run; needs PostgreSQL and Redis
	$(BIN)/python -m tests.bench.latency $(ARGS)

chaos: setup ## the long form: every kill point by itself, every permutation; about half an hour
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "chaos or long" $(ARGS)

lock: setup ## resolve requirements.lock anew, for every Python and system (uv is installed beside, not locked; it reads no pip.conf)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --extra dev --extra scale --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean: ## remove the environment and what tests and demos left
	rm -rf $(VENV) .demo .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
