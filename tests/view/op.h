/* SPDX-License-Identifier: MIT */
/*
 * The differential test of views that write. One operation, as it is sent to two workers,
 * and what came of it; both lie in memory that the processes share. One worker is an
 * ordinary user in a view, the other is root in a native directory.
 */
#ifndef TESTS_VIEW_OP_H
#define TESTS_VIEW_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define KINDS(X)                                                                         \
	X(OPEN, "open")                                                                  \
	X(CLOSE, "close")                                                                \
	X(READ, "read")                                                                  \
	X(PREAD, "pread")                                                                \
	X(WRITE, "write")                                                                \
	X(PWRITE, "pwrite")                                                              \
	X(MAP_READ, "mmap-read")                                                         \
	X(MAP_WRITE, "mmap-write")                                                       \
	X(TRUNCATE, "truncate")                                                          \
	X(FTRUNCATE, "ftruncate")                                                        \
	X(FALLOCATE, "fallocate")                                                        \
	X(SEEK, "lseek")                                                                 \
	X(COPY, "copy_file_range")                                                       \
	X(FSYNC, "fsync")                                                                \
	X(FDATASYNC, "fdatasync")                                                        \
	X(FLOCK, "flock")                                                                \
	X(LOCK, "fcntl-setlk")                                                           \
	X(GETLOCK, "fcntl-getlk")                                                        \
	X(STATFS, "statfs")                                                              \
	X(MKDIR, "mkdir")                                                                \
	X(RMDIR, "rmdir")                                                                \
	X(MKNOD, "mknod")                                                                \
	X(SYMLINK, "symlink")                                                            \
	X(READLINK, "readlink")                                                          \
	X(LINK, "link")                                                                  \
	X(LINK_SLOT, "link-open-file")                                                   \
	X(UNLINK, "unlink")                                                              \
	X(RENAME, "rename")                                                              \
	X(LIST, "readdir")                                                               \
	X(LIST_SLOT, "readdir-open")                                                     \
	X(CLEAR, "readdir-and-unlink")                                                   \
	X(CHMOD, "chmod")                                                                \
	X(FCHMOD, "fchmod")                                                              \
	X(CHOWN, "chown")                                                                \
	X(FCHOWN, "fchown")                                                              \
	X(UTIMENS, "utimensat")                                                          \
	X(FUTIMENS, "futimens")                                                          \
	X(ACCESS, "faccessat")                                                           \
	X(STAT, "stat")                                                                  \
	X(FSTAT, "fstat")                                                                \
	X(SETXATTR, "setxattr")                                                          \
	X(GETXATTR, "getxattr")                                                          \
	X(LISTXATTR, "listxattr")                                                        \
	X(REMOVEXATTR, "removexattr")                                                    \
	X(UMASK, "umask")                                                                \
	X(SCAN, "whole-tree")                                                            \
	X(RESET, "reset")                                                                \
	X(END, "end")

enum kind {
#define X(name, text) OP_##name,
	KINDS(X)
#undef X
	OP_KINDS
};

#define SLOTS     12          /* files that each worker keeps open */
#define PATH_ROOM 4400        /* longer than the kernel takes */
#define IO_MAX    20000       /* bytes that one call reads or writes */
#define FILE_MAX  (256 << 10) /* files hardly grow beyond this */
#define TEXT_MAX  (4 << 20)

/* What a worker looks at around the call. */
enum look {
	LOOK_BEFORE = 1,
	LOOK_AFTER = 2
};

struct op {
	enum kind kind;
	int look;
	int slot;  /* the open file that is acted on, or -1 */
	int slot2; /* another one, or -1 */
	int dir;   /* the slot that `path` starts from, or -1: the root of the tree */
	int dir2;
	int flags;
	unsigned mode;
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	off_t off;
	off_t off2;
	size_t len;
	uint64_t seed; /* of the bytes that are written */
	bool side;     /* through the view's side channel */
	bool has_path;
	bool has_path2;
	struct timespec times[2];
	char path[PATH_ROOM];
	char path2[PATH_ROOM]; /* or a symbolic link's target */
	char name[300];        /* of an attribute */
	unsigned char value[512];
	size_t value_len;
};

/* What fstat() says of one of the files around a call. */
struct brief {
	int err; /* 0, or why there is nothing */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	nlink_t nlink;
	off_t size;
	dev_t rdev;
	struct timespec atime;
	struct timespec mtime;
	struct timespec ctime;
};

#define SUBJECTS(X)                                                                      \
	X(PATH, "the path")                                                              \
	X(PATH2, "the second path")                                                      \
	X(SLOT, "the open file")                                                         \
	X(SLOT2, "the second open file")                                                 \
	X(PARENT, "the parent directory")                                                \
	X(PARENT2, "the second parent directory")

enum subject {
#define X(name, text) ABOUT_##name,
	SUBJECTS(X)
#undef X
	ABOUT_COUNT
};

struct result {
	long long ret;
	int err; /* 0 where the call succeeded */
	bool looked[ABOUT_COUNT];
	struct brief before[ABOUT_COUNT];
	struct brief after[ABOUT_COUNT];
	bool is_data; /* the text is a file's bytes */
	size_t len;
	char text[TEXT_MAX];
};

extern const char *const kind_names[OP_KINDS];
extern const char *const subject_names[ABOUT_COUNT];

/* In words, for people. */
void describe_op(FILE *out, const struct op *op);
void describe_bytes(FILE *out, const char *bytes, size_t len);
const char *error_name(int err);

#endif
