# SPDX-License-Identifier: GPL-2.0-only
#
# The commands of the project; "make help" lists them. The module itself is built by kbuild,
# which reads Kbuild.

TOP := $(CURDIR)
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# Build directory of the tools
O ?= $(TOP)/out/tools
override O := $(abspath $(O))
# Do not pass O to every make that is called: for kbuild, O is the build directory of the kernel
MAKEOVERRIDES := $(filter-out O=%,$(MAKEOVERRIDES))

# The directory of the kernel to build for: of the running kernel, or of the newest one on
# this machine that the module supports
KDIR ?= $(shell packaging/kernel-dir)
# The kernels that dkms installs the module for (empty: all that the module supports)
KVER ?=
# The kernel to test on, and a pattern of tests (both empty: all kernels, and lint)
K ?=
T ?=
# Percent of the full counts of the stress tests (empty: see selftests/rough.h)
STRESS ?=

INSTALL ?= install
MODULE_SOURCES := Kbuild COPYING dkms.conf drivers $(wildcard include) uapi

TOOLS := $(patsubst %/Makefile,%,$(wildcard tools/lib/Makefile tools/ks-capture/Makefile tools/ks-share/Makefile))

help:
	@echo 'ksalloc $(VERSION)'
	@echo
	@echo '  make modules          build the module for the kernel in KDIR'
	@echo '                        ($(KDIR))'
	@echo '  make tools            build libks, ks-capture and ks-share into out/tools (O=...)'
	@echo
	@echo 'On this machine, as root:'
	@echo '  make dkms-install     install the module with dkms, for all kernels that it supports'
	@echo '                        (KVER=...: one kernel); it is then loaded at boot'
	@echo '  make dkms-remove      undo that'
	@echo '  make install          install libks, ks-capture and ks-share (PREFIX=..., DESTDIR=...)'
	@echo '  make uninstall        undo that'
	@echo '  make modules_install  install the module for the kernel in KDIR only; for the udev rule and'
	@echo '                        the file that loads it at boot: make config-install'
	@echo
	@echo 'In a virtual machine (missing packages are installed with apt-get):'
	@echo '  make demo             let four programs stream from one simulated camera; a report, a'
	@echo '                        timeline and pictures in out/demo (K=NAME)'
	@echo '  make check            run the tests (T=GLOB: some; K=NAME: on one kernel; K=all; K=every;'
	@echo '                        K=drivers: with v4l2loopback and v4l2-compliance;'
	@echo '                        STRESS=100: the stress tests at full length)'
	@echo '  make check-install    install and use it on Debian 12, 13 and sid (R=sid: one of them)'
	@echo '  make check-sharing    let ffmpeg, GStreamer, OpenCV and v4l2-ctl stream from one shared node'
	@echo '                        (K=NAME)'
	@echo '  make mutants          break the module on purpose; a test must fail then (M=GLOB: some)'
	@echo '  make bench            count instructions; tables and plots in out/bench'
	@echo '  make shell            a shell in a guest that has the module (K=NAME)'
	@echo
	@echo '  make lint             run the static checks'
	@echo '  make htmldocs         render the documentation into out/htmldocs'
	@echo '  make clean            remove what was built'

all: modules tools

modules:
	@packaging/kernel-dir --check '$(KDIR)'
	$(MAKE) -C $(KDIR) M=$(TOP) modules

modules_install: modules
	@packaging/kernel-dir --check-install '$(KDIR)'
	$(MAKE) -C $(KDIR) M=$(TOP) modules_install

tools:
	@tools/testing/deps --check tools
	set -e; for dir in $(TOOLS); do $(MAKE) -C $$dir O=$(O) all; done

install: tools
	set -e; for dir in $(TOOLS); do $(MAKE) -C $$dir O=$(O) install; done

uninstall:
	set -e; for dir in $(TOOLS); do $(MAKE) -C $$dir uninstall; done

# Permissions of the device node, and loading of the module at boot
config-install:
	$(INSTALL) -D -m 644 packaging/60-ksalloc.rules \
		$(DESTDIR)/etc/udev/rules.d/60-ksalloc.rules
	$(INSTALL) -D -m 644 packaging/ksalloc.conf \
		$(DESTDIR)/etc/modules-load.d/ksalloc.conf

# The sources of the module, for dkms or a package, without build results
module-sources:
	mkdir -p $(TO)
	tar -c $(addprefix --exclude=,*.o *.ko *.mod *.mod.c .*.cmd .*.d Module.symvers modules.order) \
		$(MODULE_SOURCES) | tar -x -C $(TO)

dkms-install:
	@packaging/dkms install $(KVER)

dkms-remove:
	@packaging/dkms remove

# What runs in the guests: static programs. ks-capture must not be older than its sources there
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc))
selftests:
	@set -e; for dir in selftests uvc drivers; do \
		$(MAKE) --no-print-directory -s $(PARALLEL) -C tools/testing/$$dir O=$(O); \
	done
	@$(MAKE) --no-print-directory -s $(PARALLEL) -C tools/ks-capture O=$(O) \
		$(O)/bin/ks-capture-static
	@$(MAKE) --no-print-directory -s $(PARALLEL) -C tools/ks-share O=$(O) $(O)/bin/ks-share-static

check:
	@tools/testing/deps build vm
	@tools/testing/vm/accel --hint
	@$(MAKE) --no-print-directory selftests O=$(O)
	@tools/testing/check --tools $(O) --kernel '$(K)' --test '$(T)' \
		--stress '$(STRESS)'

check-install:
	@tools/testing/install/run $(R)

check-sharing:
	@tools/testing/deps build vm sharing
	@tools/testing/vm/accel --hint
	@$(MAKE) --no-print-directory selftests O=$(O)
	@tools/testing/sharing/run --tools $(O) $(K)

shell:
	@tools/testing/deps build vm
	@tools/testing/vm/accel --hint
	@tools/testing/vm/vm --kernel '$(or $(K),stock)' --tools $(O) --shell

demo:
	@tools/demo/run --tools $(O) $(if $(K),--kernel $(K))

bench:
	@tools/testing/deps build vm
	@tools/bench/run

mutants:
	@tools/testing/deps build vm patch
	@$(MAKE) --no-print-directory selftests O=$(O)
	@tools/testing/mutants/run --tools $(O) $(M)

lint:
	@tools/testing/deps build lint docs
	@tools/testing/lint

htmldocs:
	@tools/testing/deps docs
	@tools/testing/htmldocs

clean:
	rm -rf out
	$(if $(KDIR),$(MAKE) -s -C $(KDIR) M=$(TOP) clean)

.PHONY: help all modules modules_install tools install uninstall config-install module-sources dkms-install dkms-remove \
	selftests check check-install check-sharing shell demo bench mutants lint htmldocs clean
