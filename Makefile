# `make help` lists the targets. Run `make lint test` before a commit; CI runs `.ci/run`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := .cache/bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

# By default, each program with the race detector sleeps for a second before it exits.
export GORACE ?= atexit_sleep_ms=0

# The core has no goroutine, lock, channel or shared variable, as one of its tests checks. So it runs without the race
# detector, which would make its simulator six times as slow.
CORE = ./consumer/dispatch/... ./retry ./deadletter/ledger/...
# The packages that the black-box tests use. The tests themselves, ./integration and ./integration/desk, run without the
# race detector, but most workers that ./integration starts have it.
HARNESS = $$(go list ./integration/... | grep -vxE 'leadhit-sync/integration(/desk)?')
# All other packages except the black-box tests.
UNIT = $$(go list ./... | grep -v '^leadhit-sync/integration' | grep -vxFf <(go list $(CORE)))

# Runs a part and prints how many seconds it took: $(call part,name,command).
define part
	@echo "== $(1)"; start=$$SECONDS; \
	if { $(2); }; then echo "== $(1): $$((SECONDS - start)) s"; \
	else echo "== $(1): FAILED after $$((SECONDS - start)) s"; exit 1; fi
endef

# LONG are tests that last for hours in virtual time. With the race detector, a few histories are enough, because each
# has the same goroutines. -short skips the other two tests.
LONG = TestNothingIsLostOrOutOfOrderInAnyHistory|TestHoursWithoutLeadHitUseNoMoreMemoryAndAreLoggedOnce|TestAThousandGenerationsLeaveNoGoroutine
define unit_tests
	$(call part,unit tests,BUBBLE_SEEDS=30 go test -short -race -timeout 40m $(UNIT))
	@[ "$$(go test -list '^($(LONG))$$' ./consumer | grep -c ^Test)" = $(words $(subst |, ,$(LONG))) ] || \
		{ echo "a test of LONG does not exist: $(LONG)"; exit 1; }
	$(call part,core and simulators,go test -timeout 40m -run '^($(LONG))$$' ./consumer && go test -timeout 40m $(CORE))
endef

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the binary into bin/.
	go build -trimpath -o bin/leadhit-sync ./cmd/leadhit-sync

.PHONY: test
test: ## Run every test, real Kafka (Java 17 and Maven) and Chromium included, most with the race detector; 15 to 25 minutes on two cores.
	$(call part,vet and build,go vet ./... && go build ./...)
	$(unit_tests)
	$(call part,deploy and image,go -C deploy/lint test ./... && go -C deploy/image/mkimage test ./...)
	@if ! command -v java >/dev/null || ! command -v mvn >/dev/null; then \
		echo "Java 17 or Maven is missing: the tests on real Kafka are skipped"; [ "$${CI:-}" != true ]; \
	fi
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then \
		echo "Chromium is missing: the tests of the pages are skipped"; [ "$${CI:-}" != true ]; \
	fi
	$(call part,test harness,go test -race -count 1 $(HARNESS))
	@# Five tests at once keep two cores busy. More tests would only wait for each other, and exceed their time limits.
	$(call part,real Kafka,WORKER_RACE=true go test -count 1 -parallel 5 -timeout 30m -skip '^TestImage$$' ./integration)
	$(call part,pages,go test -count 1 ./integration/desk)

.PHONY: unit
unit: ## Run the tests that need nothing installed.
	$(unit_tests)

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Check style, import rules and formatting.
	$(GOLANGCI_LINT) config verify
	$(GOLANGCI_LINT) run ./...
	cd deploy/image/mkimage && $(CURDIR)/$(GOLANGCI_LINT) run -c $(CURDIR)/.golangci.yml ./...

.PHONY: vuln
vuln: ## Look for known vulnerabilities; VULNDB=file:///… is a copy of the database.
	.ci/vulnerabilities

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code.
	$(GOLANGCI_LINT) fmt ./...

# Not a tool line in go.mod, because that would add 207 modules.
$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION), which takes a few minutes"
	GOBIN=$(CURDIR)/.cache/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv .cache/bin/golangci-lint $@

# A release sets VERSION=1.2.3. The default is the commit's tag, or else the commit. SOURCE is the code's address, for
# the label.
MKIMAGE = go -C deploy/image/mkimage run . -root $(CURDIR) -version "$(VERSION)" -source "$(SOURCE)"

.PHONY: image
image: ## Build the container image, an OCI layout for amd64 and arm64, into bin/image; VERSION=1.2.3 for a release.
	$(MKIMAGE) -out $(CURDIR)/bin/image

.PHONY: image-test
image-test: image ## Build the image twice and compare, then run it under runc (Debian package runc, as root) on real Kafka.
	$(MKIMAGE) -out $(CURDIR)/bin/image-again/image >/dev/null
	diff -r bin/image bin/image-again/image
	rm -r bin/image-again
	go -C deploy/image/mkimage vet ./... && go -C deploy/image/mkimage test ./...
	IMAGE=$(CURDIR)/bin/image go test $(if $(filter 0,$(shell id -u)),,-exec 'sudo -E') -count 1 -v -run '^TestImage$$' ./integration

.PHONY: deploy-lint
deploy-lint: $(GOLANGCI_LINT) ## Render every overlay of deploy, and check it, against the binary too.
	$(call part,deploy vet and style,cd deploy/lint && go mod tidy -diff && go vet ./... && $(CURDIR)/$(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yml ./...)
	$(call part,deploy tests,cd deploy/lint && go test -count 1 ./...)

.PHONY: alerts
alerts: ## Check the alerts and run their unit tests; needs promtool (Debian package prometheus).
	@if ! command -v promtool >/dev/null; then \
		echo "promtool is missing (Debian package prometheus): the alerts are not tested"; [ "$${CI:-}" != true ]; \
	else \
		cd deploy/components/monitoring && promtool check rules --lint-fatal rules.yaml && promtool test rules rules_test.yaml ../keda/query_test.yaml; \
	fi

.PHONY: bench
bench: ## Measure the worker against a bare loop, and against the leadhit-sync that BASELINE names; prints tables, is not a test.
	go test ./consumer/mapping -run NONE -bench .
	go test ./cmd/worker/observe -run NONE -bench Tracing
	go test ./integration -run NONE -bench . -benchtime 1x -timeout 60m
	STRICT=true go test ./integration -count 1 -timeout 60m -v -run '^TestWorker$$/^three_nodes$$/^crashes$$'

.PHONY: soak
soak: export SIM_SEEDS ?= 54000
soak: export BUBBLE_SEEDS ?= 5000
soak: export KILLS ?= 20
soak: export RESTARTS ?= 10
soak: export OUTAGE ?= 600
soak: export BROKERS_DOWN ?= 120
soak: export MEMORY_EVENTS ?= 1000
soak: export JOINS ?= 100
soak: export SUCCESSIONS ?= 20
soak: ## Run the long tests: 54,000 simulated histories, 20 kills, 10 rolling restarts, an outage of 10 minutes.
	$(call part,simulator,go test -count 1 -timeout 6h -run 'TestSimulat' -v ./consumer/dispatch)
	$(call part,bubble,go test -count 1 -timeout 6h ./consumer)
	$(call part,real Kafka,go test -count 1 -timeout 6h -v ./integration/...)
	@# Old releases that are still in use. The tests log what a release cannot do.
	@for version in 0.11.0.0 2.8.0 3.9.0; do \
		echo "== Kafka $$version"; KAFKA_VERSION=$$version go test -count 1 -parallel 6 -timeout 2h -v -run '^TestWorker$$/^beside_each_other$$/^one_node$$' ./integration; \
	done

.PHONY: chaos
chaos: export CHAOS_MINUTES ?= 20
chaos: export SUCCESSIONS ?= 20
chaos: export CHAOS_DIR ?= $(CURDIR)/.cache/chaos
chaos: ## Kill, freeze and restart workers and brokers for CHAOS_MINUTES (20); CHAOS_SEED=n replays a plan.
	$(call part,chaos,go test -count 1 -timeout 12h -run '^TestChaos$$' -v ./integration)

FUZZTIME ?= 30s

.PHONY: fuzz
fuzz: ## Run every fuzz test for FUZZTIME (30s), one after another.
	@for package in $$(go list ./...); do \
		for name in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "== $$package $$name"; \
			go test -run NONE -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -parallel 1 "$$package"; \
		done; \
	done

.PHONY: kafka
kafka: ## Start real Kafka and a LeadHit look-alike on this machine, and print how to reach them; Ctrl-C stops both.
	@# Not go run, which reports Ctrl-C as a failure.
	@go build -o .cache/bin/launch ./integration/launch && exec .cache/bin/launch
