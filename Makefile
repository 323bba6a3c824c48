# Two commands are enough: `make live` and `make test`. Both make .venv and build the extension if that is needed; a
# second call does nothing twice. Needs Python >= 3.11 and Rust; everything else comes from PyPI and crates.io.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
export PATH := $(HOME)/.cargo/bin:$(PATH)

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
UV := VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv
# The first Python on the path that is new enough; `make live PYTHON=/opt/python3.12/bin/python3` names another.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11 python,\
  $(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))
RUST := $(shell find rust -name '*.rs' -o -name '*.json' 2>/dev/null) Cargo.toml Cargo.lock $(wildcard rust/*/Cargo.toml)
# More for a command: make live ARGS="--speed 50", make test PYTEST="-k ledger"
ARGS ?=
PYTEST ?=
CARGO_TEST ?=

.PHONY: help live test test-rust test-python check bench bench-rust bench-peers faults chaos wheel wheel-check docs clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1@\2/' | column -t -s @

live: $(STAMP)/extension ## Set up if needed, then paper-trade the bundled market
	$(BIN)/mirrorfast live $(ARGS)

test: $(STAMP)/extension $(STAMP)/test ## Set up if needed, then run the Rust and the Python tests
	@$(MAKE) --no-print-directory test-rust test-python

test-rust:
	cargo test --locked --package mirrorfast-core $(CARGO_TEST)

test-python: $(STAMP)/extension $(STAMP)/test
	$(BIN)/python -m pytest $(PYTEST)

check: $(STAMP)/extension $(STAMP)/test ## Formatting, lints, types, stubs, layers, docs sections
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(BIN)/ruff format --check python tests scripts
	$(BIN)/ruff check python tests scripts
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest mirrorfast._core --concise
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_docs.py

bench: $(STAMP)/extension $(STAMP)/test ## Our own timings, with pytest-benchmark
	$(BIN)/python -m pytest benches/python -m benchmark -o addopts="--import-mode=importlib" --benchmark-columns=min,median,max,rounds -p no:randomly $(PYTEST)

bench-rust: ## The engine's own timings: nanoseconds a bar, percentiles of one bar
	cargo bench --locked -p mirrorfast-core --bench engine -- $(ARGS)

bench-peers: $(STAMP)/extension $(STAMP)/peers ## Against named peers, interleaved; writes benches/RESULTS.md
	$(BIN)/python -m benches.peers $(ARGS)

wheel: $(STAMP)/environment ## Build dist/*.whl
	$(BIN)/maturin build --release --locked --out dist --interpreter $(BIN)/python
	@ls -l dist/*.whl

wheel-check: wheel ## Install that wheel into an empty environment without Rust, and run it there
	scripts/check_wheel.sh $(BIN)/python

faults: $(STAMP)/extension $(STAMP)/test ## Run the fault matrix and write docs/faults.md
	$(BIN)/python -m pytest -q tests/faults --junit-xml=target/faults.xml; \
	status=$$?; $(BIN)/python scripts/fault_table.py target/faults.xml && exit $$status

chaos: $(STAMP)/extension $(STAMP)/test ## Random kills under random faults for long: MIRRORFAST_CHAOS_S seconds each, default 3600
	MIRRORFAST_CHAOS_S=$${MIRRORFAST_CHAOS_S:-3600} $(BIN)/python -m pytest -q -s -o timeout=0 -m slow tests/faults/chaos $(ARGS)

docs: $(STAMP)/extension $(STAMP)/test $(STAMP)/docs ## Check docs sections, run every example, build site/ and the Rust documentation
	$(BIN)/python scripts/check_docs.py
	$(BIN)/python -m pytest --doctest-modules python/mirrorfast
	$(BIN)/python -m pytest tests/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --package mirrorfast-core

clean: ## Remove .venv, builds and caches; runs/ stays
	rm -rf $(VENV) target dist site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find python tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f python/mirrorfast/*.so

# The environment with what mirrorfast itself needs, and the build tool.
$(STAMP)/environment: pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 found: install one, or run: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@command -v cargo >/dev/null || { echo "no cargo found: install Rust from https://rustup.rs" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) -m venv failed: on Debian and Ubuntu install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --quiet "maturin>=1.10,<2" --requirements pyproject.toml
	@mkdir -p $(STAMP) && touch $@

# The extension that users get: the release profile.
$(STAMP)/extension: $(STAMP)/environment $(RUST)
	VIRTUAL_ENV=$(abspath $(VENV)) PATH="$(abspath $(BIN)):$$PATH" $(BIN)/maturin develop --release --locked --uv
	@touch $@

# What the peer benchmarks measure against; nothing else needs it.
$(STAMP)/peers: $(STAMP)/environment
	$(UV) pip install --quiet "TA-Lib>=0.8" polars-talib newtulipy tulip-rs "vectorbt[rust]>=1.0" backtesting
	@touch $@

$(STAMP)/docs: $(STAMP)/environment
	$(UV) pip install --quiet --requirements pyproject.toml --extra docs
	@touch $@

$(STAMP)/test: $(STAMP)/environment
	$(UV) pip install --quiet --requirements pyproject.toml --extra test
	@touch $@
