/* SPDX-License-Identifier: MIT */
/*
 * Which extended attributes a view can show. The kernel (fs/xattr.c, xattr_permission)
 * lets no ordinary user read trusted.*, and user.* only on regular files and
 * directories; POSIX ACLs and file capabilities it parses before it hands them out. A
 * name that is listed but cannot be read makes mksquashfs drop every attribute of the
 * file and others fail, so such names are never listed.
 */
#ifndef FS_XATTR_H
#define FS_XATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define XATTR_LABEL       "security.selinux"
#define XATTR_CAPABILITY  "security.capability"
#define XATTR_ACL_ACCESS  "system.posix_acl_access"
#define XATTR_ACL_DEFAULT "system.posix_acl_default"

/* Either of the two POSIX ACLs. */
bool xattr_is_acl(const char *name);

/*
 * "user." and the like, a kind of attribute with no name behind it: no filesystem takes
 * one (xattr_resolve_name() of the kernel's fs/xattr.c: EINVAL).
 */
bool xattr_is_nameless(const char *name);

enum xattr_fate {
	XATTR_SHOWN,
	XATTR_HIDDEN, /* no reader of any filesystem could get it on such a file */
	XATTR_BAD,    /* the value is not what the name promises */
};

/* type: S_IFMT bits of the file as shown. */
enum xattr_fate xattr_fate(
	uint32_t type, const char *name, const void *value, size_t len);

/* The host's labels, hashes and trusted.* never show: they describe the build host. */
bool xattr_host_shows(const char *name);

/* -1 for what cannot be a label (given without the NUL at its end). */
int xattr_label_check(const char *label, size_t len, struct err *e);

#endif
