# `make demo` and `make test` are all a newcomer needs; each makes .venv by itself.
.PHONY: help demo test test-slow check format bench clean constraints
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
SPREAD := -n auto --dist worksteal
# What is measured there would be measured of its neighbours too.
ALONE := tests/memory tests/loop

help:
	@echo "make demo       draw aerial photos, find the animals, open the page with them (offline)"
	@echo "make test       everything but the slow tests, in under eight minutes"
	@echo "make test-slow  the slow tests"
	@echo "make check      ruff, mypy, import-linter, tsc"
	@echo "make format     put the code in the project's layout"
	@echo "make bench      the numbers of docs/explanation/performance.md"

.venv/.base: pyproject.toml constraints.txt scripts/venv
	@scripts/venv base

.venv/.dev: pyproject.toml constraints.txt scripts/venv
	@scripts/venv dev

demo: .venv/.base
	@$(BIN)/haversack demo

test: .venv/.dev
	$(PYTEST) $(SPREAD) -m "not slow" --budget-minutes 8 $(PYTEST_ARGS)

test-slow: .venv/.dev
	$(PYTEST) $(SPREAD) -m slow $(ALONE:%=--ignore=%) $(PYTEST_ARGS)
	$(PYTEST) -m slow $(ALONE) $(PYTEST_ARGS)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@scripts/check-page

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev
	$(BIN)/python benchmarks/predict.py
	$(BIN)/python benchmarks/serve.py

constraints: .venv/.dev
	$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	    --extra pack --extra geo --extra postgres --extra s3 --group dev --upgrade pyproject.toml -o constraints.txt

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis haversack-demo
