# Everything a newcomer types. `make help` lists the targets. Needs make and a Python of 3.11 to 3.13, nothing else.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then echo $$p; exit; fi; done; echo python3)
BIN := .venv/bin
PYTEST_ARGS ?=
# Two processes: one drives the embedded stack while the other does the rest.
SPREAD := --numprocesses 2 --dist loadscope --no-loadscope-reorder
.DEFAULT_GOAL := help
COMPOSE ?= docker compose
.PHONY: help setup demo test test-fast lint lint-types lint-sql format bench up down compose-up compose-demo compose-down \
	lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv by the lock (with hashes) and fetch the JVM parts; quick when nothing changed
	@command -v $(PYTHON) >/dev/null || { echo "no Python: install Python 3.11, or name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) infra/local/tools/environment.py

demo: setup ## the whole route on this machine, from an empty folder to a reconciled star
	@$(BIN)/lake demo

test: setup lint ## linters, types, and the whole test suite
	@$(BIN)/python -m pytest $(SPREAD) $(PYTEST_ARGS)

test-fast: setup ## only the tests that need no embedded stack and take no half minute
	@$(BIN)/python -m pytest $(SPREAD) -m "not integration and not slow" $(PYTEST_ARGS)

lint: setup ## ruff, mypy, import rules, sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory -j2 lint-types lint-sql

# The two that take half a minute each, one a core.
lint-types:
	@$(BIN)/mypy
lint-sql:
	@$(BIN)/python infra/local/tools/lint_sql.py

format: setup ## let ruff format the code
	@$(BIN)/ruff format .

bench: setup ## measure against peers, 1,000,000 events; table and JSON as output
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

up: setup ## start the embedded stack (lake up)
	@$(BIN)/lake up

down: ## end the embedded stack (lake down)
	@if [ -x $(BIN)/lake ]; then $(BIN)/lake down; fi

compose-up: ## the whole stack in containers (needs Docker with Compose, no Python); its images are built first
	@$(COMPOSE) up --build --detach

compose-demo: ## in containers: fill the source, take the route, reconcile
	@$(COMPOSE) run --rm demo

compose-down: ## end the containers and remove their data
	@$(COMPOSE) --profile demo --profile tools --profile sqlserver down --volumes --remove-orphans

lock: ## resolve pyproject.toml into requirements.lock; pins stay where they can (LOCK_ARGS=--upgrade moves them)
	@cp requirements.lock requirements.lock.new
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra local --extra dev $(LOCK_ARGS) --output-file requirements.lock.new pyproject.toml
	@{ echo "# Made by \`make lock\` from pyproject.toml: every package with its hashes, for all platforms."; \
	grep -v '^# Made by' requirements.lock.new; } > requirements.lock && rm requirements.lock.new

clean: down ## end the stack; remove .venv, .lake of this checkout and caches of the tools
	@grep -qs '^name = "medallion-lake"' ./pyproject.toml || { echo "clean: this is not the checkout"; exit 1; }
	@rm -rf ./.venv ./.lake ./build ./dist ./.pytest_cache ./.mypy_cache ./.ruff_cache ./.hypothesis ./.import_linter_cache ./medallion_lake.egg-info
