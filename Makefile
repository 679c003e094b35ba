# Each target sets up its own environment. Python 3.11 or later, git and make are enough.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PYTEST := $(RUN)/python -m pytest -n auto --dist worksteal
PIP := $(RUN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo docs test test-quick test-full test-lowest check audit lock format bench mutants release clean

demo: $(VENV)/.sandbox
	@$(RUN)/python docs/demo.py

# The documentation, in build/docs. A warning is an error.
docs: $(VENV)/.docs
	$(RUN)/python -m sphinx -W --keep-going -n -d build/doctrees docs build/docs

test: check
	$(PYTEST)

# Without a network, a browser, a database server, and what takes more than a few seconds.
test-quick: $(VENV)/.dev
	$(PYTEST) -m 'not (network or browser or postgres or slow)'

# With every schema of the collections and every version of the dependencies, not a part of them,
# and with the coverage of branches.
test-full: check
	ENGAGE_CODEGEN_FULL=1 $(PYTEST) --cov --cov-report=term

# The quick tests with the lowest versions of the dependencies that pyproject.toml allows. The next target installs the
# newest ones again.
test-lowest: $(VENV)/.dev
	rm $(VENV)/.dev
	mkdir -p build
	$(RUN)/uv pip compile --quiet --resolution lowest-direct --all-extras pyproject.toml --output-file build/lowest.txt
	$(RUN)/uv pip install --quiet --python $(VENV) --requirement build/lowest.txt
	$(PYTEST) -m 'not (network or browser or postgres or slow)'

# The two type checkers take longest, so they run at the same time.
check: $(VENV)/.dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy & mypy=$$!; $(RUN)/basedpyright; code=$$?; wait $$mypy && exit $$code
	$(RUN)/bandit --quiet --recursive codegen templates generated
	$(RUN)/zizmor --quiet --offline . codegen/engage_codegen/integrations/files/engage-codegen.github.yml
	$(RUN)/codespell
	$(RUN)/engage-codegen check

# The audits of workflows that ask GitHub. Set GH_TOKEN.
audit: $(VENV)/.dev
	$(RUN)/zizmor .

# The lock file of the development environment.
lock: $(VENV)/.dev
	$(RUN)/uv lock

format: $(VENV)/.dev
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

# The benchmarks: takes a quarter of an hour and writes docs/benchmarks.*
bench: $(VENV)/.dev
	$(RUN)/python bench/run.py

# Mutation tests of templates/runtime: take hours, or less for a part, like
# MODULES="call/retry.py transport". SURVIVORS=1 tests only the survivors of the last run again.
mutants: $(VENV)/.mutants
	$(RUN)/python -m tests.support.mutants $(MODULES) $(if $(SURVIVORS),--survivors)

# The wheel and the source distribution of the last commit, and an SBOM (CycloneDX) of the wheel with everything that its
# extras install, in dist. The same commit gives the same bytes of the distributions.
release: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
release: $(VENV)/.release
	rm -rf dist build/release
	mkdir -p build/release/source
	git archive HEAD | tar -x -C build/release/source
	$(RUN)/python -m build --no-isolation --outdir dist build/release/source
	$(PYTHON) -m venv --without-pip build/release/environment
	$(RUN)/python -m pip --python build/release/environment/bin/python install --quiet --disable-pip-version-check \
		"$$(echo dist/*.whl)[sandbox,verify,watch]"
	name=$$(basename dist/*.tar.gz .tar.gz) && \
	sed "s/^dynamic = .*/version = \"$${name##*-}\"/" build/release/source/pyproject.toml > build/release/pyproject.toml && \
	$(RUN)/cyclonedx-py environment --output-reproducible --pyproject build/release/pyproject.toml \
		--output-file dist/$$name.cdx.json build/release/environment/bin/python

# The environment of a target: the tool with extras, and a dependency group of pyproject.toml.
$(VENV)/.dev: INSTALL := '.[sandbox,verify,watch]' --group dev
$(VENV)/.mutants: INSTALL := '.[sandbox,verify,watch]' --group mutants
$(VENV)/.release: INSTALL := . --group release
$(VENV)/.docs: INSTALL := . --group docs
$(VENV)/.sandbox: INSTALL := '.[sandbox]'
$(VENV)/.%: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1'  # the first version with --group
	$(PIP) --editable $(INSTALL)
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
