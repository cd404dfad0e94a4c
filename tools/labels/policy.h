/* SPDX-License-Identifier: MIT */
/* Where the policy is that labels a tree. */
#ifndef TOOLS_LABELS_POLICY_H
#define TOOLS_LABELS_POLICY_H

#include <limits.h>

#include "fs/stage.h"
#include "labeler/labeler.h"

/*
 * Opens the policy at path: a file_contexts file, a directory that holds one, or a policy
 * directory with contexts/files/file_contexts. With path NULL, the one that the staging
 * tree carries: etc/selinux/TYPE/contexts/files with SELINUXTYPE of etc/selinux/config,
 * or without that file the only one there is. Never follows a link in the staging tree.
 */
int policy_open(struct labeler **out, const struct stage *stage, const char *path,
	const struct labeler_options *options, struct err *e);

/*
 * The policy type of a staging tree: SELINUXTYPE of etc/selinux/config, or without that
 * file the one directory in etc/selinux that carries a file_contexts. Returns how many
 * such types there are, of which type is set only where it is 1; or -1.
 */
int policy_type(const struct stage *stage, char type[NAME_MAX + 1], struct err *e);

/*
 * The options --semantics (3.4, 3.8, 3.8.1, 3.11) and --engine (matcher, libselinux).
 * Returns 0 or -1.
 */
int policy_option(struct labeler_options *o, int key, const char *value, struct err *e);

/* --prefix: absolute and clean, "/" where value is NULL. To be freed; NULL with e set. */
char *policy_prefix(const char *value, struct err *e);

#endif
