/* SPDX-License-Identifier: MIT */
/* Opening and making regular files: which go past the page cache, which ask at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "fs/live/ops.h"

/* So many may be opened in vain before the kernel is told to ask no more. */
#define OPENS_IN_VAIN 64

/*
 * Opened so that it was worth the messages, and otherwise. A process serves one session.
 */
static _Atomic unsigned worth, vain;

/* What is only written: nobody reads or maps it by this descriptor. */
static bool only_written(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) == O_WRONLY;
}

/*
 * A file that tar made by mknod(2), to label it first, is opened while it is still empty:
 * as good as created. Past the page cache, a write is one message instead of two. Who
 * opens for anything else gains nothing, and pays for OPEN and RELEASE.
 */
void live_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (only_written(fi) && live_is_new(ops_live(req), ops_node(req, ino))) {
		fi->direct_io = 1;
		atomic_fetch_add(&worth, 1);
	} else if (atomic_fetch_add(&vain, 1) >= atomic_load(&worth) + OPENS_IN_VAIN) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

/* Nothing is held for an open file. */
void live_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, 0);
}

/* A name that came since the kernel looked, which at -ESTALE looks again by itself. */
static int open_found(struct live *l, struct live_node *dir, const char *name, int flags,
	struct live_entry *found)
{
	static const struct stat empty;
	int rc = live_lookup(l, dir, name, found);

	if (rc < 0)
		return rc == -ENOENT ? -ESTALE : rc;
	if (!S_ISREG(found->st.st_mode))
		rc = -ESTALE;
	else if (flags & O_TRUNC)
		rc = live_setattr(l, found->node, &empty, LIVE_SIZE, &found->st);
	if (rc < 0)
		live_forget(l, found->node, 1);
	return rc;
}

void live_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi)
{
	struct live_new what = {
		.mode = S_IFREG | (mode & 07777), .umask = fuse_req_ctx(req)->umask};
	struct live *l = ops_live(req);
	struct fuse_entry_param ep;
	struct live_entry made;
	int rc = live_make(l, ops_node(req, parent), name, &what, &made);

	if (rc == -EEXIST && !(fi->flags & O_EXCL))
		rc = open_found(l, ops_node(req, parent), name, fi->flags, &made);
	if (rc < 0) {
		ops_reply(req, rc);
		return;
	}
	ops_fill_entry(req, &made, &ep);
	fi->direct_io = only_written(fi);
	fi->noflush = 1;
	if (fuse_reply_create(req, &ep, fi) == -ENOENT)
		live_forget(l, made.node, 1);
}
