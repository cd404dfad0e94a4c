/* SPDX-License-Identifier: MIT */
/* What `-o` of mount and of a line in fstab(5) can say. */
#ifndef FS_MOUNT_OPTIONS_H
#define FS_MOUNT_OPTIONS_H

#include "fs/engine.h"

struct mount_options {
	struct engine_options engine;
	bool allow_other; /* others may use the view; the kernel then checks permissions
			   */
	bool debug;       /* libfuse prints each message */
	unsigned threads; /* 0: one a processor */
	char user[33];    /* setuid=: run as that user; "" as the caller */
	char db[4096];    /* db=: where the database is; "" beside the staging tree */
	char kernel[256]; /* for the kernel: "ro,noexec", comma-separated */
};

/* No options yet: the defaults, with SOURCE_DATE_EPOCH from the environment. */
int mount_options_init(struct mount_options *m, struct err *e);

/*
 * Adds comma-separated options ("\," is a comma in a value) to m. With fstab, the words
 * that mount(8) itself acts on (noauto, user, x-…) are passed over. "rw" is refused, also
 * there: mount(8) says it for a line that does not say "ro". An unknown option is an
 * error that names it.
 */
int mount_options_parse(
	struct mount_options *m, const char *text, bool fstab, struct err *e);

/* "UID:GID" in numbers; 0 or -1. */
int mount_options_owner(const char *text, uint32_t *uid, uint32_t *gid);

#endif
