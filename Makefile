# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#
# One file; everything generated goes to build/. `make help` lists the targets.

B       := build
PATH    := $(PATH):/usr/sbin:/sbin
CC      := gcc
CLANG   := clang
BPFTOOL := bpftool
PYTHON  := /usr/bin/python3
BTF     :=

ifeq ($(V),)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2);
endif

# Debian packages: to build, and to test and show. jq, man and the like are not needed.
BUILD_DEPS := make gcc clang llvm libc6-dev linux-libc-dev libbpf-dev bpftool libelf-dev zlib1g-dev \
	libyang2-dev libmnl-dev libjansson-dev libcap-dev pkg-config
TEST_DEPS := libcmocka-dev iproute2 ethtool util-linux procps python3 python3-scapy tshark gnuplot-nox \
	iputils-ping man-db

LIBS     := libbpf libyang libmnl jansson libcap
WARN     := -Wall -Wextra -Werror -Wno-unused-parameter
CFLAGS   := -O2 -g $(WARN) -std=gnu11 -D_GNU_SOURCE -Iinclude -I$(B) -Iloader
LDLIBS    = $(shell pkg-config --libs $(LIBS)) -lm
BPFFLAGS := -target bpf -mcpu=v3 -O2 -g $(WARN) -Wno-address-of-packed-member \
	-Wno-missing-declarations -Iinclude -Ibpf -I$(B)

HEADERS  := $(wildcard include/fantel/*.h)
BPF_SRC  := $(wildcard bpf/*.h bpf/*.c)
LOADER   := $(patsubst loader/%.c,$(B)/loader/%.o,$(wildcard loader/*.c))
LIBOBJ   := $(filter-out $(B)/loader/main.o,$(LOADER))
UNIT     := $(patsubst selftests/unit/%.c,$(B)/unit/%,$(wildcard selftests/unit/*.c))
PROG     := $(patsubst selftests/prog/%.c,$(B)/prog/%,$(wildcard selftests/prog/test_*.c))
FUZZ     := $(patsubst selftests/fuzz/%.c,$(B)/fuzz/%,$(wildcard selftests/fuzz/*.c))
TOOLS    := $(patsubst selftests/lab/%.c,$(B)/lab/%,$(wildcard selftests/lab/*.c))
BENCH    := $(patsubst selftests/bench/%.c,$(B)/bench/%,$(wildcard selftests/bench/*.c))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help deps deps-build demo test test-build fuzz bench clean format-check

all: $(B)/fantel

help:
	@echo 'make               build build/fantel'
	@echo 'sudo make demo     packages, build, and the lab of Figure 1: a cut, the reaction, a picture'
	@echo 'sudo make test     packages, build, every test'
	@echo 'sudo make bench    what each program costs per packet, and reaction times'
	@echo 'sudo make fuzz     the long fuzzing run (FUZZ_RUNS=10000000)'
	@echo 'sudo make deps     install the Debian packages only'
	@echo 'make clean         remove build/'
	@echo 'V=1 shows commands; BTF=FILE takes kernel types from FILE instead of the running kernel'

# ---- packages ------------------------------------------------------------------------------------

deps:
	@missing=$$(dpkg-query -W -f '$${Package} $${db:Status-Abbrev}\n' $(BUILD_DEPS) $(TEST_DEPS) 2>/dev/null \
		| awk '$$2 == "ii" {print $$1}' | sort > $(B).have; \
		printf '%s\n' $(BUILD_DEPS) $(TEST_DEPS) | sort | comm -23 - $(B).have; rm -f $(B).have); \
	if [ -n "$$missing" ]; then \
		echo "  APT      $$missing" | tr '\n' ' '; echo; \
		apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends $$missing >/dev/null; \
	fi

# ---- the program ---------------------------------------------------------------------------------

$(B)/vmlinux.h: vmlinux.h.gen $(BTF)
	$(call say,GEN,$@) mkdir -p $(@D) && BPFTOOL=$(BPFTOOL) ./vmlinux.h.gen $(BTF) > $@

$(B)/hooks.o: bpf/hooks.bpf.c $(BPF_SRC) $(HEADERS) $(B)/vmlinux.h
	$(call say,BPF,$@) $(CLANG) $(BPFFLAGS) -c $< -o $@

$(B)/fantel.bpf.o: $(B)/hooks.o
	$(call say,LINK,$@) $(BPFTOOL) gen object $@ $<

$(B)/fantel.skel.h: $(B)/fantel.bpf.o
	$(call say,SKEL,$@) $(BPFTOOL) gen skeleton $< name fantel_bpf > $@

$(B)/loader/%.o: loader/%.c $(wildcard loader/*.h) $(HEADERS) $(B)/fantel.skel.h $(B)/schema.h
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(CFLAGS) -c $< -o $@

# The YANG module travels inside the binary.
$(B)/schema.h: policies/fantel.yang
	$(call say,GEN,$@) mkdir -p $(@D) && { echo 'static const char schema_yang[] ='; \
		sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $<; echo ';'; } > $@

$(B)/fantel: $(LOADER)
	$(call say,LD,$@) $(CC) $^ $(LDLIBS) -o $@

# ---- tests ---------------------------------------------------------------------------------------

$(B)/unit/%: selftests/unit/%.c $(wildcard selftests/unit/*.h) $(LIBOBJ)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(CFLAGS) -DSRCDIR='"$(CURDIR)"' $< $(LIBOBJ) -lcmocka $(LDLIBS) -o $@

$(B)/prog/%: selftests/prog/%.c $(wildcard selftests/prog/*.h) $(LIBOBJ)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(CFLAGS) -DSRCDIR='"$(CURDIR)"' $< $(LIBOBJ) -lcmocka $(LDLIBS) -o $@

$(B)/fuzz/%: selftests/fuzz/%.c $(HEADERS) $(wildcard loader/*.c loader/*.h) $(B)/fantel.skel.h $(B)/schema.h
	$(call say,FUZZ,$@) mkdir -p $(@D) && $(CLANG) $(CFLAGS) -O1 -Wno-unused-function \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		$< $(FUZZ_SRC_$*) $(LDLIBS) -o $@

$(B)/lab/%: selftests/lab/%.c $(HEADERS)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(CFLAGS) $< -lpthread -lz -o $@

$(B)/bench/%.skel.h: selftests/bench/%.bpf.c $(BPF_SRC) $(HEADERS) $(B)/vmlinux.h
	$(call say,BPF,$@) mkdir -p $(@D) && $(CLANG) $(BPFFLAGS) -c $< -o $(@D)/$*.o && \
		$(BPFTOOL) gen object $(@D)/$*.bpf.o $(@D)/$*.o && \
		$(BPFTOOL) gen skeleton $(@D)/$*.bpf.o name $*_bpf > $@

$(B)/bench/%: selftests/bench/%.c $(patsubst selftests/bench/%.bpf.c,$(B)/bench/%.skel.h,$(wildcard selftests/bench/*.bpf.c)) $(LIBOBJ)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(CFLAGS) $< $(LIBOBJ) $(LDLIBS) -o $@

clean:
	$(Q)rm -rf $(B)
