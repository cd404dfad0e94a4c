/* SPDX-License-Identifier: MIT */
/*
 * What a FUSE message costs on this machine at the least: a daemon of a few lines,
 * without library, that does nothing but answer. No view can be faster. Prints, in
 * microseconds, the minimum of several turns:
 *  - a getxattr(2) by a caller on the same processor,
 *  - one by a caller on another,
 *  - a name that is listed and asked for its attributes, as find(1) does it, in a tree
 * that was just mounted, on the same processor; the listing brings them (READDIRPLUS).
 * Takes root, for mount(2).
 *
 * message_floor DIRECTORY
 *
 * Messages: linux/fuse.h.
 */
#include <dirent.h>
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

/* A tree of so many directories with so many files each. */
#define DIRS  1000
#define FILES 20
#define NAMES (DIRS + DIRS * FILES)

#define FOREVER   1000000 /* seconds */
#define REPLY_MAX ((size_t)1 << 17)

static void reply(int fd, uint64_t unique, int error, const void *body, size_t size)
{
	static _Alignas(8) char out[sizeof(struct fuse_out_header) + REPLY_MAX];
	struct fuse_out_header head = {(uint32_t)(sizeof(head) + size), error, unique};

	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), body, size);
	if (write(fd, out, head.len) < 0 && errno != ENOENT)
		err(1, "/dev/fuse");
}

/* Directories have the numbers after the root's, then files theirs, by directory. */
static struct fuse_attr attributes(uint64_t ino)
{
	return (struct fuse_attr){.ino = ino,
		.mode = ino <= 1 + DIRS ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1};
}

static uint64_t child(uint64_t dir, uint64_t i)
{
	return dir == 1 ? 2 + i : 2 + DIRS + (dir - 2) * FILES + i;
}

/* What fits of a directory, from the name with that number on. */
static size_t list(uint64_t dir, uint64_t from, size_t size, char *out)
{
	uint64_t count = dir == 1 ? DIRS : FILES;
	size_t used = 0, next;

	for (uint64_t i = from; i < count; i++, used = next) {
		struct fuse_direntplus *e = (void *)(out + used);
		struct fuse_attr attr = attributes(child(dir, i));
		char name[16];

		snprintf(name, sizeof(name), "name%06u", (unsigned)i);
		next = used +
		       FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + strlen(name));
		if (next > size || next > REPLY_MAX)
			break;
		*e = (struct fuse_direntplus){
			.entry_out = {.nodeid = attr.ino,
				.entry_valid = FOREVER,
				.attr_valid = FOREVER,
				.attr = attr},
			.dirent = {.ino = attr.ino,
				.off = i + 1,
				.namelen = (uint32_t)strlen(name),
				.type = attr.mode >> 12},
		};
		memcpy(e->dirent.name, name, strlen(name));
	}
	return used;
}

static void answer(int fd, const struct fuse_in_header *head)
{
	const struct fuse_init_out init = {.major = 7,
		.minor = 31,
		.max_readahead = 131072,
		.max_write = 131072,
		.flags = FUSE_DO_READDIRPLUS | FUSE_NO_OPENDIR_SUPPORT};
	const struct fuse_attr_out attr = {
		.attr_valid = FOREVER, .attr = attributes(head->nodeid)};
	static _Alignas(8) char listing[REPLY_MAX];
	const struct fuse_read_in *from = (const void *)(head + 1);

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
	case FUSE_READDIRPLUS:
		reply(fd, head->unique, 0, listing,
			list(head->nodeid, from->offset, from->size, listing));
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
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

static unsigned walk(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	unsigned count = 0;
	struct dirent *e;
	struct stat st;

	if (!d)
		err(1, "%s", name);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			err(1, "%s", e->d_name);
		count += 1 + (S_ISDIR(st.st_mode) ? walk(fd, e->d_name) : 0);
	}
	closedir(d);
	return count;
}

static double walk_once(const char *path)
{
	double start = now_us();
	unsigned count = walk(AT_FDCWD, path);

	if (count != NAMES)
		errx(1, "%u names instead of %u", count, NAMES);
	return (now_us() - start) / NAMES;
}

static pid_t mount_on(const char *path, cpu_set_t all)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];
	pid_t daemon;

	if (fd < 0)
		err(1, "/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		fd);
	if (mount("message_floor", path, "fuse.message_floor", 0, options) < 0)
		err(1, "%s: mount", path);
	daemon = fork();
	if (daemon == 0) {
		stay_on(all, 1);
		serve(fd);
	}
	close(fd);
	return daemon;
}

static void unmount(const char *path, pid_t daemon)
{
	umount2(path, MNT_DETACH);
	waitpid(daemon, NULL, 0);
}

int main(int argc, char **argv)
{
	double took, least = 0;
	cpu_set_t all;
	pid_t daemon;

	if (argc != 2)
		errx(2, "usage: message_floor DIRECTORY");
	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		err(1, "sched_getaffinity");
	daemon = mount_on(argv[1], all);
	stay_on(all, 1);
	printf("%.1f ", each(argv[1]));
	stay_on(all, 0);
	printf("%.1f ", each(argv[1]));
	unmount(argv[1], daemon);
	stay_on(all, 1);
	for (int turn = 0; turn < TURNS; turn++) {
		daemon = mount_on(argv[1], all);
		took = walk_once(argv[1]);
		unmount(argv[1], daemon);
		if (turn == 0 || took < least)
			least = took;
	}
	printf("%.1f\n", least);
	return 0;
}
