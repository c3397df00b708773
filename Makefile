# The project's commands; `make` alone lists them. Runs on the make 3.81 of macOS too.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
# Which Python makes the virtual environment: 3.11 to 3.13; the newest found unless named.
PYTHON ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check --require-virtualenv

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

# --- Running -----------------------------------------------------------------------------------------------------------

HOST ?= 127.0.0.1
PORT ?= 8000
DEMO ?= 1

.PHONY: run
run: $(VENV)/base.stamp ## Run the site with a demonstration clinic (PORT=8000, DEMO=1)
	@$(BIN)/python manage.py run_site --host $(HOST) --port $(PORT) $$(test "$(DEMO)" = 0 && echo --no-demo)

# --- Installing: each stamp is older than its requirements only when these have changed ---------------------------------

.PHONY: setup
setup: $(VENV)/base.stamp ## Install what the site needs into .venv (no torch)

$(BIN)/python:
	@scripts/create_venv $(VENV) $(PYTHON)

$(VENV)/base.stamp: requirements/base.txt | $(BIN)/python
	$(PIP) install --requirement requirements/base.txt
	@touch $@
