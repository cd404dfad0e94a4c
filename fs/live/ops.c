/* SPDX-License-Identifier: MIT */
#include "fs/live/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>

struct live *ops_live(fuse_req_t req)
{
	return ((struct view *)fuse_req_userdata(req))->live;
}

struct live_node *ops_node_of(struct live *l, fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return live_root(l);
	return (struct live_node *)(uintptr_t)ino;
}

struct live_node *ops_node(fuse_req_t req, fuse_ino_t ino)
{
	return ops_node_of(ops_live(req), ino);
}

fuse_ino_t ops_number(struct live *l, struct live_node *n)
{
	return n == live_root(l) ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)n;
}

void ops_forget_attr(fuse_req_t req, fuse_ino_t ino)
{
	const struct view *v = fuse_req_userdata(req);

	fuse_lowlevel_notify_inval_inode(v->se, ino, -1, 0);
}

void ops_reply(fuse_req_t req, int rc)
{
	fuse_reply_err(req, rc < 0 ? -rc : 0);
}

void ops_reply_bytes(fuse_req_t req, int rc, const struct buf *bytes, size_t size)
{
	if (rc < 0)
		ops_reply(req, rc);
	else
		view_reply_bytes(req, bytes->data, bytes->len, size);
}

void ops_fill_entry(
	fuse_req_t req, const struct live_entry *found, struct fuse_entry_param *ep)
{
	stats_file(view_stats(req), found->st.st_ino);
	*ep = (struct fuse_entry_param){
		.ino = (fuse_ino_t)(uintptr_t)found->node,
		.attr = found->st,
		.attr_timeout = LIVE_TIMEOUT,
		.entry_timeout = LIVE_TIMEOUT,
	};
}

void ops_reply_entry(fuse_req_t req, int rc, const struct live_entry *found)
{
	struct fuse_entry_param ep;

	if (rc < 0) {
		ops_reply(req, rc);
		return;
	}
	ops_fill_entry(req, found, &ep);
	/* Nobody took it: the caller was interrupted. */
	if (fuse_reply_entry(req, &ep) == -ENOENT)
		live_forget(ops_live(req), found->node, 1);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct view *v = userdata;

	view_set_feature(conn, FUSE_CAP_READDIRPLUS);
	view_set_feature(conn, FUSE_CAP_READDIRPLUS_AUTO);
	view_set_feature(conn, FUSE_CAP_CACHE_SYMLINKS);
	view_set_feature(conn, FUSE_CAP_PARALLEL_DIROPS);
	view_set_feature(conn, FUSE_CAP_ASYNC_READ);
	view_set_feature(conn, FUSE_CAP_AUTO_INVAL_DATA);
	/* A default ACL counts in place of the umask, which only we can know. */
	view_set_feature(conn, FUSE_CAP_DONT_MASK);
	/* Owner, content and setuid go together as for root, who may keep the bits. */
	view_set_feature(conn, FUSE_CAP_HANDLE_KILLPRIV);
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2
	view_set_feature(conn, FUSE_CAP_HANDLE_KILLPRIV_V2);
#endif
	/* Without OPEN nobody would hear of O_TRUNC: it comes as SETATTR. */
	conn->want &= ~FUSE_CAP_ATOMIC_O_TRUNC;
	/* What write(2) said is kept must outlive this process. */
	conn->want &= ~FUSE_CAP_WRITEBACK_CACHE;
	view_init_common(v, conn);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	live_forget(ops_live(req), ops_node(req, ino), nlookup);
	fuse_reply_none(req);
}

static void op_forget_multi(
	fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		live_forget(
			ops_live(req), ops_node(req, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, int rc, const struct stat *st)
{
	if (rc < 0) {
		ops_reply(req, rc);
		return;
	}
	stats_file(view_stats(req), st->st_ino);
	fuse_reply_attr(req, st, LIVE_TIMEOUT);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int rc = live_stat(ops_live(req), ops_node(req, ino), &st);

	(void)fi;
	reply_attr(req, rc, &st);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
	struct fuse_file_info *fi)
{
	static const struct {
		int fuse, live;
	} bits[] = {
		{FUSE_SET_ATTR_MODE, LIVE_MODE},
		{FUSE_SET_ATTR_UID, LIVE_UID},
		{FUSE_SET_ATTR_GID, LIVE_GID},
		{FUSE_SET_ATTR_SIZE, LIVE_SIZE},
		{FUSE_SET_ATTR_ATIME, LIVE_ATIME},
		{FUSE_SET_ATTR_MTIME, LIVE_MTIME},
		{FUSE_SET_ATTR_ATIME_NOW, LIVE_ATIME_NOW},
		{FUSE_SET_ATTR_MTIME_NOW, LIVE_MTIME_NOW},
	};
	struct stat st;
	int what = 0;
	int rc;

	(void)fi;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (to_set & bits[i].fuse)
			what |= bits[i].live;
	rc = live_setattr(ops_live(req), ops_node(req, ino), attr, what, &st);
	reply_attr(req, rc, &st);
}

static void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	ops_reply(req, live_access(ops_live(req), ops_node(req, ino), mask));
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[PATH_MAX + 1];
	int rc = live_readlink(ops_live(req), ops_node(req, ino), target, sizeof(target));

	if (rc < 0)
		ops_reply(req, rc);
	else
		fuse_reply_readlink(req, target);
}

static void op_read(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	char *buf = view_read_buffer(fuse_req_userdata(req), size);
	ssize_t got = -ENOMEM;

	(void)fi;
	if (buf)
		got = live_read(ops_live(req), ops_node(req, ino), buf, size, off);
	if (got < 0) {
		ops_reply(req, (int)got);
		return;
	}
	stats_bytes(view_stats(req), FUSE_READ, (size_t)got);
	fuse_reply_buf(req, buf, (size_t)got);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
	off_t off, struct fuse_file_info *fi)
{
	ssize_t put;

	/* Where the kernel takes the end to be, others may have written meanwhile. */
	if (fi->flags & O_APPEND && !fi->writepage)
		off = LIVE_END;
	put = live_write(ops_live(req), ops_node(req, ino), buf, size, off);
	if (put < 0) {
		ops_reply(req, (int)put);
		return;
	}
	stats_bytes(view_stats(req), FUSE_WRITE, (size_t)put);
	fuse_reply_write(req, (size_t)put);
}

static void op_lseek(
	fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	off_t at = live_seek(ops_live(req), ops_node(req, ino), off, whence);

	(void)fi;
	if (at < 0)
		ops_reply(req, (int)at);
	else
		fuse_reply_lseek(req, at);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
	struct fuse_file_info *fi)
{
	(void)fi;
	ops_reply(req, live_fallocate(ops_live(req), ops_node(req, ino), mode, off, len));
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
	struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
	struct fuse_file_info *fi_out, size_t len, int flags)
{
	ssize_t n = live_copy(ops_live(req), ops_node(req, ino_in), off_in,
		ops_node(req, ino_out), off_out, len, (unsigned)flags);

	(void)fi_in;
	(void)fi_out;
	if (n < 0)
		ops_reply(req, (int)n);
	else
		fuse_reply_write(req, (size_t)n);
}

static void op_fsync(
	fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
	(void)fi;
	ops_reply(req, live_fsync(ops_live(req), ops_node(req, ino), data_only));
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs sv;
	int rc = live_statvfs(ops_live(req), &sv);

	(void)ino;
	if (rc < 0)
		ops_reply(req, rc);
	else
		fuse_reply_statfs(req, &sv);
}

const struct fuse_lowlevel_ops live_ops = {
	.init = op_init,
	.lookup = live_op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.access = op_access,
	.readlink = op_readlink,
	.mknod = live_op_mknod,
	.create = live_op_create,
	.mkdir = live_op_mkdir,
	.symlink = live_op_symlink,
	.link = live_op_link,
	.unlink = live_op_unlink,
	.rmdir = live_op_rmdir,
	.rename = live_op_rename,
	.open = live_op_open,
	.release = live_op_release,
	.read = op_read,
	.write = op_write,
	.lseek = op_lseek,
	.fallocate = op_fallocate,
	.copy_file_range = op_copy_file_range,
	.fsync = op_fsync,
	.opendir = live_op_opendir,
	.releasedir = live_op_releasedir,
	.readdir = live_op_readdir,
	.readdirplus = live_op_readdirplus,
	.fsyncdir = op_fsync,
	.statfs = op_statfs,
	.getxattr = live_op_getxattr,
	.listxattr = live_op_listxattr,
	.setxattr = live_op_setxattr,
	.removexattr = live_op_removexattr,
};
