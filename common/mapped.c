/* SPDX-License-Identifier: MIT */
#include "common/mapped.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

bool mapped_wants_room(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == BTRFS_SUPER_MAGIC;
}

void mapped_in_place(int fd)
{
	int flags;

	if (!mapped_wants_room(fd) || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_NOCOW_FL;
	/* Where it is refused, all is as before. */
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}
