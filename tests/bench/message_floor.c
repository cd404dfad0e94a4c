/* SPDX-License-Identifier: MIT */
/*
 * What a FUSE message costs on this machine at the least: a daemon of a few lines,
 * without library, that does nothing but answer getxattr(2), by a caller on the same
 * processor and by one on another. No view can be faster a message. Prints both,
 * microseconds, the minimum of several turns. Takes root, for mount(2).
 *
 * message_floor DIRECTORY
 *
 * Messages: linux/fuse.h.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES 20000
#define TURNS    7

static void reply(int fd, uint64_t unique, int error, const void *body, size_t size)
{
	struct {
		struct fuse_out_header head;
		char body[sizeof(struct fuse_attr_out)];
	} out = {{(uint32_t)(sizeof(out.head) + size), error, unique}, {0}};

	memcpy(out.body, body, size);
	if (write(fd, &out, out.head.len) < 0 && errno != ENOENT)
		err(1, "/dev/fuse");
}

static void answer(int fd, const struct fuse_in_header *head)
{
	const struct fuse_init_out init = {
		.major = 7, .minor = 31, .max_readahead = 131072, .max_write = 131072};
	const struct fuse_attr_out attr = {.attr_valid = 1000000,
		.attr = {.ino = 1, .mode = S_IFDIR | 0755, .nlink = 2}};

	switch (head->opcode) {
	case FUSE_INIT:
		reply(fd, head->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		reply(fd, head->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_GETXATTR:
		reply(fd, head->unique, 0, "value", 5);
		break;
	case FUSE_FORGET:
		break;
	default:
		reply(fd, head->unique, -ENOSYS, "", 0);
	}
}

__attribute__((noreturn)) static void serve(int fd)
{
	static _Alignas(8) char message[1 << 20];

	while (read(fd, message, sizeof(message)) > 0 || errno == EINTR)
		answer(fd, (const void *)message);
	_exit(0);
}

/* The first or the last processor that there is. */
static void stay_on(cpu_set_t all, int first)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all) && (!first || !CPU_COUNT(&one))) {
			CPU_ZERO(&one);
			CPU_SET(i, &one);
		}
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		err(1, "sched_setaffinity");
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double each(const char *path)
{
	double least = 0;
	char value[8];

	for (int turn = 0; turn < TURNS; turn++) {
		double took, start = now_us();

		for (int i = 0; i < MESSAGES; i++)
			if (lgetxattr(path, "user.x", value, sizeof(value)) != 5)
				err(1, "%s", path);
		took = (now_us() - start) / MESSAGES;
		if (turn == 0 || took < least)
			least = took;
	}
	return least;
}

int main(int argc, char **argv)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];
	cpu_set_t all;
	pid_t daemon;

	if (argc != 2)
		errx(2, "usage: message_floor DIRECTORY");
	if (fd < 0 || sched_getaffinity(0, sizeof(all), &all) < 0)
		err(1, "/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		fd);
	if (mount("message_floor", argv[1], "fuse.message_floor", 0, options) < 0)
		err(1, "%s: mount", argv[1]);
	daemon = fork();
	if (daemon == 0) {
		stay_on(all, 1);
		serve(fd);
	}
	close(fd);
	stay_on(all, 1);
	printf("%.1f ", each(argv[1]));
	stay_on(all, 0);
	printf("%.1f\n", each(argv[1]));
	umount2(argv[1], MNT_DETACH);
	waitpid(daemon, NULL, 0);
	return 0;
}
