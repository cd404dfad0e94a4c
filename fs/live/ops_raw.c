/* SPDX-License-Identifier: MIT */
/*
 * Messages before libfuse sees them: FUSE_TMPFILE, for which it has no handler before its
 * 3.15, and changes that wait for the end of a loan.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdlib.h>
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

static bool answer_unnamed(struct view *v, const struct fuse_buf *message)
{
	const struct fuse_in_header *head = message->mem;

	if (head->opcode != OP_TMPFILE ||
		message->size < sizeof(*head) + sizeof(struct fuse_create_in))
		return false;
	make_unnamed(v, head);
	return true;
}

/* What may wait for the end of a loan, but asks for none itself. */
static bool is_change(const struct fuse_buf *message)
{
	const struct fuse_in_header *head = message->mem;

	switch (head->opcode) {
	case FUSE_SETXATTR:
		return !memmem(message->mem, message->size, SIDE_LEND, sizeof(SIDE_LEND));
	case FUSE_SETATTR:
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
	case FUSE_CREATE:
	case FUSE_REMOVEXATTR:
	case OP_TMPFILE:
		return true;
	default:
		return false;
	}
}

struct put_off {
	struct view *view;
	struct fuse_buf message;
	char bytes[];
};

static void answer_later(void *arg)
{
	struct put_off *p = arg;

	if (!answer_unnamed(p->view, &p->message))
		fuse_session_process_buf(p->view->se, &p->message);
	free(p);
}

static bool put_off(struct view *v, const struct fuse_buf *message)
{
	struct put_off *p = malloc(sizeof(*p) + message->size);

	if (!p)
		return false;
	p->view = v;
	p->message = *message;
	p->message.mem = memcpy(p->bytes, message->mem, message->size);
	if (live_put_off(v->live, answer_later, p))
		return true;
	free(p);
	return false;
}

bool live_op_raw(void *view, const struct fuse_buf *message)
{
	struct view *v = view;

	if (live_is_lent(v->live) && is_change(message) && put_off(v, message))
		return true;
	return answer_unnamed(v, message);
}
