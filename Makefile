# Everything is installed into .venv by pip from lock files with hashes; nothing else is touched.
PYTHON ?= python3
BIN := .venv/bin
REPORT := build/report

.PHONY: help setup report test lint docs bench lock clean
help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

.venv/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("betweengiants needs Python 3.11 or newer; set PYTHON=...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: .venv/.dev ## Install the package and all that development needs

report: .venv/.run ## Write the position of Kazakhstan to build/report/index.html
	$(BIN)/betweengiants report kazakhstan --out $(REPORT)

test: .venv/.dev ## Run the tests
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: .venv/.dev ## Style, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.dev ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: .venv/.dev ## Measure speed as ratios to named peers
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

lock: .venv/.dev ## Make the lock files anew (needs pip-tools in .venv)
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --allow-unsafe --no-header --no-annotate -o requirements/run.txt pyproject.toml requirements/build.in
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --allow-unsafe --no-header --no-annotate --extra dev -c requirements/run.txt -o requirements/dev.txt pyproject.toml requirements/build.in

clean: ## Remove what was built
	rm -rf .venv build dist site
