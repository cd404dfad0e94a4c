/* SPDX-License-Identifier: MIT */
/* A user namespace (user_namespaces(7)), for programs that call chroot(2). */
#ifndef RUN_NAMESPACE_H
#define RUN_NAMESPACE_H

#include <sys/types.h>

#include "common/err.h"

/*
 * The calling process, of one thread, enters a namespace of its own in which it is root
 * and nobody else is anybody, with mounts of its own. uid, gid: who it is outside.
 */
int namespace_enter(uid_t uid, gid_t gid, struct err *e);

/* Its root becomes that directory, with the host's /dev, /proc and /sys in it. */
int namespace_chroot(const char *root, struct err *e);

#endif
