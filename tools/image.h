/* SPDX-License-Identifier: MIT */
/* From a staging tree to an image. */
#ifndef TOOLS_IMAGE_H
#define TOOLS_IMAGE_H

#include <stdbool.h>

#include "fs/engine.h"
#include "image/compare.h"
#include "pack/disk.h"
#include "pack/verity.h"
#include "tools/locate.h"

struct image_request {
	const char *type, *out;
	struct engine_options engine; /* with what --drop leaves out */
	uint64_t size;                /* bytes, of an ext image; 0: what it needs */
	enum disk_kind disk;
	bool without_fuse, no_verify, allow_unlabeled;
	bool verity;           /* behind the image … */
	const char *hash_file; /* … or here */
	char *const *options;  /* for the tool, end with NULL */
};

struct image_result {
	char digest[MANIFEST_DIGEST_SIZE];
	uint64_t names;
	uint64_t bytes;  /* of the file */
	const char *way; /* how it was made, in words */
	bool verified;
	struct verity verity; /* where it was asked for */
};

int image_make(const struct place *p, const struct image_request *r,
	struct image_result *out, struct err *e);

/* "labels", "acls" or "xattrs" (all attributes), comma-separated, for --drop. */
int image_parse_drop(const char *text, struct engine_options *o, struct err *e);

/*
 * Lists an image and calls back for each point in which it differs from expected. Returns
 * how many there are, or -1.
 */
long image_compare(const struct listing *expected, const char *path, compare_fn *fn,
	void *arg, struct err *e);

#endif
