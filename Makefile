# A new user needs only `make demo` and `make test`.
#
#   make demo     start a private Salt cluster with FairMQ topologies in RUNNING, then remove it
#   make test     run all unit and integration tests, with real Salt daemons
#   make soak     run tests that wait for minutes, orders in quick succession from many seeds (HURRIED="0-1999"),
#                 and a long drill with at least FAULTS=500 faults from SEEDS="1"
#   make bench    measure Salt O² and a bare script in the same run
#   make lint     check formatting, imports and types
#   make docs     build the documentation; a warning is an error
#   make vagrant-test   set up empty hosts with systemd-nspawn and vagrant with lxc (needs root; takes minutes)
#   make lock     write the lock file of known-good versions again

PYTHON ?= python3
BIN := .venv/bin

# Number of processes that run tests. One process runs all tests of a file. Long files start first.
WORKERS ?= 2
SEEDS ?= 1
# Number of faults that `make soak` injects at least. As root it drills two clusters at the same time.
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
