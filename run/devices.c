/* SPDX-License-Identifier: MIT */
#include "run/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
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

int devices_open(int inode, int flags)
{
	char path[DESCRIPTOR_PATH];
	cleanup_close int node = -1;
	struct stat shown, st;
	const char *name;
	int fd;

	if (fstat(inode, &shown) < 0 || !S_ISCHR(shown.st_mode))
		return -ENXIO;
	name = path_of(shown.st_rdev);
	/* What this host has there is looked at before it is opened. */
	node = name ? open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (node < 0 || fstat(node, &st) < 0 || !S_ISCHR(st.st_mode) ||
		st.st_rdev != shown.st_rdev)
		return -ENXIO;
	fd = open(descriptor_path(node, path),
		(flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW | O_NOATIME)) | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
