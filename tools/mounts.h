/* SPDX-License-Identifier: MIT */
/* Which views are mounted, as the kernel lists them. */
#ifndef TOOLS_MOUNTS_H
#define TOOLS_MOUNTS_H

#include <stdbool.h>

/*
 * Calls back with the mount point of each view (fuse.livery) in this mount namespace,
 * whosever it is and whether or not its daemon is alive, the youngest last. A non-zero
 * answer ends it and is returned. The mount may be gone when it is called.
 */
typedef int mounts_fn(void *arg, const char *mountpoint, bool writable);
int mounts_each_view(mounts_fn *fn, void *arg);

#endif
