# Everything starts from a bare Python 3.11+ and a package index: `make venv` builds .venv, the rest depends on it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help venv demo test compat faults containers soak growth crash crash-rival bench coverage mutants lint format docs picture constraints clean
.DEFAULT_GOAL := help

# demo, crash and bench run on another Airflow with ON=next-3.13, the name of an environment of `make compat`.
RUN := $(if $(ON),.compat/$(ON),$(VENV))/bin

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

venv: $(STAMP) ## the virtual environment that the other targets use

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 15); sys.exit(None if ok else "awsexec needs Python 3.11 to 3.14; name one with: make PYTHON=python3.12 venv")'
	@echo "Building $(VENV) (once, about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[local]' --group test --group lint
	@touch $@

demo: environment ## a real Airflow runs DAGs on both executors and the local AWS emulator, and loses its scheduler
	@$(RUN)/awsexec demo

test: venv ## every test, the real Airflow included
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci} $(BIN)/python -m pytest --numprocesses 2

.PHONY: environment
environment: venv
	@$(if $(ON),$(BIN)/python -m tests.compatibility --build $(ON))

faults: venv ## each call to AWS times each way in which it can go wrong: about three minutes
	@$(BIN)/python -m pytest -m "faults or not faults" tests/faults

containers: venv ## containers of every kind: images, signals, coordinators, the probe and what can break it, a workload store under faults: five minutes
	@$(BIN)/python -m pytest --numprocesses 2 -m "containers or not containers" tests/container tests/fleet/test_probe.py tests/fleet/test_probe_lost_answers.py tests/executors/test_workload_store_faults.py

soak: venv ## hundreds of tasks while everything goes wrong at random (SECONDS=300 SEED=7)
	@$(BIN)/python -m tests.faults.soak $(addprefix --seconds ,$(SECONDS)) $(addprefix --seed ,$(SEED))

growth: venv ## a million launches through each executor on a simulated clock: is memory flat? about twenty minutes each
	@$(BIN)/python -m pytest -s -m growth tests/executors/test_growth.py

crash: environment $(VENV)/.crash ## the crash matrix: schedulers killed, stopped and doubled, on PostgreSQL: about ten minutes (CASES=told: some of them)
	@$(RUN)/python -m pytest -m crash tests/crash $(if $(CASES),-k "$(CASES)")

crash-rival: venv ## the Amazon provider's executors and ours in the same crashes: a table for docs/reliability.md
	@$(BIN)/python -m tests.crash.rival

$(VENV)/.crash: $(STAMP)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group crash
	@touch $@

bench: environment $(VENV)/.bench ## both implementations beside each other: docs/benchmarks.md (ONLY=burst: one measure)
	@$(RUN)/python -m bench $(addprefix --only ,$(ONLY))

$(VENV)/.bench: $(STAMP)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group bench
	@touch $@

compat: venv ## the tests without a real scheduler, on the oldest and newest Airflow and Python: docs/compatibility.md (ONLY=newest-3.13: one)
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci} $(BIN)/python -m tests.compatibility $(addprefix --only ,$(ONLY))

lint: venv ## ruff, mypy strict, import-linter's contracts, dead code, dependencies, the packages' contents, pages in step
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/vulture
	@$(BIN)/deptry --no-ansi aws_exec cli/awsexec_cli
	@$(BIN)/uv pip check --quiet --python $(BIN)/python
	@$(BIN)/python -m pytest --quiet --no-header tests/house tests/docs

coverage: $(VENV)/.proof ## which lines and branches the tests of the lifecycle and the settings run: all of them, or it fails
	@$(BIN)/coverage erase
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci} $(BIN)/coverage run -m pytest --quiet tests/lifecycle tests/settings tests/cli tests/aws_checks -k "not half_a_millisecond"
	@$(BIN)/coverage report

mutants: $(VENV)/.proof ## break the lifecycle in every small way: does a test fail? docs/mutants.md; ten minutes (SHARE=0.2)
	@$(BIN)/python -m tests.mutants $(addprefix --share ,$(SHARE))

$(VENV)/.proof: $(STAMP)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group proof
	@touch $@

format: venv ## let ruff rewrite
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(VENV)/.docs ## write the tables in docs/ and the README anew, and build the site, build/site: every link leads somewhere
	@$(BIN)/python -m docs.tables
	@$(BIN)/python -m docs.site
	@NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict

$(VENV)/.docs: $(STAMP)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group docs
	@touch $@

picture: venv ## run the demo and write its picture, docs/demo.svg, and its text in the README
	@$(BIN)/python -m docs.picture

constraints: ## pin anew what the checks use: the newest that work together
	@$(BIN)/uv pip compile --quiet --upgrade --no-header --no-annotate --no-emit-index-url --extra local --group test --group lint --group bench --group crash --group docs --group proof --universal pyproject.toml --output-file constraints.txt
	@$(BIN)/uv --version | sed -E 's/uv ([0-9.]+).*/uv==\1/' >> constraints.txt

clean: ## remove what was built
	@rm -rf $(VENV) .compat .coverage mutants build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
