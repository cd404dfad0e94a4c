/* SPDX-License-Identifier: MIT */
#include "fs/ops.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

struct engine *view_engine(fuse_req_t req)
{
	return ((struct view *)fuse_req_userdata(req))->engine;
}

struct stats *view_stats(fuse_req_t req)
{
	return ((struct view *)fuse_req_userdata(req))->stats;
}

struct node *view_node(fuse_req_t req, fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return engine_root(view_engine(req));
	return (struct node *)(uintptr_t)ino;
}

void view_set_feature(struct fuse_conn_info *conn, unsigned flag)
{
	if (conn->capable & flag)
		conn->want |= flag;
}

void view_init_common(struct view *v, struct fuse_conn_info *conn)
{
	/* A pipe in between costs more than it saves on messages of this size. */
	conn->want &=
		~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	/* It would force default_permissions on everybody. */
	conn->want &= ~FUSE_CAP_POSIX_ACL;
	conn->time_gran = 1;
	if (v->on_init)
		v->on_init(v);
}

static void view_init(void *userdata, struct fuse_conn_info *conn)
{
	struct view *v = userdata;

	view_set_feature(conn, FUSE_CAP_READDIRPLUS);
	conn->want &= ~FUSE_CAP_READDIRPLUS_AUTO;
	view_set_feature(conn, FUSE_CAP_CACHE_SYMLINKS);
	view_set_feature(conn, FUSE_CAP_PARALLEL_DIROPS);
	view_set_feature(conn, FUSE_CAP_ASYNC_READ);
	view_init_common(v, conn);
}

static void view_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	engine_stat(view_engine(req), view_node(req, ino), &st);
	stats_file(view_stats(req), st.st_ino);
	fuse_reply_attr(req, &st, VIEW_FOREVER);
}

static void view_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, ENOSYS);
}

struct read_buffer {
	size_t room;
	char bytes[];
};

char *view_read_buffer(struct view *v, size_t size)
{
	struct read_buffer *b = pthread_getspecific(v->read_buffer);

	if (b && b->room >= size)
		return b->bytes;
	free(b);
	b = malloc(sizeof(*b) + size);
	if (b)
		b->room = size;
	if (pthread_setspecific(v->read_buffer, b) != 0) {
		free(b);
		return NULL;
	}
	return b ? b->bytes : NULL;
}

static void view_lseek(
	fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct err e;
	off_t at = engine_seek(view_engine(req), view_node(req, ino), off, whence, &e);

	(void)fi;
	if (at < 0)
		fuse_reply_err(req, err_errno(&e));
	else
		fuse_reply_lseek(req, at);
}

static void view_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs sv;
	struct err e;

	(void)ino;
	if (engine_statvfs(view_engine(req), &sv, &e) < 0)
		fuse_reply_err(req, err_errno(&e));
	else
		fuse_reply_statfs(req, &sv);
}

/* Nodes live as long as the view: nothing is forgotten. */
static void view_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	(void)ino;
	(void)nlookup;
	fuse_reply_none(req);
}

static void view_forget_multi(
	fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	(void)count;
	(void)forgets;
	fuse_reply_none(req);
}

const struct fuse_lowlevel_ops view_ops = {
	.init = view_init,
	.lookup = view_lookup,
	.forget = view_forget,
	.forget_multi = view_forget_multi,
	.getattr = view_getattr,
	.readlink = view_readlink,
	.open = view_open,
	.opendir = view_open,
	.read = view_read,
	.readdir = view_readdir,
	.readdirplus = view_readdirplus,
	.lseek = view_lseek,
	.statfs = view_statfs,
	.getxattr = view_getxattr,
	.listxattr = view_listxattr,
};
