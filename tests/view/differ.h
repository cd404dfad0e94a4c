/* SPDX-License-Identifier: MIT */
/* What the two sides differ in, and which differences are known. */
#ifndef TESTS_VIEW_DIFFER_H
#define TESTS_VIEW_DIFFER_H

#include "tests/view/op.h"

#define FIELDS(X)                                                                        \
	X(ERROR, "the error")                                                            \
	X(RETURN, "the value returned")                                                  \
	X(TEXT, "what was read")                                                         \
	X(PRESENT, "whether it is there")                                                \
	X(MODE, "type and mode")                                                         \
	X(UID, "the owner")                                                              \
	X(GID, "the group")                                                              \
	X(NLINK, "the link count")                                                       \
	X(SIZE, "the size")                                                              \
	X(RDEV, "the device number")                                                     \
	X(ATIME, "the access time")                                                      \
	X(MTIME, "the modification time")                                                \
	X(MTIME_MOVES, "whether the modification time changed")                          \
	X(CTIME_MOVES, "whether the change time changed")                                \
	X(LINE, "a line of the tree")

enum field {
#define X(name, text) FIELD_##name,
	FIELDS(X)
#undef X
	FIELD_COUNT
};

struct difference {
	const struct op *op;
	const struct result *view;
	const struct result *native;
	enum field field;
	enum subject about;
	const char *view_line;
	const char *native_line;
	uid_t user; /* the view's */
};

/* How both sides come together again, where a known difference took them apart. */
enum remedy {
	REMEDY_NONE,
	REMEDY_SIDE,   /* the view does it by its side channel, and must get what root got
			*/
	REMEDY_UNLINK, /* the name that only root could make goes */
	REMEDY_CLOSE,  /* the file that only root could open is closed */
	REMEDY_TRUNCATE, /* the file is emptied */
	REMEDY_REWIND,   /* both go to the file's start */
	REMEDY_MODE,     /* the view gets root's mode by chmod */
};

struct known {
	const char *name; /* as in docs/writing.md */
	const char *reason;
	bool (*is)(const struct difference *d);
	enum remedy remedy;
	bool lifted; /* a program that `livery run` starts is given it */
	unsigned long count;
};

extern struct known known[];
extern const size_t known_count;
extern const char *const field_names[FIELD_COUNT];

struct comparison {
	bool is_view; /* else no difference is known */
	bool is_run;  /* what `livery run` lifts is not known either */
	uid_t user;
	time_t started;
	bool fine_clock;            /* each change of a file changes its ctime */
	const struct known *remedy; /* out: what to do now */
	unsigned long unknown;      /* differences that are not known */
	void (*report)(const struct difference *d);
};

void compare(struct comparison *c, const struct op *op, const struct result *view,
	const struct result *native);
void describe_difference(FILE *out, const struct difference *d, time_t started);
void print_known(FILE *out, const struct comparison *c);

#endif
