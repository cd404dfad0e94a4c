/* SPDX-License-Identifier: MIT */
/*
 * An image from arbitrary bytes, listed twice: without content, and with that of all
 * files that are small. What was read must then be a tree.
 */
#ifndef TESTS_FUZZ_LISTING_H
#define TESTS_FUZZ_LISTING_H

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/source.h"

#define INPUT_MAX   (1 << 17)
#define CONTENT_MAX (1 << 20)

typedef int reader_fn(struct listing *l, int fd, struct err *e);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check(const struct listing *l)
{
	if (l->count == 0 || *l->entries[0].path)
		abort();
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_inode *in = l->entries[i].inode;

		if (listing_find(l, l->entries[i].path) != &l->entries[i] || !in->first ||
			in->names == 0 || in->mtime_ns >= 1000000000 ||
			(S_ISLNK(in->mode) != (in->target != NULL)) ||
			(in->digested && !S_ISREG(in->mode)))
			abort();
		if (i && listing_compare_paths(
				 l->entries[i - 1].path, l->entries[i].path) >= 0)
			abort();
	}
}

static inline int list_once(
	struct listing *l, const struct listing *expected, int fd, reader_fn *read_it)
{
	struct err e = {0};
	int rc;

	if (lseek(fd, 0, SEEK_SET) < 0 || listing_init(l, "IMAGE", &e) < 0)
		err(1, "prepare");
	l->expected = expected;
	rc = read_it(l, fd, &e);
	if (rc < 0 && (e.code == ERR_NONE || strncmp(e.msg, "IMAGE: ", 7) != 0))
		abort();
	if (rc == 0)
		check(l);
	return rc;
}

static inline int list_input(const uint8_t *data, size_t size, reader_fn *read_it)
{
	struct listing none = {0}, names, all;
	struct err e = {0};
	int fd, rc;

	if (size > INPUT_MAX)
		return 0;
	fd = memfd_create("image", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
		listing_init(&none, "EXPECTED", &e) < 0)
		err(1, "memfd");
	rc = list_once(&names, &none, fd, read_it);
	if (rc == 0) {
		uint64_t left = CONTENT_MAX;

		for (size_t i = 0; i < names.count; i++) {
			struct listing_inode *in = names.entries[i].inode;

			if (S_ISREG(in->mode) && in->size > left)
				in->mode = 0; /* no file: its content is not asked for */
			else if (S_ISREG(in->mode))
				left -= in->size;
		}
		list_once(&all, &names, fd, read_it);
		listing_free(&all);
	}
	listing_free(&names);
	listing_free(&none);
	close(fd);
	return 0;
}

#endif
