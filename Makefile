# What people and CI run. Everything works with Go and a package mirror alone, also as root; test-engine needs Python
# (or uv), conformance needs Python and the recorded conversations, race a C compiler for the race detector.

GO ?= go
BINARY := bin/palisade
ENGINE := .cache/engine
# The recorded conversations are not part of this repository.
CONFORMANCE_DIR ?= $(patsubst %/,%,$(dir $(firstword $(wildcard ../*/conformance/replay.py))))
# Packages in which goroutines share something.
CONCURRENT := ./internal/authz/... ./internal/pipeline/... ./internal/tenant/... ./internal/system/... ./internal/rest/... \
	./internal/engine/... ./internal/secret/... ./internal/postgres/... ./internal/session/... ./internal/jobs/... ./internal/scan/... \
	./internal/ingestion/... ./internal/audit/... ./internal/token/... ./internal/social/...

.PHONY: help build demo test outage race fuzz gen fresh lint bench bench-read bench-ingest bench-history bench-go explain conformance conformance-update test-engine test-saml clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "%-20s %s\n", $$1, $$2}'

build: ## Build bin/palisade
	$(GO) build -o $(BINARY) ./cmd/palisade

demo: build ## Start a server with sample organisations, people and findings
	$(BINARY) demo

test: ## Run all tests, with a real Postgres that is fetched when none is installed
	$(GO) test -timeout 9m ./...

outage: ## Kill, stop and cut off workers, and delete what they work on, at every exchange with the database (half an hour)
	PALISADE_TEST_EVERY_STEP=1 $(GO) test ./internal/outage -count=1 -timeout 120m -parallel 8

race: ## Run the concurrent packages' tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 20m $(CONCURRENT)

REQUESTS ?= 20000
SEED ?= 0
FUZZTIME ?= 10s

fuzz: ## Send REQUESTS random requests (SEED as printed: the same again) and run every fuzz target for FUZZTIME
	@mkdir -p .cache
	$(GO) test ./internal/accounting -count=1 -timeout 60m -v -run '^TestRandomRequests$$' \
		-requests $(REQUESTS) -seed $(SEED) -report $(CURDIR)/.cache/random-requests.txt
	@grep -rn -o --include='*_test.go' '^func Fuzz[A-Za-z]*' internal | sed 's,^\(.*\)/[^/]*:[0-9]*:func ,./\1 ,' | \
		while read -r package target; do echo "$$package $$target" && \
		$(GO) test $$package -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) || exit 1; done

gen: ## Write what machines write: schema.sql, gen/, statements of benchmarks, generated parts of docs/
	$(GO) run ./tools/gen
	$(GO) test ./internal/bench -run 'TestBareStatementsAreTheGenerated|TestExceptionsAreDocumented' -update
	$(GO) test ./internal/deploy -run TestTheListIsDocumented -update
	$(GO) run ./cmd/palisade openapi > gen/openapi.yaml.new && mv gen/openapi.yaml.new gen/openapi.yaml
	$(GO) run ./cmd/palisade openapi --version 3.0 > gen/openapi-3.0.yaml.new && mv gen/openapi-3.0.yaml.new gen/openapi-3.0.yaml
	$(GO) run ./cmd/palisade policy matrix --format markdown > docs/permissions.md.new && mv docs/permissions.md.new docs/permissions.md
	$(GO) run ./tools/compatibility

fresh: gen ## Fail when generated files are not committed as they are generated
	@git diff --exit-code -- gen sql/bench migrations/schema.sql docs/compatibility.md docs/permissions.md docs/deploy.md docs/plans.md
	@untracked="$$(git ls-files --others --exclude-standard -- gen)"; test -z "$$untracked" || { echo "not committed: $$untracked"; exit 1; }

lint: ## gofmt, go vet, staticcheck, the repository's own rules
	@unformatted="$$(gofmt -l cmd gen internal migrations policy sql tools)"; test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/tools.mod staticcheck ./...
	$(GO) run ./tools/lint ./...

bench: build ## Measure reads and ingestion beside bare SQL in the same run
	$(BINARY) bench

SIZES ?= 50000 250000 500000
OLDER ?= 20
OLDER_FINDINGS ?= 5000
READING ?= 1s

bench-read: build ## Measure the lists that people ask for, with SIZES findings in the newest of OLDER + 1 scans
	@for size in $(SIZES); do $(BINARY) bench --lists --findings $$size --older $(OLDER) --older-findings $(OLDER_FINDINGS) --reading $(READING) || exit 1; done

bench-ingest: build ## Measure ingestion of SIZES findings beside raw inserts, two scans each
	@$(BINARY) bench --sizes "$$(echo $(SIZES) | tr ' ' ,)" --scans 2

HISTORY_SIZE ?= 50000
HISTORY ?= 25000
HISTORY_FINDINGS ?= 60

bench-history: build ## Compare lists behind HISTORY older scans of HISTORY_FINDINGS findings with those of the newest scan alone (half an hour)
	@$(BINARY) bench --history --findings $(HISTORY_SIZE) --older $(HISTORY) --older-findings $(HISTORY_FINDINGS) --reading $(READING)

bench-go: ## Run the benchmarks that stand beside the tests
	$(GO) test -run '^$$' -bench . -benchmem ./...

EXPLAIN_DIR ?=

explain: build ## Judge the plans of every filter, order and page on a million findings (EXPLAIN_DIR keeps them for the next time)
	$(BINARY) bench --explain --data-dir "$(EXPLAIN_DIR)"

conformance: build ## Replay the recorded conversations against a fresh server; fail when fewer steps are equal than before
	conformance/run.py --binary $(BINARY) --engine $(ENGINE)/bin/python --dir "$(CONFORMANCE_DIR)"

conformance-update: build ## The same, and raise the kept numbers
	conformance/run.py --binary $(BINARY) --engine $(ENGINE)/bin/python --dir "$(CONFORMANCE_DIR)" --update

test-engine: ## Install the scan engine and an AWS emulator in .cache, and run the tests that need them
	PALISADE_TEST_ENGINE_PYTHON="$$(tools/engine/install.sh $(CURDIR)/$(ENGINE))" && export PALISADE_TEST_ENGINE_PYTHON && \
		$(GO) test -count=1 -timeout 15m -run 'Real' ./internal/... 

test-saml: ## Install an identity provider of other hands in .cache (xmlsec1 has to be there), and sign on through it
	python3 -m venv .cache/saml && .cache/saml/bin/pip install -q pysaml2==7.5.5
	PALISADE_TEST_SAML_PYTHON=$(CURDIR)/.cache/saml/bin/python $(GO) test -count=1 -run RealProvider ./internal/api/signon

clean: ## Remove what was built
	rm -rf bin .cache
