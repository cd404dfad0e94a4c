/* SPDX-License-Identifier: MIT */
/*
 * The threads that answer a session's messages: two, and one more whenever none has
 * waited for a message for a moment, up to a number. What is not needed any more stands
 * aside.
 */
#ifndef FS_SERVE_H
#define FS_SERVE_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include "common/err.h"
#include "fs/ahead.h"
#include "fs/hold.h"
#include "fs/stats.h"

#define SERVE_THREADS_MAX 320

struct serve_options {
	unsigned threads;    /* at most */
	struct hold *hold;   /* for callers that belong to the session; NULL: none do */
	struct ahead *ahead; /* reads ahead while messages are answered; NULL: nothing */
	struct stats *stats; /* counts the messages; NULL: nobody does */
	/* True: libfuse is not to answer this; NULL: it answers everything. */
	bool (*raw)(void *arg, const struct fuse_buf *message);
	void *arg;
};

/*
 * Serves until the session is unmounted, or fuse_session_exit() was called by a signal's
 * handler (fuse_set_signal_handlers()) in this thread: all threads that the process has
 * besides must block INT, TERM and HUP. Returns 0, or -1 where the device failed or no
 * thread could be started.
 */
int serve_session(struct fuse_session *se, const struct serve_options *o, struct err *e);

#endif
