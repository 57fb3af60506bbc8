# Everything a developer does here. "make" alone lists it. Nothing is needed but make and Python 3.11 or newer.

# The Python minor version the functions run on: the Runtime of template.yaml.
RUNTIME := 3.13

# The first Python at hand that is new enough; "make PYTHON=/path/to/python3" overrides.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)

# A Python of the runtime's own minor version, if there is one: on the path, or where pyenv, uv and Homebrew keep theirs.
# It is run rather than looked for, because a version manager's shim may exist and refuse.
RUNTIME_PYTHON ?= $(shell for python in python$(RUNTIME) python3 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$(RUNTIME).*/bin/python \
	"$${XDG_DATA_HOME:-$$HOME/.local/share}"/uv/python/cpython-$(RUNTIME).*/bin/python3 \
	/opt/homebrew/bin/python$(RUNTIME); do \
	$$python -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(RUNTIME)")' 2>/dev/null \
	&& { echo $$python; break; }; done)

VENV := .venv
RUNTIME_VENV := .venv-$(RUNTIME)
READY := $(VENV)/.ready
BIN := $(VENV)/bin
SOURCES := $(wildcard src lab cli benchmarks tools)
PYTEST := -m pytest -n 2 --dist worksteal --allow-hosts=127.0.0.1,::1 --allow-unix-socket -q

RUN := PYTHONPATH=src:. $(BIN)/python

export SAM_CLI_TELEMETRY := 0
# The checks and the tests ask AWS for nothing; boto3 and SAM only want to be told some region.
offline := AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | awk -F '\t' '{printf "make %-10s %s\n", $$1, $$2}'

# ---- set-up ---------------------------------------------------------------------------------------------------------

# $(call set_up,python,virtual environment). The lock is complete, so --no-deps: nothing is left to resolve, which is
# faster, and the pip of Python 3.11 cannot resolve a hash-locked package that is asked for with different extras.
# --no-compile: Python compiles what it really imports.
define set_up
@test -n "$(1)" || { echo "Python 3.11 or newer is needed, and none was found."; \
	echo "Install one, or say where it is: make PYTHON=/path/to/python3"; exit 1; }
@$(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Python 3.11 or newer is needed; $(1) is not that. Say where one is: make PYTHON=/path/to/python3"; exit 1; }
@echo "Setting up $(2) with $$($(1) --version), once; this takes about a minute ..."
@rm -rf $(2)
@$(1) -m venv $(2) || { rm -rf $(2); \
	echo "$(1) could not make a virtual environment. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
@PIP_DISABLE_PIP_VERSION_CHECK=1 $(2)/bin/python -m pip install -qq --no-input --no-compile --no-deps \
	--require-hashes -r requirements/development.txt || { \
	echo "The packages of requirements/development.txt could not be installed (reason above)."; \
	echo "Is a package index in reach? Behind a proxy or with a mirror, tell pip: pip config --help. Then run make again."; \
	exit 1; }
@touch $(2)/.ready
endef

$(READY): requirements/development.txt
	$(call set_up,$(PYTHON),$(VENV))

$(RUNTIME_VENV)/.ready: requirements/development.txt
	$(call set_up,$(RUNTIME_PYTHON),$(RUNTIME_VENV))

.PHONY: set-up
set-up: $(READY)

# ---- to see it at work ----------------------------------------------------------------------------------------------

.PHONY: demo
demo: $(READY) ## an incident from alarm to rollback on an embedded AWS; SCENARIO=list|<name> MODE=recommend|approve|auto
	@$(RUN) -m cli demo $(if $(SCENARIO),$(SCENARIO)) $(if $(MODE),--mode $(MODE))

# ---- to prove it ----------------------------------------------------------------------------------------------------

.PHONY: test test-here test-runtime
test: test-here test-runtime ## every test, also on the functions' own Python where there is one

# TESTS=tests/some_file.py narrows it.
test-here: $(READY)
	@$(BIN)/python --version
	@$(offline) $(BIN)/python $(PYTEST) $(TESTS)

# Only if there is such a Python and the first run was not on it already. There what runs in Lambda is tested, and
# whole incidents with their aftermath and faults; every single scenario is played once, by the first run.
RUNTIME_TESTS := $(if $(TESTS),$(TESTS),tests --ignore tests/cli --ignore tests/lab --ignore tests/benchmarks \
	--ignore tests/system/test_scenarios.py --ignore tests/system/test_straight.py \
	--ignore tests/system/test_straight_of_apis.py --ignore tests/system/test_examination.py)
test-runtime: $(READY)
	@if [ -z "$(RUNTIME_PYTHON)" ]; then \
		echo "No Python $(RUNTIME) here: the tests ran on $$($(BIN)/python --version) only."; \
	elif ! $(BIN)/python -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(RUNTIME)")'; then \
		$(MAKE) --no-print-directory $(RUNTIME_VENV)/.ready && $(RUNTIME_VENV)/bin/python --version && \
		$(offline) $(RUNTIME_VENV)/bin/python $(PYTEST) -p no:cacheprovider $(RUNTIME_TESTS); \
	fi

.PHONY: check check-format check-lint check-types check-imports check-template
check: check-format check-lint check-types check-imports check-template ## format, lint, types, imports, template

check-format: $(READY)
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo 'Some files are not formatted: run "make format".'; exit 1; }

check-lint: $(READY)
	@$(BIN)/ruff check --quiet --output-format concise .

check-types: $(READY)
	@$(BIN)/mypy --no-error-summary $(SOURCES)

check-imports: $(READY)
	@PYTHONPATH=src:. $(BIN)/lint-imports --no-logo

# cfn-lint does not look into the Policies of a SAM function, so it is shown what SAM makes of them as well.
check-template: $(READY)
	@$(offline) $(BIN)/sam validate --lint --region eu-west-1 --template template.yaml
	@mkdir -p .build && $(offline) $(RUN) -m tools.transformed_template > .build/template.json
	@$(BIN)/cfn-lint --regions eu-west-1 --template .build/template.json

.PHONY: format
format: $(READY) ## format the code and fix what can be fixed
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .

.PHONY: accuracy bench
accuracy: $(READY) ## measure the judgement on all scenarios: docs/accuracy.md
	@$(offline) $(RUN) -m cli accuracy

bench: $(READY) ## measure latency, cold start, calls, price and size: docs/performance.md
	@$(offline) RUNTIME_PYTHON="$(RUNTIME_PYTHON)" $(RUN) -m benchmarks

# ---- to build and deploy --------------------------------------------------------------------------------------------

.PHONY: build deploy
build: $(READY) ## the Lambda package (sam build), for the template's runtime whatever Python is here
	@env -u MAKEFLAGS -u MAKELEVEL RUNTIME_PYTHON="$(RUNTIME_PYTHON)" $(BIN)/sam build
	@test -n "$(RUNTIME_PYTHON)" || echo "Note: no Python $(RUNTIME) here, so the package has no compiled bytecode" \
		"and its cold start takes about twice as long. Install Python $(RUNTIME) and build again."

deploy: build ## sam deploy --guided
	@$(BIN)/sam deploy --guided

# "sam build" comes back here for each function (src/Makefile), with ARTIFACTS_DIR as the place to fill.
PACKAGES := handlers collectors remediation notification diagnosis
# Every AWS service the functions have a client for; of botocore's data (95 % of the package) only these stay.
SERVICES := acm apigateway apigatewayv2 cloudfront cloudtrail cloudwatch codedeploy dynamodb ec2 ecs elb elbv2 health lambda logs route53 s3 secretsmanager sns sqs ssm wafv2
# Lambda's runtimes from Python 3.12 on have glibc 2.34. pip takes only tags it is given, so the older ones too.
PLATFORMS := manylinux_2_34_aarch64 manylinux_2_28_aarch64 manylinux_2_17_aarch64 manylinux2014_aarch64
LIBRARIES := .build/libraries

# Bytecode is worth half of a cold start. unchecked-hash: Lambda need not compare it with its source. -s, -p: tracebacks
# and the package's hash do not depend on where it was built.
define compile
@if [ -n "$(RUNTIME_PYTHON)" ]; then \
	$(RUNTIME_PYTHON) -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(1)" -p /var/task $(2); fi
endef

$(LIBRARIES)/.ready: requirements/functions.txt Makefile | $(READY)
	@rm -rf $(LIBRARIES)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -qq --no-input --no-compile --no-deps \
		--require-hashes --only-binary :all: $(PLATFORMS:%=--platform %) --implementation cp \
		--python-version $(RUNTIME) --target $(LIBRARIES) -r requirements/functions.txt
	@find $(LIBRARIES)/botocore/data -mindepth 1 -maxdepth 1 -type d $(SERVICES:%=! -name %) -exec rm -rf {} +
	@rm -rf $(LIBRARIES)/bin $(LIBRARIES)/boto3/data $(LIBRARIES)/boto3/examples $(LIBRARIES)/*.dist-info
	$(call compile,$(LIBRARIES),$(LIBRARIES))
	@touch $@

.PHONY: package
package: $(LIBRARIES)/.ready
	@cp -R $(LIBRARIES)/. "$(ARTIFACTS_DIR)" && rm -f "$(ARTIFACTS_DIR)/.ready"
	@cd src && cp -R $(PACKAGES) "$(ARTIFACTS_DIR)"
	@find $(PACKAGES:%="$(ARTIFACTS_DIR)/%") -name __pycache__ -type d -prune -exec rm -rf {} +
	$(call compile,$(ARTIFACTS_DIR),$(PACKAGES:%="$(ARTIFACTS_DIR)/%"))

# ---- to maintain ----------------------------------------------------------------------------------------------------

# The locks carry versions and the hashes of every file of a release, so they fit any platform and any Python that the
# releases themselves fit, and no address of an index. UPGRADE=1 takes the newest versions.
LOCK := .build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --annotation-style line $(if $(UPGRADE),--upgrade)
.PHONY: lock
lock: ## write requirements/*.txt anew from requirements/*.in; UPGRADE=1 takes the newest versions
	@test -x .build/lock/bin/uv || { $(PYTHON) -m venv .build/lock && .build/lock/bin/pip install -qq uv==0.13.8; }
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) requirements/development.in -o requirements/development.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) requirements/functions.in -c requirements/development.txt \
		-o requirements/functions.txt

.PHONY: clean
clean: ## remove what was made here, the virtual environments too
	@rm -rf .venv .venv-* .build .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
