/* SPDX-License-Identifier: MIT */
/* What `-o` of mount and of a line in fstab(5) can say. */
#ifndef FS_MOUNT_OPTIONS_H
#define FS_MOUNT_OPTIONS_H

#include "fs/engine.h"
#include "fs/hold.h"

struct mount_options {
	struct engine_options engine;
	bool allow_other;  /* others may use the view; the kernel then checks permissions
			    */
	bool writable;     /* a view that writes; set by mount_options_check() */
	bool label_new;    /* policy: label files when they are made */
	bool debug;        /* libfuse prints each message */
	bool stats;        /* messages are counted, see fs/stats.h */
	bool supervised;   /* by run/: labels are answered past the kernel */
	struct hold *hold; /* of the session whose programs use it; NULL: strangers */
	unsigned threads;  /* 0: one a processor */
	char user[33];     /* setuid=: run as that user; "" as the caller */
	char db[4096];     /* db=: where the database is; "" beside the staging tree */
	char policy[4096]; /* policy=, as --policy of label; "" the tree's own */
	char kernel[256];  /* for the kernel: "ro,noexec", comma-separated */
	/* What was said, for mount_options_check(). */
	bool fstab, said_ro, said_rw, said_writable, said_clamp;
};

/* No options yet: the defaults, with SOURCE_DATE_EPOCH from the environment. */
int mount_options_init(struct mount_options *m, struct err *e);

/*
 * Adds comma-separated options ("\," is a comma in a value) to m. With fstab, the words
 * that mount(8) itself acts on (noauto, user, x-…) are passed over. An unknown option is
 * an error that names it.
 */
int mount_options_parse(
	struct mount_options *m, const char *text, bool fstab, struct err *e);

/*
 * When all is parsed: refuses what does not go together, and settles whether the view
 * writes. mount(8) says "rw" for each line of fstab that does not say "ro", which must
 * make no view writable by itself: there, "writable" is the word.
 */
int mount_options_check(struct mount_options *m, struct err *e);

/* "UID:GID" in numbers; 0 or -1. */
int mount_options_owner(const char *text, uint32_t *uid, uint32_t *gid);

#endif
