/* SPDX-License-Identifier: MIT */
/*
 * Device nodes of the view that are opened in its stead: those that any user may open on
 * any host, and that say the same to all. The mount itself has no devices (nodev).
 */
#ifndef RUN_DEVICES_H
#define RUN_DEVICES_H

#include <stdbool.h>

/* An open with these flags may be one of a device node that is there. */
bool devices_may_open(int flags);

/*
 * Opens this host's own node of the device that inode is, with the flags of open(2) and
 * close-on-exec. -ENXIO: it is no such device, or this host has no node of it where it
 * should be; -errno.
 */
int devices_open(int inode, int flags);

#endif
