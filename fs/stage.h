/* SPDX-License-Identifier: MIT */
/*
 * The staging tree as files, reached so that nothing in it can lead out of it: every
 * open goes through openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
 * RESOLVE_NO_XDEV from the descriptor of its root. Paths are relative to that root,
 * without leading, doubled or trailing '/', "" is the root itself; they may be longer
 * than PATH_MAX.
 *
 * A struct stage is constant once opened; threads share it.
 */
#ifndef FS_STAGE_H
#define FS_STAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/err.h"

struct stage;

/* path must be a directory that the caller owns (root may use anybody's). */
int stage_open(struct stage **out, const char *path, struct err *e);
void stage_close(struct stage *s);

/* The absolute path without symbolic links, for messages and for the mount's name. */
const char *stage_path(const struct stage *s);

/* Descriptor of the root; stays the stage's. */
int stage_root(const struct stage *s);

/*
 * Opens what is at a path. flags as open(2), O_CLOEXEC and O_NOFOLLOW are added. A
 * symbolic link is opened only with O_PATH. Returns a descriptor, or -1 with errno
 * (ELOOP: a component is a symbolic link; EXDEV: it would leave the tree or cross into
 * another mount) and e set.
 */
int stage_openat(const struct stage *s, const char *path, int flags, struct err *e);

/* The same below a directory descriptor, for one name or a path; without an err. */
int stage_open_below(int dirfd, const char *path, int flags, mode_t mode);

struct stage_entry {
	char *name;
	struct statx st; /* basic attributes and birth time */
};

struct stage_list {
	struct stage_entry *entries; /* sorted bytewise by name */
	size_t count;
};

/*
 * Reads the directory open at fd (O_RDONLY), path is for messages. A name that vanishes
 * while it is read is left out. A mount point in it is an error: what is mounted there is
 * not part of the tree.
 */
int stage_list(int fd, const char *path, struct stage_list *out, struct err *e);
void stage_list_free(struct stage_list *l);

/* dev_t of a statx answer. */
dev_t stage_dev(const struct statx *st);

/* Its birth, nanoseconds since 1970; 0 where the filesystem does not say. */
int64_t stage_btime(const struct statx *st);

#endif
