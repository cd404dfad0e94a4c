/* SPDX-License-Identifier: MIT */
/* The side channel of a view that writes (fs/side.h). */
#include <errno.h>
#include <limits.h>
#include <linux/fuse.h>
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
static bool is_ours(fuse_req_t req)
{
	const struct view *v = fuse_req_userdata(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return ctx->uid == v->owner || ctx->uid == 0;
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

static int get(fuse_req_t req, struct live_node *n, const char *name, struct buf *out)
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
	if (strcmp(name, SIDE_STATS) == 0)
		return view_answer_stats(fuse_req_userdata(req), out);
	return strcmp(name, SIDE_SEAL) == 0 ? live_sync(l) : -ENODATA;
}

bool live_side_get(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	cleanup_buf struct buf value = {0};
	int rc = -ENODATA;

	if (!starts(name, SIDE_PREFIX))
		return false;
	stats_own(view_stats(req), FUSE_GETXATTR);
	if (is_ours(req) && strcmp(name, SIDE_LEND) == 0) {
		live_returned(ops_live(req), returned, req);
		return true;
	}
	if (is_ours(req))
		rc = get(req, ops_node(req, ino), name, &value);
	ops_reply_bytes(req, rc, &value, size);
	return true;
}

/* A value's bytes with a NUL behind them, malloc'd. */
static char *text_of(const char *value, size_t size)
{
	char *text = malloc(size + 1);

	if (text) {
		memcpy(text, value, size);
		text[size] = '\0';
	}
	return text;
}

/* That a name is too long says whoever makes it. */
static bool is_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* A number and the blank behind it; *text is what follows then. */
static bool take_number(
	const char **text, int base, unsigned long long max, unsigned long long *out)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*out = strtoull(*text, &end, base);
	if (*end != ' ' || *out > max)
		return false;
	*text = end + 1;
	return true;
}

static bool can_be_made(mode_t mode)
{
	return S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) ||
	       S_ISBLK(mode);
}

/* "MODE UMASK RDEV NAME" */
static int make(fuse_req_t req, fuse_ino_t dir, const char *value, size_t size)
{
	cleanup_free char *text = text_of(value, size);
	struct live *l = ops_live(req);
	unsigned long long mode, mask, rdev;
	const char *name = text;
	struct live_entry made;
	int rc;

	if (!text)
		return -ENOMEM;
	if (strlen(text) != size || !take_number(&name, 8, S_IFMT | 07777, &mode) ||
		!take_number(&name, 8, 0777, &mask) ||
		!take_number(&name, 10, DEVICE_MAX, &rdev) || !is_name(name) ||
		!can_be_made((mode_t)mode))
		return -EINVAL;
	rc = live_make(l, ops_node(req, dir), name,
		&(struct live_new){(uint32_t)mode, (uint32_t)mask, rdev, NULL}, &made);
	if (rc == 0) {
		ops_forget_attr(req, dir);
		live_forget(l, made.node, 1);
	}
	return rc;
}

/* "SOURCE\0INODE NAME" */
static int link_from(fuse_req_t req, fuse_ino_t dir, const char *value, size_t size)
{
	cleanup_free char *source = text_of(value, size);
	struct live *l = ops_live(req);
	struct live_entry found, made;
	unsigned long long ino;
	const char *name;
	int rc;

	if (!source)
		return -ENOMEM;
	if (strlen(source) == size)
		return -EINVAL;
	name = source + strlen(source) + 1;
	if (name + strlen(name) != source + size ||
		!take_number(&name, 10, ULLONG_MAX, &ino) || !is_name(name))
		return -EINVAL;
	rc = live_find(l, source, &found);
	if (rc == 0 && !*source && found.st.st_ino != ino) /* not the root */
		rc = live_find_unnamed(l, ino, &found);
	if (rc < 0)
		return rc;
	rc = found.st.st_ino == ino
		     ? live_link(l, found.node, ops_node(req, dir), name, &made)
		     : -ESTALE;
	if (rc == 0) {
		ops_forget_attr(req, ops_number(l, made.node));
		ops_forget_attr(req, dir);
		live_forget(l, made.node, 1);
	}
	live_forget(l, found.node, 1);
	return rc;
}

static int set(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags)
{
	int rc;

	if (strcmp(name, SIDE_MKNOD) == 0)
		return make(req, ino, value, size);
	if (strcmp(name, SIDE_LINK) == 0)
		return link_from(req, ino, value, size);
	if (!starts(name, SIDE_ATTR))
		return -EOPNOTSUPP;
	name += strlen(SIDE_ATTR);
	rc = live_setxattr(
		ops_live(req), ops_node(req, ino), name, value, size, flags, true);
	if (xattr_is_acl(name))
		ops_forget_attr(req, ino);
	return rc;
}

bool live_side_set(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags)
{
	int rc = -EOPNOTSUPP;

	if (!starts(name, SIDE_PREFIX))
		return false;
	stats_own(view_stats(req), FUSE_SETXATTR);
	if (is_ours(req) && strcmp(name, SIDE_LEND) == 0) {
		live_lend(ops_live(req), lent, req);
		return true;
	}
	if (is_ours(req))
		rc = set(req, ino, name, value, size, flags);
	ops_reply(req, rc);
	return true;
}

bool live_side_remove(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	int rc = -EOPNOTSUPP;

	if (!starts(name, SIDE_PREFIX))
		return false;
	stats_own(view_stats(req), FUSE_REMOVEXATTR);
	if (is_ours(req) && starts(name, SIDE_ATTR)) {
		name += strlen(SIDE_ATTR);
		rc = live_removexattr(ops_live(req), ops_node(req, ino), name, true);
		if (xattr_is_acl(name))
			ops_forget_attr(req, ino);
	}
	ops_reply(req, rc);
	return true;
}
