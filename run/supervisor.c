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

#include "common/cleanup.h"
#include "fs/follow.h"
#include "run/calls.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* One may wait for a command that has borrowed the database, others must not. */
#define THREADS_MIN 4

#define PLACE 512 /* bytes for a struct seccomp_notif, which may grow */

struct supervisor {
	int listener;
	const struct run_view *view;
	struct seccomp_notif_sizes sizes;
	/*
	 * What each thread answers, one after the other, in memory that the guard shares:
	 * the kernel itself writes there who waits, so no kill comes in between.
	 */
	char *answering;
	size_t count;
};

static struct supervisor supervisor;

/* The kernel's own structures may be larger than those that are known here. */
static int ask_sizes(struct seccomp_notif_sizes *s)
{
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, s) < 0)
		return -errno;
	if (s->seccomp_notif < sizeof(struct seccomp_notif))
		s->seccomp_notif = sizeof(struct seccomp_notif);
	if (s->seccomp_notif_resp < sizeof(struct seccomp_notif_resp))
		s->seccomp_notif_resp = sizeof(struct seccomp_notif_resp);
	return 0;
}

/* 0, or -errno where the target has no room for one more. */
static int hand_over(const struct call *c)
{
	struct seccomp_notif_addfd add = {
		.id = c->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)c->fd,
		.newfd_flags = c->close_on_exec ? O_CLOEXEC : 0,
	};
	int rc = ioctl(c->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;

	close(c->fd);
	return rc;
}

/* Nobody waits any more for an answer that does not go through: he was killed. */
static void reply(const struct supervisor *s, struct call *c)
{
	cleanup_free struct seccomp_notif_resp *r =
		calloc(1, s->sizes.seccomp_notif_resp);

	if (c->fd >= 0) {
		int rc = hand_over(c);

		if (rc == 0)
			return;
		call_result(c, rc);
	}
	/* Without an answer he waits until memory comes back: with the guard. */
	if (!r)
		abort();
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
	reply(s, &c);
}

static struct seccomp_notif *place(const struct supervisor *s, size_t i)
{
	return (struct seccomp_notif *)(void *)(s->answering + i * PLACE);
}

static _Atomic size_t started;

static void *work(void *arg)
{
	const struct supervisor *s = arg;
	struct seccomp_notif *n = place(s, atomic_fetch_add(&started, 1));
	struct follower f;

	follow_begin(&f);
	for (;;) {
		memset(n, 0, s->sizes.seccomp_notif);
		if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, n) == 0) {
			follow_caller(&f, (pid_t)n->pid);
			serve(s, n);
		} else if (errno != EINTR && errno != ENOENT) {
			break;
		}
	}
	return NULL;
}

int supervisor_prepare(struct err *e)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct supervisor *s = &supervisor;
	int rc = ask_sizes(&s->sizes);

	if (rc == 0 && s->sizes.seccomp_notif > PLACE)
		rc = -E2BIG;
	if (rc < 0) {
		errno = -rc;
		return err_sys(e, NULL, "cannot ask how calls are told (seccomp)");
	}
	s->count = (size_t)(processors > THREADS_MIN ? processors : THREADS_MIN);
	s->answering = mmap(NULL, s->count * PLACE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return s->answering == MAP_FAILED ? err_sys(e, NULL, "out of memory") : 0;
}

int supervisor_start(int listener, const struct run_view *view, struct err *e)
{
	pthread_t thread;
	int rc;

	supervisor.listener = listener;
	supervisor.view = view;
	/* It changes places with its caller on one processor; older kernels do not. */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (size_t i = 0; i < supervisor.count; i++) {
		rc = pthread_create(&thread, NULL, work, &supervisor);
		if (rc != 0) {
			errno = rc;
			return err_sys(e, "threads", "cannot be started");
		}
		pthread_detach(thread);
	}
	return 0;
}

static void kill_waiting(const struct supervisor *s, int listener)
{
	for (size_t i = 0; i < s->count; i++) {
		struct seccomp_notif *n = place(s, i);

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id) == 0)
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
