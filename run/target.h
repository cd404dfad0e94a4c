/* SPDX-License-Identifier: MIT */
/*
 * The thread whose call is held back: its memory and what it has open. It may be killed
 * at any moment, and its memory may change while it is read: what is read is read once,
 * and then used. Addresses and numbers are the target's own.
 *
 * Functions that return int give 0 (or what they say) and -errno. -EIO stands for what
 * this process may not see of it.
 */
#ifndef RUN_TARGET_H
#define RUN_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct target {
	pid_t tid; /* of the thread */
};

/* Exactly size bytes; -EFAULT where they are not all there. */
int target_read(const struct target *t, uint64_t address, void *to, size_t size);
int target_write(const struct target *t, uint64_t address, const void *from, size_t size);

/*
 * A structure that programs may know in a longer form, of which size bytes are given
 * (copy_struct_from_user() of the kernel): *to has the first known ones, and others must
 * be zero. -EINVAL where there are fewer, -E2BIG.
 */
int target_read_struct(
	const struct target *t, uint64_t address, uint64_t size, void *to, size_t known);

/* A string with its NUL, of at most size bytes with it: its length, or -ENAMETOOLONG. */
int target_string(const struct target *t, uint64_t address, char *to, size_t size);

/* Opens "/proc/TID/NAME" with O_PATH: "cwd", "root", "fd/7". */
int target_open(const struct target *t, const char *name);

/* What statx(2) says of the same, as far as it needs nobody to be asked. */
int target_look(
	const struct target *t, const char *name, unsigned mask, struct statx *st);

/* A descriptor of the target's, opened with O_PATH here. -EBADF: it has none such. */
int target_fd(const struct target *t, int fd);

/*
 * -EXDEV where a descriptor's inode is not on that filesystem (st_dev); 0 where it is, or
 * cannot be looked at.
 */
int target_fd_device(const struct target *t, int fd, uint64_t dev);

/* 1 where a descriptor was opened with O_PATH, 0 where not. */
int target_fd_is_path(const struct target *t, int fd);

/* The mask of umask(2). */
int target_umask(const struct target *t, uint32_t *mask);

/* The number of the process that the thread belongs to. */
int target_process(const struct target *t, pid_t *pid);

/* Those of process and thread in the pid namespace that they are in. */
int target_own_numbers(const struct target *t, pid_t *process, pid_t *thread);

/* How many filters (seccomp(2)) are on it. */
int target_filters(const struct target *t, long *count);

#endif
