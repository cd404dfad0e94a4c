/* SPDX-License-Identifier: MIT */
/* A view as a mount: made, served and ended. */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include "fs/engine.h"
#include "fs/live/live.h"
#include "fs/mount_options.h"
#include "fs/stats.h"

/*
 * Mounts a tree at mountpoint (absolute), sealed (en) or to be written (l; the other is
 * NULL), and serves it until it is unmounted or a signal (INT, TERM, HUP) ends it. A loan
 * of the database has ended when this returns. ready is called once, from another thread,
 * as soon as the mount answers and was seen to show the labels that it means to show.
 * stats (or NULL) begins to count then.
 * Returns 0, or -1 where the mount could not be made or would have shown wrong labels.
 */
int session_run(struct engine *en, struct live *l, const char *mountpoint,
	const struct mount_options *m, struct stats *stats, void (*ready)(void *arg),
	void *arg, struct err *e);

/*
 * Asks a view that is mounted for its root's label as any tool would, and its daemon past
 * the kernel: 1 where both say the same, 0 where this host's kernel answers itself, -1.
 */
int session_labels_pass(const char *mountpoint, struct err *e);

/* What a mount needs of the host: /dev/fuse, and for others than root fusermount3. */
int session_check_host(struct err *e);

/*
 * True where the host's kernel runs SELinux: it then answers security.selinux itself, for
 * any FUSE mount. root is "" or, for tests, a directory that stands for '/'.
 */
bool session_host_selinux(const char *root);

#endif
