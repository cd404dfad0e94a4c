/* SPDX-License-Identifier: MIT */
#include "fs/receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "common/clock.h"
#include "common/processors.h"

/* Threads that sleep; the kernel wakes the one that has slept for longest. */
#define ASLEEP 2
/* Nanoseconds: to look for a message. As long is nobody away from a free processor. */
#define LOOK_FOR 200000
#define TAKEN    500000
#define TRIES    8 /* from one look at the clock to the next */

void receiver_begin(
	struct receiver *r, struct fuse_session *se, bool look, struct stats *stats)
{
	*r = (struct receiver){.se = se, .stats = stats};
	r->able = look && processors_allowed() > 1;
	eager_init(&r->eager);
	pthread_mutex_init(&r->lock, NULL);
}

void receiver_end(struct receiver *r)
{
	pthread_mutex_destroy(&r->lock);
}

static bool looking(const struct receiver *r)
{
	return atomic_load_explicit(&r->looking, memory_order_relaxed);
}

unsigned receiver_threads(const struct receiver *r)
{
	return looking(r) ? 1 : ASLEEP;
}

/*
 * A thread that is cancelled leaves its stack as it is. So what can be cancelled has
 * nothing there that is pointed to.
 */
static __attribute__((noinline)) int64_t look_at_clock(void)
{
	return clock_ns();
}

static int look(struct receiver *r, struct fuse_buf *message)
{
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc == -EAGAIN; i++)
		rc = fuse_session_receive_buf(r->se, message);
	return rc;
}

int receiver_look(struct receiver *r, struct fuse_buf *message)
{
	int64_t start, now, last;
	int rc = -EAGAIN;

	if (!looking(r))
		return rc;
	start = now = look_at_clock();
	while (rc == -EAGAIN && looking(r) && now - start < LOOK_FOR) {
		rc = look(r, message);
		last = now;
		now = look_at_clock();
		/* One that was away mostly finds a message when it is back. */
		if (now - last > TAKEN)
			eager_taken(&r->eager);
	}
	if (rc > 0)
		stats_looked_for(r->stats);
	return rc;
}

int receiver_wait(struct receiver *r, struct fuse_buf *message)
{
	/* Not on the stack: see above. */
	static _Thread_local struct pollfd news;

	if (looking(r)) {
		news = (struct pollfd){.fd = fuse_session_fd(r->se), .events = POLLIN};
		if (poll(&news, 1, -1) < 0)
			return -errno;
	}
	return fuse_session_receive_buf(r->se, message);
}

static void set_waiting(int fd, bool waits)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, waits ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* Whoever sleeps in a read(2) meanwhile sleeps on, until a message comes. */
static bool settle(struct receiver *r)
{
	bool on, changed;

	if (eager_on(&r->eager) == looking(r))
		return false;
	pthread_mutex_lock(&r->lock);
	on = eager_on(&r->eager);
	changed = on != looking(r);
	if (changed) {
		set_waiting(fuse_session_fd(r->se), !on);
		atomic_store(&r->looking, on);
	}
	pthread_mutex_unlock(&r->lock);
	return changed && !on;
}

bool receiver_heard(struct receiver *r, pid_t caller, bool held)
{
	if (!r->able)
		return false;
	eager_heard(&r->eager, caller, held, clock_ns());
	return settle(r);
}

void receiver_answered(struct receiver *r, pid_t caller)
{
	if (r->able)
		eager_answered(&r->eager, caller, clock_ns());
}
