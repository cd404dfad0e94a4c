/* SPDX-License-Identifier: MIT */
/* Messages that libfuse has no handler for: FUSE_TMPFILE, before its 3.15. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/live/ops.h"

#define OP_TMPFILE 51 /* linux/fuse.h from Linux 6.1 on */

static void fill_attr(const struct stat *st, struct fuse_attr *a)
{
	*a = (struct fuse_attr){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.blksize = (uint32_t)st->st_blksize,
	};
}

/* As fuse_reply_create(); an error has nothing behind the head. */
static int reply(const struct view *v, uint64_t unique, int error,
	struct fuse_entry_out *entry, struct fuse_open_out *opened)
{
	struct fuse_out_header head = {
		.len = sizeof(head), .error = error, .unique = unique};
	struct iovec parts[] = {
		{&head, sizeof(head)},
		{entry, sizeof(*entry)},
		{opened, sizeof(*opened)},
	};
	int count = error ? 1 : 3;

	if (!error)
		head.len += (uint32_t)(sizeof(*entry) + sizeof(*opened));
	return writev(fuse_session_fd(v->se), parts, count) < 0 ? -errno : 0;
}

static void make_unnamed(struct view *v, const struct fuse_in_header *head)
{
	const struct fuse_create_in *in = (const void *)(head + 1);
	struct live_node *dir = ops_node_of(v->live, head->nodeid);
	struct live_new what = {.mode = S_IFREG | (in->mode & 07777), .umask = in->umask};
	struct fuse_open_out opened = {0};
	struct fuse_entry_out entry = {
		.attr_valid = (uint64_t)LIVE_TIMEOUT,
		.attr_valid_nsec = (uint32_t)(LIVE_TIMEOUT * 1e9),
	};
	struct live_entry made;
	int rc = live_make_unnamed(v->live, dir, &what, !(in->flags & O_EXCL), &made);

	if (rc < 0) {
		reply(v, head->unique, rc, NULL, NULL);
		return;
	}
	stats_file(v->stats, made.st.st_ino);
	entry.nodeid = (uintptr_t)made.node;
	fill_attr(&made.st, &entry.attr);
	if ((in->flags & O_ACCMODE) == O_WRONLY)
		opened.open_flags = FOPEN_DIRECT_IO;
	/* Nobody took it: the caller was interrupted. */
	if (reply(v, head->unique, 0, &entry, &opened) == -ENOENT)
		live_forget(v->live, made.node, 1);
}

bool live_op_raw(void *view, const struct fuse_buf *message)
{
	const struct fuse_in_header *head = message->mem;

	if (head->opcode != OP_TMPFILE ||
		message->size < sizeof(*head) + sizeof(struct fuse_create_in))
		return false;
	make_unnamed(view, head);
	return true;
}
