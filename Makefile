# Linux on x86-64, Python 3.11. `make run` and `make test` are all a newcomer needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast test-postgres bench lint format lock messages clean

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "Evenhand needs Python 3.11; name one with make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch first and alone: so an index of CPU builds can be chosen for it (docs/install.md).
$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	$(PIP) install "$$(grep '^torch==' requirements.txt)"
	$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(PIP) install -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.runtime   ## virtual environment, database, static files
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py collectstatic --noinput --verbosity 0

run: setup       ## start everything on this machine and print a sign-in link
	$(BIN)/python manage.py up --demo

test: $(VENV)/.dev   ## everything this machine can test, browser included
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n 2 --dist loadgroup --durations 15

test-fast: $(VENV)/.dev   ## the inner loop
	$(BIN)/python -m pytest -m "not slow and not browser"

test-postgres: $(VENV)/.dev   ## the same tests on a throwaway PostgreSQL
	$(BIN)/python -m tests.postgres $(BIN)/python -m pytest -n 2 --dist loadgroup -m "not browser" \
	  $(TESTS)

bench: $(VENV)/.dev   ## headline numbers beside their rivals -> benchmarks/results.md
	$(BIN)/python -m benchmarks.run

lint: $(VENV)/.dev   ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# pip-compile writes the local build tag of torch, which exists on no public index: strip it.
lock: $(VENV)/.dev   ## pin every dependency
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-find-links --no-emit-index-url \
	  --no-header --output-file requirements.txt requirements.in
	sed -i 's/^\(torch==[0-9.]*\)+cpu/\1/' requirements.txt
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-find-links --no-emit-index-url \
	  --no-header --output-file requirements-dev.txt requirements-dev.in

# The compiled catalogues are committed: only this needs xgettext and msgfmt.
messages: $(VENV)/.dev   ## collect texts to translate, and compile what is translated
	$(BIN)/python manage.py makemessages --all --no-wrap --no-obsolete --add-location file \
	  $(foreach folder,.venv var tests static staticfiles docs benchmarks scratch,--ignore $(folder))
	$(BIN)/python auditapp/locale/tidy.py
	$(BIN)/python manage.py compilemessages --ignore .venv --verbosity 0

clean:           ## remove the environment and caches, keep var/ (data)
	rm -rf $(VENV) staticfiles .pytest_cache .ruff_cache .mypy_cache
