/* SPDX-License-Identifier: MIT */
/*
 * Device nodes of the view that are opened in its stead: those that any user may open on
 * any host, and that say the same to all. The mount itself has no devices (nodev).
 */
#ifndef RUN_DEVICES_H
#define RUN_DEVICES_H

#include <stdbool.h>
#include <sys/stat.h>

#include "run/target.h"

/* An open with these flags may be one of a device node that is there. */
bool devices_may_open(int flags);

/*
 * Opens this host's own node of the device that inode is, with the flags of open(2) and
 * close-on-exec. -ENXIO: it is no such device, or this host has no node of it where it
 * should be; -errno.
 */
int devices_open(int inode, int flags);

/* A node of the view, as it was when it was opened. */
struct devices_node {
	struct stat st;
	struct statx stx;
};

/*
 * A descriptor of the target's is one that devices_open() gave, not long ago: of which
 * node. Programs compare what they looked at with what they opened.
 */
bool devices_opened_as(const struct target *t, int fd, struct devices_node *node);

#endif
