# Everything a user or a developer runs. Needs Python >= 3.11 and make; all else is installed into .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export DAGSTER_HOME := $(CURDIR)/var/dagster
export DO_NOT_TRACK := 1

# MOTHERSHIP=mariadb: the demo on the private server of `make services`, in a new database.
ifeq ($(MOTHERSHIP),mariadb)
NEW_DATABASE := from tests.services import mariadb; print(mariadb.fresh_database(mariadb.running(), "demo").url)
MARIADB_URL = FEDERATION_DEMO_MOTHERSHIP="$$($(BIN)/python -c '$(NEW_DATABASE)')"
endif

.PHONY: demo ui test soak check bench services lock clean

demo: $(VENV)/.ready  ## bring four simulated sites together and compare every document
	@$(MARIADB_URL) $(BIN)/federation demo run

ui: $(VENV)/.ready  ## the demo in the Dagster UI, with living sites
	@$(MARIADB_URL) $(BIN)/federation demo ui

test: $(VENV)/.ready  ## all tests
	@$(BIN)/pytest -n 2

soak: $(VENV)/.ready  ## random histories with kills for MINUTES=5, or those of one SEED=…
	@$(BIN)/python tests/model/soak.py --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

check: $(VENV)/.ready  ## style, types, import rules, definitions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	FEDERATION_SETTINGS=examples/federation.yaml $(BIN)/dg check defs

bench: $(VENV)/.ready  ## all benchmarks, as one table
	@$(BIN)/python -m benchmarks

services: $(VENV)/.ready  ## fetch and start the real servers that tests use
	@$(BIN)/python -m tests.services

lock: $(VENV)/.ready  ## resolve pyproject.toml anew
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements.lock

clean:  ## forget everything made at run time
	rm -rf var

$(VENV)/.ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the exact versions of requirements.lock into $(VENV) (about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@mkdir -p var/dagster && ln -sf ../../dagster.yaml var/dagster/dagster.yaml
	@touch $@
