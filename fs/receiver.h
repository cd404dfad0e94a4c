/* SPDX-License-Identifier: MIT */
/*
 * How a session's threads come by its messages. Two wait in the kernel, which lets them
 * take turns. Where messages are worth looking for (fs/eager.h), one waits, and does not
 * sleep at once: with a second one asleep, the kernel would wake that.
 */
#ifndef FS_RECEIVER_H
#define FS_RECEIVER_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <pthread.h>

#include "fs/eager.h"
#include "fs/stats.h"

struct receiver {
	struct fuse_session *se;
	bool able; /* to look for messages, whatever comes */
	struct stats *stats;
	struct eager eager;
	_Atomic bool looking; /* the descriptor does not wait (O_NONBLOCK) */
	pthread_mutex_t lock; /* for changes of that */
};

/*
 * look: messages may be looked for, if there is a processor for that. stats (or NULL)
 * counts those that were found. Both and the session are the caller's; its descriptor is
 * the receiver's until receiver_end().
 */
void receiver_begin(
	struct receiver *r, struct fuse_session *se, bool look, struct stats *stats);
void receiver_end(struct receiver *r);

/* How many threads are to wait at a time. */
unsigned receiver_threads(const struct receiver *r);

/*
 * The next message, as fuse_session_receive_buf(): its size, 0 at the session's end,
 * -errno. receiver_look() looks for one, where that is worth it; after -EAGAIN it is to
 * be waited for. receiver_wait() does; after -EAGAIN and -EINTR it is to be looked for
 * again. The thread can be cancelled in both.
 */
int receiver_look(struct receiver *r, struct fuse_buf *message);
int receiver_wait(struct receiver *r, struct fuse_buf *message);

/*
 * A message of that thread has come; held as in eager_heard(). True: one more thread may
 * wait from now on.
 */
bool receiver_heard(struct receiver *r, pid_t caller, bool held);

/* That message is answered. */
void receiver_answered(struct receiver *r, pid_t caller);

#endif
