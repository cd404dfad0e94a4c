/* SPDX-License-Identifier: MIT */
#include "run/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/descriptor.h"

/*
 * Documentation/admin-guide/devices.txt of the kernel. Not /dev/tty, which is another
 * terminal to each session.
 */
static const struct device {
	unsigned minor;
	const char *path;
} devices[] = {
	{3, "/dev/null"},
	{5, "/dev/zero"},
	{7, "/dev/full"},
	{8, "/dev/random"},
	{9, "/dev/urandom"},
};
#define MEMORY_DEVICES 1 /* the major number of them all */

bool devices_may_open(int flags)
{
	return !(flags & (O_DIRECTORY | O_PATH)) &&
	       (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
}

static const char *path_of(dev_t number)
{
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (number == makedev(MEMORY_DEVICES, devices[i].minor))
			return devices[i].path;
	return NULL;
}

/* What was opened last, the file itself with it: a copy of its descriptor is known again.
 */
#define REMEMBERED 64
static struct {
	pthread_mutex_t lock;
	size_t count; /* of all that were ever opened */
	struct {
		int file;
		struct devices_node node;
	} last[REMEMBERED];
} opened = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void remember(int fd, const struct devices_node *node)
{
	int file = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	size_t at;

	if (file < 0)
		return;
	pthread_mutex_lock(&opened.lock);
	at = opened.count++ % REMEMBERED;
	if (opened.count > REMEMBERED)
		close(opened.last[at].file);
	opened.last[at].file = file;
	opened.last[at].node = *node;
	pthread_mutex_unlock(&opened.lock);
}

static bool same_file(int ours, const struct target *t, int theirs)
{
	return syscall(SYS_kcmp, getpid(), t->tid, KCMP_FILE, (long)ours, (long)theirs) ==
	       0;
}

bool devices_opened_as(const struct target *t, int fd, struct devices_node *node)
{
	bool found = false;

	pthread_mutex_lock(&opened.lock);
	for (size_t i = 0; !found && i < opened.count && i < REMEMBERED; i++) {
		found = same_file(opened.last[i].file, t, fd);
		if (found)
			*node = opened.last[i].node;
	}
	pthread_mutex_unlock(&opened.lock);
	return found;
}

/* This host's node of a device, with O_PATH: looked at before it is opened. */
static int host_node(dev_t number)
{
	const char *path = path_of(number);
	cleanup_close int fd = path ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
			       st.st_rdev == number
		       ? take_fd(&fd)
		       : -ENXIO;
}

int devices_open(int inode, int flags)
{
	char path[DESCRIPTOR_PATH];
	cleanup_close int host = -1;
	struct devices_node node;
	int fd;

	if (fstat(inode, &node.st) < 0 || !S_ISCHR(node.st.st_mode))
		return -ENXIO;
	host = host_node(node.st.st_rdev);
	if (host < 0 || statx(inode, "", AT_EMPTY_PATH, STATX_ALL, &node.stx) < 0)
		return -ENXIO;
	fd = open(descriptor_path(host, path),
		(flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW | O_NOATIME)) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	remember(fd, &node);
	return fd;
}
