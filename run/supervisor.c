/* SPDX-License-Identifier: MIT */
#include "run/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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

struct supervisor {
	int listener;
	const struct run_view *view;
	struct seccomp_notif_sizes sizes;
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

static void *work(void *arg)
{
	const struct supervisor *s = arg;
	struct seccomp_notif *n = malloc(s->sizes.seccomp_notif);
	struct follower f;

	follow_begin(&f);
	while (n) {
		memset(n, 0, s->sizes.seccomp_notif);
		if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, n) == 0) {
			follow_caller(&f, (pid_t)n->pid);
			serve(s, n);
		} else if (errno != EINTR && errno != ENOENT) {
			break;
		}
	}
	free(n);
	return NULL;
}

int supervisor_start(int listener, const struct run_view *view, struct err *e)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	long count = processors > THREADS_MIN ? processors : THREADS_MIN;
	pthread_t thread;
	int rc = ask_sizes(&supervisor.sizes);

	supervisor.listener = listener;
	supervisor.view = view;
	if (rc < 0) {
		errno = -rc;
		return err_sys(e, NULL, "cannot ask how calls are told (seccomp)");
	}
	/* It changes places with its caller on one processor; older kernels do not. */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (long i = 0; i < count; i++) {
		rc = pthread_create(&thread, NULL, work, &supervisor);
		if (rc != 0) {
			errno = rc;
			return err_sys(e, "threads", "cannot be started");
		}
		pthread_detach(thread);
	}
	return 0;
}

int supervisor_kill_one(int listener)
{
	struct seccomp_notif_sizes sizes;
	cleanup_free struct seccomp_notif *n = NULL;
	int rc = ask_sizes(&sizes);

	n = rc == 0 ? calloc(1, sizes.seccomp_notif) : NULL;
	if (!n)
		return rc < 0 ? rc : -ENOMEM;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, n) < 0)
		return -errno;
	return kill((pid_t)n->pid, SIGKILL) < 0 ? -errno : 0;
}
