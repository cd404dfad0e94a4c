/* SPDX-License-Identifier: MIT */
/*
 * What POSIX (and Linux, where POSIX leaves it open) says of files, as root finds it on a
 * filesystem of its own. Each test is one line of TAP and one process in an empty
 * directory of its own: descriptors, locks, umask and limits end with it. The first check
 * that does not hold ends the test.
 */
#ifndef TESTS_VIEW_POSIX_H
#define TESTS_VIEW_POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef void posix_fn(const void *arg);

/* Adds a test. The argument is handed to the function as it is. */
void posix_add(posix_fn *fn, const void *arg, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* TEST(id, "name") { … }: one test. TESTS(id) { … }: adds tests made from tables. */
#define TEST(id, name)                                                                   \
	static void id(const void *arg);                                                 \
	__attribute__((constructor)) static void add_##id(void)                          \
	{                                                                                \
		posix_add(id, NULL, "%s", name);                                         \
	}                                                                                \
	static void id(const void *arg __attribute__((unused)))
#define TESTS(id) __attribute__((constructor)) static void id(void)

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Whom new files belong to. */
extern uid_t new_uid;
extern gid_t new_gid;

/* Ends the test. The error is what a call failed with, 0 where none did. */
_Noreturn void posix_fail(const char *file, int line, int error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

long long check_works(const char *file, int line, const char *text, long long result);
void check_fails(const char *file, int line, const char *text, int want, int or_this,
	long long result);
void check_is(
	const char *file, int line, const char *text, long long got, long long want);

/* The call works; its result. It fails so, or in one of two ways that are allowed. */
#define works(call)          check_works(__FILE__, __LINE__, #call, (call))
#define fails(call, want)    check_fails(__FILE__, __LINE__, #call, want, 0, (call))
#define fails_or(call, a, b) check_fails(__FILE__, __LINE__, #call, a, b, (call))
#define is(got, want)        check_is(__FILE__, __LINE__, #got " is " #want, got, want)
#define that(cond)           check_is(__FILE__, __LINE__, #cond, !!(cond), 1)

/* Everything that an ordinary user can make. FULL is a directory with something in it. */
enum kind {
	REGULAR,
	DIRECTORY,
	FULL,
	SYMLINK,
	FIFO,
	SOCKET,
	KINDS
};
extern const char *const kind_names[KINDS];
mode_t kind_type(enum kind kind);
void make(enum kind kind, const char *path);
static inline bool is_dir(enum kind kind)
{
	return kind == DIRECTORY || kind == FULL;
}

void put(const char *path, const char *text);   /* a file with this content */
void holds(const char *path, const char *text); /* it has this content, and no more */
struct stat of(const char *path);               /* lstat */
struct stat of_fd(int fd);
bool missing(const char *path);
int open_rw(const char *path); /* created, should it not be there */
/* Of that many bytes; the next call overwrites it. */
const char *long_name(size_t len);
/* "./././…name" of that many bytes. */
const char *long_path(size_t len, const char *name);
char *bad_pointer(void); /* no memory is there */

/* Time goes on, so that what is changed from here on has later times. */
void tick(void);
enum {
	MTIME = 1,
	CTIME = 2
};
/* These times are later than they were, the other of the two is as it was. */
void moved_on(const char *path, const struct stat *before, int which);
void moved_on_fd(int fd, const struct stat *before, int which);

/* Runs the function in another process: 0, or the error that it returned. */
int elsewhere(int (*fn)(const char *path), const char *path);
/* How a child ended: its status, or 256. */
int joined(pid_t pid);

/* What an ordinary user's process is not given through FUSE; posix_deviations.c. */
struct deviation {
	const char *test;
	int error; /* what the call fails with; 0: it works, but with another result */
	unsigned int when; /* all of these hold */
	bool lifted;       /* a program that `livery run` starts is given it */
	const char *reason;
};
enum {
	FOREIGN = 1,   /* new files are shown as somebody else's */
	HARDLINKS = 2, /* fs.protected_hardlinks is set, as it is nearly everywhere */
	ACL_CHECK = 4, /* Linux 6.2 or later */
};
extern const struct deviation deviations[];
extern const size_t deviation_count;

#endif
