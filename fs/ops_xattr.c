/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "common/buf.h"
#include "fs/ops.h"

void view_reply_bytes(fuse_req_t req, const void *bytes, size_t len, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, len);
	else if (len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, bytes, len);
}

void view_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct node *n = view_node(req, ino);
	struct xattr x;
	struct err e;
	int rc;

	if (strncmp(name, SIDE_PREFIX, strlen(SIDE_PREFIX)) == 0) {
		side_getxattr(req, n, name, size);
		return;
	}
	view_store_due(req, n);
	rc = engine_xattr(view_engine(req), n, name, &x, &e);
	if (rc <= 0)
		fuse_reply_err(req, rc < 0 ? err_errno(&e) : ENODATA);
	else
		view_reply_bytes(req, x.value, x.len, size);
}

static int add_name(void *arg, const struct xattr *x)
{
	return buf_add(arg, x->name, strlen(x->name) + 1);
}

void view_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	cleanup_buf struct buf names = {0};
	struct err e = {.code = ERR_SYS, .sys = ENOMEM};

	view_store_due(req, view_node(req, ino));
	if (engine_xattrs(view_engine(req), view_node(req, ino), add_name, &names, &e) <
		0)
		fuse_reply_err(req, err_errno(&e));
	else
		view_reply_bytes(req, names.data, names.len, size);
}
