# Thin on purpose: every target sets itself up, and the work is done by Python behind it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
RUN := .run
UV := $(shell command -v uv 2>/dev/null || echo $(RUN)/uv/bin/uv)
BIN := .venv/bin
MEMBERS := shared services/agreements-api services/notifier services/reporting deploy/local
STAMP := .venv/.synced

# The system knows the certificates of the network it stands in; the bundles of pip, uv and Python's clients may not.
CERTIFICATES := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem))
ifneq ($(CERTIFICATES),)
export SSL_CERT_FILE ?= $(CERTIFICATES)
export PIP_CERT ?= $(CERTIFICATES)
export REQUESTS_CA_BUNDLE ?= $(CERTIFICATES)
endif

# Whoever has no home to write to keeps downloads in the clone.
CACHE := $(shell mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}" 2>/dev/null && test -w "$${XDG_CACHE_HOME:-$$HOME/.cache}" && echo usable)
ifeq ($(CACHE),)
export XDG_CACHE_HOME := $(CURDIR)/$(RUN)/cache
endif

.PHONY: help setup run test lint typecheck bench faults e2e fmt migration reset lock policy docs

help: ## This list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(RUN)/uv/bin/uv:
	@mkdir -p $(RUN)
	@$(PYTHON) -m venv $(RUN)/uv || { echo "$(PYTHON) cannot make virtual environments; Debian and Ubuntu keep that in the package python3-venv." >&2; exit 1; }
	@$(RUN)/uv/bin/pip install --quiet --disable-pip-version-check uv

$(STAMP): requirements.lock $(if $(findstring $(RUN)/uv,$(UV)),$(RUN)/uv/bin/uv) $(addsuffix /pyproject.toml,$(MEMBERS))
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@VIRTUAL_ENV=.venv $(UV) pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps $(addprefix -e ,$(MEMBERS))
	@touch $(STAMP)

setup: $(STAMP) ## Install everything into .venv (done by every other target by itself)

run: setup ## Start the whole product here and play the story of Conclusion 352 (DEMO=0: empty)
	@exec $(BIN)/lienvung up

# In the order of the files: by numbers of tests, the walk, which is one test and the longest, would come last and alone.
test: setup ## Run the tests against real PostgreSQL, Kafka and Envoy
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup ## ruff and import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

typecheck: setup ## mypy --strict
	@$(BIN)/mypy $(addsuffix /src,$(MEMBERS)) tests

bench: setup ## Figures of performance.md, each beside its limit
	@$(BIN)/python -m tests.load.bench

faults: setup ## Kill everything at random under load, then check that nothing is lost or doubled
	@$(BIN)/python -m tests.faults.run

e2e: setup ## The story, end to end, through the gateway
	@$(BIN)/pytest tests/e2e

fmt: setup ## Format
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

migration: setup ## New migration: make migration SERVICE=agreements-api M="what it does"
	@$(BIN)/$(SERVICE) migration "$(M)"

policy: setup ## Print the permission table
	@$(BIN)/lienvung policy

docs: setup ## Write the generated tables of docs/ anew
	@$(BIN)/python -m lienvung.documentation

lock: $(if $(findstring $(RUN)/uv,$(UV)),$(RUN)/uv/bin/uv) ## Resolve the dependencies again
	@$(UV) lock --quiet
	@$(UV) export --quiet --all-packages --all-groups --no-emit-workspace --no-header > requirements.lock

reset: ## Remove everything that run and test wrote (.run)
	@test ! -x $(BIN)/lienvung || $(BIN)/lienvung reset
	@rm -rf $(RUN)
