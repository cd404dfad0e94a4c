/* SPDX-License-Identifier: MIT */
#include "run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "run/calls.h"
#include "run/filter.h"
#include "run/namespace.h"

/* As env(1) and shells have it. */
enum {
	CANNOT_START = 126,
	NOT_FOUND = 127
};

/* What the child says: the listener's number, or -1 and why there is none. */
struct report {
	int listener;
	struct err e;
};

static ssize_t read_all(int fd, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)to + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static void send_report(int up, const struct report *r)
{
	/* Shorter than a pipe's buffer. */
	if (write(up, r, sizeof(*r)) != (ssize_t)sizeof(*r))
		_exit(CANNOT_START);
}

/* Is it answered, and by somebody who reads and writes this memory? */
static int self_test(struct err *e)
{
	char reply[sizeof(CALL_SELF_TEST_REPLY)] = "";
	int n = setxattr("/", CALL_SELF_TEST, reply, sizeof(reply), 0);

	if (n == 0 && strcmp(reply, CALL_SELF_TEST_REPLY) == 0)
		return 0;
	if (n < 0 && errno == EIO)
		return err_set(e, ERR_SYS,
			"cannot read the program's memory: this host keeps that for root "
			"(/proc/sys/kernel/yama/ptrace_scope is 2 or more, or a "
			"container "
			"forbids process_vm_readv)");
	return err_sys(e, NULL, "the program's calls are not answered");
}

/* Only now: until its exec, a process that has entered a namespace cannot be looked into.
 */
static int enter(const struct run_options *o, uid_t uid, gid_t gid, struct err *e)
{
	if (o->world == RUN_HERE)
		return 0;
	if (namespace_enter(uid, gid, e) < 0)
		return -1;
	return o->world == RUN_CHROOT ? namespace_chroot(o->mountpoint, e) : 0;
}

__attribute__((noreturn)) static void become(int up, int down,
	const struct run_options *o, const struct child_signals *signals)
{
	unsigned scopes = (o->world == RUN_HERE ? 0 : CALL_NAMESPACE) |
			  (o->reads_pass ? 0 : CALL_ATTRIBUTES);
	struct report r = {0};
	uid_t uid = geteuid(); /* behind the filter it is 0 */
	gid_t gid = getegid();
	char go;
	int error;

	signal(SIGPIPE, signals->on_pipe);
	signal(SIGCHLD, signals->on_child);
	r.listener = filter_install(scopes, &r.e);
	send_report(up, &r);
	if (r.listener < 0 || read_all(down, &go, 1) != 1)
		_exit(CANNOT_START);
	close(r.listener);
	if (self_test(&r.e) < 0 || enter(o, uid, gid, &r.e) < 0) {
		r.listener = -1;
		send_report(up, &r);
		_exit(CANNOT_START);
	}
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
	execvp(o->argv[0], o->argv);
	error = errno;
	fprintf(stderr, "livery: run: %s: %s\n", o->argv[0], strerror(error));
	fflush(stderr);
	_exit(error == ENOENT ? NOT_FOUND : CANNOT_START);
}

/* The listener, out of the child. */
static int fetch_listener(struct child *c, int number, struct err *e)
{
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);

	c->listener = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (c->listener >= 0)
		return 0;
	err_sys(e, NULL, "cannot take the program's calls over (pidfd_getfd)");
	if (errno == EPERM)
		return err_hint(e,
			"this host does not let a process look into its children: "
			"/proc/sys/kernel/yama/ptrace_scope must be 0 or 1");
	return -1;
}

static void give_up(struct child *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	close(c->up);
	close(c->down);
}

int child_start(struct child *c, const struct run_options *o,
	const struct child_signals *signals, struct err *e)
{
	int up[2], down[2];
	struct report r;

	if (pipe2(up, O_CLOEXEC) < 0 || pipe2(down, O_CLOEXEC) < 0)
		return err_sys(e, NULL, "cannot make a pipe");
	fflush(NULL);
	c->pid = fork();
	if (c->pid < 0)
		return err_sys(e, NULL, "cannot start the program");
	if (c->pid == 0) {
		close(up[0]);
		close(down[1]);
		become(up[1], down[0], o, signals);
	}
	close(up[1]);
	close(down[0]);
	c->up = up[0];
	c->down = down[1];
	if (read_all(c->up, &r, sizeof(r)) != sizeof(r))
		err_set(e, ERR_SYS, "the program's process ended before it began");
	else if (r.listener < 0)
		*e = r.e;
	else if (fetch_listener(c, r.listener, e) == 0)
		return 0;
	give_up(c);
	return -1;
}

int child_go(struct child *c, struct err *e)
{
	struct report r;
	ssize_t n = write(c->down, "", 1);

	if (n == 1)
		n = read_all(c->up, &r, sizeof(r)); /* its exec closes the pipe */
	if (n == 0) {
		close(c->up);
		close(c->down);
		return 0;
	}
	if (n == sizeof(r))
		*e = r.e;
	else
		err_set(e, ERR_SYS, "the program's process ended before it began");
	give_up(c);
	return -1;
}
