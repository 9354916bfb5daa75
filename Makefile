# Everything needs `make` and Python 3.11 or later; nothing else. The virtual environment is made on first use.
.DEFAULT_GOAL := help
.PHONY: help demo test quick check format bench gpu checkpoints docs wheel clean

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ARGS ?=
# The suite starts dozens of processes: compiled once, the package is not compiled by each of them. `make clean` removes it.
export PYTHONDONTWRITEBYTECODE :=
WORKERS ?= 2
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.demo  ## the page on http://127.0.0.1:7860 (ARGS="--port 8000 --open")
	$(PY) -m t2ialign serve $(ARGS)

test: $(VENV)/.dev  ## the whole test suite, offline, on the CPU (ARGS="-k lpips" for a part, WORKERS=8 where there are cores and memory)
	$(PY) -m pytest -n $(WORKERS) $(ARGS)

quick: $(VENV)/.dev  ## the tests without the slow ones and without a browser
	$(PY) -m pytest -n $(WORKERS) -m "not slow and not e2e" $(ARGS)

check: $(VENV)/.dev  ## formatting, lint, types, import layers
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.dev  ## mend formatting and what lint can mend
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: $(VENV)/.dev  ## every benchmark, side by side with its peer
	set -e; for name in $(filter-out machine gpu_tests,$(basename $(notdir $(wildcard benchmarks/[a-z]*.py)))); do echo "== $$name"; $(PY) -m benchmarks.$$name; done

gpu: $(VENV)/.dev  ## what wants a GPU, in three parts of under eight minutes each; results in benchmarks/results
	for name in gpu gpu_shares gpu_tests; do echo "== $$name"; $(PY) -m benchmarks.$$name; done

checkpoints: $(VENV)/.demo  ## train the shipped adapters anew, as checkpoints/recipes.txt says (ARGS="--store FOLDER")
	set -e; grep '^[a-z]' checkpoints/recipes.txt | while read -r line; do \
		echo "== $$line"; $(PY) -m t2ialign $$line --into checkpoints --replace $(ARGS) </dev/null; done

docs: $(VENV)/.dev  ## what the docstrings say as pages: build/docs/t2ialign.html
	PYTHONPATH=. $(PY) docs/make_api.py build/docs

wheel: $(VENV)/.dev  ## dist/t2ialign-*.whl, for any machine with Python 3.11 or later
	$(PY) -m pip wheel --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .hypothesis .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" || { echo "t2ialign needs Python 3.11 or later: install it, or say where it is: make PYTHON=/path/to/python3"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The two stamps say what is installed; a changed requirements file installs again.
$(VENV)/.demo: requirements.txt | $(PY)
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(PY)
	$(PIP) -r requirements-dev.txt
	touch $(VENV)/.demo $@
