# `make` alone lists what there is. Everything is built in one profile and one folder, so that the demo and
# the tests share what they compile.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

CACHE := $(HOME)/.cache/egret
VENV := $(CACHE)/venv
TOOLS := $(CACHE)/tools

export CARGO_TARGET_DIR ?= $(CACHE)/target
export EGRET_TEST_PYTHON := $(VENV)/bin/python
export PATH := $(TOOLS)/bin:$(HOME)/.cargo/bin:$(PATH)

DUCKDB := 1.5.5
AIOSMTPD := 1.4.6
MOTO := 5.2.5
NEXTEST := 0.9.143
DENY := 0.20.2

EGRET := $(CARGO_TARGET_DIR)/debug/egret
PYTHON_STAMP := $(VENV)/.installed-$(DUCKDB)-$(AIOSMTPD)-$(MOTO)

.PHONY: help
help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: build ## collect sample logs into a lake, see findings, ask questions
	@examples/demo/run.sh $(EGRET)

.PHONY: build
build: toolchain ## build egret
	cargo build --locked --workspace --bins
	@echo "built $(EGRET)"

.PHONY: test
test: setup lock fmt deps tidy deny clippy gen tests doctests ## set up, then every check and test

.PHONY: bench
bench: setup ## measure collecting beside DuckDB: make bench DATA=FOLDER
	@[[ -n "$(DATA)" ]] || { echo "say which logs: make bench DATA=FOLDER (CloudTrail files)" >&2; exit 2; }
	bench/collect --data "$(DATA)"

.PHONY: setup
setup: toolchain $(PYTHON_STAMP) rsyslog postgresql mariadb podman nextest cargo-deny ## install what building and testing need; quick when done

# The parts of setup.

.PHONY: toolchain
toolchain:
	@command -v cargo >/dev/null || { echo "Rust 1.95 or later is needed: https://rustup.rs" >&2; exit 2; }
	@command -v cc >/dev/null || $(MAKE) --no-print-directory apt PACKAGES="gcc libc6-dev"

.PHONY: apt
apt:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES)

# Real peers for the tests: the DuckDB that reads the lakes that Egret writes, a mail server, the services of AWS.
$(PYTHON_STAMP):
	@command -v python3 >/dev/null || $(MAKE) --no-print-directory apt PACKAGES="python3 python3-venv"
	rm -rf $(VENV)
	mkdir -p $(CACHE)
	python3 -m venv $(VENV) || { $(MAKE) --no-print-directory apt PACKAGES=python3-venv; python3 -m venv --clear $(VENV); }
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-input duckdb==$(DUCKDB) \
		duckdb-extension-ducklake==$(DUCKDB) duckdb-extension-sqlite-scanner==$(DUCKDB) \
		aiosmtpd==$(AIOSMTPD) 'moto[server,sns,sqs,s3]==$(MOTO)'
	touch $@

# The syslog server of Debian, which the tests start as a user's process.
.PHONY: rsyslog
rsyslog:
	@[[ -x /usr/sbin/rsyslogd && -n "$$(ls /usr/lib/*/rsyslog/lmnsd_gtls.so 2>/dev/null)" ]] || \
		$(MAKE) --no-print-directory apt PACKAGES="rsyslog rsyslog-gnutls"

# The databases of Debian, which the tests start as processes of a user without rights.
.PHONY: postgresql
postgresql:
	@compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || $(MAKE) --no-print-directory apt PACKAGES=postgresql

.PHONY: mariadb
mariadb:
	@[[ -x /usr/sbin/mariadbd ]] || $(MAKE) --no-print-directory apt PACKAGES=mariadb-server-core

# A daemon of containers, which the tests start in a temporary folder.
.PHONY: podman
podman:
	@[[ -x /usr/bin/podman ]] || $(MAKE) --no-print-directory apt PACKAGES=podman

# Tools are built without optimisation: that takes a quarter of the time, and they run for seconds.
.PHONY: nextest
nextest:
	@cargo nextest --version >/dev/null 2>&1 || env -u CARGO_TARGET_DIR cargo install --locked --debug --root $(TOOLS) \
		--no-default-features --features default-no-update cargo-nextest@$(NEXTEST)

.PHONY: cargo-deny
cargo-deny:
	@cargo deny --version >/dev/null 2>&1 || env -u CARGO_TARGET_DIR cargo install --locked --debug --root $(TOOLS) \
		cargo-deny@$(DENY)

# The parts of test, what fails fastest first.

.PHONY: lock
lock:
	@cargo metadata --locked --format-version 1 >/dev/null

.PHONY: fmt
fmt:
	cargo fmt --all -- --check

.PHONY: deps
deps:
	cargo xtask deps

.PHONY: tidy
tidy:
	cargo xtask tidy

.PHONY: deny
deny:
	cargo deny --log-level warn check bans licenses sources

.PHONY: clippy
clippy:
	cargo clippy --locked --workspace --all-targets -- -D warnings

.PHONY: gen
gen:
	cargo xtask gen --check

.PHONY: tests
tests:
	cargo nextest run --locked --workspace

.PHONY: doctests
doctests:
	cargo test --locked --workspace --doc --quiet
