# Commands of the project. Everything that they make goes to build/.

PYTHON ?= python3
export PYTHON
CORE ?= 2.19
WITH = tests/tools/with-env $(CORE)

.DEFAULT_GOAL := help
.PHONY: help bootstrap demo test lint fix unit figures hosts scenarios bench gates prove-gates clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap:
	@tests/tools/bootstrap

demo: bootstrap ## a small fleet of broken hosts, found, repaired and proved before your eyes
	@$(WITH) tests/demo/run

test: bootstrap ## every judge, the unit tests and the scenarios
	@$(PYTHON) tests/tools/gates.py

lint: bootstrap ## every judge that needs no test host
	@$(PYTHON) tests/tools/gates.py --only lint

fix: bootstrap ## let ruff correct what it can
	@$(WITH) sh -c 'ruff check --fix; ruff format'

unit: bootstrap ## the unit tests on every Python that is here
	@$(PYTHON) tests/tools/gates.py --only unit

figures: ## how large, how knotted and how untyped plugins/ is
	@$(PYTHON) tests/tools/figures.py

hosts: bootstrap ## the images of the test hosts
	@tests/hosts/build

scenarios: bootstrap ## the molecule scenarios
	@$(PYTHON) tests/tools/gates.py --only scenarios

bench: bootstrap ## what an audit, a repair, the page of 1,000 hosts and a check of the guard cost
	@$(WITH) tests/bench/run
	@$(WITH) tests/bench/fleet_page
	@$(WITH) tests/bench/guard

gates: ## the names of the judges
	@$(PYTHON) tests/tools/gates.py --list

gate-%: bootstrap ## one judge, for example gate-mypy
	@$(PYTHON) tests/tools/gates.py --only $*

prove-gates: bootstrap ## show that each judge can fail
	@tests/tools/with-env 2.19 python tests/tools/prove_gates.py

clean: ## remove what the tools made; the images of the test hosts stay
	rm -rf .ansible .mypy_cache .pytest_cache .ruff_cache tests/output
	[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name hosts -exec rm -rf {} +
