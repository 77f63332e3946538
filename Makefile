# A fresh machine needs Go and two commands: `make demo` and `make test`.
# What they lack of Debian's packages they install (deploy/install-packages.sh).

GO ?= go
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory

LINT_VERSION := v2.15.0
FUZZTIME ?= 30s

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

on_redis = -tags integration -count=1 ./internal/acceptance
# Stories about one store are told on that; `make test` tells those that store
# nothing once, `make test-long` on both.
one_store = Redis|Process_DiskFull
not_stored = $(one_store)|Explain|SharedGroups|Spelling|Profanity|People|Slixmpp|Activity|Fault_Calendar|S6_File|S6_Exchange|HTTP|Hostile|Card|I2|S14
# Packages with tests that start real servers.
with_servers = $(shell grep -rlE '^//go:build .*\bintegration\b' --include='*_test.go' . | xargs -rn1 dirname | sort -u)
parts = $(filter-out ./internal/acceptance,$(with_servers))

.PHONY: build test test-unit test-servers test-long bench demo lint deps fmt fmt-check vet clean

build: ## the binary, in bin/
	$(GO) build -trimpath -buildvcs=false -ldflags "-X main.version=$(VERSION)" -o bin/presenced ./cmd/presenced

test: fmt-check vet test-unit test-servers ## everything, in under a quarter of an hour on two cores

fmt-check:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed (make fmt):"; echo "$$unformatted"; exit 1; }

vet:
	$(GO) vet -tags integration ./...

test-unit:
	$(GO) test -timeout 5m ./...

test-servers: deps
	@# They wait more than they compute: the stories on Redis, and what is not a story,
	@# are told beside those on the embedded store.
	@out=$$(mktemp); trap 'rm -f "$$out"' EXIT; \
	{ PRESENCED_STORE=redis $(GO) test -timeout 14m -skip '^Test($(not_stored))' $(on_redis) && redis=0 || redis=$$?; \
	echo "the parts:"; $(GO) test -tags integration -count=1 -p 1 -timeout 14m $(parts) || redis=$$?; \
	exit $$redis; } >"$$out" 2>&1 & beside=$$!; \
	$(GO) test -tags integration -count=1 -timeout 14m ./internal/acceptance && rest=0 || rest=$$?; \
	wait $$beside && redis=0 || redis=$$?; \
	echo "on the Redis store:"; cat "$$out"; \
	exit $$((rest | redis))

test-long: deps ## fuzzers, deliberate faults, the race detector, the server tests again and again
	sh deploy/install-packages.sh gcc libc6-dev
	$(GO) run ./internal/mutants
	PRESENCED_LONG=1 $(GO) test -count=1 -timeout 30m -run 'Histories' ./internal/engine/eval ./component
	for package in $$($(GO) list ./...); do \
		for fuzz in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			$(GO) test -run '^$$' -fuzz "^$$fuzz\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done
	$(GO) test -race -shuffle=on -count=2 -timeout 30m ./...
	PRESENCED_LONG=1 $(GO) test -race -tags integration -count=1 -p 1 -timeout 90m $(with_servers)
	PRESENCED_LONG=1 PRESENCED_STORE=redis $(GO) test -race -timeout 60m -skip '^Test($(one_store))' $(on_redis)

bench: ## the ratios of docs/performance.md, into docs/figures.json
	$(GO) run ./internal/bench -out docs/figures.json

demo: ## one user, four watchers, a real Prosody; DEMO_SECONDS=1 ends it by itself
	@$(GO) run ./internal/demo

lint: ## builds the linter first, which takes a minute or two
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION) run ./...

deps: ## Debian's servers and clients for the tests, nothing started
	@sh deploy/install-packages.sh

fmt:
	gofmt -w .

clean:
	rm -rf bin
