# One word each. `make demo` and `make test` are all that a newcomer needs.
#
#   make demo     a private Salt cluster, FairMQ topologies RUNNING on it, and everything gone again
#   make test     all tests, unit to integration, with real Salt daemons
#   make soak     tests that wait for minutes, hurried orders from many seeds: HURRIED="0-1999",
#                 and a long drill: FAULTS=500 in all, drawn from SEEDS="1"
#   make bench    the figures, beside a bare script in the same run
#   make lint     formatting, imports, types
#   make docs     the documentation, warnings are errors
#   make vagrant-test   hosts from nothing: systemd-nspawn and vagrant with lxc (root; minutes)
#   make lock     the lock file of known-good versions, made anew

PYTHON ?= python3
BIN := .venv/bin

# How many processes run tests. One file stays with one of them, and long ones begin first.
WORKERS ?= 2
SEEDS ?= 1
# How many faults `make soak` lets happen in all. With root rights it drills two clusters at the same time.
FAULTS ?= 500
HURRIED ?= 0-1999

# Salt's daemons start five times slower without bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test soak bench lint docs lock clean vagrant-test

.venv/installed: requirements.lock pyproject.toml setup.py
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: .venv/installed
	$(BIN)/coconut demo

test: .venv/installed lint
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

soak: .venv/installed
	$(BIN)/pytest -m patient --ignore=tests/faults
	O2_SEEDS="$(HURRIED)" $(BIN)/pytest --numprocesses $(WORKERS) --dist load tests/integration/agent/test_hurried_orders.py
	@echo "a drill of at least $(FAULTS) faults on real daemons, drawn from seeds $(SEEDS)"
	O2_SEEDS="$(SEEDS)" O2_FAULTS="$(FAULTS)" $(BIN)/pytest -m integration --numprocesses $(WORKERS) \
		--dist loadgroup tests/faults

vagrant-test: .venv/installed
	O2_PROVISION=1 $(BIN)/pytest -rs tests/provision

bench: .venv/installed
	GRPC_VERBOSITY=ERROR $(BIN)/python -m bench

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/sphinx-build --fail-on-warning --keep-going -q docs docs/_build

lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check '.[dev]'
	build/lock/bin/pip freeze --exclude salt-o2 > requirements.lock

clean:
	rm -rf .venv .cluster build
