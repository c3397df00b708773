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

PORT ?= 8000
DEMO ?= 1

.PHONY: run
run: $(VENV)/base.stamp ## Run the site with a demonstration clinic (PORT=8000, DEMO=1)
	@$(BIN)/python manage.py run_site --port $(PORT) $$(test "$(DEMO)" = 0 && echo --no-demo)

# --- Installing: each stamp is older than its requirements only when these have changed ---------------------------------

.PHONY: setup
setup: $(VENV)/base.stamp ## Install what the site needs into .venv (no torch)

$(BIN)/python:
	@scripts/create_venv $(VENV) $(PYTHON)

$(VENV)/base.stamp: requirements/base.txt | $(BIN)/python
	$(PIP) install --requirement requirements/base.txt
	@touch $@

.PHONY: setup-dev
setup-dev: $(VENV)/dev.stamp ## Install everything for development and tests into .venv (torch: 6 GB)
	@scripts/install_tools

$(VENV)/dev.stamp: requirements/dev.txt | $(BIN)/python
	$(PIP) install --requirement requirements/dev.txt
	@touch $@ $(VENV)/base.stamp

# --- Checking ----------------------------------------------------------------------------------------------------------

.PHONY: check
check: setup-dev ## Formatting, lint, types, layers, templates, migrations, container, scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/djlint --quiet --check --lint templates
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/hadolint Dockerfile
	shellcheck .ci/run scripts/*

.PHONY: test
test: check ## Everything: the checks, then all tests with real servers and a real browser
	NO_ALBUMENTATIONS_UPDATE=1 $(BIN)/pytest --numprocesses 2 --dist worksteal

.PHONY: bench
bench: setup-dev ## Measure: decoder, network and reading; then what an upload costs, uploads a second and memory of the service
	$(BIN)/python -m ml bench
	$(BIN)/python manage.py bench_service

# --- Research: DATA is a directory in the official ISIC 2018 Task 3 layout, WEIGHTS one of safetensors -------------------------

DATA ?= data/isic2018_task3
WEIGHTS ?= weights
OUT ?= runs/study
JOBS ?= 1

.PHONY: study
study: setup-dev ## Train, measure and report every model of the study into OUT; goes on where it stopped (DATA=, WEIGHTS=, OUT=, JOBS=2)
	$(BIN)/python -m ml study --data $(DATA) --weights-dir $(WEIGHTS) --out $(OUT) --jobs $(JOBS) --keep-going
	$(BIN)/python -m ml experiments --results $(OUT)/report

.PHONY: bench-training
bench-training: setup-dev ## Measure the training loop, also against timm's own (DATA=, TIMM_TRAIN=train.py of the same version)
	$(BIN)/python -m ml bench-training --data $(DATA) $(if $(TIMM_TRAIN),--timm-train $(TIMM_TRAIN))

.PHONY: best-model
best-model: setup-dev ## Go the whole road to the model that ships, stage by stage; best on a GPU (DATA=, WEIGHTS=, CLINICAL=, EVERYDAY=)
	$(BIN)/python -m ml best-model --data $(DATA) --weights $(WEIGHTS) $(if $(CLINICAL),--clinical $(CLINICAL) --everyday $(EVERYDAY))

# --- Keeping generated files in step -------------------------------------------------------------------------------------

COMPILE := $(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe --generate-hashes

.PHONY: requirements
requirements: setup-dev ## Compile requirements/*.in into pinned requirements/*.txt
	$(COMPILE) --output-file requirements/dev.txt requirements/dev.in
	for name in ml base production; do \
		$(COMPILE) --constraint requirements/dev.txt --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

.PHONY: sbom
sbom: setup-dev ## List what a deployment installs, for those who look for vulnerabilities: sbom.json (CycloneDX)
	$(BIN)/cyclonedx-py requirements requirements/production.txt --pyproject pyproject.toml --output-reproducible --of JSON --output-file sbom.json

.PHONY: messages
messages: setup-dev ## Collect the texts to translate into locale/ru, and compile what is translated (needs GNU gettext)
	$(BIN)/python manage.py makemessages --locale ru --extension html,py,txt --no-location --no-wrap --no-obsolete \
		--ignore .venv --ignore tests --ignore var --ignore runs
	$(BIN)/python manage.py compilemessages --locale ru --ignore .venv

.PHONY: openapi
openapi: setup-dev ## Write docs/openapi.yaml anew from the API's code
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

.PHONY: schema
schema: setup ## Write docs/manifest.schema.json, what a bundle's manifest must be, anew from the code
	$(BIN)/python -m ml manifest-schema docs/manifest.schema.json
