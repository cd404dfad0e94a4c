/* SPDX-License-Identifier: MIT */
/* An image of a tree, made by the stock tool of its format. */
#ifndef PACK_MAKE_H
#define PACK_MAKE_H

#include "fs/engine.h"
#include "pack/format.h"
#include "pack/identity.h"
#include "pack/tool.h"

struct making {
	const struct format *format;
	const struct listing *listing;
	const struct identity *id;
	const char *out;         /* the file, there and empty */
	char *const *options;    /* for the tool, end with NULL */
	uint64_t size;           /* bytes of an ext image; 0: chosen */
	void (*tick)(void *arg); /* called while a tool runs; or NULL */
	void *tick_arg;
};

/*
 * From a directory: a view, or for ext also the plain staging tree, since there all that
 * a view shows is written into the image afterwards.
 */
int make_from_directory(const struct making *m, const char *dir, struct err *e);

/* From a stream of the engine's tree: tar and cpio, squashfs, and erofs from 1.7 on. */
int make_from_stream(const struct making *m, struct engine *en, struct err *e);

/* Whether the second way is there; ERR_SYS or ERR_REFUSED says what is missing. */
int make_check_stream(const struct format *f, struct err *e);

#endif
