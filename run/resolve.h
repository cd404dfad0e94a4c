/* SPDX-License-Identifier: MIT */
/*
 * Paths as the target means them (path_resolution(7)): from its root, working directory
 * or descriptor, through its /proc/self, with the errno that the kernel would give.
 */
#ifndef RUN_RESOLVE_H
#define RUN_RESOLVE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/hold.h"
#include "run/target.h"

/* The view, as far as this process is concerned. */
struct run_view {
	uint64_t dev;     /* as stat(2) gives it: no other filesystem has it */
	const char *path; /* the mount point, absolute, without symbolic links */
	/* This process's own root directory, by view_know_root(). */
	uint64_t root_dev, root_ino;
	uint64_t root_mount; /* its mount's number; 0: not known */
	int root;            /* itself, opened for good */
	bool has_proc;       /* with the kernel's /proc */
	bool in_namespace;   /* the program is in a user namespace */
	struct hold *hold;   /* of the session, or NULL */
};

/* Before all else: fills in what stands for this process's root. 0 or -errno. */
int view_know_root(struct run_view *v);

/* A descriptor's inode is in the view. */
bool view_holds(const struct run_view *v, int fd);

/* A place that a call names: a path from dirfd (or AT_FDCWD), NUL-terminated. */
struct place_name {
	int dirfd;
	/* Set by resolve(): what it said was said by a directory in the view, and who
	 * asked the kernel for the same might hear something else by now. What was found
	 * is in the view too. */
	bool certain;
	char path[PATH_MAX];
};

/*
 * Opens what a path leads to with O_PATH; follow: also when that is a symbolic link.
 * -errno as of stat(2).
 */
int resolve(const struct run_view *v, const struct target *t, struct place_name *p,
	bool follow);

/*
 * Opens the directory in which the last name of a path is, and points *last (into the
 * path) to that name, which need not exist. -ENOENT for an empty path; -EEXIST where
 * there is no last name that could be made: "/", "..", ".", or one with '/' behind it.
 */
int resolve_parent(const struct run_view *v, const struct target *t, struct place_name *p,
	const char **last);

#endif
