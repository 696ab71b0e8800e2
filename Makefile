# The few commands that others rely on; `make help` lists them. Each installs what it needs and is missing.

SEED  ?=
COUNT ?= 2000
SUITE ?= identity
ARGS  ?=
PYTHON ?= python3

VENV := target/venv
KEYSTONE := target/venv-keystone
CARGO ?= cargo

# The tests run the build that cargo's own tests use: a second, optimised one of everything takes minutes more and tells
# nothing more. What is measured or installed is the release build.
PROFILE ?= dev
BUILT := target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

# One closing line per test runner; without nextest on the machine cargo's own runner does.
NEXTEST := $(shell command -v cargo-nextest >/dev/null 2>&1 && echo yes)
ifeq ($(NEXTEST),yes)
RUN_TESTS := $(CARGO) nextest run --no-fail-fast
else
RUN_TESTS := $(CARGO) test --no-fail-fast
endif

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | awk -F'\t' '{ printf "make %-12s %s\n", $$1, $$2 }'

.PHONY: deps
deps: ## install the Debian packages that build, run and tests need (root), or say which are missing
	@.ci/deps build run test

.PHONY: run
run: ## build, and run `baryon up` in the foreground with its data in /var/lib/baryon (ARGS=)
	@.ci/deps build run
	$(CARGO) build --release --bin baryon
	exec target/release/baryon up $(ARGS)

.PHONY: test
test: ## every test that a change must pass (root)
	@if [ "$$(id -u)" != 0 ]; then \
		echo "make test needs root, for network namespaces and eBPF; make test-api needs none" >&2; exit 1; fi
	@.ci/deps build run test
	@CARGO="$(CARGO)" RUN_TESTS="$(RUN_TESTS)" tests/run

.PHONY: test-api
test-api: ## the tests that need no root: everything above the datapath
	@.ci/deps build
	$(RUN_TESTS) $(patsubst %,-p %,types model store intent api logical compiler reconcile baryon-tests)
	@$(MAKE) --no-print-directory shapes

# Kept until the pins change: a venv takes a minute to fill.
$(VENV)/.ready: tests/requirements.txt
	@.ci/deps test
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

.PHONY: venv
venv: $(VENV)/.ready ## the pinned OpenStack clients, in target/venv

# With a database that has its tables and one administrator, which tests copy.
$(KEYSTONE)/.ready: tests/external/requirements.txt tests/external/run_keystone.py
	@.ci/deps test
	$(PYTHON) -m venv --clear $(KEYSTONE)
	$(KEYSTONE)/bin/pip install --quiet --disable-pip-version-check -r tests/external/requirements.txt
	$(KEYSTONE)/bin/python -W ignore tests/external/run_keystone.py prepare $(CURDIR)/$(KEYSTONE)/template
	@touch $@

.PHONY: venv-keystone
venv-keystone: $(KEYSTONE)/.ready ## the pinned real Keystone that tests start, in target/venv-keystone

.PHONY: slice
slice: $(VENV)/.ready ## ten things that must work, from the openstack command to packets (root)
	@.ci/deps build run test
	$(CARGO) build --profile $(PROFILE) --quiet --bin baryon --bin slice
	$(BUILT)/slice $(ARGS)

.PHONY: shapes
shapes: ## replay the recorded requests of the real service and compare the answers
	@.ci/deps build
	$(CARGO) run --profile $(PROFILE) --quiet -p baryon-tests --bin shapes -- $(ARGS)

.PHONY: clients
clients: $(VENV)/.ready ## the openstack commands of identity, catalogue and quota against this build: ARGS=part of a name
	@.ci/deps build test
	$(CARGO) build --profile $(PROFILE) --quiet --bin baryon
	BARYON=$(BUILT)/baryon tests/with-baryon $(VENV)/bin/python tests/clients/identity.py $(ARGS)

.PHONY: conformance
conformance: ## the OpenStack community's API suites against this build: SUITE=identity|core|plugin, ARGS=
	@.ci/deps build test
	$(CARGO) build --profile $(PROFILE) --quiet --bin baryon
	BARYON=$(BUILT)/baryon tests/conformance/run $(SUITE) $(ARGS)

.PHONY: diff-trace
diff-trace: ## trace against the eBPF programs on generated packets: SEED= COUNT= (root)
	@.ci/deps build
	$(CARGO) run --profile $(PROFILE) --quiet -p baryon-tests --bin diff-trace -- $(if $(SEED),--seed $(SEED)) --count $(COUNT)

.PHONY: bench
bench: ## measure the datapath against its peers; RATIO lines (root)
	@.ci/deps build run test
	$(CARGO) build --release --quiet --bin baryon --bin datapath
	target/release/datapath $(ARGS)

.PHONY: bench-check
bench-check: ## the same, judged by bench/targets.toml: PASS, FAIL or NOISY per target (root)
	@.ci/deps build run test
	$(CARGO) build --release --quiet --bin baryon --bin datapath
	target/release/datapath --check bench/targets.toml $(ARGS)
