/* SPDX-License-Identifier: MIT */
/*
 * The view as FUSE messages (fuse_lowlevel.h of libfuse 3). Handlers reply exactly once.
 * Session user data is a struct view.
 *
 * Open and opendir are answered with ENOSYS, after which the kernel sends no more of
 * them, nor release and flush, and keeps its caches between opens
 * (include/uapi/linux/fuse.h, FUSE_NO_OPEN_SUPPORT and FUSE_NO_OPENDIR_SUPPORT).
 */
#ifndef FS_OPS_H
#define FS_OPS_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/buf.h"
#include "fs/ahead.h"
#include "fs/engine.h"
#include "fs/live/live.h"
#include "fs/side.h"
#include "fs/stats.h"

/* Seconds; the kernel's caches of a sealed view never run out. */
#define VIEW_FOREVER 2000000000.0

/* Sealed, or one that writes: either engine or live is set. */
struct view {
	struct engine *engine;
	struct live *live;
	struct ahead *ahead; /* of the engine; NULL: nothing is read ahead */
	atomic_flag storing; /* a thread gives the kernel what nobody asked for yet */
	const char *staging;
	uid_t owner; /* who mounted it; the side channel is held to him and root */
	const char *db_path;
	/* Called once the kernel has asked for the view's features, before the answer. */
	void (*on_init)(struct view *v);
	void *session;
	struct stats *stats;       /* NULL: nothing is counted */
	struct fuse_session *se;   /* once there is one */
	pthread_key_t read_buffer; /* one a worker thread, freed with it */
};

extern const struct fuse_lowlevel_ops view_ops;

/* What both kinds of view share. */
void view_set_feature(struct fuse_conn_info *conn, unsigned flag);
void view_init_common(struct view *v, struct fuse_conn_info *conn);
/* A buffer of the calling thread's for at least size bytes; NULL: no memory. */
char *view_read_buffer(struct view *v, size_t size);
/* A value for a reader with room for size bytes; one without any asks how many. */
void view_reply_bytes(fuse_req_t req, const void *bytes, size_t len, size_t size);
/* The answer to SIDE_VIEW; 0, or -1 (no memory). */
int view_describe(const struct view *v, struct buf *out);
/* The answer to SIDE_STATS; 0 or -errno. */
int view_answer_stats(const struct view *v, struct buf *out);

/* What is counted is counted there; NULL: nothing is. */
struct stats *view_stats(fuse_req_t req);

/* The content that he will ask for next goes to where he finds it without asking. */
void view_store_due(fuse_req_t req, struct node *n);

/* The node behind a number of the kernel's. */
struct node *view_node(fuse_req_t req, fuse_ino_t ino);
struct engine *view_engine(fuse_req_t req);

/* ops_dir.c */
void view_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void view_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi);
void view_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi);

/* ops_content.c */
void view_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi);
void view_readlink(fuse_req_t req, fuse_ino_t ino);

/* ops_xattr.c */
void view_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void view_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);

/* side.c; the names are those of fs/side.h */
void side_getxattr(fuse_req_t req, struct node *n, const char *name, size_t size);

#endif
