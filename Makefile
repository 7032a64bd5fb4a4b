# make test    everything that proves the program; needs loopback only once the packages are there
# make bench   figures, each with its floor measured in the same run
# make soak    the long runs: calls that come and go under audio, crash rounds, random histories, fuzzing
# make deps    the Debian packages that make test drives as real peers

GO        ?= go
SHELL     := /bin/bash
PACKAGES  := ./...
PEERS     := curl:curl sip-tester:sipp baresip-core:baresip kamailio:kamailio rtpengine-daemon:rtpengine sox:sox prometheus:promtool chromium:chromium
ROUNDS    ?= 10

.PHONY: all build test deps vet unit peers bench soak fuzz golden clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/telefonist ./cmd/telefonist

test: deps vet build unit peers
	@echo "make test: everything passed"

# Installs what is missing where it may, and says what to install where it may not.
deps:
	@missing=""; \
	for p in $(PEERS); do \
	  PATH="$$PATH:/usr/sbin" command -v "$${p#*:}" >/dev/null || missing="$$missing $${p%%:*}"; \
	done; \
	if ! command -v gcc >/dev/null; then missing="$$missing gcc libc6-dev"; fi; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ]; then echo "make test needs these packages: sudo apt-get install --no-install-recommends$$missing" >&2; exit 1; fi; \
	apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends$$missing

vet:
	@bad="$$(gofmt -l $$(git ls-files '*.go'))"; if [ -n "$$bad" ]; then echo "not gofmt-ed:"; echo "$$bad"; exit 1; fi
	$(GO) vet $(PACKAGES)
	$(GO) mod verify >/dev/null
	CGO_ENABLED=0 $(GO) build $(PACKAGES)

# Unit, virtual-time and random-history tests, with the race detector. Packages that listen to audio by the clock are
# tested one at a time, so that they need not share the processors.
HEARING   := ./media/... ./sip/softphone/... ./app/demo/... ./internal/load/...

unit:
	$(GO) test -race -timeout 20m $$(comm -23 <($(GO) list $(PACKAGES) | sort) <($(GO) list $(HEARING) | sort))
	$(GO) test -race -p 1 -timeout 20m $(HEARING)

# Real peers on real sockets against the plain binary: SIPp, baresip, Kamailio, rtpengine, and a process that is killed.
peers: build
	TELEFONIST_PEERS=1 TELEFONIST_BIN=$(CURDIR)/bin/telefonist TELEFONIST_CRASH_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 30m -v ./internal/peers/...

# Settings of the media benchmarks: TELEFONIST_BENCH_CALLS="500 1000", _LISTENERS, _SECONDS, _ROUNDS, _NICE.
bench: build
	TELEFONIST_BIN=$(CURDIR)/bin/telefonist $(GO) test -run '^$$' -bench . -benchmem -timeout 60m $(PACKAGES)

SOAK       ?= 30m
SOAK_CALLS ?= 300
soak: build
	TELEFONIST_BIN=$(CURDIR)/bin/telefonist TELEFONIST_SOAK_FOR=$(SOAK) TELEFONIST_SOAK_CALLS=$(SOAK_CALLS) \
	  $(GO) test -count=1 -run Soak -timeout 24h -v ./internal/load
	TELEFONIST_SOAK=1 $(MAKE) peers ROUNDS=1000
	$(MAKE) fuzz FUZZTIME=10m

FUZZTIME ?= 20s
fuzz:
	@set -e; for pkg in $$($(GO) list $(PACKAGES)); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

# Rewrites the golden files; look at the difference before committing it.
golden:
	$(GO) test ./switchboard/... ./config/... ./internal/flows -update

clean:
	rm -rf bin
