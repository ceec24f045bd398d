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
DESTDIR :=
PREFIX  := /usr/local
UNITDIR := $(PREFIX)/lib/systemd/system

ifeq ($(V),)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2);
endif

# Debian packages: to build, to test and show, and to test on other kernels.
BUILD_DEPS := make gcc clang llvm libc6-dev linux-libc-dev libbpf-dev bpftool libelf-dev zlib1g-dev \
	libyang2-dev libmnl-dev libjansson-dev libcap-dev libsystemd-dev pkg-config
TEST_DEPS := libcmocka-dev iproute2 ethtool util-linux procps python3 python3-scapy python3-prometheus-client tshark gnuplot-nox \
	iputils-ping man-db libclang-rt-dev tcpdump frr bird2
# Of these, services that are neither started nor enabled by the installation: tests run them by hand.
QUIET    := frr bird
KERNEL_DEPS := qemu-system-x86 busybox-static cpio kmod xz-utils debian-archive-keyring perftest ibverbs-providers
ANALYSE_DEPS := clang-tidy cppcheck

LIBS     := libbpf libyang libmnl jansson libcap libsystemd
WARN     := -Wall -Wextra -Werror -Wno-unused-parameter
CFLAGS   := -O2 -g
WRITEDEP  = -MMD -MP -MF $@.d -MT $@
DIALECT   = -std=gnu11 -D_GNU_SOURCE -Iinclude -I$(B) -Iloader
OURS      = $(WARN) $(DIALECT) $(WRITEDEP)
LDLIBS    = $(shell pkg-config --libs $(LIBS)) -lm
TESTFLAGS = -DSRCDIR='"$(CURDIR)"'
BPFFLAGS  = -target bpf -mcpu=v3 -O2 -g $(WARN) -Wno-address-of-packed-member \
	-Wno-missing-declarations -Iinclude -Ibpf -I$(B) $(WRITEDEP)
SANITIZE := address,undefined -fno-sanitize-recover=all

LOADER   := $(filter-out loader/main.c,$(wildcard loader/*.c))
UNIT     := $(patsubst selftests/unit/%.c,$(B)/unit/%,$(wildcard selftests/unit/*.c))
PROG     := $(patsubst selftests/prog/%.c,$(B)/prog/%,$(wildcard selftests/prog/test_*.c))
PROGFUZZ := $(patsubst selftests/prog/%.c,$(B)/prog/%,$(wildcard selftests/prog/fuzz_*.c))
HARNESS  := $(patsubst selftests/%.c,$(B)/%.o,\
	$(filter-out %.bpf.c selftests/prog/test_% selftests/prog/fuzz_%,$(wildcard selftests/prog/*.c)))
PROGBPF  := $(patsubst selftests/%.bpf.c,$(B)/%.skel.h,$(wildcard selftests/prog/*.bpf.c))
GOLDEN   := $(patsubst selftests/%.py,$(B)/%.json,\
	$(filter-out selftests/golden/test_%,$(wildcard selftests/golden/*.py)))
VERIFY   := $(patsubst selftests/verify/%.c,$(B)/verify/%,$(wildcard selftests/verify/*.c))
FUZZ     := $(patsubst selftests/fuzz/%.c,$(B)/fuzz/%,$(wildcard selftests/fuzz/*.c))
TOOLS    := $(patsubst selftests/lab/%.c,$(B)/lab/%,$(wildcard selftests/lab/*.c))
BENCH    := $(patsubst selftests/bench/%.c,$(B)/bench/%,\
	$(filter-out %.bpf.c,$(wildcard selftests/bench/*.c)))
BENCHBPF := $(patsubst selftests/bench/%.bpf.c,$(B)/bench/%.skel.h,$(wildcard selftests/bench/*.bpf.c))

# What the demo can show.
SCENES   := $(patsubst selftests/lab/scene_%.py,%,$(wildcard selftests/lab/scene_*.py))
SCENE    := failure
ifneq ($(filter demo,$(MAKECMDGOALS)),)
ifneq ($(or $(filter $(SCENE),$(SCENES)),none),$(SCENE))
$(error SCENE=$(SCENE): no such scene; there are: $(SCENES))
endif
endif

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help deps test test-build test-kernels demo bench sanitize fuzz kills analyse install clean

all: $(B)/fantel $(B)/fantel.8

help:
	@echo 'make               build build/fantel'
	@echo 'sudo make demo     packages, build, and a scene in the lab of Figure 1: table and picture;'
	@echo '                   SCENE=NAME is one of: $(SCENES); without, $(SCENE)'
	@echo 'sudo make test     packages, build, every test; TESTS=PATTERN for some of them'
	@echo 'sudo make test-kernels  the tests on the kernels of Debian, in QEMU; KERNELS=bookworm for one'
	@echo 'sudo make bench    what each program costs per packet, forwarding beside a storm, and reaction times'
	@echo 'sudo make sanitize  unit tests and labs with a program built with ASan and UBSan; TESTS=PATTERN for others'
	@echo 'sudo make fuzz     the long fuzzing run (FUZZ_RUNS=10000000 of each target)'
	@echo 'sudo make kills    kill -9 at KILLS=200 moments of run, policy apply and detach, under traffic'
	@echo 'sudo make analyse  clang-tidy and cppcheck, clean or it fails'
	@echo 'sudo make install  binary, manual page, YANG module, completion, systemd unit (PREFIX, DESTDIR)'
	@echo 'sudo make deps     install the Debian packages only'
	@echo 'make clean         remove build/'
	@echo 'V=1 shows commands; BTF=FILE takes kernel types from FILE instead of the running kernel'

# ---- packages ------------------------------------------------------------------------------------

# Goals that test or show need more packages, and install what is missing when root runs them.
SETUP   := $(filter demo test test-build test-kernels bench sanitize fuzz kills analyse,$(MAKECMDGOALS))
BOOT    := $(filter test-kernels,$(SETUP))
ANALYSE := $(filter analyse,$(SETUP))
NEEDED  := $(BUILD_DEPS) $(if $(SETUP),$(TEST_DEPS)) $(if $(BOOT),$(KERNEL_DEPS)) \
	$(if $(ANALYSE),$(ANALYSE_DEPS))
HAVE    := $(B)/have-packages$(if $(SETUP),-to-test)$(if $(BOOT),-and-boot)$(if $(ANALYSE),-and-analyse)
MAY_APT := $(if $(SETUP),$(filter 0,$(shell id -u)))

# $(1): packages; $(2): not empty = install what is missing, else say so and fail. Where there is no
# dpkg, the compiler will say what it lacks.
packages = $(Q)command -v dpkg-query >/dev/null || exit 0; \
	have=$$(dpkg-query -W -f '$${Package}=$${db:Status-Status} ' $(1) 2>/dev/null); \
	for p in $(1); do case " $$have" in *" $$p=installed "*) ;; *) missing="$$missing $$p" ;; esac; done; \
	[ -n "$$missing" ] || exit 0; \
	if [ -z "$(2)" ]; then \
		echo "make: missing Debian packages:$$missing; install them with: sudo make deps" >&2; exit 1; \
	fi; \
	echo "  APT     $$missing"; \
	deny=/usr/sbin/policy-rc.d; \
	if [ -e $$deny ]; then deny=; else \
		printf '\043!/bin/sh\nexit 101\n' >$$deny && chmod 755 $$deny; \
		trap 'rm -f $$deny' EXIT; trap 'exit 1' INT TERM; \
	fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $$missing >/dev/null || exit 1; \
	for s in $(QUIET); do case "$$missing " in *" $$s "*|*" $${s}2 "*) \
		systemctl disable -q $$s 2>/dev/null || true ;; esac; done

deps:
	$(call packages,$(BUILD_DEPS) $(TEST_DEPS) $(ANALYSE_DEPS) $(KERNEL_DEPS),install)

$(HAVE): Makefile
	$(call packages,$(NEEDED),$(MAY_APT))
	$(Q)mkdir -p $(B) && touch $@

# ---- the program ---------------------------------------------------------------------------------

$(B)/vmlinux.h: vmlinux.h.gen $(BTF) | $(HAVE)
	$(call say,GEN,$@) BPFTOOL=$(BPFTOOL) ./vmlinux.h.gen $(BTF) > $@

$(B)/hooks.o: bpf/hooks.bpf.c $(B)/vmlinux.h
	$(call say,BPF,$@) $(CLANG) $(BPFFLAGS) -c $< -o $@

$(B)/fantel.bpf.o: $(B)/hooks.o
	$(call say,LINK,$@) $(BPFTOOL) gen object $@ $<

$(B)/fantel.skel.h: $(B)/fantel.bpf.o
	$(call say,SKEL,$@) $(BPFTOOL) gen skeleton $< name fantel_bpf > $@

# The YANG module travels inside the binary.
$(B)/schema.h: policies/fantel.yang | $(HAVE)
	$(call say,GEN,$@) { echo 'static const char schema_yang[] ='; \
		sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $<; echo ';'; } > $@

GENERATED := $(B)/fantel.skel.h $(B)/schema.h

$(B)/loader/%.o: loader/%.c Makefile | $(GENERATED)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(OURS) $(CFLAGS) -c $< -o $@

# All but main, as a library: programs that test a part link what they use.
$(B)/loader.a: $(LOADER:%.c=$(B)/%.o)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^

$(B)/fantel: $(B)/loader/main.o $(B)/loader.a
	$(call say,LD,$@) $(CC) $(CFLAGS) $^ $(LDLIBS) -o $@

# The manual's list of reasons comes from reason.h.
$(B)/fantel.8: loader/fantel.8 loader/reasons.awk include/fantel/reason.h | $(HAVE)
	$(call say,GEN,$@) awk -f loader/reasons.awk include/fantel/reason.h > $(B)/reasons.mdoc && \
		sed -e '/^\.\\" REASONS$$/{r $(B)/reasons.mdoc' -e 'd}' $< > $@

# ---- tests ---------------------------------------------------------------------------------------

test-build: all $(UNIT) $(PROG) $(PROGFUZZ) $(VERIFY) $(FUZZ) $(TOOLS) $(GOLDEN) $(B)/other/build/fantel

test: test-build
	$(Q)$(PYTHON) selftests/run $(TESTS)

# Debian's kernels in virtual machines; KERNELS="bookworm ..." for some of them.
test-kernels: test-build
	$(Q)$(PYTHON) selftests/kernels/run $(KERNELS:%=-k %) $(TESTS)

# The loader's sources again, under the sanitizers and with clang's warnings: for unit tests and fuzzers.
$(B)/sanitize/loader/%.o: loader/%.c Makefile | $(GENERATED)
	$(call say,CLANG,$@) mkdir -p $(@D) && \
		$(CLANG) $(OURS) -O1 -g -fsanitize=fuzzer-no-link,$(SANITIZE) -c $< -o $@

$(B)/sanitize/loader.a: $(LOADER:%.c=$(B)/sanitize/%.o)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^

$(B)/sanitize/fantel: $(B)/sanitize/loader/main.o $(B)/sanitize/loader.a
	$(call say,LD,$@) $(CLANG) -fsanitize=$(SANITIZE) $^ $(LDLIBS) -o $@

$(B)/unit/%: selftests/unit/%.c $(B)/sanitize/loader.a
	$(call say,CLANG,$@) mkdir -p $(@D) && $(CLANG) $(OURS) $(TESTFLAGS) -O1 -g -fsanitize=$(SANITIZE) \
		$< $(B)/sanitize/loader.a -lcmocka -lz $(LDLIBS) -o $@

# Packets in and packets expected, by scapy.
$(B)/golden/%.json: selftests/golden/%.py | $(HAVE)
	$(call say,GEN,$@) mkdir -p $(@D) && $(PYTHON) $< > $@

# What runs packets through programs; prog, verify and bench share it.
$(B)/prog/%.o: selftests/prog/%.c Makefile | $(GENERATED) $(GOLDEN)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(OURS) $(TESTFLAGS) $(CFLAGS) -c $< -o $@

$(B)/prog/test_%: selftests/prog/test_%.c $(HARNESS) $(B)/loader.a | $(PROGBPF)
	$(call say,CC,$@) $(CC) $(OURS) $(TESTFLAGS) $(CFLAGS) $< $(HARNESS) $(B)/loader.a -lcmocka \
		$(LDLIBS) -o $@

# The host's build of what the programs share with it runs under the sanitizers.
$(B)/prog/fuzz_%: selftests/prog/fuzz_%.c $(HARNESS) $(B)/loader.a
	$(call say,CC,$@) $(CC) $(OURS) $(TESTFLAGS) -O2 -g -fsanitize=$(SANITIZE) $< $(HARNESS) \
		$(B)/loader.a $(LDLIBS) -o $@

# BPF programs of tests and bench, each with a skeleton.
$(B)/%.skel.h: selftests/%.bpf.c $(B)/vmlinux.h
	$(call say,BPF,$@) mkdir -p $(@D) && $(CLANG) $(BPFFLAGS) -c $< -o $(B)/$*.o && \
		$(BPFTOOL) gen object $(B)/$*.bpf.o $(B)/$*.o && \
		$(BPFTOOL) gen skeleton $(B)/$*.bpf.o name $(*F)_bpf > $@

$(B)/verify/%: selftests/verify/%.c $(HARNESS) $(B)/loader.a
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(OURS) $(TESTFLAGS) -Iselftests $(CFLAGS) \
		$< $(HARNESS) $(B)/loader.a -lcmocka $(LDLIBS) -o $@

$(B)/fuzz/%: selftests/fuzz/%.c $(B)/sanitize/loader.a
	$(call say,FUZZ,$@) mkdir -p $(@D) && $(CLANG) $(OURS) $(TESTFLAGS) -O1 -g \
		-fsanitize=fuzzer,$(SANITIZE) $< $(B)/sanitize/loader.a $(LDLIBS) -o $@

# Unit tests are under the sanitizers at any time; here programs that run are, too. Loaders of any user
# leave their reports where all may write, and one report is a failure, whatever the tests say.
SANITIZED := unit/ golden/ prog/test_send lab/test_steer lab/test_recovery lab/test_lifecycle lab/test_upgrade lab/test_apply \
	lab/test_detach lab/test_user lab/test_bfd lab/test_controller lab/test_congestion lab/test_measured

sanitize: test-build $(B)/sanitize/fantel
	$(Q)reports=$$(mktemp -d) && chmod 1777 $$reports && trap 'rm -r $$reports' EXIT && \
	export FANTEL=$(B)/sanitize/fantel ASAN_OPTIONS=log_path=$$reports/report UBSAN_OPTIONS=print_stacktrace=1 && \
	$(PYTHON) selftests/run $(or $(TESTS),$(SANITIZED)); code=$$?; \
	for report in $$reports/*; do if [ -e $$report ]; then cat $$report; code=1; fi; done; exit $$code

FUZZ_RUNS ?= 10000000
fuzz: $(FUZZ) $(PROGFUZZ)
	$(Q)FUZZ_RUNS=$(FUZZ_RUNS) FUZZ_SECONDS=86400 $(PYTHON) selftests/run fuzz

# Of which `make test` makes a few.
KILLS ?= 200
kills: all $(TOOLS)
	$(Q)KILLS=$(KILLS) $(PYTHON) selftests/lab/test_kill.py

# clang-tidy reads the unit tests, too; to cppcheck cmocka's assertions are functions that return. It is
# told what macros of libraries come to, and knows no cleanup attributes; its parser gives up on a compound
# literal's address among arguments.
ANALYSED := $(wildcard loader/*.c selftests/unit/*.c)
MACROS   := -D'LIBBPF_OPTS(type,name,...)=struct type name = { __VA_ARGS__ }' \
	-D'json_array_foreach(array,i,value)=while ((value = next_of(array, &i)))' \
	-D'json_object_foreach(object,key,value)=while (next_of(object, &key, &value))' \
	-D'mnl_attr_for_each_payload(payload,len)=while ((attr = next_of(payload, len)))'
CPPCHECK := cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --std=c11 \
	--inline-suppr --suppress=memleak --suppress=resourceLeak --suppress=internalAstError --max-configs=1 $(MACROS) \
	-D_GNU_SOURCE -Iinclude -Iloader

analyse: $(ANALYSED:%.c=$(B)/analyse/%)

$(B)/analyse/%: %.c .clang-tidy Makefile $(wildcard include/fantel/*.h loader/*.h) | $(HAVE) \
		$(GENERATED)
	$(call say,ANALYSE,$<) mkdir -p $(@D) && \
		{ clang-tidy -quiet $< -- $(DIALECT) $(TESTFLAGS) 2>$@.log || { cat $@.log; exit 1; } } && \
		$(if $(filter loader/%,$<),$(CPPCHECK) $< &&) touch $@

$(B)/lab/%: selftests/lab/%.c | $(GENERATED)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(OURS) $(CFLAGS) $< -lpthread -lz -o $@

# Another build, whose maps look different.
$(B)/other/build/fantel: selftests/lab/other_build.py $(B)/fantel
	$(call say,OTHER,$@) $(PYTHON) $< $(B)/other && $(MAKE) -s -C $(B)/other BTF=$(abspath $(BTF)) all

demo: all $(TOOLS)
	$(Q)$(PYTHON) selftests/lab/demo.py $(SCENE)

# ---- bench ---------------------------------------------------------------------------------------

$(B)/bench/%: selftests/bench/%.c $(HARNESS) $(B)/loader.a | $(BENCHBPF)
	$(call say,CC,$@) mkdir -p $(@D) && \
		$(CC) $(OURS) -Iselftests $(CFLAGS) $< $(HARNESS) $(B)/loader.a $(LDLIBS) -o $@

bench: all $(BENCH) $(TOOLS)
	$(Q)selftests/bench/run

# ---- install -------------------------------------------------------------------------------------

install: all
	$(Q)install -D -m 755 $(B)/fantel $(DESTDIR)$(PREFIX)/sbin/fantel
	$(Q)install -D -m 644 $(B)/fantel.8 $(DESTDIR)$(PREFIX)/share/man/man8/fantel.8
	$(Q)mkdir -p $(DESTDIR)$(UNITDIR) && sed 's,@PREFIX@,$(PREFIX),' loader/fantel@.service \
		>$(DESTDIR)$(UNITDIR)/fantel@.service
	$(Q)install -D -m 644 policies/fantel.yang $(DESTDIR)$(PREFIX)/share/yang/modules/fantel/fantel.yang
	$(Q)install -D -m 644 loader/fantel.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/fantel

clean:
	$(Q)rm -rf $(B)

-include $(wildcard $(B)/*.d $(B)/*/*.d $(B)/*/*/*.d)
