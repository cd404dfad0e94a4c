/* SPDX-License-Identifier: MIT */
/*
 * The view that writes, as FUSE messages (fuse_lowlevel.h of libfuse 3). Session user
 * data is a struct view with live set (fs/ops.h).
 *
 * Nothing is kept for an open file: one that is unlinked while it is open is known by its
 * node. OPEN is only of use where it makes writing cheaper; once that is rare, it is
 * answered with ENOSYS, and the kernel sends no more of them, nor RELEASE.
 *
 * What a program creates only to write goes past the page cache (direct_io): one message
 * for each write(2), where the cache would send pages that are not whole by themselves
 * and ask for security.capability first. Such a descriptor cannot be mapped anyway. The
 * same goes for what it made a moment ago and opens while it is still empty.
 */
#ifndef FS_LIVE_OPS_H
#define FS_LIVE_OPS_H

#include "fs/live/live.h"
#include "fs/ops.h"

extern const struct fuse_lowlevel_ops live_ops;

struct live *ops_live(fuse_req_t req);
struct live_node *ops_node(fuse_req_t req, fuse_ino_t ino);
struct live_node *ops_node_of(struct live *l, fuse_ino_t ino);
fuse_ino_t ops_number(struct live *l, struct live_node *n);

/* The kernel's attributes of an inode are no longer true; all right where it has none. */
void ops_forget_attr(fuse_req_t req, fuse_ino_t ino);

/* A negative errno, or none. */
void ops_reply(fuse_req_t req, int rc);
void ops_reply_bytes(fuse_req_t req, int rc, const struct buf *bytes, size_t size);
void ops_reply_entry(fuse_req_t req, int rc, const struct live_entry *found);
void ops_fill_entry(
	fuse_req_t req, const struct live_entry *found, struct fuse_entry_param *ep);

/* ops_name.c: what makes, moves and lists names */
void live_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void live_op_mknod(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void live_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void live_op_symlink(
	fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void live_op_link(
	fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);
void live_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void live_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void live_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	fuse_ino_t new_parent, const char *new_name, unsigned flags);
void live_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void live_op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void live_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi);
void live_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi);

/* ops_open.c */
void live_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void live_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void live_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi);

/*
 * ops_raw.c: answers a message before libfuse sees it, or will later (true): what libfuse
 * has no handler for, and a change while the database is lent. view: a struct view.
 */
bool live_op_raw(void *view, const struct fuse_buf *message);

/* ops_xattr.c */
void live_op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void live_op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void live_op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags);
void live_op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* side.c; true: the name is one of fs/side.h, and the message is answered, or will be. */
bool live_side_get(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
bool live_side_set(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags);
bool live_side_remove(fuse_req_t req, fuse_ino_t ino, const char *name);

#endif
