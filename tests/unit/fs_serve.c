/* SPDX-License-Identifier: MIT */
/* A session's threads, and a kernel that is played: how they wait, and that they end. */
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
static _Atomic int found; /* messages that were looked for */
static pthread_t server;
static struct fuse_session *session;

static bool looks(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/*
 * While messages are looked for, another thread can let the descriptor wait again at any
 * time. As if it had just done that, and no message came.
 */
static ssize_t read_stuck(int fd, void *buf, size_t size, void *userdata)
{
	static char c; /* a cancelled thread leaves its stack as it is */

	(void)userdata;
	if (!looks(fd))
		return read(fd, buf, size);
	atomic_store(&stuck, true);
	return read(silent[0], &c, 1);
}

/* As if another program had the processor for a while, and a message came meanwhile. */
static ssize_t read_taken(int fd, void *buf, size_t size, void *userdata)
{
	static const struct timespec moment = {.tv_nsec = 2000000};
	ssize_t n;

	(void)userdata;
	if (!looks(fd)) {
		if (found)
			atomic_store(&over, true);
		return read(fd, buf, size);
	}
	nanosleep(&moment, NULL);
	n = read(fd, buf, size);
	if (n > 0)
		found++;
	return n;
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
	return !atomic_load(&over);
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

/* Until something ends it. */
static int serve_with(
	ssize_t (*device_read)(int fd, void *buf, size_t size, void *userdata))
{
	const struct fuse_custom_io io = {
		.read = device_read,
		.writev = device_writev,
	};
	static const struct fuse_lowlevel_ops none;
	const struct serve_options o = {.threads = 2};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct err e = {0};
	pthread_t kernel;
	int rc;

	server = pthread_self();
	fuse_opt_add_arg(&args, "test");
	session = fuse_session_new(&args, &none, sizeof(none), NULL);
	if (!session || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, device) < 0 ||
		fuse_session_custom_io(session, &io, device[0]) != 0)
		return -1;
	over = false;
	pthread_create(&kernel, NULL, play_kernel, NULL);
	rc = serve_session(session, &o, &e);
	over = true;
	pthread_join(kernel, NULL);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	close(device[1]);
	return rc;
}

static void test_taken(void)
{
	ok(serve_with(read_taken) == 0,
		"messages come late where others have the processor");
	ok(found < 8, "they are not looked for any longer (%d were)", found);
}

static void test_end(void)
{
	ok(serve_with(read_stuck) == 0, "it ends by a signal, without an error");
	ok(stuck, "while a thread that looked for messages sleeps");
}

int main(void)
{
	signal(SIGTERM, on_term);
	alarm(60);
	if (pipe(silent) < 0)
		return 1;
	test_taken();
	test_end();
	return done_testing();
}
