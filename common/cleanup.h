/* SPDX-License-Identifier: MIT */
/*
 * Owned resources that end with their scope. A function uses these or `goto out`, never
 * both. To hand a resource to the caller, take it out first: take_ptr(), take_fd().
 */
#ifndef COMMON_CLEANUP_H
#define COMMON_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_p(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_p(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

static inline void cleanup_fclose_p(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define cleanup_free     __attribute__((cleanup(cleanup_free_p)))
#define cleanup_close    __attribute__((cleanup(cleanup_close_p)))
#define cleanup_fclose   __attribute__((cleanup(cleanup_fclose_p)))
#define cleanup_closedir __attribute__((cleanup(cleanup_closedir_p)))

static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

#define take_ptr(p)                                                                      \
	({                                                                               \
		__typeof__(p) take_ = (p);                                               \
		(p) = NULL;                                                              \
		take_;                                                                   \
	})

#endif
