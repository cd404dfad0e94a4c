/* SPDX-License-Identifier: MIT */
/* Attributes. What starts with SIDE_PREFIX is the side channel's. */
#include "common/buf.h"
#include "fs/live/ops.h"
#include "fs/xattr.h"

void live_op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	cleanup_buf struct buf value = {0};
	int rc;

	if (live_side_get(req, ino, name, size))
		return;
	rc = live_getxattr(ops_live(req), ops_node(req, ino), name, false, &value);
	ops_reply_bytes(req, rc, &value, size);
}

void live_op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	cleanup_buf struct buf names = {0};
	int rc = live_listxattr(ops_live(req), ops_node(req, ino), false, &names);

	ops_reply_bytes(req, rc, &names, size);
}

/* Modes and ACLs are one thing, and the kernel does not know that they are, here. */
static void forget_mode(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	if (xattr_is_acl(name))
		ops_forget_attr(req, ino);
}

void live_op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags)
{
	int rc;

	if (live_side_set(req, ino, name, value, size, flags))
		return;
	rc = live_setxattr(
		ops_live(req), ops_node(req, ino), name, value, size, flags, false);
	forget_mode(req, ino, name);
	ops_reply(req, rc);
}

void live_op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	int rc;

	if (live_side_remove(req, ino, name))
		return;
	rc = live_removexattr(ops_live(req), ops_node(req, ino), name, false);
	forget_mode(req, ino, name);
	ops_reply(req, rc);
}
