# Every target sets up what it needs by itself: a virtual environment in .venv (the source tree, interpreted)
# and one in .venv-native (a compiled wheel). Stamps in them make the second run quick.
#
#   make demo        gradients checked, a graph as SVG, networks trained: start here
#   make test        the test suite        make check      ruff, formatting, mypy --strict
#   make native      the engine, compiled  make test-native  the same suite on it
#   make wheel       the compiled engine for any Linux, in dist/
#   make bench       against other engines make notebooks  executes them all
#   make versions    the same suite on newer Pythons, as far as they are installed
#   make docs        the site: guides, a page for each function, reference
#   make mutants     wrong rules on purpose: does the checker notice?
#   make clean       removes everything that was made

PYTHON ?= python3
SHELL = bash
.SHELLFLAGS = -o pipefail -c
PIP = bin/python -m pip install --disable-pip-version-check
# What pip says, shortened to what it fetches: an installation takes minutes
NAMES = | sed -un 's/^ *Collecting \([^][ ;<>=!~]*\).*/    \1/p; s/^Processing .*\/\([^-]*\)-.*/    \1/p; \
  s/^Installing collected packages.*/    unpacking all of them/p'
SOURCES = $(shell find engine nn -name __pycache__ -prune -o -print) hatch_build.py pyproject.toml
VERSIONS ?= 3.12 3.13 3.14
PYTEST_ARGS ?= -n auto --dist worksteal

.PHONY: demo test check format native test-native wheel versions bench docs notebooks mutants clean
.DELETE_ON_ERROR:
.PRECIOUS: .venv-3.%/made

demo: .venv/demo
	.venv/bin/python notebooks/demo.py

test: .venv/test
	.venv/bin/python -m pytest $(PYTEST_ARGS)

check: .venv/lint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/lint
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

native: .venv-native/wheel
	@PYTHONSAFEPATH=1 .venv-native/bin/python -m engine --version

# PYTHONSAFEPATH keeps the source tree off sys.path, in the tests' own child processes too.
test-native: .venv-native/wheel .venv-native/test
	PYTHONSAFEPATH=1 .venv-native/bin/python -X dev -m pytest $(PYTEST_ARGS)

# The wheel for every Linux with glibc. Those for musl, macOS and Windows: .github/workflows/wheels.yml
wheel: .venv-native/wheel .venv/wheel
	@rm -rf dist
	PATH=.venv/bin:$$PATH .venv/bin/auditwheel repair -w dist .venv-native/dist/*.whl
	@ls dist

versions:
	@for version in $(VERSIONS); do \
	  if ! python$$version -c "" 2>/dev/null; then echo "python$$version is not installed: left out"; continue; fi; \
	  $(MAKE) --no-print-directory PYTHON=python$$version .venv-$$version/test || exit; \
	  .venv-$$version/bin/python -m pytest $(PYTEST_ARGS) || exit; \
	done

bench: .venv-native/wheel .venv-native/bench .venv/bench
	.venv-native/bin/python benchmarks/run.py
	.venv/bin/python benchmarks/run.py
	for name in compiled networks language adbench series; do .venv-native/bin/python benchmarks/$$name.py || exit; done

docs: .venv/docs
	.venv/bin/sphinx-build -q -E -W -n --keep-going docs docs/_build/html
	@echo "the site is in docs/_build/html/index.html"

notebooks: .venv/notebooks
	.venv/bin/python notebooks/run.py

mutants: .venv/test
	.venv/bin/python tests/mutants.py
	.venv/bin/python tests/source_mutants.py

clean:
	rm -rf .venv .venv-native .venv-3.* build dist docs/_build docs/generated demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environments: pip is renewed first, for an old one knows no --group.
%/made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, got " \
	  + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	@echo "setting up $*"
	@$(PYTHON) -m venv $* || { rm -rf $*; echo "no virtual environment: apt install python3-venv"; exit 1; }
	@$*/$(PIP) -qq --upgrade pip
	@touch $@

# One stamp for each dependency group; an editable install of the source is there in every .venv.
.venv/test .venv/lint .venv/demo .venv/notebooks .venv/bench .venv/frameworks .venv/wheel .venv/docs: .venv/%: pyproject.toml .venv/made
	@echo "installing into .venv: $*"
	@.venv/$(PIP) --progress-bar off --group $* -e . $(NAMES)
	@touch $@

.venv-3.%/test: pyproject.toml .venv-3.%/made
	@echo "installing into .venv-3.$*: test"
	@.venv-3.$*/$(PIP) --group test -e .
	@touch $@

.venv-native/test .venv-native/bench: .venv-native/%: pyproject.toml .venv-native/made
	@echo "installing into .venv-native: $*"
	@.venv-native/$(PIP) --progress-bar off --group $* $(NAMES)
	@touch $@

# Anything newer than the wheel makes a new wheel: what runs is never older than what is read.
.venv-native/wheel: $(SOURCES) .venv-native/made
	@echo "compiling the engine into .venv-native (about a minute)"
	@rm -rf .venv-native/dist
	@CHAINRULE_PURE=0 .venv-native/bin/python -m pip wheel -qq --disable-pip-version-check --no-deps -w .venv-native/dist .
	@.venv-native/$(PIP) -qq --force-reinstall --no-deps .venv-native/dist/*.whl
	@touch $@
