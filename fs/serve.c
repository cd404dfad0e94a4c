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
#include <time.h>

#include "common/cleanup.h"
#include "fs/follow.h"
#include "fs/receiver.h"

/* Nanoseconds without any, until one more is started. */
#define HELP_AFTER 2000000
#define HELP_LAST  (16 * HELP_AFTER) /* where that was mostly a false alarm */

struct serving {
	struct fuse_session *se;
	const struct serve_options *o;
	struct receiver receiver;
	unsigned threads_max;
	_Atomic unsigned waiting; /* threads that wait for a message */
	_Atomic unsigned received;
	_Atomic int error;    /* errno of a device that failed */
	int ended;            /* eventfd: a thread saw the end */
	int none;             /* eventfd: no thread waits */
	long help_after;      /* nanoseconds */
	_Atomic bool told;    /* by none, which was not looked at since */
	pthread_mutex_t lock; /* for what is below */
	pthread_cond_t called;
	bool closing;
	unsigned aside; /* threads that are not needed now */
	unsigned calls; /* of them, those that are to come back */
	unsigned count;
	pthread_t threads[SERVE_THREADS_MAX];
};

static void *work(void *arg);

/* One more is to wait for messages: one that stood aside, or a new one. */
static int start_one(struct serving *s)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	if (s->aside > s->calls) {
		atomic_fetch_add(&s->waiting, 1);
		s->calls++;
		pthread_cond_signal(&s->called);
	} else if (!s->closing && s->count < s->threads_max) {
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

static void wait_again(struct serving *s)
{
	bool needed = atomic_load(&s->waiting) < receiver_threads(&s->receiver);

	if (!needed) {
		pthread_mutex_lock(&s->lock);
		needed = s->closing ||
			 atomic_load(&s->waiting) < receiver_threads(&s->receiver);
		if (!needed) {
			s->aside++;
			while (!s->calls && !s->closing)
				pthread_cond_wait(&s->called, &s->lock);
			s->calls -= s->calls ? 1 : 0; /* it is counted already */
			s->aside--;
		}
		pthread_mutex_unlock(&s->lock);
		if (!needed)
			return;
	}
	atomic_fetch_add(&s->waiting, 1);
}

static void answer(struct serving *s, const struct fuse_buf *message, pid_t caller)
{
	if (atomic_fetch_sub(&s->waiting, 1) == 1 && !atomic_exchange(&s->told, true))
		eventfd_write(s->none, 1);
	if (!s->o->raw || !s->o->raw(s->o->arg, message))
		fuse_session_process_buf(s->se, message);
	receiver_answered(&s->receiver, caller);
	wait_again(s);
}

static void free_message(void *arg)
{
	free(((struct fuse_buf *)arg)->mem);
}

/*
 * It can be cancelled only where it waits; or where it looks, which becomes waiting when
 * another thread ends that meanwhile.
 */
static int receive(struct serving *s, struct fuse_buf *message)
{
	int rc;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	rc = receiver_look(&s->receiver, message);
	if (rc == -EAGAIN)
		rc = receiver_wait(&s->receiver, message);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return rc;
}

static void *work(void *arg)
{
	struct serving *s = arg;
	struct fuse_buf message = {0};
	const struct fuse_in_header *head;
	struct follower f;
	pid_t caller;
	int rc;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	follow_begin(&f, s->o->hold);
	pthread_cleanup_push(free_message, &message);
	for (;;) {
		rc = receive(s, &message);
		if (rc == -EINTR || rc == -EAGAIN)
			continue;
		if (rc <= 0)
			break;
		atomic_fetch_add_explicit(&s->received, 1, memory_order_relaxed);
		head = message.mem;
		caller = (pid_t)head->pid;
		follow_caller(&f, caller);
		if (receiver_heard(&s->receiver, caller, f.held >= 0))
			start_one(s);
		stats_message(s->o->stats, head->opcode);
		answer(s, &message, caller);
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
	pthread_cond_broadcast(&s->called);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->count; i++)
		pthread_cancel(s->threads[i]);
	for (unsigned i = 0; i < s->count; i++)
		pthread_join(s->threads[i], NULL);
}

/*
 * Most answers take no time; one more thread for each would only get in their way.
 * Threads that share a processor with their callers often seem to be all busy: who was
 * called in vain comes later the next time. One that looks for messages is alone, and
 * gets on unless nothing has come in all that time.
 */
static void help(struct serving *s)
{
	const struct timespec moment = {.tv_nsec = s->help_after};
	unsigned received = atomic_load(&s->received);
	eventfd_t ignored;
	bool busy, alone;

	eventfd_read(s->none, &ignored);
	nanosleep(&moment, NULL);
	atomic_store(&s->told, false);
	busy = !atomic_load(&s->waiting);
	alone = receiver_threads(&s->receiver) == 1 &&
		atomic_load(&s->received) != received;
	if (busy && !alone) {
		start_one(s);
		s->help_after = HELP_AFTER;
		return;
	}
	if (s->help_after < HELP_LAST)
		s->help_after *= 2;
	if (busy && !atomic_exchange(&s->told, true))
		eventfd_write(s->none, 1);
}

/* Signals come only while this waits, so none falls between looking and waiting. */
static int serve(struct serving *s)
{
	struct pollfd news[] = {
		{.fd = s->ended, .events = POLLIN},
		{.fd = s->none, .events = POLLIN},
	};
	sigset_t ours, before;
	bool held, ahead;
	int rc;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ours, &before);
	rc = hold_begin(s->o->hold);
	held = rc == 0;
	rc = rc == 0 ? ahead_begin(s->o->ahead) : rc;
	ahead = rc == 0;
	for (int i = 0; rc == 0 && i < (int)receiver_threads(&s->receiver); i++)
		rc = start_one(s);
	while (rc == 0 && !fuse_session_exited(s->se))
		if (ppoll(news, 2, NULL, &before) > 0 && news[1].revents)
			help(s); /* if there is no room for one, they must do */
	if (ahead)
		ahead_end(s->o->ahead);
	end_all(s);
	if (held)
		hold_end(s->o->hold);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int serve_session(struct fuse_session *se, const struct serve_options *o, struct err *e)
{
	cleanup_close int ended = eventfd(0, EFD_CLOEXEC);
	cleanup_close int none = eventfd(0, EFD_CLOEXEC);
	cleanup_free struct serving *s = calloc(1, sizeof(*s));
	int rc;

	if (ended < 0 || none < 0 || !s)
		return err_sys(e, "threads", "cannot be started");
	s->se = se;
	s->o = o;
	s->threads_max = o->threads < SERVE_THREADS_MAX ? o->threads : SERVE_THREADS_MAX;
	s->ended = ended;
	s->none = none;
	s->help_after = HELP_AFTER;
	receiver_begin(&s->receiver, se, !o->hold && s->threads_max > 1, o->stats);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->called, NULL);
	rc = serve(s);
	pthread_cond_destroy(&s->called);
	pthread_mutex_destroy(&s->lock);
	receiver_end(&s->receiver);
	errno = rc < 0 ? -rc : atomic_load(&s->error);
	if (rc < 0)
		return err_sys(e, "threads", "cannot be started");
	return errno ? err_sys(e, "/dev/fuse", "the view broke off") : 0;
}
