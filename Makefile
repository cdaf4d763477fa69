# A new user needs only `make demo` and `make test`.
#
#   make demo     start a private Salt cluster with FairMQ topologies in RUNNING, then remove it
#   make test     run all unit and integration tests, with real Salt daemons
#   make soak     run tests that wait for minutes, orders in quick succession from many seeds (HURRIED="0-1999"),
#                 and a long drill with at least FAULTS=500 faults from SEEDS="1"
#   make simulate   run simulated clusters: SEEDS=0-99, at most HOURS=2 of real time
#   make bench    measure Salt O² and a bare script in the same run
#   make lint     check formatting, imports and types
#   make docs     build the documentation; a warning is an error
#   make vagrant-test   set up empty hosts with systemd-nspawn and vagrant with lxc (needs root; takes minutes)
#   make lock     write the lock files again, with the hashes of all files; UPGRADE=--upgrade takes the newest versions
#   make audit    check the lock files, and ask pip-audit for known vulnerabilities of what they pin

PYTHON ?= python3
BIN := .venv/bin

# Number of processes that run tests. One process runs all tests of a file. Tests with real daemons come first; they wait
# half of the time, so there is one process more than the two processors that tests are made for.
WORKERS ?= 3
# More options of pytest.
PYTEST_OPTIONS ?=
SEEDS ?= 1
# Number of faults that `make soak` injects at least. As root it drills two clusters at the same time.
FAULTS ?= 500
HURRIED ?= 0-1999
# How many wrong messages of a compromised host `make soak` sends to control, and of control to an agent.
MUTATED ?= 100000

# Salt's daemons start five times slower without bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test soak simulate bench lint docs lock audit clean vagrant-test

PIP_INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check

# Source distributions are built with what the first step has installed: pip would fetch build tools without a hash.
# The project comes second, because Salt pins a version of packaging that is too old to build it.
.venv/installed: requirements.lock requirements-build.lock pyproject.toml setup.py
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) --require-hashes --only-binary :all: --requirement requirements-build.lock
	$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	$(PIP_INSTALL) --require-hashes --no-build-isolation --requirement requirements.lock
	touch $@

demo: .venv/installed
	$(BIN)/coconut demo

test: .venv/installed lint
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_OPTIONS)

soak: .venv/installed
	$(BIN)/pytest -m patient --ignore=tests/faults
	O2_MUTATED="$(MUTATED)" $(BIN)/pytest -s -p no:logging tests/unit/bus/test_mutated_messages.py
	O2_SEEDS="$(HURRIED)" $(BIN)/pytest --numprocesses $(WORKERS) --dist load tests/integration/agent/test_rapid_orders.py
	@echo "a drill of at least $(FAULTS) faults on real daemons, drawn from seeds $(SEEDS)"
	O2_SEEDS="$(SEEDS)" O2_FAULTS="$(FAULTS)" $(BIN)/pytest -m integration --numprocesses $(WORKERS) \
		--dist loadgroup tests/faults

# SEEDS is a range here, and has another default for drills.
SIMULATED = $(if $(filter file,$(origin SEEDS)),0-99,$(SEEDS))
HOURS ?= 0

simulate: .venv/installed
	$(BIN)/python -u -m salt_o2.simulation $(SIMULATED) --hours $(HOURS) --keep-going

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

# UPGRADE=--upgrade takes the newest versions. Without it only those change that pyproject.toml no longer permits.
UPGRADE ?=
LOCK = build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' $(UPGRADE)

lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check uv
	$(LOCK) --extra dev pyproject.toml --output-file requirements.lock
	$(LOCK) --group build --output-file requirements-build.lock

audit: .venv/installed
	rm -rf build/audit && $(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/python .ci/audit.py build/audit/bin/pip-audit

clean:
	rm -rf .venv .cluster build
