/* SPDX-License-Identifier: MIT */
/* The binary policy by which the labels of a tree are checked. */
#ifndef TOOLS_LABELS_POLICY_BINARY_H
#define TOOLS_LABELS_POLICY_BINARY_H

#include "fs/stage.h"
#include "labeler/check.h"

/*
 * Opens the binary policy at path; with path NULL the one that the staging tree carries
 * for its type (see policy.h): etc/selinux/TYPE/policy/policy.N with the highest N that
 * libsepol can read. Where all are newer than that, or older, it is an error; where there
 * is none, *out is NULL. Never follows a link in the staging tree. Returns 0 or -1.
 */
int policy_binary_open(struct label_check **out, const struct stage *stage,
	const char *path, struct err *e);

#endif
