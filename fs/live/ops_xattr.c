/* SPDX-License-Identifier: MIT */
/* Attributes, and the side channel of a view that writes (fs/side.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "fs/live/ops.h"
#include "fs/xattr.h"

#define DEVICE_MAX UINT32_MAX /* of the numbers that FUSE itself can carry */

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* For others than the mount's owner, and root, there is no such thing. */
static bool is_side(fuse_req_t req, const char *name, bool *ours)
{
	const struct view *v = fuse_req_userdata(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	*ours = ctx->uid == v->owner || ctx->uid == 0;
	return starts(name, SIDE_PREFIX);
}

static int side_get(
	fuse_req_t req, struct live_node *n, const char *name, struct buf *out)
{
	struct live *l = ops_live(req);

	if (starts(name, SIDE_ATTR))
		return live_getxattr(l, n, name + strlen(SIDE_ATTR), true, out);
	if (strcmp(name, SIDE_LIST) == 0)
		return live_listxattr(l, n, true, out);
	if (strcmp(name, SIDE_VIEW) == 0)
		return view_describe(fuse_req_userdata(req), out) < 0 ? -ENOMEM : 0;
	if (strcmp(name, SIDE_PATH) == 0)
		return live_path(l, n, out);
	if (strcmp(name, SIDE_LABEL) == 0)
		return live_label(l, n, out);
	return strcmp(name, SIDE_SEAL) == 0 ? live_sync(l) : -ENODATA;
}

static void lent(void *req, int rc)
{
	ops_reply(req, rc);
}

static void returned(void *req, int rc)
{
	if (rc < 0)
		ops_reply(req, rc);
	else
		fuse_reply_buf(req, "", 0);
}

void live_op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct live_node *n = ops_node(req, ino);
	cleanup_buf struct buf value = {0};
	bool ours;
	int rc;

	if (is_side(req, name, &ours) && ours && strcmp(name, SIDE_LEND) == 0) {
		live_returned(ops_live(req), returned, req);
		return;
	}
	if (is_side(req, name, &ours))
		rc = ours ? side_get(req, n, name, &value) : -ENODATA;
	else
		rc = live_getxattr(ops_live(req), n, name, false, &value);
	if (rc < 0)
		ops_reply(req, rc);
	else
		view_reply_bytes(req, value.data, value.len, size);
}

void live_op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	cleanup_buf struct buf names = {0};
	int rc = live_listxattr(ops_live(req), ops_node(req, ino), false, &names);

	if (rc < 0)
		ops_reply(req, rc);
	else
		view_reply_bytes(req, names.data, names.len, size);
}

/* "MODE RDEV NAME" */
static int side_mknod(
	struct live *l, struct live_node *dir, const char *value, size_t size)
{
	cleanup_free char *text = strndup(value, size);
	struct live_new what = {0};
	struct live_entry made;
	unsigned long long rdev;
	char *end;
	int rc;

	if (!text)
		return -ENOMEM;
	if (strlen(text) != size || *text < '0' || *text > '7')
		return -EINVAL;
	what.mode = (uint32_t)strtoul(text, &end, 8);
	if (*end != ' ' || what.mode > 0177777 || end[1] < '0' || end[1] > '9')
		return -EINVAL;
	rdev = strtoull(end + 1, &end, 10);
	what.rdev = rdev;
	if (*end != ' ' || !end[1] || rdev > DEVICE_MAX || strchr(end + 1, '/') ||
		strcmp(end + 1, ".") == 0 || strcmp(end + 1, "..") == 0)
		return -EINVAL;
	if (S_ISDIR(what.mode) || S_ISLNK(what.mode))
		return -EINVAL;
	rc = live_make(l, dir, end + 1, &what, &made);
	if (rc == 0)
		live_forget(l, made.node, 1);
	return rc;
}

static int side_set(fuse_req_t req, struct live_node *n, const char *name,
	const char *value, size_t size, int flags)
{
	struct live *l = ops_live(req);

	if (starts(name, SIDE_ATTR))
		return live_setxattr(
			l, n, name + strlen(SIDE_ATTR), value, size, flags, true);
	if (strcmp(name, SIDE_MKNOD) == 0)
		return side_mknod(l, n, value, size);
	return -EOPNOTSUPP;
}

/* Modes and ACLs are one thing, and the kernel does not know that they are, here. */
static void forget_mode(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	const struct view *v = fuse_req_userdata(req);

	if (xattr_is_acl(starts(name, SIDE_ATTR) ? name + strlen(SIDE_ATTR) : name))
		fuse_lowlevel_notify_inval_inode(v->se, ino, -1, 0);
}

void live_op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags)
{
	struct live_node *n = ops_node(req, ino);
	bool ours;
	int rc;

	if (is_side(req, name, &ours) && ours && strcmp(name, SIDE_LEND) == 0) {
		live_lend(ops_live(req), lent, req);
		return;
	}
	if (is_side(req, name, &ours))
		rc = ours ? side_set(req, n, name, value, size, flags) : -EOPNOTSUPP;
	else
		rc = live_setxattr(ops_live(req), n, name, value, size, flags, false);
	forget_mode(req, ino, name);
	ops_reply(req, rc);
}

void live_op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct live *l = ops_live(req);
	struct live_node *n = ops_node(req, ino);
	bool ours;
	int rc = -EOPNOTSUPP;

	if (!is_side(req, name, &ours))
		rc = live_removexattr(l, n, name, false);
	else if (ours && starts(name, SIDE_ATTR))
		rc = live_removexattr(l, n, name + strlen(SIDE_ATTR), true);
	forget_mode(req, ino, name);
	ops_reply(req, rc);
}
