# Everything a person or a CI does with this repository, in one word each. What is missing on the machine is installed
# first by scripts/dependencies (with apt-get, as root).

PREFIX ?= /usr/local
ARCH := $(shell uname -m)
STATIC_AGENT := .build/slotsync-agent-$(ARCH)
# What the agent may weigh, in bytes.
LARGEST_AGENT := 12000000
# Without the module for regular expressions, and without the names of all characters of Unicode, which CSystemCalls stands
# in for, the agent is a sixth smaller. A call that needs the module (`contains`, `split`, `firstRange` with a text in place
# of a character) does not compile here: Text/TextSearch.swift has another.
# Dispatch opens files in /proc, and ends the process where there is none; the C library makes no thread where clone3 is
# answered with EPERM: CSystemCalls stands in between.
# What unwinds a stack finds its tables without an index in a static program: the C compiler's own beginning of one
# (crtbeginT.o) registers them. The index would take 0.3 MB.
# Optimised for size it is half a megabyte smaller, and as fast: what a host does is system calls, and loops in C.
STATIC_FLAGS := -Xswiftc -static-executable -Xswiftc -Osize -Xswiftc -Xfrontend -Xswiftc -disable-implicit-string-processing-module-import \
	-Xlinker --wrap=open -Xlinker --wrap=__clone3 \
	-Xlinker --wrap=_swift_stdlib_getScalarName -Xlinker --icf=safe -Xlinker --no-eh-frame-hdr
SOURCES := Package.swift $(wildcard Sources Tests Benchmarks)

# For the benchmarks. UPDATE=1 writes the results into docs, QUICK=1 makes a trial of them.
RELEASES ?= .build/releases
MEMORY ?= /dev/shm
SCALE ?= .build/scale
ROWS ?=
ROUNDS ?= 3
FLEET_BENCHMARK = python3 Benchmarks/fleet --agent $(STATIC_AGENT) --releases "$(RELEASES)" \
	--command "$$(swift build -c release --static-swift-stdlib --show-bin-path)/slotsync" \
	--output $(if $(UPDATE),docs,.build/benchmark) --rounds $(ROUNDS) $(if $(QUICK),--quick)
# For benchmark-canary alone: how many pushes, of which set, and the reference judge to ask beside.
PUSHES ?= 9000
SET ?= check
REFERENCE ?=

# For simulate: how many (PUSHES=1000000), from which seed on, and which rule is broken.
TRIALS = $(if $(filter command line,$(origin PUSHES)),$(PUSHES),100000)
SEED ?= 1
BREAK ?=

# For power-cuts: how many for each course and file system, and at how many of its calls an agent is killed.
CUTS ?= 200
KILLS ?= 16

# For torture: how many faults, beside limits and short reads and writes, and which.
FAULTS ?= 1000

# For fuzz: how many seconds for each target, or how many inputs, the same each time, and which (all, if none is named).
TIME ?= 20
RUNS ?=
TARGETS ?=

.PHONY: build static test power-cuts torture simulate fuzz demo benchmark benchmark-scale benchmark-pieces benchmark-canary format lint install clean

## build: the command and the agent, optimised; they run where no Swift is installed
build:
	scripts/dependencies build
	swift build -c release --static-swift-stdlib

## static: the agent as one file that needs nothing of its host, for `slotsync install`
static: $(STATIC_AGENT)

.PHONY: $(STATIC_AGENT)
$(STATIC_AGENT):
	scripts/dependencies build
	swift build -c release --scratch-path .build-static $(STATIC_FLAGS) --product slotsync-agent
	mkdir -p $(@D)
	strip -o $@ "$$(swift build -c release --scratch-path .build-static --show-bin-path)/slotsync-agent"
	@ls -l $@
	@size="$$(stat -c %s $@)"; [ "$$size" -le $(LARGEST_AGENT) ] || { \
		echo "$@ has $$size bytes, and may have $(LARGEST_AGENT): nm --size-sort tells what grew" >&2; exit 1; }

## test: unit tests and end-to-end tests of the built programs
test: static
	scripts/dependencies test
	swift build --build-tests
	@# One test a processor: left alone Swift Testing begins all at once, and those that wait for hosts starve beside
	@# those that reckon. What failed is told once more at the end, where somebody finds it among 2,000 lines.
	@log="$$(mktemp)" && trap 'rm -f "$$log"' EXIT && { \
		SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH="$$(nproc)" \
		SLOTSYNC_STATIC_AGENT="$$(realpath $(STATIC_AGENT))" swift test --skip-build 2>&1; echo "exit $$?"; } | tee "$$log"; \
	tail -n 1 "$$log" | grep -qx "exit 0" || { echo "FAILED:"; grep -a -e '^✘' -e '^↳' "$$log"; exit 1; }

## power-cuts: power cuts on disks that log what is flushed; as root. CUTS=2000 for each course and file system
power-cuts: build
	scripts/dependencies power-cuts
	/usr/bin/python3 Tests/PowerCuts --command "$$(swift build -c release --static-swift-stdlib --show-bin-path)/slotsync" \
		--memory "$(MEMORY)" --cuts $(CUTS) --kills $(KILLS)

## simulate: PUSHES=1000000 trials on fleets of values, from SEED on; PUSHES=1 tells one of them step by step, BREAK=x breaks
## a rule on purpose
simulate:
	scripts/dependencies build
	swift build -c release --product simulate
	@PUSHES="$(TRIALS)" SEED="$(SEED)" BREAK="$(BREAK)" "$$(swift build -c release --show-bin-path)/simulate"

## torture: system calls fail once, or the process is killed there, on both ends. FAULTS=3000 SEED=7 for more, and others
torture: build
	scripts/dependencies test
	python3 Tests/Torture --command "$$(swift build -c release --static-swift-stdlib --show-bin-path)/slotsync" \
		--memory "$(MEMORY)" --faults $(FAULTS) --seed $(SEED)

## fuzz: libFuzzer on every decoder; TIME=600 seconds for each, RUNS=20000 inputs, TARGETS="manifest state" for some of them
fuzz:
	scripts/dependencies build
	scripts/fuzz --time $(TIME) $(if $(RUNS),--runs $(RUNS)) $(TARGETS)

## demo: releases go to hosts on this machine: live, back, and judged by a canary; DEMO=short takes a minute
demo: build
	scripts/dependencies demo
	DEMO="$(DEMO)" scripts/demo "$$(swift build -c release --static-swift-stdlib --show-bin-path)"

## benchmark: SlotSync beside rsync on the same work; docs/performance.md has its variables
benchmark: build static
	scripts/dependencies benchmark
	scripts/fetch-releases "$(RELEASES)"
	$(FLEET_BENCHMARK) --memory "$(MEMORY)" --rows "$(ROWS)"

## benchmark-scale: the memory that one file of 20 GB and 500,000 files take, on the disk of SCALE
benchmark-scale: build static
	scripts/dependencies benchmark
	mkdir -p "$(SCALE)"
	$(FLEET_BENCHMARK) --memory "$(SCALE)" --rows "big-file many-files"

## benchmark-pieces: the pieces of a stage, measured one by one (a quiet machine gives quiet figures)
benchmark-pieces:
	scripts/dependencies build
	swift package --package-path Benchmarks -c release -Xswiftc -enable-testing benchmark

## benchmark-canary: the canary's judge on simulated pushes; docs/canary-figures.md has its variables
benchmark-canary: build
	scripts/dependencies benchmark-canary
	python3 Benchmarks/canary --command "$$(swift build -c release --static-swift-stdlib --show-bin-path)/slotsync" \
		--output $(if $(UPDATE),docs,.build/benchmark) --rows "$(ROWS)" --memory "$(MEMORY)" --pushes $(PUSHES) \
		--set $(SET) $(if $(REFERENCE),--reference "$(REFERENCE)") $(if $(QUICK),--quick)

## format: put the sources into the house's form
format:
	swift format format --in-place --parallel --recursive $(SOURCES)

## lint: check that they are, and that no folder uses one that stands after it
lint:
	swift format lint --strict --parallel --recursive $(SOURCES)
	swift build
	scripts/check-folders

## install: the command, with the static agent beside it, below PREFIX
install: build static
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -s "$$(swift build -c release --static-swift-stdlib --show-bin-path)/slotsync" "$(DESTDIR)$(PREFIX)/bin/slotsync"
	install $(STATIC_AGENT) "$(DESTDIR)$(PREFIX)/bin/slotsync-agent"

clean:
	rm -rf .build .build-static .build-fuzz Benchmarks/.build
