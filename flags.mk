# Flags and libraries. The user's CPPFLAGS, CFLAGS and LDFLAGS come last and win.
# pkg-config is asked only for targets that build, and fails loudly.

pkgs      := fuse3 sqlite3 libselinux libsepol libpcre2-8 libarchive zlib nettle ext2fs libsquashfs1 liblz4
no_build  := clean help packages demo check check-boot check-boot-broken check-labels \
             check-labels-full check-view bench

goals     := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out $(no_build),$(goals)),)
pkg_found := $(shell $(PKG_CONFIG) --print-errors --exists $(pkgs) >&2 && echo yes)
ifneq ($(pkg_found),yes)
$(error libraries are missing (see above): `make packages` installs them on Debian)
endif
pkg_cflags := $(shell $(PKG_CONFIG) --cflags $(pkgs))
pkg_libs   := $(shell $(PKG_CONFIG) --libs $(pkgs))
endif

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wundef -Wvla -Wwrite-strings -Wpointer-arith -Wcast-qual -Wimplicit-fallthrough
ifeq ($(CI),true)
warnings += -Werror
endif

harden_cflags  := -O2 -g -fstack-protector-strong -fstack-clash-protection -fPIE
harden_ldflags := -pie -Wl,-z,relro,-z,now

flavor_cppflags_release := -D_FORTIFY_SOURCE=3
flavor_cflags_release   := $(harden_cflags)
flavor_ldflags_release  := $(harden_ldflags)

flavor_cflags_asan   := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
flavor_ldflags_asan  := -fsanitize=address,undefined

# SQLite itself is not instrumented: its mutexes are intercepted, its own memory is not seen.
flavor_cflags_tsan   := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
flavor_ldflags_tsan  := -fsanitize=thread

flavor_cflags_fuzz   := -O1 -g -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
flavor_ldflags_fuzz  := -fsanitize=address,undefined
ifeq ($(FLAVOR),fuzz)
CC := clang
endif

all_cppflags := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DLIVERY_VERSION='"$(VERSION)"' -I. \
	$(flavor_cppflags_$(FLAVOR)) $(pkg_cflags) $(CPPFLAGS)
all_cflags   := -std=gnu17 -pthread $(warnings) $(flavor_cflags_$(FLAVOR)) $(CFLAGS)
all_ldflags  := $(flavor_ldflags_$(FLAVOR)) $(LDFLAGS)
all_ldlibs   := $(pkg_libs)
