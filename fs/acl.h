/* SPDX-License-Identifier: MIT */
/*
 * POSIX ACLs as the kernel passes them in system.posix_acl_access and _default
 * (include/uapi/linux/posix_acl_xattr.h): a little-endian version word, 2, and entries of
 * tag, permissions and id.
 */
#ifndef FS_ACL_H
#define FS_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

enum acl_tag {
	ACL_TAG_USER_OBJ = 0x01,
	ACL_TAG_USER = 0x02,
	ACL_TAG_GROUP_OBJ = 0x04,
	ACL_TAG_GROUP = 0x08,
	ACL_TAG_MASK = 0x10,
	ACL_TAG_OTHER = 0x20,
};

#define ACL_NO_ID UINT32_MAX /* for the tags that name nobody */

/* Starts an ACL in b, or adds an entry to it; 0 or -1 (no memory). */
int acl_start(struct buf *b);
int acl_add(struct buf *b, enum acl_tag tag, unsigned perm, uint32_t id);

/* Puts the entries into the order that the kernel gives: by tag, then by id. */
void acl_sort(struct buf *b);

/*
 * An access ACL and a mode are two views of one thing (acl(5)): owner, mask (or, where
 * there is none, owning group) and others are the mode's nine bits. The value must be
 * valid. acl_set_mode() changes it in place.
 */
uint32_t acl_mode(const void *value, size_t len);
void acl_set_mode(void *value, size_t len, uint32_t mode);

/*
 * The mode of a file whose access ACL is taken away: group bits in the mode are the mask,
 * which allows the owning group no more than its own entry does.
 */
uint32_t acl_mode_without(const void *value, size_t len, uint32_t mode);

/* A valid ACL of this many bytes has the three entries that a mode has, and no more. */
bool acl_is_mode(size_t len);

/*
 * Whether the kernel takes it for an ACL at all, before it looks at what it says or at
 * the file: 0, -EINVAL, -EOPNOTSUPP for one of another version. No bytes are: it removes
 * one.
 */
int acl_check_version(const void *value, size_t len);

/* True if the kernel would take a valid one from setfacl(1): posix_acl_valid(). */
bool acl_complete(const void *value, size_t len);

/* True if the kernel would hand this value to a reader. */
bool acl_valid(const void *value, size_t len);

#endif
