# Thin names for go commands. `make help` lists them.
GO      ?= go
BIN     := build/logmetrics
LDFLAGS := -trimpath -ldflags=-s
export CGO_ENABLED ?= 0
FUZZTIME ?= 10s

.PHONY: help demo build test check short race fuzz page-check bench bench-serve bench-query chaos soak conformance golden pictures lint cross clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t14

demo: build ## build, show the metrics of a real mail log, and then logs of two weeks as a dashboard in the browser
	@tools/demo.sh $(BIN)
	@$(GO) build $(LDFLAGS) -o build/demo ./demo
	@build/demo $(BIN)

build: ## the static binary, as build/logmetrics
	$(GO) build $(LDFLAGS) -o $(BIN) ./cmd/logmetrics

test: ## all tests, and those against real peers where they can be installed
	@tools/test.sh

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go'))" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

page-check: ## types and form of the page's JavaScript, where npm is there
	@command -v npx >/dev/null || { echo "page-check: there is no npx"; exit 0; }; cd internal/serve/web && \
	npx --yes -p typescript@5.9.3 tsc -p tsconfig.json && npx --yes prettier@3.6.2 --config prettier.json --check 'static/js/*.js' 'static/*.css' static/index.html

short: ## the tests without peers and long loops
	$(GO) test -short ./...

check: test race fuzz cross ## what must hold before a change is done

race: ## the tests under the race detector
	CGO_ENABLED=1 $(GO) test -race -short ./...

fuzz: ## each fuzz target for FUZZTIME
	@tools/fuzz.sh $(FUZZTIME)

cross: ## build for every platform
	@for t in linux/amd64 linux/arm64 darwin/arm64; do echo "build $$t"; \
	  GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build $(LDFLAGS) -o /dev/null ./cmd/logmetrics || exit 1; done

bench: build ## Go benchmarks, then the binary beside grep, wc, mawk and mtail
	@bench/bench.sh $(BIN)

bench-serve: build ## the server beside victoria-metrics, carbon-cache, npm's statsd and, at BRUBECK=PATH, brubeck; ROUNDS (3) of each
	$(GO) build -o build/bench-serve ./bench/serve
	BRUBECK=$(BRUBECK) build/bench-serve -rounds $(or $(ROUNDS),3) $(BIN)

bench-query: build ## the Graphite API beside victoria-metrics and graphite-web, over HTTP; ROUNDS (3) of each, NAMES (1000000) in the larger set
	$(GO) build -o build/bench-query ./bench/query
	build/bench-query -rounds $(or $(ROUNDS),3) -names $(or $(NAMES),1000000) $(BIN)

chaos: ## runs from cron killed 1000 times, then 200 and their gatherer 50 times, then MIN (10) minutes of a daemon to which all happens, over rotating logs; servers killed at full load, and on a full disk
	$(GO) test -count=1 -timeout 60m -run 'TestChaos|FaultPoint' ./internal/extract -v -kills 1000
	$(GO) test -count=1 -timeout 60m -run GathererChaos ./internal/extract -v -gatherer-kills 200
	$(GO) test -count=1 -timeout 0 -run DaemonChaos ./internal/extract -v -minutes $(or $(MIN),10) $(if $(SEED),-seed $(SEED))
	$(GO) test -count=1 -timeout 60m -run 'TestServeKilled|OnAFullDisk' ./cmd/logmetrics -v -serve-kills 20

soak: ## a daemon at 5000 lines a second for MIN (20) minutes: it must not grow
	$(GO) test -count=1 -timeout 0 -run TestSoak ./internal/extract -v -minutes $(or $(MIN),20)

conformance: ## all that the Graphite API is asked, beside graphite-web's answers: how much is the same, and what is not
	$(GO) test -count=1 -v -run 'TestConformance|TestSecondLoad' ./internal/conformance -all

golden: ## rewrite golden files and the tables in docs; review the diff
	$(GO) test ./parsers ./outputs -update
	$(GO) test ./internal/serve/picture -run "Gallery|Docs" -update
	$(GO) test ./internal/serve/query/functions -run Docs -update
	$(GO) test ./cmd/logmetrics -run 'NamesOfOutputs|FiguresBesideLogster' -update

pictures: ## draw the pictures of the page in README and docs anew, in Chromium
	$(GO) test ./internal/pagetest -run StrangersMinute -update

clean: ## remove what make made
	rm -rf build
