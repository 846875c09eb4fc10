# The index of commands. `make run` builds and runs the server, `make test` proves everything.

CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

.PHONY: run test build setup setup-test lint unit docs api budgets blackbox bench help

help: ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: setup build ## Build, then serve on 127.0.0.1:8080 with embedded defaults
	./target/release/ringback serve

build: ## Build the release binary
	$(CARGO) build --release --locked -p ringback-server --bin ringback

setup: ## Find or install what running needs
	@sh scripts/setup.sh run

setup-test: ## Find or install what testing needs
	@sh scripts/setup.sh test

test: setup-test lint unit docs api blackbox budgets ## Everything: lints, all rings of tests, documentation, budgets
	@echo "all of it passed"

lint: ## Formatting and clippy, warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

unit: ## Rings 1 and 2, and the tree's own rules
	API_PYTHON=$(or $(wildcard $(CURDIR)/target/api/bin/python),python3) SDK_PYTHON=$(or $(wildcard $(CURDIR)/target/sdk/bin/python),python3) $(CARGO) nextest run --workspace --locked --no-fail-fast -E 'not binary(blackbox)'

docs: ## The documentation builds without a warning, its examples run
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked
	$(CARGO) test --doc --workspace --locked

blackbox: build ## Ring 3: the built server, telephoned in real time
	RINGBACK_BIN=$(CURDIR)/target/release/ringback $(CARGO) nextest run --locked --no-fail-fast -p ringback-server -E 'binary(blackbox)' -j 1

api: build ## The built server, asked in all ways that its document tells and does not tell, on both databases; clients' examples
	python3 scripts/client_examples.py target/release/ringback
	$(or $(wildcard $(CURDIR)/target/api/bin/python),python3) scripts/fuzz_api.py target/release/ringback

budgets: ## Benches must stay within three times of what docs/performance.md asks
	$(CARGO) bench --locked -p ringback-audio -p ringback-call -p ringback-speech -p ringback-wire --bench audio --bench call --bench vad --bench media -- --quick --noplot
	$(CARGO) run -q --locked -p ringback-tidy --bin speed

bench: ## All benches, in full
	$(CARGO) bench --locked -p ringback-audio -p ringback-call -p ringback-speech -p ringback-wire --bench audio --bench call --bench vad --bench media
