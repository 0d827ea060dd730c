# The commands that people need, each in a line that can be typed without make too: make is on every Linux and macOS machine, and
# needs no installation or configuration. On Windows, type the lines in an activated environment.
PYTHON ?= python

.PHONY: install quick test lint format wheel all

install: ## the package from this checkout, with what the tests need, and the checks at each commit
	$(PYTHON) -m pip install -e ".[test]" pre-commit
	$(PYTHON) -m pre_commit install

quick: ## the quick tests: less than a minute
	$(PYTHON) -m pytest -m quick

test: ## all tests: 10 to 20 minutes
	$(PYTHON) -m pytest

lint: ## what .ci/run checks of the code
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

format: ## rewrite the code as ruff wants it
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

wheel: ## the source distribution and the wheel, in dist/
	$(PYTHON) -m build --no-isolation

all: ## everything that must hold before a change lands, on Debian or Ubuntu
	.ci/run
