/* SPDX-License-Identifier: MIT */
/* Mounting and unmounting, for the commands and for the helper of mount(8). */
#ifndef TOOLS_MOUNT_H
#define TOOLS_MOUNT_H

#include "fs/mount_options.h"

/*
 * Mounts a view and returns when it answers, or, in the foreground, when it has ended.
 * Returns an exit code, or -1.
 */
int mount_view(const char *staging, const char *mountpoint, bool foreground,
	const struct mount_options *m, struct err *e);

/* What stands before the table of -o stats, wherever that is printed. */
#define STATS_TITLE "%s: messages to the view's daemon:"

/*
 * Ends the view that is mounted at path, with what broke its seal on standard error, and
 * the table of a view that counts.
 * Returns an exit code (EXIT_FINDINGS: the seal was broken), or -1.
 */
int unmount_view(const char *path, struct err *e);

#endif
