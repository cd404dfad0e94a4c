/* SPDX-License-Identifier: MIT */
/* Content of files and links, asked for or read ahead. */
#include <errno.h>
#include <limits.h>
#include <linux/fuse.h>

#include "fs/ops.h"

static struct view *view(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static pid_t caller(fuse_req_t req)
{
	return fuse_req_ctx(req)->pid;
}

/*
 * While the caller waits for an answer about asked he has asked for no other of these.
 * Somebody else may have, and the kernel then waits for his answer: so one thread at a
 * time stores, and the others answer. That the kernel does not know a file yet does no
 * harm.
 */
static void store(struct view *v, const struct ahead_content *c, const struct node *asked)
{
	if (!c || atomic_flag_test_and_set(&v->storing))
		return;
	for (; c; c = c->next) {
		struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(c->size);

		if (c->node == asked)
			continue;
		bytes.buf[0].mem = (void *)(uintptr_t)c->bytes;
		fuse_lowlevel_notify_store(
			v->se, (fuse_ino_t)(uintptr_t)c->node, 0, &bytes, 0);
	}
	atomic_flag_clear(&v->storing);
}

void view_store_due(fuse_req_t req, struct node *n)
{
	struct ahead_content *c = ahead_content_due(view(req)->ahead, caller(req), n);

	store(view(req), c, NULL);
	ahead_content_free(c);
}

static void reply(fuse_req_t req, const char *bytes, size_t size)
{
	stats_bytes(view_stats(req), FUSE_READ, size);
	fuse_reply_buf(req, bytes, size);
}

static void read_now(fuse_req_t req, struct node *n, size_t size, off_t off)
{
	char *buf = view_read_buffer(view(req), size);
	struct err e;
	ssize_t got;

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	got = engine_read(view_engine(req), n, buf, size, off, &e);
	if (got < 0)
		fuse_reply_err(req, err_errno(&e));
	else
		reply(req, buf, (size_t)got);
}

void view_read(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct node *n = view_node(req, ino);
	struct ahead_content *c = ahead_content(view(req)->ahead, caller(req), n);
	bool ready = c && c->node == n && off >= 0 && (size_t)off <= c->size;

	(void)fi;
	store(view(req), c, n);
	if (ready)
		reply(req, c->bytes + off,
			size < c->size - (size_t)off ? size : c->size - (size_t)off);
	else
		read_now(req, n, size, off);
	ahead_content_free(c);
}

void view_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct err e;
	char target[PATH_MAX + 1];

	if (engine_readlink(view_engine(req), view_node(req, ino), target, sizeof(target),
		    &e) < 0)
		fuse_reply_err(req, err_errno(&e));
	else
		fuse_reply_readlink(req, target);
}
