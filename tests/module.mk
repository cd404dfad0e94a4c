# Tests are discovered: tests/unit/*.c, tests/e2e/*.t, tests/fuzz/fuzz_*.c.

unit_srcs   := $(wildcard tests/unit/*.c)
unit_tests  := $(unit_srcs:%.c=$(O)/%)
fuzz_srcs   := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_replay := $(fuzz_srcs:tests/fuzz/%.c=$(O)/tests/fuzz/%)
fuzzers     := $(fuzz_srcs:tests/fuzz/%.c=$(BUILD)/fuzz/tests/fuzz/%.fuzzer)
e2e_tests   := $(wildcard tests/e2e/*.t)
FUZZ_SECONDS ?= 60
FIXTURES    := $(BUILD)/fixtures

$(unit_tests): $(O)/%: $(O)/%.o $(O)/liblivery.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $@ $^ $(all_ldlibs)

# Each fuzz target is also a program that replays a corpus, so that it cannot rot.
$(fuzz_replay): $(O)/%: $(O)/%.o $(O)/tests/fuzz/replay.o $(O)/liblivery.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $@ $^ $(all_ldlibs)

$(O)/%.fuzzer: $(O)/%.o $(O)/liblivery.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) -fsanitize=fuzzer,address,undefined -o $@ $^ $(all_ldlibs)

bench_programs := $(O)/tests/bench/label_lookup $(O)/tests/bench/message_floor
$(bench_programs): $(O)/%: $(O)/%.o $(O)/liblivery.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $@ $^ $(all_ldlibs)

include tests/judge/module.mk
include tests/view/module.mk

.PHONY: test-programs bench-programs fuzzers tsan-programs
test-programs: all $(unit_tests) $(fuzz_replay) $(view_programs) $(bench_programs)
bench-programs: all $(judge_programs) $(bench_programs)
fuzzers: $(fuzzers)
tsan-programs: $(view_dir)/four-writers

##@ Testing
.PHONY: check
check: ## run all tests; installs the Debian packages that are missing
	tests/run

.PHONY: check-unit
check-unit: test-programs ## run the unit tests of this FLAVOR only
	prove -Q $(unit_tests)

.PHONY: check-e2e
check-e2e: test-programs ## run the end-to-end tests of this FLAVOR only
	LIVERY=$(O)/livery FIXTURES=$(FIXTURES) prove -Q $(e2e_tests)

.PHONY: check-boot check-boot-broken
check-boot: ## boot images of a Debian root under qemu, enforcing; a host for `livery run`
	tests/lib/packages.sh build boot
	$(MAKE) all
	LIVERY=$(O)/livery FIXTURES=$(FIXTURES) prove -v tests/boot/boot.t \
		tests/boot/run-selinux.t

check-boot-broken: ## show that check-boot can fail: images with one thing wrong each
	tests/lib/packages.sh build boot
	$(MAKE) all
	LIVERY=$(O)/livery FIXTURES=$(FIXTURES) prove -v tests/boot/broken.t

# Minutes each: what `make check` runs a part of.
.PHONY: check-view
check-view: ## run the long tests of views that write: operations, kills, power cuts, writers
	tests/lib/packages.sh build test
	$(MAKE) FLAVOR=release test-programs
	$(MAKE) FLAVOR=tsan all tsan-programs
	LIVERY=$(BUILD)/release/livery OPERATIONS=100000 OPERATIONS_FRESH=100000 \
		E2E_TIMEOUT=1200 prove -v tests/e2e/60-operations.t
	LIVERY=$(BUILD)/release/livery OPERATIONS=100000 OPERATIONS_FRESH=100000 \
		E2E_TIMEOUT=1200 prove -v tests/e2e/75-run-posix.t
	LIVERY=$(BUILD)/release/livery KILL_ROUNDS=200 prove -v tests/e2e/64-view-killed.t
	LIVERY=$(BUILD)/release/livery POWER_RUNS=4 POWER_CUTS=6 prove -v tests/e2e/65-power-cut.t
	LIVERY=$(BUILD)/release/livery RUN_KILL_ROUNDS=200 prove -v tests/e2e/73-run-fails-closed.t
	LIVERY=$(BUILD)/release/livery VARIANT=minbase prove -v tests/e2e/78-run-mmdebstrap.t
	LIVERY=$(BUILD)/tsan/livery WRITERS_SECONDS=60 prove -v tests/e2e/66-four-writers.t

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZ_SECONDS (60), with ASan and UBSan
	$(MAKE) FLAVOR=fuzz fuzzers
	tests/fuzz/run $(FUZZ_SECONDS)

.PHONY: bench
bench: ## time it beside native trees and other tools; BENCH=--continue goes on with a run
	tests/lib/packages.sh build bench
	$(MAKE) bench-programs
	tests/bench/all $(BENCH)

##@ Trying it
.PHONY: demo
demo: ## make images of a small real Debian root, and say what was made
	tests/lib/packages.sh build demo
	$(MAKE) all
	tests/demo

.PHONY: packages
packages: ## install the Debian packages for building and testing
	tests/lib/packages.sh
