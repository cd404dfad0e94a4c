# livery: one non-recursive makefile. Each folder's module.mk names what it holds.
# `make help` lists the targets.

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
DESTDIR    ?=

# One object directory a flavour: release, asan, fuzz, cov.
FLAVOR     ?= release
BUILD      := build
O          := $(BUILD)/$(FLAVOR)

CC         ?= cc
PKG_CONFIG ?= pkg-config
VERSION    := 0.1.0

V          ?= 0
ifeq ($(V),0)
Q          := @
say         = @printf '  %-6s %s\n' '$(1)' '$(2)'
else
Q          :=
say         = @:
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

include common/module.mk
include db/module.mk
include labeler/module.mk
include fs/module.mk
include image/module.mk
include pack/module.mk
include run/module.mk
include tools/module.mk
include tests/module.mk
include docs/module.mk

include flags.mk

##@ Building
.PHONY: all
all: $(O)/livery ## build livery (FLAVOR=release|asan, V=1 shows the commands)

.PHONY: flags
flags: ## print the flags that are in use
	@printf '%s\n' 'CC       $(CC)' 'CPPFLAGS $(all_cppflags)' 'CFLAGS   $(all_cflags)' \
		'LDFLAGS  $(all_ldflags)' 'LDLIBS   $(all_ldlibs)'

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(BUILD)

.PHONY: install
install: all ## install below PREFIX (default /usr/local), DESTDIR before every path
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(SBINDIR)' '$(DESTDIR)$(BASHCOMPDIR)'
	install -m 755 $(O)/livery '$(DESTDIR)$(BINDIR)/livery'
	ln -sf '$(BINDIR)/livery' '$(DESTDIR)$(SBINDIR)/mount.livery'
	$(O)/livery completion bash > '$(DESTDIR)$(BASHCOMPDIR)/livery'
	for p in $(man_pages); do s=$${p##*.}; \
		install -d "$(DESTDIR)$(MANDIR)/man$$s" && \
		install -m 644 "$$p" "$(DESTDIR)$(MANDIR)/man$$s/" || exit 1; done

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lib_srcs  := $(common_srcs) $(db_srcs) $(labeler_srcs) $(fs_srcs) $(image_srcs) $(pack_srcs) $(run_srcs) $(tools_srcs)
lib_objs  := $(lib_srcs:%.c=$(O)/%.o)

$(O)/livery: $(O)/tools/main.o $(O)/liblivery.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $@ $^ $(all_ldlibs)

# Everything but main(), for the program and for the tests; never installed.
$(O)/liblivery.a: $(lib_objs)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

$(O)/%.o: %.c $(O)/flags.stamp
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_cppflags) $(all_cflags) -MMD -MP -c -o $@ $<

# Objects are made anew when the flags change.
$(O)/flags.stamp: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' '$(CC) $(all_cppflags) $(all_cflags) $(all_ldflags)' | cmp -s - $@ || \
		printf '%s\n' '$(CC) $(all_cppflags) $(all_cflags) $(all_ldflags)' > $@

.PHONY: FORCE
FORCE:

-include $(shell find $(O) -name '*.d' 2>/dev/null)
