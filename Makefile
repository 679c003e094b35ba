# Each target sets up all that it needs: Python 3.11 or later, git and make are enough.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin

.PHONY: demo docs test test-full check format bench clean

demo: $(VENV)/.sandbox
	@$(RUN)/python docs/demo.py

# The site, in build/docs: a warning is an error.
docs: $(VENV)/.docs
	$(RUN)/python -m sphinx -W --keep-going -n -d build/doctrees docs build/docs

test: check
	$(RUN)/python -m pytest -n auto

# Every schema and case of the collections, instead of a part of them.
test-full: check
	ENGAGE_CODEGEN_FULL=1 $(RUN)/python -m pytest -n auto

check: $(VENV)/.dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/basedpyright
	$(RUN)/engage-codegen check

format: $(VENV)/.dev
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

# Beside the peers: takes a quarter of an hour and writes docs/benchmarks.*
bench: $(VENV)/.dev
	$(RUN)/python bench/run.py

# The environment with one of the extras of pyproject.toml.
$(VENV)/.%: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
