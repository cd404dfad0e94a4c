/* SPDX-License-Identifier: MIT */
/* What open descriptors are good for besides reading and writing. */
#ifndef COMMON_DESCRIPTOR_H
#define COMMON_DESCRIPTOR_H

#include <stdio.h>
#include <sys/resource.h>

#define DESCRIPTOR_PATH 32 /* bytes of "/proc/self/fd/N", with NUL */

/* Its path, for calls that take no descriptor of that kind (O_PATH). Returns path. */
static inline const char *descriptor_path(int fd, char path[DESCRIPTOR_PATH])
{
	snprintf(path, DESCRIPTOR_PATH, "/proc/self/fd/%d", fd);
	return path;
}

/* As many as this process may have. Where that cannot be had, it stays as it is. */
static inline void descriptor_raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

#endif
