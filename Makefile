# What one does with arfgate from a checkout. `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first Python that arfgate runs on; `make PYTHON=python3.12 test` chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && echo $$p && break; done)
VENV ?= .venv
# The tests wait for servers most of the time: more at once than there are processors.
JOBS ?= 4
BIN := $(VENV)/bin
# Where it is set, every process that the tests start compiles the whole program again: that is half of their time.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := packaging/lock
UV := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: help demo run test check bench million screenshots lock clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed-demo ## show the whole job once, on embedded servers (ARGS=--once ends by itself)
	@$(BIN)/arfgate demo $(ARGS)

run: $(VENV)/installed-demo ## the service, with ./arfgate.toml (arfgate init writes one)
	@$(BIN)/arfgate run $(ARGS)

test: $(VENV)/installed-test ## the whole test suite
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(VENV)/installed-test ## lint, formatting, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed-test ## the pipeline against a naive reference, as ratios
	@$(BIN)/python tests/benchmarks $(ARGS)

screenshots: $(VENV)/installed-test ## every page at two sizes, light and dark, into ./screenshots (ARGS="--language zh")
	@$(BIN)/python tests/screenshots $(ARGS)

million: $(VENV)/installed-test ## a million random look-ups against a scan of the list
	@ARFGATE_QUESTIONS=1000000 $(BIN)/python -m pytest tests/gateway/attribution/test_million.py $(ARGS)

lock: $(VENV)/installed-test ## resolve the dependencies anew (pinned, with hashes)
	$(PIP) install 'uv>=0.9'
	$(UV) --upgrade --group build -o $(LOCK)/build.txt
	$(UV) --upgrade --extra demo pyproject.toml -c $(LOCK)/build.txt -o $(LOCK)/demo.txt
	$(UV) --upgrade --extra demo --group test pyproject.toml -c $(LOCK)/demo.txt -o $(LOCK)/test.txt

clean: ## remove the virtual environment and what the demo left
	rm -rf $(VENV) arfgate-demo

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "arfgate needs Python 3.11, 3.12 or 3.13, and none was found."; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (Debian: apt-get install python3-venv)."; exit 1; }

# Of one lock: what builds the packages, what it names, and arfgate itself. A lock is whole: nothing is left to resolve.
# Compiled afterwards, on all processors.
define installed
	@$(PIP) install --require-hashes -r $(LOCK)/build.txt
	@$(PIP) install --require-hashes --no-deps --no-compile --no-build-isolation -r $(LOCK)/$(1).txt
	@$(PIP) install --no-build-isolation --no-deps -e .
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	@# flanker writes its tables when it is first imported: two processes doing so at once trip over each other.
	@$(BIN)/python -W ignore -c 'import flanker.addresslib.address' 2>/dev/null
endef

$(VENV)/installed-demo: $(VENV)/pyvenv.cfg $(LOCK)/build.txt $(LOCK)/demo.txt pyproject.toml
	@echo "Installing what arfgate needs (pinned and hashed; about a minute the first time) ..."
	$(call installed,demo)
	@touch $@

# The lock of the tests holds that of the demo: one step instead of two.
$(VENV)/installed-test: $(VENV)/pyvenv.cfg $(LOCK)/build.txt $(LOCK)/test.txt pyproject.toml
	@echo "Installing what arfgate and its tests need (pinned and hashed; about a minute the first time) ..."
	$(call installed,test)
	@touch $(VENV)/installed-demo $@
