/* SPDX-License-Identifier: MIT */
/* A session's threads end when they are told to, whatever they wait in. */
#define FUSE_USE_VERSION 312
#include "fs/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/tap.h"

#define CALLER 4711
#define GAP    40000 /* nanoseconds from an answer to the next message */

static int device[2]; /* the daemon's, and the kernel's, which is played here */
static int silent[2];
static _Atomic bool stuck, over;
static pthread_t server;
static struct fuse_session *session;

/*
 * While messages are looked for, another thread can let the descriptor wait again at any
 * time. As if it had just done that, and no message came.
 */
static ssize_t device_read(int fd, void *buf, size_t size, void *userdata)
{
	static char c; /* a cancelled thread leaves its stack as it is */

	(void)userdata;
	if (!(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return read(fd, buf, size);
	atomic_store(&stuck, true);
	return read(silent[0], &c, 1);
}

static ssize_t device_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	return writev(fd, iov, count);
}

static bool ask(uint32_t opcode, const void *arg, size_t len)
{
	static uint64_t unique;
	struct fuse_in_header head = {
		.len = (uint32_t)(sizeof(head) + len),
		.opcode = opcode,
		.unique = ++unique,
		.nodeid = FUSE_ROOT_ID,
		.pid = CALLER,
	};
	struct iovec iov[] = {
		{.iov_base = &head, .iov_len = sizeof(head)},
		{.iov_base = (void *)(uintptr_t)arg, .iov_len = len},
	};
	char reply[4096];

	if (writev(device[1], iov, len ? 2 : 1) < 0)
		return false;
	while (recv(device[1], reply, sizeof(reply), MSG_DONTWAIT) < 0)
		if (atomic_load(&stuck) || atomic_load(&over))
			return false;
	return true;
}

static void *play_kernel(void *unused)
{
	const struct fuse_init_in init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
	};
	int64_t answered;

	(void)unused;
	ask(FUSE_INIT, &init, sizeof(init));
	while (ask(FUSE_STATFS, NULL, 0)) {
		answered = clock_ns();
		while (clock_ns() - answered < GAP)
			;
	}
	pthread_kill(server, SIGTERM);
	return NULL;
}

static void on_term(int sig)
{
	(void)sig;
	fuse_session_exit(session);
}

static void test_end(void)
{
	static const struct fuse_custom_io io = {
		.read = device_read,
		.writev = device_writev,
	};
	static const struct fuse_lowlevel_ops none;
	const struct serve_options o = {.threads = 2};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct err e = {0};
	pthread_t kernel;

	server = pthread_self();
	fuse_opt_add_arg(&args, "test");
	session = fuse_session_new(&args, &none, sizeof(none), NULL);
	if (!ok(session && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, device) == 0 &&
			    pipe(silent) == 0 &&
			    fuse_session_custom_io(session, &io, device[0]) == 0,
		    "a session"))
		return;
	signal(SIGTERM, on_term);
	alarm(60);
	pthread_create(&kernel, NULL, play_kernel, NULL);
	ok(serve_session(session, &o, &e) == 0, "it ends by a signal, without an error");
	ok(stuck, "while a thread that looked for messages sleeps");
	atomic_store(&over, true);
	pthread_join(kernel, NULL);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
}

int main(void)
{
	test_end();
	return done_testing();
}
