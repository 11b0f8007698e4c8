# `make` lists the targets. Each sets up only what it needs and does nothing twice; environments are rebuilt when their lock file changes.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/bash

PY := .venv/bin/python
export SAM_CLI_TELEMETRY := 0
# Containers' Pythons are often told to keep no bytecode. Here, each of many processes would compile a thousand modules anew.
unexport PYTHONDONTWRITEBYTECODE
CODE := layers/fermata/fermata client/fermata_client functions cli local tests tooling
ARGS ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- environments

VENV := .venv/.made
RUN := .venv/.run
FUNCTIONS := .tools/functions/.made
MEDIA := .tools/media/.made
C2PA := .tools/c2pa/.made
SAM := .tools/sam/.made
NODE := .tools/node/.made
GENERATORS := .tools/generators/.made
CONTRACT := .tools/contract/.made
CONSOLE := .tools/console/.made
BROWSER := .tools/browser/.made
AWS := .tools/aws/.made
DOCS := .tools/docs/.made
MCP := .tools/mcp/.made
CLIENT := .tools/client/.made
VENDORS := .tools/vendors/.made
SUPPLY := .tools/supply/.made
PYTHON313 := .tools/python313/.made

# Nothing here is built in place twice: an environment whose lock file changed is made anew, so that it never holds what the lock does not name.
setup: ## make every environment: .venv, and what must stay apart from it under .tools/
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line $(VENV) $(FUNCTIONS) $(MEDIA) $(C2PA) $(SAM) $(SUPPLY) $(NODE) $(GENERATORS) $(CONTRACT) $(AWS) $(DOCS) $(VENDORS) $(CLIENT) $(MCP) $(CONSOLE) $(BROWSER)

# The installer of everything else is all that pip installs: pip takes five times as long.
.venv/.uv: requirements.lock tooling/installer.lock
	@python=$$(sh tooling/find_python.sh) && "$$python" -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement tooling/installer.lock
	@touch $@

$(VENV): .venv/.uv tooling/link_checkout.py
	@echo "making .venv (what the laptop and the checks need)" >&2
	@sh tooling/install_lock.sh .venv requirements.lock
	@$(PY) tooling/link_checkout.py
	@touch $(RUN) $@

# A third of what the checks need, of the same versions; the checks add theirs to it.
$(RUN): .venv/.uv tooling/run.lock tooling/link_checkout.py
	@echo "making .venv (what the laptop needs)" >&2
	@sh tooling/install_lock.sh .venv tooling/run.lock
	@$(PY) tooling/link_checkout.py
	@touch $@

$(FUNCTIONS): tooling/functions.lock | .venv/.uv
	@echo "making .tools/functions (what a function finds on Lambda, and nothing else)" >&2
	@sh tooling/make_environment.sh .tools/functions $<
	@touch $@

$(MEDIA) $(C2PA) $(SAM) $(SUPPLY) $(CONTRACT) $(AWS) $(DOCS) $(MCP) $(CLIENT) $(BROWSER): .tools/%/.made: tooling/%.lock | .venv/.uv
	@echo "making .tools/$*" >&2
	@sh tooling/make_environment.sh .tools/$* $<
	@touch $@

$(NODE): tooling/node.lock tooling/node/package-lock.json | .venv/.uv
	@echo "making .tools/node" >&2
	@sh tooling/make_environment.sh .tools/node $<
	@sh tooling/install_node_packages.sh node
	@touch $@

$(GENERATORS): tooling/generators/package-lock.json $(NODE)
	@echo "making .tools/generators (what writes clients from the document, and judges it)" >&2
	@sh tooling/install_node_packages.sh generators
	@touch $@

$(CONSOLE): tooling/console/package-lock.json $(NODE)
	@echo "making .tools/console (what the console's page is built from)" >&2
	@sh tooling/install_node_packages.sh console
	@touch $@

$(VENDORS): tooling/vendors.lock tooling/vendors/package-lock.json $(NODE)
	@echo "making .tools/vendors (clients that MiniMax publishes)" >&2
	@sh tooling/make_environment.sh .tools/vendors $<
	@sh tooling/install_node_packages.sh vendors
	@touch $@

$(PYTHON313): tooling/runtime.lock | .venv/.uv
	@echo "making .tools/python313" >&2
	@python=$$(sh tooling/find_python.sh 3.13) && "$$python" -m venv --clear .tools/python313
	@sh tooling/install_lock.sh .tools/python313 $<
	@touch $@

# ---- the one-machine cloud

demo: $(RUN) $(FUNCTIONS) $(MEDIA) ## buy a song from a simulated provider on this machine, from request to MP3
	@$(PY) -m local demo $(ARGS)

run: $(RUN) $(FUNCTIONS) $(MEDIA) ## keep the whole backend running on this machine until Ctrl-C (ARGS='--port 3000')
	@$(PY) -m local run $(ARGS)

env: $(RUN) $(FUNCTIONS) $(MEDIA) ## print the running cloud's addresses and key for the shell, as in: eval "$(make -s env)"
	@$(PY) -m local env $(ARGS)

c2pa: .venv/.uv ## fill the layer layers/c2pa, which Marking=c2pa needs in AWS, before sam deploy (ARCH=arm64 or x86_64)
	@sh tooling/fill_c2pa_layer.sh $(or $(ARCH),arm64)

# ---- checks

# Four workers on two cores, because whole jobs wait half of their time. tests/support/sharing.py says which tests come first, and which a worker takes together.
test: $(VENV) $(FUNCTIONS) $(MEDIA) $(C2PA) $(NODE) $(GENERATORS) $(SUPPLY) $(CONTRACT) $(AWS) $(DOCS) $(VENDORS) $(CLIENT) $(MCP) $(CONSOLE) $(BROWSER) ## run the unit and integration tests (ARGS='-k claim'; ARGS='-n 0 --pdb' in one process)
	@$(PY) -m pytest --numprocesses 4 tests/integration tests/unit tests/fakes $(ARGS)

e2e: $(VENV) $(FUNCTIONS) $(MEDIA) ## play a tenant over HTTP, S3 and EventBridge, from order to deletion (STACK=local, built or NAME; ARGS='-k live')
	@$(PY) -m tests.e2e --stack '$(or $(STACK),local)' $(ARGS)

rights: $(VENV) ## name the rights of the template that no test used (DIR=directory that FERMATA_RIGHTS named for make test)
	@$(PY) -m tooling.unused_rights $(ARGS) $(DIR)

CHECKS := check-format check-lint check-types check-agreement check-openapi check-asl check-cfn check-checkov check-sam check-licences check-console
.PHONY: $(CHECKS)
check: $(VENV) $(SAM) $(SUPPLY) $(NODE) $(CONSOLE) ## format, lint, types, template, state machines and the console; reports everything it finds
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target $(CHECKS)

check-format:
	@$(PY) -m ruff format --check --quiet $(CODE)
check-lint:
	@$(PY) -m ruff check --quiet $(CODE)
check-types:
	@$(PY) -m mypy $(CODE)
check-agreement:
	@$(PY) -m pytest tests/unit/tooling -m check -q
check-openapi:
	@$(PY) -m tooling.openapi --check
check-asl:
	@sh tooling/validate_machines.sh
check-cfn:
	@$(PY) -m tooling.supply.template_rules cfn-lint
check-checkov:
	@$(PY) -m tooling.supply.template_rules checkov
check-sam:
	@AWS_DEFAULT_REGION=eu-west-1 .tools/sam/bin/sam validate --lint

check-licences:
	@$(PY) -m tooling.supply.licences >/dev/null
check-console:
	@sh tooling/console/check.sh

console: $(CONSOLE) ## build the console's page anew, after a change below client/console/ or of its packages
	@.tools/console/bin/node client/console/build.mjs functions/serve_console/assets

build: $(VENV) $(SAM) $(PYTHON313) ## build for x86_64 and arm64 under .aws-sam/, with a bill of materials, and prove that the result can run there
	@$(PY) -m tooling.build

preflight: $(VENV) $(SAM) ## ask the AWS account whether a deployment would work, and what binds first (ENV=prod PARAMS='Name=Value ...')
	@$(PY) -m tooling.preflight --environment '$(or $(ENV),default)' --params '$(PARAMS)'

deploy: $(if $(STACK),build,unnamed) ## build, ask the account, deploy with SAM (STACK=NAME ENV=dev|stage|prod PARAMS='Name=Value ...')
	@$(PY) -m tooling.deploy --stack '$(STACK)' --environment '$(or $(ENV),default)' --params '$(PARAMS)'

unnamed:
	@echo "expected the name of a stack, as in: make deploy STACK=fermata ENV=prod" >&2; exit 2

client: $(VENV) $(CLIENT) ## build the Python client's wheel under out/client/, and try it where it is installed alone
	@$(PY) -m tooling.client_wheel

# A smoke test measures nothing, so its benchmarks run beside each other.
bench: $(VENV) $(FUNCTIONS) $(MEDIA) $(CONSOLE) $(BROWSER) $(SAM) $(PYTHON313) ## time handlers and the one-machine cloud; prints figures and ratios (SMOKE=1: only whether it runs)
	@basename --suffix=.py tests/benchmarks/bench_*.py | xargs -P $(if $(SMOKE),3,1) -I{} $(PY) -m tests.benchmarks.{}

cost: $(VENV) $(FUNCTIONS) $(MEDIA) ## print what a job of each shape costs in AWS, beside a naive design (ARGS=--write: the counts that a test holds, and docs/cost.md)
	@$(PY) -m tests.benchmarks.cost $(ARGS)

soak: $(VENV) $(FUNCTIONS) $(MEDIA) ## half an hour of faults, interleavings and killed processes (SMOKE=1: a little of each; SEED=7 repeats a run; ARGS='killed' runs one part)
	@$(PY) -m tests.soak $(ARGS)

fuzz: $(VENV) ## nine minutes of changed and exploding inputs for all that reads bytes from outside (SMOKE=1: a few; SEED=7 repeats; ARGS='bombs')
	@$(PY) -m tests.fuzz $(ARGS)

mutants: $(VENV) ## break the promises about money on purpose, one at a time, and see a test fail (ARGS='claim_until'; ARGS='conditions wallet' for what stores guard)
	@$(PY) -m tooling.mutants $(ARGS)

openapi: $(VENV) ## write the OpenAPI document anew, after a change to routes, models or problem types
	@$(PY) -m tooling.openapi

house: $(VENV) ## print the figures of the code: sizes, cycles, statements, the walk of a claim (ARGS=--write: into docs/figures.md)
	@$(PY) -m tooling.house $(ARGS)

# Not --quiet: with it the generator counts no warning, and a dead link passes. The variable silences an advertisement.
docs: $(DOCS) ## build the documents into a site under site/; a dead link or anchor fails
	@set -o pipefail; NO_MKDOCS_2_WARNING=1 .tools/docs/bin/python -m mkdocs build --strict --clean 2>&1 | { grep -v '^INFO' || true; }

# ---- dependencies

licences: $(VENV) ## print the licence of every package that is deployed; one that may not be deployed fails
	@$(PY) -m tooling.supply.licences

COMPILE := .venv/bin/uv pip compile --quiet --no-header --universal --python-version 3.11 --generate-hashes
lock: $(VENV) ## write the lock files from pyproject.toml (ARGS='--upgrade' takes newer versions)
	@$(COMPILE) $(ARGS) --group pyproject.toml:dev layers/fermata/pyproject.toml --output-file requirements.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:local layers/fermata/pyproject.toml --constraint requirements.lock --output-file tooling/run.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:runtime layers/fermata/pyproject.toml --constraint requirements.lock --output-file tooling/functions.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:runtime --constraint requirements.lock --output-file tooling/runtime.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:installer --constraint requirements.lock --output-file tooling/installer.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:sam --output-file tooling/sam.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:supply --output-file tooling/supply.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:node --output-file tooling/node.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:contract --output-file tooling/contract.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:vendors --output-file tooling/vendors.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:aws --output-file tooling/aws.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:docs --output-file tooling/docs.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:mcp --output-file tooling/mcp.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:client --output-file tooling/client.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:browser --output-file tooling/browser.lock
	@$(COMPILE) $(ARGS) --group pyproject.toml:media --constraint requirements.lock --output-file tooling/media.lock
	@$(COMPILE) --no-deps $(ARGS) --group pyproject.toml:c2pa --constraint requirements.lock --output-file tooling/c2pa.lock
	@.venv/bin/uv pip compile --quiet --no-header --no-deps --python-version 3.13 --generate-hashes $(ARGS) \
		layers/c2pa/pyproject.toml --constraint requirements.lock --output-file layers/c2pa/requirements.txt
	@for layer in fermata media; do \
		.venv/bin/uv pip compile --quiet --no-header --python-version 3.13 --python-platform linux --generate-hashes $(ARGS) \
			layers/$$layer/pyproject.toml --constraint requirements.lock --output-file layers/$$layer/requirements.txt; done

# Not among the checks, because they need no network. Status 3, here make's 2: no source was reached, so nothing is known.
audit: $(VENV) ## ask OSV for advisories about every locked package, deployed or a tool's (0 none, 1 found, 3 not reached)
	@$(PY) -m tooling.supply.audit

.PHONY: help setup demo run env c2pa test e2e rights check openapi house build licences audit preflight deploy unnamed bench cost soak fuzz mutants docs client console lock
