/* SPDX-License-Identifier: MIT */
#include "run/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/follow.h"
#include "run/calls.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/*
 * Another thread is started whenever none is left to listen: each may wait for a command
 * that has borrowed the database, and that command's own calls may be held back too. Room
 * for more costs nothing until it is used.
 */
#define THREADS_AT_FIRST 2
#define THREADS_MAX      1024
#define THREAD_STACK     (256 << 10)

#define PLACE 512 /* bytes for what is told and for its answer, which may grow */

struct supervisor {
	int listener;
	const struct run_view *view;
	struct seccomp_notif_sizes sizes;
	/*
	 * What each thread answers, one after the other, in memory that the guard shares:
	 * the kernel itself writes there who waits, so no kill comes in between.
	 */
	char *answering;
	_Atomic unsigned listening; /* threads without a call */
	pthread_mutex_t lock;       /* for what is below */
	size_t count;               /* threads */
};

static struct supervisor supervisor = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The kernel's own structures may be larger than those that are known here. */
static int ask_sizes(struct seccomp_notif_sizes *s)
{
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, s) < 0)
		return -errno;
	if (s->seccomp_notif < sizeof(struct seccomp_notif))
		s->seccomp_notif = sizeof(struct seccomp_notif);
	return 0;
}

/*
 * The descriptor's number in the target, or -errno where it has no room for one more.
 * Ours is closed before the target goes on: a lock on the file must end with the target's
 * own.
 */
static int hand_over(const struct call *c)
{
	struct seccomp_notif_addfd add = {
		.id = c->id,
		.srcfd = (uint32_t)c->fd,
		.newfd_flags = c->close_on_exec ? O_CLOEXEC : 0,
	};
	int fd = ioctl(c->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	int rc = fd < 0 ? -errno : fd;

	close(c->fd);
	return rc;
}

/* Nobody waits any more for an answer that does not go through: he was killed. */
static void reply(struct call *c)
{
	_Alignas(struct seccomp_notif_resp) char room[PLACE] = {0};
	struct seccomp_notif_resp *r = (void *)room;

	if (c->fd >= 0)
		call_result(c, hand_over(c));
	r->id = c->id;
	if (c->go_on)
		r->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (c->result < 0)
		r->error = (int)c->result;
	else
		r->val = c->result;
	ioctl(c->listener, SECCOMP_IOCTL_NOTIF_SEND, r);
}

static void serve(const struct supervisor *s, const struct seccomp_notif *n)
{
	struct call c = {
		.view = s->view,
		.t = {.tid = (pid_t)n->pid},
		.nr = n->data.nr,
		.listener = s->listener,
		.id = n->id,
	};

	for (size_t i = 0; i < 6; i++)
		c.args[i] = n->data.args[i];
	call_answer(&c);
	reply(&c);
}

static struct seccomp_notif *place(const struct supervisor *s, size_t i)
{
	return (struct seccomp_notif *)(void *)(s->answering + i * PLACE);
}

static int start_one(struct supervisor *s);

/* No task is left that could make a call. New kernels say so by ENOENT too. */
static bool is_over(int listener)
{
	struct pollfd p = {.fd = listener};

	return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR | POLLNVAL);
}

static void answer(
	struct supervisor *s, struct follower *f, const struct seccomp_notif *n)
{
	if (atomic_fetch_sub(&s->listening, 1) == 1)
		start_one(s);
	follow_caller(f, (pid_t)n->pid);
	serve(s, n);
	atomic_fetch_add(&s->listening, 1);
}

static void *work(void *arg)
{
	struct supervisor *s = &supervisor;
	struct seccomp_notif *n = arg;
	struct follower f;

	follow_begin(&f, s->view->hold);
	for (;;) {
		memset(n, 0, s->sizes.seccomp_notif);
		if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, n) == 0)
			answer(s, &f, n);
		else if (errno == ENOENT && is_over(s->listener))
			return NULL;
		else if (errno != EINTR && errno != ENOENT)
			abort(); /* nobody would be answered; the guard takes over */
	}
}

static int start_one(struct supervisor *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_mutex_lock(&s->lock);
	if (s->count < THREADS_MAX) {
		atomic_fetch_add(&s->listening, 1);
		rc = pthread_create(&thread, &attr, work, place(s, s->count));
		if (rc == 0)
			s->count++;
		else
			atomic_fetch_sub(&s->listening, 1);
	}
	pthread_mutex_unlock(&s->lock);
	pthread_attr_destroy(&attr);
	return -rc;
}

int supervisor_prepare(struct err *e)
{
	struct supervisor *s = &supervisor;
	int rc = ask_sizes(&s->sizes);

	if (rc == 0 &&
		(s->sizes.seccomp_notif > PLACE || s->sizes.seccomp_notif_resp > PLACE))
		rc = -E2BIG;
	if (rc < 0) {
		errno = -rc;
		return err_sys(e, NULL, "cannot ask how calls are told (seccomp)");
	}
	s->answering = mmap(NULL, THREADS_MAX * PLACE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return s->answering == MAP_FAILED ? err_sys(e, NULL, "out of memory") : 0;
}

int supervisor_start(int listener, const struct run_view *view, struct err *e)
{
	int rc = 0;

	supervisor.listener = listener;
	supervisor.view = view;
	/* It changes places with its caller on one processor; older kernels do not. */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (int i = 0; rc == 0 && i < THREADS_AT_FIRST; i++)
		rc = start_one(&supervisor);
	if (rc == 0)
		return 0;
	errno = -rc;
	return err_sys(e, "threads", "cannot be started");
}

static void kill_waiting(const struct supervisor *s, int listener)
{
	for (size_t i = 0; i < THREADS_MAX; i++) {
		struct seccomp_notif *n = place(s, i);

		if (n->id && ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id) == 0)
			kill((pid_t)n->pid, SIGKILL);
	}
}

static void kill_next(const struct supervisor *s, int listener)
{
	struct seccomp_notif *n = place(s, 0);

	memset(n, 0, s->sizes.seccomp_notif);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, n) == 0)
		kill((pid_t)n->pid, SIGKILL);
}

void supervisor_kill_all(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};

	kill_waiting(&supervisor, listener);
	for (;;) {
		p.revents = 0;
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return;
		if (p.revents & POLLIN)
			kill_next(&supervisor, listener);
		else if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
			return;
	}
}
