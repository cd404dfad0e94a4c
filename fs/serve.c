/* SPDX-License-Identifier: MIT */
#include "fs/serve.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "common/cleanup.h"
#include "fs/follow.h"

struct serving {
	struct fuse_session *se;
	struct hold *hold;
	unsigned threads_max;
	_Atomic unsigned waiting; /* threads without a message */
	_Atomic int error;        /* errno of a device that failed */
	int ended;                /* eventfd: a thread saw the end */
	pthread_mutex_t lock;     /* for what is below */
	bool closing;
	unsigned count;
	pthread_t threads[SERVE_THREADS_MAX];
};

static void *work(void *arg);

static int start_one(struct serving *s)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	if (!s->closing && s->count < s->threads_max) {
		atomic_fetch_add(&s->waiting, 1);
		rc = pthread_create(&s->threads[s->count], NULL, work, s);
		if (rc == 0)
			s->count++;
		else
			atomic_fetch_sub(&s->waiting, 1);
	}
	pthread_mutex_unlock(&s->lock);
	return -rc;
}

/* What is forgotten is answered at once: no need for more threads. */
static bool takes_no_time(const struct fuse_in_header *in)
{
	return in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET;
}

static void answer(struct serving *s, const struct fuse_buf *message)
{
	const struct fuse_in_header *in = message->mem;

	if (atomic_fetch_sub(&s->waiting, 1) == 1 && !takes_no_time(in))
		start_one(s);
	fuse_session_process_buf(s->se, message);
	atomic_fetch_add(&s->waiting, 1);
}

static void free_message(void *arg)
{
	free(((struct fuse_buf *)arg)->mem);
}

/* It can be cancelled only where it waits. */
static int receive(struct serving *s, struct fuse_buf *message)
{
	int rc;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	rc = fuse_session_receive_buf(s->se, message);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return rc;
}

static void *work(void *arg)
{
	struct serving *s = arg;
	struct fuse_buf message = {0};
	struct follower f;
	int rc;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	follow_begin(&f, s->hold);
	pthread_cleanup_push(free_message, &message);
	for (;;) {
		rc = receive(s, &message);
		if (rc == -EINTR)
			continue;
		if (rc <= 0)
			break;
		follow_caller(
			&f, (pid_t)((const struct fuse_in_header *)message.mem)->pid);
		answer(s, &message);
	}
	if (rc < 0)
		atomic_store(&s->error, -rc);
	fuse_session_exit(s->se);
	eventfd_write(s->ended, 1);
	pthread_cleanup_pop(1);
	return NULL;
}

static void end_all(struct serving *s)
{
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->count; i++)
		pthread_cancel(s->threads[i]);
	for (unsigned i = 0; i < s->count; i++)
		pthread_join(s->threads[i], NULL);
}

/* Signals come only while this waits, so none falls between looking and waiting. */
static int serve(struct serving *s)
{
	struct pollfd end = {.fd = s->ended, .events = POLLIN};
	sigset_t ours, before;
	int rc;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ours, &before);
	rc = hold_begin(s->hold);
	if (rc == 0)
		rc = start_one(s);
	while (rc == 0 && !fuse_session_exited(s->se))
		ppoll(&end, 1, NULL, &before);
	end_all(s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int serve_session(
	struct fuse_session *se, unsigned threads, struct hold *hold, struct err *e)
{
	cleanup_close int ended = eventfd(0, EFD_CLOEXEC);
	cleanup_free struct serving *s = calloc(1, sizeof(*s));
	int rc;

	if (ended < 0 || !s)
		return err_sys(e, "threads", "cannot be started");
	s->se = se;
	s->hold = hold;
	s->threads_max = threads < SERVE_THREADS_MAX ? threads : SERVE_THREADS_MAX;
	s->ended = ended;
	pthread_mutex_init(&s->lock, NULL);
	rc = serve(s);
	pthread_mutex_destroy(&s->lock);
	errno = rc < 0 ? -rc : atomic_load(&s->error);
	if (rc < 0)
		return err_sys(e, "threads", "cannot be started");
	return errno ? err_sys(e, "/dev/fuse", "the view broke off") : 0;
}
