# Each target sets up everything it needs on a fresh machine with Python 3.11 or later, and works in any order.
#   make demo           the device alone (no torch), then `sonoderm demo`; DEMO_ARGS="--headless --seconds 20" are passed on
#   make test           what CI runs: ruff, mypy --strict, import-linter, pytest with warnings as errors
#   make test-browser   the live page in a headless Chromium (downloads one)
#   make test-slow      the tests that take minutes
#   make power-cuts     every cut of the power that a flash can meet, all states counted (two minutes)
#   make fuzz           a million inputs for each decoder of foreign bytes (minutes; coverage-guided with the extra fuzz)
#   make lint           the checks of `make test` that run no test
#   make clean          removes both environments and every cache
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test test-browser test-slow power-cuts fuzz lint clean

# The first Python that is 3.11 or later and can make environments. Override: make test PYTHON=/path/to/python3
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { command -v $$p; break; }; done)

DEV := .venv
DEVICE := .venv-demo
DEV_EXTRAS := openvino,export,bridge,dev
INSTALL := -m pip install --disable-pip-version-check
export PIP_CONSTRAINT := constraints.txt

help:
	@sed -n 's/^#   //p' Makefile

# $(1): folder of the environment, $(2): what to install, in one call of the resolver
define environment
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11 or later with venv was found: install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Installing $(2) into $(1) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python $(INSTALL) -e '$(2)'
	@$(1)/bin/python -c 'import cv2' 2>/dev/null || { $(1)/bin/python -c 'import cv2' 2>&1 | tail -n 1 >&2; echo "OpenCV's window needs system libraries: apt-get install libgl1 libglib2.0-0" >&2; exit 1; }
	@touch $@
endef

$(DEVICE)/installed: pyproject.toml constraints.txt
	$(call environment,$(DEVICE),.)

$(DEV)/installed: pyproject.toml constraints.txt
	$(call environment,$(DEV),.[$(DEV_EXTRAS)])

$(DEV)/browser: $(DEV)/installed
	@$(DEV)/bin/python $(INSTALL) -e '.[$(DEV_EXTRAS),browser]'
	@$(DEV)/bin/python -m playwright install chromium || echo "No Chromium could be downloaded: one that is installed already is used, or the tests say that there is none." >&2
	@touch $@

demo: $(DEVICE)/installed
	@$(DEVICE)/bin/sonoderm demo $(DEMO_ARGS)

lint: $(DEV)/installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

test: lint
	$(DEV)/bin/python -m pytest -m "not browser and not slow"

test-slow: $(DEV)/installed
	$(DEV)/bin/python -m pytest -m slow

power-cuts: $(DEV)/installed
	$(DEV)/bin/python -m benchmarks.power_cuts

fuzz: $(DEV)/installed
	$(DEV)/bin/python -m benchmarks.fuzz all --inputs 1000000

test-browser: $(DEV)/browser
	$(DEV)/bin/python -m pytest -m browser

clean:
	rm -rf $(DEV) $(DEVICE) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
