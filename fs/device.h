/* SPDX-License-Identifier: MIT */
/* The kernel's device of a mount, where libfuse does not say all that it could. */
#ifndef FS_DEVICE_H
#define FS_DEVICE_H

#include "common/err.h"
#include "fs/ops.h"

/*
 * Once the session is mounted, and before its loop: lets setuid, setgid and capabilities
 * be the daemon's business (FUSE_HANDLE_KILLPRIV and _V2 of linux/fuse.h), where the
 * kernel offers that. Otherwise it would take the bits away itself, as from an ordinary
 * user's file, and ask for security.capability before each write. libfuse before 3.17
 * has no word for the one, and forgets the other (its issue 884), so that the answer to
 * INIT is completed here on its way.
 */
int device_keep_bits(struct fuse_session *se, struct err *e);

#endif
